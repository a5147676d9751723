//! What each operator and function of a formula means, in numbers.
//!
//! The meaning is Python's (`%` takes the sign of the divisor, `min` keeps the first of equals), except that where Python
//! raises an error (1/0, log(-1), an overflow) the value is IEEE's: infinite or NaN. Truth is 1, falsehood 0.

/// Functions and operators of one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Unary {
    Negate,
    Not,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Exp,
    Log,
    Log10,
    Sqrt,
    Abs,
    Sign,
    Floor,
    Ceil,
}

/// Functions and operators of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    Minimum,
    Maximum,
    Atan2,
    Heaviside,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    And,
    Or,
}

/// What a name in front of a parenthesis calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    /// one argument
    Unary(Unary),
    /// two arguments
    Binary(Binary),
    /// two or more arguments, folded from the left
    Fold(Binary),
    /// `heaviside(x)` or `heaviside(x, value_at_0)`
    Heaviside,
    /// `where(condition, then, otherwise)`
    Where,
}

/// Every function by name.
pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("sin", Function::Unary(Unary::Sin)),
    ("cos", Function::Unary(Unary::Cos)),
    ("tan", Function::Unary(Unary::Tan)),
    ("asin", Function::Unary(Unary::Asin)),
    ("acos", Function::Unary(Unary::Acos)),
    ("atan", Function::Unary(Unary::Atan)),
    ("sinh", Function::Unary(Unary::Sinh)),
    ("cosh", Function::Unary(Unary::Cosh)),
    ("tanh", Function::Unary(Unary::Tanh)),
    ("exp", Function::Unary(Unary::Exp)),
    ("log", Function::Unary(Unary::Log)),
    ("log10", Function::Unary(Unary::Log10)),
    ("sqrt", Function::Unary(Unary::Sqrt)),
    ("abs", Function::Unary(Unary::Abs)),
    ("sign", Function::Unary(Unary::Sign)),
    ("floor", Function::Unary(Unary::Floor)),
    ("ceil", Function::Unary(Unary::Ceil)),
    ("min", Function::Fold(Binary::Minimum)),
    ("max", Function::Fold(Binary::Maximum)),
    ("atan2", Function::Binary(Binary::Atan2)),
    ("pow", Function::Binary(Binary::Power)),
    ("heaviside", Function::Heaviside),
    ("where", Function::Where),
];

impl Unary {
    /// The value at `a`.
    #[inline]
    pub(super) fn apply(self, a: f64) -> f64 {
        match self {
            Unary::Negate => -a,
            Unary::Not => truth(a == 0.0),
            Unary::Sin => a.sin(),
            Unary::Cos => a.cos(),
            Unary::Tan => a.tan(),
            Unary::Asin => a.asin(),
            Unary::Acos => a.acos(),
            Unary::Atan => a.atan(),
            Unary::Sinh => a.sinh(),
            Unary::Cosh => a.cosh(),
            Unary::Tanh => a.tanh(),
            Unary::Exp => a.exp(),
            Unary::Log => a.ln(),
            Unary::Log10 => a.log10(),
            Unary::Sqrt => a.sqrt(),
            Unary::Abs => a.abs(),
            Unary::Sign if a == 0.0 || a.is_nan() => a,
            Unary::Sign => a.signum(),
            Unary::Floor => a.floor(),
            Unary::Ceil => a.ceil(),
        }
    }
}

impl Binary {
    /// The value at `a`, `b`.
    #[inline]
    pub(super) fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Binary::Add => a + b,
            Binary::Subtract => a - b,
            Binary::Multiply => a * b,
            Binary::Divide => a / b,
            Binary::FloorDivide => floor_divide(a, b),
            Binary::Modulo => modulo(a, b),
            Binary::Power => a.powf(b),
            Binary::Minimum if b < a => b,
            Binary::Maximum if b > a => b,
            Binary::Minimum | Binary::Maximum => a,
            Binary::Atan2 => a.atan2(b),
            Binary::Heaviside if a.is_nan() => a,
            Binary::Heaviside if a == 0.0 => b,
            Binary::Heaviside => truth(a > 0.0),
            Binary::Less => truth(a < b),
            Binary::LessEqual => truth(a <= b),
            Binary::Greater => truth(a > b),
            Binary::GreaterEqual => truth(a >= b),
            Binary::Equal => truth(a == b),
            Binary::NotEqual => truth(a != b),
            Binary::And => truth(a != 0.0 && b != 0.0),
            Binary::Or => truth(a != 0.0 || b != 0.0),
        }
    }

    /// How it is written between its operands; `None` for one that is called by name.
    pub(super) fn symbol(self) -> Option<&'static str> {
        Some(match self {
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Multiply => "*",
            Binary::Divide => "/",
            Binary::FloorDivide => "//",
            Binary::Modulo => "%",
            Binary::Power => "**",
            Binary::Less => "<",
            Binary::LessEqual => "<=",
            Binary::Greater => ">",
            Binary::GreaterEqual => ">=",
            Binary::Equal => "==",
            Binary::NotEqual => "!=",
            Binary::And => "and",
            Binary::Or => "or",
            Binary::Minimum | Binary::Maximum | Binary::Atan2 | Binary::Heaviside => return None,
        })
    }
}

/// The name under which `wanted` is called; empty for an operator.
pub(super) fn function_name(wanted: impl Fn(Function) -> bool) -> &'static str {
    FUNCTIONS.iter().find(|(_, f)| wanted(*f)).map_or("", |(name, _)| name)
}

fn truth(condition: bool) -> f64 {
    if condition { 1.0 } else { 0.0 }
}

/// Python's float `%`: the remainder with the sign of the divisor.
fn modulo(a: f64, b: f64) -> f64 {
    let r = a % b;
    if r == 0.0 {
        0.0_f64.copysign(b)
    } else if (r < 0.0) != (b < 0.0) {
        r + b
    } else {
        r
    }
}

/// Python's float `//`, rounded the way CPython rounds it.
fn floor_divide(a: f64, b: f64) -> f64 {
    let r = a % b;
    let mut quotient = (a - r) / b;
    if r != 0.0 && (r < 0.0) != (b < 0.0) {
        quotient -= 1.0;
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}

//! The period of a formula in the fast variable, found rather than asked for.
//!
//! Two sources: the formula's structure gives the frequencies in it (sin(c y), y % m); sampling then confirms a candidate.
//! Structure alone would miss `y - floor(y)`, sampling alone would take `where(y < 0.3, ...)` for quasi-periodic.

use super::expression::Node;
use super::formula::Formula;
use super::operators::{Binary, Unary};

/// What a formula does along y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Periodicity {
    /// a(x, y + P) = a(x, y)
    Periodic(f64),
    /// sums and functions of periods without a common multiple
    QuasiPeriodic,
    /// neither, as far as one can tell
    Neither,
}

/// Common periods up to this many times a single one are looked for.
const MULTIPLES: usize = 64;
/// Points at which a candidate is tried.
const TRIALS: usize = 97;
/// Points from -2 to 2 at which it is tried where the structure says nothing.
const DENSE: usize = 2048;

/// Classifies `formula`, a function of (x, y), for x in `x_domain`.
pub(super) fn periodicity(formula: &Formula, x_domain: [f64; 2]) -> Periodicity {
    if !formula.depends_on("y") {
        return Periodicity::Periodic(1.0);
    }
    let structure = frequencies(formula);
    // a frequency that depends on x has no period for all x
    if structure.iter().flatten().any(|f| f.is_nan()) {
        return Periodicity::QuasiPeriodic;
    }
    let single: Vec<f64> = structure.iter().flatten().copied().filter(|f| f.is_finite() && *f > 0.0).collect();
    let slowest = single.iter().copied().fold(f64::INFINITY, f64::min);
    let own = (1..=MULTIPLES).map(|k| k as f64 / slowest).filter(|_| slowest.is_finite());
    let mut candidates = (1..=MULTIPLES).map(|k| k as f64).chain(own);
    let alike = |p: f64| structure.is_some() || repeats_near_zero(formula, x_domain, p);
    match candidates.find(|&p| commensurate(&single, p) && repeats(formula, x_domain, p) && alike(p)) {
        Some(period) => Periodicity::Periodic(period),
        None if structure.is_some() => Periodicity::QuasiPeriodic,
        None => Periodicity::Neither,
    }
}

fn commensurate(frequencies: &[f64], period: f64) -> bool {
    frequencies.iter().all(|f| (f * period - (f * period).round()).abs() < 1e-9 * (1.0 + f * period))
}

fn repeats(formula: &Formula, [a, b]: [f64; 2], period: f64) -> bool {
    let (golden, silver) = (0.618_033_988_749_894_9, std::f64::consts::SQRT_2);
    (0..TRIALS).all(|k| {
        // spread over several periods and the domain, and never on round numbers
        let y = (golden * k as f64).fract() * 5.0 * period - 2.0 * period;
        let x = a + (b - a) * (silver * k as f64).fract();
        let (here, there) = (formula.eval(&[x, y]), formula.eval(&[x, y + period]));
        // poles and domain errors are the positivity check's business
        !here.is_finite() || !there.is_finite() || (here - there).abs() <= 1e-7 * (1.0 + here.abs() + there.abs())
    })
}

/// A formula that is written for one cell around 0 and alike far from it on both sides repeats with any long period at points that miss the
/// cell: these do not.
fn repeats_near_zero(formula: &Formula, [a, b]: [f64; 2], period: f64) -> bool {
    (0..DENSE).all(|k| {
        let y = 4.0 * (k as f64 + 0.381_966_011_250_105) / DENSE as f64 - 2.0;
        let x = a + (b - a) * (std::f64::consts::SQRT_2 * k as f64).fract();
        let (here, there) = (formula.eval(&[x, y]), formula.eval(&[x, y + period]));
        !here.is_finite() || !there.is_finite() || (here - there).abs() <= 1e-7 * (1.0 + here.abs() + there.abs())
    })
}

/// Whether y stands only inside sin, cos, tan and %: then the formula repeats, or is quasi-periodic.
pub(super) fn recurs(formula: &Formula) -> bool {
    frequencies(formula).is_some()
}

/// How one node depends on y.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Along {
    Constant,
    /// slope·y + something without y; NaN for a slope that depends on x
    Linear(f64),
    Recurrent,
    Other,
}

/// The frequencies of a formula in which y stands only inside sin, cos, tan and %; `None` for any other.
fn frequencies(formula: &Formula) -> Option<Vec<f64>> {
    let (graph, root) = formula.graph();
    let mut along = vec![Along::Constant; root + 1];
    // values of the nodes without variables, for the slopes
    let mut values = vec![f64::NAN; root + 1];
    let mut found = Vec::new();
    for id in graph.order(root) {
        let node = graph.node(id);
        values[id] = match node {
            Node::Number(bits) => f64::from_bits(bits),
            Node::Constant(k) => formula.constants()[k].1,
            Node::Variable(_) | Node::Select(..) => f64::NAN,
            Node::Unary(op, a) => op.apply(values[a]),
            Node::Binary(op, a, b) => op.apply(values[a], values[b]),
        };
        along[id] = match node {
            Node::Variable(1) => Along::Linear(1.0),
            Node::Number(_) | Node::Constant(_) | Node::Variable(_) => Along::Constant,
            Node::Unary(Unary::Negate, a) => match along[a] {
                Along::Linear(slope) => Along::Linear(-slope),
                other => other,
            },
            Node::Unary(op, a) => match (op, along[a]) {
                (Unary::Sin | Unary::Cos | Unary::Tan, Along::Linear(slope)) => {
                    found.push(slope.abs() / std::f64::consts::TAU);
                    Along::Recurrent
                }
                (_, Along::Linear(_)) => Along::Other,
                (_, other) => other,
            },
            Node::Binary(op, a, b) => match (op, along[a], along[b]) {
                (Binary::Modulo, Along::Linear(slope), Along::Constant) => {
                    found.push((slope / values[b]).abs());
                    Along::Recurrent
                }
                (_, p, q) => combine(op, [p, q], [values[a], values[b]]),
            },
            Node::Select(c, a, b) => [along[c], along[a], along[b]].into_iter().fold(Along::Constant, nonlinear),
        };
    }
    (along[root] == Along::Recurrent).then_some(found)
}

fn combine(op: Binary, [p, q]: [Along; 2], [left, right]: [f64; 2]) -> Along {
    use Along::{Constant, Linear};
    match (op, p, q) {
        (Binary::Add, Linear(s), Linear(t)) => Linear(s + t),
        (Binary::Subtract, Linear(s), Linear(t)) => Linear(s - t),
        (Binary::Add | Binary::Subtract, Linear(s), Constant) | (Binary::Add, Constant, Linear(s)) => Linear(s),
        (Binary::Subtract, Constant, Linear(s)) => Linear(-s),
        (Binary::Multiply, Linear(s), Constant) => Linear(s * right),
        (Binary::Multiply, Constant, Linear(s)) => Linear(s * left),
        (Binary::Divide, Linear(s), Constant) => Linear(s / right),
        _ => nonlinear(p, q),
    }
}

/// Any function of both.
fn nonlinear(p: Along, q: Along) -> Along {
    use Along::{Constant, Linear, Other, Recurrent};
    match (p, q) {
        (Constant, Constant) => Constant,
        (Linear(_) | Other, _) | (_, Linear(_) | Other) => Other,
        _ => Recurrent,
    }
}

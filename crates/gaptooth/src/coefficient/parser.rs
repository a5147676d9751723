//! A precedence parser for Python-like formulas, with positions in its errors.

use super::expression::{Graph, Id, Node, binary_precedence, precedence};
use super::lexer::{Placed, Token, tokens};
use super::names;
use super::operators::{Binary, FUNCTIONS, Function, Unary};
use crate::{Error, Result};

/// Deepest nesting of brackets, signs and powers (Python's own parser stops at 200 brackets, too).
const MAX_DEPTH: usize = 200;

/// What the names in a formula may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) variables: &'a [String],
    /// includes `pi` and `e`
    pub(super) constants: &'a [(String, f64)],
}

/// Reads `text` into a graph and the id of its result.
///
/// # Errors
/// [`Error::Expression`] with the position, in characters from 0.
pub(super) fn parse(text: &str, scope: Scope<'_>) -> Result<(Graph, Id)> {
    let fail = |(position, message)| Error::Expression { text: text.into(), position, message };
    let tokens = tokens(text).map_err(fail)?;
    let mut parser = Parser { tokens, at: 0, depth: 0, scope, graph: Graph::default() };
    let root = parser.whole().map_err(fail)?;
    Ok((parser.graph, root))
}

type Parsed = std::result::Result<Id, (usize, String)>;

struct Parser<'a> {
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    scope: Scope<'a>,
    graph: Graph,
}

impl Parser<'_> {
    fn whole(&mut self) -> Parsed {
        let root = self.expression(0)?;
        match self.peek() {
            Token::End => Ok(root),
            _ => Err((self.position(), self.out_of_place())),
        }
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.at].token
    }

    fn position(&self) -> usize {
        self.tokens[self.at].position
    }

    fn take(&mut self) -> Placed {
        let taken = self.tokens[self.at].clone();
        // the end stays in place
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        taken
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let there = matches!(self.peek(), Token::Symbol(s) if *s == symbol);
        if there {
            self.take();
        }
        there
    }

    /// Everything that binds at least as tightly as `at_least`.
    fn expression(&mut self, at_least: u8) -> Parsed {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err((self.position(), format!("nested more than {MAX_DEPTH} levels deep; write it flatter")));
        }
        let mut left = self.prefix(at_least)?;
        while let Some(op) = self.infix().filter(|op| binary_precedence(*op) >= at_least) {
            left = match binary_precedence(op) {
                precedence::COMPARISON => self.comparison(left)?,
                own => {
                    self.take();
                    // a power is right associative and takes a signed exponent
                    let right = self.expression(if own == precedence::POWER { precedence::SIGN } else { own + 1 })?;
                    self.graph.push(Node::Binary(op, left, right))
                }
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    /// `a < b < c` means `a < b and b < c`.
    fn comparison(&mut self, first: Id) -> Parsed {
        let mut left = first;
        let mut all = None;
        while let Some(op) = self.infix().filter(|op| binary_precedence(*op) == precedence::COMPARISON) {
            self.take();
            let right = self.expression(precedence::COMPARISON + 1)?;
            let one = self.graph.push(Node::Binary(op, left, right));
            all = Some(all.map_or(one, |before| self.graph.push(Node::Binary(Binary::And, before, one))));
            left = right;
        }
        Ok(all.unwrap_or(first))
    }

    fn infix(&self) -> Option<Binary> {
        Some(match self.peek() {
            Token::Symbol(symbol) => match *symbol {
                "+" => Binary::Add,
                "-" => Binary::Subtract,
                "*" => Binary::Multiply,
                "/" => Binary::Divide,
                "//" => Binary::FloorDivide,
                "%" => Binary::Modulo,
                "**" | "^" => Binary::Power,
                "<" => Binary::Less,
                "<=" => Binary::LessEqual,
                ">" => Binary::Greater,
                ">=" => Binary::GreaterEqual,
                "==" => Binary::Equal,
                "!=" => Binary::NotEqual,
                _ => return None,
            },
            Token::Name(name) if name == "and" => Binary::And,
            Token::Name(name) if name == "or" => Binary::Or,
            _ => return None,
        })
    }

    fn prefix(&mut self, at_least: u8) -> Parsed {
        let Placed { token, position } = self.take();
        match token {
            Token::Number(value) => Ok(self.graph.number(value)),
            Token::Symbol("-") if at_least <= precedence::SIGN => {
                let operand = self.expression(precedence::SIGN)?;
                Ok(self.graph.push(Node::Unary(Unary::Negate, operand)))
            }
            Token::Symbol("+") if at_least <= precedence::SIGN => self.expression(precedence::SIGN),
            Token::Symbol("(") => {
                let inner = self.expression(0)?;
                self.close(position)?;
                Ok(inner)
            }
            Token::Name(name) if name == "not" && at_least <= precedence::NOT => {
                let operand = self.expression(precedence::NOT)?;
                Ok(self.graph.push(Node::Unary(Unary::Not, operand)))
            }
            Token::Name(name) if matches!(self.peek(), Token::Symbol("(")) => self.call(&name, position),
            Token::Name(name) => self.name(&name, position),
            Token::Symbol(symbol) => {
                Err((position, format!("found `{symbol}` where a number, a name or `(` should be")))
            }
            Token::End if position == 0 => Err((0, "the formula is empty; write a number or a formula".into())),
            Token::End => Err((position, "the formula ends here, but something should follow".into())),
        }
    }

    fn name(&mut self, name: &str, position: usize) -> Parsed {
        if let Some(k) = self.scope.variables.iter().position(|v| v == name) {
            return Ok(self.graph.push(Node::Variable(k)));
        }
        if let Some(k) = self.scope.constants.iter().position(|(c, _)| c == name) {
            return Ok(self.graph.push(Node::Constant(k)));
        }
        Err((position, names::unknown(name, self.scope)))
    }

    fn call(&mut self, name: &str, position: usize) -> Parsed {
        let Some((_, function)) = FUNCTIONS.iter().find(|(f, _)| *f == name) else {
            return Err((position, names::not_a_function(name, self.scope)));
        };
        let arguments = self.arguments()?;
        let count = |expected: &str| {
            let found = arguments.len();
            Err((position, format!("`{name}` takes {expected}, found {found}")))
        };
        match (*function, arguments.as_slice()) {
            (Function::Unary(op), &[a]) => Ok(self.graph.push(Node::Unary(op, a))),
            (Function::Unary(_), _) => count("1 argument"),
            (Function::Binary(op), &[a, b]) => Ok(self.graph.push(Node::Binary(op, a, b))),
            (Function::Binary(_), _) => count("2 arguments"),
            (Function::Fold(op), &[first, ref rest @ ..]) if !rest.is_empty() => {
                Ok(rest.iter().fold(first, |all, &b| self.graph.push(Node::Binary(op, all, b))))
            }
            (Function::Fold(_), _) => count("2 or more arguments"),
            (Function::Heaviside, &[a, b]) => Ok(self.graph.push(Node::Binary(Binary::Heaviside, a, b))),
            (Function::Heaviside, &[a]) => {
                let half = self.graph.number(0.5);
                Ok(self.graph.push(Node::Binary(Binary::Heaviside, a, half)))
            }
            (Function::Heaviside, _) => count("1 argument (and the value at 0, if not 0.5)"),
            (Function::Where, &[c, a, b]) => Ok(self.graph.push(Node::Select(c, a, b))),
            (Function::Where, _) => count("3 arguments: where(condition, value_if_true, value_if_false)"),
        }
    }

    fn arguments(&mut self) -> std::result::Result<Vec<Id>, (usize, String)> {
        let open = self.take().position;
        let mut found = Vec::new();
        if self.take_symbol(")") {
            return Ok(found);
        }
        loop {
            found.push(self.expression(0)?);
            if !self.take_symbol(",") {
                self.close(open)?;
                return Ok(found);
            }
        }
    }

    fn close(&mut self, open: usize) -> std::result::Result<(), (usize, String)> {
        if self.take_symbol(")") {
            return Ok(());
        }
        match self.peek() {
            Token::End => Err((open, "this `(` is never closed".into())),
            _ => Err((self.position(), self.out_of_place())),
        }
    }

    /// What to say of a complete formula followed by something that cannot follow.
    fn out_of_place(&self) -> String {
        match self.peek() {
            Token::Symbol(")") => "this `)` closes nothing".into(),
            Token::Symbol(",") => "a comma belongs between the arguments of a function".into(),
            Token::Symbol("=") => "found `=`: write `==` to compare".into(),
            Token::Name(name) if name == "if" => {
                "write where(condition, a, b) in place of `a if condition else b`".into()
            }
            Token::Name(name) => format!("an operator is missing before `{name}`; write `*` to multiply"),
            Token::Number(_) | Token::Symbol("(") => "an operator is missing here; write `*` to multiply".into(),
            Token::Symbol(symbol) => format!("`{symbol}` cannot stand here"),
            Token::End => "the formula ends here".into(),
        }
    }
}

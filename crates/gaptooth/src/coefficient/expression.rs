//! The expression graph: operations in the order in which they are computed, equal ones stored once.
//!
//! A flat list rather than a tree of boxes, so that nothing here recurses and no formula can exhaust the stack.

use std::collections::HashMap;
use std::fmt;

use super::operators::{Binary, Function, Unary, function_name};

/// Index of a node; operands always have smaller ones.
pub(super) type Id = usize;

/// One operation. Numbers are kept as bits so that nodes can be compared and hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Number(u64),
    /// index into the formula's named constants
    Constant(usize),
    /// index into the formula's variables
    Variable(usize),
    Unary(Unary, Id),
    Binary(Binary, Id, Id),
    /// condition, then, otherwise
    Select(Id, Id, Id),
}

impl Node {
    /// Up to three operands.
    pub(super) fn operands(self) -> impl Iterator<Item = Id> {
        let all = match self {
            Node::Number(_) | Node::Constant(_) | Node::Variable(_) => [None; 3],
            Node::Unary(_, a) => [Some(a), None, None],
            Node::Binary(_, a, b) => [Some(a), Some(b), None],
            Node::Select(a, b, c) => [Some(a), Some(b), Some(c)],
        };
        all.into_iter().flatten()
    }

    /// The same operation on other operands.
    pub(super) fn with_operands(self, renamed: impl Fn(Id) -> Id) -> Self {
        match self {
            Node::Unary(op, a) => Node::Unary(op, renamed(a)),
            Node::Binary(op, a, b) => Node::Binary(op, renamed(a), renamed(b)),
            Node::Select(a, b, c) => Node::Select(renamed(a), renamed(b), renamed(c)),
            leaf => leaf,
        }
    }
}

/// The operations of one or several expressions.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    index: HashMap<Node, Id>,
}

impl Graph {
    /// The id of a node, new or already there.
    pub(super) fn push(&mut self, node: Node) -> Id {
        *self.index.entry(node).or_insert_with(|| {
            self.nodes.push(node);
            self.nodes.len() - 1
        })
    }

    /// A literal.
    pub(super) fn number(&mut self, value: f64) -> Id {
        self.push(Node::Number(value.to_bits()))
    }

    /// The node of that id.
    pub(super) fn node(&self, id: Id) -> Node {
        self.nodes[id]
    }

    /// The value of a literal, a sign in front of it included.
    pub(super) fn literal(&self, id: Id) -> Option<f64> {
        match self.nodes[id] {
            Node::Number(bits) => Some(f64::from_bits(bits)),
            Node::Unary(Unary::Negate, a) => match self.nodes[a] {
                Node::Number(bits) => Some(-f64::from_bits(bits)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The ids that `root` needs, ascending: operands come before their users.
    pub(super) fn order(&self, root: Id) -> Vec<Id> {
        let mut needed = vec![false; root + 1];
        needed[root] = true;
        for id in (0..=root).rev() {
            if needed[id] {
                self.nodes[id].operands().for_each(|o| needed[o] = true);
            }
        }
        (0..=root).filter(|&id| needed[id]).collect()
    }

    /// True when `root` needs the variable.
    pub(super) fn depends_on(&self, root: Id, variable: usize) -> bool {
        self.order(root).iter().any(|&id| self.nodes[id] == Node::Variable(variable))
    }

    /// Writes `root` so that it reads back as the same function.
    pub(super) fn write(
        &self,
        root: Id,
        variables: &[String],
        constants: &[(String, f64)],
        out: &mut impl fmt::Write,
    ) -> fmt::Result {
        let mut pending = vec![Piece::Node(root, 0)];
        while let Some(piece) = pending.pop() {
            match piece {
                Piece::Text(text) => out.write_str(text)?,
                Piece::Node(id, at_least) => match self.nodes[id] {
                    Node::Number(bits) => write_number(f64::from_bits(bits), at_least, out)?,
                    Node::Constant(k) => out.write_str(&constants[k].0)?,
                    Node::Variable(k) => out.write_str(&variables[k])?,
                    node => {
                        let (pieces, precedence) = layout(node);
                        let bracket = precedence < at_least;
                        if bracket {
                            pending.push(Piece::Text(")"));
                        }
                        pending.extend(pieces.into_iter().rev());
                        if bracket {
                            pending.push(Piece::Text("("));
                        }
                    }
                },
            }
        }
        Ok(())
    }
}

/// What is still to be written.
enum Piece {
    Text(&'static str),
    /// a node that needs brackets when it binds less tightly than this
    Node(Id, u8),
}

/// How tightly each kind binds, loosest first; an atom is tighter than all.
pub(super) mod precedence {
    pub(in super::super) const OR: u8 = 1;
    pub(in super::super) const AND: u8 = 2;
    pub(in super::super) const NOT: u8 = 3;
    pub(in super::super) const COMPARISON: u8 = 4;
    pub(in super::super) const SUM: u8 = 5;
    pub(in super::super) const PRODUCT: u8 = 6;
    pub(in super::super) const SIGN: u8 = 7;
    pub(in super::super) const POWER: u8 = 8;
    pub(in super::super) const ATOM: u8 = 9;
}

/// How tightly an infix operator binds.
pub(super) fn binary_precedence(op: Binary) -> u8 {
    match op {
        Binary::Or => precedence::OR,
        Binary::And => precedence::AND,
        Binary::Add | Binary::Subtract => precedence::SUM,
        Binary::Multiply | Binary::Divide | Binary::FloorDivide | Binary::Modulo => precedence::PRODUCT,
        Binary::Power => precedence::POWER,
        Binary::Minimum | Binary::Maximum | Binary::Atan2 | Binary::Heaviside => precedence::ATOM,
        _ => precedence::COMPARISON,
    }
}

fn layout(node: Node) -> (Vec<Piece>, u8) {
    use Piece::{Node as Sub, Text};
    match node {
        Node::Unary(Unary::Negate, a) => (vec![Text("-"), Sub(a, precedence::SIGN)], precedence::SIGN),
        Node::Unary(Unary::Not, a) => (vec![Text("not "), Sub(a, precedence::NOT)], precedence::NOT),
        Node::Unary(op, a) => call(function_name(|f| f == Function::Unary(op)), &[a]),
        Node::Binary(op, a, b) => match op.symbol() {
            Some(symbol) => {
                let own = binary_precedence(op);
                let (left, right) = match own {
                    precedence::POWER => (precedence::ATOM, precedence::SIGN),
                    precedence::COMPARISON => (own + 1, own + 1),
                    _ => (own, own + 1),
                };
                let tight = own == precedence::POWER;
                let (before, after) = if tight { ("", "") } else { (" ", " ") };
                (vec![Sub(a, left), Text(before), Text(symbol), Text(after), Sub(b, right)], own)
            }
            None if op == Binary::Heaviside => call("heaviside", &[a, b]),
            None => call(function_name(|f| f == Function::Binary(op) || f == Function::Fold(op)), &[a, b]),
        },
        Node::Select(c, a, b) => call("where", &[c, a, b]),
        Node::Number(_) | Node::Constant(_) | Node::Variable(_) => (vec![], precedence::ATOM),
    }
}

fn call(name: &'static str, arguments: &[Id]) -> (Vec<Piece>, u8) {
    let mut pieces = vec![Piece::Text(name), Piece::Text("(")];
    for (i, &a) in arguments.iter().enumerate() {
        if i > 0 {
            pieces.push(Piece::Text(", "));
        }
        pieces.push(Piece::Node(a, 0));
    }
    pieces.push(Piece::Text(")"));
    (pieces, precedence::ATOM)
}

/// Shortest digits that read back as the same number. An infinity is written `1e999`, a NaN `0/0`.
fn write_number(value: f64, at_least: u8, out: &mut impl fmt::Write) -> fmt::Result {
    let own = match value {
        v if v.is_nan() => precedence::PRODUCT,
        v if v.is_sign_negative() => precedence::SIGN,
        _ => precedence::ATOM,
    };
    if own < at_least {
        out.write_char('(')?;
    }
    if value.is_nan() {
        out.write_str("0/0")?;
    } else if value.is_infinite() {
        out.write_str(if value > 0.0 { "1e999" } else { "-1e999" })?;
    } else if value == 0.0 || (1e-5..1e16).contains(&value.abs()) {
        write!(out, "{value}")?;
    } else {
        write!(out, "{value:e}")?;
    }
    if own < at_least {
        out.write_char(')')?;
    }
    Ok(())
}

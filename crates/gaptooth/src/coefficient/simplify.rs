//! Operations that leave out what changes nothing (1·a, a + 0, −(−a)) and compute what has only numbers.
//!
//! Only derivatives and rewritten formulas are built with these; a formula as the user wrote it keeps all its operations.

use super::expression::{Graph, Id, Node};
use super::operators::{Binary, Unary};

impl Graph {
    /// −a.
    pub(super) fn negate(&mut self, a: Id) -> Id {
        match (self.node(a), self.literal(a)) {
            (_, Some(value)) => self.number(-value),
            (Node::Unary(Unary::Negate, inner), _) => inner,
            _ => self.push(Node::Unary(Unary::Negate, a)),
        }
    }

    /// a + b.
    pub(super) fn add(&mut self, a: Id, b: Id) -> Id {
        match (self.literal(a), self.literal(b)) {
            (Some(p), Some(q)) => self.number(p + q),
            (Some(0.0), _) => b,
            (_, Some(0.0)) => a,
            _ => match self.node(b) {
                Node::Unary(Unary::Negate, inner) => self.subtract(a, inner),
                _ => self.push(Node::Binary(Binary::Add, a, b)),
            },
        }
    }

    /// a − b.
    pub(super) fn subtract(&mut self, a: Id, b: Id) -> Id {
        match (self.literal(a), self.literal(b)) {
            (Some(p), Some(q)) => self.number(p - q),
            (Some(0.0), _) => self.negate(b),
            (_, Some(0.0)) => a,
            _ => self.push(Node::Binary(Binary::Subtract, a, b)),
        }
    }

    /// a · b.
    pub(super) fn multiply(&mut self, a: Id, b: Id) -> Id {
        match (self.literal(a), self.literal(b)) {
            (Some(p), Some(q)) => self.number(p * q),
            (Some(1.0), _) => b,
            (_, Some(1.0)) => a,
            (Some(0.0), _) => a,
            (_, Some(0.0)) => b,
            (Some(-1.0), _) => self.negate(b),
            (_, Some(-1.0)) => self.negate(a),
            _ => self.push(Node::Binary(Binary::Multiply, a, b)),
        }
    }

    /// a / b.
    pub(super) fn divide(&mut self, a: Id, b: Id) -> Id {
        match (self.literal(a), self.literal(b)) {
            (Some(p), Some(q)) => self.number(p / q),
            (Some(0.0), _) => a,
            (_, Some(1.0)) => a,
            _ => self.push(Node::Binary(Binary::Divide, a, b)),
        }
    }

    /// aᵇ.
    pub(super) fn power(&mut self, a: Id, b: Id) -> Id {
        match self.literal(b) {
            Some(0.0) => self.number(1.0),
            Some(1.0) => a,
            _ => self.push(Node::Binary(Binary::Power, a, b)),
        }
    }
}

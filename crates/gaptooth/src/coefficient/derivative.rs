//! Symbolic derivatives, written into the same graph by one forward sweep: their size grows linearly.
//!
//! Piecewise-smooth functions get the derivative of the piece; jumps (floor, sign, comparisons) contribute nothing.

use super::expression::{Graph, Id, Node};
use super::operators::{Binary, Unary};

/// The derivative of `root` with respect to a variable.
pub(super) fn differentiate(graph: &mut Graph, root: Id, variable: usize) -> Id {
    let mut slopes: Vec<Option<Id>> = vec![None; root + 1];
    for id in graph.order(root) {
        slopes[id] = match graph.node(id) {
            Node::Number(_) | Node::Constant(_) => None,
            Node::Variable(k) => (k == variable).then(|| graph.number(1.0)),
            Node::Unary(op, a) => slopes[a].and_then(|da| graph.unary_slope(op, id, a, da)),
            Node::Binary(op, a, b) => match (slopes[a], slopes[b]) {
                (None, None) => None,
                (da, db) => graph.binary_slope(op, id, [a, b], [da, db]),
            },
            Node::Select(c, a, b) => match (slopes[a], slopes[b]) {
                (None, None) => None,
                (da, db) => {
                    let zero = graph.number(0.0);
                    Some(graph.push(Node::Select(c, da.unwrap_or(zero), db.unwrap_or(zero))))
                }
            },
        };
    }
    slopes[root].unwrap_or_else(|| graph.number(0.0))
}

impl Graph {
    /// d op(a)/da · da, where `value` is the node of op(a).
    fn unary_slope(&mut self, op: Unary, value: Id, a: Id, da: Id) -> Option<Id> {
        let one = self.number(1.0);
        let outer = match op {
            Unary::Negate => return Some(self.negate(da)),
            Unary::Not | Unary::Sign | Unary::Floor | Unary::Ceil => return None,
            Unary::Sin => self.push(Node::Unary(Unary::Cos, a)),
            Unary::Cos => {
                let sine = self.push(Node::Unary(Unary::Sin, a));
                self.negate(sine)
            }
            Unary::Tan => {
                let squared = self.multiply(value, value);
                self.add(one, squared)
            }
            Unary::Tanh => {
                let squared = self.multiply(value, value);
                self.subtract(one, squared)
            }
            Unary::Asin | Unary::Acos | Unary::Atan => {
                let squared = self.multiply(a, a);
                let below = if op == Unary::Atan {
                    self.add(one, squared)
                } else {
                    let inside = self.subtract(one, squared);
                    self.push(Node::Unary(Unary::Sqrt, inside))
                };
                let slope = self.divide(da, below);
                return Some(if op == Unary::Acos { self.negate(slope) } else { slope });
            }
            Unary::Sinh => self.push(Node::Unary(Unary::Cosh, a)),
            Unary::Cosh => self.push(Node::Unary(Unary::Sinh, a)),
            Unary::Exp => value,
            Unary::Log => return Some(self.divide(da, a)),
            Unary::Log10 => {
                let ten = self.number(std::f64::consts::LN_10);
                let below = self.multiply(a, ten);
                return Some(self.divide(da, below));
            }
            Unary::Sqrt => {
                let two = self.number(2.0);
                let below = self.multiply(two, value);
                return Some(self.divide(da, below));
            }
            Unary::Abs => self.push(Node::Unary(Unary::Sign, a)),
        };
        Some(self.multiply(outer, da))
    }

    /// The slope of op(a, b), where `value` is its node and at least one of the operands' slopes is there.
    fn binary_slope(&mut self, op: Binary, value: Id, [a, b]: [Id; 2], [da, db]: [Option<Id>; 2]) -> Option<Id> {
        match op {
            Binary::Add => self.sum(da, db),
            Binary::Subtract => {
                let minus = db.map(|db| self.negate(db));
                self.sum(da, minus)
            }
            Binary::Multiply => {
                let left = da.map(|da| self.multiply(da, b));
                let right = db.map(|db| self.multiply(a, db));
                self.sum(left, right)
            }
            Binary::Divide => {
                let left = da.map(|da| self.divide(da, b));
                let right = db.map(|db| {
                    let upper = self.multiply(value, db);
                    let upper = self.negate(upper);
                    self.divide(upper, b)
                });
                self.sum(left, right)
            }
            Binary::Modulo => {
                let right = db.map(|db| {
                    let whole = self.push(Node::Binary(Binary::FloorDivide, a, b));
                    let jump = self.multiply(whole, db);
                    self.negate(jump)
                });
                self.sum(da, right)
            }
            Binary::Power => self.power_slope(value, [a, b], [da, db]),
            Binary::Minimum | Binary::Maximum => {
                let second = if op == Binary::Minimum { Binary::Less } else { Binary::Greater };
                let zero = self.number(0.0);
                let takes_second = self.push(Node::Binary(second, b, a));
                Some(self.push(Node::Select(takes_second, db.unwrap_or(zero), da.unwrap_or(zero))))
            }
            Binary::Atan2 => {
                let left = da.map(|da| self.multiply(b, da));
                let right = db.map(|db| {
                    let product = self.multiply(a, db);
                    self.negate(product)
                });
                let upper = self.sum(left, right)?;
                let (aa, bb) = (self.multiply(a, a), self.multiply(b, b));
                let below = self.add(aa, bb);
                Some(self.divide(upper, below))
            }
            // constant between their jumps
            _ => None,
        }
    }

    /// (aᵇ)′ = b aᵇ⁻¹ a′ + aᵇ ln a · b′.
    fn power_slope(&mut self, value: Id, [a, b]: [Id; 2], [da, db]: [Option<Id>; 2]) -> Option<Id> {
        let left = da.map(|da| {
            let lowered = match self.literal(b) {
                Some(exponent) => self.number(exponent - 1.0),
                None => {
                    let one = self.number(1.0);
                    self.subtract(b, one)
                }
            };
            let power = self.power(a, lowered);
            let outer = self.multiply(b, power);
            self.multiply(outer, da)
        });
        let right = db.map(|db| {
            let logarithm = self.push(Node::Unary(Unary::Log, a));
            let outer = self.multiply(value, logarithm);
            self.multiply(outer, db)
        });
        self.sum(left, right)
    }

    fn sum(&mut self, a: Option<Id>, b: Option<Id>) -> Option<Id> {
        match (a, b) {
            (Some(a), Some(b)) => Some(self.add(a, b)),
            (one, other) => one.or(other),
        }
    }
}

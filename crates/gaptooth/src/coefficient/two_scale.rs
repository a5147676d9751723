//! From what the user writes, `1.1 + sin(2*pi*x/eps)`, to a(x, y) with the fast variable y = x/ε.
//!
//! With ε = 1e−5 the phase 2πx/ε is large and its digits are lost in x; a caller who knows y from the lattice keeps them, and
//! a cell problem can be posed only in y. So every x that is divided by ε becomes y: through products and quotients in
//! any order (`x*2*pi/eps`, `2*pi/eps*x`, `x/(eps/3)`), integer powers, and sums (`(x - 0.5)/eps` is y − 0.5/ε).

use super::expression::{Graph, Id, Node};
use super::formula::{Formula, error_at_name};
use super::operators::{Binary, Unary};
use crate::{Error, Result};

/// Slow, fast, and the scale ratio, in the order of the variables while rewriting.
const NAMES: [&str; 3] = ["x", "y", "eps"];
const X: usize = 0;
const Y: usize = 1;
const EPS: usize = 2;

/// Sums and products deeper than this are left as they are: the search below is recursive.
const MAX_SEARCH: usize = 200;

/// Reads a formula in x, y and eps as a function of (x, y), y = x/ε. Where ε is not a divisor of x it stays a plain number.
///
/// ```
/// use gaptooth::coefficient::two_scale;
/// let a = two_scale("1.1 + sin(2*pi*x/eps)", Some(1e-5), &[])?;
/// assert_eq!(a.to_string(), "1.1 + sin(2 * pi * y)");
/// assert!(!a.depends_on("x"));
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// [`Error::Expression`] when the formula does not parse, or when it needs the value of ε and `eps` is `None`;
/// [`Error::Parameter`] when `eps` is not a positive number or a constant takes the name x, y or eps.
pub fn two_scale(text: &str, eps: Option<f64>, constants: &[(&str, f64)]) -> Result<Formula> {
    two_scale_with(text, eps, constants, &[])
}

/// [`two_scale`] with further variables after x and y, such as the state u.
///
/// # Errors
/// As [`two_scale`].
pub fn two_scale_with(text: &str, eps: Option<f64>, constants: &[(&str, f64)], further: &[&str]) -> Result<Formula> {
    if let Some(bad) = eps.filter(|e| !(e.is_finite() && *e > 0.0)) {
        return Err(Error::parameter("eps", bad, "a positive number", "eps is the period of the fine scale"));
    }
    if let Some((name, value)) = constants.iter().find(|(name, _)| NAMES.contains(name)) {
        let advice = "these names are taken: x is the slow variable, y = x/eps the fast one; rename the constant";
        return Err(Error::parameter(format!("constant {name}"), value, "a name other than x, y and eps", advice));
    }
    let parsed = Formula::parse(text, &[&NAMES[..], further].concat(), constants)?;
    let (source, root) = parsed.graph();
    let mut graph = Graph::default();
    let root = rewrite(source, root, &mut graph);
    if graph.depends_on(root, EPS) && eps.is_none() {
        let message = "`eps` has no value here and is not a divisor of x; give eps, or write the formula in y = x/eps";
        return Err(error_at_name(text, "eps", message.into()));
    }
    let root = substitute(&mut graph, root, eps.unwrap_or(f64::NAN));
    let variables: Vec<String> = [NAMES[X], NAMES[Y]].iter().chain(further).map(ToString::to_string).collect();
    Ok(Formula::assemble(text.into(), variables.into(), parsed.constants().into(), graph, root))
}

/// Copies `root` into `graph` with every x/ε replaced by y.
fn rewrite(source: &Graph, root: Id, graph: &mut Graph) -> Id {
    let mut renamed = vec![0; root + 1];
    for id in source.order(root) {
        let node = source.node(id).with_operands(|o| renamed[o]);
        let replaced = match node {
            Node::Binary(Binary::Divide, a, b) => quotient(graph, b, Scale::Over)
                .and_then(|b| Some((quotient(graph, a, Scale::Slow)?, b)))
                .map(|(a, b)| ratio(graph, a, b)),
            Node::Binary(Binary::Multiply, a, b) => product(graph, a, b).or_else(|| product(graph, b, a)),
            _ => None,
        };
        renamed[id] = match replaced {
            Some(id) => again(graph, id),
            None => graph.push(node),
        };
    }
    renamed[root]
}

/// A second ε in the same quotient: x²/ε² is y².
fn again(graph: &mut Graph, id: Id) -> Id {
    let mut current = id;
    while let Node::Binary(Binary::Divide, a, b) = graph.node(current) {
        let Some(below) = quotient(graph, b, Scale::Over) else { break };
        let Some(above) = quotient(graph, a, Scale::Slow) else { break };
        current = ratio(graph, above, below);
    }
    current
}

/// (a ε)(b / ε), where a has ε in a denominator and b has x as a factor.
fn product(graph: &mut Graph, a: Id, b: Id) -> Option<Id> {
    let a = quotient(graph, a, Scale::Under)?;
    let b = quotient(graph, b, Scale::Slow)?;
    Some(graph.multiply(a, b))
}

/// a / b, where a fraction b is turned over: y/(1/3) is y·3, without rounding 1/3.
fn ratio(graph: &mut Graph, a: Id, b: Id) -> Id {
    match graph.node(b) {
        Node::Binary(Binary::Divide, p, q) => {
            let above = graph.multiply(a, q);
            graph.divide(above, p)
        }
        _ => graph.divide(a, b),
    }
}

/// Which factor [`quotient`] takes out of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// a factor x becomes y: the result is node/ε
    Slow,
    /// a factor ε goes: the result is node/ε
    Over,
    /// a divisor ε goes: the result is node·ε
    Under,
}

fn quotient(graph: &mut Graph, id: Id, scale: Scale) -> Option<Id> {
    search(graph, id, scale, MAX_SEARCH)
}

fn search(graph: &mut Graph, id: Id, scale: Scale, depth: usize) -> Option<Id> {
    let depth = depth.checked_sub(1)?;
    match graph.node(id) {
        Node::Variable(X) if scale == Scale::Slow => Some(graph.push(Node::Variable(Y))),
        Node::Variable(EPS) if scale == Scale::Over => Some(graph.number(1.0)),
        Node::Unary(Unary::Negate, a) => search(graph, a, scale, depth).map(|a| graph.negate(a)),
        Node::Binary(Binary::Multiply, a, b) => match search(graph, a, scale, depth) {
            Some(a) => Some(graph.multiply(a, b)),
            None => search(graph, b, scale, depth).map(|b| graph.multiply(a, b)),
        },
        Node::Binary(Binary::Divide, a, b) => {
            let below = (scale == Scale::Under).then(|| search(graph, b, Scale::Over, depth)).flatten();
            match below {
                Some(b) => Some(ratio(graph, a, b)),
                // left as it is for `ratio`
                None => search(graph, a, scale, depth).map(|a| graph.push(Node::Binary(Binary::Divide, a, b))),
            }
        }
        Node::Binary(Binary::Power, a, b) => power(graph, a, b, scale, depth),
        Node::Binary(op @ (Binary::Add | Binary::Subtract), a, b) if scale == Scale::Slow => {
            let parts = [a, b].map(|part| term(graph, part, depth));
            let ([Some(a), Some(b)], true) = (parts, graph.depends_on(id, X)) else { return None };
            Some(graph.push(Node::Binary(op, a, b)))
        }
        _ => None,
    }
}

/// One term of a sum over ε: with y where it has x, else with a plain division by ε.
fn term(graph: &mut Graph, id: Id, depth: usize) -> Option<Id> {
    if graph.depends_on(id, X) {
        return search(graph, id, Scale::Slow, depth);
    }
    let eps = graph.push(Node::Variable(EPS));
    Some(graph.divide(id, eps))
}

/// One factor out of an integer power.
fn power(graph: &mut Graph, a: Id, b: Id, scale: Scale, depth: usize) -> Option<Id> {
    let exponent = graph.literal(b).filter(|n| n.fract() == 0.0)?;
    if scale == Scale::Under && exponent <= -1.0 && graph.node(a) == Node::Variable(EPS) {
        let lowered = graph.number(exponent + 1.0);
        return Some(graph.power(a, lowered));
    }
    if exponent < 1.0 {
        return None;
    }
    let factor = search(graph, a, scale, depth)?;
    let lowered = graph.number(exponent - 1.0);
    let rest = graph.power(a, lowered);
    Some(graph.multiply(factor, rest))
}

/// Replaces what is left of ε by its value.
fn substitute(graph: &mut Graph, root: Id, eps: f64) -> Id {
    let mut renamed = vec![0; root + 1];
    for id in graph.order(root) {
        renamed[id] = match graph.node(id) {
            Node::Variable(EPS) => graph.number(eps),
            Node::Variable(k) if k > EPS => graph.push(Node::Variable(k - 1)),
            node => graph.push(node.with_operands(|o| renamed[o])),
        };
    }
    renamed[root]
}

//! A function that the user writes as a formula.

use std::fmt;
use std::sync::Arc;

use super::derivative::differentiate;
use super::expression::{Graph, Id};
use super::parser::{Scope, parse};
use super::program::Program;
use crate::{Error, Result};

/// A Python-like formula in named variables.
///
/// Operators, loosest first: `or`; `and`; `not`; `< <= > >= == !=` (chains as in `0.2 < y < 0.5`); `+ -`; `* / // %`;
/// signs; `**` or `^` (right associative, so `-x^2` is −(x²) and `2^-1` is ½). Names: `pi`, `e`, the caller's
/// constants and variables. Functions: `sin cos tan asin acos atan sinh cosh tanh exp log` (natural) `log10 sqrt abs sign
/// floor ceil min max atan2 pow`, `heaviside(x)` (½ at 0; a second argument sets that), `where(condition, a, b)`.
/// Truth is 1 and falsehood 0. Where Python raises an error (1/0, log(-1)) the value is IEEE's infinity or NaN.
///
/// ```
/// use gaptooth::coefficient::Formula;
/// let f = Formula::parse("-x^2 + k*sin(pi*y)", &["x", "y"], &[("k", 3.0)])?;
/// assert_eq!(f.eval(&[3.0, 0.5]), -6.0);
/// assert_eq!(f.derivative("x").eval(&[3.0, 0.5]), -6.0);
/// let mut column = [0.0; 3];
/// f.eval_into(&[&[0.0, 1.0, 2.0], &[0.5]], &mut column);
/// assert_eq!(column, [3.0, 2.0, -1.0]);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Clone)]
pub struct Formula {
    text: Arc<str>,
    variables: Arc<[String]>,
    constants: Arc<[(String, f64)]>,
    graph: Arc<Graph>,
    root: Id,
    program: Arc<Program>,
}

impl Formula {
    /// Reads `text`. Later arguments of [`Formula::eval`] come in the order of `variables`.
    ///
    /// # Errors
    /// [`Error::Expression`] with the position, in characters from 0: for what cannot be read, for unknown names (the
    /// known ones are listed), and for formulas nested more than 200 levels deep.
    pub fn parse(text: &str, variables: &[&str], constants: &[(&str, f64)]) -> Result<Self> {
        let variables: Arc<[String]> = variables.iter().map(|v| v.to_string()).collect();
        // the caller's names go before pi and e, so that a constant named `e` is the caller's
        let builtin = [("pi", std::f64::consts::PI), ("e", std::f64::consts::E)];
        let constants: Arc<[(String, f64)]> =
            constants.iter().chain(&builtin).map(|(name, value)| (name.to_string(), *value)).collect();
        let (graph, root) = parse(text, Scope { variables: &variables, constants: &constants })?;
        Ok(Formula::assemble(text.into(), variables, constants, graph, root))
    }

    pub(super) fn assemble(
        text: Arc<str>,
        variables: Arc<[String]>,
        constants: Arc<[(String, f64)]>,
        graph: Graph,
        root: Id,
    ) -> Self {
        let program = Arc::new(Program::compile(&graph, root, &constants));
        Formula { text, variables, constants, graph: Arc::new(graph), root, program }
    }

    /// The formula as the user wrote it (for a derivative: what it is the derivative of).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The variables, in the order of the arguments.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    pub(super) fn constants(&self) -> &[(String, f64)] {
        &self.constants
    }

    pub(super) fn graph(&self) -> (&Graph, Id) {
        (&self.graph, self.root)
    }

    /// The value at one point.
    ///
    /// # Panics
    /// When there are fewer values than variables.
    pub fn eval(&self, values: &[f64]) -> f64 {
        assert!(values.len() >= self.variables.len(), "a value for each of {:?}", self.variables);
        self.program.eval(values)
    }

    /// The values at `out.len()` points: one column per variable, of that length, or of length 1 to hold for all points.
    /// Bit for bit what [`Formula::eval`] gives.
    ///
    /// # Panics
    /// When a column is missing or has another length.
    pub fn eval_into(&self, columns: &[&[f64]], out: &mut [f64]) {
        assert!(columns.len() >= self.variables.len(), "a column for each of {:?}", self.variables);
        for (name, column) in self.variables.iter().zip(columns) {
            let n = column.len();
            assert!(n == 1 || n == out.len(), "column `{name}` has {n} values, expected {} or 1", out.len());
        }
        self.program.eval_into(columns, out);
    }

    /// True when the formula contains the variable.
    pub fn depends_on(&self, name: &str) -> bool {
        let variable = self.variables.iter().position(|v| v == name);
        variable.is_some_and(|k| self.graph.depends_on(self.root, k))
    }

    /// The derivative with respect to a variable, as a formula of the same variables; zero for a name that is none.
    /// Jumps contribute nothing, and at a kink it is the slope of one side.
    pub fn derivative(&self, name: &str) -> Formula {
        let mut graph = Graph::clone(&self.graph);
        let root = match self.variables.iter().position(|v| v == name) {
            Some(k) => differentiate(&mut graph, self.root, k),
            None => graph.number(0.0),
        };
        let text = format!("d/d{name} ({})", self.text).into();
        Formula::assemble(text, self.variables.clone(), self.constants.clone(), graph, root)
    }
}

/// Written so that it reads back as the same function (with the same variables and constants).
impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.graph.write(self.root, &self.variables, &self.constants, f)
    }
}

impl fmt::Debug for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Formula").field("text", &self.text).field("variables", &self.variables).finish_non_exhaustive()
    }
}

/// An [`Error::Expression`] about the first place where `name` stands in `text`.
pub(super) fn error_at_name(text: &str, name: &str, message: String) -> Error {
    let tokens = super::lexer::tokens(text).unwrap_or_default();
    let wanted = super::lexer::Token::Name(name.into());
    let position = tokens.iter().find(|t| t.token == wanted).map_or(0, |t| t.position);
    Error::Expression { text: text.into(), position, message }
}

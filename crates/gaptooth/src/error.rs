//! One error type. Each variant says what was found, what was expected and what to try.

use std::path::PathBuf;

/// Shorthand for a result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong. Not converging is a status in a result, not an error; a NaN is an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A formula that does not parse; `position` counts characters from 0.
    #[error("cannot read the expression `{text}` at character {position}: {message}")]
    Expression {
        /// the whole formula
        text: String,
        /// where, in characters from 0
        position: usize,
        /// what was found, what was expected
        message: String,
    },

    /// A coefficient that is not positive and finite somewhere.
    #[error("the coefficient `{text}` is {value} at {at}; it must be positive and finite everywhere. {advice}")]
    Coefficient {
        /// the coefficient as the user gave it
        text: String,
        /// the offending point, such as `y = 0.75`
        at: String,
        /// the value found there
        value: f64,
        /// what to try
        advice: String,
    },

    /// A parameter out of its range.
    #[error("{name} = {found}: expected {expected}. {advice}")]
    Parameter {
        /// the parameter's name, as the user writes it
        name: String,
        /// the value found
        found: String,
        /// the range or kind expected
        expected: String,
        /// what to try
        advice: String,
    },

    /// An array of the wrong shape.
    #[error("{what} has shape {found:?}, expected {expected:?}")]
    Shape {
        /// which array
        what: String,
        /// the shape expected
        expected: Vec<usize>,
        /// the shape found
        found: Vec<usize>,
    },

    /// A NaN or an infinity where a number was needed.
    #[error("{what} is {value} at index {index}{}. {advice}", .time.map(|t| format!(", t = {t}")).unwrap_or_default())]
    NonFinite {
        /// which quantity
        what: String,
        /// where in the array
        index: usize,
        /// when, if it has a time
        time: Option<f64>,
        /// NaN, inf or -inf
        value: f64,
        /// what to try
        advice: String,
    },

    /// A solver that cannot go on (a singular matrix, a step size that has shrunk to nothing).
    #[error("{solver} stopped: {message}. {advice}")]
    Solver {
        /// which solver
        solver: &'static str,
        /// what happened, with numbers
        message: String,
        /// what to try
        advice: String,
    },

    /// The user asked to stop; what was finished is kept.
    #[error("stopped on request during {stage}; what was finished is kept, `--resume` goes on from there")]
    Interrupted {
        /// the stage that was running
        stage: String,
    },

    /// Another process of the same run stopped; it has said why.
    #[error("process {rank} of the run stopped, and this one with it: {message}")]
    Elsewhere {
        /// which
        rank: usize,
        /// its words
        message: String,
    },

    /// A configuration that does not fit; `path` is dotted (`dataset.paper.tooth`).
    #[error("{path}: {message}")]
    Config {
        /// dotted path of the key
        path: String,
        /// what was found, what was expected
        message: String,
    },

    /// A file that cannot be read or written.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// the file
        path: PathBuf,
        /// read, write, create …
        action: &'static str,
        /// the operating system's word
        source: std::io::Error,
    },

    /// A file whose contents are not what they should be.
    #[error("{}: {message}", .path.display())]
    Format {
        /// the file
        path: PathBuf,
        /// what was found, what was expected
        message: String,
    },
}

impl Error {
    /// A [`Error::Parameter`] from anything that prints.
    pub fn parameter(
        name: impl Into<String>,
        found: impl std::fmt::Display,
        expected: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Error::Parameter {
            name: name.into(),
            found: found.to_string(),
            expected: expected.into(),
            advice: advice.into(),
        }
    }
}

/// The first value that is not finite, as an error.
///
/// # Errors
/// [`Error::NonFinite`] with the index of the first NaN or infinity.
pub fn check_finite(what: &str, values: &[f64], time: Option<f64>, advice: &str) -> Result<()> {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(index) => {
            Err(Error::NonFinite { what: what.into(), index, time, value: values[index], advice: advice.into() })
        }
    }
}

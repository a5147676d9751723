//! The library's errors as one Python exception.

use pyo3::{PyErr, create_exception, exceptions::PyException};

create_exception!(
    gaptooth,
    GaptoothError,
    PyException,
    "What was found, what was expected and what to try, in one line."
);

/// The error with its own words.
pub(crate) fn raised(error: gaptooth::Error) -> PyErr {
    GaptoothError::new_err(error.to_string())
}

/// A refusal by this layer.
pub(crate) fn refuse(message: impl Into<String>) -> PyErr {
    GaptoothError::new_err(message.into())
}

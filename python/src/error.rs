//! The library's errors as one Python exception.

use pyo3::{PyErr, create_exception, exceptions::PyException};

create_exception!(
    gaptooth,
    GaptoothError,
    PyException,
    "What was found, what was expected and what to try, in one line."
);

/// What the library's parameters are called here, where that differs.
const NAMES: [(&str, &str); 3] = [("map", "mapping"), ("tableau", "method"), ("max_step", "step")];
/// What comes before a map in the library's advice.
const MAP: &str = "--map ";

/// The error with its own words, and the names of this package.
pub(crate) fn raised(mut error: gaptooth::Error) -> PyErr {
    if let gaptooth::Error::Parameter { name, .. } = &mut error
        && let Some((_, here)) = NAMES.iter().find(|(there, _)| there == name)
    {
        *name = (*here).into();
    }
    let text = error.to_string();
    GaptoothError::new_err(match text.split_once(MAP) {
        Some((before, map)) => format!("{before}mapping={{{}}}", map.replace('=', ": ").replace(',', ", ")),
        None => text,
    })
}

/// A refusal by this layer.
pub(crate) fn refuse(message: impl Into<String>) -> PyErr {
    GaptoothError::new_err(message.into())
}

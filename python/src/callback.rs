//! Python functions inside the engine's loops: what they raise is kept, and ends the loop.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::{PyArray1, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::error::refuse;

/// The first exception of a loop.
#[derive(Clone, Default)]
pub(crate) struct Failure(Arc<Mutex<Option<PyErr>>>);

impl Failure {
    pub(crate) fn is_set(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(crate) fn keep(&self, error: PyErr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    pub(crate) fn take(&self) -> Option<PyErr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// `value`, unless something was raised.
    pub(crate) fn or<T>(&self, value: T) -> PyResult<T> {
        self.take().map_or(Ok(value), Err)
    }
}

/// A Python function of arrays.
pub(crate) struct Callback {
    call: Py<PyAny>,
    failure: Failure,
}

impl Callback {
    pub(crate) fn new(call: &Py<PyAny>, failure: &Failure) -> Self {
        Python::attach(|py| Callback { call: call.clone_ref(py), failure: failure.clone() })
    }

    /// Calls the function with `values` as an array of `shape` and hands the result to `take`; false once anything was raised.
    pub(crate) fn evaluate<'a>(
        &self,
        values: Vec<f64>,
        shape: &[usize],
        call: impl for<'py> FnOnce(Python<'py>, &Py<PyAny>, Bound<'py, PyArrayDyn<f64>>) -> PyResult<Bound<'py, PyAny>> + 'a,
        take: impl for<'py> FnOnce(Python<'py>, Bound<'py, PyAny>) -> PyResult<()> + 'a,
    ) -> bool {
        if self.failure.is_set() {
            return false;
        }
        let done = Python::attach(|py| {
            let array = PyArray1::from_vec(py, values).reshape(shape)?;
            take(py, call(py, &self.call, array)?)
        });
        done.map_err(|error| self.failure.keep(error)).is_ok()
    }
}

/// The result as doubles in C order, and which of the `shapes` it has.
pub(crate) fn of_shape<'py>(
    py: Python<'py>,
    result: Bound<'py, PyAny>,
    shapes: &[&[usize]],
    what: &str,
) -> PyResult<(PyReadonlyArrayDyn<'py, f64>, usize)> {
    let direct = result.extract::<PyReadonlyArrayDyn<'py, f64>>().ok().filter(|array| array.is_c_contiguous());
    let array = match direct {
        Some(array) => array,
        None => {
            let numpy = py.import("numpy")?;
            let converted = numpy.call_method1("ascontiguousarray", (&result, "float64"));
            let converted = converted.map_err(|e| refuse(format!("{what} returned no array of numbers: {e}")))?;
            converted.extract()?
        }
    };
    match shapes.iter().position(|shape| *shape == array.shape()) {
        Some(k) => Ok((array, k)),
        None => {
            let expected: Vec<String> = shapes.iter().map(|shape| format!("{shape:?}")).collect();
            let found = array.shape();
            Err(refuse(format!("{what} returned shape {found:?}, expected {}", expected.join(" or "))))
        }
    }
}

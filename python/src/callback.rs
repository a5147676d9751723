//! Python functions inside the engine's loops: what they raise is kept, and ends the loop.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::{PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
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

/// How an array lies in memory, in C order, and how a function sees it: its axis k is axis `order[k]` in memory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    shape: Vec<usize>,
    order: Vec<usize>,
}

impl Layout {
    /// The same in memory and for the function.
    pub(crate) fn plain(shape: Vec<usize>) -> Self {
        Layout { order: (0..shape.len()).collect(), shape }
    }

    /// Axis `axis` in memory is the function's first.
    pub(crate) fn with_first(shape: Vec<usize>, axis: usize) -> Self {
        let order = [axis].into_iter().chain((0..shape.len()).filter(|k| *k != axis)).collect();
        Layout { shape, order }
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The shape that the function sees.
    fn seen(&self) -> Vec<usize> {
        self.order.iter().map(|k| self.shape[*k]).collect()
    }

    fn is_plain(&self) -> bool {
        self.order.is_sorted()
    }

    /// Axis k in memory is axis `back()[k]` of what the function sees.
    fn back(&self) -> Vec<usize> {
        let mut back: Vec<usize> = (0..self.order.len()).collect();
        back.sort_by_key(|k| self.order[*k]);
        back
    }
}

/// The memory of the array that a function was last called with. The function sees a view, a new one every time: what it does to the
/// view's shape or flags is gone with it.
struct Argument {
    layout: Layout,
    memory: Py<PyArrayDyn<f64>>,
}

impl Argument {
    fn new(py: Python<'_>, layout: &Layout) -> Self {
        let memory = PyArrayDyn::<f64>::zeros(py, layout.shape.clone(), false);
        Argument { layout: layout.clone(), memory: memory.unbind() }
    }

    /// Whether Python has kept no view of it, whose owner it is.
    #[allow(deprecated, reason = "the way that replaces it is unsafe code")]
    fn is_free(&self, py: Python<'_>) -> bool {
        self.memory.get_refcnt(py) == 1 && self.memory.bind(py).try_readwrite().is_ok()
    }
}

/// A Python function of arrays.
pub(crate) struct Callback {
    call: Py<PyAny>,
    failure: Failure,
    /// for the next call, as fresh pages cost more than a small function
    argument: Mutex<Option<Argument>>,
}

impl Callback {
    pub(crate) fn new(call: &Py<PyAny>, failure: &Failure) -> Self {
        Python::attach(|py| Callback { call: call.clone_ref(py), failure: failure.clone(), argument: Mutex::default() })
    }

    /// Calls the function with an array that `write` fills, in the order of memory, and hands the result to `take`; false once anything
    /// was raised.
    pub(crate) fn evaluate<'a>(
        &self,
        layout: &Layout,
        write: impl FnOnce(&mut [f64]) + 'a,
        call: impl for<'py> FnOnce(Python<'py>, &Bound<'py, PyAny>, &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> + 'a,
        take: impl for<'py> FnOnce(Python<'py>, Bound<'py, PyAny>) -> PyResult<()> + 'a,
    ) -> bool {
        if self.failure.is_set() {
            return false;
        }
        let done = Python::attach(|py| {
            let argument = match self.spare().take().filter(|a| a.layout == *layout && a.is_free(py)) {
                Some(argument) => argument,
                None => Argument::new(py, layout),
            };
            let memory = argument.memory.bind(py);
            write(memory.readwrite().as_slice_mut()?);
            let seen = memory.call_method1("transpose", (layout.order.clone(),))?;
            take(py, call(py, self.call.bind(py), &seen)?)?;
            drop(seen);
            *self.spare() = Some(argument);
            Ok(())
        });
        done.map_err(|error| self.failure.keep(error)).is_ok()
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Option<Argument>> {
        self.argument.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The result as doubles, in memory as one of the layouts says, and which: the one whose shape the function's result has.
pub(crate) fn laid_out<'py>(
    py: Python<'py>,
    result: Bound<'py, PyAny>,
    layouts: &[&Layout],
    what: &str,
) -> PyResult<(PyReadonlyArrayDyn<'py, f64>, usize)> {
    let direct = result.extract::<PyReadonlyArrayDyn<'py, f64>>().ok();
    let array = match direct {
        Some(array) => array,
        None => contiguous(py, &result, what)?,
    };
    let Some(k) = layouts.iter().position(|layout| layout.seen() == array.shape()) else {
        let expected: Vec<String> = layouts.iter().map(|layout| format!("{:?}", layout.seen())).collect();
        let found = array.shape();
        return Err(refuse(format!("{what} returned shape {found:?}, expected {}", expected.join(" or "))));
    };
    let array = match layouts[k].is_plain() {
        true => array,
        false => array.call_method1("transpose", (layouts[k].back(),))?.extract()?,
    };
    let array = if array.is_c_contiguous() { array } else { contiguous(py, array.as_any(), what)? };
    Ok((array, k))
}

/// Doubles in C order.
fn contiguous<'py>(py: Python<'py>, result: &Bound<'py, PyAny>, what: &str) -> PyResult<PyReadonlyArrayDyn<'py, f64>> {
    if result.is_none() {
        return Err(refuse(format!("{what} returned None, expected an array: end the function with `return …`")));
    }
    let numpy = py.import("numpy")?;
    let none = |e: PyErr| refuse(format!("{what} returned no array of numbers: {e}"));
    let array = numpy.call_method1("asarray", (result,)).map_err(none)?;
    let kind = array.getattr("dtype")?;
    if !"buif".contains(&kind.getattr("kind")?.extract::<String>()?) {
        return Err(refuse(format!("{what} returned dtype {kind}, expected real numbers")));
    }
    numpy.call_method1("ascontiguousarray", (array, "float64")).map_err(none)?.extract()
}

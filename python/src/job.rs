//! Long computations: the GIL is released, Ctrl-C stops them, progress reaches Python.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use gaptooth::observer::Observer;
use pyo3::prelude::*;

use crate::callback::Failure;
use crate::error::{raised, refuse};

/// Whether the engine's threads have been started, and whether this process is a fork that has lost them.
static STARTED: AtomicBool = AtomicBool::new(false);
static LOST: AtomicBool = AtomicBool::new(false);

/// Called in a forked child.
#[pyfunction]
pub(crate) fn forked() {
    LOST.store(STARTED.load(Ordering::Relaxed), Ordering::Relaxed);
}

/// To be called before anything that may use threads.
pub(crate) fn started() -> PyResult<()> {
    if LOST.load(Ordering::Relaxed) {
        return Err(refuse(
            "this process is a fork of one that has used gaptooth, whose threads it does not have: start processes with \
             multiprocessing.get_context(\"spawn\"), or fork before the first call",
        ));
    }
    STARTED.store(true, Ordering::Relaxed);
    Ok(())
}

/// How often Python hears of a computation, and is asked whether to stop.
const BEAT: Duration = Duration::from_millis(50);
/// Stack of the computing thread, as a program's own.
const STACK: usize = 8 << 20;

type Progress = (String, u64, u64, String);

/// Remarks of a computation, for Python's logger `gaptooth`.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn keep(&self, message: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.into());
    }

    fn log(&self, py: Python<'_>) -> PyResult<()> {
        let notes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if notes.is_empty() {
            return Ok(());
        }
        let logger = py.import("logging")?.call_method1("getLogger", ("gaptooth",))?;
        notes.iter().try_for_each(|note| logger.call_method1("info", ("%s", note)).map(drop))
    }
}

/// What the computation and the interpreter's thread tell each other.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    progress: Mutex<Option<Progress>>,
    notes: Notes,
}

impl Observer for Shared {
    fn progress(&self, stage: &str, done: u64, total: u64, detail: &str) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((stage.into(), done, total, detail.into()));
    }

    fn interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn note(&self, message: &str) {
        self.notes.keep(message);
    }
}

/// The outcome of `work`, done on a thread of its own while this one, without the GIL, listens for Ctrl-C.
///
/// `progress(stage, done, total, detail)` is called about twenty times a second; what it raises stops the work.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    progress: Option<Py<PyAny>>,
    work: impl FnOnce(&dyn Observer) -> gaptooth::Result<T> + Send,
) -> PyResult<T> {
    started()?;
    let shared = Shared::default();
    let (outcome, raised_meanwhile) = py.detach(|| {
        thread::scope(|scope| {
            let (done, finished) = channel::<()>();
            let shared = &shared;
            let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || {
                // dropped when the work ends, however it ends
                let _done = done;
                work(shared)
            });
            let worker = match worker {
                Ok(worker) => worker,
                Err(error) => return (Err(refuse(format!("cannot start a thread: {error}"))), None),
            };
            let mut failure = None;
            while finished.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                if failure.is_none() {
                    failure = Python::attach(|py| tell(py, shared, progress.as_ref())).err();
                    shared.stop.store(failure.is_some(), Ordering::Relaxed);
                }
            }
            let outcome = match worker.join() {
                Ok(outcome) => outcome.map_err(raised),
                Err(panic) => Err(refuse(format!("a fault of gaptooth, please report it: {}", said(&*panic)))),
            };
            (outcome, failure)
        })
    });
    shared.notes.log(py)?;
    match raised_meanwhile {
        Some(error) => Err(error),
        None => {
            if let Some(progress) = &progress {
                report(py, &shared, progress)?;
            }
            outcome
        }
    }
}

/// The outcome of `work` on this thread, where it may call Python functions; what these raise, and Ctrl-C, end it.
pub(crate) fn here<T: Send>(
    py: Python<'_>,
    failure: &Failure,
    progress: Option<Py<PyAny>>,
    work: impl FnOnce(&dyn Observer) -> gaptooth::Result<T> + Send,
) -> PyResult<T> {
    started()?;
    let here = Here { failure, progress, heard: Mutex::new(Instant::now()), notes: Notes::default() };
    let outcome = py.detach(|| catch_unwind(AssertUnwindSafe(|| work(&here))));
    here.notes.log(py)?;
    match (failure.take(), outcome) {
        (Some(error), _) => Err(error),
        (None, Ok(outcome)) => outcome.map_err(raised),
        (None, Err(panic)) => Err(refuse(format!("a fault of gaptooth, please report it: {}", said(&*panic)))),
    }
}

/// An observer on the interpreter's own thread.
struct Here<'a> {
    failure: &'a Failure,
    progress: Option<Py<PyAny>>,
    heard: Mutex<Instant>,
    notes: Notes,
}

impl Here<'_> {
    /// Whether Python has not heard of this for a beat.
    fn due(&self) -> bool {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let due = heard.elapsed() >= BEAT;
        if due {
            *heard = Instant::now();
        }
        due
    }
}

impl Observer for Here<'_> {
    fn progress(&self, stage: &str, done: u64, total: u64, detail: &str) {
        if let Some(progress) = self.progress.as_ref().filter(|_| self.due()) {
            let told = Python::attach(|py| progress.call1(py, (stage, done, total, detail)).map(drop));
            told.unwrap_or_else(|error| self.failure.keep(error));
        }
    }

    fn interrupted(&self) -> bool {
        if self.due() {
            Python::attach(|py| py.check_signals()).unwrap_or_else(|error| self.failure.keep(error));
        }
        self.failure.is_set()
    }

    fn note(&self, message: &str) {
        self.notes.keep(message);
    }
}

/// Signals, then news.
fn tell(py: Python<'_>, shared: &Shared, progress: Option<&Py<PyAny>>) -> PyResult<()> {
    py.check_signals()?;
    progress.map_or(Ok(()), |progress| report(py, shared, progress))
}

fn report(py: Python<'_>, shared: &Shared, progress: &Py<PyAny>) -> PyResult<()> {
    let latest = shared.progress.lock().unwrap_or_else(PoisonError::into_inner).take();
    latest.map_or(Ok(()), |latest| progress.call1(py, latest).map(drop))
}

/// The message of a panic.
pub(crate) fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

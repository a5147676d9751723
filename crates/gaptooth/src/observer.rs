//! How numerics report progress and hear of Ctrl-C without knowing a terminal or a clock.

/// What a long computation tells the outside, and asks of it.
pub trait Observer: Sync {
    /// `done` of `total` units of `stage` are finished; `detail` is a short live figure such as `loss 1.2e-3`.
    fn progress(&self, stage: &str, done: u64, total: u64, detail: &str);

    /// True once the user wants to stop; long loops ask at least ten times a second.
    fn interrupted(&self) -> bool {
        false
    }

    /// A remark worth reading later (which path a run took, a fallback, a warning).
    fn note(&self, _message: &str) {}
}

/// Hears nothing and never interrupts.
pub struct Silent;

impl Observer for Silent {
    fn progress(&self, _stage: &str, _done: u64, _total: u64, _detail: &str) {}
}

/// `Err(Interrupted)` once the observer says so.
///
/// # Errors
/// [`crate::Error::Interrupted`] naming `stage`.
pub fn check_interrupt(observer: &dyn Observer, stage: &str) -> crate::Result<()> {
    if observer.interrupted() { Err(crate::Error::Interrupted { stage: stage.into() }) } else { Ok(()) }
}

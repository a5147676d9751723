//! Who hears how far the problems of a cell are, and who keeps their states.

use std::cell::Cell;

use super::conjugate_gradients::Outcome;
use super::field::Field;
use crate::Result;
use crate::observer::Observer;
use crate::store::Store;

/// The outside of all problems of a cell.
pub(super) struct Watch<'a> {
    observer: &'a dyn Observer,
    store: Option<&'a dyn Store>,
    /// a full disk is no reason to lose an answer
    has_failed: Cell<bool>,
    /// problems in all
    problems: usize,
}

/// A problem that is solved.
pub(super) struct Solved {
    name: String,
    pub(super) potential: Field<f64>,
    pub(super) outcome: Outcome,
    is_kept: Cell<bool>,
}

/// The problem that is being solved, after `before` others.
pub(super) struct Place<'a> {
    pub(super) watch: &'a Watch<'a>,
    pub(super) before: usize,
    pub(super) name: &'a str,
    /// those of the same kind before it
    pub(super) solved: &'a [Solved],
}

impl Solved {
    pub(super) fn new(name: String, potential: Field<f64>, outcome: Outcome) -> Self {
        Solved { name, potential, outcome, is_kept: Cell::new(false) }
    }
}

impl<'a> Watch<'a> {
    pub(super) fn new(observer: &'a dyn Observer, store: Option<&'a dyn Store>, problems: usize) -> Self {
        Watch { observer, store, has_failed: Cell::new(false), problems }
    }

    /// Where states are kept, as long as that works.
    fn store(&self) -> Option<&'a dyn Store> {
        self.store.filter(|_| !self.has_failed.get())
    }

    /// The problem of that name, if it was kept.
    pub(super) fn kept(&self, name: &str, unknowns: usize) -> Result<Option<Solved>> {
        let Some(store) = self.store() else { return Ok(None) };
        let (mut potential, mut numbers) = (Field::<f64>::zeros(unknowns), [0.0; 3]);
        let parts = &mut [bytemuck::cast_slice_mut(&mut numbers), bytemuck::cast_slice_mut(&mut potential)];
        Ok(store.load_into(name, parts)?.then(|| Solved {
            name: name.into(),
            potential,
            outcome: Outcome::from_numbers(numbers),
            is_kept: Cell::new(true),
        }))
    }

    /// Keeps those that are not yet kept, if the computation has lasted; their steps are then of no use.
    pub(super) fn keep_solved(&self, solved: &[Solved]) {
        if self.store().is_some_and(Store::is_lasting) {
            self.keep(solved);
        }
    }

    fn keep(&self, solved: &[Solved]) {
        for one in solved.iter().filter(|one| !one.is_kept.get()) {
            let numbers = one.outcome.to_numbers();
            self.save(&one.name, &[bytemuck::cast_slice(&numbers), bytemuck::cast_slice(&one.potential)]);
            one.is_kept.set(true);
            if let Some(store) = self.store() {
                store.forget(&step(&one.name));
            }
        }
    }

    fn save(&self, name: &str, parts: &[&[u8]]) {
        let Some(store) = self.store() else { return };
        if let Err(error) = store.save(name, parts) {
            self.observer.note(&format!("nothing more is kept on the way: {error}"));
            self.has_failed.set(true);
        }
    }
}

impl Place<'_> {
    /// Which share of this problem is solved, and with what error.
    pub(super) fn progress(&self, share: f64, error: f64) {
        let Watch { observer, problems, .. } = self.watch;
        let detail = if error.is_finite() { format!("error {error:.1e}") } else { String::new() };
        let done = 100.0 * (self.before as f64 + share);
        observer.progress("cell problems", done as u64, 100 * *problems as u64, &detail);
    }

    /// Between two steps, whether to keep where this problem stands; and whether all is to end.
    pub(super) fn asks(&self) -> (bool, bool) {
        let stop = self.watch.observer.interrupted();
        let kept = self.watch.store().is_some_and(|store| stop || store.is_due());
        (kept, stop)
    }

    /// Keeps where this problem stands, and the problems before it.
    pub(super) fn keep(&self, parts: &[&[u8]]) {
        self.watch.keep(self.solved);
        self.watch.save(&step(self.name), parts);
    }

    /// Where this problem stood; false, and anything in `parts`, if it was not kept.
    pub(super) fn kept(&self, parts: &mut [&mut [u8]]) -> Result<bool> {
        self.watch.store().map_or(Ok(false), |store| store.load_into(&step(self.name), parts))
    }
}

/// The stage under which a problem is kept while it is being solved.
fn step(name: &str) -> String {
    format!("{name}-step")
}

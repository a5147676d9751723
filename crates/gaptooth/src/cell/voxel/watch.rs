//! Who hears how far the problems of a cell are, and who keeps their states.

use std::cell::Cell;

use super::conjugate_gradients::Outcome;
use super::field::Field;
use crate::Result;
use crate::observer::{Observer, check_interrupt};
use crate::store::Store;

/// The stage under which the problem that is being solved is kept.
const STEP: &str = "step";

/// The outside of all problems of a cell.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    pub(super) observer: &'a dyn Observer,
    pub(super) store: Option<&'a dyn Store>,
    /// problems in all
    pub(super) problems: usize,
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
    pub(super) watch: Watch<'a>,
    pub(super) before: usize,
    pub(super) name: String,
    /// those of the same kind before it
    pub(super) solved: &'a [Solved],
}

impl Solved {
    pub(super) fn new(name: String, potential: Field<f64>, outcome: Outcome) -> Self {
        Solved { name, potential, outcome, is_kept: Cell::new(false) }
    }
}

impl Watch<'_> {
    /// The problem of that name, if it was kept.
    pub(super) fn kept(&self, name: &str, unknowns: usize) -> Result<Option<Solved>> {
        let Some(store) = self.store else { return Ok(None) };
        let (mut potential, mut numbers) = (Field::<f64>::zeros(unknowns), [0.0; 3]);
        let parts = &mut [bytemuck::cast_slice_mut(&mut numbers), bytemuck::cast_slice_mut(&mut potential)];
        Ok(store.load_into(name, parts)?.then(|| Solved {
            name: name.into(),
            potential,
            outcome: Outcome::from_numbers(numbers),
            is_kept: Cell::new(true),
        }))
    }

    /// Keeps those that are not yet kept.
    pub(super) fn keep(&self, solved: &[Solved]) -> Result<()> {
        let Some(store) = self.store else { return Ok(()) };
        for one in solved.iter().filter(|one| !one.is_kept.get()) {
            let numbers = one.outcome.to_numbers();
            store.save(&one.name, &[bytemuck::cast_slice(&numbers), bytemuck::cast_slice(&one.potential)])?;
            one.is_kept.set(true);
        }
        Ok(())
    }

    /// Also when it is to end: then nothing is lost.
    pub(super) fn is_due(&self) -> bool {
        self.store.is_some_and(|store| store.is_due() || self.observer.interrupted())
    }
}

impl Place<'_> {
    /// Which share of this problem is solved, and with what error.
    pub(super) fn progress(&self, share: f64, error: f64) {
        let Watch { observer, problems, .. } = self.watch;
        let detail = if error.is_finite() { format!("error {error:.1e}") } else { String::new() };
        let done = 100.0 * (self.before as f64 + share);
        observer.progress("cell problems", done as u64, 100 * problems as u64, &detail);
    }

    /// Ends it all if that is asked for.
    pub(super) fn check(&self) -> Result<()> {
        check_interrupt(self.watch.observer, "cell problems")
    }

    pub(super) fn is_due(&self) -> bool {
        self.watch.is_due()
    }

    /// Keeps where this problem stands, and the problems before it.
    pub(super) fn keep(&self, parts: &[&[u8]]) -> Result<()> {
        let Some(store) = self.watch.store else { return Ok(()) };
        self.watch.keep(self.solved)?;
        let name = self.padded();
        store.save(STEP, &[&[&name[..]], parts].concat())
    }

    /// Where this problem stood; false, and anything in `parts`, if it was not kept.
    pub(super) fn kept(&self, parts: &mut [&mut [u8]]) -> Result<bool> {
        let Some(store) = self.watch.store else { return Ok(false) };
        let mut name = [0; 32];
        let mut all: Vec<&mut [u8]> = vec![&mut name];
        all.extend(parts.iter_mut().map(|part| &mut **part));
        Ok(store.load_into(STEP, &mut all)? && name == self.padded())
    }

    fn padded(&self) -> [u8; 32] {
        let mut padded = [0; 32];
        padded.iter_mut().zip(self.name.bytes()).for_each(|(place, byte)| *place = byte);
        padded
    }
}

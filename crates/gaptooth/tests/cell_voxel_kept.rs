//! Cells of voxels that are stopped and gone on with: the bits of one that was not.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use gaptooth::cell::{VoxelCell, VoxelOptions, VoxelSolver};
use gaptooth::observer::Observer;
use gaptooth::store::Store;
use gaptooth::{Error, Result};
use proptest::prelude::*;

/// A machine that fails after so many steps, and a disk on which every so many are kept.
#[derive(Default)]
struct Machine {
    kept: Mutex<HashMap<String, Vec<u8>>>,
    /// steps of all processes
    steps: AtomicUsize,
    /// steps that the present process still has
    left: AtomicUsize,
    every: usize,
    asked: AtomicUsize,
    /// whether it fails at once, or lets what it computes be kept
    at_once: bool,
}

impl Machine {
    fn is_down(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }
}

impl Machine {
    /// What is down at once writes nothing more.
    fn is_dead(&self) -> bool {
        self.is_down() && self.at_once
    }
}

impl Store for Machine {
    fn load(&self, stage: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.kept.lock().unwrap().get(stage).cloned())
    }

    fn save(&self, stage: &str, parts: &[&[u8]]) -> Result<()> {
        if !self.is_dead() {
            self.kept.lock().unwrap().insert(stage.into(), parts.concat());
        }
        Ok(())
    }

    fn is_due(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.every)
    }

    fn forget(&self, stage: &str) {
        if !self.is_dead() {
            self.kept.lock().unwrap().remove(stage);
        }
    }
}

impl Observer for Machine {
    fn progress(&self, _stage: &str, _done: u64, _total: u64, _detail: &str) {
        self.steps.fetch_add(1, Ordering::Relaxed);
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(1)));
    }

    fn interrupted(&self) -> bool {
        self.is_down()
    }
}

fn steps_of(machine: &Machine) -> usize {
    machine.steps.load(Ordering::Relaxed)
}

fn cell() -> impl Strategy<Value = VoxelCell> {
    let shape = prop_oneof![
        (1usize..6, 1usize..6, 1usize..6).prop_map(|(x, y, z)| vec![x, y, z]),
        (1usize..9, 1usize..9).prop_map(|(x, y)| vec![x, y])
    ];
    let value = prop_oneof![Just(0.0), Just(1.0), Just(10.0), Just(1e-3)];
    (shape, any::<bool>()).prop_flat_map(move |(shape, plates)| {
        prop::collection::vec(value.clone(), shape.iter().product::<usize>()).prop_map(move |a| {
            let cell = VoxelCell::new(&shape, &vec![1.0; shape.len()], a).unwrap();
            if plates { cell.between_plates() } else { cell }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_cell_stopped_after_every_few_steps_has_the_bits_of_one_that_was_not(
        cell in cell(), bounds: bool, fields: bool, by_fft: bool, every in 1usize..4, more in 0usize..4, at_once: bool,
    ) {
        let solver = if by_fft { VoxelSolver::Fft } else { VoxelSolver::Multigrid };
        let options = VoxelOptions { tolerance: 1e-6, solver, bounds, fields };
        let alone = Machine { left: AtomicUsize::new(usize::MAX), every: 1, ..Machine::default() };
        let whole = cell.clone().effective(&options, &alone).unwrap();
        let machine = Machine { every, at_once, ..Machine::default() };
        let mut stops = 0;
        let found = loop {
            // a process that has no time for what is between two checkpoints never comes on
            machine.left.store(every + 1 + more, Ordering::Relaxed);
            match cell.clone().effective_kept(&options, &machine, &machine) {
                Err(Error::Interrupted { .. }) => stops += 1,
                other => break other.unwrap(),
            }
            prop_assert!(stops <= steps_of(&alone), "it does not come on");
        };
        // void voxels have no potential, and no NaN equals another
        prop_assert_eq!(format!("{found:?}"), format!("{whole:?}"));
        let [steps, at_least] = [&machine, &alone].map(steps_of);
        let again = if at_once { stops * every } else { 0 };
        prop_assert!((at_least..=at_least + again).contains(&steps), "{steps} steps for {at_least}, {stops} stops");
        // nothing is left of what was being solved
        prop_assert!(machine.is_dead() || machine.kept.lock().unwrap().keys().all(|name| !name.ends_with("-step")));
    }
}

/// A disk that is full, and whoever hears of it.
#[derive(Default)]
struct Full(Mutex<Vec<String>>);

impl Store for Full {
    fn load(&self, _stage: &str) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn save(&self, _stage: &str, _parts: &[&[u8]]) -> Result<()> {
        Err(Error::parameter("disk", "full", "room", "make some"))
    }
}

impl Observer for Full {
    fn progress(&self, _stage: &str, _done: u64, _total: u64, _detail: &str) {}

    fn note(&self, message: &str) {
        self.0.lock().unwrap().push(message.into());
    }
}

#[test]
fn a_full_disk_is_noted_once_and_costs_no_answer() {
    let cell = VoxelCell::new(&[4, 3], &[1.0, 1.0], (1..=12).map(f64::from).collect()).unwrap();
    let options = VoxelOptions { bounds: true, ..VoxelOptions::default() };
    let full = Full::default();
    let found = cell.clone().effective_kept(&options, &full, &full).unwrap();
    assert_eq!(found, cell.effective(&options, &Full::default()).unwrap());
    let notes = full.0.lock().unwrap();
    assert!(notes.len() == 1 && notes[0].contains("full"), "{notes:?}");
}

//! Cells of voxels that are stopped and gone on with: the bits of one that was not.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use gaptooth::cell::{VoxelCell, VoxelOptions, VoxelSolver};
use gaptooth::observer::{Observer, Silent};
use gaptooth::store::Store;
use gaptooth::{Error, Result};
use proptest::prelude::*;

/// Keeps everything, always.
#[derive(Default)]
struct Memory {
    kept: Mutex<HashMap<String, Vec<u8>>>,
    saved: AtomicUsize,
}

impl Store for Memory {
    fn load(&self, stage: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.kept.lock().unwrap().get(stage).cloned())
    }

    fn save(&self, stage: &str, parts: &[&[u8]]) -> Result<()> {
        self.saved.fetch_add(1, Ordering::Relaxed);
        self.kept.lock().unwrap().insert(stage.into(), parts.concat());
        Ok(())
    }
}

/// Stops after so many steps.
struct Steps(AtomicUsize);

impl Observer for Steps {
    fn progress(&self, _stage: &str, _done: u64, _total: u64, _detail: &str) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    fn interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
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
    #[test]
    fn a_cell_stopped_after_every_few_steps_has_the_bits_of_one_that_was_not(
        cell in cell(), bounds: bool, fields: bool, by_fft: bool, steps in 1usize..6,
    ) {
        let solver = if by_fft { VoxelSolver::Fft } else { VoxelSolver::Multigrid };
        let options = VoxelOptions { tolerance: 1e-8, solver, bounds, fields };
        let whole = cell.clone().effective(&options, &Silent).unwrap();
        let store = Memory::default();
        let mut stops = 0;
        let found = loop {
            match cell.clone().effective_kept(&options, &Steps(steps.into()), &store) {
                Err(Error::Interrupted { .. }) => stops += 1,
                other => break other.unwrap(),
            }
            prop_assert!(stops < 5000, "it does not come on");
        };
        // void voxels have no potential, and no NaN equals another
        prop_assert_eq!(format!("{found:?}"), format!("{whole:?}"));
        // nothing is computed twice: all of it is kept
        let again = store.saved.load(Ordering::Relaxed);
        prop_assert!(stops == 0 || again > 0);
        cell.effective_kept(&options, &Silent, &store).unwrap();
        prop_assert_eq!(store.saved.load(Ordering::Relaxed), again);
    }
}

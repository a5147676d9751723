//! The states of a stopped run, on disk.

use gaptooth::{Result, io::Checkpoints, study::Store};

/// [`Store`] over the checkpoints of a run's directory.
pub(crate) struct CheckpointStore(pub(crate) Checkpoints);

impl Store for CheckpointStore {
    fn load(&self, stage: &str) -> Result<Option<Vec<u8>>> {
        self.0.load(stage)
    }

    fn save(&self, stage: &str, bytes: &[u8]) -> Result<()> {
        self.0.store(stage, bytes)
    }
}

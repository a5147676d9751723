//! A store that forgets when the test ends.

use std::{collections::HashMap, sync::Mutex};

use gaptooth::{Result, store::Store};

/// What is kept, by stage.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) Mutex<HashMap<String, Vec<u8>>>);

impl Store for Memory {
    fn load(&self, stage: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap().get(stage).cloned())
    }

    fn save(&self, stage: &str, parts: &[&[u8]]) -> Result<()> {
        self.0.lock().unwrap().insert(stage.into(), parts.concat());
        Ok(())
    }
}

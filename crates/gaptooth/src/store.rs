//! Where long computations keep their states between a stop and a resumption.

use crate::Result;

/// Keeps states by name. Adapters bring one; numerics hand it what took long, and ask for it before they begin.
pub trait Store: Sync {
    /// What was saved for `stage`, if anything.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    fn load(&self, stage: &str) -> Result<Option<Vec<u8>>>;

    /// Replaces what is kept for `stage`, atomically, by `parts` one after the other.
    ///
    /// # Errors
    /// When it cannot be written.
    fn save(&self, stage: &str, parts: &[&[u8]]) -> Result<()>;

    /// Fills `parts` with what was saved for `stage` in parts of these lengths; false, and any bytes in them, if nothing such is there.
    ///
    /// # Errors
    /// As [`Store::load`].
    fn load_into(&self, stage: &str, parts: &mut [&mut [u8]]) -> Result<bool> {
        let Some(bytes) = self.load(stage)? else { return Ok(false) };
        if bytes.len() != parts.iter().map(|part| part.len()).sum::<usize>() {
            return Ok(false);
        }
        let mut rest = &bytes[..];
        for part in parts {
            let (own, others) = rest.split_at(part.len());
            part.copy_from_slice(own);
            rest = others;
        }
        Ok(true)
    }

    /// Whether the state of what is being computed is worth saving now: what that costs is little beside what was computed since the last.
    fn is_due(&self) -> bool {
        true
    }

    /// Whether it has lasted so long that what is finished is worth saving.
    fn is_lasting(&self) -> bool {
        true
    }

    /// Removes what is kept for `stage`, if anything: it is no longer needed.
    fn forget(&self, _stage: &str) {}
}

//! Results of finished stages, so that a run that was stopped goes on where it was.

use std::path::PathBuf;

use super::atomic;
use crate::study::Store;
use crate::{Error, Result};

/// Stage results under `checkpoints/`, each marked with the fingerprint of the configuration that made it: one of
/// another configuration is not there for this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoints {
    folder: PathBuf,
    fingerprint: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Head {
    fingerprint: String,
    bytes: usize,
}

impl Checkpoints {
    /// `fingerprint`: everything that the results depend on, such as the text of `run.toml` and the version.
    pub fn new(folder: impl Into<PathBuf>, fingerprint: impl Into<String>) -> Self {
        Checkpoints { folder: folder.into(), fingerprint: fingerprint.into() }
    }

    /// Keeps the result of `stage`, atomically, in place of an earlier one.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a stage that is not letters, digits, `-` and `_`; [`Error::Io`].
    ///
    /// ```
    /// let folder = tempfile::tempdir().unwrap();
    /// let run = gaptooth::io::RunDirectory::create(folder.path())?;
    /// run.checkpoints("seed = 1").store("dataset", b"result")?;
    /// assert_eq!(run.checkpoints("seed = 1").load("dataset")?.as_deref(), Some(&b"result"[..]));
    /// assert_eq!(run.checkpoints("seed = 2").load("dataset")?, None);
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    pub fn store(&self, stage: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(stage)?;
        let head = Head { fingerprint: self.fingerprint.clone(), bytes: bytes.len() };
        atomic::write_with(&path, |file| {
            writeln!(file, "{}", serde_json::to_string(&head)?)?;
            file.write_all(bytes)
        })
    }

    /// The result of `stage`; none when it was not finished, is of another configuration or is damaged.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a bad stage name, [`Error::Io`] when the file is there and cannot be read.
    pub fn load(&self, stage: &str) -> Result<Option<Vec<u8>>> {
        let path = self.path(stage)?;
        let mut content = match std::fs::read(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|e| atomic::io_error(&path, "read", e))?,
        };
        let Some(end) = content.iter().position(|&b| b == b'\n') else { return Ok(None) };
        let Ok(head) = serde_json::from_slice::<Head>(&content[..end]) else { return Ok(None) };
        content.drain(..=end);
        Ok((head.fingerprint == self.fingerprint && head.bytes == content.len()).then_some(content))
    }

    /// Removes all of them, of whatever configuration: the run is done.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn clear(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.folder) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(atomic::io_error(&self.folder, "remove", e)),
            _ => Ok(()),
        }
    }

    fn path(&self, stage: &str) -> Result<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if stage.is_empty() || !stage.chars().all(plain) {
            return Err(Error::parameter(
                "stage",
                format!("`{stage}`"),
                "letters, digits, - and _",
                "rename the stage",
            ));
        }
        Ok(self.folder.join(format!("{stage}.checkpoint")))
    }
}

impl Store for Checkpoints {
    fn load(&self, stage: &str) -> Result<Option<Vec<u8>>> {
        Checkpoints::load(self, stage)
    }

    fn save(&self, stage: &str, bytes: &[u8]) -> Result<()> {
        self.store(stage, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_and_foreign_results_are_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Checkpoints::new(folder.path().join("checkpoints"), "a\nb");
        assert_eq!(kept.load("fit").unwrap(), None);
        kept.store("fit", b"line\nline").unwrap();
        assert_eq!(kept.load("fit").unwrap().unwrap(), b"line\nline");
        let path = kept.path("fit").unwrap();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(kept.load("fit").unwrap(), None);
        assert!(kept.store("../fit", b"").is_err());
        kept.clear().unwrap();
        kept.clear().unwrap();
        assert!(!path.exists());
    }
}

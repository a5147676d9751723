//! Results of finished stages, so that a run that was stopped goes on where it was.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::atomic;
use crate::store::Store;
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
        self.save(stage, &[bytes])
    }

    /// The result of `stage`; none when it was not finished, is of another configuration or is damaged.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a bad stage name, [`Error::Io`] when the file is there and cannot be read.
    pub fn load(&self, stage: &str) -> Result<Option<Vec<u8>>> {
        let Some((mut file, length)) = self.open(stage)? else { return Ok(None) };
        let mut bytes = vec![];
        file.read_to_end(&mut bytes).map_err(|e| atomic::io_error(&self.folder, "read", e))?;
        Ok((bytes.len() == length).then_some(bytes))
    }

    /// The file behind its head, and the bytes that the head promises; none of another configuration.
    fn open(&self, stage: &str) -> Result<Option<(BufReader<File>, usize)>> {
        let path = self.path(stage)?;
        let file = match File::open(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|e| atomic::io_error(&path, "read", e))?,
        };
        let (mut file, mut head) = (BufReader::new(file), vec![]);
        file.read_until(b'\n', &mut head).map_err(|e| atomic::io_error(&path, "read", e))?;
        let Ok(head) = serde_json::from_slice::<Head>(&head) else { return Ok(None) };
        Ok((head.fingerprint == self.fingerprint).then_some((file, head.bytes)))
    }

    /// Removes all of them, of whatever configuration, and temporaries of killed processes: the run is done. Other files stay, and the folder
    /// with them.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn clear(&self) -> Result<()> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(|e| atomic::io_error(&self.folder, "list", e))?,
        };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let temporary = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(atomic::TEMPORARY_PREFIX));
            if path.is_file() && (temporary || path.extension().is_some_and(|e| e == "checkpoint")) {
                std::fs::remove_file(&path).map_err(|e| atomic::io_error(&path, "remove", e))?;
            }
        }
        let _ = std::fs::remove_dir(&self.folder);
        Ok(())
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

    fn save(&self, stage: &str, parts: &[&[u8]]) -> Result<()> {
        let head = Head { fingerprint: self.fingerprint.clone(), bytes: parts.iter().map(|part| part.len()).sum() };
        atomic::write_with(&self.path(stage)?, |file| {
            writeln!(file, "{}", serde_json::to_string(&head)?)?;
            parts.iter().try_for_each(|part| file.write_all(part))
        })
    }

    /// Straight from the file: no second copy in memory.
    fn load_into(&self, stage: &str, parts: &mut [&mut [u8]]) -> Result<bool> {
        let Some((mut file, length)) = self.open(stage)? else { return Ok(false) };
        if length != parts.iter().map(|part| part.len()).sum::<usize>() {
            return Ok(false);
        }
        for part in parts {
            match file.read_exact(part) {
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(false),
                other => other.map_err(|e| atomic::io_error(&self.folder, "read", e))?,
            }
        }
        let more = file.fill_buf().map_err(|e| atomic::io_error(&self.folder, "read", e))?;
        Ok(more.is_empty())
    }
}

/// Checkpoints of large states: saved every ten seconds or more, and never for more than a tenth of the time.
#[derive(Debug)]
pub struct Occasional {
    kept: Checkpoints,
    /// when the last was saved, and how long all took since one was due
    last: Mutex<(Instant, Duration)>,
}

impl Occasional {
    /// None is due yet.
    pub fn new(kept: Checkpoints) -> Self {
        Occasional { kept, last: Mutex::new((Instant::now(), Duration::ZERO)) }
    }
}

impl Store for Occasional {
    fn load(&self, stage: &str) -> Result<Option<Vec<u8>>> {
        self.kept.load(stage)
    }

    fn save(&self, stage: &str, parts: &[&[u8]]) -> Result<()> {
        let started = Instant::now();
        self.kept.save(stage, parts)?;
        let mut last = self.last.lock().unwrap_or_else(|e| e.into_inner());
        *last = (Instant::now(), last.1 + started.elapsed());
        Ok(())
    }

    fn load_into(&self, stage: &str, parts: &mut [&mut [u8]]) -> Result<bool> {
        self.kept.load_into(stage, parts)
    }

    fn is_due(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(|e| e.into_inner());
        let due = last.0.elapsed() >= EVERY.max(10 * last.1);
        if due {
            last.1 = Duration::ZERO;
        }
        due
    }
}

/// What may be lost of a long computation, and a little more.
const EVERY: Duration = Duration::from_secs(10);

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
        for damaged in [&whole[..whole.len() - 1], &[&whole[..], b"x"].concat(), b"{}", b""] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(kept.load("fit").unwrap(), None);
            assert!(!kept.load_into("fit", &mut [&mut [0; 9]]).unwrap());
        }
        assert!(kept.store("../fit", b"").is_err());
        std::fs::write(path.with_file_name("notes.txt"), b"").unwrap();
        kept.clear().unwrap();
        assert!(!path.exists() && path.with_file_name("notes.txt").exists());
        std::fs::remove_file(path.with_file_name("notes.txt")).unwrap();
        kept.clear().unwrap();
        kept.clear().unwrap();
        assert!(!path.parent().unwrap().exists());
    }

    #[test]
    fn parts_come_back_as_they_were_saved_and_of_their_lengths_only() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Occasional::new(Checkpoints::new(folder.path(), "a"));
        kept.save("step", &[b"one\n", b"", b"three"]).unwrap();
        let (mut one, mut three) = ([0; 4], [0; 5]);
        assert!(kept.load_into("step", &mut [&mut one, &mut [], &mut three]).unwrap());
        assert_eq!((&one, &three), (b"one\n", b"three"));
        assert!(!kept.load_into("step", &mut [&mut one]).unwrap());
        assert!(!kept.load_into("other", &mut [&mut one]).unwrap());
        assert!(!kept.is_due(), "none is due so soon");
    }
}

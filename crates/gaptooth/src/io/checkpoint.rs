//! Results of finished stages, so that a run that was stopped goes on where it was.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::atomic;
use crate::Result;
use crate::store::Store;

/// Stage results under `checkpoints/`, each marked with the fingerprint of the configuration that made it: one of
/// another configuration is not there for this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoints {
    folder: PathBuf,
    fingerprint: String,
    /// before the name of each stage
    part: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Head {
    fingerprint: String,
    bytes: usize,
    /// of the bytes
    crc32: u32,
}

impl Checkpoints {
    /// `fingerprint`: everything that the results depend on, such as the text of `run.toml` and the version.
    pub fn new(folder: impl Into<PathBuf>, fingerprint: impl Into<String>) -> Self {
        Checkpoints { folder: folder.into(), fingerprint: fingerprint.into(), part: String::new() }
    }

    /// Those of one part of the work: its stages may have the names of another's, and [`Checkpoints::clear`] leaves the rest.
    ///
    /// ```
    /// let folder = tempfile::tempdir().unwrap();
    /// let whole = gaptooth::io::Checkpoints::new(folder.path(), "seed = 1");
    /// whole.store("rows", b"1")?;
    /// whole.part("left").store("step", b"2")?;
    /// assert_eq!(whole.part("right").load("step")?, None);
    /// whole.part("left").clear()?;
    /// assert_eq!(whole.part("left").load("step")?, None);
    /// assert_eq!(whole.load("rows")?.as_deref(), Some(&b"1"[..]));
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    pub fn part(&self, name: &str) -> Self {
        Checkpoints { part: format!("{}{name}/", self.part), ..self.clone() }
    }

    /// In a folder of its own inside `folder`, so that computations of other fingerprints may keep theirs beside it.
    pub fn apart(folder: impl Into<PathBuf>, fingerprint: impl Into<String>) -> Self {
        let fingerprint = fingerprint.into();
        let mut name = DefaultHasher::new();
        fingerprint.hash(&mut name);
        Checkpoints {
            folder: folder.into().join(format!("gaptooth-{:016x}", name.finish())),
            fingerprint,
            part: String::new(),
        }
    }

    /// Keeps the result of `stage`, atomically, in place of an earlier one.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io).
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
    /// [`Error::Io`](crate::Error::Io) when the file is there and cannot be read.
    pub fn load(&self, stage: &str) -> Result<Option<Vec<u8>>> {
        let Some((mut file, head)) = self.open(stage)? else { return Ok(None) };
        let mut bytes = vec![];
        file.read_to_end(&mut bytes).map_err(|e| atomic::io_error(&self.folder, "read", e))?;
        Ok((bytes.len() == head.bytes && crc32fast::hash(&bytes) == head.crc32).then_some(bytes))
    }

    /// The file behind its head; none of another configuration.
    fn open(&self, stage: &str) -> Result<Option<(BufReader<File>, Head)>> {
        let path = self.path(stage);
        let file = match File::open(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|e| atomic::io_error(&path, "read", e))?,
        };
        let (mut file, mut head) = (BufReader::new(file), vec![]);
        file.read_until(b'\n', &mut head).map_err(|e| atomic::io_error(&path, "read", e))?;
        let Ok(head) = serde_json::from_slice::<Head>(&head) else { return Ok(None) };
        Ok((head.fingerprint == self.fingerprint).then_some((file, head)))
    }

    /// Removes all of them, of whatever configuration, and temporaries of killed processes: the run is done; of a part, its own alone. Other files
    /// stay, and the folder with them.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io).
    pub fn clear(&self) -> Result<()> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(|e| atomic::io_error(&self.folder, "list", e))?,
        };
        let part = escaped(&self.part);
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let is_here = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&part));
            if is_here && is_ours(&path) {
                std::fs::remove_file(&path).map_err(|e| atomic::io_error(&path, "remove", e))?;
            }
        }
        // an empty folder, and that of checkpoints apart, are of no use to anybody
        if std::fs::remove_dir(&self.folder).is_ok()
            && let Some(parent) = self.folder.parent().filter(|_| self.is_apart())
        {
            let _ = std::fs::remove_dir(parent);
        }
        Ok(())
    }

    fn is_apart(&self) -> bool {
        self.folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("gaptooth-"))
    }

    fn path(&self, stage: &str) -> PathBuf {
        self.folder.join(format!("{}{}.checkpoint", escaped(&self.part), escaped(stage)))
    }
}

/// A name that any file system takes: letters, digits, - and _ as they are.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let letter = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(letter).collect()
}

/// Whether a file was written here: a temporary, or one with a head.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let has_head = || {
        let mut head = vec![];
        let read = File::open(path).and_then(|file| BufReader::new(file).take(1 << 20).read_until(b'\n', &mut head));
        read.is_ok() && serde_json::from_slice::<Head>(&head).is_ok()
    };
    path.is_file() && (name.starts_with(atomic::TEMPORARY_PREFIX) || name.ends_with(".checkpoint") && has_head())
}

impl Store for Checkpoints {
    fn load(&self, stage: &str) -> Result<Option<Vec<u8>>> {
        Checkpoints::load(self, stage)
    }

    fn save(&self, stage: &str, parts: &[&[u8]]) -> Result<()> {
        let mut sum = crc32fast::Hasher::new();
        parts.iter().for_each(|part| sum.update(part));
        let bytes = parts.iter().map(|part| part.len()).sum();
        let head = Head { fingerprint: self.fingerprint.clone(), bytes, crc32: sum.finalize() };
        atomic::write_with(&self.path(stage), |file| {
            writeln!(file, "{}", serde_json::to_string(&head)?)?;
            parts.iter().try_for_each(|part| file.write_all(part))
        })
    }

    /// Straight from the file: no second copy in memory.
    fn load_into(&self, stage: &str, parts: &mut [&mut [u8]]) -> Result<bool> {
        let Some((mut file, head)) = self.open(stage)? else { return Ok(false) };
        if head.bytes != parts.iter().map(|part| part.len()).sum::<usize>() {
            return Ok(false);
        }
        let mut sum = crc32fast::Hasher::new();
        for part in parts {
            match file.read_exact(part) {
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(false),
                other => other.map_err(|e| atomic::io_error(&self.folder, "read", e))?,
            }
            sum.update(part);
        }
        let more = file.fill_buf().map_err(|e| atomic::io_error(&self.folder, "read", e))?;
        Ok(more.is_empty() && sum.finalize() == head.crc32)
    }

    fn forget(&self, stage: &str) {
        let _ = std::fs::remove_file(self.path(stage));
    }
}

/// Checkpoints that are due every so often, and never for more than a tenth of the time.
#[derive(Debug)]
pub struct Occasional {
    kept: Checkpoints,
    every: Duration,
    begun: Instant,
    /// when the last was saved, and how long all took since one was due
    last: Mutex<(Instant, Duration)>,
}

impl Occasional {
    /// Large states: every ten seconds or more; none is due yet.
    pub fn new(kept: Checkpoints) -> Self {
        Occasional::every(Duration::from_secs(10), kept)
    }

    /// The same with another shortest time between two.
    pub fn every(every: Duration, kept: Checkpoints) -> Self {
        let now = Instant::now();
        Occasional { kept, every, begun: now, last: Mutex::new((now, Duration::ZERO)) }
    }

    /// Removes all of them: see [`Checkpoints::clear`].
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io).
    pub fn clear(&self) -> Result<()> {
        self.kept.clear()
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
        let due = last.0.elapsed() >= self.every.max(10 * last.1);
        if due {
            last.1 = Duration::ZERO;
        }
        due
    }

    fn is_lasting(&self) -> bool {
        self.begun.elapsed() >= self.every
    }

    fn forget(&self, stage: &str) {
        self.kept.forget(stage);
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
        let path = kept.path("fit");
        let whole = std::fs::read(&path).unwrap();
        let flipped = [&whole[..whole.len() - 1], b"f"].concat();
        for damaged in [&whole[..whole.len() - 1], &[&whole[..], b"x"].concat(), &flipped, b"{}", b""] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(kept.load("fit").unwrap(), None);
            assert!(!kept.load_into("fit", &mut [&mut [0; 9]]).unwrap());
        }
        kept.store("../a law.2", b"1").unwrap();
        assert_eq!(kept.load("../a law.2").unwrap().unwrap(), b"1");
        assert!(!folder.path().join("a law.2").exists() && kept.path("é").ends_with("%C3%A9.checkpoint"));
        kept.store("fit", b"1").unwrap();
        std::fs::write(path.with_file_name("model.checkpoint"), b"of another program").unwrap();
        std::fs::write(path.with_file_name("notes.txt"), b"").unwrap();
        kept.clear().unwrap();
        assert!(!path.exists() && path.with_file_name("notes.txt").exists());
        for others in ["notes.txt", "model.checkpoint"] {
            std::fs::remove_file(path.with_file_name(others)).unwrap();
        }
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
        let often = Occasional::every(Duration::ZERO, Checkpoints::new(folder.path(), "a"));
        assert!(often.is_due());
        *often.last.lock().unwrap() = (Instant::now(), Duration::from_secs(60));
        assert!(!often.is_due(), "what took a minute is not due again for ten");
    }
}

//! A run's directory and what lies where in it.
//!
//! ```text
//! DIR/report.json  report.html  run.toml
//!     figures/*.svg  figures/*.png  figures/data.json
//!     data/*.zarr    models/*.safetensors + *.json
//!     checkpoints/                                 finished stages, for --resume
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::atomic::{self, TEMPORARY_PREFIX};
use super::checkpoint::{Checkpoints, Occasional};
use crate::{Error, Result};

/// The folders in it.
const FOLDERS: [&str; 4] = ["data", "models", "figures", "checkpoints"];

/// The directory that a run writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDirectory {
    root: PathBuf,
}

impl RunDirectory {
    /// Makes `path` if need be and makes sure, before anything is computed, that files can be written there. Temporaries that a killed run
    /// has left go.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be made or written.
    ///
    /// ```
    /// let folder = tempfile::tempdir().unwrap();
    /// let run = gaptooth::io::RunDirectory::create(folder.path().join("runs/diffusion-1d"))?;
    /// run.write("run.toml", b"seed = 1\n")?;
    /// assert_eq!(run.files()?, ["run.toml"]);
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let root = path.into();
        fs::create_dir_all(&root).map_err(|e| atomic::io_error(&root, "create the folder", e))?;
        tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .tempfile_in(&root)
            .map_err(|e| atomic::io_error(&root, "write in", e))?;
        for folder in [""].iter().chain(&FOLDERS) {
            sweep(&root.join(folder))?;
        }
        Ok(RunDirectory { root })
    }

    /// A file inside `path` that lies where a folder of results goes, if there is one.
    pub fn in_the_way(path: &Path) -> Option<PathBuf> {
        let folders = FOLDERS.map(|folder| path.join(folder));
        folders.into_iter().find(|folder| folder.exists() && !folder.is_dir())
    }

    /// The directory of a run that was made before.
    ///
    /// # Errors
    /// [`Error::Io`] when `path` is not there, [`Error::Format`] when it is not a directory.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let root = path.into();
        let metadata = fs::metadata(&root).map_err(|e| atomic::io_error(&root, "open", e))?;
        if !metadata.is_dir() {
            return Err(Error::Format { path: root, message: "is a file, expected the directory of a run".into() });
        }
        Ok(RunDirectory { root })
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `relative` inside it.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// `report.json`
    pub fn report_json(&self) -> PathBuf {
        self.path("report.json")
    }

    /// `report.html`
    pub fn report_html(&self) -> PathBuf {
        self.path("report.html")
    }

    /// `run.toml`
    pub fn run_toml(&self) -> PathBuf {
        self.path("run.toml")
    }

    /// `data/{name}.zarr`
    pub fn dataset(&self, name: &str) -> PathBuf {
        self.root.join("data").join(format!("{name}.zarr"))
    }

    /// `models/{name}.safetensors`
    pub fn model(&self, name: &str) -> PathBuf {
        self.root.join("models").join(format!("{name}.safetensors"))
    }

    /// Writes a file atomically.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, relative: &str, bytes: &[u8]) -> Result<()> {
        atomic::write(&self.path(relative), bytes)
    }

    /// Lets `fill` write a whole set of results into a folder beside those that are here, and puts them in their place when all are written:
    /// with a full disk, or a mistake on the way, nothing here has changed. The report comes last. What `fill` does not write stays.
    ///
    /// # Errors
    /// Those of `fill`, about files here; [`Error::Io`] when a file cannot be put in place.
    ///
    /// ```
    /// let folder = tempfile::tempdir().unwrap();
    /// let run = gaptooth::io::RunDirectory::create(folder.path())?;
    /// run.write("run.toml", b"seed = 1\n")?;
    /// let failed = run.replace(|beside| {
    ///     beside.write("run.toml", b"seed = 2\n")?;
    ///     beside.write("report.json/x", b"").and_then(|()| beside.write("report.json", b"{}"))
    /// });
    /// assert!(failed.unwrap_err().to_string().contains(&run.report_json().display().to_string()));
    /// assert_eq!(std::fs::read(run.run_toml()).unwrap(), b"seed = 1\n");
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    pub fn replace<T>(&self, fill: impl FnOnce(&RunDirectory) -> Result<T>) -> Result<T> {
        let new = self.beside()?;
        let old = self.beside()?;
        let staged = RunDirectory { root: new.path().into() };
        let found = fill(&staged).map_err(|error| self.here(error, &staged))?;
        let mut files = staged.files()?;
        files.sort_by_key(|file| file == "report.json");
        // folders first: what follows needs no room
        for folder in files.iter().filter_map(|file| Path::new(file).parent()) {
            for root in [&self.root, old.path()] {
                let folder = root.join(folder);
                fs::create_dir_all(&folder).map_err(|e| atomic::io_error(&folder, "create the folder", e))?;
            }
        }
        for file in &files {
            let (from, to) = (staged.path(file), self.path(file));
            let failed = |e| atomic::io_error(&to, "replace", e);
            let aside = old.path().join(file);
            if to.is_dir() {
                fs::rename(&to, &aside).map_err(failed)?;
            }
            fs::rename(&from, &to).map_err(|e| {
                // put the old one back, if there was one
                let _ = fs::rename(&aside, &to);
                failed(e)
            })?;
        }
        Ok(found)
    }

    fn beside(&self) -> Result<tempfile::TempDir> {
        atomic::builder(0o777).tempdir_in(&self.root).map_err(|e| atomic::io_error(&self.root, "write in", e))
    }

    /// An error about a file of `other` as one about the file of that name here.
    fn here(&self, mut error: Error, other: &RunDirectory) -> Error {
        if let Error::Io { path, .. } | Error::Format { path, .. } = &mut error
            && let Ok(relative) = path.strip_prefix(&other.root)
        {
            *path = self.root.join(relative);
        }
        error
    }

    /// The finished stages of a run with this configuration; see [`Checkpoints`].
    pub fn checkpoints(&self, fingerprint: impl Into<String>) -> Checkpoints {
        Checkpoints::new(self.path("checkpoints"), fingerprint)
    }

    /// Where the states of a run of the configuration `text` are kept while it lasts; what grows is due five times a second at most.
    pub fn states(&self, text: &str) -> Occasional {
        Occasional::every(Duration::from_millis(200), self.checkpoints(format!("{}\n{text}", crate::VERSION)))
    }

    /// What was written, relative, with `/`, in order; a zarr directory is one entry, checkpoints and temporaries none.
    ///
    /// # Errors
    /// [`Error::Io`] when a folder cannot be listed.
    pub fn files(&self) -> Result<Vec<String>> {
        let mut files = Vec::new();
        self.list(&self.root, "", &mut files)?;
        files.sort();
        Ok(files)
    }

    fn list(&self, folder: &Path, prefix: &str, files: &mut Vec<String>) -> Result<()> {
        let failed = |e| atomic::io_error(folder, "list", e);
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let relative = format!("{prefix}{name}");
            if name.starts_with(TEMPORARY_PREFIX) || relative == "checkpoints" {
                continue;
            }
            if entry.file_type().map_err(failed)?.is_dir() && !name.ends_with(".zarr") {
                self.list(&entry.path(), &format!("{relative}/"), files)?;
            } else {
                files.push(relative);
            }
        }
        Ok(())
    }
}

/// Removes the temporaries in a folder, if it is there.
fn sweep(folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TEMPORARY_PREFIX)) {
            continue;
        }
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(|e| atomic::io_error(&path, "remove", e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_listed_without_chunks_checkpoints_and_temporaries() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(folder.path()).unwrap();
        for file in ["report.json", "figures/b.svg", "figures/a.svg", "data/set.zarr/u/c/0", ".gaptooth-x"] {
            run.write(file, b"").unwrap();
        }
        run.checkpoints("c").store("dataset", b"1").unwrap();
        assert_eq!(run.files().unwrap(), ["data/set.zarr", "figures/a.svg", "figures/b.svg", "report.json"]);
        RunDirectory::create(folder.path()).unwrap();
        assert!(!folder.path().join(".gaptooth-x").exists() && folder.path().join("figures/a.svg").exists());
    }

    #[test]
    fn a_file_is_no_run_directory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(RunDirectory::open(file.path()), Err(Error::Format { .. })));
        assert!(matches!(RunDirectory::create(file.path().join("runs")), Err(Error::Io { .. })));
        assert!(matches!(RunDirectory::open("/nonexistent/run"), Err(Error::Io { .. })));
    }
}

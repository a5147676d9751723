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

use super::atomic::{self, TEMPORARY_PREFIX};
use super::checkpoint::Checkpoints;
use crate::{Error, Result};

/// The directory that a run writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDirectory {
    root: PathBuf,
}

impl RunDirectory {
    /// Makes `path` if need be and makes sure, before anything is computed, that files can be written there.
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
        Ok(RunDirectory { root })
    }

    /// A file inside `path` that lies where a folder of results goes, if there is one.
    pub fn in_the_way(path: &Path) -> Option<PathBuf> {
        let folders = ["data", "models", "figures", "checkpoints"].map(|folder| path.join(folder));
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

    /// The finished stages of a run with this configuration; see [`Checkpoints`].
    pub fn checkpoints(&self, fingerprint: impl Into<String>) -> Checkpoints {
        Checkpoints::new(self.path("checkpoints"), fingerprint)
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
    }

    #[test]
    fn a_file_is_no_run_directory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(RunDirectory::open(file.path()), Err(Error::Format { .. })));
        assert!(matches!(RunDirectory::create(file.path().join("runs")), Err(Error::Io { .. })));
        assert!(matches!(RunDirectory::open("/nonexistent/run"), Err(Error::Io { .. })));
    }
}

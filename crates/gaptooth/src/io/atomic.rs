//! Writing whole or not at all: a temporary beside the target, fsync, rename.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// What the temporaries' names begin with; listings leave such names out.
pub(crate) const TEMPORARY_PREFIX: &str = ".gaptooth-";

/// Writes `bytes` to `path`, replacing what is there; the folder is made if need be.
///
/// # Errors
/// [`Error::Io`] with the path and the action; `path` then holds what it held before and no temporary stays.
///
/// ```
/// let directory = tempfile::tempdir().unwrap();
/// let path = directory.path().join("models/card.json");
/// gaptooth::io::atomic::write(&path, b"{}")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"{}");
/// # Ok::<(), gaptooth::Error>(())
/// ```
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// The same with the bytes written by `fill`.
///
/// # Errors
/// [`Error::Io`] as [`write()`]; an error of `fill` is handed on as one of writing.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let parent = make_parent(path)?;
    let mut temporary = builder(0o666).tempfile_in(&parent).map_err(|e| io_error(path, "create", e))?;
    {
        let mut buffer = io::BufWriter::new(temporary.as_file_mut());
        fill(&mut buffer).and_then(|()| buffer.flush()).map_err(|e| io_error(path, "write", e))?;
    }
    temporary.as_file().sync_all().map_err(|e| io_error(path, "write", e))?;
    temporary.persist(path).map_err(|e| io_error(path, "replace", e.error))?;
    sync_folder(&parent);
    Ok(())
}

/// Writes a directory: `fill` gets an empty temporary sibling, which then takes the place of `path`. What was at `path`
/// is removed only after that.
///
/// # Errors
/// [`Error::Io`] with the path and the action, or the error of `fill`; `path` then holds what it held before.
pub fn write_directory(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = make_parent(path)?;
    let temporary = builder(0o777).tempdir_in(&parent).map_err(|e| io_error(path, "create", e))?;
    fill(temporary.path())?;
    sync_tree(temporary.path()).map_err(|e| io_error(path, "write", e))?;
    if path.symlink_metadata().is_ok() {
        let old = builder(0o777).tempdir_in(&parent).map_err(|e| io_error(path, "create", e))?;
        let aside = old.path().join("old");
        fs::rename(path, &aside).map_err(|e| io_error(path, "replace", e))?;
        if let Err(error) = fs::rename(temporary.path(), path) {
            // Put the old one back; were that to fail too, it must not be removed with its temporary folder.
            if fs::rename(&aside, path).is_err() {
                let _kept = old.keep();
            }
            return Err(io_error(path, "replace", error));
        }
    } else {
        fs::rename(temporary.path(), path).map_err(|e| io_error(path, "create", e))?;
    }
    let _renamed = temporary.keep();
    sync_folder(&parent);
    Ok(())
}

/// Reads a whole file.
///
/// # Errors
/// [`Error::Io`] with the path.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| io_error(path, "read", e))
}

/// Reads a whole text file.
///
/// # Errors
/// [`Error::Io`] with the path, also for text that is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| io_error(path, "read", e))
}

/// An [`Error::Io`].
pub(crate) fn io_error(path: &Path, action: &'static str, source: io::Error) -> Error {
    Error::Io { path: path.to_path_buf(), action, source }
}

/// `name.json` beside `name.extension`, whatever dots the name holds.
pub(crate) fn sibling(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or(OsStr::new("unnamed")).to_os_string();
    name.push(".");
    name.push(extension);
    path.with_file_name(name)
}

/// Temporaries with the permissions an ordinary new file would have, not tempfile's private ones.
#[cfg_attr(not(unix), allow(unused_variables))]
pub(super) fn builder(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    builder
}

fn make_parent(path: &Path) -> Result<PathBuf> {
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&parent).map_err(|e| io_error(&parent, "create the folder", e))?;
    Ok(parent)
}

fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            File::open(&path)?.sync_all()?;
        }
    }
    sync_folder(folder);
    Ok(())
}

/// Makes a rename last; not every file system lets a folder be synced, and the data is already safe.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    let _ = File::open(folder).and_then(|f| f.sync_all());
    #[cfg(not(unix))]
    let _ = folder;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_full_disk_leaves_the_old_file_and_no_temporary() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        write(&path, b"old").unwrap();
        let error = write_with(&path, |file| {
            file.write_all(&[7; 100_000])?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        })
        .unwrap_err();
        assert!(matches!(&error, Error::Io { path: p, action: "write", .. } if *p == path), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["report.json"]);
    }

    #[test]
    fn a_directory_that_fails_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.zarr");
        write_directory(&path, |d| write(&d.join("a"), b"1")).unwrap();
        let failed = write_directory(&path, |d| {
            write(&d.join("b"), b"2")?;
            Err(Error::parameter("x", 1, "2", "try 2"))
        });
        assert!(failed.is_err());
        assert_eq!(names(&path), ["a"]);
        write_directory(&path, |d| write(&d.join("c"), b"3")).unwrap();
        assert_eq!(names(&path), ["c"]);
        assert_eq!(names(folder.path()), ["set.zarr"]);
    }

    #[test]
    fn a_file_in_the_way_of_a_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("figures"), b"").unwrap();
        let error = write(&folder.path().join("figures/a.svg"), b"").unwrap_err().to_string();
        assert!(error.contains("create the folder") && error.contains("figures"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn files_have_ordinary_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plain"), b"").unwrap();
        write(&folder.path().join("atomic"), b"").unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("atomic"), mode("plain"));
    }
}

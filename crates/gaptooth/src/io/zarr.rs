//! Named arrays as a zarr v3 group that `xarray.open_zarr` opens with its dimensions, coordinates and attributes.
//!
//! An array named like its one dimension is that dimension's coordinate (xarray's rule). Chunks are compressed with gzip,
//! which carries a checksum, and filled with NaN, so that a lost chunk is seen and never read as zeros.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use zarrs::array::codec::GzipCodec;
use zarrs::array::{Array, ArrayBuilder, ArrayError, ArrayMetadataOptions, data_type};
use zarrs::filesystem::FilesystemStore;
use zarrs::group::{Group, GroupBuilder};
use zarrs::metadata_ext::group::consolidated_metadata::ConsolidatedMetadata;
use zarrs::node::Node;
use zarrs::storage::StorageError;

use super::atomic;
use crate::{Error, Result};

/// Values a chunk holds at most: 1 MiB of f64.
const CHUNK_VALUES: usize = 1 << 17;

/// Attributes of a group or an array, as JSON.
pub type Attributes = serde_json::Map<String, serde_json::Value>;

/// A dense array with named dimensions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NamedArray {
    /// its name in the group
    pub name: String,
    /// names of its dimensions, outermost first
    pub dims: Vec<String>,
    /// its shape, as many
    pub shape: Vec<usize>,
    /// row-major values, the product of `shape` in number
    pub data: Vec<f64>,
    /// such as `long_name` and `units`
    pub attributes: Attributes,
}

impl NamedArray {
    /// An array without attributes.
    pub fn new(name: &str, dims: &[&str], shape: &[usize], data: Vec<f64>) -> Self {
        NamedArray {
            name: name.into(),
            dims: dims.iter().map(|d| d.to_string()).collect(),
            shape: shape.to_vec(),
            data,
            attributes: Attributes::new(),
        }
    }

    /// A coordinate: one dimension, of its own name.
    pub fn coordinate(name: &str, data: Vec<f64>) -> Self {
        let n = data.len();
        NamedArray::new(name, &[name], &[n], data)
    }

    /// The same with an attribute more.
    pub fn attribute(mut self, key: &str, value: impl Into<serde_json::Value>) -> Self {
        self.attributes.insert(key.into(), value.into());
        self
    }
}

/// Arrays that share dimensions, and attributes of the whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ArrayGroup {
    /// the arrays; read back in order of name
    pub arrays: Vec<NamedArray>,
    /// attributes of the group
    pub attributes: Attributes,
}

impl ArrayGroup {
    /// The array of that name.
    pub fn array(&self, name: &str) -> Option<&NamedArray> {
        self.arrays.iter().find(|a| a.name == name)
    }

    /// Names unique and plain, shapes and lengths consistent, each dimension of one length.
    fn check(&self) -> Result<()> {
        let mut names = std::collections::BTreeSet::new();
        let mut lengths: BTreeMap<&str, usize> = BTreeMap::new();
        for a in &self.arrays {
            if a.name.is_empty() || a.name.starts_with(['.', '_']) || a.name.contains('/') || !names.insert(&a.name) {
                return Err(Error::parameter(
                    "array name",
                    format!("`{}`", a.name),
                    "unique, not empty, no `/`, no leading `.` or `_`",
                    "rename the array",
                ));
            }
            let values: usize = a.shape.iter().product();
            if a.dims.len() != a.shape.len() || values != a.data.len() {
                let what = format!("`{}` (dimensions {:?}, {} values)", a.name, a.dims, a.data.len());
                return Err(Error::Shape { what, expected: vec![a.data.len()], found: a.shape.clone() });
            }
            for (dim, &n) in a.dims.iter().zip(&a.shape) {
                let expected = *lengths.entry(dim).or_insert(n);
                if expected != n {
                    let what = format!("dimension `{dim}` of `{}`", a.name);
                    return Err(Error::Shape { what, expected: vec![expected], found: vec![n] });
                }
            }
        }
        Ok(())
    }
}

/// Writes `group` at `path`, replacing a zarr group already there.
///
/// # Errors
/// [`Error::Parameter`] or [`Error::Shape`] for an inconsistent group, [`Error::Format`] when `path` holds something that
/// is no zarr group (nothing is then overwritten), [`Error::Io`].
///
/// ```
/// use gaptooth::io::{ArrayGroup, NamedArray, read_group, write_group};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("set.zarr");
/// let group = ArrayGroup {
///     arrays: vec![
///         NamedArray::new("u", &["time", "x"], &[2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
///         NamedArray::coordinate("x", vec![0.0, 0.5, 1.0]),
///     ],
///     ..Default::default()
/// };
/// write_group(&path, &group)?;
/// assert_eq!(read_group(&path)?, group);
/// # Ok::<(), gaptooth::Error>(())
/// ```
pub fn write_group(path: &Path, group: &ArrayGroup) -> Result<()> {
    group.check()?;
    refuse_foreign(path)?;
    atomic::write_directory(path, |temporary| {
        fill(temporary, group).map_err(|failure| failure.into_error(path, "write"))
    })
}

/// Reads a group; arrays come in order of name. Reads f64, f32, i64, i32 and bool arrays, all as f64.
///
/// # Errors
/// [`Error::Io`] when there is nothing at `path`, [`Error::Format`] when it is no zarr group, or an array cannot be decoded.
pub fn read_group(path: &Path) -> Result<ArrayGroup> {
    std::fs::metadata(path).map_err(|e| atomic::io_error(path, "read", e))?;
    if !path.join("zarr.json").is_file() {
        let message = "found no zarr.json in it, expected a zarr v3 group (a directory such as data/patch.zarr)".into();
        return Err(Error::Format { path: path.into(), message });
    }
    let group = collect(path).map_err(|failure| failure.into_error(path, "read"))?;
    group.check().map_err(|e| Error::Format { path: path.into(), message: e.to_string() })?;
    Ok(group)
}

fn refuse_foreign(path: &Path) -> Result<()> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    let empty = metadata.is_dir() && path.read_dir().is_ok_and(|mut d| d.next().is_none());
    if empty || path.join("zarr.json").is_file() {
        return Ok(());
    }
    let message = "is there already and is no zarr group: it is left alone. Choose another name or remove it".into();
    Err(Error::Format { path: path.into(), message })
}

/// What zarrs reported, before it knows its path.
enum Failure {
    Io(std::io::Error),
    Other(String),
}

impl Failure {
    fn into_error(self, path: &Path, action: &'static str) -> Error {
        match self {
            Failure::Io(source) => atomic::io_error(path, action, source),
            Failure::Other(message) => Error::Format { path: path.into(), message },
        }
    }

    fn other(error: impl std::fmt::Display) -> Self {
        Failure::Other(error.to_string())
    }

    fn array(name: &str, error: ArrayError) -> Self {
        match error {
            ArrayError::StorageError(error) => error.into(),
            other => Failure::Other(format!("array `{name}`: {other}")),
        }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::IOError(e) => Failure::Io(std::io::Error::new(e.kind(), e.to_string())),
            other => Failure::other(other),
        }
    }
}

fn fill(folder: &Path, group: &ArrayGroup) -> std::result::Result<(), Failure> {
    let store = Arc::new(FilesystemStore::new(folder).map_err(Failure::other)?);
    let mut root =
        GroupBuilder::new().attributes(group.attributes.clone()).build(store.clone(), "/").map_err(Failure::other)?;
    root.store_metadata()?;
    // Without the attribute that zarrs would add to each array.
    let plain = ArrayMetadataOptions::default().with_include_zarrs_metadata(false);
    for a in &group.arrays {
        let shape: Vec<u64> = a.shape.iter().map(|&n| n as u64).collect();
        let array = ArrayBuilder::new(shape, chunk_shape(&a.shape), data_type::float64(), f64::NAN)
            .bytes_to_bytes_codecs(vec![Arc::new(GzipCodec::new(4).map_err(Failure::other)?)])
            .dimension_names(Some(a.dims.iter().map(String::as_str)))
            .attributes(a.attributes.clone())
            .build(store.clone(), &format!("/{}", a.name))
            .map_err(Failure::other)?;
        array.store_metadata_opt(&plain)?;
        if !a.data.is_empty() {
            array.store_array_subset(&array.subset_all(), &a.data).map_err(|e| Failure::array(&a.name, e))?;
        }
    }
    let node = Node::open(&store, "/").map_err(Failure::other)?;
    if let Some(metadata) = node.consolidate_metadata() {
        root.set_consolidated_metadata(Some(ConsolidatedMetadata { metadata, ..Default::default() }));
        root.store_metadata()?;
        in_order(&folder.join("zarr.json"))?;
    }
    Ok(())
}

/// The consolidated metadata by name: zarrs writes it in the order of a hash table, another one every time.
fn in_order(file: &Path) -> std::result::Result<(), Failure> {
    let text = std::fs::read(file).map_err(Failure::Io)?;
    let mut root: serde_json::Value = serde_json::from_slice(&text).map_err(Failure::other)?;
    if let Some(arrays) = root.pointer_mut("/consolidated_metadata/metadata").and_then(|m| m.as_object_mut()) {
        arrays.sort_keys();
    }
    std::fs::write(file, serde_json::to_string_pretty(&root).map_err(Failure::other)?).map_err(Failure::Io)
}

/// Whole trailing axes as long as they fit a chunk; leading axes are cut.
fn chunk_shape(shape: &[usize]) -> Vec<u64> {
    let mut room = CHUNK_VALUES;
    let mut chunk: Vec<u64> = shape
        .iter()
        .rev()
        .map(|&n| {
            let length = n.clamp(1, room.max(1));
            room /= length;
            length as u64
        })
        .collect();
    chunk.reverse();
    chunk
}

fn collect(path: &Path) -> std::result::Result<ArrayGroup, Failure> {
    let store = Arc::new(FilesystemStore::new(path).map_err(Failure::other)?);
    let root = Group::open(store, "/").map_err(Failure::other)?;
    let mut arrays = root
        .child_arrays()
        .map_err(|e| Failure::Other(format!("{e}. From Python, write with compressors=[zarr.codecs.GzipCodec()]")))?
        .iter()
        .map(read_array)
        .collect::<std::result::Result<Vec<_>, _>>()?;
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(ArrayGroup { arrays, attributes: root.attributes().clone() })
}

fn read_array(array: &Array<FilesystemStore>) -> std::result::Result<NamedArray, Failure> {
    let name = array.path().as_str().trim_start_matches('/').to_string();
    let kind = array.data_type().name_v3().unwrap_or_default().into_owned();
    let origin = vec![0; array.shape().len()];
    let chunk = array.chunk_shape(&origin).map_err(|e| Failure::Other(format!("array `{name}`: {e}")))?;
    let chunk: Vec<u64> = chunk.iter().map(|n| n.get()).collect();
    for (what, shape) in [("the array", array.shape()), ("a chunk", &chunk[..])] {
        // what is missing is filled in, so a few bytes may stand for any size
        let values = shape.iter().try_fold(1u64, |product, n| product.checked_mul(*n));
        let fits = |n| Vec::<f64>::new().try_reserve_exact(n).is_ok();
        if !values.and_then(|n| usize::try_from(n).ok()).is_some_and(fits) {
            let message = format!("array `{name}`: {what} of shape {shape:?} is more than this machine's memory");
            return Err(Failure::Other(message));
        }
    }
    let subset = array.subset_all();
    let failure = |e| Failure::array(&name, e);
    let data: Vec<f64> = match kind.as_str() {
        "float64" => array.retrieve_array_subset::<Vec<f64>>(&subset).map_err(failure)?,
        "float32" => widen(array.retrieve_array_subset::<Vec<f32>>(&subset).map_err(failure)?, f64::from),
        "int64" => widen(array.retrieve_array_subset::<Vec<i64>>(&subset).map_err(failure)?, |v| v as f64),
        "int32" => widen(array.retrieve_array_subset::<Vec<i32>>(&subset).map_err(failure)?, f64::from),
        "bool" => widen(array.retrieve_array_subset::<Vec<bool>>(&subset).map_err(failure)?, f64::from),
        _ => {
            let message =
                format!("array `{name}` has type `{kind}`, expected float64 (or float32, int64, int32, bool)");
            return Err(Failure::Other(message));
        }
    };
    let shape: Vec<usize> = array.shape().iter().map(|&n| n as usize).collect();
    let names = array.dimension_names().clone().unwrap_or_default();
    let dims = (0..shape.len()).map(|i| names.get(i).cloned().flatten().unwrap_or(format!("dim_{i}"))).collect();
    Ok(NamedArray { dims, shape, data, attributes: array.attributes().clone(), name })
}

fn widen<T>(values: Vec<T>, into: impl Fn(T) -> f64) -> Vec<f64> {
    values.into_iter().map(into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_fit_and_cut_leading_axes_first() {
        assert_eq!(chunk_shape(&[10, 200, 100]), [6, 200, 100]);
        assert_eq!(chunk_shape(&[3, 1 << 20]), [1, 1 << 17]);
        assert_eq!(chunk_shape(&[0, 5]), [1, 5]);
        assert!(chunk_shape(&[]).is_empty());
        for shape in [vec![7, 300, 999], vec![1 << 18], vec![2, 3]] {
            assert!(chunk_shape(&shape).iter().product::<u64>() <= CHUNK_VALUES as u64);
        }
    }

    #[test]
    fn inconsistent_groups_are_refused() {
        let group = |arrays| ArrayGroup { arrays, ..Default::default() };
        let short = NamedArray::new("u", &["x"], &[3], vec![0.0; 2]);
        assert!(matches!(group(vec![short]).check(), Err(Error::Shape { .. })));
        let twice = vec![NamedArray::coordinate("x", vec![0.0]), NamedArray::coordinate("x", vec![0.0])];
        assert!(matches!(group(twice).check(), Err(Error::Parameter { .. })));
        let odd = vec![NamedArray::new("u", &["x"], &[2], vec![0.0; 2]), NamedArray::coordinate("x", vec![0.0; 3])];
        assert!(matches!(group(odd).check(), Err(Error::Shape { .. })));
    }
}

//! Models: named f64 tensors in `name.safetensors`, and a card for people in `name.json` beside it.
//!
//! The card is also kept inside the safetensors file, so that the two can never be of different runs when read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use ::safetensors::tensor::{Dtype, SafeTensors, View};

use super::atomic;
use crate::{Error, Result};

/// A dense tensor with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// such as `layers.0.weight`
    pub name: String,
    /// its shape
    pub shape: Vec<usize>,
    /// row-major values, the product of `shape` in number
    pub data: Vec<f64>,
}

/// What a model file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// in order of name
    pub tensors: Vec<NamedTensor>,
    /// what it is, what it was trained on, and how well it does
    pub card: serde_json::Value,
}

impl Model {
    /// The values of tensor `name`, of that shape.
    ///
    /// # Errors
    /// [`Error::Format`] naming `path` when the tensor is missing or of another shape.
    pub fn tensor(&self, path: &Path, name: &str, shape: &[usize]) -> Result<&[f64]> {
        let format = |message| Error::Format { path: path.into(), message };
        let found = self.tensors.iter().find(|t| t.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.tensors.iter().map(|t| t.name.as_str()).collect();
            format(format!("has no tensor `{name}`; it holds {names:?}"))
        })?;
        if found.shape != shape {
            return Err(format(format!("tensor `{name}` has shape {:?}, expected {shape:?}", found.shape)));
        }
        Ok(&found.data)
    }
}

struct Bytes<'a> {
    shape: &'a [usize],
    bytes: Vec<u8>,
}

impl View for Bytes<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F64
    }
    fn shape(&self) -> &[usize] {
        self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Writes `path` (`….safetensors`) and the card beside it (`….json`), each atomically.
///
/// # Errors
/// [`Error::Shape`] for a tensor whose length is not its shape's, [`Error::Parameter`] for two of one name, [`Error::Io`].
///
/// ```
/// use gaptooth::io::{NamedTensor, load_model, save_model};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("law.safetensors");
/// let tensors = vec![NamedTensor { name: "w".into(), shape: vec![1, 2], data: vec![0.1, -2.5] }];
/// save_model(&path, &tensors, &serde_json::json!({"closure": "functional"}))?;
/// let model = load_model(&path)?;
/// assert_eq!(model.tensors, tensors);
/// assert_eq!(model.card["closure"], "functional");
/// # Ok::<(), gaptooth::Error>(())
/// ```
pub fn save_model(path: &Path, tensors: &[NamedTensor], card: &serde_json::Value) -> Result<()> {
    let mut names = std::collections::BTreeSet::new();
    for t in tensors {
        if t.shape.iter().product::<usize>() != t.data.len() {
            let what = format!("tensor `{}` of {} values", t.name, t.data.len());
            return Err(Error::Shape { what, expected: vec![t.data.len()], found: t.shape.clone() });
        }
        if !names.insert(&t.name) {
            return Err(Error::parameter("tensor name", format!("`{}` twice", t.name), "unique names", "rename one"));
        }
    }
    let format = |e: &dyn std::fmt::Display| Error::Format { path: path.into(), message: e.to_string() };
    let views = tensors.iter().map(|t| {
        (t.name.as_str(), Bytes { shape: &t.shape, bytes: t.data.iter().flat_map(|v| v.to_le_bytes()).collect() })
    });
    let metadata = HashMap::from([("card".to_string(), card.to_string())]);
    let bytes = ::safetensors::serialize(views, Some(metadata)).map_err(|e| format(&e))?;
    let text = serde_json::to_string_pretty(card).map_err(|e| format(&e))?;
    atomic::write(path, &bytes)?;
    atomic::write(&atomic::sibling(path, "json"), format!("{text}\n").as_bytes())
}

/// Reads a model written by [`save_model`]. The card is the one inside the file.
///
/// # Errors
/// [`Error::Io`], or [`Error::Format`] for a file that is no safetensors file, is cut short, holds other than f64 or a
/// value that is not finite, or carries no card.
pub fn load_model(path: &Path) -> Result<Model> {
    let bytes = atomic::read(path)?;
    let format = |message: String| Error::Format { path: path.into(), message };
    let broken = |e: &dyn std::fmt::Display| format(format!("is no whole safetensors file: {e}"));
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| broken(&e))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| broken(&e))?;
    let card = metadata.metadata().as_ref().and_then(|m| m.get("card"));
    let card = card.ok_or_else(|| format("carries no card: it was not written by gaptooth".into()))?;
    let card = serde_json::from_str(card).map_err(|e| format(format!("its card is not JSON: {e}")))?;
    let mut tensors = Vec::with_capacity(file.len());
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F64 {
            return Err(format(format!("tensor `{name}` is {:?}, expected F64", view.dtype())));
        }
        let data: Vec<f64> = view.data().chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
        if let Some(i) = data.iter().position(|v| !v.is_finite()) {
            return Err(format(format!("tensor `{name}` is {} at index {i}, expected finite values", data[i])));
        }
        tensors.push(NamedTensor { name: name.into(), shape: view.shape().to_vec(), data });
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Model { tensors, card })
}

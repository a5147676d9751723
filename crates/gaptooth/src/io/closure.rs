//! Learned laws as model files: a closure's tensors, and a card with what it is and what is known about it.

use std::path::Path;

use serde_json::{Value, json};

use super::safetensors::{NamedTensor, load_model, save_model};
use crate::closure::{AnyClosure, Card, Closure, Tensor};
use crate::{Error, Result};

/// Saves `law` at `path` (`….safetensors`, and `….json` beside it); `about` is free: recipe, scores, seed, dataset.
///
/// # Errors
/// As [`save_model`].
///
/// ```
/// use gaptooth::closure::{Closure, FeatureSpec, LinearLaw};
/// use gaptooth::grid::{Boundary, Grid};
/// use gaptooth::io::{load_closure, save_closure};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("stencil.safetensors");
/// let grid = Grid::uniform([0.0, 1.0], 8, Boundary::Periodic)?;
/// let law = LinearLaw::new(FeatureSpec::Neighbours { half: 1 }, &grid, vec![1.0, -2.0, 1.0])?;
/// save_closure(&path, &law, &serde_json::json!({"rhs_rmse": 1.2e-6}))?;
/// let (loaded, about) = load_closure(&path)?;
/// assert_eq!(loaded.parameters(), law.parameters());
/// assert_eq!(about["rhs_rmse"], 1.2e-6);
/// # Ok::<(), gaptooth::Error>(())
/// ```
pub fn save_closure(path: &Path, law: &dyn Closure, about: &Value) -> Result<()> {
    let tensors: Vec<NamedTensor> =
        law.to_tensors().into_iter().map(|(name, shape, data)| NamedTensor { name, shape, data }).collect();
    let closure = serde_json::to_value(law.card())
        .map_err(|e| Error::Format { path: path.into(), message: format!("the law's card is not JSON: {e}") })?;
    save_model(path, &tensors, &json!({"gaptooth_version": crate::VERSION, "closure": closure, "about": about}))
}

/// Loads a law, with what was said about it.
///
/// # Errors
/// As [`load_model`], and [`Error::Format`] for a card that describes no law or not these tensors.
pub fn load_closure(path: &Path) -> Result<(AnyClosure, Value)> {
    let model = load_model(path)?;
    let format = |message: String| Error::Format { path: path.into(), message };
    let card: Card = serde_json::from_value(model.card["closure"].clone())
        .map_err(|e| format(format!("its card describes no law: {e}; expected one that `gaptooth learn` wrote")))?;
    let tensors: Vec<Tensor> = model.tensors.into_iter().map(|t| (t.name, t.shape, t.data)).collect();
    let law = AnyClosure::from_tensors(&card, &tensors).map_err(|e| format(e.to_string()))?;
    Ok((law, model.card["about"].clone()))
}

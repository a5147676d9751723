//! What a run leaves beside its report.

use serde_json::{Map, Value, json};

use super::{NamedTensor, RunDirectory, save_closure, save_model, write_dataset, write_fields};
use crate::Result;
use crate::study::{AnyStudy, Outcome};

/// Writes `run.toml` (`text`, see [`super::effective_text`]), `data/*.zarr` and `models/*`; the report, which lists them, is for
/// `plot::render_report` to write last.
///
/// # Errors
/// As the writers of each.
pub fn write_outcome(outcome: &Outcome, study: &AnyStudy, text: &str, directory: &RunDirectory) -> Result<()> {
    directory.write("run.toml", text.as_bytes())?;
    for (name, data) in &outcome.datasets {
        write_dataset(&directory.dataset(name), data)?;
    }
    for (name, fields) in &outcome.fields {
        write_fields(&directory.dataset(name), fields)?;
    }
    for (name, network) in &outcome.networks {
        let tensors = network.tensors.iter().cloned().map(|(name, shape, data)| NamedTensor { name, shape, data });
        let mut card = network.card.clone();
        card["study"] = json!(study.name());
        save_model(&directory.model(name), &tensors.collect::<Vec<_>>(), &card)?;
    }
    for (name, law) in &outcome.models {
        let config = study.laws().iter().find(|l| &l.name == name);
        let scores = scores(outcome, name);
        let about = json!({"study": study.name(), "seed": study.seed(), "law": config, "scores": scores});
        save_closure(&directory.model(name), law, &about)?;
    }
    Ok(())
}

/// The checks of the law called `name`, which their names begin with, and of no law with a longer such name.
fn scores(outcome: &Outcome, name: &str) -> Map<String, Value> {
    let prefix = format!("{name}_");
    let longer =
        |check: &str| outcome.models.iter().any(|(l, _)| l.len() > name.len() && check.starts_with(&format!("{l}_")));
    let checks = outcome.report.checks.iter().filter(|c| !longer(&c.name));
    checks.filter_map(|c| Some((c.name.strip_prefix(&prefix)?.to_string(), json!(c.value)))).collect()
}

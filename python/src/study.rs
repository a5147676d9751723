//! Studies: listed, run, written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gaptooth::io::{Refusal, RunDirectory, Setting, Source, effective_text, write_outcome};
use gaptooth::plot::render_report;
use gaptooth::study::{BUILTIN, Context};
use gaptooth::team::Alone;
use pyo3::prelude::*;

use crate::error::refuse;
use crate::job;

/// A value that a study's text can hold.
#[derive(FromPyObject)]
enum Given {
    Flag(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    List(Vec<Given>),
    Table(BTreeMap<String, Given>),
}

impl From<Given> for toml::Value {
    fn from(given: Given) -> Self {
        match given {
            Given::Flag(flag) => flag.into(),
            Given::Whole(number) => number.into(),
            Given::Number(number) => number.into(),
            Given::Text(text) => text.into(),
            Given::List(list) => toml::Value::Array(list.into_iter().map(Into::into).collect()),
            Given::Table(table) => toml::Value::Table(table.into_iter().map(|(k, v)| (k, v.into())).collect()),
        }
    }
}

/// Name, heading and text of each built-in study.
#[pyfunction]
pub(crate) fn studies() -> PyResult<Vec<(&'static str, String, &'static str)>> {
    let one = |(name, text)| {
        let study = Source::find(name).and_then(|source| source.study());
        Ok((name, study.map_err(|e| refused(name, e))?.title().to_string(), text))
    };
    BUILTIN.into_iter().map(one).collect()
}

/// Runs the study called `name`, as `gaptooth run` does, and gives the directory with its results.
#[pyfunction]
#[pyo3(signature = (name, set, seed, out, resume, progress))]
pub(crate) fn run_study(
    py: Python<'_>,
    name: &str,
    set: Vec<(String, Bound<'_, PyAny>)>,
    seed: Option<u64>,
    out: Option<PathBuf>,
    resume: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<PathBuf> {
    let settings = set.iter().map(setting).collect::<PyResult<Vec<_>>>()?;
    let refused = |refusal| refused(name, refusal);
    let source = Source::find(name).and_then(|source| source.changed("set", settings)).map_err(refused)?;
    let mut study = source.study().map_err(refused)?;
    if let Some(seed) = seed {
        study.set_seed(seed);
    }
    study.check().map_err(|e| refused(Refusal { place: source.place_of(&e), ..e.into() }))?;
    let text = effective_text(&study).map_err(refused)?;
    let out = out.unwrap_or_else(|| Path::new("runs").join(study.name()));
    let directory = directory(&out)?;
    let store = directory.states(&text);
    job::run(py, progress, |observer| {
        if !resume {
            store.clear()?;
        }
        let outcome = study.run(&Context { observer, store: Some(&store), team: &Alone })?;
        directory.replace(|beside| {
            write_outcome(&outcome, &study, &text, beside)?;
            render_report(&outcome.report, beside)
        })?;
        // who stopped it while it wrote may still resume
        if observer.interrupted() { Ok(()) } else { store.clear() }
    })?;
    Ok(out)
}

type Said = (String, Result<Setting, Refusal>);

fn setting((path, value): &(String, Bound<'_, PyAny>)) -> PyResult<Said> {
    let said = format!("set[{path:?}] = {}", value.repr()?);
    match value.extract::<Given>() {
        Ok(given) => Ok((said, Setting::new(path, given.into()))),
        Err(_) => Err(refuse(format!("{said}: expected a number, a string, a list or a dictionary of them"))),
    }
}

/// The directory for results, found writable before anything is computed.
fn directory(out: &Path) -> PyResult<RunDirectory> {
    let advice = "choose another directory with out=, or move what is in the way";
    if let Some(file) = RunDirectory::in_the_way(out) {
        return Err(refuse(format!("{} is a file where a folder of results goes; {advice}", file.display())));
    }
    RunDirectory::create(out).map_err(|e| refuse(format!("{e}; {advice}")))
}

/// In one line, with that of the file called `name` where the fault is in it.
fn refused(name: &str, refusal: Refusal) -> PyErr {
    let place = refusal.place.filter(|place| place.source.name == name);
    let place = place.map(|place| format!("{name}, line {}: ", place.line())).unwrap_or_default();
    let message: Vec<&str> = refusal.message.lines().map(str::trim).collect();
    let help = refusal.help.map(|help| format!("; {help}")).unwrap_or_default();
    refuse(format!("{place}{}{help}", message.join("; ")))
}

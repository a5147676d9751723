//! What a run leaves for people and scripts: figures, their data, the page and `report.json`; and all of it again from
//! what was left.

use serde::{Deserialize, Serialize};

use super::{page, png, svg, thin};
use crate::io::{RunDirectory, atomic};
use crate::report::{Figure, Film, Report};
use crate::{Error, Result};

const DATA: &str = "figures/data.json";

/// What `report.json` does not hold: too heavy for scripts that look for a number.
#[derive(Serialize, Deserialize, Default)]
struct Drawn {
    figures: Vec<Figure>,
    films: Vec<Film>,
}

/// Writes `figures/*.svg` and `*.png`, `figures/data.json`, `report.html` and, last, `report.json`; gives the report as
/// written, with all files in it.
///
/// # Errors
/// [`Error::Parameter`] for a figure's name that is no plain file name or used twice, [`Error::Shape`] for data that does
/// not fit, [`Error::Io`].
pub fn render_report(report: &Report, directory: &RunDirectory) -> Result<Report> {
    check_names(&report.figures)?;
    let mut report = report.clone();
    report.figures = report.figures.iter().map(thin::figure).collect();
    report.films = report.films.iter().map(thin::film).collect();
    let drawn = Drawn { figures: report.figures.clone(), films: report.films.clone() };
    directory.write(DATA, &json(directory, DATA, &drawn)?)?;
    draw(&mut report, directory)?;
    let bare = Report { figures: Vec::new(), films: Vec::new(), ..report.clone() };
    let mut value = serde_json::to_value(&bare).map_err(|e| unwritable(directory, "report.json", &e))?;
    if let Some(object) = value.as_object_mut() {
        object.remove("figures");
        object.remove("films");
    }
    directory.write("report.json", &json(directory, "report.json", &value)?)?;
    Ok(report)
}

/// Figures and page of a thinned report, and the list of files.
fn draw(report: &mut Report, directory: &RunDirectory) -> Result<()> {
    for figure in &report.figures {
        directory.write(&format!("figures/{}.svg", figure.name), svg(figure)?.as_bytes())?;
        directory.write(&format!("figures/{}.png", figure.name), &png(figure)?)?;
    }
    report.files.retain(|f| directory.path(f).exists());
    report.files.extend(directory.files()?);
    report.files.extend(["report.html".into(), "report.json".into()]);
    report.files.sort();
    report.files.dedup();
    directory.write("report.html", page(report)?.as_bytes())
}

/// The report that a run left: `report.json` with the figures and films of `figures/data.json`.
///
/// # Errors
/// [`Error::Io`] when a file is missing, [`Error::Format`] when it is not what it should be.
pub fn read_report(directory: &RunDirectory) -> Result<Report> {
    let mut report: Report = parse(directory, "report.json")?;
    let drawn: Drawn = parse(directory, DATA)?;
    report.figures = drawn.figures;
    report.films = drawn.films;
    Ok(report)
}

/// Figures and page again, from what a run left (`gaptooth report DIR`); `report.json` and the data stay as they are.
///
/// # Errors
/// As [`read_report`] and [`render_report`].
pub fn rebuild_report(directory: &RunDirectory) -> Result<Report> {
    let mut report = read_report(directory)?;
    check_names(&report.figures)?;
    draw(&mut report, directory)?;
    Ok(report)
}

fn check_names(figures: &[Figure]) -> Result<()> {
    let mut names = std::collections::BTreeSet::new();
    for f in figures {
        let plain = f.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if f.name.is_empty() || !plain || !names.insert(&f.name) {
            let found = format!("`{}`", f.name);
            return Err(Error::parameter("figure name", found, "letters, digits, - and _, once", "rename the figure"));
        }
    }
    Ok(())
}

fn json(directory: &RunDirectory, name: &str, value: &impl Serialize) -> Result<Vec<u8>> {
    // Data on one line, the report for people to read too.
    let text = match name {
        DATA => serde_json::to_string(value),
        _ => serde_json::to_string_pretty(value),
    };
    text.map(|t| (t + "\n").into_bytes()).map_err(|e| unwritable(directory, name, &e))
}

fn unwritable(directory: &RunDirectory, name: &str, error: &serde_json::Error) -> Error {
    Error::Format { path: directory.path(name), message: format!("cannot be written as JSON: {error}") }
}

fn parse<T: for<'de> Deserialize<'de>>(directory: &RunDirectory, name: &str) -> Result<T> {
    let path = directory.path(name);
    let text = atomic::read_text(&path)?;
    serde_json::from_str(&text)
        .map_err(|e| Error::Format { message: format!("is not what a run writes: {e}. Run the study again"), path })
}

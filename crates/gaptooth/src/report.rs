//! What a study found: named checks, timings with work counts, tables, and the data of its figures.
//!
//! Adapters only show it; nothing is computed after a report is made.

use serde::{Deserialize, Serialize};

/// JSON has no NaN or infinity: they are written as null, and null is read as NaN.
mod null_is_nan {
    use serde::{Deserialize, Deserializer};

    pub(super) fn value<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(d)?.unwrap_or(f64::NAN))
    }

    pub(super) fn row<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<f64>, D::Error> {
        Ok(Vec::<Option<f64>>::deserialize(d)?.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect())
    }

    pub(super) fn rows<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Vec<f64>>, D::Error> {
        let rows = Vec::<Vec<Option<f64>>>::deserialize(d)?;
        Ok(rows.into_iter().map(|r| r.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect()).collect())
    }
}

/// One named figure with the bound it must keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// stable name, documented in `docs/`
    pub name: String,
    /// what was measured
    #[serde(deserialize_with = "null_is_nan::value")]
    pub value: f64,
    /// the bound, where there is one
    pub bound: Option<f64>,
    /// the seed paper's (or its code's) published figure, where there is one
    pub paper: Option<f64>,
    /// unit, `1` for none
    pub unit: String,
    /// whether the bound was kept (true without a bound)
    pub passed: bool,
}

impl Check {
    /// Passed when value ≤ bound.
    pub fn at_most(name: &str, value: f64, bound: f64) -> Self {
        Check { name: name.into(), value, bound: Some(bound), paper: None, unit: "1".into(), passed: value <= bound }
    }

    /// Passed when value ≥ bound.
    pub fn at_least(name: &str, value: f64, bound: f64) -> Self {
        Check { passed: value >= bound, ..Check::at_most(name, value, bound) }
    }

    /// A figure with no bound.
    pub fn figure(name: &str, value: f64) -> Self {
        Check { name: name.into(), value, bound: None, paper: None, unit: "1".into(), passed: value.is_finite() }
    }

    /// The same with the paper's figure beside it.
    pub fn paper(mut self, paper: Option<f64>) -> Self {
        self.paper = paper;
        self
    }
}

/// Seconds and work counts of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// the stage
    pub name: String,
    /// wall seconds
    pub seconds: f64,
    /// counts by name (`rhs`, `bursts`, `solves`, `steps` …)
    pub work: std::collections::BTreeMap<String, u64>,
}

/// A table for people: a heading row and rows of the same length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// short name, used for file names and anchors
    pub name: String,
    /// what it shows
    pub title: String,
    /// headings
    pub columns: Vec<String>,
    /// cells; numbers already formatted
    pub rows: Vec<Vec<String>>,
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// a line through the points
    Line,
    /// a dashed line
    Dashed,
    /// separate points
    Points,
}

/// y against x.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// legend text; empty for none
    pub label: String,
    /// abscissae
    #[serde(deserialize_with = "null_is_nan::row")]
    pub x: Vec<f64>,
    /// ordinates, as many
    #[serde(deserialize_with = "null_is_nan::row")]
    pub y: Vec<f64>,
    /// how to draw it
    pub mark: Mark,
}

/// What one panel holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PanelKind {
    /// curves and points
    Series {
        /// the curves, drawn in order
        series: Vec<Series>,
        /// logarithmic ordinate
        log_y: bool,
    },
    /// values[row][column] over y (rows) and x (columns), with a colour bar
    HeatMap {
        /// abscissae of the columns
        x: Vec<f64>,
        /// ordinates of the rows
        y: Vec<f64>,
        /// row-major values, `[y.len(), x.len()]`
        #[serde(deserialize_with = "null_is_nan::row")]
        values: Vec<f64>,
    },
}

/// One set of axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    /// heading
    pub title: String,
    /// abscissa label
    pub x_label: String,
    /// ordinate label
    pub y_label: String,
    /// contents
    pub kind: PanelKind,
}

/// A figure as data: panels in rows of `columns`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// file stem, such as `figure-2`
    pub name: String,
    /// heading
    pub title: String,
    /// one or two sentences: what to see
    pub caption: String,
    /// panels per row
    pub columns: usize,
    /// the panels
    pub panels: Vec<Panel>,
}

/// Profiles over time, for the slider of the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Film {
    /// heading
    pub title: String,
    /// what to see
    pub caption: String,
    /// times of the frames
    pub times: Vec<f64>,
    /// each: label, abscissae, and one row of ordinates per frame
    pub tracks: Vec<FilmTrack>,
}

/// One profile of a [`Film`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilmTrack {
    /// legend text
    pub label: String,
    /// how to draw it
    pub mark: Mark,
    /// abscissae
    pub x: Vec<f64>,
    /// `[n_frames][n_x]`
    #[serde(deserialize_with = "null_is_nan::rows")]
    pub frames: Vec<Vec<f64>>,
}

/// The outcome of a study. `tables`, `figures` and `films` are for the page; `report.json` holds the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Report {
    /// the study's name
    pub study: String,
    /// library version
    pub version: String,
    /// the one seed
    pub seed: u64,
    /// threads used (the numbers do not depend on it)
    pub threads: usize,
    /// wall seconds in all
    pub wall_seconds: f64,
    /// the verdict
    pub checks: Vec<Check>,
    /// where the time went
    pub timings: Vec<Timing>,
    /// files written, relative to the run's directory
    pub files: Vec<String>,
    /// remarks (which path was taken, warnings)
    #[serde(default)]
    pub notes: Vec<String>,
    /// heading of the page
    #[serde(default)]
    pub title: String,
    /// a paragraph of explanation
    #[serde(default)]
    pub summary: String,
    /// tables of the page
    #[serde(default)]
    pub tables: Vec<Table>,
    /// figures of the page
    #[serde(default)]
    pub figures: Vec<Figure>,
    /// films of the page
    #[serde(default)]
    pub films: Vec<Film>,
}

impl Report {
    /// True when every check passed.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|c| c.passed)
    }

    /// The check of that name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|c| c.name == name)
    }
}

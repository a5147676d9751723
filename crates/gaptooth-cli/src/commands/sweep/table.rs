//! The points of a sweep side by side: rows, comma-separated values, figures.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gaptooth::report::{self, Figure, Mark, Panel, PanelKind, Series};
use serde_json::{Map, Value, json};

use super::variation::Variation;
use crate::failure::Failure;
use crate::output;

/// Panels that fit on a page.
const PANELS: usize = 12;

/// Values of the other keys, and what lies above each of the first key's.
type Group<'a> = (&'a [String], Vec<(f64, f64)>);

/// What a point gives.
pub(super) struct Numbers {
    /// name, value and whether it passed
    pub(super) numbers: Vec<(String, f64, bool)>,
    pub(super) seconds: f64,
}

/// One point and what it gave.
pub(super) struct Point {
    values: Vec<String>,
    directory: PathBuf,
    found: Result<Numbers, Failure>,
}

impl Point {
    pub(super) fn new(values: Vec<String>, directory: PathBuf, found: Result<Numbers, Failure>) -> Self {
        Point { values, directory, found }
    }

    fn numbers(&self) -> &[(String, f64, bool)] {
        self.found.as_ref().map_or(&[], |found| &found.numbers)
    }

    fn error(&self) -> Option<&str> {
        self.found.as_ref().err().map(|failure| failure.message.as_str())
    }

    pub(super) fn passed(&self) -> bool {
        self.found.is_ok() && self.numbers().iter().all(|(_, _, passed)| *passed)
    }

    fn check(&self, name: &str) -> Option<f64> {
        self.numbers().iter().find(|(own, ..)| own == name).map(|(_, value, _)| *value)
    }

    fn value(&self, variations: &[Variation]) -> Value {
        let settings: Map<String, Value> =
            variations.iter().zip(&self.values).map(|(v, value)| (v.path.clone(), typed(value))).collect();
        let checks: Map<String, Value> = self.numbers().iter().map(|(name, v, _)| (name.clone(), json!(v))).collect();
        json!({ "settings": settings, "directory": self.directory, "passed": self.passed(), "checks": checks,
            "seconds": self.found.as_ref().ok().map(|found| found.seconds), "error": self.error() })
    }
}

/// A number where it is one.
fn typed(value: &str) -> Value {
    Variation::number(value).map_or_else(|| json!(value), |number| json!(number))
}

/// All points that are done, by their number.
pub(super) struct Table {
    variations: Vec<Variation>,
    pub(super) points: BTreeMap<usize, Point>,
}

impl Table {
    pub(super) fn new(variations: &[Variation]) -> Self {
        Table { variations: variations.to_vec(), points: BTreeMap::new() }
    }

    /// The keys that are varied.
    pub(super) fn keys(&self) -> Vec<String> {
        self.variations.iter().map(|v| v.path.clone()).collect()
    }

    /// All points, for scripts.
    pub(super) fn value(&self) -> Value {
        self.points.values().map(|point| point.value(&self.variations)).collect()
    }

    /// `key = value, …`
    pub(super) fn named(&self, values: &[String]) -> String {
        let one = |(v, value): (&Variation, &String)| format!("{} = {value}", v.path);
        self.variations.iter().zip(values).map(one).collect::<Vec<_>>().join(", ")
    }

    /// Names of all checks, as they first come.
    fn checks(&self) -> Vec<&str> {
        let mut names: Vec<&str> = vec![];
        for (name, ..) in self.points.values().flat_map(Point::numbers) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// One line a point, as they were run; a check that a point does not have is empty.
    pub(super) fn to_csv(&self) -> Result<Vec<u8>, Failure> {
        let wrong = |e: csv::Error| Failure::failed(format!("cannot write the table: {e}"));
        let (keys, checks) = (self.keys(), self.checks());
        let mut writer = csv::Writer::from_writer(vec![]);
        let first = keys.iter().map(String::as_str).chain(["passed"]);
        writer.write_record(first.chain(checks.iter().copied()).chain(["directory", "error"])).map_err(wrong)?;
        for point in self.points.values() {
            let numbers = checks.iter().map(|name| point.check(name).map_or(String::new(), |v| format!("{v:?}")));
            let last = [point.directory.display().to_string(), point.error().unwrap_or_default().into()];
            let row = point.values.iter().cloned().chain([point.passed().to_string()]).chain(numbers).chain(last);
            writer.write_record(row).map_err(wrong)?;
        }
        writer.into_inner().map_err(|e| Failure::failed(format!("cannot write the table: {e}")))
    }

    /// Checks that are not the same in all points.
    fn varying(&self) -> Vec<&str> {
        let differs = |name: &&str| {
            let mut values = self.points.values().filter_map(|p| p.check(name)).map(f64::to_bits);
            let first = values.next();
            values.any(|v| Some(v) != first)
        };
        self.checks().into_iter().filter(differs).collect()
    }

    /// Rows for people: the checks that vary.
    pub(super) fn lines(&self) -> Vec<Vec<String>> {
        let varying = self.varying();
        let heading = self.keys().into_iter().chain(varying.iter().map(ToString::to_string)).chain([String::new()]);
        let row = |p: &Point| -> Vec<String> {
            let numbers = varying.iter().map(|name| p.check(name).map_or("—".into(), output::number));
            let end = p.error().unwrap_or(if p.passed() { "ok" } else { "FAILED" }).into();
            p.values.iter().cloned().chain(numbers).chain([end]).collect()
        };
        [heading.collect()].into_iter().chain(self.points.values().map(row)).collect()
    }

    /// The same for the page.
    pub(super) fn shown(&self) -> report::Table {
        let mut rows = self.lines();
        let columns = rows.remove(0);
        report::Table { name: "points".into(), title: "Every point".into(), columns, rows }
    }

    /// The checks that vary against the first key, a line for each combination of the others.
    pub(super) fn figures(&self) -> Vec<Figure> {
        let names: Vec<&str> = self.varying().into_iter().take(PANELS).collect();
        if names.is_empty() || self.variations[0].values.len() < 2 {
            return vec![];
        }
        let panels = names.iter().map(|name| self.panel(name)).collect();
        let more = self.varying().len().saturating_sub(PANELS);
        let more = if more > 0 { format!(" {more} more are in the table.") } else { String::new() };
        vec![Figure {
            name: "sweep".into(),
            title: format!("Checks against {}", self.variations[0].path),
            caption: format!("Checks that are not the same in every point.{more}"),
            columns: names.len().min(3),
            panels,
        }]
    }

    fn panel(&self, name: &str) -> Panel {
        let first = &self.variations[0];
        let numbers: Option<Vec<f64>> = first.values.iter().map(|value| Variation::number(value)).collect();
        // several decades, evenly spread
        let decades = numbers.as_ref().is_some_and(|n| {
            n.iter().all(|v| *v > 0.0)
                && n.iter().fold(0.0f64, |m, v| m.max(*v)) > 50.0 * n.iter().fold(f64::MAX, |m, v| m.min(*v))
        });
        let place = |value: &String| {
            let k = first.values.iter().position(|v| v == value).unwrap_or(0);
            match &numbers {
                Some(numbers) if decades => numbers[k].log10(),
                Some(numbers) => numbers[k],
                None => k as f64 + 1.0,
            }
        };
        let mut groups: Vec<Group<'_>> = vec![];
        for point in self.points.values() {
            let Some(value) = point.check(name).filter(|v| v.is_finite()) else { continue };
            let at = (place(&point.values[0]), value);
            match groups.iter_mut().find(|(others, _)| *others == &point.values[1..]) {
                Some((_, points)) => points.push(at),
                None => groups.push((&point.values[1..], vec![at])),
            }
        }
        let all: Vec<f64> = groups.iter().flat_map(|(_, points)| points.iter().map(|p| p.1)).collect();
        let (least, most) = all.iter().fold((f64::MAX, 0.0f64), |(l, m), v| (l.min(*v), m.max(*v)));
        let series = groups.into_iter().flat_map(|(others, mut points)| {
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            let label = self.variations[1..].iter().zip(others).map(|(v, value)| format!("{} = {value}", v.path));
            let (x, y): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
            let line = Series { label: label.collect::<Vec<_>>().join(", "), x, y, mark: Mark::Line };
            [Series { label: String::new(), mark: Mark::Points, ..line.clone() }, line]
        });
        let x_label = match &numbers {
            Some(_) if decades => format!("log10 {}", first.path),
            Some(_) => first.path.clone(),
            None => format!("{}: {}", first.path, first.values.join(", ")),
        };
        let log_y = least > 0.0 && most > 50.0 * least;
        let kind = PanelKind::Series { series: series.collect(), log_y };
        Panel { title: name.into(), x_label, y_label: name.into(), kind }
    }
}

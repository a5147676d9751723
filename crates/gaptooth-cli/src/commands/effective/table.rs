//! Rows of numbers about cells of voxels, as a file of comma-separated values.

use gaptooth::cell::VoxelAnswer;

use super::fields::AXES;
use crate::failure::Failure;

/// Numbers with a name for each column.
pub(super) struct Rows {
    pub(super) heading: Vec<String>,
    pub(super) rows: Vec<Vec<f64>>,
}

impl Rows {
    /// No rows yet; `first` are the columns before those of [`numbers`].
    pub(super) fn new(first: &[&str], d: usize) -> Self {
        let axes = &AXES[..d];
        let mut heading: Vec<String> = first.iter().map(ToString::to_string).collect();
        heading.push("voigt".into());
        heading.extend(axes.iter().map(|a| format!("percolating_{a}")));
        for matrix in ["a", "lower", "upper"] {
            heading.extend(upper_triangle(d).map(|(i, j)| format!("{matrix}_{}{}", axes[i], axes[j])));
        }
        Rows { heading, rows: vec![] }
    }

    /// The column of that name, of the rows that are wanted.
    pub(super) fn column(&self, name: &str, wanted: impl Fn(&[f64]) -> bool) -> Vec<f64> {
        let at = self.heading.iter().position(|h| h == name).unwrap_or(0);
        self.rows.iter().filter(|row| wanted(row)).map(|row| row[at]).collect()
    }

    pub(super) fn to_csv(&self) -> Result<Vec<u8>, Failure> {
        let wrong = |e: csv::Error| Failure::failed(format!("cannot write the table: {e}"));
        let mut writer = csv::Writer::from_writer(vec![]);
        writer.write_record(&self.heading).map_err(wrong)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(f64::to_string)).map_err(wrong)?;
        }
        writer.into_inner().map_err(|e| Failure::failed(format!("cannot write the table: {e}")))
    }

    /// Takes up the rows of a stopped run.
    pub(super) fn resume(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let rows: Result<Vec<Vec<f64>>, csv::Error> = csv::Reader::from_reader(bytes).deserialize().collect();
        let unreadable = |e: csv::Error| Failure::failed(format!("the rows of the stopped run: {e}"));
        self.rows = rows.map_err(|e| unreadable(e).help("start again without --resume"))?;
        Ok(())
    }
}

/// ⟨a⟩, percolating shares, tensor and bounds of an answer, in the order of the heading.
pub(super) fn numbers(answer: &VoxelAnswer) -> Vec<f64> {
    let d = answer.percolating.len();
    let mut row = vec![answer.mixture.voigt];
    row.extend(&answer.percolating);
    let effective = &answer.effective;
    for matrix in [Some(&effective.tensor), effective.lower.as_ref(), effective.upper.as_ref()].into_iter().flatten() {
        row.extend(upper_triangle(d).map(|(i, j)| matrix[i][j]));
    }
    row
}

fn upper_triangle(d: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..d).flat_map(move |i| (i..d).map(move |j| (i, j)))
}

//! A coefficient of the cell written as formulas and checked before use.

use super::cell_tensor::{CellTensor, check_definite};
use super::formula::{Formula, error_at_name};
use super::one_period::on_one_period;
use crate::{Error, Result};

/// Sampled points per axis in one, two and three dimensions.
const SAMPLE: [usize; 3] = [512, 64, 24];
/// Points at which the period is tried.
const TRIALS: usize = 97;

/// a(y) on the unit cell from formulas in y1 … yD (in one dimension also y), such as `2 + sin(2*pi*y1)*cos(2*pi*y2)`.
///
/// ```
/// use gaptooth::coefficient::{CellTensor, FormulaTensor};
/// let a = FormulaTensor::scalar("2 + sin(2*pi*y1)*cos(2*pi*y2)", 2, &[])?;
/// assert_eq!(a.values(&[&[0.25], &[0.0]]), [[3.0]]);
/// let a = FormulaTensor::symmetric(&[vec!["2", "k*sin(2*pi*y1)"], vec!["k*sin(2*pi*y1)", "3"]], &[("k", 0.5)])?;
/// assert_eq!(a.values(&[&[0.25], &[0.0]]), [[2.0], [0.5], [3.0]]);
/// let wrong = FormulaTensor::scalar("2 + y1", 2, &[]).unwrap_err();
/// assert!(wrong.to_string().contains("does not repeat with period 1 along y1"));
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FormulaTensor {
    dimension: usize,
    text: String,
    values: Vec<Formula>,
    /// `[axis][component]`, each a sum
    derivatives: Vec<Vec<Vec<Formula>>>,
}

impl FormulaTensor {
    /// A scalar a(y) in `dimension` dimensions. It is checked on a sample of the cell (512, 64² or 24³ points): a
    /// spike between these is not seen.
    ///
    /// # Errors
    /// [`Error::Expression`] when the formula does not read or does not repeat with period 1 in each y;
    /// [`Error::Coefficient`] with the point where it is not a positive finite number; [`Error::Parameter`] for a
    /// dimension other than 1, 2, 3.
    pub fn scalar(text: &str, dimension: usize, constants: &[(&str, f64)]) -> Result<Self> {
        FormulaTensor::read(dimension, text.into(), &[text], constants)
    }

    /// A symmetric tensor, `rows[i][j]` = a_ij, checked as [`FormulaTensor::scalar`] is: positive definite, and a_ij = a_ji.
    ///
    /// # Errors
    /// As [`FormulaTensor::scalar`]; [`Error::Parameter`] for a table that is not square or not symmetric.
    pub fn symmetric(rows: &[Vec<&str>], constants: &[(&str, f64)]) -> Result<Self> {
        let d = rows.len();
        let text = rows.iter().map(|row| format!("[{}]", row.join(", "))).collect::<Vec<_>>().join(", ");
        let text = format!("[{text}]");
        if rows.iter().any(|row| row.len() != d) {
            return Err(Error::parameter("tensor", text, "as many columns as rows", "write [[a11, a12], [a12, a22]]"));
        }
        let upper: Vec<&str> = (0..d).flat_map(|i| rows[i][i..].iter().copied()).collect();
        let tensor = FormulaTensor::read(d, text, &upper, constants)?;
        for (i, j) in (0..d).flat_map(|i| (0..i).map(move |j| (i, j))) {
            let lower = parse(rows[i][j], d, constants)?;
            let points = trial_points(d);
            let columns: Vec<&[f64]> = points.iter().map(Vec::as_slice).collect();
            let [mut here, mut there] = [vec![0.0; TRIALS], vec![0.0; TRIALS]];
            lower.eval_into(&with_short_name(&columns), &mut here);
            let above = &tensor.values[super::tensor_component(d, i, j)];
            above.eval_into(&with_short_name(&columns), &mut there);
            if let Some(k) = (0..TRIALS).find(|&k| !close(here[k], there[k])) {
                let name = format!("tensor entry ({}, {})", i + 1, j + 1);
                let expected = format!(
                    "the same as entry ({}, {}), which is {} where this is {}",
                    j + 1,
                    i + 1,
                    there[k],
                    here[k]
                );
                return Err(Error::parameter(name, rows[i][j], expected, "a conductivity tensor is symmetric"));
            }
        }
        Ok(tensor)
    }

    /// One formula, or the rows of a tensor, on the cell [0, 1)^D: formulas that do not repeat are one cell, and the cell repeats.
    ///
    /// # Errors
    /// As [`FormulaTensor::scalar`] and [`FormulaTensor::symmetric`].
    ///
    /// ```
    /// use gaptooth::coefficient::{CellTensor, FormulaTensor};
    /// let a = FormulaTensor::on_cell(&[vec!["1 + y1"]], 2, &[])?;
    /// assert_eq!(a.values(&[&[1.25], &[0.0]]), [[1.25]]);
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    pub fn on_cell(rows: &[Vec<&str>], dimension: usize, constants: &[(&str, f64)]) -> Result<Self> {
        let build = |rows: &[Vec<&str>]| match rows {
            [row] if row.len() == 1 => FormulaTensor::scalar(row[0], dimension, constants),
            _ => FormulaTensor::symmetric(rows, constants),
        };
        let error = match build(rows) {
            Ok(tensor) => return Ok(tensor),
            Err(error) => error,
        };
        let repeated: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|text| on_one_period(text)).collect()).collect();
        let repeated: Vec<Vec<&str>> = repeated.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        match (&error, build(&repeated)) {
            (Error::Expression { .. }, Ok(tensor)) => Ok(tensor),
            (Error::Expression { .. }, Err(within @ Error::Coefficient { .. })) => Err(within),
            _ => Err(error),
        }
    }

    fn read(dimension: usize, text: String, upper: &[&str], constants: &[(&str, f64)]) -> Result<Self> {
        if !(1..=3).contains(&dimension) {
            return Err(Error::parameter("dimension", dimension, "1, 2 or 3", "a cell has one, two or three axes"));
        }
        let values = upper.iter().map(|text| parse(text, dimension, constants)).collect::<Result<Vec<_>>>()?;
        values.iter().try_for_each(|formula| check_period(formula, dimension))?;
        let slope = |axis: usize, f: &Formula| {
            let names = [format!("y{}", axis + 1), "y".into()];
            names.iter().filter(|name| f.depends_on(name)).map(|name| f.derivative(name)).collect::<Vec<_>>()
        };
        let derivatives = (0..dimension).map(|axis| values.iter().map(|f| slope(axis, f)).collect()).collect();
        let tensor = FormulaTensor { dimension, text, values, derivatives };
        let points = grid(dimension, SAMPLE[dimension - 1]);
        let columns: Vec<&[f64]> = points.iter().map(Vec::as_slice).collect();
        check_definite(&tensor, &columns, &tensor.values(&columns))?;
        Ok(tensor)
    }
}

impl CellTensor for FormulaTensor {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn is_scalar(&self) -> bool {
        self.values.len() == 1
    }

    fn values_into(&self, y: &[&[f64]], out: &mut [Vec<f64>]) {
        let columns = with_short_name(y);
        self.values.iter().zip(out).for_each(|(formula, out)| formula.eval_into(&columns, out));
    }

    fn derivatives_into(&self, y: &[&[f64]], out: &mut [Vec<Vec<f64>>]) {
        let columns = with_short_name(y);
        for (terms, out) in self.derivatives.iter().flatten().zip(out.iter_mut().flatten()) {
            let mut part = vec![0.0; out.len()];
            out.fill(0.0);
            for term in terms {
                term.eval_into(&columns, &mut part);
                out.iter_mut().zip(&part).for_each(|(sum, p)| *sum += p);
            }
        }
    }

    fn text(&self) -> String {
        self.text.clone()
    }
}

fn parse(text: &str, dimension: usize, constants: &[(&str, f64)]) -> Result<Formula> {
    let names: &[&str] = [&["y1", "y"][..], &["y1", "y2"], &["y1", "y2", "y3"]][dimension - 1];
    Formula::parse(text, names, constants)
}

/// In one dimension y1 is also called y.
fn with_short_name<'a>(y: &[&'a [f64]]) -> Vec<&'a [f64]> {
    if y.len() == 1 { vec![y[0], y[0]] } else { y.to_vec() }
}

fn check_period(formula: &Formula, dimension: usize) -> Result<()> {
    let here = trial_points(dimension);
    for axis in 0..dimension {
        let mut there = here.clone();
        there[axis].iter_mut().for_each(|y| *y += 1.0);
        let values = [&here, &there].map(|points| {
            let columns: Vec<&[f64]> = points.iter().map(Vec::as_slice).collect();
            let mut out = vec![0.0; TRIALS];
            formula.eval_into(&with_short_name(&columns), &mut out);
            out
        });
        if values[0].iter().zip(&values[1]).any(|(a, b)| !close(*a, *b)) {
            let name = format!("y{}", axis + 1);
            let name = if formula.depends_on(&name) { name } else { "y".into() };
            let message = format!(
                "it does not repeat with period 1 along {name}; write 2*pi*{name} inside sin and cos, and {name} % 1 in a piecewise formula"
            );
            return Err(error_at_name(formula.text(), &name, message));
        }
    }
    Ok(())
}

/// Poles and domain errors are the business of the check for positivity.
fn close(a: f64, b: f64) -> bool {
    !a.is_finite() || !b.is_finite() || (a - b).abs() <= 1e-7 * (1.0 + a.abs() + b.abs())
}

/// Points spread over [−1, 1)^D, never on round numbers.
fn trial_points(dimension: usize) -> Vec<Vec<f64>> {
    let steps = [0.618_033_988_749_894_9, std::f64::consts::SQRT_2, 1.732_050_807_568_877_2];
    let column = |step: &f64| (1..=TRIALS).map(|k| 2.0 * (step * k as f64).fract() - 1.0).collect();
    steps[..dimension].iter().map(column).collect()
}

/// The points j/n of the cell, one column per coordinate, the last one fastest.
fn grid(dimension: usize, n: usize) -> Vec<Vec<f64>> {
    let stride = |axis: usize| n.pow((dimension - 1 - axis) as u32);
    let column = |axis| (0..n.pow(dimension as u32)).map(|k| (k / stride(axis) % n) as f64 / n as f64).collect();
    (0..dimension).map(column).collect()
}

//! A coefficient written as a formula and checked before use.

use super::Coefficient;
use super::formula::{Formula, error_at_name};
use super::one_period::{on_one_period, replace_word};
use super::periodicity::{Periodicity, periodicity, recurs};
use super::sample::{Place, Sample, survey};
use super::two_scale::two_scale;
use crate::{Error, Result};

/// Sampled points in y per period.
const PER_PERIOD: usize = 512;
/// Sampled points in x, if the coefficient depends on it.
const SLOW: usize = 33;
/// Length in y, and points per unit, of the sample of a quasi-periodic coefficient.
const LONG: [usize; 2] = [256, 64];

/// a(x, y) from a formula such as `1.1 + sin(2*pi*x/eps)` or `2 + sin(x) + 0.5*sin(2*pi*y)`.
///
/// ```
/// use gaptooth::coefficient::{Coefficient, ExpressionCoefficient};
/// let a = ExpressionCoefficient::new("1.1 + sin(2*pi*x/eps)", Some(1e-5), [0.0, 1.0], &[])?;
/// assert_eq!(a.period(), Some(1.0));
/// assert!((a.value(0.3, 0.25) - 2.1).abs() < 1e-15);
/// let wrong = ExpressionCoefficient::new("sin(2*pi*y)", None, [0.0, 1.0], &[]).unwrap_err();
/// assert!(wrong.to_string().starts_with("the coefficient `sin(2*pi*y)` is -1 at y = 0.75;"));
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ExpressionCoefficient {
    formula: Formula,
    period: Option<f64>,
    bounds: [f64; 2],
}

impl ExpressionCoefficient {
    /// Reads a formula in x, y = x/ε and eps (see [`two_scale`]) and checks it on a sample: 512 points a period in y
    /// (256 units of y at 64 points a unit when quasi-periodic), times 33 in x over `x_domain` if it depends on x, with
    /// golden sections around the lowest and highest points. The period in y is found: 1 to 64, or 1 to 64 times the longest
    /// period that stands in the formula; failing that, it is quasi-periodic.
    ///
    /// # Errors
    /// [`Error::Expression`] when the formula does not read, or repeats in no way along y; [`Error::Coefficient`] with
    /// the point where it is not a positive finite number; [`Error::Parameter`] for a bad `x_domain` or `eps`.
    pub fn new(text: &str, eps: Option<f64>, x_domain: [f64; 2], constants: &[(&str, f64)]) -> Result<Self> {
        let formula = two_scale(text, eps, constants)?;
        let [a, b] = x_domain;
        if !(a.is_finite() && b.is_finite() && a <= b) {
            let found = format!("[{a}, {b}]");
            return Err(Error::parameter("x_domain", found, "two finite ends in order", "write [0.0, 1.0]"));
        }
        let slow = if formula.depends_on("x") { SLOW } else { 1 };
        let x: Vec<f64> = (0..slow).map(|i| a + (b - a) * i as f64 / (SLOW - 1) as f64).collect();
        let period = match periodicity(&formula, x_domain) {
            Periodicity::Periodic(period) => Some(period),
            Periodicity::QuasiPeriodic => None,
            Periodicity::Neither => return Err(not_recurrent(text)),
        };
        let y = fast_points(formula.depends_on("y"), period);
        let [low, high] = survey(&formula, &Sample { x, y }).map_err(|at| refused(&formula, at))?;
        if low.value <= 0.0 {
            return Err(refused(&formula, low));
        }
        Ok(ExpressionCoefficient { formula, period, bounds: [low.value, high.value] })
    }

    /// a(y) on the cell [0, 1), also with y1 for y, at the slow points `x_domain`. A formula in which y stands only inside sin, cos, tan and %
    /// repeats as these do, with a period of its own; of any other the values on [0, 1) are one cell, and the cell repeats.
    ///
    /// # Errors
    /// As [`ExpressionCoefficient::new`].
    ///
    /// ```
    /// use gaptooth::coefficient::{Coefficient, ExpressionCoefficient};
    /// let a = ExpressionCoefficient::on_cell("1 + y1", [0.0, 0.0])?;
    /// assert_eq!(a.value(0.0, 1.25), 1.25);
    /// let inclusion = ExpressionCoefficient::on_cell("where(abs(y1 - 0.5) < 0.2, 10, 1)", [0.0, 0.0])?;
    /// assert_eq!((inclusion.period(), inclusion.value(0.0, 7.5)), (Some(1.0), 10.0));
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    pub fn on_cell(text: &str, x_domain: [f64; 2]) -> Result<Self> {
        // `y1` is the name for every dimension; a space keeps the positions that errors name
        let renamed = replace_word(text, "y1", "y ");
        let one_cell = |formula: &Formula| formula.depends_on("y") && !recurs(formula);
        let one_cell = two_scale(&renamed, None, &[]).is_ok_and(|formula| one_cell(&formula));
        let cell = if one_cell { on_one_period(&renamed) } else { renamed };
        ExpressionCoefficient::new(&cell, None, x_domain, &[]).map_err(|error| match error {
            // as it was typed
            Error::Expression { position, message, .. } => Error::Expression { text: text.into(), position, message },
            other => other,
        })
    }

    /// The formula as a function of (x, y).
    pub fn formula(&self) -> &Formula {
        &self.formula
    }

    /// The smallest and largest value found on the sample of [`ExpressionCoefficient::new`]. Sampled bounds: a spike narrower
    /// than the sample's spacing can lie outside them.
    pub fn sampled_bounds(&self) -> [f64; 2] {
        self.bounds
    }

    /// True when it varies with the slow variable.
    pub fn depends_on_x(&self) -> bool {
        self.formula.depends_on("x")
    }
}

impl Coefficient for ExpressionCoefficient {
    fn values_into(&self, x: &[f64], y: &[f64], out: &mut [f64]) {
        self.formula.eval_into(&[x, y], out);
    }

    fn text(&self) -> String {
        self.formula.text().to_string()
    }

    fn value(&self, x: f64, y: f64) -> f64 {
        self.formula.eval(&[x, y])
    }

    fn period(&self) -> Option<f64> {
        self.period
    }
}

fn fast_points(fast: bool, period: Option<f64>) -> Vec<f64> {
    match period {
        _ if !fast => vec![0.0],
        Some(p) => {
            let n = PER_PERIOD * (p.ceil().clamp(1.0, 64.0) as usize);
            (0..=n).map(|j| p * j as f64 / n as f64).collect()
        }
        None => (0..=LONG[0] * LONG[1]).map(|j| j as f64 / LONG[1] as f64).collect(),
    }
}

fn refused(formula: &Formula, place: Place) -> Error {
    let (x, y) = (format!("x = {}", place.x), format!("y = {}", place.y));
    let at = match (formula.depends_on("x"), formula.depends_on("y")) {
        (true, true) => format!("{x}, {y}"),
        (true, false) => x,
        (false, true) => y,
        (false, false) => "every point".into(),
    };
    let advice = if place.value.is_finite() {
        "Add a constant that keeps it above zero"
    } else {
        "Look for a division by zero, or the logarithm or root of a negative number"
    };
    Error::Coefficient { text: formula.text().into(), at, value: place.value, advice: advice.into() }
}

fn not_recurrent(text: &str) -> Error {
    let message = "it does not repeat along y = x/eps; wrap a piecewise formula, as in where(y % 1 < 0.3, 1, 10)";
    let at = if text.contains("eps") { "eps" } else { "y" };
    error_at_name(text, at, message.into())
}

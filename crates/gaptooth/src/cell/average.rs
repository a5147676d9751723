//! Averages of a function of a coefficient over its cell, each with an estimate of the error that was reached.

use crate::coefficient::Coefficient;
use crate::legendre::{Rule, gauss};
use crate::{Error, Result};

/// An average and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Average {
    /// the average
    pub value: f64,
    /// estimate of its absolute error: the change in the last refinement
    pub error: f64,
    /// evaluations of the coefficient
    pub evaluations: usize,
    /// how often the rule was refined
    pub refinements: usize,
    /// the rule, for people
    pub rule: String,
}

/// Trapezoid rule: first and last number of points.
const TRAPEZOID: [usize; 2] = [32, 8192];
/// Gauss points per panel of the adaptive rule.
const GAUSS: usize = 12;
/// First panels of the adaptive rule.
const PANELS: usize = 16;
/// The adaptive rule halves a panel at most so often: a jump is then inside 2⁻⁵² of the cell.
const MAX_HALVINGS: u32 = 48;
/// Most panels of the adaptive rule.
const MAX_PANELS: usize = 20_000;
/// Quasi-periodic averages: first and last window, and points per unit of y.
const WINDOW: [usize; 3] = [16, 8192, 32];

/// f(a(x, y)) along y at a fixed x.
pub(super) struct Section<'a> {
    pub(super) coefficient: &'a dyn Coefficient,
    pub(super) x: f64,
    pub(super) f: fn(f64) -> f64,
}

impl Section<'_> {
    /// Values at the points `y`.
    pub(super) fn fill(&self, y: &[f64], out: &mut [f64]) -> Result<()> {
        self.coefficient.values_into(&[self.x], y, out);
        for (a, y) in out.iter_mut().zip(y) {
            let value = *a;
            *a = (self.f)(value);
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::Coefficient {
                    text: self.coefficient.text(),
                    at: format!("x = {}, y = {y}", self.x),
                    value,
                    advice: "Check the coefficient there".into(),
                });
            }
        }
        Ok(())
    }

    /// ∫ over [a, b] by one Gauss rule.
    pub(super) fn integral(&self, rule: &Rule, a: f64, b: f64) -> Result<f64> {
        let half = 0.5 * (b - a);
        let y: Vec<f64> = rule.points.iter().map(|t| a + half * (1.0 + t)).collect();
        let mut values = vec![0.0; y.len()];
        self.fill(&y, &mut values)?;
        Ok(half * values.iter().zip(&rule.weights).map(|(v, w)| v * w).sum::<f64>())
    }

    /// The mean of n equally spaced points from `shift` spacings on.
    fn trapezoid(&self, period: f64, n: usize, shift: f64) -> Result<f64> {
        let y: Vec<f64> = (0..n).map(|i| period * (i as f64 + shift) / n as f64).collect();
        let mut values = vec![0.0; n];
        self.fill(&y, &mut values)?;
        Ok(values.iter().sum::<f64>() / n as f64)
    }
}

/// The average over a cell, or along the whole line for a quasi-periodic coefficient (`period` is `None`).
///
/// A smooth periodic function: the trapezoid rule, which converges faster than any power, doubled until it and a rule on
/// other points agree to `tolerance` (relative). Any other periodic one: Gauss–Legendre on panels halved where needed.
pub(super) fn average(section: &Section<'_>, tolerance: f64) -> Result<Average> {
    let Some(period) = section.coefficient.period() else {
        return windowed(section, tolerance);
    };
    let mut evaluations = 0;
    let mut before = f64::NAN;
    let (mut n, mut refinements) = (TRAPEZOID[0], 0);
    while n <= TRAPEZOID[1] {
        let value = section.trapezoid(period, n, 0.0)?;
        evaluations += n;
        if (value - before).abs() <= tolerance * value.abs() {
            // doubling can repeat an error (a jump at 0.3 counts 77/256, then 154/512): ask points of another number
            let other = section.trapezoid(period, n - 1, 0.381_966_011_250_105)?;
            evaluations += n - 1;
            if (value - other).abs() <= tolerance * value.abs() {
                let error = (value - before).abs().max((value - other).abs());
                let rule = format!("trapezoid, {n} points");
                return Ok(Average { value, error, evaluations, refinements, rule });
            }
        }
        before = value;
        n *= 2;
        refinements += 1;
    }
    let panels = Panels::adapted(section, period, tolerance)?;
    Ok(Average {
        value: panels.sum() / period,
        error: panels.error / period,
        evaluations: evaluations + panels.evaluations,
        refinements,
        rule: format!("Gauss-Legendre of {GAUSS} points on {} panels", panels.integrals.len()),
    })
}

/// A cell cut where the function asks for it.
#[derive(Debug, Clone)]
pub(super) struct Panels {
    /// `[n + 1]`, ascending from 0 to the period
    pub(super) edges: Vec<f64>,
    /// the function's integral over each, `[n]`
    pub(super) integrals: Vec<f64>,
    /// sum of the panels' error estimates
    pub(super) error: f64,
    pub(super) evaluations: usize,
}

impl Panels {
    /// Halves panels until the integral over each changes by less than its share of `tolerance` (relative).
    pub(super) fn adapted(section: &Section<'_>, period: f64, tolerance: f64) -> Result<Self> {
        let rule = gauss(GAUSS);
        let mut pending = Vec::new();
        let mut rough = 0.0;
        for k in (0..PANELS).rev() {
            let edge = |k: usize| period * k as f64 / PANELS as f64;
            let (a, b) = (edge(k), edge(k + 1));
            let whole = section.integral(&rule, a, b)?;
            rough += whole.abs();
            pending.push((a, b, whole, 0));
        }
        let mut panels = Panels { edges: vec![0.0], integrals: vec![], error: 0.0, evaluations: GAUSS * PANELS };
        // a stack with the leftmost panel on top: panels come out in order
        while let Some((a, b, whole, halvings)) = pending.pop() {
            let middle = 0.5 * (a + b);
            let (left, right) = (section.integral(&rule, a, middle)?, section.integral(&rule, middle, b)?);
            panels.evaluations += 2 * GAUSS;
            let change = (left + right - whole).abs();
            let share = tolerance * rough * (b - a) / period;
            let exhausted = halvings >= MAX_HALVINGS || panels.integrals.len() + pending.len() >= MAX_PANELS;
            if change <= share.max(4.0 * f64::EPSILON * whole.abs()) || exhausted {
                panels.edges.extend([middle, b]);
                panels.integrals.extend([left, right]);
                panels.error += change;
            } else {
                pending.push((middle, b, right, halvings + 1));
                pending.push((a, middle, left, halvings + 1));
            }
        }
        Ok(panels)
    }

    pub(super) fn sum(&self) -> f64 {
        self.integrals.iter().sum()
    }
}

/// The average along the line through the smooth window w(s) = exp(−1/(s(1−s))), s = y/T ∈ (0, 1), normalised: for sums of
/// incommensurate waves its error falls faster than any power of T. T doubles until two averages agree.
fn windowed(section: &Section<'_>, tolerance: f64) -> Result<Average> {
    let [first, last, density] = WINDOW;
    let (mut before, mut error) = (f64::NAN, f64::NAN);
    let (mut evaluations, mut refinements, mut window) = (0, 0, first);
    loop {
        let n = window * density;
        let y: Vec<f64> = (1..n).map(|i| i as f64 / density as f64).collect();
        let mut values = vec![0.0; n - 1];
        section.fill(&y, &mut values)?;
        evaluations += n - 1;
        let (mut sum, mut weight) = (0.0, 0.0);
        for (i, value) in (1..n).zip(&values) {
            let s = i as f64 / n as f64;
            let w = (-1.0 / (s * (1.0 - s))).exp();
            sum += w * value;
            weight += w;
        }
        let value = sum / weight;
        let settled = (value - before).abs();
        error = if settled.is_nan() { error } else { settled };
        if settled <= tolerance * value.abs() || 2 * window > last {
            let rule = format!("smooth window over 0 < y < {window}");
            return Ok(Average { value, error, evaluations, refinements, rule });
        }
        before = value;
        window *= 2;
        refinements += 1;
    }
}

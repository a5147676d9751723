//! One dimension by quadrature: a* = 1/⟨1/a⟩, and the corrector as a running integral.

use super::average::{Average, Panels, Section, average};
use super::{CellProblem1d, EffectiveTensor};
use crate::coefficient::Coefficient;
use crate::legendre::gauss;
use crate::{Error, Result};

/// The corrector χ at the points asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Corrector {
    /// the points, as given
    pub y: Vec<f64>,
    /// χ(y), of zero mean over the period
    pub chi: Vec<f64>,
    /// χ′(y) = 1 − a*/a(y)
    pub slope: Vec<f64>,
    /// a* of the same quadrature
    pub effective: f64,
    /// |χ(P) − χ(0)| + the panels' error estimates: what χ can be trusted to
    pub error: f64,
}

/// Points per panel of the corrector.
const POINTS: usize = 12;

fn reciprocal(a: f64) -> f64 {
    1.0 / a
}

pub(super) fn section<'a>(problem: &CellProblem1d<'a>, f: fn(f64) -> f64) -> Section<'a> {
    Section { coefficient: problem.coefficient, x: problem.x, f }
}

/// a* = 1/⟨1/a⟩ as a tensor; its bounds are none, its residual the estimate of its absolute error.
pub(super) fn effective(problem: &CellProblem1d<'_>, tolerance: f64) -> Result<EffectiveTensor> {
    let mean = harmonic(problem.coefficient, problem.x, tolerance)?;
    let value = 1.0 / mean.value;
    Ok(EffectiveTensor {
        tensor: vec![vec![value]],
        lower: None,
        upper: None,
        method: format!("quadrature ({})", mean.rule),
        iterations: mean.refinements,
        residual: mean.error * value * value,
        unknowns: mean.evaluations,
    })
}

/// ⟨1/a⟩.
pub(super) fn harmonic(coefficient: &dyn Coefficient, x: f64, tolerance: f64) -> Result<Average> {
    average(&Section { coefficient, x, f: reciprocal }, tolerance)
}

/// χ at the points `y`: (aχ′)′ = a′, so aχ′ = a − a* and χ(y) = y − a*∫₀ʸ 1/a − mean.
///
/// The integral runs over panels cut where 1/a asks for it, and from a panel's edge to y by a Gauss rule of its own, so
/// that χ has the accuracy of a* everywhere.
pub(super) fn corrector(problem: &CellProblem1d<'_>, y: &[f64], tolerance: f64) -> Result<Corrector> {
    let Some(period) = problem.coefficient.period() else {
        let found = problem.coefficient.text();
        let advice = "use its effective coefficient only; its corrector need not be bounded";
        return Err(Error::parameter("coefficient", found, "one that is periodic in y", advice));
    };
    let section = section(problem, reciprocal);
    let panels = Panels::adapted(&section, period, tolerance)?;
    let effective = period / panels.sum();
    let mut starts = vec![0.0];
    for integral in &panels.integrals {
        starts.push(starts[starts.len() - 1] + integral);
    }
    let rule = gauss(POINTS);
    let running = |y: f64| -> Result<f64> {
        let k = panels.edges.partition_point(|e| *e <= y).clamp(1, panels.integrals.len()) - 1;
        Ok(y - effective * (starts[k] + section.integral(&rule, panels.edges[k], y)?))
    };
    let mut mean = 0.0;
    for edge in panels.edges.windows(2) {
        let half = 0.5 * (edge[1] - edge[0]);
        for (t, w) in rule.points.iter().zip(&rule.weights) {
            mean += half * w * running(edge[0] + half * (1.0 + t))?;
        }
    }
    mean /= period;
    let mut slope = vec![0.0; y.len()];
    section.fill(y, &mut slope)?;
    slope.iter_mut().for_each(|r| *r = 1.0 - effective * *r);
    let chi = y.iter().map(|&y| Ok(running(y.rem_euclid(period))? - mean)).collect::<Result<Vec<f64>>>()?;
    let closing = (period - effective * starts[starts.len() - 1]).abs();
    Ok(Corrector { y: y.to_vec(), chi, slope, effective, error: closing + effective * panels.error })
}

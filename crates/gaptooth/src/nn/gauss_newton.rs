//! Gauss–Newton with several dampings tried at each step and geodesic acceleration, for residuals of equations.
//!
//! Unlike [`super::LevenbergMarquardt`], which streams through many rows, it holds the whole Jacobian: acceleration needs it twice.

use faer::{
    Accum, Mat, MatMut, MatRef, Par,
    dyn_stack::{MemBuffer, MemStack},
    linalg::{
        cholesky::llt,
        matmul::{
            matmul,
            triangular::{self, BlockStructure},
        },
    },
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Iteration, LeastSquares, Optimizer, Work,
    lbfgs::norm,
    least_squares::half_square,
    optimizer::{finite_cost, restored},
};
use crate::Result;

/// How [`GaussNewton`] damps its steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GaussNewtonSettings {
    /// first damping, relative to the mean eigenvalue of JᵀJ that can differ from zero
    pub damping: f64,
    /// factors of the last accepted damping that are tried, in this order, until the cost stops falling; one costs least time
    pub factors: Vec<f64>,
    /// whether steps are bent along the geodesic (Transtrum & Sethna 2012)
    pub acceleration: bool,
}

impl Default for GaussNewtonSettings {
    fn default() -> Self {
        GaussNewtonSettings { damping: 1e-3, factors: vec![0.6], acceleration: true }
    }
}

/// Damped Gauss–Newton in the smaller of data and parameter space.
///
/// δ = −Jᵀ(JJᵀ + μI)⁻¹ r = −(JᵀJ + μI)⁻¹ Jᵀr for μ = λ · mean eigenvalue. Acceleration adds a = −½ (J-inverse as for δ) of
/// the second derivative of r along δ, by a difference, where ‖a‖ < ¾ ‖δ‖ (Transtrum & Sethna 2012, eq. 6). Of δ and δ + a for
/// each damping the lowest cost is taken; if none is lower than before, λ grows 25 times.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GaussNewton {
    settings: GaussNewtonSettings,
    lambda: f64,
    failures: u32,
}

impl Default for GaussNewton {
    fn default() -> Self {
        GaussNewton::new(GaussNewtonSettings::default())
    }
}

/// Rows of a panel of the Jacobian: tall enough for the matrix products.
const PANEL: usize = 96;
/// λ grown so often in a row means round-off.
const FAILURES: u32 = 6;
/// Relative length of the difference along δ.
const DIFFERENCE: f64 = 0.1;
/// Largest ‖a‖/‖δ‖.
const BEND: f64 = 0.75;

impl GaussNewton {
    /// At rest.
    pub fn new(settings: GaussNewtonSettings) -> Self {
        GaussNewton { lambda: settings.damping, settings, failures: 0 }
    }

    /// The damping relative to the mean eigenvalue.
    pub fn damping(&self) -> f64 {
        self.lambda
    }

    /// The best of the steps that a damping gives, with its cost.
    fn trial(
        &self,
        model: &Model,
        lambda: f64,
        problem: &dyn LeastSquares,
        p: &[f64],
        work: &mut Work,
    ) -> Option<(Vec<f64>, f64)> {
        work.factorisations += 1;
        let factor = model.factor(lambda)?;
        let delta = model.step(&factor, &model.residual);
        let moved = |step: &[f64]| -> Vec<f64> { p.iter().zip(step).map(|(p, s)| p + s).collect() };
        let straight = moved(&delta);
        let cost = problem.cost(&straight);
        work.residuals += 1;
        let mut best = cost.is_finite().then_some((straight, cost));
        if self.settings.acceleration {
            let part: Vec<f64> = delta.iter().map(|d| DIFFERENCE * d).collect();
            let ahead = problem.residuals(&moved(&part));
            let slope = model.along(&delta);
            work.residuals += 1;
            let curvature: Vec<f64> = (0..ahead.len())
                .map(|i| 2.0 / DIFFERENCE * ((ahead[i] - model.residual[i]) / DIFFERENCE - slope[i]))
                .collect();
            let bend: Vec<f64> = model.step(&factor, &curvature).iter().map(|a| 0.5 * a).collect();
            let size = norm(&bend);
            if size.is_finite() && size < BEND * norm(&delta) {
                let bent = moved(&delta.iter().zip(&bend).map(|(d, a)| d + a).collect::<Vec<_>>());
                let cost = problem.cost(&bent);
                work.residuals += 1;
                if cost.is_finite() && best.as_ref().is_none_or(|(_, c)| cost < *c) {
                    best = Some((bent, cost));
                }
            }
        }
        best
    }
}

impl Optimizer for GaussNewton {
    fn name(&self) -> &'static str {
        "Gauss–Newton"
    }

    fn iterate(&mut self, problem: &dyn LeastSquares, p: &mut [f64], work: &mut Work) -> Result<Iteration> {
        let model = Model::new(problem, p);
        work.jacobians += 1;
        let before = finite_cost(half_square(&model.residual))?;
        loop {
            let mut best: Option<(Vec<f64>, f64, f64)> = None;
            for factor in &self.settings.factors {
                let lambda = factor * self.lambda;
                let found = self.trial(&model, lambda, problem, p, work);
                match (found, &best) {
                    (Some((q, cost)), None) => best = Some((q, cost, lambda)),
                    (Some((q, cost)), Some((_, lowest, _))) if cost < *lowest => best = Some((q, cost, lambda)),
                    // more damping no longer helps
                    (Some(_), Some((_, lowest, _))) if *lowest < before => break,
                    _ => {}
                }
            }
            if let Some((q, cost, lambda)) = best
                && cost < before
            {
                p.copy_from_slice(&q);
                self.lambda = lambda.max(f64::MIN_POSITIVE);
                self.failures = 0;
                return Ok(Iteration::Going(cost));
            }
            self.lambda *= 25.0;
            self.failures += 1;
            if self.failures >= FAILURES {
                return Ok(Iteration::Done(before));
            }
        }
    }

    fn save(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn restore(&mut self, state: &Value) -> Result<()> {
        *self = restored("Gauss–Newton", state)?;
        Ok(())
    }
}

/// The residual with its Jacobian and normal matrix at one p.
struct Model {
    residual: Vec<f64>,
    /// `[parameters][rows]` of consecutive rows
    panels: Vec<Panel>,
    parameters: usize,
    /// JJᵀ or JᵀJ, its lower half
    matrix: Mat<f64>,
    mean_eigenvalue: f64,
}

struct Panel {
    rows: usize,
    jacobian: Vec<f64>,
}

impl Panel {
    fn matrix(&self, parameters: usize) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.jacobian, self.rows, parameters)
    }
}

impl Model {
    fn new(problem: &dyn LeastSquares, p: &[f64]) -> Self {
        let n = problem.parameters();
        let one = |blocks: &Vec<(usize, usize)>| {
            let rows = blocks.iter().map(|(_, rows)| rows).sum();
            let (mut residual, mut jacobian) = (vec![0.0; rows], vec![0.0; rows * n]);
            let mut start = 0;
            for (block, count) in blocks {
                let part = &mut residual[start..start + count];
                problem.jacobian_into(p, *block, part, &mut jacobian[start..], rows);
                start += count;
            }
            (residual, Panel { rows, jacobian })
        };
        let (residuals, panels): (Vec<_>, Vec<_>) = gathered(&problem.blocks()).par_iter().map(one).unzip();
        let residual = residuals.concat();
        let matrix = if residual.len() <= n { outer(&panels, n) } else { inner(&panels, n) };
        let trace: f64 = (0..matrix.nrows()).map(|i| matrix[(i, i)]).sum();
        let mean_eigenvalue = if trace > 0.0 { trace / matrix.nrows() as f64 } else { 1.0 };
        Model { residual, panels, parameters: n, matrix, mean_eigenvalue }
    }

    fn in_data_space(&self) -> bool {
        self.residual.len() <= self.parameters
    }

    fn factor(&self, lambda: f64) -> Option<Mat<f64>> {
        let n = self.matrix.nrows();
        let mut l = self.matrix.clone();
        for i in 0..n {
            l[(i, i)] += lambda * self.mean_eigenvalue;
        }
        let scratch = llt::factor::cholesky_in_place_scratch::<f64>(n, Par::Seq, faer::prelude::default());
        let mut memory = MemBuffer::new(scratch);
        let none = llt::factor::LltRegularization::default();
        let stack = MemStack::new(&mut memory);
        llt::factor::cholesky_in_place(l.as_mut(), none, Par::Seq, stack, faer::prelude::default()).ok()?;
        Some(l)
    }

    /// −J⁺ v with the damping of `factor`.
    fn step(&self, factor: &Mat<f64>, v: &[f64]) -> Vec<f64> {
        let solve = |x: &mut [f64]| {
            let n = x.len();
            let right = MatMut::from_column_major_slice_mut(x, n, 1);
            let mut memory = MemBuffer::new(Default::default());
            llt::solve::solve_in_place(factor.as_ref(), right, Par::Seq, MemStack::new(&mut memory));
        };
        let mut step = if self.in_data_space() {
            let mut x = v.to_vec();
            solve(&mut x);
            self.transposed(&x)
        } else {
            let mut x = self.transposed(v);
            solve(&mut x);
            x
        };
        step.iter_mut().for_each(|s| *s = -*s);
        step
    }

    /// Jᵀ v.
    fn transposed(&self, v: &[f64]) -> Vec<f64> {
        let mut out = Mat::zeros(self.parameters, 1);
        let mut start = 0;
        for panel in &self.panels {
            let part = MatRef::from_column_major_slice(&v[start..start + panel.rows], panel.rows, 1);
            matmul(&mut out, Accum::Add, panel.matrix(self.parameters).transpose(), part, 1.0, Par::Seq);
            start += panel.rows;
        }
        (0..self.parameters).map(|i| out[(i, 0)]).collect()
    }

    /// J δ.
    fn along(&self, delta: &[f64]) -> Vec<f64> {
        let d = MatRef::from_column_major_slice(delta, delta.len(), 1);
        let one = |panel: &Panel| {
            let mut out = vec![0.0; panel.rows];
            let to = MatMut::from_column_major_slice_mut(&mut out, panel.rows, 1);
            matmul(to, Accum::Replace, panel.matrix(self.parameters), d, 1.0, Par::Seq);
            out
        };
        self.panels.iter().map(one).collect::<Vec<_>>().concat()
    }
}

/// Consecutive blocks, (index, rows), in panels of at least [`PANEL`] rows where there are as many.
fn gathered(blocks: &[usize]) -> Vec<Vec<(usize, usize)>> {
    let (mut panels, mut filled) = (vec![vec![]], 0);
    for (block, rows) in blocks.iter().enumerate() {
        if filled >= PANEL {
            panels.push(vec![]);
            filled = 0;
        }
        panels.last_mut().expect("there is one").push((block, *rows));
        filled += rows;
    }
    panels
}

/// The lower half of JJᵀ, pair of panels by pair.
fn outer(panels: &[Panel], n: usize) -> Mat<f64> {
    let starts: Vec<usize> = panels
        .iter()
        .scan(0, |start, panel| {
            *start += panel.rows;
            Some(*start - panel.rows)
        })
        .collect();
    let pairs: Vec<(usize, usize)> = (0..panels.len()).flat_map(|i| (0..=i).map(move |j| (i, j))).collect();
    let one = |(i, j): &(usize, usize)| {
        let mut k = Mat::<f64>::zeros(panels[*i].rows, panels[*j].rows);
        let (a, b) = (panels[*i].matrix(n), panels[*j].matrix(n).transpose());
        if i == j {
            let (full, half) = (BlockStructure::Rectangular, BlockStructure::TriangularLower);
            triangular::matmul(k.as_mut(), half, Accum::Replace, a, full, b, full, 1.0, Par::Seq);
        } else {
            matmul(k.as_mut(), Accum::Replace, a, b, 1.0, Par::Seq);
        }
        k
    };
    let products: Vec<Mat<f64>> = pairs.par_iter().map(one).collect();
    let m = panels.iter().map(|p| p.rows).sum();
    let mut matrix = Mat::zeros(m, m);
    for ((i, j), k) in pairs.iter().zip(&products) {
        matrix.as_mut().submatrix_mut(starts[*i], starts[*j], k.nrows(), k.ncols()).copy_from(k);
    }
    matrix
}

/// The lower half of JᵀJ, pair of column blocks by pair, each summed panel by panel in order.
fn inner(panels: &[Panel], n: usize) -> Mat<f64> {
    let columns: Vec<(usize, usize)> = (0..n).step_by(PANEL).map(|start| (start, PANEL.min(n - start))).collect();
    let pairs: Vec<(usize, usize)> = (0..columns.len()).flat_map(|i| (0..=i).map(move |j| (i, j))).collect();
    let one = |(i, j): &(usize, usize)| {
        let ((a, rows), (b, width)) = (columns[*i], columns[*j]);
        let mut k = Mat::<f64>::zeros(rows, width);
        for panel in panels {
            let jacobian = panel.matrix(n);
            let (left, right) = (jacobian.subcols(a, rows), jacobian.subcols(b, width));
            matmul(k.as_mut(), Accum::Add, left.transpose(), right, 1.0, Par::Seq);
        }
        k
    };
    let products: Vec<Mat<f64>> = pairs.par_iter().map(one).collect();
    let mut matrix = Mat::zeros(n, n);
    for ((i, j), k) in pairs.iter().zip(&products) {
        matrix.as_mut().submatrix_mut(columns[*i].0, columns[*j].0, k.nrows(), k.ncols()).copy_from(k);
    }
    matrix
}

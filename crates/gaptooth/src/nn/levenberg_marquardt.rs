//! Levenberg–Marquardt: damped Gauss–Newton for ½ Σ r², in parameter or data space.

use faer::{
    Accum, Mat, MatMut, MatRef, Par,
    dyn_stack::{MemBuffer, MemStack},
    linalg::{cholesky::llt, matmul::matmul},
};
use rayon::prelude::*;

use super::{
    LeastSquares,
    lbfgs::{Minimum, Stop, dot, norm},
    mlp::check_shape,
};
use crate::{
    Result,
    error::check_finite,
    observer::{Observer, check_interrupt},
};

/// Which normal equations are solved; they give the same step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Space {
    /// the smaller of the two
    #[default]
    Smaller,
    /// (JᵀJ + μI) δ = −Jᵀr, `[parameters, parameters]`; the Jacobian passes in chunks of rows
    Parameters,
    /// (JJᵀ + μI) λ = r, δ = −Jᵀλ, `[residuals, residuals]`; the whole Jacobian is held
    Data,
}

/// Damped Gauss–Newton; the damping follows the gain ratio (Nielsen 1999; Madsen, Nielsen & Tingleff 2004, §3.2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevenbergMarquardt {
    /// most steps tried
    pub iterations: usize,
    /// initial damping relative to the mean of the eigenvalues of JᵀJ that can differ from zero
    pub damping: f64,
    /// converged when ‖δ‖ ≤ tolerance (‖p‖ + tolerance), or ‖Jᵀr‖ ≤ tolerance² · 2 cost
    pub tolerance: f64,
    /// which normal equations
    pub space: Space,
}

impl Default for LevenbergMarquardt {
    fn default() -> Self {
        LevenbergMarquardt { iterations: 100, damping: 1e-3, tolerance: 1e-9, space: Space::Smaller }
    }
}

/// Blocks summed in parallel before they are added, in order: the bits do not depend on the threads.
const GROUP: usize = 16;

impl LevenbergMarquardt {
    /// Minimises ½ Σ r(p)² in place; `value` and `history` of the result are that cost.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] for `p` of the wrong length, [`crate::Error::NonFinite`] when the first cost is not
    /// finite, [`crate::Error::Interrupted`].
    pub fn minimise(&self, problem: &dyn LeastSquares, p: &mut [f64], observer: &dyn Observer) -> Result<Minimum> {
        check_shape("parameters", &[problem.parameters()], &[p.len()])?;
        let value = problem.cost(p);
        check_finite("the sum of squares", &[value], None, "start from smaller parameters")?;
        let mut result = Minimum { stop: Stop::Iterations, value, iterations: 0, evaluations: 1, history: vec![value] };
        let mut normal = Normal::new(problem, p, self.space);
        let (mut mu, mut growth) = (self.damping * normal.mean_eigenvalue(problem.rows()), 2.0);
        while result.iterations < self.iterations {
            check_interrupt(observer, "Levenberg–Marquardt")?;
            if norm(&normal.gradient) <= self.tolerance.powi(2) * 2.0 * result.value {
                result.stop = Stop::Converged;
                break;
            }
            result.iterations += 1;
            let step = normal.step(mu);
            if let Some(step) = &step
                && norm(step) <= self.tolerance * (norm(p) + self.tolerance)
            {
                result.stop = Stop::Converged;
                break;
            }
            let gain = step.as_ref().map(|step| {
                let trial: Vec<f64> = p.iter().zip(step).map(|(a, b)| a + b).collect();
                let cost = problem.cost(&trial);
                result.evaluations += 1;
                // the decrease of the quadratic model: ½ δᵀ(μδ − Jᵀr)
                let predicted = 0.5 * (mu * dot(step, step) - dot(step, &normal.gradient));
                (trial, cost, (result.value - cost) / predicted)
            });
            match gain {
                Some((trial, cost, ratio)) if ratio > 0.0 && cost.is_finite() => {
                    p.copy_from_slice(&trial);
                    result.value = cost;
                    mu *= (1.0 - (2.0 * ratio - 1.0).powi(3)).max(1.0 / 3.0);
                    growth = 2.0;
                    normal = Normal::new(problem, p, self.space);
                }
                _ => {
                    mu *= growth;
                    growth *= 2.0;
                    if !mu.is_finite() {
                        result.stop = Stop::Stalled;
                        break;
                    }
                }
            }
            result.history.push(result.value);
            let (done, total) = (result.iterations as u64, self.iterations as u64);
            observer.progress("Levenberg–Marquardt", done, total, &format!("{:.3e}", result.value));
        }
        Ok(result)
    }
}

/// JᵀJ or JJᵀ, with Jᵀr, at one p.
struct Normal {
    gradient: Vec<f64>,
    matrix: Mat<f64>,
    /// in data space: the residual and J, `[parameters][residuals]`
    data: Option<(Vec<f64>, Vec<f64>)>,
}

impl Normal {
    fn new(problem: &dyn LeastSquares, p: &[f64], space: Space) -> Self {
        let (m, n) = (problem.rows(), problem.parameters());
        if space == Space::Data || (space == Space::Smaller && m < n) {
            Normal::in_data_space(problem, p, m, n)
        } else {
            Normal::in_parameter_space(problem, p, n)
        }
    }

    fn in_data_space(problem: &dyn LeastSquares, p: &[f64], m: usize, n: usize) -> Self {
        let (mut residual, mut jacobian) = (vec![0.0; m], vec![0.0; m * n]);
        let mut start = 0;
        for (block, rows) in problem.blocks().into_iter().enumerate() {
            problem.jacobian_into(p, block, &mut residual[start..start + rows], &mut jacobian[start..], m);
            start += rows;
        }
        let gradient = jacobian.chunks_exact(m).map(|column| dot(column, &residual)).collect();
        let j = MatRef::from_column_major_slice(&jacobian, m, n);
        let mut matrix = Mat::zeros(m, m);
        matmul(&mut matrix, Accum::Replace, j, j.transpose(), 1.0, Par::Seq);
        Normal { gradient, matrix, data: Some((residual, jacobian)) }
    }

    fn in_parameter_space(problem: &dyn LeastSquares, p: &[f64], n: usize) -> Self {
        let block = |(block, count): (usize, usize)| {
            let (mut residual, mut jacobian) = (vec![0.0; count], vec![0.0; count * n]);
            problem.jacobian_into(p, block, &mut residual, &mut jacobian, count);
            let gradient: Vec<f64> = jacobian.chunks_exact(count).map(|column| dot(column, &residual)).collect();
            let j = MatRef::from_column_major_slice(&jacobian, count, n);
            let mut matrix = Mat::zeros(n, n);
            matmul(&mut matrix, Accum::Replace, j.transpose(), j, 1.0, Par::Seq);
            (gradient, matrix)
        };
        let all: Vec<(usize, usize)> = problem.blocks().into_iter().enumerate().collect();
        let (mut gradient, mut matrix) = (vec![0.0; n], Mat::<f64>::zeros(n, n));
        for group in all.chunks(GROUP) {
            let blocks: Vec<_> = group.par_iter().map(|one| block(*one)).collect();
            for (g, j) in &blocks {
                gradient.iter_mut().zip(g).for_each(|(a, b)| *a += b);
                matrix += j;
            }
        }
        Normal { gradient, matrix, data: None }
    }

    /// The mean eigenvalue, the same in both spaces: trace(JᵀJ) = trace(JJᵀ), over min(m, n); 1 when J vanishes.
    fn mean_eigenvalue(&self, residuals: usize) -> f64 {
        let n = self.gradient.len().min(residuals);
        let trace: f64 = (0..self.matrix.nrows()).map(|i| self.matrix[(i, i)]).sum();
        if trace > 0.0 { trace / n as f64 } else { 1.0 }
    }

    /// The damped step, or nothing when the damped matrix is not positive definite to round-off.
    fn step(&self, mu: f64) -> Option<Vec<f64>> {
        match &self.data {
            None => solve(&self.matrix, mu, &self.gradient).map(|s| s.iter().map(|v| -v).collect()),
            Some((residual, jacobian)) => {
                let lambda = solve(&self.matrix, mu, residual)?;
                Some(jacobian.chunks_exact(residual.len()).map(|column| -dot(column, &lambda)).collect())
            }
        }
    }
}

/// (A + μI)⁻¹ b by Cholesky, on one thread.
fn solve(a: &Mat<f64>, mu: f64, b: &[f64]) -> Option<Vec<f64>> {
    let n = a.nrows();
    let mut l = a.clone();
    for i in 0..n {
        l[(i, i)] += mu;
    }
    let mut memory =
        MemBuffer::new(llt::factor::cholesky_in_place_scratch::<f64>(n, Par::Seq, faer::prelude::default()));
    let stack = MemStack::new(&mut memory);
    let none = llt::factor::LltRegularization::default();
    llt::factor::cholesky_in_place(l.as_mut(), none, Par::Seq, stack, faer::prelude::default()).ok()?;
    let mut x = b.to_vec();
    let rhs = MatMut::from_column_major_slice_mut(&mut x, n, 1);
    llt::solve::solve_in_place(l.as_ref(), rhs, Par::Seq, MemStack::new(&mut MemBuffer::new(Default::default())));
    x.iter().all(|v| v.is_finite()).then_some(x)
}

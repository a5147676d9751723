//! Least squares with many rows and few columns, by orthogonal transformations of blocks of rows.
//!
//! Normal equations would square the condition number, and one factorisation of all rows would hold them all.
//! faer's QR is not used here: it treats a column as dependent below 16 · rows · ε of its norm (7e-12 for 2048
//! rows), which is above the accuracy of the data.

use faer::Mat;
use rayon::prelude::*;

use crate::{Error, Result, error::check_finite, nn::check_shape};

/// Rows of a block; blocks are reduced in parallel and joined in order, so the bits do not depend on the threads.
const BLOCK: usize = 2048;

/// min_c Σ_b w_b² (Σ_k A_bk c_k − y_b)², with columns scaled to unit norm.
#[derive(Debug, Clone, Copy)]
pub struct TallLeastSquares<'a> {
    /// A, `[column][row]`
    pub columns: &'a [f64],
    /// y, `[row]`
    pub targets: &'a [f64],
    /// w, `[row]`; all 1 when absent
    pub weights: Option<&'a [f64]>,
    /// singular values below this, relative to the largest, are left out
    pub rank_tolerance: f64,
}

/// What [`TallLeastSquares::solve`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct LeastSquaresSolution {
    /// c, `[column]`
    pub coefficients: Vec<f64>,
    /// standard errors √(σ² (AᵀW²A)⁻¹_kk), σ² = residual²/(rows − rank); 0 when rows = rank
    pub standard_errors: Vec<f64>,
    /// √(Σ w² r²)
    pub residual: f64,
    /// √(Σ w² y²)
    pub target: f64,
    /// columns that could be told apart
    pub rank: usize,
    /// ratio of the extreme singular values of the scaled columns
    pub condition: f64,
}

impl TallLeastSquares<'_> {
    /// Solves by QR of row blocks (TSQR; Demmel et al., SIAM J. Sci. Comput. 34 (2012) A206), then the singular
    /// values of the small triangle; the solution of least scaled norm when columns are dependent.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NonFinite`], and [`Error::Parameter`] for fewer rows than columns.
    pub fn solve(&self) -> Result<LeastSquaresSolution> {
        let m = self.targets.len();
        if m == 0 || !self.columns.len().is_multiple_of(m) || self.columns.len() / m == 0 || self.columns.len() / m > m
        {
            let found = format!("{m} rows for {} entries", self.columns.len());
            let advice = "use more snapshots or fewer features";
            return Err(Error::parameter("least squares", found, "whole columns and at least as many rows", advice));
        }
        let n = self.columns.len() / m;
        check_shape("weights", &[m], &[self.weights.map_or(m, <[f64]>::len)])?;
        check_finite("features", self.columns, None, "check the dataset")?;
        check_finite("targets", self.targets, None, "check the dataset")?;
        check_finite("weights", self.weights.unwrap_or(&[]), None, "raise the floor of the relative weights")?;
        let scales: Vec<f64> = self.columns.chunks_exact(m).map(|c| self.norm(c)).collect();
        let scales: Vec<f64> = scales.iter().map(|s| if *s > 0.0 { *s } else { 1.0 }).collect();
        let triangle = self.triangle(&scales, n, m);
        self.solve_triangle(&triangle, &scales, n, m)
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[row])
    }

    fn norm(&self, column: &[f64]) -> f64 {
        column.iter().enumerate().map(|(b, v)| (self.weight(b) * v).powi(2)).sum::<f64>().sqrt()
    }

    /// R of [A D⁻¹, y], `[column][row]`, n + 1 square.
    fn triangle(&self, scales: &[f64], n: usize, m: usize) -> Vec<f64> {
        let starts: Vec<usize> = (0..m).step_by(BLOCK).collect();
        let block = |start: &usize| {
            let rows = *start..(start + BLOCK).min(m);
            let entry = |column: &[f64], scale: f64| -> Vec<f64> {
                rows.clone().map(|b| self.weight(b) * column[b] / scale).collect()
            };
            let scaled = self.columns.chunks_exact(m).zip(scales).flat_map(|(c, s)| entry(c, *s));
            triangularise(scaled.chain(entry(self.targets, 1.0)).collect(), n + 1)
        };
        let blocks: Vec<Vec<f64>> = starts.par_iter().map(block).collect();
        let mut triangle = vec![];
        for r in blocks {
            triangle = if triangle.is_empty() { r } else { triangularise(stack(&triangle, &r, n + 1), n + 1) };
        }
        triangle
    }

    /// The coefficients from R of [`TallLeastSquares::triangle`], through its singular values.
    fn solve_triangle(&self, r: &[f64], scales: &[f64], n: usize, m: usize) -> Result<LeastSquaresSolution> {
        let at = |i: usize, j: usize| r[j * (n + 1) + i];
        let svd = Mat::from_fn(n, n, &at).thin_svd().map_err(|e| Error::Solver {
            solver: "singular values",
            message: format!("{e:?}"),
            advice: "check the features for extreme values".into(),
        })?;
        let s: Vec<f64> = (0..n).map(|k| svd.S()[k]).collect();
        let rank = s.iter().filter(|v| **v > self.rank_tolerance * s[0] && **v > 0.0).count();
        let (mut x, mut variance) = (vec![0.0; n], vec![0.0; n]);
        let mut explained = 0.0;
        for (k, singular) in s.iter().enumerate().take(rank) {
            let projected: f64 = (0..n).map(|i| svd.U()[(i, k)] * at(i, n)).sum();
            explained += projected * projected;
            for j in 0..n {
                x[j] += svd.V()[(j, k)] * projected / singular;
                variance[j] += (svd.V()[(j, k)] / singular).powi(2);
            }
        }
        // what no column explains, and what the directions left out would have explained
        let within: f64 = (0..n).map(|i| at(i, n).powi(2)).sum();
        let residual = (at(n, n).powi(2) + (within - explained).max(0.0) * f64::from(rank < n)).sqrt();
        let sigma = if m > rank { residual / ((m - rank) as f64).sqrt() } else { 0.0 };
        Ok(LeastSquaresSolution {
            coefficients: x.iter().zip(scales).map(|(x, s)| x / s).collect(),
            standard_errors: variance.iter().zip(scales).map(|(v, s)| sigma * v.sqrt() / s).collect(),
            residual,
            target: self.norm(self.targets),
            rank,
            condition: s[0] / s[n - 1],
        })
    }
}

/// Two triangles on top of each other, `[column][2n]`.
fn stack(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    a.chunks_exact(n).zip(b.chunks_exact(n)).flat_map(|(a, b)| a.iter().chain(b).copied()).collect()
}

/// R (n × n, zero below the diagonal and padded with zero rows) of the QR factorisation of `a: [n][rows]`, by
/// Householder reflections.
fn triangularise(mut a: Vec<f64>, n: usize) -> Vec<f64> {
    let m = a.len() / n;
    let mut r = vec![0.0; n * n];
    for k in 0..n {
        let (done, rest) = a.split_at_mut((k + 1) * m);
        let column = &mut done[k * m..];
        r[k * n..k * n + k.min(m)].copy_from_slice(&column[..k.min(m)]);
        if k >= m {
            continue;
        }
        let v = &mut column[k..];
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let alpha = if v[0] > 0.0 { -norm } else { norm };
        r[k * n + k] = alpha;
        if norm == 0.0 {
            continue;
        }
        v[0] -= alpha;
        let scale = 2.0 / v.iter().map(|x| x * x).sum::<f64>();
        for other in rest.chunks_exact_mut(m) {
            let w = &mut other[k..];
            let factor = scale * v.iter().zip(&*w).map(|(a, b)| a * b).sum::<f64>();
            w.iter_mut().zip(&*v).for_each(|(w, v)| *w -= factor * v);
        }
    }
    r
}

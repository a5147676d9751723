//! Least squares with many rows and few columns, by orthogonal transformations of blocks of rows.
//!
//! Normal equations would square the condition number, and one factorisation of all rows would hold them all.
//! faer's QR is not used here: it treats a column as dependent below 16 · rows · ε of its norm (7e-12 for 2048
//! rows), which is above the accuracy of the data.

use faer::Mat;
use rayon::prelude::*;

use crate::linalg::in_sequence;
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
    /// As [`TallLeastSquares::triangle`] and [`Triangle::solve`].
    pub fn solve(&self) -> Result<LeastSquaresSolution> {
        self.triangle()?.solve(self.rank_tolerance)
    }

    /// The triangle R of W [A, y], which holds all that least squares needs of the rows.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NonFinite`], and [`Error::Parameter`] for no columns or columns that are not whole.
    pub fn triangle(&self) -> Result<Triangle> {
        let m = self.targets.len();
        if m == 0 || !self.columns.len().is_multiple_of(m) || self.columns.is_empty() {
            let found = format!("{m} rows for {} entries", self.columns.len());
            return Err(Error::parameter("least squares", found, "one or more whole columns", "check the dataset"));
        }
        let n = self.columns.len() / m;
        check_shape("weights", &[m], &[self.weights.map_or(m, <[f64]>::len)])?;
        check_finite("features", self.columns, None, "check the dataset")?;
        check_finite("targets", self.targets, None, "check the dataset")?;
        check_finite("weights", self.weights.unwrap_or(&[]), None, "raise the floor of the relative weights")?;
        let starts: Vec<usize> = (0..m).step_by(BLOCK).collect();
        let block = |start: &usize| {
            let rows = *start..(start + BLOCK).min(m);
            let weighted = |column: &[f64]| -> Vec<f64> {
                rows.clone().map(|b| self.weights.map_or(1.0, |w| w[b]) * column[b]).collect()
            };
            let columns = self.columns.chunks_exact(m).chain([self.targets]).flat_map(weighted);
            Triangle { n, rows: rows.len(), r: triangularise(columns.collect(), n + 1) }
        };
        let blocks: Vec<Triangle> = starts.par_iter().map(block).collect();
        Ok(Triangle::join(blocks).unwrap_or_else(|| unreachable!("there are rows")))
    }
}

/// R of the QR factorisation of the weighted rows [A, y], `[column][row]`, n + 1 square: normal equations without the square.
#[derive(Debug, Clone, PartialEq)]
pub struct Triangle {
    n: usize,
    rows: usize,
    r: Vec<f64>,
}

impl Triangle {
    /// The triangle of all rows, joined in order; nothing for none.
    ///
    /// # Panics
    /// If the numbers of columns differ.
    pub fn join(triangles: impl IntoIterator<Item = Triangle>) -> Option<Self> {
        triangles.into_iter().reduce(|a, b| {
            assert_eq!(a.n, b.n, "triangles of different columns");
            Triangle { n: a.n, rows: a.rows + b.rows, r: triangularise(stack(&a.r, &b.r, a.n + 1), a.n + 1) }
        })
    }

    /// Number of columns, the target not counted.
    pub fn columns(&self) -> usize {
        self.n
    }

    /// The triangle of some of the columns, in that order.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn select(&self, columns: &[usize]) -> Self {
        let column = |c: &usize| self.r[c * (self.n + 1)..(c + 1) * (self.n + 1)].iter().copied();
        let chosen: Vec<f64> = columns.iter().chain([&self.n]).flat_map(column).collect();
        Triangle { n: columns.len(), rows: self.rows, r: triangularise(chosen, columns.len() + 1) }
    }

    /// The least squares solution; singular values below `rank_tolerance` relative to the largest, with columns scaled to unit
    /// norm, are left out.
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer rows than columns; [`Error::Solver`] when singular values do not converge.
    pub fn solve(&self, rank_tolerance: f64) -> Result<LeastSquaresSolution> {
        let (n, m) = (self.n, self.rows);
        if m < n || n == 0 {
            let found = format!("{m} rows for {n} columns");
            let advice = "use more snapshots or fewer features";
            return Err(Error::parameter("least squares", found, "at least as many rows as columns", advice));
        }
        in_sequence();
        let norm = |column: &[f64]| column.iter().map(|v| v * v).sum::<f64>().sqrt();
        let scales = self.r.chunks_exact(n + 1).map(norm).map(|s| if s > 0.0 { s } else { 1.0 });
        let scales: Vec<f64> = scales.take(n).collect();
        let at = |i: usize, j: usize| self.r[j * (n + 1) + i];
        let svd = Mat::from_fn(n, n, |i, j| at(i, j) / scales[j]).thin_svd().map_err(|e| Error::Solver {
            solver: "singular values",
            message: format!("{e:?}"),
            advice: "check the features for extreme values".into(),
        })?;
        let s: Vec<f64> = (0..n).map(|k| svd.S()[k]).collect();
        let rank = s.iter().filter(|v| **v > rank_tolerance * s[0] && **v > 0.0).count();
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
            coefficients: x.iter().zip(&scales).map(|(x, s)| x / s).collect(),
            standard_errors: variance.iter().zip(&scales).map(|(v, s)| sigma * v.sqrt() / s).collect(),
            residual,
            target: norm(&self.r[n * (n + 1)..]),
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

//! Sums of squares in blocks of rows: what every full-batch optimiser here works on.

use rayon::prelude::*;

/// Residuals r(p) whose ½ Σ r² is to be least, in blocks that are evaluated side by side.
///
/// Sums are taken block by block in order, so the bits do not depend on the threads.
pub trait LeastSquares: Sync {
    /// Number of parameters.
    fn parameters(&self) -> usize;

    /// Rows of each block.
    fn blocks(&self) -> Vec<usize>;

    /// Writes the residuals of one block, `[rows]`.
    fn residual_into(&self, p: &[f64], block: usize, residual: &mut [f64]);

    /// Writes the residuals of one block and `jacobian[k * stride + row]` = ∂r_row/∂p_k, with `stride` ≥ rows.
    fn jacobian_into(&self, p: &[f64], block: usize, residual: &mut [f64], jacobian: &mut [f64], stride: usize);

    /// Adds Jᵀr of one block to `gradient` and returns its ½ Σ r².
    fn gradient_into(&self, p: &[f64], block: usize, gradient: &mut [f64]) -> f64;

    /// The parts of ½ Σ r² by name, from all residuals in order.
    fn parts(&self, residual: &[f64]) -> Vec<(String, f64)> {
        vec![("loss".into(), half_square(residual))]
    }
}

/// Sums of so many groups of blocks are taken side by side, whatever the threads.
const TASKS: usize = 8;

impl dyn LeastSquares + '_ {
    /// Number of residuals.
    pub fn rows(&self) -> usize {
        self.blocks().iter().sum()
    }

    /// All residuals in order.
    pub fn residuals(&self, p: &[f64]) -> Vec<f64> {
        let one = |(block, rows): (usize, usize)| {
            let mut r = vec![0.0; rows];
            self.residual_into(p, block, &mut r);
            r
        };
        let parts: Vec<Vec<f64>> = self.blocks().into_par_iter().enumerate().map(one).collect();
        parts.concat()
    }

    /// ½ Σ r².
    pub fn cost(&self, p: &[f64]) -> f64 {
        let one = |(block, rows): (usize, usize)| {
            let mut r = vec![0.0; rows];
            self.residual_into(p, block, &mut r);
            half_square(&r)
        };
        let parts: Vec<f64> = self.blocks().into_par_iter().enumerate().map(one).collect();
        parts.iter().sum()
    }

    /// ½ Σ r² and, in `gradient`, its derivative Jᵀr.
    ///
    /// # Panics
    /// If a slice has another length than the number of parameters.
    pub fn cost_gradient_into(&self, p: &[f64], gradient: &mut [f64]) -> f64 {
        let blocks: Vec<usize> = (0..self.blocks().len()).collect();
        let one = |blocks: &[usize]| {
            let mut g = vec![0.0; p.len()];
            let cost = blocks.iter().map(|block| self.gradient_into(p, *block, &mut g)).sum();
            (cost, g)
        };
        let size = blocks.len().div_ceil(TASKS).max(1);
        let parts: Vec<(f64, Vec<f64>)> = blocks.par_chunks(size).map(one).collect();
        gradient.fill(0.0);
        let mut cost = 0.0;
        for (c, g) in &parts {
            cost += c;
            gradient.iter_mut().zip(g).for_each(|(a, b)| *a += b);
        }
        cost
    }
}

pub(super) fn half_square(residual: &[f64]) -> f64 {
    0.5 * residual.iter().map(|r| r * r).sum::<f64>()
}

//! Correctors as trigonometric polynomials.

use faer::c64;
use rayon::prelude::*;

use super::spectral::Spectral;
use crate::cell::EffectiveTensor;

/// The correctors χ_j of a cell problem on [0, 1)^D, of zero mean, and the effective tensor they give.
#[derive(Debug, Clone)]
pub struct CellSolution {
    /// the effective tensor
    pub effective: EffectiveTensor,
    /// points per axis, `[D]`
    pub points: Vec<usize>,
    /// χ_j at the grid points k/n, `[D][points]`, the last coordinate fastest
    pub correctors: Vec<Vec<f64>>,
    /// Fourier coefficients of χ_j, `[D][wave]`
    spectra: Vec<Vec<c64>>,
}

impl CellSolution {
    /// From spectra as sums over the points of `space`.
    pub(super) fn new(effective: EffectiveTensor, space: &Spectral, spectra: &[Vec<c64>]) -> Self {
        let correctors = spectra.iter().map(|s| space.fourier.inverse_real(s.clone())).collect();
        let scale = 1.0 / space.len() as f64;
        let spectra = spectra.iter().map(|s| s.iter().map(|c| c * scale).collect()).collect();
        CellSolution { effective, points: space.shape.clone(), correctors, spectra }
    }

    /// χ_j (j from 0) at the points `y: [D][points]` by trigonometric interpolation; as much work per point as there are grid points.
    pub fn values(&self, j: usize, y: &[&[f64]]) -> Vec<f64> {
        let at = |k: usize| self.contract(j, y, k, None);
        (0..y[0].len()).into_par_iter().map(at).collect()
    }

    /// ∇χ_j at the points `y: [D][points]`: `[D][points]`.
    pub fn gradients(&self, j: usize, y: &[&[f64]]) -> Vec<Vec<f64>> {
        let along = |d: usize| (0..y[0].len()).into_par_iter().map(|k| self.contract(j, y, k, Some(d))).collect();
        (0..self.points.len()).map(along).collect()
    }

    /// ‖χ_j‖ in L² of the cell.
    pub fn norm(&self, j: usize) -> f64 {
        self.spectra[j].iter().map(|c| c.re * c.re + c.im * c.im).sum::<f64>().sqrt()
    }

    /// Σ_K c_K e^{2πi K·y}, or its derivative along an axis, one axis after the other from the last.
    fn contract(&self, j: usize, y: &[&[f64]], point: usize, derivative: Option<usize>) -> f64 {
        let mut rest: Vec<c64> = self.spectra[j].clone();
        for (d, &n) in self.points.iter().enumerate().rev() {
            let phases: Vec<c64> = (0..n)
                .map(|i| {
                    let k = if 2 * i > n { i as f64 - n as f64 } else { i as f64 };
                    let k = std::f64::consts::TAU * k;
                    let (sine, cosine) = (k * y[d][point]).sin_cos();
                    if derivative == Some(d) { c64::new(-k * sine, k * cosine) } else { c64::new(cosine, sine) }
                })
                .collect();
            let sum = |line: &[c64]| line.iter().zip(&phases).fold(c64::new(0.0, 0.0), |sum, (c, p)| sum + c * p);
            rest = rest.chunks_exact(n).map(sum).collect();
        }
        rest[0].re
    }
}

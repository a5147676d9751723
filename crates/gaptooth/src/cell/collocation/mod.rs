//! Cell problems of smooth coefficients in one to three dimensions by Fourier collocation.
//!
//! −∇·(a(e_j + ∇χ_j)) = 0 on [0, 1)^D with χ_j a trigonometric polynomial and the products taken at the grid points. For analytic a
//! every digit is right after a few doublings of the grid; at a jump the error falls only as the spacing, and the result says so.

mod bounds;
mod certified;
mod solution;
mod spectral;

use faer::c64;

use super::EffectiveTensor;
use crate::coefficient::CellTensor;
use crate::observer::{Observer, Silent, check_interrupt};
use crate::{Error, Result};
use bounds::{Fields, Settling, bounds, largest_difference};
use spectral::{Pair, Spectral, Values};

pub use certified::certified;
pub use solution::CellSolution;

/// Points per axis of the first grid, in one, two and three dimensions.
const FIRST: [usize; 3] = [32, 16, 8];
/// Grids of so many points are told of.
const SLOW: usize = 1 << 15;
/// In what units.
const SHARES: u64 = 1000;
/// Bounds are integrated on no more points, or twice those of the solution along each axis.
const MOST_QUADRATURE: usize = 1 << 20;
/// Most iterations on one grid.
const MOST_ITERATIONS: usize = 2000;
/// A grid moved by these shares of its spacing tells a wave from its alias on the grid.
const SHIFT: [f64; 3] = [0.381_966_011_250_105, 0.236_067_977_499_79, 0.145_898_033_750_315];

/// How to solve a cell problem by Fourier collocation.
///
/// Find χ_j, periodic and of zero mean, with −∇·(a(e_j + ∇χ_j)) = 0; then A*_jl = ⟨(e_j + ∇χ_j)·a(e_l + ∇χ_l)⟩. Conjugate
/// gradients are preconditioned by the inverse of −∇·(⟨a⟩∇), so their number depends on the contrast of a and not on the grid
/// (as Moulinec & Suquet 1998 with Zeman et al. 2010); two correctors share one complex field. Cost per iteration: 2D
/// transforms for every two correctors.
///
/// ```
/// use gaptooth::{cell::Collocation, coefficient::FormulaTensor};
/// let a = FormulaTensor::scalar("2 + sin(2*pi*y1)*cos(2*pi*y2)", 2, &[])?;
/// let found = Collocation::default().solve(&a)?;
/// assert!((found.effective.tensor[0][0] - 1.93535923481229).abs() < 1e-13);
/// assert!(found.effective.converged(1e-12));
/// assert!((found.norm(0) - 0.02071427682360).abs() < 1e-13);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Collocation {
    /// the grid is doubled until the tensor settles to this, relative to its largest entry
    pub tolerance: f64,
    /// points per axis, 4 or more, in place of doubling; the error is then estimated from half as many
    pub points: Option<Vec<usize>>,
    /// no grid has more points than this
    pub max_unknowns: usize,
    /// lower and upper bounds as well, by quadrature on a grid twice as fine
    pub bounds: bool,
}

impl Default for Collocation {
    /// 1e-12, at most 2²⁰ points, no bounds.
    fn default() -> Self {
        Collocation { tolerance: 1e-12, points: None, max_unknowns: 1 << 20, bounds: false }
    }
}

impl Collocation {
    /// The correctors and the effective tensor of `tensor`. `residual` is the change of the energy on a grid of other points, or
    /// the relative change from the grid before to the power 3/2 (exponential convergence squares it) if that is larger; not
    /// converging is a status, see [`EffectiveTensor::converged`].
    ///
    /// # Errors
    /// [`Error::Coefficient`] at a point where a is not positive definite; [`Error::Parameter`] for a bad tolerance or number
    /// of points; [`Error::Solver`] when a residual is not finite.
    pub fn solve(&self, tensor: &dyn CellTensor) -> Result<CellSolution> {
        self.observed(tensor, &Silent)
    }

    /// As [`Collocation::solve`], under the eyes of an observer, who hears of grids that take a while.
    ///
    /// # Errors
    /// As [`Collocation::solve`]; [`Error::Interrupted`].
    pub fn observed(&self, tensor: &dyn CellTensor, observer: &dyn Observer) -> Result<CellSolution> {
        self.check(tensor)?;
        let d = tensor.dimension();
        let mut shape = match &self.points {
            // an odd half can agree with the whole by symmetry alone
            Some(points) => points.iter().map(|n| n / 2 + n / 2 % 2).collect(),
            None => vec![FIRST[d - 1]; d],
        };
        let mut level = self.level(tensor, &shape, None, observer)?;
        let mut iterations = level.iterations;
        loop {
            shape = match &self.points {
                Some(points) => points.clone(),
                None => shape.iter().map(|n| 2 * n).collect(),
            };
            let next = self.level(tensor, &shape, Some(&level), observer)?;
            let before = std::mem::replace(&mut level, next);
            iterations += level.iterations;
            let moved = Fields::new(tensor, &level.space, &level.spectra, &level.space, &SHIFT)?;
            let residual = self.estimate(&level, &before, &moved);
            let effective = EffectiveTensor {
                tensor: level.tensor.clone(),
                lower: None,
                upper: None,
                method: format!(
                    "fourier collocation, {} points",
                    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
                ),
                iterations,
                residual,
                unknowns: level.space.len(),
            };
            let exhausted = level.space.len() << d > self.max_unknowns || self.points.is_some();
            if exhausted || effective.converged(self.tolerance) {
                return self.finished(tensor, effective, &level);
            }
        }
    }

    fn check(&self, tensor: &dyn CellTensor) -> Result<()> {
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            return Err(Error::parameter("tolerance", self.tolerance, "a number between 0 and 1", "try 1e-12"));
        }
        let d = tensor.dimension();
        if !(1..=3).contains(&d) {
            return Err(Error::parameter("dimension", d, "1, 2 or 3", "a cell has one, two or three axes"));
        }
        let Some(points) = &self.points else { return Ok(()) };
        let unknowns = points.iter().fold(1usize, |n, p| n.saturating_mul(*p));
        if points.len() != d || points.iter().any(|n| *n < 4) || unknowns > self.max_unknowns {
            let expected = format!("{d} numbers from 4, at most {} points in all", self.max_unknowns);
            return Err(Error::parameter("points", format!("{points:?}"), expected, "try 64 per axis"));
        }
        Ok(())
    }

    fn level(
        &self,
        tensor: &dyn CellTensor,
        shape: &[usize],
        before: Option<&Level>,
        observer: &dyn Observer,
    ) -> Result<Level> {
        let d = shape.len();
        let points = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        let space = Spectral::new(shape);
        let values = Values::new(tensor, &space.points(&vec![0.0; d]))?;
        let (mut spectra, mut iterations, mut error) = (Vec::new(), 0, 0.0f64);
        for j in (0..d).step_by(2) {
            let paired = j + 1 < d;
            let mut forcing = vec![c64::new(0.0, 0.0); d];
            forcing[j].re = 1.0;
            if paired {
                forcing[j + 1].im = 1.0;
            }
            let i = c64::new(0.0, 1.0);
            let start = match before {
                None => vec![c64::new(0.0, 0.0); space.len()],
                Some(before) => {
                    let own = |j: usize| space.resampled(&before.spectra[j], &before.space);
                    let other = if paired { own(j + 1) } else { vec![c64::new(0.0, 0.0); space.len()] };
                    own(j).iter().zip(other).map(|(a, b)| a + i * b).collect()
                }
            };
            let pair = Pair { space: &space, values: &values, forcing };
            let watch = |share: f64| -> Result<()> {
                if space.len() >= SLOW {
                    let at_once = if paired { 2.0 } else { 1.0 };
                    let done = SHARES as f64 * (share * at_once + j as f64) / d as f64;
                    observer.progress("cell problems", done as u64, SHARES, &format!("{points} points"));
                }
                check_interrupt(observer, "the cell problems")
            };
            let outcome = pair.solve(start, (0.1 * self.tolerance).max(1e-15), MOST_ITERATIONS, &watch)?;
            iterations += outcome.iterations;
            error = error.max(outcome.error);
            let mut chi = outcome.chi;
            space.fourier.inverse(&mut chi);
            spectra.push(space.fourier.forward_real(&chi.iter().map(|c| c.re).collect::<Vec<_>>()));
            if paired {
                spectra.push(space.fourier.forward_real(&chi.iter().map(|c| c.im).collect::<Vec<_>>()));
            }
        }
        let mean_square = values.mean_square();
        let tensor = Fields::with_values(values, &space, &spectra).energy();
        Ok(Level { space, spectra, tensor, mean_square, iterations, error })
    }

    /// The change of the energy on a moved grid and, as each doubling squares the error or nearly, the others to the power 3/2.
    fn estimate(&self, level: &Level, before: &Level, moved: &Fields) -> f64 {
        let largest = level.tensor.iter().flatten().fold(0.0f64, |m, a| m.max(a.abs()));
        let change = largest_difference(&level.tensor, &before.tensor) / largest;
        // a Nyquist wave of a is seen in its square only
        let alias = (moved.values.mean_square() / level.mean_square - 1.0).abs();
        let earlier = change.max(alias).min(1.0).powf(1.5) * largest;
        largest_difference(&level.tensor, &moved.energy()).max(earlier) + level.error
    }

    /// Bounds by quadrature on finer grids, until it has settled, and wider by what the last refinement changed.
    fn finished(&self, tensor: &dyn CellTensor, mut effective: EffectiveTensor, level: &Level) -> Result<CellSolution> {
        if self.bounds {
            let mut settling = Settling::default();
            let mut shape = level.space.shape.clone();
            loop {
                let fine = Spectral::new(&shape);
                let fields = Fields::new(tensor, &fine, &level.spectra, &level.space, &SHIFT)?;
                let next = fine.len() << shape.len();
                let last = next > MOST_QUADRATURE.max(level.space.len() << shape.len());
                if let Some([lower, upper]) = settling.settled(bounds(&fields, &fine)?, last) {
                    (effective.lower, effective.upper) = (Some(lower), Some(upper));
                    break;
                }
                shape.iter_mut().for_each(|n| *n *= 2);
            }
        }
        Ok(CellSolution::new(effective, &level.space, &level.spectra))
    }
}

/// What one grid gave.
struct Level {
    space: Spectral,
    /// of χ_j, as sums over the points
    spectra: Vec<Vec<c64>>,
    tensor: Vec<Vec<f64>>,
    /// of a
    mean_square: f64,
    iterations: usize,
    error: f64,
}

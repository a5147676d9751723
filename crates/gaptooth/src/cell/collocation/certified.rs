//! Bounds from correctors that were found elsewhere.

use faer::c64;

use super::SHIFT;
use super::bounds::{Fields, Settling, bounds, largest_difference};
use super::solution::CellSolution;
use super::spectral::Spectral;
use crate::cell::EffectiveTensor;
use crate::coefficient::CellTensor;
use crate::{Error, Result, error::check_finite};

/// First points per axis in 1, 2, 3 dimensions.
const FIRST: [usize; 3] = [64, 32, 16];
/// No grid has more points.
const MAX_POINTS: usize = 1 << 18;

/// Two-sided bounds on the effective tensor from any approximate correctors, however wrong they are.
///
/// `correctors` gives χ_j at points, `y: [D][points]`, as `[D][points]`; they are read as trigonometric polynomials on a grid that is
/// doubled until both bounds have settled. The upper bound is ⟨(e_i + ∇χ_i)·a(e_j + ∇χ_j)⟩ and is also the answer's tensor; the lower one
/// comes from the solenoidal part of a(e_j + ∇χ_j) by the complementary energy. Both are wrong by the square of χ's
/// error, and hold up to the trapezoid rule, which converges faster than any power for smooth a but is no interval
/// arithmetic; they are wider by what the last doubling changed. `residual` is the larger of the bounds' distance and their last change.
///
/// ```
/// use gaptooth::{cell::certified, coefficient::FormulaTensor};
/// let a = FormulaTensor::scalar("2 + sin(2*pi*y1)*cos(2*pi*y2)", 2, &[])?;
/// // no corrector at all: the arithmetic mean above, the harmonic one or better below
/// let rough = certified(&a, &|y| Ok(vec![vec![0.0; y[0].len()]; 2]))?.effective;
/// let (lower, upper) = (rough.lower.unwrap()[0][0], rough.upper.unwrap()[0][0]);
/// assert!((upper - 2.0).abs() < 1e-14 && 1.86 < lower && lower < 1.93535923481229);
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// Those of `correctors`; [`Error::Coefficient`] at a point where a is not positive definite; [`Error::NonFinite`] for a corrector
/// that is not finite.
#[allow(clippy::type_complexity)]
pub fn certified(
    tensor: &dyn CellTensor,
    correctors: &dyn Fn(&[Vec<f64>]) -> Result<Vec<Vec<f64>>>,
) -> Result<CellSolution> {
    let d = tensor.dimension();
    if !(1..=3).contains(&d) {
        return Err(Error::parameter("dimension", d, "1, 2 or 3", "a cell has one, two or three axes"));
    }
    let mut n = FIRST[d - 1];
    let mut settling = Settling::default();
    loop {
        let space = Spectral::new(&vec![n; d]);
        let points = space.points(&vec![0.0; d]);
        let spectra = spectra(&space, correctors(&points)?)?;
        // a moved grid: a wave that vanishes at the points of one vanishes at those of all its doublings
        let fields = Fields::new(tensor, &space, &spectra, &space, &SHIFT)?;
        let found = bounds(&fields, &space)?;
        let distance = largest_difference(&found[0], &found[1]);
        let tensor = found[1].clone();
        if let Some([lower, upper]) = settling.settled(found, space.len() << d > MAX_POINTS) {
            let effective = EffectiveTensor {
                tensor,
                lower: Some(lower),
                upper: Some(upper),
                method: format!("bounds from given correctors on {n} points per axis"),
                iterations: 0,
                residual: distance.max(settling.change.unwrap_or(0.0)),
                unknowns: space.len(),
            };
            return Ok(CellSolution::new(effective, &space, &spectra));
        }
        n *= 2;
    }
}

fn spectra(space: &Spectral, correctors: Vec<Vec<f64>>) -> Result<Vec<Vec<c64>>> {
    let one = |chi: Vec<f64>| {
        check_finite("a corrector", &chi, None, "train it again with another seed")?;
        let mean = chi.iter().sum::<f64>() / chi.len() as f64;
        Ok(space.fourier.forward_real(&chi.iter().map(|c| c - mean).collect::<Vec<_>>()))
    };
    correctors.into_iter().map(one).collect()
}

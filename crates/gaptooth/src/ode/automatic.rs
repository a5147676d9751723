//! The method of integration by the shape of the spectrum.

use super::OdeSystem;
use super::krylov::spectral_bounds;
use super::solution::{Solution, check_request};
use super::stabilised::integrate_stabilised;
use super::stiff::{StiffOptions, integrate_stiff};
use crate::Result;
use crate::observer::Observer;

/// Unknowns up to which a factorisation costs less than the stages that it saves.
const SMALL: usize = 100;

/// Imaginary parts up to this share of the spectral radius are rounding. The strip in which s stages are stable narrows as 1/s, so that
/// real spectra only are safe with many.
const REAL: f64 = 1e-4;

/// Integrates any system, coupled patches above all: [`integrate_stabilised`] where the spectrum at the start is real and there
/// are more than 100 unknowns, else [`integrate_stiff`] with the method of `options`. The observer is told which.
///
/// ```
/// use gaptooth::{observer::Silent, ode::{automatic::integrate_automatic, stiff::StiffOptions}};
/// use gaptooth::patch::{Coupling, PatchGrid, PatchSystem, grid::*, lattice::LatticeDiffusion};
/// let shape = PatchShape::from_ratio(0.1, 1.0 / 41.0, Source::NextToEdge, 5, 1)?;
/// let grid = PatchGrid::line(PatchAxis::periodic([0.0, 1.0], 41, shape)?);
/// let system = PatchSystem::new(LatticeDiffusion::line(vec![2.0, 0.5, 1.0])?, grid, Coupling::Spectral { source: Source::NextToEdge })?;
/// let u0 = system.sample(|_, [x], _| (6.28 * x).sin());
/// let found = integrate_automatic(&system, 0.0, &u0, &[0.01], &StiffOptions::default(), &Silent)?;
/// assert_eq!(found.work.jacobians, 0);
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// Those of the two.
pub fn integrate_automatic(
    system: &dyn OdeSystem,
    t0: f64,
    u0: &[f64],
    times: &[f64],
    options: &StiffOptions,
    observer: &dyn Observer,
) -> Result<Solution> {
    check_request(system.dim(), t0, u0, times)?;
    if u0.len() > SMALL {
        let bounds = spectral_bounds(system, t0, u0, 20)?;
        if bounds.turn <= REAL * bounds.radius {
            observer.note("integrated by stabilised explicit steps");
            let mut found = integrate_stabilised(system, t0, u0, times, options, observer)?;
            found.work.jvp += 20;
            return Ok(found);
        }
    }
    observer.note("integrated by an implicit method");
    integrate_stiff(system, t0, u0, times, options, observer)
}

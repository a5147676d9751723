//! What a law says of given states: its slopes, its trajectories, and how far both are from data.

use rayon::prelude::*;

use super::{Closure, Dataset, Provenance, integrate, metrics::relative_mean_squared_error};
use crate::{Error, Result, grid::Grid, observer::Observer, ode::OdeSystem};

/// The states of one trajectory from its initial state.
pub type Trajectory<'a> = dyn Fn(&[f64]) -> Result<Vec<Vec<f64>>> + Sync + 'a;

/// du/dt of `system` at each of `states: [state][point]`.
///
/// ```
/// use gaptooth::{closure::{FeatureSpec, LinearLaw, slopes}, grid::{Boundary, Grid}};
/// let grid = Grid::uniform([0.0, 1.0], 3, Boundary::Periodic)?;
/// let law = LinearLaw::new(FeatureSpec::Neighbours { half: 0 }, &grid, vec![-2.0])?;
/// assert_eq!(slopes(&law, &[1.0, 2.0, 3.0, 0.0, 0.0, 4.0]), [-2.0, -4.0, -6.0, 0.0, 0.0, -8.0]);
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Panics
/// If `states` are not whole states.
pub fn slopes(system: &dyn OdeSystem, states: &[f64]) -> Vec<f64> {
    let n = system.dim();
    assert!(states.len().is_multiple_of(n), "{} values are not states of {n} points", states.len());
    let mut slopes = vec![0.0; states.len()];
    for (u, du) in states.chunks_exact(n).zip(slopes.chunks_exact_mut(n)) {
        system.rhs_into(0.0, u, du);
    }
    slopes
}

/// eq. 24 of the slopes of `system` at the states of `data`.
///
/// # Errors
/// As [`relative_mean_squared_error`].
///
/// # Panics
/// If the system is not one of the data's grid.
pub fn rhs_error(system: &dyn OdeSystem, data: &Dataset) -> Result<f64> {
    relative_mean_squared_error(&slopes(system, &data.u), &data.u_t)
}

/// Trajectories of `law`, by [`integrate`], from each of the states `initial: [trajectory][point]` at the first of `times`,
/// side by side, with the law's slopes: a dataset like any other.
///
/// ```
/// use gaptooth::{closure::{FeatureSpec, LinearLaw, predict, rhs_error}, grid::{Boundary, Grid}, observer::Silent};
/// let grid = Grid::uniform([0.0, 1.0], 3, Boundary::Periodic)?;
/// let law = LinearLaw::new(FeatureSpec::Neighbours { half: 0 }, &grid, vec![-2.0])?;
/// let data = predict(&law, &[1.0, 2.0, 3.0, 0.0, 0.0, 4.0], &[0.0, 0.5], Default::default(), &Silent)?;
/// assert_eq!(data.trajectories(), 2);
/// assert!((data.snapshot(1, 1).u[2] - 4.0 * (-1.0f64).exp()).abs() < 1e-14);
/// assert_eq!(rhs_error(&law, &data)?, 0.0);
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// As [`integrate`] and [`predict_by`].
pub fn predict(
    law: &dyn Closure,
    initial: &[f64],
    times: &[f64],
    provenance: Provenance,
    observer: &dyn Observer,
) -> Result<Dataset> {
    let trajectory = |u0: &[f64]| integrate(law, u0, times, observer);
    predict_by(law, law.card().grid(), initial, times, provenance, &trajectory)
}

/// [`predict`] for any system on `grid`, with `trajectory` for its states at `times`.
///
/// # Errors
/// Those of `trajectory`; [`Error::Shape`] unless `initial` holds whole states; as [`Dataset::validate`].
pub fn predict_by(
    system: &dyn OdeSystem,
    grid: &Grid,
    initial: &[f64],
    times: &[f64],
    provenance: Provenance,
    trajectory: &Trajectory<'_>,
) -> Result<Dataset> {
    let n = grid.len();
    if initial.is_empty() || !initial.len().is_multiple_of(n) {
        let expected = vec![initial.len().div_ceil(n).max(1), n];
        return Err(Error::Shape { what: "the initial states".into(), expected, found: vec![initial.len()] });
    }
    let states: Vec<Result<Vec<Vec<f64>>>> = initial.par_chunks_exact(n).map(trajectory).collect();
    let u = states.into_iter().collect::<Result<Vec<_>>>()?.concat().concat();
    let u_t = slopes(system, &u);
    Dataset::new(grid.clone(), times.to_vec(), u, u_t, provenance)
}

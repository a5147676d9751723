//! Linear waves on a staggered lattice, in D dimensions.

use super::{
    PatchGrid, PatchModel,
    field::{PatchField, PatchFieldMut},
};
use crate::{Error, Result};

/// h_t = −Σ_d ∂_d u_d, ∂_t u_d = −∂_d h − γ u_d + ν Σ_e ∂_e² u_d: depth h and velocities u_d of shallow water, on staggered points.
///
/// One value per point: with j_d the number of a point counted from the middle of a patch of even number, h where all j_d are even,
/// u_d where j_d alone is odd, nothing (zero, for ever) where two or more are. First differences over 2δ and second ones over ±2δ, δ the
/// spacing of points: a wave e^{ikx} on a line without drag has the frequency sin(kδ)/δ. Couple it with
/// [`Source::Staggered`](super::grid::Source::Staggered); ν > 0 reads two points far, so it takes two edge layers.
///
/// ```
/// use gaptooth::patch::{Coupling, PatchGrid, PatchSystem, grid::*, staggered::{Carried, StaggeredWave}};
/// let shape = PatchShape::from_ratio(0.2, 0.1, Source::Staggered, 7, 1)?;
/// let grid = PatchGrid::line(PatchAxis::periodic([0.0, 1.0], 10, shape)?);
/// let system = PatchSystem::new(StaggeredWave::new(0.0, 0.0)?, grid, Coupling::Spectral { source: Source::Staggered })?;
/// let still = StaggeredWave::state(system.grid(), |carried, _| if carried == Carried::Depth { 2.0 } else { 0.0 });
/// let mut slope = vec![1.0; still.len()];
/// gaptooth::ode::OdeSystem::rhs_into(&system, 0.0, &still, &mut slope);
/// assert!(slope.iter().all(|s| s.abs() < 1e-10));
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StaggeredWave {
    drag: f64,
    viscosity: f64,
}

/// What a point carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// h
    Depth,
    /// the velocity along this direction
    Velocity(usize),
    /// zero
    Nothing,
}

impl StaggeredWave {
    /// Waves with the drag γ ≥ 0 and the viscosity ν ≥ 0.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a negative one.
    pub fn new(drag: f64, viscosity: f64) -> Result<Self> {
        for (name, value) in [("drag", drag), ("viscosity", viscosity)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::parameter(name, value, "zero or a positive number", "zero is the ideal wave"));
            }
        }
        Ok(StaggeredWave { drag, viscosity })
    }

    /// What `point` of patch number `patch` (the last direction fastest) carries.
    pub fn carried<const D: usize>(grid: &PatchGrid<D>, point: [usize; D], mut patch: usize) -> Carried {
        let mut carried = Carried::Depth;
        for d in (0..D).rev() {
            let axis = grid.axis(d);
            let odd = (point[d] + axis.shape().n_sub() / 2 + patch % axis.n_patch()) % 2 == 1;
            patch /= axis.n_patch();
            carried = match (odd, carried) {
                (false, carried) => carried,
                (true, Carried::Depth) => Carried::Velocity(d),
                (true, _) => Carried::Nothing,
            };
        }
        carried
    }

    /// The state of a system on `grid` with `value(carried, position)` at each point, and zero where nothing is carried.
    pub fn state<const D: usize>(grid: &PatchGrid<D>, value: impl Fn(Carried, [f64; D]) -> f64) -> Vec<f64> {
        let mut state = Vec::new();
        for point in grid.interior() {
            let x: [Vec<f64>; D] = std::array::from_fn(|d| grid.positions(d, point[d]));
            state.extend((0..grid.n_patch()).map(|patch| match Self::carried(grid, point, patch) {
                Carried::Nothing => 0.0,
                carried => value(carried, std::array::from_fn(|d| x[d][patch])),
            }));
        }
        state
    }
}

impl<const D: usize> PatchModel<D> for StaggeredWave {
    fn rhs_into(&self, grid: &PatchGrid<D>, _t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        let spacing: [f64; D] = std::array::from_fn(|d| grid.axis(d).shape().spacing());
        for point in grid.interior() {
            let at = |d: usize, offset: isize| {
                let mut other = point;
                other[d] = other[d].wrapping_add_signed(offset);
                u.at(0, other)
            };
            let (here, out) = (u.at(0, point), du.at(0, point));
            let beside: [_; D] = std::array::from_fn(|d| (at(d, -1), at(d, 1)));
            let slope = |d: usize, lane: usize| (beside[d].1[lane] - beside[d].0[lane]) / (2.0 * spacing[d]);
            for (lane, out) in out.iter_mut().enumerate() {
                *out = match Self::carried(grid, point, lane) {
                    Carried::Depth => -(0..D).map(|d| slope(d, lane)).sum::<f64>(),
                    Carried::Velocity(d) => -slope(d, lane) - self.drag * here[lane],
                    Carried::Nothing => 0.0,
                };
            }
            if self.viscosity == 0.0 {
                continue;
            }
            for d in 0..D {
                let (before, after, rate) = (at(d, -2), at(d, 2), self.viscosity / (4.0 * spacing[d] * spacing[d]));
                for (lane, out) in out.iter_mut().enumerate() {
                    if let Carried::Velocity(_) = Self::carried(grid, point, lane) {
                        *out += rate * (after[lane] - 2.0 * here[lane] + before[lane]);
                    }
                }
            }
        }
    }

    fn reads_corners(&self) -> bool {
        false
    }

    fn reach(&self) -> usize {
        if self.viscosity > 0.0 { 2 } else { 1 }
    }

    fn is_affine(&self) -> bool {
        true
    }
}

//! Microscale simulators that are maps, u^{n+1} = G(t_n, u^n), on coupled patches.
//!
//! A simulator with its own time step, such as a lattice Boltzmann method or a legacy code, is a [`PatchMap`]. [`MapModel`] makes it
//! a model of patches; [`MapBurst`] applies it n times, the coupling filling the edges before each: the burst that projective
//! integrators take.

use super::{
    PatchGrid, PatchModel, PatchSystem,
    field::{PatchField, PatchFieldMut},
};
use crate::{
    Error, Result,
    error::check_finite,
    ode::{
        OdeSystem,
        burst::{Burst, Trace},
    },
};

/// A map from one state of all patches to the next: it writes interior points and reads as far as the edges reach.
///
/// ```
/// use gaptooth::patch::{Coupling, PatchGrid, PatchSystem, field::*, grid::*, map::{MapBurst, MapModel, PatchMap}};
/// use gaptooth::ode::burst::Burst;
/// /// Every point becomes the mean of its two neighbours: diffusion with the time step d²/2.
/// struct Average;
/// impl PatchMap<1> for Average {
///     fn time_step(&self, grid: &PatchGrid<1>) -> f64 {
///         0.5 * grid.axis(0).shape().spacing().powi(2)
///     }
///     fn next_into(&self, grid: &PatchGrid<1>, _t: f64, u: PatchField<'_, 1>, next: &mut PatchFieldMut<'_, 1>) {
///         for [i] in grid.interior() {
///             let (west, east) = (u.at(0, [i - 1]), u.at(0, [i + 1]));
///             next.at(0, [i]).iter_mut().zip(west).zip(east).for_each(|((next, w), e)| *next = 0.5 * (w + e));
///         }
///     }
/// }
/// let axis = PatchAxis::periodic([0.0, 1.0], 7, PatchShape::new(5, 1, 0.01)?)?;
/// let coupling = Coupling::Spectral { source: Source::NextToEdge };
/// let system = PatchSystem::new(MapModel(Average), PatchGrid::line(axis), coupling)?;
/// let trace = MapBurst::new(&system, 20)?.burst(0.0, &vec![2.0; 21])?;
/// assert_eq!(trace.u.len(), 21);
/// assert!((trace.end() - 1e-3).abs() < 1e-15 && trace.last().iter().all(|u| (u - 2.0).abs() < 1e-13));
/// # Ok::<(), gaptooth::Error>(())
/// ```
pub trait PatchMap<const D: usize>: Sync {
    /// The time τ > 0 from one state to the next on `grid`.
    fn time_step(&self, grid: &PatchGrid<D>) -> f64;

    /// Writes the state at t + τ at every interior point of `next`.
    fn next_into(&self, grid: &PatchGrid<D>, t: f64, u: PatchField<'_, D>, next: &mut PatchFieldMut<'_, D>);

    /// Values per microscale point.
    fn fields(&self) -> usize {
        1
    }

    /// Whether the map reads points that are edges in two directions or more.
    fn reads_corners(&self) -> bool {
        true
    }

    /// Points that it reads beyond an interior point in each direction.
    fn reach(&self) -> usize {
        1
    }
}

/// A map as a model: du/dt = (G(u) − u)/τ, whose Euler step of length τ is the map.
///
/// So the equilibria of the system are the fixed points of the map, and a rate λ of its Jacobian is the multiplier 1 + τλ.
#[derive(Debug, Clone)]
pub struct MapModel<M>(pub M);

impl<const D: usize, M: PatchMap<D>> PatchModel<D> for MapModel<M> {
    fn rhs_into(&self, grid: &PatchGrid<D>, t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        self.0.next_into(grid, t, u, du);
        let rate = 1.0 / self.0.time_step(grid);
        for field in 0..self.0.fields() {
            for point in grid.interior() {
                du.at(field, point).iter_mut().zip(u.at(field, point)).for_each(|(d, u)| *d = rate * (*d - u));
            }
        }
    }

    fn fields(&self) -> usize {
        self.0.fields()
    }

    fn reads_corners(&self) -> bool {
        self.0.reads_corners()
    }

    fn reach(&self) -> usize {
        self.0.reach()
    }
}

impl<const D: usize, M: PatchMap<D>> PatchSystem<D, MapModel<M>> {
    /// The time τ of one application of the map.
    pub fn time_step(&self) -> f64 {
        self.model().0.time_step(self.grid())
    }

    /// Fills the edges of `u` and writes the next state: G(u) itself, not u + τ · (G(u) − u)/τ, which rounds. Both have length
    /// [`OdeSystem::dim`].
    ///
    /// # Panics
    /// If `u` or `next` has another length.
    pub fn next_into(&self, t: f64, u: &[f64], next: &mut [f64]) {
        assert_eq!(next.len(), self.dim(), "state and patches differ");
        self.with_edges(u, self.ends(), next, |u, next| self.model().0.next_into(self.grid(), t, u, next));
    }
}

/// Bursts of a map on coupled patches, of a fixed length: as many applications as reach it, the last one interpolated to it.
#[derive(Debug, Clone, Copy)]
pub struct MapBurst<'a, const D: usize, M> {
    system: &'a PatchSystem<D, MapModel<M>>,
    length: f64,
    time_step: f64,
}

impl<'a, const D: usize, M: PatchMap<D>> MapBurst<'a, D, M> {
    /// Bursts of `steps` ≥ 1 applications, `steps` · τ long.
    ///
    /// # Errors
    /// [`Error::Parameter`], also for a map whose time step is not positive.
    pub fn new(system: &'a PatchSystem<D, MapModel<M>>, steps: usize) -> Result<Self> {
        MapBurst::lasting(system, steps as f64 * system.time_step())
    }

    /// Bursts of `length` > 0, whole steps or not: interpolation to the end is linear, of second order in τ.
    ///
    /// # Errors
    /// As [`MapBurst::new`].
    pub fn lasting(system: &'a PatchSystem<D, MapModel<M>>, length: f64) -> Result<Self> {
        let time_step = system.time_step();
        if !(time_step > 0.0 && time_step.is_finite()) {
            let advice = "return the time that one application of the map takes";
            return Err(Error::parameter("time step of the map", time_step, "a positive time", advice));
        }
        if !(length > 0.0 && length.is_finite()) {
            let advice = "about ln(βΔ)/β heals the fast modes of rate β over a macro step Δ";
            return Err(Error::parameter("burst length", length, "a positive time", advice));
        }
        Ok(MapBurst { system, length, time_step })
    }

    fn run(&self, t: f64, u: &[f64], length: f64) -> Result<Trace> {
        if u.len() != self.system.dim() {
            let (expected, found) = (vec![self.system.dim()], vec![u.len()]);
            return Err(Error::Shape { what: "state of a burst".into(), expected, found });
        }
        // a length that is a whole number of steps up to rounding is that number
        let steps = (length / self.time_step * (1.0 - 1e-12)).ceil().max(1.0) as usize;
        let mut trace = Trace { t: vec![t], u: vec![u.to_vec()] };
        for n in 1..=steps {
            let (last, mut next) = (trace.last(), vec![0.0; u.len()]);
            self.system.next_into(trace.end(), last, &mut next);
            let mut time = n as f64 * self.time_step;
            check_finite(
                "state of a map",
                &next,
                Some(t + time),
                "shorten its time step, or start nearer to slow states",
            )?;
            if time > length * (1.0 + 1e-9) {
                let part = 1.0 - (time - length) / self.time_step;
                next.iter_mut().zip(last).for_each(|(next, last)| *next = last + part * (*next - last));
                time = length;
            }
            trace.t.push(t + time);
            trace.u.push(next);
        }
        Ok(trace)
    }
}

impl<const D: usize, M: PatchMap<D>> Burst for MapBurst<'_, D, M> {
    fn burst(&self, t: f64, u: &[f64]) -> Result<Trace> {
        self.run(t, u, self.length)
    }

    fn length(&self) -> Option<f64> {
        Some(self.length)
    }

    fn simulate(&self, t: f64, u: &[f64], length: f64) -> Result<Option<Trace>> {
        if !(length.is_finite() && length > 0.0) {
            return Err(Error::parameter("burst length", length, "positive and finite", "use some steps of the map"));
        }
        self.run(t, u, length).map(Some)
    }
}

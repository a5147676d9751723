//! Burgers' equation as a map.

use super::{
    PatchGrid,
    field::{PatchField, PatchFieldMut},
    lattice::neighbours,
    map::PatchMap,
};
use crate::{Error, Result};

/// Euler steps of u_t = ν ∇²u − c u Σ_d ∂_d u by central differences: u^{n+1} = u^n + τ (ν Σ_d δ_d²u/δ_d² − c u Σ_d μδ_d u/δ_d),
/// τ = s/(ν Σ_d δ_d^{−2}).
///
/// On a line s = ½ is τ = d²/(2ν). First order in τ, second in the microscale spacings δ_d.
///
/// ```
/// use gaptooth::patch::{Coupling, PatchGrid, PatchSystem, burgers::BurgersMap, grid::*, map::MapModel};
/// let axis = PatchAxis::periodic([0.0, 1.0], 7, PatchShape::new(5, 1, 0.01)?)?;
/// let coupling = Coupling::Polynomial { order: 4, source: Source::NextToEdge };
/// let system = PatchSystem::new(MapModel(BurgersMap::new(1.0, 20.0, 0.5)?), PatchGrid::line(axis), coupling)?;
/// assert!((system.time_step() - 5e-5).abs() < 1e-18);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurgersMap {
    viscosity: f64,
    advection: f64,
    step: f64,
}

impl BurgersMap {
    /// With viscosity ν > 0, strength c of the advection and 0 < s ≤ ½, the limit of stability.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn new(viscosity: f64, advection: f64, step: f64) -> Result<Self> {
        if !(viscosity > 0.0 && viscosity.is_finite() && advection.is_finite()) {
            let (found, expected) = (format!("{viscosity}, {advection}"), "a positive and a finite number");
            return Err(Error::parameter("viscosity, advection", found, expected, "try 1 and 20"));
        }
        if !(step > 0.0 && step <= 0.5) {
            return Err(Error::parameter("step", step, "above 0, at most 1/2", "longer Euler steps are unstable"));
        }
        Ok(BurgersMap { viscosity, advection, step })
    }
}

impl<const D: usize> PatchMap<D> for BurgersMap {
    fn time_step(&self, grid: &PatchGrid<D>) -> f64 {
        let sum: f64 = (0..D).map(|d| grid.axis(d).shape().spacing().powi(-2)).sum();
        self.step / (self.viscosity * sum)
    }

    fn next_into(&self, grid: &PatchGrid<D>, _t: f64, u: PatchField<'_, D>, next: &mut PatchFieldMut<'_, D>) {
        let time = PatchMap::<D>::time_step(self, grid);
        for point in grid.interior() {
            let (here, out) = (u.at(0, point), next.at(0, point));
            out.copy_from_slice(here);
            for d in 0..D {
                let spacing = grid.axis(d).shape().spacing();
                let (diffusion, advection) =
                    (time * self.viscosity / (spacing * spacing), 0.5 * time * self.advection / spacing);
                let (before, after) = neighbours(point, d);
                for (((out, w), h), e) in out.iter_mut().zip(u.at(0, before)).zip(here).zip(u.at(0, after)) {
                    *out += diffusion * ((e - h) - (h - w)) - advection * h * (e - w);
                }
            }
        }
    }

    fn reads_corners(&self) -> bool {
        false
    }
}

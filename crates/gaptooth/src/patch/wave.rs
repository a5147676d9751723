//! Waves through a heterogeneous lattice.

use super::{
    PatchGrid, PatchModel,
    ensemble::Ensemble,
    field::{PatchField, PatchFieldMut},
    lattice::{Forcing, LatticeDiffusion, add_forcing, neighbours},
};
use crate::{
    Error, Result,
    coefficient::lattice::{Bond, BondLattice},
};

/// u_t = v, v_t = Σ_d δ_d(c_d δ_d u)/dx_d² + η Σ_d δ_d² v/dx_d² + f(t, x): displacement u (field 0) and velocity v (field 1).
///
/// The second-order wave equation u_tt = ∇·(c ∇u) as a first-order system. Patches of whole periods, or an ensemble, with spectral
/// next-to-edge coupling and an odd number of patches have the frequencies ω = √λ of the whole lattice, λ its Bloch rates. For first-order
/// waves in pressure and flux see [`AcousticWave`], for one-way waves [`super::advection::AdvectionDiffusion`].
///
/// ```
/// use gaptooth::{coefficient::lattice::{Bond, BondLattice}, ode::OdeSystem};
/// use gaptooth::patch::{Coupling, PatchGrid, PatchSystem, grid::*, wave::LatticeWave};
/// let model = LatticeWave::new(BondLattice::new([2], [vec![1.0, 3.0]], Bond::Right)?, 0.0)?;
/// let axis = PatchAxis::periodic([0.0, 1.0], 5, PatchShape::new(4, 1, 0.01)?)?;
/// let system = PatchSystem::new(model, PatchGrid::line(axis), Coupling::Spectral { source: Source::NextToEdge })?;
/// let (u, mut du) = (system.sample(|field, _, _| field as f64), vec![1.0; 20]);
/// system.rhs_into(0.0, &u, &mut du);
/// assert!(du[..10].iter().all(|v| *v == 1.0) && du[10..].iter().all(|a| a.abs() < 1e-9));
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Clone)]
pub struct LatticeWave<const D: usize> {
    stiffness: LatticeDiffusion<D>,
    damping: Option<LatticeDiffusion<D>>,
    forcing: Option<Forcing<D>>,
}

impl<const D: usize> std::fmt::Debug for LatticeWave<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LatticeWave")
            .field("stiffness", &self.stiffness)
            .field("damping", &self.damping)
            .field("forced", &self.forcing.is_some())
            .finish()
    }
}

impl<const D: usize> LatticeWave<D> {
    /// Waves with the bonds of `stiffness` and the damping η ≥ 0 of short waves.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a negative damping.
    pub fn new(stiffness: BondLattice<D>, damping: f64) -> Result<Self> {
        if !(damping >= 0.0 && damping.is_finite()) {
            return Err(Error::parameter("damping", damping, "zero or a positive number", "0.02 damps short waves"));
        }
        let uniform = |value: f64| BondLattice::new([1; D], std::array::from_fn(|_| vec![value]), Bond::Right);
        let damping = if damping > 0.0 { Some(LatticeDiffusion::new(uniform(damping)?)) } else { None };
        Ok(LatticeWave { stiffness: LatticeDiffusion::new(stiffness), damping, forcing: None })
    }

    /// The same with the forcing f(t, x) of the velocity added.
    pub fn with_forcing(mut self, forcing: impl Fn(f64, [f64; D]) -> f64 + Send + Sync + 'static) -> Self {
        self.forcing = Some(std::sync::Arc::new(forcing));
        self
    }

    /// The same for every phase shift of the lattice at once; give [`LatticeWave::ensemble`] to the system too.
    pub fn with_all_shifts(mut self) -> Self {
        self.stiffness = self.stiffness.with_all_shifts();
        self
    }

    /// The members of each patch.
    pub fn ensemble(&self) -> Ensemble<D> {
        self.stiffness.ensemble()
    }
}

impl<const D: usize> PatchModel<D> for LatticeWave<D> {
    fn rhs_into(&self, grid: &PatchGrid<D>, t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        for point in grid.interior() {
            du.at(0, point).copy_from_slice(u.at(1, point));
            let out = du.at(1, point);
            out.fill(0.0);
            self.stiffness.add_diffusion(grid, u, 0, point, out);
            if let Some(damping) = &self.damping {
                damping.add_diffusion(grid, u, 1, point, out);
            }
            if let Some(forcing) = &self.forcing {
                add_forcing(forcing, grid, t, point, out);
            }
        }
    }

    fn fields(&self) -> usize {
        2
    }

    fn reads_corners(&self) -> bool {
        false
    }

    fn is_affine(&self) -> bool {
        true
    }
}

/// Waves of first order, p_t = −Σ_d (q_d − q_d^{−})/dx_d, q_d,t = −c_d (p_{+d} − p)/dx_d − γ q_d: pressure p (field 0) at the points, flux
/// q_d (field 1 + d) on the bond after the point along d. Entry of a bond: its c_d.
///
/// A staggered lattice inside every patch; without q it is p_tt + γ p_t = ∇·(c ∇p) on the lattice of [`LatticeWave`], second order in dx.
/// Conserves Σ p² + Σ q_d²/c_d at γ = 0 (patches of whole periods).
#[derive(Debug, Clone)]
pub struct AcousticWave<const D: usize> {
    stiffness: LatticeDiffusion<D>,
    friction: f64,
}

impl<const D: usize> AcousticWave<D> {
    /// With c_d on the bonds of `stiffness` and friction γ ≥ 0.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a negative friction.
    pub fn new(stiffness: BondLattice<D>, friction: f64) -> Result<Self> {
        if !(friction >= 0.0 && friction.is_finite()) {
            return Err(Error::parameter("friction", friction, "zero or a positive number", "0 conserves energy"));
        }
        Ok(AcousticWave { stiffness: LatticeDiffusion::new(stiffness), friction })
    }

    /// The same for every phase shift of the lattice at once; give [`AcousticWave::ensemble`] to the system too.
    pub fn with_all_shifts(mut self) -> Self {
        self.stiffness = self.stiffness.with_all_shifts();
        self
    }

    /// The members of each patch.
    pub fn ensemble(&self) -> Ensemble<D> {
        self.stiffness.ensemble()
    }
}

impl<const D: usize> PatchModel<D> for AcousticWave<D> {
    /// Pressure and flux have opposite parities about an end.
    fn fields_alike_at_ends(&self) -> bool {
        false
    }

    fn rhs_into(&self, grid: &PatchGrid<D>, _t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        let n = grid.n_patch();
        for point in grid.interior() {
            du.at(0, point).fill(0.0);
            for d in 0..D {
                let rate = 1.0 / grid.axis(d).shape().spacing();
                let (before, after) = neighbours(point, d);
                let (flux, earlier) = (u.at(1 + d, point), u.at(1 + d, before));
                let out = du.at(0, point).iter_mut().zip(flux).zip(earlier);
                out.for_each(|((out, q), w)| *out -= rate * (q - w));
                let (here, east) = (u.at(0, point), u.at(0, after));
                for (member, out) in du.at(1 + d, point).chunks_exact_mut(n).enumerate() {
                    let lanes = member * n..(member + 1) * n;
                    let c = rate * self.stiffness.lattice().after(d, self.stiffness.phase(member, point));
                    let values = here[lanes.clone()].iter().zip(&east[lanes.clone()]).zip(&flux[lanes]);
                    out.iter_mut().zip(values).for_each(|(out, ((h, e), q))| *out = -c * (e - h) - self.friction * q);
                }
            }
        }
    }

    fn fields(&self) -> usize {
        1 + D
    }

    fn reads_corners(&self) -> bool {
        false
    }

    fn is_affine(&self) -> bool {
        true
    }
}

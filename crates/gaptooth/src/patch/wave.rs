//! Waves through a heterogeneous lattice.

use super::{
    PatchGrid, PatchModel,
    ensemble::Ensemble,
    field::{PatchField, PatchFieldMut},
    lattice::LatticeDiffusion,
};
use crate::{
    Error, Result,
    coefficient::lattice::{Bond, BondLattice},
};

/// u_t = v, v_t = Σ_d δ_d(c_d δ_d u)/dx_d² + η Σ_d δ_d² v/dx_d²: displacement u (field 0) and velocity v (field 1).
#[derive(Debug, Clone)]
pub struct LatticeWave<const D: usize> {
    stiffness: LatticeDiffusion<D>,
    damping: Option<LatticeDiffusion<D>>,
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
        Ok(LatticeWave { stiffness: LatticeDiffusion::new(stiffness), damping })
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
    fn rhs_into(&self, grid: &PatchGrid<D>, _t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        for point in grid.interior() {
            du.at(0, point).copy_from_slice(u.at(1, point));
            let out = du.at(1, point);
            out.fill(0.0);
            self.stiffness.add_diffusion(grid, u, 0, point, out);
            if let Some(damping) = &self.damping {
                damping.add_diffusion(grid, u, 1, point, out);
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

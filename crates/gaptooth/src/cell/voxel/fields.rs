//! What happens inside a cell of voxels: potentials and fluxes, voxel by voxel.

use rayon::prelude::*;

use super::flux::Fluxes;

/// Fields on the voxels of a cell, `[x][y][z]`, the last index fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct VoxelFields {
    /// conductivities as given
    pub conductivity: Vec<f64>,
    /// one for each axis that conducts
    pub responses: Vec<VoxelResponse>,
}

/// The response to a mean gradient of one along an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct VoxelResponse {
    /// the axis
    pub axis: usize,
    /// corrector χ of the two-point scheme, a length; NaN where nothing conducts. Its mean over what conducts is zero, and between
    /// plates it is zero on them
    pub corrector: Vec<f64>,
    /// flux a(e + ∇χ) in the middle of each voxel, `[x][y][z][component]`; what enters a voxel leaves it
    pub flux: Vec<f64>,
}

impl VoxelResponse {
    /// Of direction j among the `open` axes of the picture, for conductivities `largest` times those of the fluxes.
    pub(super) fn new(fluxes: &Fluxes, j: usize, (open, axes): (&[usize], &[usize]), largest: f64) -> Self {
        let (u, a) = (fluxes.potential(j), fluxes.conductivity());
        // plates fix the potential
        let shift = if fluxes.lattice().repeats() { mean(u, a) } else { 0.0 };
        let corrector = u.par_iter().zip(a).map(|(u, a)| if *a > 0.0 { u - shift } else { f64::NAN }).collect();
        VoxelResponse { axis: open[j], corrector, flux: fluxes.densities(j, axes, largest) }
    }
}

/// The mean of `u` over the voxels that conduct.
fn mean(u: &[f64], a: &[f64]) -> f64 {
    let (sum, count) = u.iter().zip(a).filter(|(_, a)| **a > 0.0).fold((0.0, 0), |(s, n), (u, _)| (s + u, n + 1));
    sum / f64::from(count.max(1))
}

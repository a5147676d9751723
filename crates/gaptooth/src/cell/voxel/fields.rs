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
    /// corrector χ of the two-point scheme, a length, its mean over what conducts zero; NaN where nothing does
    pub corrector: Vec<f64>,
    /// flux a(e + ∇χ) in the middle of each voxel, `[x][y][z][component]`; what enters a voxel leaves it
    pub flux: Vec<f64>,
}

impl VoxelFields {
    pub(super) fn new(
        (conductivity, largest): (Vec<f64>, f64),
        fluxes: &Fluxes,
        (open, axes): (&[usize], &[usize]),
    ) -> Self {
        let response = |(j, axis): (usize, &usize)| {
            let corrector = centred(fluxes.potential(j), fluxes.conductivity());
            VoxelResponse { axis: *axis, corrector, flux: fluxes.densities(j, axes, largest) }
        };
        VoxelFields { conductivity, responses: open.iter().enumerate().map(response).collect() }
    }

    /// The voxels below `to` of fields on `shape`: the sample among its mirror images.
    #[must_use]
    pub fn corner(&self, shape: &[usize], to: &[usize]) -> Self {
        let d = shape.len();
        let take = |values: &[f64], each: usize| {
            let mut kept = Vec::with_capacity(to.iter().product::<usize>() * each);
            let rows: usize = to[..d - 1].iter().product();
            for row in 0..rows {
                let (mut start, mut rest, mut stride) = (0, row, shape[d - 1]);
                for axis in (0..d - 1).rev() {
                    start += rest % to[axis] * stride;
                    (rest, stride) = (rest / to[axis], stride * shape[axis]);
                }
                kept.extend_from_slice(&values[start * each..(start + to[d - 1]) * each]);
            }
            kept
        };
        let response = |r: &VoxelResponse| VoxelResponse {
            axis: r.axis,
            corrector: take(&r.corrector, 1),
            flux: take(&r.flux, d),
        };
        VoxelFields {
            conductivity: take(&self.conductivity, 1),
            responses: self.responses.iter().map(response).collect(),
        }
    }
}

/// `u` less its mean over the voxels that conduct; NaN in the others.
fn centred(u: &[f64], a: &[f64]) -> Vec<f64> {
    let (sum, count) = u.iter().zip(a).filter(|(_, a)| **a > 0.0).fold((0.0, 0), |(s, n), (u, _)| (s + u, n + 1));
    let mean = sum / f64::from(count.max(1));
    u.par_iter().zip(a).map(|(u, a)| if *a > 0.0 { u - mean } else { f64::NAN }).collect()
}

//! Two-point finite volumes: a number in the middle of each voxel, fluxes through faces with the harmonic mean.
//!
//! Its effective tensor is that of the lowest Raviart–Thomas elements with lumped masses, and so never above the truth.

use rayon::prelude::*;

use super::lattice::{Lattice, Real};
use super::scheme::Scheme;

/// −Σ_faces g (u_w − u_v + e·h) = 0 with g = (area/h) 2 a_v a_w/(a_v + a_w).
pub(super) struct TwoPoint {
    lattice: Lattice,
    /// area/h of the faces across each axis
    weights: [f64; 3],
}

impl TwoPoint {
    pub(super) fn new(lattice: Lattice) -> Self {
        TwoPoint { lattice, weights: lattice.h.map(|h| lattice.volume() / (h * h)) }
    }

    /// What flows in through all faces of each voxel of the row (x, y).
    #[inline(always)]
    fn inflow<T: Real>(&self, a: &[T], u: &[T], (x, y): (usize, usize), jump: [T; 3], out: &mut [T], flux: &mut [T]) {
        let [own, left, right, before, after] = self.lattice.rows(u, x, y);
        let [a_own, a_left, a_right, a_before, a_after] = self.lattice.rows(a, x, y);
        let w = self.weights.map(|w| T::of(2.0 * w));
        let n = own.len();
        for z in 0..n {
            let c = a_own[z];
            let through = |other: T, w: T| w * (c / (c + other + T::TINY)) * other;
            out[z] = through(a_left[z], w[0]) * (left[z] - own[z] - jump[0])
                + through(a_right[z], w[0]) * (right[z] - own[z] + jump[0])
                + through(a_before[z], w[1]) * (before[z] - own[z] - jump[1])
                + through(a_after[z], w[1]) * (after[z] - own[z] + jump[1]);
        }
        // through the face after each voxel
        let along = |z: usize, next: usize| {
            w[2] * (a_own[z] / (a_own[z] + a_own[next] + T::TINY)) * a_own[next] * (own[next] - own[z] + jump[2])
        };
        for z in 0..n - 1 {
            flux[z] = along(z, z + 1);
        }
        flux[n - 1] = along(n - 1, 0);
        out[0] += flux[0] - flux[n - 1];
        for z in 1..n {
            out[z] += flux[z] - flux[z - 1];
        }
    }

    #[inline(always)]
    fn plane<T: Real>(&self, a: &[T], u: &[T], x: usize, jump: [T; 3], out: &mut [T]) {
        let nz = self.lattice.n[2];
        let mut flux = vec![T::default(); nz];
        for (y, out) in out.chunks_exact_mut(nz).enumerate() {
            self.inflow(a, u, (x, y), jump, out, &mut flux);
        }
    }

    /// The conductance of the face between two voxels across an axis.
    #[inline(always)]
    pub(super) fn conductance(&self, axis: usize, a: f64, b: f64) -> f64 {
        2.0 * self.weights[axis] * (a / (a + b + f64::TINY)) * b
    }
}

impl Scheme for TwoPoint {
    fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    fn symbol(&self) -> super::poisson::Poisson {
        let weights = self.weights;
        super::poisson::Poisson::new(&self.lattice, |d, t| weights[d] * (2.0 - 2.0 * t.cos()), |_| 1.0)
    }

    fn balance<T: Real>(&self, a: &[T], u: &[T], jump: [f64; 3], out: &mut [T]) {
        let jump = jump.map(T::of);
        out.par_chunks_exact_mut(self.lattice.plane()).enumerate().for_each(|(x, out)| {
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || self.plane(a, u, x, jump, out),
            );
        });
    }

    fn energy(&self, a: &[f64], u: &[Vec<f64>], jumps: &[[f64; 3]]) -> Vec<Vec<f64>> {
        let (k, lattice) = (u.len(), &self.lattice);
        let plane = |x: usize| {
            let mut sums = vec![vec![0.0; k]; k];
            for (y, z) in (0..lattice.n[1]).flat_map(|y| (0..lattice.n[2]).map(move |z| (y, z))) {
                let (place, here) = ([x, y, z], lattice.index([x, y, z]));
                for axis in 0..3 {
                    let there = lattice.index(lattice.step(place, axis, true).0);
                    let g = self.conductance(axis, a[here], a[there]);
                    if g == 0.0 {
                        continue;
                    }
                    let mut steps = [0.0; 3];
                    (0..k).for_each(|j| steps[j] = u[j][there] - u[j][here] + jumps[j][axis]);
                    for i in 0..k {
                        (0..k).for_each(|j| sums[i][j] += g * steps[i] * steps[j]);
                    }
                }
            }
            sums
        };
        super::scheme::sum_planes(lattice, k, plane)
    }
}

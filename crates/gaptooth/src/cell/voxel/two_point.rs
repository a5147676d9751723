//! Two-point finite volumes: a number in the middle of each voxel, fluxes through faces with the harmonic mean.
//!
//! Its effective tensor is that of the lowest Raviart–Thomas elements with lumped masses, and so never above the truth.

use rayon::prelude::*;

use super::lattice::{Lattice, Real};
use super::scheme::{Energies, Scheme};

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

    fn balance<T: Real>(
        &self,
        a: &[T],
        u: &[T],
        jump: [f64; 3],
        out: &mut [T],
        seen: impl Fn(usize, &[T]) -> f64 + Sync,
    ) -> f64 {
        let jump = jump.map(T::of);
        let planes = out.par_chunks_exact_mut(self.lattice.plane()).enumerate();
        let parts: Vec<f64> = planes
            .map(|(x, out)| {
                pulp::Arch::new().dispatch(
                    #[inline(always)]
                    || self.plane(a, u, x, jump, out),
                );
                seen(x, out)
            })
            .collect();
        parts.iter().sum()
    }

    fn start(&self, a: &[f32], jump: [f64; 3]) -> f64 {
        let [_, ny, nz] = self.lattice.n;
        let plane = |x: usize| {
            let mut sums = [0.0f64; 3];
            for y in 0..ny {
                let [own, _, far, _, next] = self.lattice.rows(a, x, y);
                let conductance = |a: f32, b: f32| f64::from(a / (a + b + f32::TINY) * b);
                for z in 0..nz {
                    sums[0] += conductance(own[z], far[z]);
                    sums[1] += conductance(own[z], next[z]);
                    sums[2] += conductance(own[z], own[if z + 1 == nz { 0 } else { z + 1 }]);
                }
            }
            sums
        };
        let parts: Vec<[f64; 3]> = (0..self.lattice.n[0]).into_par_iter().map(plane).collect();
        (0..3).map(|d| 2.0 * self.weights[d] * jump[d] * jump[d] * parts.iter().map(|part| part[d]).sum::<f64>()).sum()
    }

    fn energy(&self, a: &[f64], u: &[Vec<f64>], jumps: &[[f64; 3]]) -> Vec<Vec<f64>> {
        Energies::over_planes(&self.lattice, u.len(), |x| {
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || self.energy_of_plane(a, u, jumps, x),
            )
        })
    }
}

impl TwoPoint {
    #[inline(always)]
    fn energy_of_plane(&self, a: &[f64], u: &[Vec<f64>], jumps: &[[f64; 3]], x: usize) -> Energies {
        let [_, ny, nz] = self.lattice.n;
        let mut sums = Energies::new(u.len());
        let (mut g, mut steps) = (vec![0.0; nz], vec![vec![0.0; nz]; u.len()]);
        for y in 0..ny {
            let [own, _, far, _, next] = self.lattice.rows(a, x, y);
            let mut along = own.to_vec();
            along.rotate_left(1);
            for (axis, other) in [far, next, &along].into_iter().enumerate() {
                for (g, (a, b)) in g.iter_mut().zip(own.iter().zip(other)) {
                    *g = self.conductance(axis, *a, *b);
                }
                for ((u, step), jump) in u.iter().zip(&mut steps).zip(jumps) {
                    let [own, _, far, _, next] = self.lattice.rows(u, x, y);
                    let jump = jump[axis];
                    if axis == 2 {
                        step[nz - 1] = own[0] - own[nz - 1] + jump;
                        step.iter_mut().zip(own.windows(2)).for_each(|(s, u)| *s = u[1] - u[0] + jump);
                    } else {
                        let other = if axis == 0 { far } else { next };
                        step.iter_mut().zip(own.iter().zip(other)).for_each(|(s, (u, v))| *s = v - u + jump);
                    }
                }
                sums.add(&g, &steps);
            }
        }
        sums
    }
}

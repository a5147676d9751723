//! Two-point finite volumes: a number in the middle of each voxel, fluxes through faces with the harmonic mean.
//!
//! Its effective tensor is that of the lowest Raviart–Thomas elements with lumped masses, and so never above the truth.

use rayon::prelude::*;

use super::VoxelSolver;
use super::field::Field;
use super::lattice::{End, Lattice, Real};
use super::multigrid::Multigrid;
use super::poisson::{Points, Poisson};
use super::preconditioner::Preconditioner;
use super::scheme::{Energies, Scheme};

/// −Σ_faces g (u_w − u_v + e·h) = 0 with g = (area/h) 2 a_v a_w/(a_v + a_w).
///
/// Beyond an end lies a voxel's own image, even (no flux) or odd (zero on the face, half a voxel away); of the energy in a plate's
/// faces half belongs to the images.
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
        let signs = self.lattice.signs(x, y).map(T::of);
        let w = self.weights.map(|w| T::of(2.0 * w));
        let n = own.len();
        for z in 0..n {
            let c = a_own[z];
            let through = |other: T, w: T| w * (c / (c + other + T::TINY)) * other;
            out[z] = through(a_left[z], w[0]) * (signs[0] * left[z] - own[z] - jump[0])
                + through(a_right[z], w[0]) * (signs[1] * right[z] - own[z] + jump[0])
                + through(a_before[z], w[1]) * (signs[2] * before[z] - own[z] - jump[1])
                + through(a_after[z], w[1]) * (signs[3] * after[z] - own[z] + jump[1]);
        }
        // through the face after each voxel
        let conductance = |z: usize, next: usize| w[2] * (a_own[z] / (a_own[z] + a_own[next] + T::TINY)) * a_own[next];
        for z in 0..n - 1 {
            flux[z] = conductance(z, z + 1) * (own[z + 1] - own[z] + jump[2]);
        }
        let ((next, sign), (last, sign_before)) =
            (self.lattice.beside(2, n - 1, true), self.lattice.beside(2, 0, false));
        flux[n - 1] = conductance(n - 1, next) * (T::of(sign) * own[next] - own[n - 1] + jump[2]);
        out[0] += flux[0] - conductance(last, 0) * (own[0] - T::of(sign_before) * own[last] + jump[2]);
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
    fn name(&self) -> &'static str {
        "two-point"
    }

    fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    fn unknowns(&self) -> [usize; 3] {
        self.lattice.n
    }

    fn preconditioner(&self, solver: VoxelSolver, a: &[f32]) -> Preconditioner {
        let stiffness = |d: usize, t: f64| self.weights[d] * (2.0 - 2.0 * t.cos());
        match solver {
            VoxelSolver::Multigrid => Preconditioner::Multigrid(Multigrid::of_voxels(&self.lattice, a, self.weights)),
            VoxelSolver::Fft => {
                Preconditioner::Poisson(Box::new(Poisson::new(&self.lattice, Points::Centres, stiffness, |_| 1.0)))
            }
        }
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
        let ny = self.lattice.n[1];
        let conductance = |a: f32, b: f32| f64::from(a / (a + b + f32::TINY) * b);
        let plane = |x: usize| {
            let mut sums = [0.0f64; 3];
            for y in 0..ny {
                for (axis, forward, half) in self.faces([x, y]) {
                    let [own, left, right, before, after] = self.lattice.rows(a, x, y);
                    let other = [[left, right], [before, after]][axis][usize::from(forward)];
                    sums[axis] += half * own.iter().zip(other).map(|(a, b)| conductance(*a, *b)).sum::<f64>();
                }
                let own = self.lattice.rows(a, x, y)[0];
                sums[2] += own.windows(2).map(|a| conductance(a[0], a[1])).sum::<f64>();
                for (at, forward, half) in self.row_ends() {
                    sums[2] += half * conductance(own[at], own[self.lattice.beside(2, at, forward).0]);
                }
            }
            sums
        };
        let parts: Vec<[f64; 3]> = (0..self.lattice.n[0]).into_par_iter().map(plane).collect();
        (0..3).map(|d| 2.0 * self.weights[d] * jump[d] * jump[d] * parts.iter().map(|part| part[d]).sum::<f64>()).sum()
    }

    fn energy(&self, a: &[f64], u: &[Field<f64>], jumps: &[[f64; 3]]) -> Vec<Vec<f64>> {
        Energies::over_planes(&self.lattice, u.len(), |x| {
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || self.energy_of_plane(a, u, jumps, x),
            )
        })
    }
}

impl TwoPoint {
    /// The faces of a row across the first two axes that are counted with it, and the share of each that belongs to the cell: those
    /// after it, and a plate before it.
    fn faces(&self, at: [usize; 2]) -> impl Iterator<Item = (usize, bool, f64)> {
        let plate = move |axis: usize, forward: bool| self.lattice.on_plate(axis, at[axis], forward);
        let all = [(0, true), (0, false), (1, true), (1, false)].into_iter();
        all.filter(move |(axis, forward)| *forward || plate(*axis, false))
            .map(move |(axis, forward)| (axis, forward, if plate(axis, forward) { 0.5 } else { 1.0 }))
    }

    /// The last face of a row along the last axis, and the first one if it is a plate: the voxel, the way, the share.
    fn row_ends(&self) -> impl Iterator<Item = (usize, bool, f64)> {
        let plate = self.lattice.ends[2] == End::Plate;
        let ends = [(self.lattice.n[2] - 1, true), (0, false)].into_iter();
        ends.filter(move |(_, forward)| *forward || plate)
            .map(move |(at, forward)| (at, forward, if plate { 0.5 } else { 1.0 }))
    }

    #[inline(always)]
    fn energy_of_plane(&self, a: &[f64], u: &[Field<f64>], jumps: &[[f64; 3]], x: usize) -> Energies {
        let [_, ny, nz] = self.lattice.n;
        let mut sums = Energies::new(u.len());
        let (mut g, mut steps) = (vec![0.0; nz + 1], vec![vec![0.0; nz + 1]; u.len()]);
        for y in 0..ny {
            let row = |field| {
                let [own, left, right, before, after] = self.lattice.rows(field, x, y);
                (own, [[left, right], [before, after]])
            };
            let signs = self.lattice.signs(x, y);
            for (axis, forward, half) in self.faces([x, y]) {
                let way = usize::from(forward);
                let (own, others) = row(a);
                for (g, (a, b)) in g.iter_mut().zip(own.iter().zip(others[axis][way])) {
                    *g = half * self.conductance(axis, *a, *b);
                }
                // what lies behind comes first
                let (sign, to) = (signs[2 * axis + way], if forward { 1.0 } else { -1.0 });
                for ((u, step), jump) in u.iter().zip(&mut steps).zip(jumps) {
                    let (own, others) = row(u);
                    let (other, jump) = (others[axis][way], jump[axis]);
                    step.iter_mut().zip(own.iter().zip(other)).for_each(|(s, (u, v))| *s = to * (sign * v - u) + jump);
                }
                sums.add(&g[..nz], &steps);
            }
            let own = row(a).0;
            g.iter_mut().zip(own.windows(2)).for_each(|(g, a)| *g = self.conductance(2, a[0], a[1]));
            for ((u, step), jump) in u.iter().zip(&mut steps).zip(jumps) {
                step.iter_mut().zip(row(u).0.windows(2)).for_each(|(s, u)| *s = u[1] - u[0] + jump[2]);
            }
            let mut last = nz - 1;
            for (at, forward, half) in self.row_ends() {
                let ((other, sign), to) = (self.lattice.beside(2, at, forward), if forward { 1.0 } else { -1.0 });
                g[last] = half * self.conductance(2, own[at], own[other]);
                for ((u, step), jump) in u.iter().zip(&mut steps).zip(jumps) {
                    let u = row(u).0;
                    step[last] = to * (sign * u[other] - u[at]) + jump[2];
                }
                last += 1;
            }
            sums.add(&g[..last], &steps);
        }
        sums
    }
}

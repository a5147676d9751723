//! Multilinear elements (Q1): a number at each corner of the voxels. Their energy is never below the true one.

use rayon::prelude::*;

use super::VoxelSolver;
use super::field::Field;
use super::lattice::{End, Lattice, Real};
use super::multigrid::Multigrid;
use super::poisson::{Points, Poisson};
use super::preconditioner::Preconditioner;
use super::scheme::{Energies, Scheme};

/// Planes of unknowns that are swept together; the plane of voxels before them is computed twice.
const SLAB: usize = 8;

/// ∫ (e + ∇u)·a(e + ∇u) for u linear along each axis in each voxel.
///
/// With means m and differences d of the eight corners along each axis, the energy of a voxel is a·volume·Σ_S w_S c_S²
/// over the seven ways S of taking differences along some axes and means along the others,
/// w_S = 12^{1−|S|} Σ_{d∈S} 1/h_d².
///
/// Axes that repeat have as many corners as voxels, others one more; on a plate u = 0. Sums are over the voxels, so a wall's corners
/// have half the equation of their mirrored cell.
pub(super) struct Multilinear {
    lattice: Lattice,
    /// volume · w_S; bit d of the index says whether axis d is in S
    weights: [f64; 8],
}

impl Multilinear {
    pub(super) fn new(lattice: Lattice) -> Self {
        let weight = |set: usize| {
            let sum: f64 = (0..3).filter(|d| set >> d & 1 == 1).map(|d| lattice.h[d].powi(-2)).sum();
            lattice.volume() * sum * 12f64.powi(1 - set.count_ones() as i32)
        };
        Multilinear { lattice, weights: std::array::from_fn(weight) }
    }

    /// The differences along the first two axes at the corners of a row of voxels, from its four rows of corners.
    #[inline(always)]
    fn haar<T: Real>(rows: [&[T]; 4], c: &mut Differences<T>) {
        let n = rows[0].len();
        let [n00, n01, n10, n11] = rows.map(|row| &row[..n]);
        let [aa, ad, da, dd] = c.each_mut().map(|row| &mut row[..n]);
        let (quarter, half) = (T::of(0.25), T::of(0.5));
        for z in 0..n {
            let (near, far) = (n00[z] + n01[z], n10[z] + n11[z]);
            aa[z] = quarter * (near + far);
            da[z] = half * (far - near);
            ad[z] = half * ((n01[z] + n11[z]) - (n00[z] + n10[z]));
            dd[z] = (n11[z] - n10[z]) - (n01[z] - n00[z]);
        }
        c.iter_mut().filter(|row| row.len() > n).for_each(|row| row[n] = row[0]);
    }

    /// The gradient of the energy of a row of voxels: what it says to the rows of corners near and far along the first axis, and how
    /// much more to those next than to those before along the second.
    #[inline(always)]
    fn gradient<T: Real>(&self, a: &[T], jump: [T; 3], corners: usize, work: &mut Work<T>) {
        let n = a.len();
        let w: [T; 8] = self.weights.map(T::of);
        let (half, quarter) = (T::of(0.5), T::of(0.25));
        let Work { c, low, high, sums } = work;
        let [aa, ad, da, dd] = c.each_ref().map(|row| (&row[..n], &row[1..=n]));
        {
            let [low_aa, low_ad, low_da, low_dd] = low.each_mut().map(|row| &mut row[..n]);
            let [high_aa, high_ad, high_da, high_dd] = high.each_mut().map(|row| &mut row[1..=n]);
            for z in 0..n {
                let a = a[z];
                let pair = |(at, next): (&[T], &[T]), jump: T, flat: T, bent: T| {
                    let middle = half * a * flat * (half * (at[z] + next[z]) + jump);
                    let slope = a * bent * (next[z] - at[z]);
                    (middle - slope, middle + slope)
                };
                let along = a * w[4] * (aa.1[z] - aa.0[z] + jump[2]);
                (low_aa[z], high_aa[z]) = (-along, along);
                (low_ad[z], high_ad[z]) = pair(ad, jump[1], w[2], w[6]);
                (low_da[z], high_da[z]) = pair(da, jump[0], w[1], w[5]);
                (low_dd[z], high_dd[z]) = pair(dd, T::default(), w[3], w[7]);
            }
        }
        // corners get what voxel z says low and what voxel z − 1 says high
        let ends = high.iter_mut().zip(low.iter_mut());
        ends.for_each(|(high, low)| {
            (high[0], low[n]) = (if corners == n { high[n] } else { T::default() }, T::default())
        });
        let [low_aa, low_ad, low_da, low_dd] = low.each_ref().map(|row| &row[..corners]);
        let [high_aa, high_ad, high_da, high_dd] = high.each_ref().map(|row| &row[..corners]);
        let [near, far, near_rise, far_rise] = sums.each_mut().map(|row| &mut row[..corners]);
        for z in 0..corners {
            let mean = quarter * (low_aa[z] + high_aa[z]);
            let (da, ad) = (half * (low_da[z] + high_da[z]), half * (low_ad[z] + high_ad[z]));
            let dd = low_dd[z] + high_dd[z];
            near[z] = mean - da;
            far[z] = mean + da;
            near_rise[z] = ad - dd;
            far_rise[z] = ad + dd;
        }
    }

    /// The planes `first` … of unknowns, as many as `out` holds.
    #[inline(always)]
    fn slab<T: Real>(&self, a: &[T], u: &[T], first: usize, jump: [T; 3], out: &mut [T]) {
        let ([nx, ny, nz], [mx, my, mz]) = (self.lattice.n, self.unknowns());
        let plane = my * mz;
        let planes = out.len() / plane;
        let mut work = Work::new(nz);
        out.fill(T::default());
        // voxels before, with their far corners; within; at the end, with their near corners
        for step in 0..=planes {
            // of the two planes of voxels beyond the ends there is one if the axis repeats, and none else
            let Some(x) = (first + step).checked_sub(1).or((mx == nx).then_some(nx - 1)).filter(|x| *x < nx) else {
                continue;
            };
            for y in 0..ny {
                let next = (y + 1) % my;
                Self::haar(self.corners(u, x, y), &mut work.c);
                self.gradient(&a[(x * ny + y) * nz..][..nz], jump, mz, &mut work);
                let [near, far, near_rise, far_rise] = work.sums.each_ref().map(|row| &row[..mz]);
                if step > 0 {
                    let start = (step - 1) * plane;
                    Self::take(&mut out[start + y * mz..][..mz], near, near_rise, T::of(-1.0));
                    Self::take(&mut out[start + next * mz..][..mz], near, near_rise, T::of(1.0));
                }
                if step < planes {
                    let start = step * plane;
                    Self::take(&mut out[start + y * mz..][..mz], far, far_rise, T::of(-1.0));
                    Self::take(&mut out[start + next * mz..][..mz], far, far_rise, T::of(1.0));
                }
            }
        }
        self.clear_plates(first, out);
    }

    /// The four rows of corners of the row of voxels (x, y).
    #[inline(always)]
    fn corners<'a, T>(&self, u: &'a [T], x: usize, y: usize) -> [&'a [T]; 4] {
        let [mx, my, mz] = self.unknowns();
        let (far, next) = ((x + 1) % mx, (y + 1) % my);
        [(x, y), (x, next), (far, y), (far, next)].map(|(x, y)| &u[(x * my + y) * mz..][..mz])
    }

    /// Nothing is tested where the potential is given.
    fn clear_plates<T: Real>(&self, first: usize, out: &mut [T]) {
        let [mx, my, mz] = self.unknowns();
        let [on_x, on_y, on_z] = self.lattice.ends.map(|end| end == End::Plate);
        for (x, plane) in out.chunks_exact_mut(my * mz).enumerate() {
            if on_x && (first + x == 0 || first + x + 1 == mx) {
                plane.fill(T::default());
            }
            if on_y {
                plane[..mz].fill(T::default());
                plane[(my - 1) * mz..].fill(T::default());
            }
            if on_z {
                plane.chunks_exact_mut(mz).for_each(|row| (row[0], row[mz - 1]) = (T::default(), T::default()));
            }
        }
    }

    #[inline(always)]
    fn take<T: Real>(out: &mut [T], mean: &[T], rise: &[T], sign: T) {
        for ((out, mean), rise) in out.iter_mut().zip(mean).zip(rise) {
            *out = *out - (*mean + sign * *rise);
        }
    }

    #[inline(always)]
    fn energy_of_plane(&self, a: &[f64], u: &[Field<f64>], jumps: &[[f64; 3]], x: usize) -> Energies {
        let [_, ny, nz] = self.lattice.n;
        let mut sums = Energies::new(u.len());
        let mut all: Vec<Differences<f64>> = u.iter().map(|_| differences(nz)).collect();
        let (mut g, mut fields) = (vec![0.0; nz], vec![vec![0.0; nz]; u.len()]);
        for y in 0..ny {
            for (u, c) in u.iter().zip(&mut all) {
                Self::haar(self.corners(u, x, y), c);
            }
            // bit d of the set says whether a difference is taken along axis d
            for set in 1..8usize {
                g.iter_mut().zip(&a[(x * ny + y) * nz..]).for_each(|(g, a)| *g = self.weights[set] * a);
                for ((c, field), jump) in all.iter().zip(&mut fields).zip(jumps) {
                    let c = &c[[0, 2, 1, 3][set & 3]][..=nz];
                    let jump = if set.is_power_of_two() { jump[set.trailing_zeros() as usize] } else { 0.0 };
                    if set & 4 == 0 {
                        field.iter_mut().zip(c.windows(2)).for_each(|(f, c)| *f = 0.5 * (c[0] + c[1]) + jump);
                    } else {
                        field.iter_mut().zip(c.windows(2)).for_each(|(f, c)| *f = c[1] - c[0] + jump);
                    }
                }
                sums.add(&g, &fields);
            }
        }
        sums
    }
}

/// Means (a) and differences (d) along the first two axes, aa, ad, da, dd, at the corners of a row and the first one again.
type Differences<T> = [Vec<T>; 4];

fn differences<T: Real>(n: usize) -> Differences<T> {
    std::array::from_fn(|_| vec![T::default(); n + 1])
}

/// Room for a row of voxels.
struct Work<T> {
    c: Differences<T>,
    /// what voxels say about the differences at their corners before and after, along the last axis
    low: [Vec<T>; 4],
    high: [Vec<T>; 4],
    sums: [Vec<T>; 4],
}

impl<T: Real> Work<T> {
    fn new(n: usize) -> Self {
        Work { c: differences(n), low: differences(n), high: differences(n), sums: differences(n) }
    }
}

impl Scheme for Multilinear {
    fn name(&self) -> &'static str {
        "multilinear"
    }

    fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    fn unknowns(&self) -> [usize; 3] {
        let Lattice { n, ends, .. } = self.lattice;
        std::array::from_fn(|d| n[d] + usize::from(ends[d] != End::Periodic))
    }

    fn preconditioner(&self, solver: VoxelSolver, a: &[f32]) -> Preconditioner {
        let weights = self.lattice.h.map(|h| self.lattice.volume() / (h * h));
        let stiffness = |d: usize, t: f64| weights[d] * (2.0 - 2.0 * t.cos());
        let mass = |t: f64| (2.0 + t.cos()) / 3.0;
        match solver {
            VoxelSolver::Multigrid => {
                Preconditioner::Multigrid(Multigrid::of_edges(self.unknowns(), &self.lattice, a, weights))
            }
            VoxelSolver::Fft => {
                Preconditioner::Poisson(Box::new(Poisson::new(&self.lattice, Points::Corners, stiffness, mass)))
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
        let [_, my, mz] = self.unknowns();
        let slabs = out.par_chunks_mut(SLAB * my * mz).enumerate();
        let parts: Vec<f64> = slabs
            .map(|(slab, out)| {
                pulp::Arch::new().dispatch(
                    #[inline(always)]
                    || self.slab(a, u, slab * SLAB, jump, out),
                );
                seen(slab * SLAB, out)
            })
            .collect();
        parts.iter().sum()
    }

    fn start(&self, a: &[f32], jump: [f64; 3]) -> f64 {
        let planes: Vec<f64> =
            a.par_chunks(self.lattice.plane()).map(|a| a.iter().map(|a| f64::from(*a)).sum()).collect();
        let squares: f64 = (0..3).map(|d| (jump[d] / self.lattice.h[d]).powi(2)).sum();
        squares * self.lattice.volume() * planes.iter().sum::<f64>()
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

//! Multilinear elements (Q1): a number at each corner of the voxels. Their energy is never below the true one.

use rayon::prelude::*;

use super::lattice::{Lattice, Real};
use super::poisson::Poisson;
use super::scheme::{Scheme, sum_planes};

/// Planes of unknowns that are swept together; the plane of voxels before them is computed twice.
const SLAB: usize = 8;

/// ∫ (e + ∇u)·a(e + ∇u) for u linear along each axis in each voxel.
///
/// With means m and differences d of the eight corners along each axis, the energy of a voxel is a·volume·Σ_S w_S c_S²
/// over the seven ways S of taking differences along some axes and means along the others,
/// w_S = 12^{1−|S|} Σ_{d∈S} 1/h_d².
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

    /// The differences c_S at the voxels of a row, from its four rows of corners.
    #[inline(always)]
    fn haar<T: Real>(rows: [&[T]; 4], sums: &mut Rows<T>) {
        let [n00, n01, n10, n11] = rows;
        let (quarter, half) = (T::of(0.25), T::of(0.5));
        for z in 0..n00.len() {
            let (near, far) = (n00[z] + n01[z], n10[z] + n11[z]);
            sums.aa[z] = quarter * (near + far);
            sums.da[z] = half * (far - near);
            sums.ad[z] = half * ((n01[z] + n11[z]) - (n00[z] + n10[z]));
            sums.dd[z] = (n11[z] - n10[z]) - (n01[z] - n00[z]);
        }
    }

    /// Takes the gradient of the energy of a row of voxels off the four rows of corners `out`.
    #[inline(always)]
    fn take<T: Real>(
        &self,
        a: &[T],
        corners: [&[T]; 4],
        jump: [T; 3],
        work: &mut [Rows<T>; 2],
        mut add: impl FnMut(usize, &Rows<T>),
    ) {
        let n = a.len();
        let w: [T; 8] = self.weights.map(T::of);
        let half = T::of(0.5);
        let [c, g] = work;
        Self::haar(corners, c);
        // what a voxel says about its corners at z (low) and at z + 1 (high)
        let voxel = |z: usize, next: usize| {
            let a = a[z];
            let tz = a * w[4] * (c.aa[next] - c.aa[z] + jump[2]);
            let pair = |at: &[T], jump: T, flat: T, bent: T| {
                let middle = half * a * flat * (half * (at[z] + at[next]) + jump);
                let slope = a * bent * (at[next] - at[z]);
                (middle - slope, middle + slope)
            };
            let y = pair(&c.ad, jump[1], w[2], w[6]);
            let x = pair(&c.da, jump[0], w[1], w[5]);
            let xy = pair(&c.dd, T::default(), w[3], w[7]);
            ([-tz, y.0, x.0, xy.0], [tz, y.1, x.1, xy.1])
        };
        // corners get what voxel z says low and what voxel z − 1 says high
        for z in 0..n - 1 {
            let (low, high) = voxel(z, z + 1);
            g.aa[z] = low[0];
            g.ad[z] = low[1];
            g.da[z] = low[2];
            g.dd[z] = low[3];
            g.high[0][z] = high[0];
            g.high[1][z] = high[1];
            g.high[2][z] = high[2];
            g.high[3][z] = high[3];
        }
        let (low, high) = voxel(n - 1, 0);
        [g.aa[n - 1], g.ad[n - 1], g.da[n - 1], g.dd[n - 1]] = low;
        for z in 1..n {
            g.aa[z] += g.high[0][z - 1];
            g.ad[z] += g.high[1][z - 1];
            g.da[z] += g.high[2][z - 1];
            g.dd[z] += g.high[3][z - 1];
        }
        g.aa[0] += high[0];
        g.ad[0] += high[1];
        g.da[0] += high[2];
        g.dd[0] += high[3];
        (0..4).for_each(|corner| add(corner, g));
    }

    /// The planes `first` … of unknowns, as many as `out` holds.
    #[inline(always)]
    fn slab<T: Real>(&self, a: &[T], u: &[T], first: usize, jump: [T; 3], out: &mut [T]) {
        let [nx, ny, nz] = self.lattice.n;
        let plane = self.lattice.plane();
        let planes = out.len() / plane;
        let mut work = [Rows::new(nz), Rows::new(nz)];
        out.fill(T::default());
        // voxels before, with their far corners; within; at the end, with their near corners
        for step in 0..=planes {
            let x = (first + nx + step - 1) % nx;
            let far = (x + 1) % nx;
            for y in 0..ny {
                let next = (y + 1) % ny;
                let row = |x: usize, y: usize| (x * ny + y) * nz;
                let corners = [(x, y), (x, next), (far, y), (far, next)].map(|(x, y)| &u[row(x, y)..][..nz]);
                self.take(&a[row(x, y)..][..nz], corners, jump, &mut work, |corner, g| {
                    let (own, y) = (step + corner / 2, if corner % 2 == 0 { y } else { next });
                    if own >= 1 && own <= planes {
                        let out = &mut out[(own - 1) * plane + y * nz..][..nz];
                        let sign = |up: bool, s: f64| T::of(if up { s } else { -s });
                        let (sy, sx) = (sign(corner % 2 == 1, 0.5), sign(corner / 2 == 1, 0.5));
                        let sxy = sign(corner == 0 || corner == 3, 1.0);
                        let quarter = T::of(0.25);
                        for z in 0..nz {
                            out[z] = out[z] - (quarter * g.aa[z] + sy * g.ad[z] + sx * g.da[z] + sxy * g.dd[z]);
                        }
                    }
                });
            }
        }
    }
}

/// Rows of means and differences along the first two axes; `high` is room for what goes to the next corner.
struct Rows<T> {
    aa: Vec<T>,
    ad: Vec<T>,
    da: Vec<T>,
    dd: Vec<T>,
    high: [Vec<T>; 4],
}

impl<T: Real> Rows<T> {
    fn new(n: usize) -> Self {
        let row = || vec![T::default(); n];
        Rows { aa: row(), ad: row(), da: row(), dd: row(), high: [row(), row(), row(), row()] }
    }
}

impl Scheme for Multilinear {
    fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    fn symbol(&self) -> Poisson {
        let (h, volume) = (self.lattice.h, self.lattice.volume());
        let stiffness = move |d: usize, t: f64| volume / (h[d] * h[d]) * (2.0 - 2.0 * t.cos());
        Poisson::new(&self.lattice, stiffness, |t| (2.0 + t.cos()) / 3.0)
    }

    fn balance<T: Real>(&self, a: &[T], u: &[T], jump: [f64; 3], out: &mut [T]) {
        let jump = jump.map(T::of);
        out.par_chunks_mut(SLAB * self.lattice.plane()).enumerate().for_each(|(slab, out)| {
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || self.slab(a, u, slab * SLAB, jump, out),
            );
        });
    }

    fn energy(&self, a: &[f64], u: &[Vec<f64>], jumps: &[[f64; 3]]) -> Vec<Vec<f64>> {
        let ([nx, ny, nz], k) = (self.lattice.n, u.len());
        let plane = |x: usize| {
            let mut sums = vec![vec![0.0; k]; k];
            let mut rows: Vec<Rows<f64>> = (0..k).map(|_| Rows::new(nz)).collect();
            let far = (x + 1) % nx;
            for y in 0..ny {
                let next = (y + 1) % ny;
                let row = |x: usize, y: usize| (x * ny + y) * nz;
                let at = [(x, y), (x, next), (far, y), (far, next)];
                for (u, rows) in u.iter().zip(&mut rows) {
                    Self::haar(at.map(|(x, y)| &u[row(x, y)..][..nz]), rows);
                }
                for z in 0..nz {
                    let (next, a) = ((z + 1) % nz, a[row(x, y) + z]);
                    let mut c = [[0.0; 8]; 3];
                    for ((c, rows), jump) in c.iter_mut().zip(&rows).zip(jumps) {
                        let mean = |at: &[f64]| 0.5 * (at[z] + at[next]);
                        let slope = |at: &[f64]| at[next] - at[z];
                        c[1] = mean(&rows.da) + jump[0];
                        c[2] = mean(&rows.ad) + jump[1];
                        c[3] = mean(&rows.dd);
                        c[4] = slope(&rows.aa) + jump[2];
                        c[5] = slope(&rows.da);
                        c[6] = slope(&rows.ad);
                        c[7] = slope(&rows.dd);
                    }
                    for i in 0..k {
                        for j in 0..k {
                            sums[i][j] += a * (1..8).map(|s| self.weights[s] * c[i][s] * c[j][s]).sum::<f64>();
                        }
                    }
                }
            }
            sums
        };
        sum_planes(&self.lattice, k, plane)
    }
}

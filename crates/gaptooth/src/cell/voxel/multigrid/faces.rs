//! What the faces of a grid conduct, on the voxels and on blocks of them.

use rayon::prelude::*;

use super::super::field::Field;
use super::super::lattice::{End, Lattice};
use super::bfloat::{Bfloat, narrow, wide};

/// An axis is coarsened when its coupling is at least this share of the strongest: twice the distance has a quarter.
const STRONG: f32 = 0.3;

/// Conductances of the faces of a grid that repeats along all axes; where it does not, the face between the ends conducts nothing.
pub(super) struct Faces {
    /// cells along each axis
    pub(super) n: [usize; 3],
    /// of the face after each cell along each axis
    pub(super) after: [Field<Bfloat>; 3],
    /// to the plates, of each cell; empty without plates
    pub(super) ground: Field<Bfloat>,
    /// the axis that has plates
    plates: Option<usize>,
    /// cells of this grid in one of the next coarser, along each axis
    pub(super) block: [usize; 3],
    /// cells' widths along each axis, in voxels
    widths: [Vec<f32>; 3],
    /// voxels' couplings along each axis in a homogeneous medium of conductivity 1
    coupling: [f32; 3],
}

impl Faces {
    /// Between the middles of voxels: harmonic means.
    pub(super) fn of_voxels(lattice: &Lattice, a: &[f32], weights: [f64; 3]) -> Self {
        let mut faces = Faces::closed(lattice.n, lattice, weights);
        let (n, plane, coupling) = (faces.n, lattice.plane(), faces.coupling);
        for d in 0..3 {
            let closed = n[d] == 1 || lattice.ends[d] != End::Periodic;
            faces.after[d].par_chunks_exact_mut(plane).enumerate().for_each(|(x, after)| {
                for (y, after) in after.chunks_exact_mut(n[2]).enumerate() {
                    let [own, _, right, _, next] = lattice.rows(a, x, y);
                    match d {
                        2 => {
                            let last = n[2] - 1;
                            conduct(&mut after[..last], own, &own[1..], coupling[d]);
                            if !closed {
                                conduct(&mut after[last..], &own[last..], own, coupling[d]);
                            }
                        }
                        _ if closed && [x, y][d] + 1 == n[d] => {}
                        _ => conduct(after, own, [right, next][d], coupling[d]),
                    }
                }
            });
        }
        if let Some(d) = faces.plates {
            let (plates, coupling) = ([0, n[d] - 1], coupling[d]);
            faces.ground = Field::zeros(a.len());
            faces.ground.par_iter_mut().zip(a).enumerate().for_each(|(i, (ground, a))| {
                // half a voxel away the potential is given
                let at = lattice.place(i)[d];
                *ground = narrow(2.0 * coupling * a * plates.iter().filter(|plate| **plate == at).count() as f32);
            });
        }
        faces
    }

    /// Between the corners of voxels, `n` of them: a mean of what lies around each edge. For fields that are linear along each axis in each
    /// voxel the energy is between a ninth of this one's and all of it.
    pub(super) fn of_edges(n: [usize; 3], lattice: &Lattice, a: &[f32], weights: [f64; 3]) -> Self {
        let mut faces = Faces::closed(n, lattice, weights);
        let coupling = faces.coupling;
        // the voxels on both sides of a corner along an axis; beyond walls and plates there are none
        let around = |d: usize, at: usize| {
            let periodic = lattice.ends[d] == End::Periodic;
            let before = at.checked_sub(1).or(periodic.then_some(lattice.n[d] - 1));
            [before, Some(at).filter(|at| *at < lattice.n[d])]
        };
        let on_plate = |d: usize, at: usize| lattice.ends[d] == End::Plate && (at == 0 || at + 1 == n[d]);
        let row = |x: usize, y: usize| &a[lattice.index([x, y, 0])..][..lattice.n[2]];
        // sums of a over the rows of voxels around the edges of a row
        let summed = |d: usize, x: usize, y: usize, sums: &mut [f32]| {
            sums.fill(0.0);
            let [xs, ys] = [(0, x), (1, y)].map(|(axis, at)| {
                let [before, after] = around(axis, at);
                [before.filter(|_| axis != d), after]
            });
            for (x, y) in xs.iter().flatten().flat_map(|x| ys.iter().flatten().map(move |y| (*x, *y))) {
                sums.iter_mut().zip(row(x, y)).for_each(|(sum, a)| *sum += a);
            }
        };
        for d in 0..3 {
            if n[d] == 1 {
                continue;
            }
            let quarter = 0.25 * coupling[d];
            faces.after[d].par_chunks_exact_mut(n[1] * n[2]).enumerate().for_each(|(x, after)| {
                let mut sums = vec![0.0f32; lattice.n[2]];
                for (y, after) in after.chunks_exact_mut(n[2]).enumerate() {
                    summed(d, x, y, &mut sums);
                    for (z, after) in after.iter_mut().enumerate() {
                        let [before, own] = around(2, z);
                        let sum = own.map_or(0.0, |z| sums[z]) + before.filter(|_| d != 2).map_or(0.0, |z| sums[z]);
                        *after = narrow(quarter * sum);
                    }
                }
            });
        }
        if let Some(d) = faces.plates {
            faces.give_to_plates(d, on_plate);
        }
        faces
    }

    /// Corners on plates have no equation: their faces lead to the ground.
    fn give_to_plates(&mut self, d: usize, on_plate: impl Fn(usize, usize) -> bool) {
        let n = self.n;
        let stride: usize = n[d + 1..].iter().product();
        self.ground = Field::zeros(n.iter().product());
        for i in 0..self.ground.len() {
            let at = i / stride % n[d];
            if on_plate(d, at) {
                if at == 0 {
                    self.ground[i + stride] = narrow(wide(self.ground[i + stride]) + wide(self.after[d][i]));
                } else {
                    self.ground[i - stride] = narrow(wide(self.ground[i - stride]) + wide(self.after[d][i - stride]));
                    self.after[d][i - stride] = 0;
                }
                self.after.iter_mut().for_each(|after| after[i] = 0);
            }
        }
        // a corner on a plate gets nothing from anywhere
        for i in (0..self.ground.len()).filter(|i| on_plate(d, i / stride % n[d])) {
            self.ground[i] = 0;
        }
    }

    /// A grid of n cells whose faces do not conduct.
    fn closed(n: [usize; 3], lattice: &Lattice, weights: [f64; 3]) -> Self {
        let coupling = weights.map(|w| w as f32);
        let zeros = || Field::zeros(n.iter().product());
        let mut faces = Faces {
            n,
            after: [zeros(), zeros(), zeros()],
            ground: Field::default(),
            plates: (0..3).find(|d| lattice.ends[*d] == End::Plate),
            block: [1; 3],
            widths: n.map(|n| vec![1.0; n]),
            coupling,
        };
        faces.block = faces.blocks();
        faces
    }

    /// Two cells along axes with strong coupling.
    fn blocks(&self) -> [usize; 3] {
        // the widest cell tells: only the last one may be narrower
        let coupling = |d: usize| self.coupling[d] / self.widths[d][0].powi(2);
        let strongest = (0..3).filter(|d| self.n[*d] > 1).map(coupling).fold(0.0, f32::max);
        std::array::from_fn(|d| if self.n[d] > 1 && coupling(d) >= STRONG * strongest { 2 } else { 1 })
    }

    /// The same on blocks; none for a single cell.
    pub(super) fn coarser(&self) -> Option<Self> {
        if self.n == [1; 3] {
            return None;
        }
        let block = self.block;
        let n: [usize; 3] = std::array::from_fn(|d| self.n[d].div_ceil(block[d]));
        let widths: [Vec<f32>; 3] =
            std::array::from_fn(|d| self.widths[d].chunks(block[d]).map(|w| w.iter().sum()).collect());
        let axis = |d: usize| {
            let along = |w: &[f32], i: usize| w[i] + w[(i + 1) % w.len()];
            // the last cell's face is its block's
            let share = |i: usize| {
                let last = (i + 1).is_multiple_of(block[d]) || i + 1 == self.n[d];
                if last && n[d] > 1 {
                    towards(along(&self.widths[d], i) / along(&widths[d], i / block[d]))
                } else {
                    0.0
                }
            };
            self.gathered(&self.after[d], d, share, n)
        };
        let after = [axis(0), axis(1), axis(2)];
        let ground = match self.plates {
            Some(d) => self.gathered(&self.ground, d, |i| towards(self.widths[d][i] / widths[d][i / block[d]]), n),
            None => Field::default(),
        };
        let mut faces = Faces { n, after, ground, widths, block, plates: self.plates, coupling: self.coupling };
        faces.block = faces.blocks();
        Some(faces)
    }

    /// Sums of `values` over blocks, each times `share` of its place along an axis.
    fn gathered(&self, values: &[Bfloat], axis: usize, share: impl Fn(usize) -> f32, n: [usize; 3]) -> Field<Bfloat> {
        let shares: [Vec<f32>; 3] =
            std::array::from_fn(|d| (0..self.n[d]).map(|i| if d == axis { share(i) } else { 1.0 }).collect());
        let [of_x, of_y, of_z] = &shares;
        let block = self.block;
        let mut found = Field::<Bfloat>::zeros(n.iter().product());
        found.par_chunks_exact_mut(n[1] * n[2]).enumerate().for_each_init(
            || vec![0.0f32; n[2]],
            |row, (coarse_x, found)| {
                for (coarse_y, found) in found.chunks_exact_mut(n[2]).enumerate() {
                    row.fill(0.0);
                    for x in cells(coarse_x, block[0], self.n[0]) {
                        for y in cells(coarse_y, block[1], self.n[1]).filter(|y| of_x[x] * of_y[*y] != 0.0) {
                            let given = &values[(x * self.n[1] + y) * self.n[2]..][..self.n[2]];
                            let share = of_x[x] * of_y[y];
                            pulp::Arch::new().dispatch(
                                #[inline(always)]
                                || add_blocks(row, given, of_z, share, block[2]),
                            );
                        }
                    }
                    found.iter_mut().zip(row.iter()).for_each(|(found, sum)| *found = narrow(*sum));
                }
            },
        );
        found
    }
}

/// Harmonic means of neighbours, times their coupling.
fn conduct(faces: &mut [Bfloat], a: &[f32], b: &[f32], coupling: f32) {
    let n = faces.len();
    let (a, b) = (&a[..n], &b[..n]);
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let mean = |a: f32, b: f32| 2.0 * (a / (a + b + f32::MIN_POSITIVE)) * b;
            (0..n).for_each(|i| faces[i] = narrow(coupling * mean(a[i], b[i])));
        },
    );
}

/// Half way from Galerkin's conductance to one that goes down with the distance.
///
/// Galerkin's is right for potentials that jump from block to block, and twice too large for smooth ones: corrections of these are too small.
/// With half of it those of the others are twice too large, and two of them in a row leave all of the error.
fn towards(ratio: f32) -> f32 {
    0.5 * (1.0 + ratio)
}

/// The cells of a block.
pub(super) fn cells(coarse: usize, block: usize, n: usize) -> std::ops::Range<usize> {
    coarse * block..((coarse + 1) * block).min(n)
}

#[inline(always)]
fn add_blocks(row: &mut [f32], given: &[Bfloat], shares: &[f32], share: f32, block: usize) {
    if block == 1 {
        row.iter_mut().zip(given.iter().zip(shares)).for_each(|(sum, (g, s))| *sum += share * s * wide(*g));
        return;
    }
    let (pairs, pair_shares) = (given.chunks_exact(2), shares.chunks_exact(2));
    if let ([last], [of_last], Some(sum)) = (pairs.remainder(), pair_shares.remainder(), row.last_mut()) {
        *sum += share * of_last * wide(*last);
    }
    for (sum, (g, s)) in row.iter_mut().zip(pairs.zip(pair_shares)) {
        *sum += share * (s[0] * wide(g[0]) + s[1] * wide(g[1]));
    }
}

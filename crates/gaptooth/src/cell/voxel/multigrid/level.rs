//! One grid of the cycle: sweeps over its cells, plane by plane.

use rayon::prelude::*;

use super::super::field::Field;
use super::bfloat::{Bfloat, narrow, wide};
use super::faces::{Faces, cells};

/// Planes that are swept by one thread, one after the other; even, as blocks are pairs.
const SLAB: usize = 8;
/// Fewer cells than this are swept by one thread: waking another takes longer.
const FEW: usize = 1 << 13;

/// A grid with its faces, right-hand side and solution.
pub(super) struct Level {
    faces: Faces,
    /// one over the diagonal; zero where nothing conducts
    inverse: Field<Bfloat>,
    /// solution
    u: Field<f32>,
    /// solution between two steps
    v: Field<f32>,
    /// right-hand side; the voxels' comes from outside
    pub(super) b: Field<f32>,
}

/// A plane and those before and after it.
type Planes<'a> = [&'a [f32]; 3];

impl Level {
    pub(super) fn new(faces: Faces, finest: bool) -> Self {
        let [nx, ny, nz] = faces.n;
        let mut inverse = Field::<Bfloat>::zeros(nx * ny * nz);
        inverse.par_chunks_exact_mut(ny * nz).enumerate().for_each(|(x, inverse)| {
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || {
                    for (y, inverse) in inverse.chunks_exact_mut(nz).enumerate() {
                        let row = Row::new(&faces, x, y);
                        for z in 0..nz {
                            let before = wide(row.along[if z == 0 { nz - 1 } else { z - 1 }]);
                            let across = row.across.iter().map(|g| wide(g[z])).sum::<f32>();
                            let ground = row.ground.map_or(0.0, |g| wide(g[z]));
                            let d = across + before + wide(row.along[z]) + ground;
                            inverse[z] = narrow(if d > 1e-30 { 1.0 / d } else { 0.0 });
                        }
                    }
                },
            );
        });
        let zeros = || Field::zeros(nx * ny * nz);
        let b = if finest { Field::default() } else { zeros() };
        Level { inverse, u: zeros(), v: zeros(), b, faces }
    }

    fn plane(&self) -> usize {
        self.faces.n[1] * self.faces.n[2]
    }

    /// Makes r what it is to be.
    pub(super) fn change(&self, r: &mut [f32], q: &[f32], change: impl Fn(&mut [f32], &[f32]) + Sync) {
        r.par_chunks_exact_mut(self.plane()).zip(q.par_chunks_exact(self.plane())).for_each(|(r, q)| change(r, q));
    }

    /// The solution of a single cell.
    pub(super) fn solve_one(&mut self, b: &[f32]) {
        self.u[0] = b[0] * wide(self.inverse[0]);
    }

    /// u after two Jacobi steps from zero.
    pub(super) fn start(&mut self, b: &[f32], [first, second]: [f32; 2]) {
        let mut u = std::mem::take(&mut self.u);
        let plane = self.plane();
        let make = |x: usize, made: &mut [f32]| {
            let (b, inverse) = (&b[x * plane..][..made.len()], &self.inverse[x * plane..][..made.len()]);
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || (0..made.len()).for_each(|i| made[i] = first * wide(inverse[i]) * b[i]),
            );
        };
        self.made(&mut u, make, |x, planes, out| self.stepped(x, planes, b, second, out));
        self.u = u;
    }

    /// The rest of b − Au, summed over blocks: the right-hand side of the next coarser level. Transposed to what `correct` adds, so
    /// the cycle is symmetric also on what no flux can balance.
    pub(super) fn restrict(&self, b: &[f32], coarser: &mut Level) {
        let ([_, ny, nz], block, [_, my, mz]) = (self.faces.n, self.faces.block, coarser.faces.n);
        let sum = |(coarse_x, sums): (usize, &mut [f32])| {
            sums.fill(0.0);
            let mut rest = vec![0.0; nz];
            for x in cells(coarse_x, block[0], self.faces.n[0]) {
                let planes = self.around(&self.u, x);
                pulp::Arch::new().dispatch(
                    #[inline(always)]
                    || {
                        for y in 0..ny {
                            let (row, rest) = ((x * ny + y) * nz, &mut rest[..nz]);
                            let (b, inverse) = (&b[row..][..nz], &self.inverse[row..][..nz]);
                            self.flow(planes, x, y, rest);
                            (0..nz).for_each(|z| rest[z] = if inverse[z] == 0 { 0.0 } else { rest[z] + b[z] });
                            add_blocks(&mut sums[y / block[1] * mz..][..mz], rest, block[2]);
                        }
                    },
                );
            }
        };
        if self.u.len() < FEW {
            coarser.b.chunks_exact_mut(my * mz).enumerate().for_each(sum);
        } else {
            coarser.b.par_chunks_exact_mut(my * mz).enumerate().for_each(sum);
        }
    }

    /// v after a Jacobi step from u and the correction of the next coarser level.
    pub(super) fn correct(&mut self, b: &[f32], coarser: Option<&Level>, weight: f32) {
        let mut v = std::mem::take(&mut self.v);
        let ([_, ny, nz], block, plane) = (self.faces.n, self.faces.block, self.plane());
        let make = |x: usize, made: &mut [f32]| {
            made.copy_from_slice(&self.u[x * plane..][..plane]);
            let Some(coarser) = coarser else { return };
            let [_, my, mz] = coarser.faces.n;
            let correction = &coarser.u[x / block[0] * my * mz..][..my * mz];
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || {
                    for y in 0..ny {
                        let (row, inverse) = (&mut made[y * nz..][..nz], &self.inverse[x * plane + y * nz..][..nz]);
                        add_to_blocks(row, &correction[y / block[1] * mz..][..mz], block[2], inverse);
                    }
                },
            );
        };
        self.made(&mut v, make, |x, planes, out| self.stepped(x, planes, b, weight, out));
        self.v = v;
    }

    /// u after a Jacobi step from v.
    pub(super) fn step(&mut self, b: &[f32], weight: f32) {
        let mut u = std::mem::take(&mut self.u);
        self.each(&mut u, |x, out| self.stepped(x, self.around(&self.v, x), b, weight, out));
        self.u = u;
    }

    /// q = z after a Jacobi step from v; sums of what is seen in z before, plane by plane.
    pub(super) fn finish<const K: usize>(
        &self,
        r: &[f32],
        q: &mut [f32],
        weight: f32,
        seen: impl Fn(&[f32], &[f32], &[f32]) -> [f64; K] + Sync,
    ) -> Vec<[f64; K]> {
        let plane = self.plane();
        q.par_chunks_exact_mut(plane)
            .zip(r.par_chunks_exact(plane))
            .enumerate()
            .map_init(
                || vec![0.0; plane],
                |z, (x, (q, own))| {
                    self.stepped(x, self.around(&self.v, x), r, weight, z);
                    let sums = seen(z, own, q);
                    q.copy_from_slice(z);
                    sums
                },
            )
            .collect()
    }

    /// Plane x of a field, between those before and after.
    #[inline(always)]
    fn around<'a>(&self, field: &'a [f32], x: usize) -> Planes<'a> {
        let (n, plane) = (self.faces.n[0], self.plane());
        [(x + n - 1) % n, x, (x + 1) % n].map(|x| &field[x * plane..][..plane])
    }

    /// `change`s all planes.
    fn each(&self, out: &mut [f32], change: impl Fn(usize, &mut [f32]) + Sync) {
        if self.inverse.len() < FEW {
            out.chunks_exact_mut(self.plane()).enumerate().for_each(|(x, out)| change(x, out));
        } else {
            out.par_chunks_exact_mut(self.plane()).enumerate().for_each(|(x, out)| change(x, out));
        }
    }

    /// `change`s all planes by those of a field that is made on the way, of which three planes are there at a time.
    fn made(
        &self,
        out: &mut [f32],
        make: impl Fn(usize, &mut [f32]) + Sync,
        change: impl Fn(usize, Planes<'_>, &mut [f32]) + Sync,
    ) {
        let (n, plane) = (self.faces.n[0], self.plane());
        let slab = |buffers: &mut [Vec<f32>; 3], (first, out): (usize, &mut [f32])| {
            let first = SLAB * first;
            make((first + n - 1) % n, &mut buffers[0]);
            make(first, &mut buffers[1]);
            for (k, out) in out.chunks_exact_mut(plane).enumerate() {
                let x = first + k;
                make((x + 1) % n, &mut buffers[(k + 2) % 3]);
                change(x, [k, k + 1, k + 2].map(|i| &buffers[i % 3][..]), out);
            }
        };
        let buffers = || std::array::from_fn(|_| vec![0.0; plane]);
        if self.inverse.len() < FEW {
            let mut buffers = buffers();
            out.chunks_mut(SLAB * plane).enumerate().for_each(|part| slab(&mut buffers, part));
        } else {
            out.par_chunks_mut(SLAB * plane).enumerate().for_each_init(buffers, slab);
        }
    }

    /// u + weight D⁻¹ (b − Au) on plane x.
    fn stepped(&self, x: usize, planes: Planes<'_>, b: &[f32], weight: f32, out: &mut [f32]) {
        let [_, ny, nz] = self.faces.n;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for y in 0..ny {
                    let (row, out) = ((x * ny + y) * nz, &mut out[y * nz..][..nz]);
                    let (u, b, inverse) = (&planes[1][y * nz..][..nz], &b[row..][..nz], &self.inverse[row..][..nz]);
                    self.flow(planes, x, y, out);
                    (0..nz).for_each(|z| out[z] = u[z] + weight * wide(inverse[z]) * (b[z] + out[z]));
                }
            },
        );
    }

    /// −Au on the row (x, y).
    #[inline(always)]
    fn flow(&self, [left, own, right]: Planes<'_>, x: usize, y: usize, out: &mut [f32]) {
        let [_, ny, nz] = self.faces.n;
        let Row { across, along, ground } = Row::new(&self.faces, x, y);
        let rows = [(left, y), (right, y), (own, (y + ny - 1) % ny), (own, (y + 1) % ny), (own, y)];
        let [left, right, before, after, own] = rows.map(|(plane, y)| &plane[y * nz..][..nz]);
        let out = &mut out[..nz];
        let [g0, g1, g2, g3] = across;
        for z in 0..nz {
            let u = own[z];
            out[z] = wide(g0[z]) * (left[z] - u)
                + wide(g1[z]) * (right[z] - u)
                + wide(g2[z]) * (before[z] - u)
                + wide(g3[z]) * (after[z] - u);
        }
        let last = nz - 1;
        for z in 1..last {
            out[z] += wide(along[z]) * (own[z + 1] - own[z]) - wide(along[z - 1]) * (own[z] - own[z - 1]);
        }
        if last > 0 {
            let wrap = wide(along[last]) * (own[0] - own[last]);
            out[0] += wide(along[0]) * (own[1] - own[0]) - wrap;
            out[last] += wrap - wide(along[last - 1]) * (own[last] - own[last - 1]);
        }
        if let Some(ground) = ground {
            out.iter_mut().zip(own.iter().zip(ground)).for_each(|(out, (u, g))| *out -= wide(*g) * u);
        }
    }
}

/// Adds a row to that of its blocks.
#[inline(always)]
fn add_blocks(sums: &mut [f32], row: &[f32], block: usize) {
    if block == 1 {
        sums.iter_mut().zip(row).for_each(|(sum, r)| *sum += r);
        return;
    }
    let pairs = row.chunks_exact(2);
    if let ([last], Some(sum)) = (pairs.remainder(), sums.last_mut()) {
        *sum += last;
    }
    sums.iter_mut().zip(pairs).for_each(|(sum, r)| *sum += r[0] + r[1]);
}

/// Adds what blocks have to their row, where there is an equation: not on plates, nor where nothing conducts.
#[inline(always)]
fn add_to_blocks(row: &mut [f32], blocks: &[f32], block: usize, inverse: &[Bfloat]) {
    let given = |c: f32, inverse: Bfloat| if inverse == 0 { 0.0 } else { c };
    if block == 1 {
        row.iter_mut().zip(blocks.iter().zip(inverse)).for_each(|(u, (c, inverse))| *u += given(*c, *inverse));
        return;
    }
    let pairs = inverse.chunks_exact(2);
    let last_inverse = pairs.remainder();
    let mut rows = row.chunks_exact_mut(2);
    rows.by_ref().zip(blocks.iter().zip(pairs)).for_each(|(u, (c, inverse))| {
        (u[0], u[1]) = (u[0] + given(*c, inverse[0]), u[1] + given(*c, inverse[1]));
    });
    if let ([last], [inverse], Some(c)) = (rows.into_remainder(), last_inverse, blocks.last()) {
        *last += given(*c, *inverse);
    }
}

/// The faces of a row of cells.
struct Row<'a> {
    /// before and after it along the first axis, and along the second
    across: [&'a [Bfloat]; 4],
    /// after each cell along the last axis
    along: &'a [Bfloat],
    ground: Option<&'a [Bfloat]>,
}

impl<'a> Row<'a> {
    #[inline(always)]
    fn new(faces: &'a Faces, x: usize, y: usize) -> Self {
        let [nx, ny, nz] = faces.n;
        let row = |d: usize, x: usize, y: usize| &faces.after[d][(x * ny + y) * nz..][..nz];
        let across = [row(0, (x + nx - 1) % nx, y), row(0, x, y), row(1, x, (y + ny - 1) % ny), row(1, x, y)];
        let ground = (!faces.ground.is_empty()).then(|| &faces.ground[(x * ny + y) * nz..][..nz]);
        Row { across, along: row(2, x, y), ground }
    }
}

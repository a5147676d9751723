//! Fluxes without sources from any iterate, and the lower bound they give.

use std::ops::Range;

use rayon::prelude::*;

use super::field::Field;
use super::forest::Forest;
use super::lattice::{End, Lattice};
use super::scheme::{Energies, Scheme};
use super::two_point::TwoPoint;

/// Fluxes through all faces for several directions: those of potentials, led along a forest where they leave a rest.
///
/// What a potential's flux leaves in a voxel goes to its parent in the forest, with all that came from its children, so that
/// every voxel lets out what it takes in, to rounding, however far the solver has come.
pub(super) struct Fluxes<'a> {
    scheme: &'a TwoPoint,
    a: &'a [f64],
    u: &'a [Field<f64>],
    jumps: &'a [[f64; 3]],
    forest: &'a Forest,
    /// from each voxel to its parent, `[direction][voxel]`
    led: Vec<Field<f64>>,
}

impl<'a> Fluxes<'a> {
    pub(super) fn new(
        scheme: &'a TwoPoint,
        a: &'a [f64],
        u: &'a [Field<f64>],
        jumps: &'a [[f64; 3]],
        forest: &'a Forest,
    ) -> Self {
        let lead = |(u, jump): (&Field<f64>, &[f64; 3])| {
            // what flows in and does not flow out
            let mut rest = Field::<f64>::zeros(u.len());
            scheme.balance(a, u, *jump, &mut rest, |_, _| 0.0);
            // what goes out through a plate is gone, and all that comes to a root is zero
            for [voxel, parent] in forest.order.iter().rev().filter(|[voxel, parent]| voxel != parent) {
                rest[*parent as usize] += rest[*voxel as usize];
            }
            rest
        };
        let led = u.iter().zip(jumps).map(lead).collect();
        Fluxes { scheme, a, u, jumps, forest, led }
    }

    /// The fluxes of some directions through the faces along an axis after the voxels of the row (x, y), or before them.
    #[inline(always)]
    fn through(&self, directions: Range<usize>, (x, y): (usize, usize), axis: usize, after: bool, out: &mut Fluxed) {
        let lattice = self.scheme.lattice();
        let (row, n) = (lattice.index([x, y, 0]), lattice.n[2]);
        if axis < 2 {
            let (beside, image) = lattice.beside(axis, [x, y][axis], after);
            let other = lattice.index(if axis == 0 { [beside, y, 0] } else { [x, beside, 0] });
            let sides = if after { [row, other] } else { [other, row] };
            self.between(directions, axis, sides, self.face(axis, row == other, after, image), 0..n, out);
        } else {
            let (within, end) = if after { (0..n - 1, n - 1) } else { (1..n, 0) };
            self.between(directions.clone(), axis, [row, row + 1], Face::Inner, within, out);
            let (beside, image) = lattice.beside(axis, end, after);
            let sides = if after { [row + end, row + beside] } else { [row + beside, row + end] };
            self.between(directions, axis, sides, self.face(axis, end == beside, after, image), end..end + 1, out);
        }
    }

    /// What a face is, beyond which lies the voxel `itself` or another one, with the sign `image` of its potential.
    #[inline(always)]
    fn face(&self, axis: usize, itself: bool, after: bool, image: f64) -> Face {
        match self.scheme.lattice().ends[axis] {
            End::Mirror if itself => Face::Wall,
            _ if image < 0.0 => Face::Plate { after },
            _ => Face::Inner,
        }
    }

    /// The fluxes through faces between voxels from `low` on before and from `high` on after them, into the `places` of `out`.
    #[inline(always)]
    fn between(
        &self,
        directions: Range<usize>,
        axis: usize,
        [low, high]: [usize; 2],
        face: Face,
        places: Range<usize>,
        out: &mut Fluxed,
    ) {
        let n = places.len();
        let (low, high, closed) = (low..low + n, high..high + n, face == Face::Wall);
        let (a, b) = (&self.a[low.clone()], &self.a[high.clone()]);
        let (parent, parent_high) = (&self.forest.parent[low.clone()], &self.forest.parent[high.clone()]);
        let (forward, back) = (2 * axis as u8 + 1, 2 * axis as u8);
        // of the sides: the sign of the potential, and whether it may lead a rest through the face
        let side = |after| if face == (Face::Plate { after }) { (-1.0, 0.0) } else { (1.0, 1.0) };
        let (at_low, at_high) = (side(false), side(true));
        let Fluxed { conductance, sent, taken, rows } = out;
        let (g, sent, taken) = (&mut conductance[..n], &mut sent[..n], &mut taken[..n]);
        for z in 0..n {
            g[z] = if closed { 0.0 } else { self.scheme.conductance(axis, a[z], b[z]) };
            sent[z] = if parent[z] == forward && !closed { at_low.1 } else { 0.0 };
            taken[z] = if parent_high[z] == back && !closed { at_high.1 } else { 0.0 };
        }
        for (row, direction) in rows.iter_mut().zip(directions) {
            let (u, led) = (&self.u[direction][low.clone()], &self.led[direction][low.clone()]);
            let (v, led_high) = (&self.u[direction][high.clone()], &self.led[direction][high.clone()]);
            let (row, jump) = (&mut row[places.clone()], self.jumps[direction][axis]);
            for z in 0..n {
                // a potential drives from high to low; the balance counts what a rise of u brings in
                let driven = g[z] * (at_high.0 * v[z] - at_low.0 * u[z] + jump);
                row[z] = driven - sent[z] * led[z] + taken[z] * led_high[z];
            }
        }
    }

    pub(super) fn lattice(&self) -> &Lattice {
        self.scheme.lattice()
    }

    pub(super) fn potential(&self, direction: usize) -> &[f64] {
        &self.u[direction]
    }

    pub(super) fn conductivity(&self) -> &[f64] {
        self.a
    }

    /// Flux per area in the middle of each voxel for one direction, times `unit`, `[voxel][axis]`.
    pub(super) fn densities(&self, direction: usize, axes: &[usize], unit: f64) -> Vec<f64> {
        let lattice = self.scheme.lattice();
        let half = lattice.h.map(|h| 0.5 * unit * h / lattice.volume());
        let (d, ny, nz) = (axes.len(), lattice.n[1], lattice.n[2]);
        let mut found = vec![0.0; d * lattice.len()];
        found.par_chunks_mut(d * nz).enumerate().for_each_init(
            || [Fluxed::new(1, nz), Fluxed::new(1, nz)],
            |[into, out], (row, found)| {
                for (k, axis) in axes.iter().enumerate() {
                    self.through(direction..direction + 1, (row / ny, row % ny), *axis, false, into);
                    self.through(direction..direction + 1, (row / ny, row % ny), *axis, true, out);
                    let middle = into.rows[0].iter().zip(&out.rows[0]).map(|(into, out)| half[*axis] * (into + out));
                    found[k..].iter_mut().step_by(d).zip(middle).for_each(|(found, middle)| *found = middle);
                }
            },
        );
        found
    }

    /// Means J of the fluxes (columns) and their energies C_ij = ∫ q_i·q_j/a, of the Raviart–Thomas fields, exactly; per volume.
    pub(super) fn means_and_energies(&self) -> [Vec<Vec<f64>>; 2] {
        let lattice: &Lattice = self.scheme.lattice();
        let k = self.u.len();
        let area = lattice.h.map(|h| lattice.volume() / h);
        let plane = |x: usize| {
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || self.means_and_energies_of_plane(x, area),
            )
        };
        let parts: Vec<([Vec<f64>; 3], Energies)> = (0..lattice.n[0]).into_par_iter().map(plane).collect();
        let share = 1.0 / lattice.len() as f64;
        let mean = |axis: usize, i: usize| share * parts.iter().map(|part| part.0[axis][i]).sum::<f64>();
        let means = (0..3).map(|axis| (0..k).map(|i| mean(axis, i)).collect()).collect();
        let mut energies = Energies::total(parts.iter().map(|part| &part.1), k);
        energies.iter_mut().flatten().for_each(|energy| *energy *= share);
        [means, energies]
    }

    #[inline(always)]
    fn means_and_energies_of_plane(&self, x: usize, area: [f64; 3]) -> ([Vec<f64>; 3], Energies) {
        let lattice = self.scheme.lattice();
        let (k, nz) = (self.u.len(), lattice.n[2]);
        let (mut means, mut energies) = (std::array::from_fn(|_| vec![0.0; k]), Energies::new(k));
        let (mut into, mut out, mut both) = (Fluxed::new(k, nz), Fluxed::new(k, nz), vec![vec![0.0; nz]; k]);
        let mut weight = vec![0.0; nz];
        for y in 0..lattice.n[1] {
            let a = &self.a[lattice.index([x, y, 0])..][..nz];
            for axis in 0..3 {
                // densities along the axis are linear between the faces: ∫ q_i q_j = (into into + out out + both both)/6
                let over = area[axis].powi(-2) / 6.0;
                weight.iter_mut().zip(a).for_each(|(w, a)| *w = if *a > 0.0 { over / a } else { 0.0 });
                self.through(0..k, (x, y), axis, false, &mut into);
                self.through(0..k, (x, y), axis, true, &mut out);
                for j in 0..k {
                    let (into, out, both) = (&into.rows[j][..nz], &out.rows[j][..nz], &mut both[j][..nz]);
                    (0..nz).for_each(|z| both[z] = into[z] + out[z]);
                    means[axis][j] += 0.5 * both.iter().sum::<f64>() / area[axis];
                }
                energies.add(&weight, &into.rows);
                energies.add(&weight, &out.rows);
                energies.add(&weight, &both);
            }
        }
        (means, energies)
    }
}

/// What lies on the two sides of a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    /// voxels, or their periodic copies
    Inner,
    /// a voxel and its even image: nothing passes
    Wall,
    /// a voxel and its odd image, which is after the face or before it
    Plate { after: bool },
}

/// Fluxes of some directions through faces of a row, and room for what they have in common.
struct Fluxed {
    /// `[direction][voxel]`
    rows: Vec<Vec<f64>>,
    conductance: Vec<f64>,
    /// one where the voxel before the face leads its rest through it, or the one after it
    sent: Vec<f64>,
    taken: Vec<f64>,
}

impl Fluxed {
    fn new(directions: usize, n: usize) -> Self {
        let zeros = || vec![0.0; n];
        Fluxed { rows: vec![zeros(); directions], conductance: zeros(), sent: zeros(), taken: zeros() }
    }
}

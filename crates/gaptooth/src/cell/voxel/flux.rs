//! Fluxes without sources from any iterate, and the lower bound they give.

use rayon::prelude::*;

use super::field::Field;
use super::forest::{Forest, NONE};
use super::lattice::{End, Lattice};
use super::scheme::Scheme;
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
        let lattice = scheme.lattice();
        let lead = |(u, jump): (&Field<f64>, &[f64; 3])| {
            // what flows in and does not flow out
            let mut rest = Field::<f64>::zeros(u.len());
            scheme.balance(a, u, *jump, &mut rest, |_, _| 0.0);
            for voxel in forest.order.iter().rev() {
                let way = forest.parent[*voxel as usize];
                if way == NONE {
                    continue;
                }
                let place = lattice.place(*voxel as usize);
                // what goes out through a plate is gone
                if let Some(parent) = lattice.step(place, usize::from(way / 2), way % 2 == 1) {
                    rest[lattice.index(parent)] += rest[*voxel as usize];
                }
            }
            rest
        };
        let led = u.iter().zip(jumps).map(lead).collect();
        Fluxes { scheme, a, u, jumps, forest, led }
    }

    /// The flux through the face after a voxel along an axis, or before it, for each direction.
    #[inline(always)]
    fn through(&self, place: [usize; 3], axis: usize, after: bool) -> [f64; 3] {
        let lattice = self.scheme.lattice();
        let (forward, back) = (2 * axis as u8 + 1, 2 * axis as u8);
        let here = lattice.index(place);
        let Some(there) = lattice.step(place, axis, after).map(|there| lattice.index(there)) else {
            if lattice.ends[axis] == End::Mirror {
                return [0.0; 3];
            }
            let g = self.scheme.conductance(axis, self.a[here], self.a[here]);
            // beyond a plate is the odd image
            let (sign, out) = if after { (-1.0, forward) } else { (1.0, back) };
            return self.each(|j, u| {
                let led = if self.forest.parent[here] == out { sign * self.led[j][here] } else { 0.0 };
                g * (sign * 2.0 * u[here] + self.jumps[j][axis]) + led
            });
        };
        let (here, there) = if after { (here, there) } else { (there, here) };
        let g = self.scheme.conductance(axis, self.a[here], self.a[there]);
        self.each(|j, u| {
            // a potential drives from high to low; the balance counts what a rise of u brings in
            let mut q = g * (u[there] - u[here] + self.jumps[j][axis]);
            if self.forest.parent[here] == forward {
                q -= self.led[j][here];
            }
            if self.forest.parent[there] == back {
                q += self.led[j][there];
            }
            q
        })
    }

    #[inline(always)]
    fn each(&self, flux: impl Fn(usize, &[f64]) -> f64) -> [f64; 3] {
        let mut found = [0.0; 3];
        self.u.iter().enumerate().for_each(|(j, u)| found[j] = flux(j, u));
        found
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
        let mut found = vec![0.0; axes.len() * lattice.len()];
        found.par_chunks_mut(axes.len()).enumerate().for_each(|(voxel, found)| {
            let place = lattice.place(voxel);
            for (found, axis) in found.iter_mut().zip(axes) {
                let out = self.through(place, *axis, true)[direction];
                let into = self.through(place, *axis, false)[direction];
                *found = half[*axis] * (out + into);
            }
        });
        found
    }

    /// Means J of the fluxes (columns) and their energies C_ij = ∫ q_i·q_j/a, of the Raviart–Thomas fields, exactly; per volume.
    pub(super) fn means_and_energies(&self) -> [Vec<Vec<f64>>; 2] {
        let lattice: &Lattice = self.scheme.lattice();
        let k = self.u.len();
        let area = lattice.h.map(|h| lattice.volume() / h);
        let plane = |x: usize| {
            let (mut means, mut energies) = (vec![vec![0.0; k]; 3], vec![vec![0.0; k]; k]);
            for (y, z) in (0..lattice.n[1]).flat_map(|y| (0..lattice.n[2]).map(move |z| (y, z))) {
                let place = [x, y, z];
                let a = self.a[lattice.index(place)];
                if a == 0.0 {
                    continue;
                }
                for axis in 0..3 {
                    let density = |q: [f64; 3]| q.map(|q| q / area[axis]);
                    let out = density(self.through(place, axis, true));
                    let into = density(self.through(place, axis, false));
                    for i in 0..k {
                        means[axis][i] += 0.5 * (out[i] + into[i]);
                        for j in 0..k {
                            // ∫ of a product of two linear functions
                            let product =
                                2.0 * (into[i] * into[j] + out[i] * out[j]) + into[i] * out[j] + out[i] * into[j];
                            energies[i][j] += product / (6.0 * a);
                        }
                    }
                }
            }
            [means, energies]
        };
        let parts: Vec<[Vec<Vec<f64>>; 2]> = (0..lattice.n[0]).into_par_iter().map(plane).collect();
        let mut total = [vec![vec![0.0; k]; 3], vec![vec![0.0; k]; k]];
        for part in &parts {
            let entries = total.iter_mut().flatten().flatten();
            entries.zip(part.iter().flatten().flatten()).for_each(|(t, p)| *t += p / lattice.len() as f64);
        }
        total
    }
}

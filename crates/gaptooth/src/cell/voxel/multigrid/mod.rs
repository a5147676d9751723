//! Multigrid cycles for two-point fluxes: what conjugate gradients are preconditioned by.
//!
//! Coarse cells are blocks of two voxels along each axis with strong coupling, and one of their faces conducts three quarters of what the
//! faces of its voxels do: half way between Galerkin's operator for functions that are constant on blocks and one with twice the
//! distance (Khalil & Wesseling 1992). It keeps holes and necks as long as blocks are smaller than they are, so a few cycles find a
//! tensor to 1e-5, whatever the number of voxels.

mod bfloat;
mod faces;
mod level;

use super::lattice::Lattice;
use faces::Faces;
use level::Level;

/// Where Chebyshev's two Jacobi steps begin to smooth: eigenvalues of D⁻¹A from here to 2.
const LOW: f32 = 0.5;
/// Corrections by the next coarser level on levels below the voxels: a W cycle.
const CORRECTIONS: usize = 2;

/// An approximate inverse of the two-point operator, symmetric: one cycle from zero.
pub(super) struct Multigrid {
    /// voxels first
    levels: Vec<Level>,
    /// of the two Jacobi steps
    weights: [f32; 2],
}

impl Multigrid {
    /// Of two-point fluxes between voxels of conductivities `a`, zero where nothing conducts; `weights` = area/distance of the faces across
    /// each axis.
    pub(super) fn of_voxels(lattice: &Lattice, a: &[f32], weights: [f64; 3]) -> Self {
        Multigrid::new(Faces::of_voxels(lattice, a, weights))
    }

    /// Of fluxes along the edges between `n` corners, instead of multilinear elements.
    pub(super) fn of_edges(n: [usize; 3], lattice: &Lattice, a: &[f32], weights: [f64; 3]) -> Self {
        Multigrid::new(Faces::of_edges(n, lattice, a, weights))
    }

    fn new(finest: Faces) -> Self {
        let mut levels = vec![];
        let mut faces = Some(finest);
        while let Some(own) = faces {
            faces = own.coarser();
            levels.push(Level::new(own, levels.is_empty()));
        }
        let (middle, spread) = (0.5 * (2.0 + LOW), 0.5 * (2.0 - LOW) * std::f32::consts::FRAC_1_SQRT_2);
        Multigrid { levels, weights: [1.0 / (middle + spread), 1.0 / (middle - spread)] }
    }

    /// q = P r. `change(r, q)` first makes each plane of r what it is to be; `seen(z, r, q)` sees each plane z of P r before it
    /// takes the place of q; gives its sums, plane by plane.
    pub(super) fn solve<const K: usize>(
        &mut self,
        r: &mut [f32],
        q: &mut [f32],
        change: impl Fn(&mut [f32], &[f32]) + Sync,
        seen: impl Fn(&[f32], &[f32], &[f32]) -> [f64; K] + Sync,
    ) -> Vec<[f64; K]> {
        let (fine, coarser) = self.levels.split_at_mut(1);
        let fine = &mut fine[0];
        fine.change(r, q, change);
        fine.start(r, self.weights);
        if let Some(next) = coarser.first_mut() {
            fine.restrict(r, next);
            cycle(coarser, self.weights);
        }
        fine.correct(r, coarser.first(), self.weights[0]);
        fine.finish(r, q, self.weights[1], seen)
    }
}

/// Solves the equation of the first of `levels` approximately, from zero.
fn cycle(levels: &mut [Level], weights: [f32; 2]) {
    let (level, coarser) = levels.split_at_mut(1);
    let level = &mut level[0];
    let b = std::mem::take(&mut level.b);
    if coarser.is_empty() {
        level.solve_one(&b);
    } else {
        level.start(&b, weights);
        for _ in 0..CORRECTIONS {
            level.restrict(&b, &mut coarser[0]);
            cycle(coarser, weights);
            level.correct(&b, coarser.first(), weights[0]);
            level.step(&b, weights[1]);
        }
    }
    level.b = b;
}

#[cfg(test)]
mod tests {
    use super::super::lattice::End::{self, Mirror, Periodic, Plate};
    use super::*;

    const SHAPES: [[usize; 3]; 6] = [[8, 8, 8], [7, 5, 6], [1, 1, 9], [12, 1, 5], [3, 2, 17], [1, 1, 1]];
    const ENDS: [[End; 3]; 4] =
        [[Periodic; 3], [Plate, Mirror, Mirror], [Mirror, Plate, Mirror], [Mirror, Mirror, Plate]];

    /// Numbers that look random, in [0, 1).
    fn noise(n: usize, seed: u32) -> Vec<f32> {
        (0..n as u32).map(|i| ((i + seed).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32).collect()
    }

    fn applied(multigrid: &mut Multigrid, r: &[f32]) -> Vec<f32> {
        let (mut r, mut q) = (r.to_vec(), vec![0.0; r.len()]);
        multigrid.solve(&mut r, &mut q, |_, _| {}, |_, _, _| [0.0]);
        q
    }

    fn dot(x: &[f32], y: &[f32]) -> f64 {
        x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    }

    /// Conjugate gradients need both; sizes odd and even, walls, plates, voxels of different edges, corners and middles.
    #[test]
    fn a_cycle_is_symmetric_and_positive() {
        for (n, ends) in SHAPES.into_iter().flat_map(|n| ENDS.map(|ends| (n, ends))) {
            let lattice = Lattice { n, h: [1.0, 1.7, 0.4], ends };
            let a: Vec<f32> = noise(lattice.len(), 5).iter().map(|a| if *a < 0.3 { 0.0 } else { *a }).collect();
            let weights = lattice.h.map(|h| lattice.volume() / (h * h));
            let corners = std::array::from_fn(|d| n[d] + usize::from(ends[d] != Periodic));
            let both = [
                (Multigrid::of_voxels(&lattice, &a, weights), lattice.len()),
                (Multigrid::of_edges(corners, &lattice, &a, weights), corners.iter().product()),
            ];
            for (mut multigrid, unknowns) in both {
                let (x, y) = (noise(unknowns, 100), noise(unknowns, 9000));
                let (px, py) = (applied(&mut multigrid, &x), applied(&mut multigrid, &y));
                let scale = (dot(&px, &px) * dot(&y, &y)).sqrt() + (dot(&py, &py) * dot(&x, &x)).sqrt();
                assert!((dot(&y, &px) - dot(&x, &py)).abs() <= 1e-5 * scale, "{n:?} {ends:?} {unknowns}");
                assert!(dot(&x, &px) >= 0.0 && dot(&y, &py) >= 0.0, "{n:?} {ends:?} {unknowns}");
            }
        }
    }

    /// A homogeneous medium between plates: what a cycle leaves of the smoothest potential hardly grows with the number of cells.
    #[test]
    fn a_cycle_finds_two_fifths_of_a_smooth_potential_at_any_length() {
        for n in [8, 64, 512, 4096] {
            let lattice = Lattice { n: [1, 1, n], h: [1.0; 3], ends: [Mirror, Mirror, Plate] };
            let mut multigrid = Multigrid::of_voxels(&lattice, &vec![1.0; n], [1.0; 3]);
            let angle = std::f64::consts::PI / n as f64;
            let u: Vec<f32> = (0..n).map(|i| (angle * (i as f64 + 0.5)).sin() as f32).collect();
            let r: Vec<f32> = u.iter().map(|u| (4.0 * (0.5 * angle).sin().powi(2)) as f32 * u).collect();
            let z = applied(&mut multigrid, &r);
            let error: Vec<f32> = z.iter().zip(&u).map(|(z, u)| z - u).collect();
            let left = (dot(&error, &error) / dot(&u, &u)).sqrt();
            assert!(left < 0.6, "{n}: {left}");
        }
    }
}

//! Multigrid cycles for two-point fluxes: what conjugate gradients are preconditioned by.
//!
//! Coarse cells are blocks of two voxels along each axis with strong coupling, and one of their faces conducts what the faces of its voxels
//! do, over twice the distance: Galerkin's operator for functions that are constant on blocks, but for the distance (Khalil &
//! Wesseling 1992). It keeps holes and necks as long as blocks are smaller than they are, so some three cycles find a tensor to
//! 1e-5, whatever the number of voxels.

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
    /// For conductivities `a`, zero where nothing conducts, and `weights` = area/distance of the faces across each axis.
    pub(super) fn new(lattice: &Lattice, a: &[f32], weights: [f64; 3]) -> Self {
        let mut levels = vec![];
        let mut faces = Some(Faces::new(lattice, a, weights));
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
        let t0=std::time::Instant::now(); fine.change(r, q, change); eprintln!("      change {:?}", t0.elapsed());
        fine.start(r, self.weights);
        eprintln!("      start {:?}", t0.elapsed()); if let Some(next) = coarser.first_mut() {
            fine.restrict(r, next); eprintln!("      restrict {:?}", t0.elapsed());
            cycle(coarser, self.weights);
        }
        eprintln!("      cycle {:?}", t0.elapsed()); fine.correct(r, coarser.first(), self.weights[0]);
        eprintln!("      correct {:?}", t0.elapsed()); fine.finish(r, q, self.weights[1], seen)
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

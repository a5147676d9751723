//! What a discretization of the cell problem on voxels gives to the solver.

use rayon::prelude::*;

use super::lattice::{Lattice, Real};
use super::poisson::Poisson;

/// A discrete −∇·(a(e + ∇u)) on a periodic lattice, as an energy ½ Σ of squares weighted by a.
pub(super) trait Scheme: Sync {
    /// The voxels; there are as many unknowns.
    fn lattice(&self) -> &Lattice;

    /// The inverse of the operator for a = 1.
    fn symbol(&self) -> Poisson;

    /// ∇·(a(e + ∇u)) tested with every unknown; `jump` is e_d h_d.
    fn balance<T: Real>(&self, a: &[T], u: &[T], jump: [f64; 3], out: &mut [T]);

    /// The energies ∫ (e_i + ∇u_i)·a(e_j + ∇u_j) of several fields, as a matrix.
    fn energy(&self, a: &[f64], u: &[Vec<f64>], jumps: &[[f64; 3]]) -> Vec<Vec<f64>>;
}

/// Sums of k × k matrices over planes, added in order: the same bits for any number of threads.
pub(super) fn sum_planes(
    lattice: &Lattice,
    k: usize,
    plane: impl Fn(usize) -> Vec<Vec<f64>> + Sync + Send,
) -> Vec<Vec<f64>> {
    let parts: Vec<Vec<Vec<f64>>> = (0..lattice.n[0]).into_par_iter().map(plane).collect();
    let mut total = vec![vec![0.0; k]; k];
    for part in parts {
        total.iter_mut().flatten().zip(part.iter().flatten()).for_each(|(t, p)| *t += p);
    }
    total
}

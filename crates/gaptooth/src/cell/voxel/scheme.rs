//! What a discretization of the cell problem on voxels gives to the solver.

use rayon::prelude::*;

use super::VoxelSolver;
use super::field::Field;
use super::lattice::{Lattice, Real};
use super::preconditioner::Preconditioner;

/// A discrete −∇·(a(e + ∇u)) on a lattice, as an energy ½ Σ of squares weighted by a.
pub(super) trait Scheme: Sync {
    /// What its problems are kept under.
    fn name(&self) -> &'static str;

    /// The voxels.
    fn lattice(&self) -> &Lattice;

    /// Unknowns along each axis.
    fn unknowns(&self) -> [usize; 3];

    /// What conjugate gradients for conductivities `a` are preconditioned by.
    fn preconditioner(&self, solver: VoxelSolver, a: &[f32]) -> Preconditioner;

    /// ∇·(a(e + ∇u)) tested with every unknown; `jump` is e_d h_d. `seen(first, part)` sees finished parts of it and where they begin, in
    /// planes; its sums are added up in order.
    fn balance<T: Real>(
        &self,
        a: &[T],
        u: &[T],
        jump: [f64; 3],
        out: &mut [T],
        seen: impl Fn(usize, &[T]) -> f64 + Sync,
    ) -> f64;

    /// The energy of u = 0 for one direction.
    fn start(&self, a: &[f32], jump: [f64; 3]) -> f64;

    /// The energies ∫ (e_i + ∇u_i)·a(e_j + ∇u_j) of several fields, as a matrix.
    fn energy(&self, a: &[f64], u: &[Field<f64>], jumps: &[[f64; 3]]) -> Vec<Vec<f64>>;
}

/// Matrices of energies of k fields, summed up row by row.
pub(super) struct Energies {
    k: usize,
    sums: Vec<f64>,
}

impl Energies {
    pub(super) fn new(k: usize) -> Self {
        Energies { k, sums: vec![0.0; k * k] }
    }

    /// Adds Σ_z g s_i s_j for rows s of each field.
    #[inline(always)]
    pub(super) fn add(&mut self, g: &[f64], fields: &[Vec<f64>]) {
        match fields {
            [one] => self.add_rows(g, [one]),
            [one, two] => self.add_rows(g, [one, two]),
            [one, two, three] => self.add_rows(g, [one, two, three]),
            _ => {}
        }
    }

    #[inline(always)]
    fn add_rows<const K: usize>(&mut self, g: &[f64], fields: [&Vec<f64>; K]) {
        const LANES: usize = 4;
        let n = g.len();
        let (fields, whole) = (fields.map(|f| &f[..n]), n - n % LANES);
        let mut lanes = [[[0.0f64; LANES]; K]; K];
        for start in (0..whole).step_by(LANES) {
            let at = fields.map(|f| &f[start..start + LANES]);
            let g = &g[start..start + LANES];
            for i in 0..K {
                let weighted: [f64; LANES] = std::array::from_fn(|l| g[l] * at[i][l]);
                for j in 0..=i {
                    (0..LANES).for_each(|l| lanes[i][j][l] += weighted[l] * at[j][l]);
                }
            }
        }
        for i in 0..K {
            for j in 0..=i {
                let rest: f64 = (whole..n).map(|z| g[z] * fields[i][z] * fields[j][z]).sum();
                self.sums[i * self.k + j] += lanes[i][j].iter().sum::<f64>() + rest;
            }
        }
    }

    /// All planes' sums added in order: the same bits for any number of threads.
    pub(super) fn over_planes(
        lattice: &Lattice,
        k: usize,
        plane: impl Fn(usize) -> Energies + Sync + Send,
    ) -> Vec<Vec<f64>> {
        let parts: Vec<Energies> = (0..lattice.n[0]).into_par_iter().map(plane).collect();
        Energies::total(parts.iter(), k)
    }

    /// Parts added in order.
    pub(super) fn total<'a>(parts: impl Iterator<Item = &'a Energies> + Clone, k: usize) -> Vec<Vec<f64>> {
        let entry = |i: usize, j: usize| parts.clone().map(|part| part.sums[i.max(j) * k + i.min(j)]).sum();
        (0..k).map(|i| (0..k).map(|j| entry(i, j)).collect()).collect()
    }
}

//! Directions that are solved under the same conditions at the ends, and what they say about the tensor.

use faer::Mat;

use super::conjugate_gradients::ConjugateGradients;
use super::field::Field;
use super::fields::VoxelResponse;
use super::flux::Fluxes;
use super::forest::Forest;
use super::lattice::{End, Lattice};
use super::multilinear::Multilinear;
use super::scheme::Scheme;
use super::two_point::TwoPoint;
use super::watch::{Place, Solved, Watch};
use super::{VoxelOptions, VoxelSolver};
use crate::{Error, Result};

type Matrix = Vec<Vec<f64>>;
/// Potentials, their energies, and the largest relative error that the solver left in these.
type Answers = (Vec<Field<f64>>, Matrix, f64);

/// The lower bound asks so much more of the fluxes than their own energy: rests that are led along the forest count more.
const LED: f64 = 1e-2;

/// Multigrid whose error is so many times the tolerance has lost its way.
const ASTRAY: f64 = 1e3;

/// Directions with the same conditions at the ends.
pub(super) struct Group<'a> {
    lattice: Lattice,
    a: &'a [f64],
    /// the directions, axes of the picture, and the axes of the lattice that the picture has
    open: Vec<usize>,
    axes: &'a [usize],
    jumps: Vec<[f64; 3]>,
}

/// What all groups found: tensors for a of at most 1, and responses.
pub(super) struct Found {
    pub(super) tensor: Matrix,
    pub(super) lower: Matrix,
    pub(super) upper: Matrix,
    pub(super) responses: Vec<VoxelResponse>,
    pub(super) iterations: usize,
    /// the largest relative error that the solver left
    pub(super) error: f64,
    /// problems, one for each direction and scheme
    solved: usize,
}

impl Found {
    pub(super) fn new(d: usize) -> Self {
        let zero = || vec![vec![0.0; d]; d];
        let (tensor, lower, upper) = (zero(), zero(), zero());
        Found { tensor, lower, upper, responses: vec![], iterations: 0, error: 0.0, solved: 0 }
    }
}

impl<'a> Group<'a> {
    /// All directions together in a cell that repeats; each of its own between plates, where fields of different directions differ in
    /// parity and have no energy in common.
    pub(super) fn all(lattice: &Lattice, a: &'a [f64], open: &[usize], axes: &'a [usize]) -> Vec<Self> {
        let group = |lattice: Lattice, open: &[usize]| {
            let jump = |d: &usize| std::array::from_fn(|axis| if axis == axes[*d] { lattice.h[axis] } else { 0.0 });
            Group { lattice, a, open: open.to_vec(), axes, jumps: open.iter().map(jump).collect() }
        };
        let between_plates = |d: &usize| {
            let mut lattice = *lattice;
            lattice.ends[axes[*d]] = End::Plate;
            group(lattice, &[*d])
        };
        match open {
            [] => vec![],
            _ if lattice.repeats() => vec![group(*lattice, open)],
            _ => open.iter().map(between_plates).collect(),
        }
    }

    /// Adds the entries of these directions to what was found.
    pub(super) fn solve(
        &self,
        largest: f64,
        options: &VoxelOptions,
        watch: &Watch<'_>,
        found: &mut Found,
    ) -> Result<()> {
        let scheme = TwoPoint::new(self.lattice);
        let led = VoxelOptions { tolerance: options.tolerance * if options.bounds { LED } else { 1.0 }, ..*options };
        let (potentials, energy, error) = self.solved(&scheme, &led, watch, found)?;
        found.error = found.error.max(error);
        let unit = 1.0 / self.lattice.whole();
        self.place(&energy, unit, &mut found.tensor);
        if options.bounds || options.fields {
            let forest = Forest::new(&self.lattice, self.a);
            let fluxes = Fluxes::new(&scheme, self.a, &potentials, &self.jumps, &forest);
            if options.bounds {
                let bound = from_below(&fluxes.means_and_energies(), &self.open, self.axes);
                self.place(&bound, 1.0, &mut found.lower);
            }
            if options.fields {
                let response = |j| VoxelResponse::new(&fluxes, j, (&self.open, self.axes), largest);
                found.responses.extend((0..self.open.len()).map(response));
            }
        }
        drop(potentials);
        if options.bounds {
            let scheme = Multilinear::new(self.lattice);
            let (_, energy, _) = self.solved(&scheme, options, watch, found)?;
            self.place(&energy, unit, &mut found.upper);
        }
        Ok(())
    }

    /// The potentials of all directions, their energies and the largest relative error: by transforms where multigrid went astray.
    fn solved(
        &self,
        scheme: &impl Scheme,
        options: &VoxelOptions,
        watch: &Watch<'_>,
        found: &mut Found,
    ) -> Result<Answers> {
        let mut solved = self.potentials(scheme, options, watch, found);
        let astray = match &solved {
            Ok((_, _, error)) => *error > (ASTRAY * options.tolerance).min(0.5),
            Err(error) => matches!(error, Error::Solver { .. }),
        };
        if astray && options.solver == VoxelSolver::Multigrid {
            drop(solved);
            solved = self.potentials(scheme, &VoxelOptions { solver: VoxelSolver::Fft, ..*options }, watch, found);
        }
        found.solved += self.jumps.len();
        solved
    }

    /// The same by the solver of `options`, one direction after the other.
    fn potentials(
        &self,
        scheme: &impl Scheme,
        options: &VoxelOptions,
        watch: &Watch<'_>,
        found: &mut Found,
    ) -> Result<Answers> {
        let mut solver = ConjugateGradients::new(scheme, self.a, options.solver);
        let mut solved: Vec<Solved> = vec![];
        for (k, jump) in self.jumps.iter().enumerate() {
            let name = format!("{}-{:?}-{}", scheme.name(), options.solver, self.open[k]).to_lowercase();
            let one = match watch.kept(&name, scheme.unknowns().iter().product())? {
                Some(one) => one,
                None => {
                    let place = Place { watch, before: found.solved + k, name: &name, solved: &solved };
                    let (u, outcome) = solver.solve(*jump, options.tolerance, &place)?;
                    Solved::new(name, u, outcome)
                }
            };
            found.iterations += one.outcome.iterations;
            solved.push(one);
            watch.keep_solved(&solved);
        }
        drop(solver);
        let (potentials, outcomes): (Vec<_>, Vec<_>) =
            solved.into_iter().map(|one| (one.potential, one.outcome)).unzip();
        let energy = scheme.energy(self.a, &potentials, &self.jumps);
        let error = outcomes.iter().enumerate().map(|(k, outcome)| outcome.error(energy[k][k])).fold(0.0, f64::max);
        Ok((potentials, energy, error))
    }

    fn place(&self, block: &Matrix, unit: f64, tensor: &mut Matrix) {
        for (i, row) in self.open.iter().zip(block) {
            self.open.iter().zip(row).for_each(|(j, b)| tensor[*i][*j] = b * unit);
        }
    }
}

/// J C⁺ Jᵀ: the largest energy 2 ξ·⟨q⟩ − ⟨q·q/a⟩ over combinations q of the fluxes.
fn from_below([means, energies]: &[Matrix; 2], open: &[usize], axes: &[usize]) -> Matrix {
    let k = open.len();
    let c = Mat::from_fn(k, k, |i, j| 0.5 * (energies[i][j] + energies[j][i]));
    let mut bound = vec![vec![0.0; k]; k];
    let Ok(eigen) = c.self_adjoint_eigen(faer::Side::Lower) else { return bound };
    let (values, vectors) = (eigen.S(), eigen.U());
    let largest = (0..k).map(|m| values[m]).fold(0.0, f64::max);
    // fewer combinations give a lower bound too
    for m in (0..k).filter(|m| values[*m] > 1e-13 * largest) {
        let mean: Vec<f64> =
            open.iter().map(|d| (0..k).map(|i| means[axes[*d]][i] * vectors[(i, m)]).sum::<f64>()).collect();
        for (i, j) in (0..k).flat_map(|i| (0..k).map(move |j| (i, j))) {
            bound[i][j] += mean[i] * mean[j] / values[m];
        }
    }
    bound
}

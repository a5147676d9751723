//! Effective tensors of voxels: a picture of a material, a conductivity in each voxel, an interval that holds the truth.
//!
//! The truth is that of the picture as it is: blocks with straight edges, on periodic boundary conditions or between two plates. Two
//! discretizations enclose it. From fluxes through faces comes a lower bound (a flux without sources has at least the energy
//! of the true one), from values at corners an upper one (so has a periodic potential); both need only be admissible, so
//! they hold however far the solver came. Dvořák (1993); Vondřejc, Zeman & Marek (2015).

mod conjugate_gradients;
mod field;
mod fields;
mod flux;
mod forest;
mod group;
mod lattice;
mod mixture;
mod multigrid;
mod multilinear;
mod percolation;
mod poisson;
mod preconditioner;
mod scheme;
mod two_point;
mod watch;

use std::hash::{DefaultHasher, Hash, Hasher};

use rayon::prelude::*;

use super::EffectiveTensor;
use crate::observer::Observer;
use crate::store::Store;
use crate::{Error, Result};
use group::{Found, Group};
use lattice::{End, Lattice};
use percolation::Bodies;
use watch::Watch;

pub use fields::{VoxelFields, VoxelResponse};
pub use mixture::Mixture;

/// The longest edge of a voxel over the shortest: singles resolve couplings that go with its square no further.
const LONGEST: f64 = 1e5;
/// What rounding in the sums of energies may amount to, relative to the largest entry.
const ROUNDING: f64 = 1e-13;

/// A periodic cell of voxels with a conductivity a ≥ 0 in each, or a sample of them between plates.
///
/// ```
/// use gaptooth::{cell::{VoxelCell, VoxelOptions}, observer::Silent};
/// // layers of 1 and 10 across x: the harmonic mean across, the arithmetic one along
/// let a: Vec<f64> = (0..40).map(|i| if i / 4 < 3 { 1.0 } else { 10.0 }).collect();
/// let cell = VoxelCell::new(&[10, 4], &[1.0, 1.0], a)?;
/// let found = cell.effective(&VoxelOptions { bounds: true, ..Default::default() }, &Silent)?;
/// assert!((found.effective.tensor[0][0] - 1.0 / 0.37).abs() < 1e-9);
/// assert!((found.effective.tensor[1][1] - 7.3).abs() < 1e-9);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct VoxelCell {
    shape: Vec<usize>,
    lattice: Lattice,
    /// conductivities over the largest
    a: Vec<f64>,
    largest: f64,
}

/// What to compute, and how well.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VoxelOptions {
    /// relative error of the two-point tensor that the solver may leave
    pub tolerance: f64,
    /// what conjugate gradients are preconditioned by
    pub solver: VoxelSolver,
    /// lower and upper bounds as well
    pub bounds: bool,
    /// correctors and fluxes as well
    pub fields: bool,
}

/// What conjugate gradients on voxels are preconditioned by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoxelSolver {
    /// multigrid cycles of the picture itself: a few steps
    Multigrid,
    /// the homogeneous medium, by Fourier (between plates cosine and sine) transforms: some tens of steps
    Fft,
}

impl Default for VoxelOptions {
    /// 1e-10, the tensor alone.
    fn default() -> Self {
        VoxelOptions { tolerance: 1e-10, solver: VoxelSolver::Multigrid, bounds: false, fields: false }
    }
}

/// The effective tensor of a cell of voxels.
#[derive(Debug, Clone, PartialEq)]
pub struct VoxelAnswer {
    /// the tensor of two-point fluxes, and the bounds if wanted
    pub effective: EffectiveTensor,
    /// share of the cell that belongs to what conducts from end to end along each axis, `[d]`
    pub percolating: Vec<f64>,
    /// what is known from the shares of the conductivities alone
    pub mixture: Mixture,
    /// what happens inside, if wanted
    pub fields: Option<VoxelFields>,
}

impl VoxelCell {
    /// Voxels of `shape` (`[x]`, `[x][y]` or `[x][y][z]`, the last index fastest) with edges `voxel_size` along the same axes.
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths do not fit; [`Error::Parameter`] for an edge or a conductivity that is not finite, an
    /// edge that is not positive, a negative conductivity.
    pub fn new(shape: &[usize], voxel_size: &[f64], mut conductivity: Vec<f64>) -> Result<Self> {
        let d = shape.len();
        if !(1..=3).contains(&d) || shape.contains(&0) {
            return Err(Error::parameter(
                "shape",
                format!("{shape:?}"),
                "one to three axes of at least one voxel",
                "give x, y, z",
            ));
        }
        if voxel_size.len() != d {
            return Err(Error::Shape {
                what: "the voxel size".into(),
                expected: vec![d],
                found: vec![voxel_size.len()],
            });
        }
        if let Some(h) = voxel_size.iter().find(|h| !(**h > 0.0 && h.is_finite())) {
            return Err(Error::parameter("voxel size", h, "positive numbers", "one for each axis"));
        }
        let (least, most) = voxel_size.iter().fold((f64::INFINITY, 0.0f64), |(l, m), h| (l.min(*h), m.max(*h)));
        if most > LONGEST * least {
            let expected = format!("edges that differ by a factor of {LONGEST:e} at most");
            return Err(Error::parameter("voxel size", format!("{voxel_size:?}"), expected, "check the units of each"));
        }
        let expected = shape.iter().try_fold(1usize, |n, k| n.checked_mul(*k));
        if expected != Some(conductivity.len()) || conductivity.len() > u32::MAX as usize {
            let found = vec![conductivity.len()];
            return Err(Error::Shape { what: "the conductivities".into(), expected: shape.to_vec(), found });
        }
        if let Some(i) = conductivity.iter().position(|a| !(*a >= 0.0 && a.is_finite())) {
            let at = format!("voxel {i} of {} ({})", conductivity.len(), conductivity[i]);
            return Err(Error::parameter(
                "conductivity",
                at,
                "finite numbers that are not negative",
                "0 does not conduct",
            ));
        }
        let mut lattice = Lattice { n: [1; 3], h: [1.0; 3], ends: [End::Periodic; 3] };
        for (axis, (n, h)) in axes(d).iter().zip(shape.iter().zip(voxel_size)) {
            (lattice.n[*axis], lattice.h[*axis]) = (*n, *h);
        }
        let largest = conductivity.iter().fold(0.0f64, |m, a| m.max(*a));
        if largest > 0.0 {
            conductivity.par_iter_mut().for_each(|a| *a /= largest);
        }
        Ok(VoxelCell { shape: shape.to_vec(), lattice, a: conductivity, largest })
    }

    /// The same voxels as a sample between two plates: the conditions of a measurement.
    ///
    /// For a mean gradient along an axis the potential is given, constant, on the two faces across it, and no flux passes the others.
    /// The answer is that of the periodic cell made of the sample and its mirror images along every axis, without their voxels:
    /// correctors are odd about the plates and even about the other faces. Off-diagonal entries are zero.
    #[must_use]
    pub fn between_plates(mut self) -> Self {
        axes(self.shape.len()).iter().for_each(|axis| self.lattice.ends[*axis] = End::Mirror);
        self
    }

    /// The conductivities, `[x][y][z]`.
    pub fn conductivities(&self) -> impl Iterator<Item = f64> {
        self.a.iter().map(|a| a * self.largest)
    }

    /// The voxels of `shape` from `start` on, as a cell of their own under the same conditions.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a part that is empty or reaches out of the cell.
    pub fn part(&self, start: &[usize], shape: &[usize]) -> Result<Self> {
        let axes = axes(self.shape.len());
        let inside = |((n, from), part): ((&usize, &usize), &usize)| *part > 0 && from + part <= *n;
        let fits = start.len() == axes.len() && shape.len() == axes.len();
        if !(fits && self.shape.iter().zip(start).zip(shape).all(inside)) {
            let found = format!("{shape:?} from {start:?}");
            return Err(Error::parameter("part", found, format!("a part of {:?}", self.shape), "count voxels from 0"));
        }
        let mut from = [0; 3];
        let mut lattice = self.lattice;
        for (axis, (first, n)) in axes.iter().zip(start.iter().zip(shape)) {
            (from[*axis], lattice.n[*axis]) = (*first, *n);
        }
        let voxel = |i: usize| {
            let place = lattice.place(i);
            self.largest * self.a[self.lattice.index(std::array::from_fn(|axis| from[axis] + place[axis]))]
        };
        let edges: Vec<f64> = axes.iter().map(|axis| lattice.h[*axis]).collect();
        let part = VoxelCell::new(shape, &edges, (0..lattice.len()).map(voxel).collect())?;
        Ok(if self.lattice.repeats() { part } else { part.between_plates() })
    }

    /// The same picture with each voxel cut into k along each axis.
    ///
    /// # Errors
    /// [`Error::Parameter`] for k = 0 or more voxels than can be counted.
    pub fn refined(&self, k: usize) -> Result<Self> {
        let d = self.shape.len();
        let voxels = k.checked_pow(d as u32).and_then(|each| each.checked_mul(self.a.len()));
        if k == 0 || voxels.is_none_or(|n| n > u32::MAX as usize) {
            let expected = "1 or more, and at most 4 294 967 295 voxels in all";
            return Err(Error::parameter("refinement", k, expected, "refine less, or a part of the picture"));
        }
        let mut lattice = self.lattice;
        for axis in axes(d) {
            lattice.n[axis] *= k;
            lattice.h[axis] /= k as f64;
        }
        let voxel = |i: usize| {
            let place = lattice.place(i);
            self.a[self.lattice.index(std::array::from_fn(|axis| place[axis] * self.lattice.n[axis] / lattice.n[axis]))]
        };
        let a = (0..lattice.len()).into_par_iter().map(voxel).collect();
        Ok(VoxelCell { shape: self.shape.iter().map(|n| k * n).collect(), lattice, a, largest: self.largest })
    }

    /// Bytes that [`VoxelCell::effective`] needs at most for so many voxels, what it is given included: 90 a voxel (cubes need 80; of longer
    /// ones fewer axes are coarsened), and up to 104 more for fields.
    pub fn memory(voxels: usize, options: &VoxelOptions) -> usize {
        (if options.fields { 194 } else { 90 }) * voxels
    }

    /// Everything that the answer depends on: for what keeps states under a name.
    pub fn fingerprint(&self, options: &VoxelOptions) -> String {
        let mut numbers = DefaultHasher::new();
        self.conductivities().for_each(|a| a.to_bits().hash(&mut numbers));
        format!("{} {:?} {:?} {options:?} {:x}", crate::VERSION, self.shape, self.lattice, numbers.finish())
    }

    /// The effective tensor A*: the flux of a(e_j + ∇χ_j), averaged over the cell.
    ///
    /// The tensor is that of two-point fluxes through faces, the scheme of most tools for images; it is never above the
    /// truth and on a picture with corners several percent below. The bounds are `ξᵀ lower ξ ≤ ξᵀ A* ξ ≤ ξᵀ upper ξ` for all ξ.
    /// Work: conjugate gradients preconditioned by multigrid cycles, ten steps or so whatever the number of voxels, for each axis that
    /// conducts, and as many again for the upper bound.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a bad tolerance, [`Error::Solver`] when the solver breaks down, [`Error::Interrupted`].
    pub fn effective(self, options: &VoxelOptions, observer: &dyn Observer) -> Result<VoxelAnswer> {
        self.solved(options, observer, None)
    }

    /// As [`VoxelCell::effective`], to the last bit, from where an earlier process was stopped: `store` keeps what is solved, and the step of
    /// what is being solved, whenever that is due: about 90 bytes a voxel at most. It is for this cell and these options alone; one that
    /// fails is noted and left.
    ///
    /// # Errors
    /// As [`VoxelCell::effective`]; those of reading from `store`.
    pub fn effective_kept(
        self,
        options: &VoxelOptions,
        observer: &dyn Observer,
        store: &dyn Store,
    ) -> Result<VoxelAnswer> {
        self.solved(options, observer, Some(store))
    }

    fn solved(
        mut self,
        options: &VoxelOptions,
        observer: &dyn Observer,
        store: Option<&dyn Store>,
    ) -> Result<VoxelAnswer> {
        if !(options.tolerance > 0.0 && options.tolerance < 1.0) {
            return Err(Error::parameter("tolerance", options.tolerance, "a number between 0 and 1", "try 1e-8"));
        }
        // the unit of length does not matter, and singles have a range
        let axes = axes(self.shape.len());
        let unit = axes.iter().map(|axis| self.lattice.h[*axis]).fold(0.0, f64::max);
        axes.iter().for_each(|axis| self.lattice.h[*axis] /= unit);
        let mixture = Mixture::new(self.shape.len(), &self.a, self.largest);
        let given: Option<Vec<f64>> = options.fields.then(|| self.conductivities().collect());
        let bodies = Bodies::new(&self.lattice, &self.a);
        let share = bodies.percolating().map(|n| n as f64 / self.a.len() as f64);
        // what flux cannot pass has no part in the answer, and through corners it would have one in the upper bound
        bodies.clear_islands(&axes, self.lattice.n[2], &mut self.a);
        let open: Vec<usize> = (0..axes.len()).filter(|d| share[axes[*d]] > 0.0).collect();
        let mut found = Found::new(axes.len());
        let problems = (if options.bounds { 2 } else { 1 }) * open.len();
        let watch = Watch::new(observer, store, problems);
        for group in Group::all(&self.lattice, &self.a, &open, &axes) {
            group.solve(self.largest, options, &watch, &mut found)?;
        }
        let Found { tensor, lower, upper, mut responses, iterations, error, .. } = found;
        responses.iter_mut().flat_map(|r| &mut r.corrector).for_each(|u| *u *= unit);
        let [tensor, lower, upper] = [tensor, lower, upper].map(|mut matrix| {
            matrix.iter_mut().flatten().for_each(|entry| *entry *= self.largest);
            matrix
        });
        let size = tensor.iter().flatten().fold(0.0f64, |m, a| m.max(a.abs()));
        let conditions = if self.lattice.repeats() { "periodic" } else { "between plates" };
        let effective = EffectiveTensor {
            tensor,
            lower: options.bounds.then(|| moved(lower, &open, -ROUNDING * size)),
            upper: options.bounds.then(|| moved(upper, &open, ROUNDING * size)),
            method: format!("two-point fluxes on voxels, {conditions}"),
            iterations,
            residual: error * size,
            unknowns: self.a.len(),
        };
        let fields = given.map(|conductivity| VoxelFields { conductivity, responses });
        Ok(VoxelAnswer { effective, percolating: axes.iter().map(|a| share[*a]).collect(), mixture, fields })
    }
}

/// The axes of the lattice that a picture of d dimensions has: planes of the first are shared among threads, rows of the last are
/// long.
fn axes(d: usize) -> Vec<usize> {
    match d {
        1 => vec![2],
        2 => vec![0, 2],
        _ => vec![0, 1, 2],
    }
}

/// A bound that rounding cannot spoil; an axis that does not conduct has an exact zero.
fn moved(mut bound: Vec<Vec<f64>>, open: &[usize], by: f64) -> Vec<Vec<f64>> {
    open.iter().for_each(|d| bound[*d][*d] += by);
    bound
}

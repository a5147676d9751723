//! Cell problems and effective coefficients: the truth track.
//!
//! Given a(x, y), periodic in y, the cell problem (a χ′)′ = a′ gives the coefficient of the homogenized equation,
//! a* = ⟨a(1 − χ′)⟩ (Arbabi et al. 2020, eq. 4–6). In D dimensions −∇·(a(e_j + ∇χ_j)) = 0 gives a tensor ([`Collocation`]; there χ
//! has the other sign). This room knows no patch and no network: what they find is judged by it.

mod average;
mod collocation;
mod finite_element;
pub mod lattice;
mod quadrature;
mod sampled;
mod voxel;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::coefficient::Coefficient;
use crate::{Error, Result};

pub use average::Average;
pub use collocation::{CellSolution, Collocation, certified};
pub use finite_element::FiniteElementSolution;
pub use quadrature::Corrector;
pub use sampled::{has_jumps, sampled};
pub use voxel::{Mixture, VoxelAnswer, VoxelCell, VoxelFields, VoxelOptions, VoxelResponse, VoxelSolver};

/// A homogenized coefficient in d dimensions, with bounds where the method gives them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectiveTensor {
    /// `[d][d]`, symmetric
    pub tensor: Vec<Vec<f64>>,
    /// a tensor that is not larger (up to the error of quadrature)
    pub lower: Option<Vec<Vec<f64>>>,
    /// a tensor that is not smaller (up to the error of quadrature)
    pub upper: Option<Vec<Vec<f64>>>,
    /// how it was found, for people
    pub method: String,
    /// refinements or iterations
    pub iterations: usize,
    /// estimate of the absolute error of the entries
    pub residual: f64,
    /// unknowns of the last system, or evaluations of the coefficient
    pub unknowns: usize,
}

impl EffectiveTensor {
    /// The first entry: a* itself in one dimension.
    pub fn scalar(&self) -> f64 {
        self.tensor[0][0]
    }

    /// The bounds of `enclosing`, or its tensor where it has none, wider by the estimate of its error and by rounding: `[lower, upper]`.
    pub fn enclosure(&self, enclosing: &EffectiveTensor) -> [Vec<Vec<f64>>; 2] {
        let largest = self.tensor.iter().flatten().fold(0.0f64, |m, a| m.max(a.abs()));
        // |ξᵀEξ| is at most d times the largest entry of E
        let slack = enclosing.tensor.len() as f64 * (enclosing.residual + 16.0 * f64::EPSILON * largest);
        let moved = |bound: &Option<Vec<Vec<f64>>>, by: f64| {
            let mut matrix = bound.clone().unwrap_or_else(|| enclosing.tensor.clone());
            matrix.iter_mut().enumerate().for_each(|(i, row)| row[i] += by);
            matrix
        };
        [moved(&enclosing.lower, -slack), moved(&enclosing.upper, slack)]
    }

    /// True when the estimated error is within `tolerance` of the largest entry. Not converging is a status.
    pub fn converged(&self, tolerance: f64) -> bool {
        let largest = self.tensor.iter().flatten().fold(0.0_f64, |m, a| m.max(a.abs()));
        self.residual <= tolerance * largest
    }
}

/// How to solve a cell problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CellMethod {
    /// a* = 1/⟨1/a⟩; one dimension only
    #[default]
    Quadrature,
    /// continuous finite elements on a mesh refined until the bounds agree
    FiniteElement {
        /// polynomial degree, 1 to 16
        degree: usize,
    },
}

/// (a χ′)′ = a′ on one period of y, χ periodic and of zero mean, at a fixed slow point x.
#[derive(Clone, Copy)]
pub struct CellProblem1d<'a> {
    /// the coefficient
    pub coefficient: &'a dyn Coefficient,
    /// the slow variable
    pub x: f64,
}

impl<'a> CellProblem1d<'a> {
    /// The cell problem of `coefficient` at the slow point `x`.
    pub fn new(coefficient: &'a dyn Coefficient, x: f64) -> Self {
        CellProblem1d { coefficient, x }
    }

    /// a* by the method asked for; see [`effective`].
    ///
    /// # Errors
    /// As [`effective`].
    pub fn effective(&self, method: CellMethod, tolerance: f64) -> Result<EffectiveTensor> {
        if !(tolerance > 0.0 && tolerance < 1.0) {
            return Err(Error::parameter("tolerance", tolerance, "a number between 0 and 1", "try 1e-12"));
        }
        match method {
            CellMethod::Quadrature => quadrature::effective(self, tolerance),
            CellMethod::FiniteElement { degree } => finite_element::effective(self, degree, tolerance),
        }
    }

    /// The arithmetic mean ⟨a⟩ ≥ a*: what the trivial law uses.
    ///
    /// # Errors
    /// [`Error::Coefficient`] where a is not positive and finite.
    pub fn arithmetic_mean(&self, tolerance: f64) -> Result<Average> {
        average::average(&quadrature::section(self, |a| a), tolerance)
    }

    /// The harmonic mean's reciprocal ⟨1/a⟩ = 1/a*, with its error and its rule.
    ///
    /// # Errors
    /// [`Error::Coefficient`] where a is not positive and finite.
    pub fn mean_of_reciprocal(&self, tolerance: f64) -> Result<Average> {
        quadrature::harmonic(self.coefficient, self.x, tolerance)
    }

    /// The corrector χ at any points `y`, by quadrature. With it u ≈ u₀ − ε χ(x/ε) u₀′.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a quasi-periodic coefficient, [`Error::Coefficient`] where a is not positive and finite.
    pub fn corrector(&self, y: &[f64], tolerance: f64) -> Result<Corrector> {
        quadrature::corrector(self, y, tolerance)
    }

    /// Finite elements of `degree` on `elements` equal elements: the energy converges at order 2·degree for smooth a.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a quasi-periodic coefficient or a bad degree or number, [`Error::Solver`] if the system is singular.
    pub fn finite_element(&self, degree: usize, elements: usize) -> Result<FiniteElementSolution> {
        let period = finite_element::period(self)?;
        let edges: Vec<f64> = (0..=elements).map(|i| period * i as f64 / elements as f64).collect();
        finite_element::solve(self, degree, &edges)
    }
}

/// The effective coefficient a*(x) of `coefficient` at the slow point `x`, to the relative `tolerance`.
///
/// By [`CellMethod::Quadrature`]: a* = 1/⟨1/a⟩ with the trapezoid rule where that converges (smooth a), else adaptive
/// Gauss–Legendre panels; a quasi-periodic a is averaged along the line through a smooth window. By
/// [`CellMethod::FiniteElement`]: the midpoint of an upper bound (the energy of the discrete corrector) and a lower bound (that of
/// the constant flux), which hold up to the elements' quadrature. `residual` is the error estimate; see
/// [`EffectiveTensor::converged`].
///
/// ```
/// use gaptooth::cell::{CellMethod, effective};
/// use gaptooth::coefficient::ExpressionCoefficient;
/// let a = ExpressionCoefficient::new("1.1 + sin(2*pi*x/eps)", Some(1e-5), [0.0, 1.0], &[])?;
/// for method in [CellMethod::Quadrature, CellMethod::FiniteElement { degree: 8 }] {
///     let found = effective(&a, 0.0, method, 1e-13)?;
///     assert!((found.scalar() - 0.21_f64.sqrt()).abs() < 1e-12);
/// }
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// [`Error::Coefficient`] where a is not positive and finite; [`Error::Parameter`] for a bad tolerance or degree, or finite
/// elements of a quasi-periodic coefficient; [`Error::Solver`] for a singular system.
pub fn effective(coefficient: &dyn Coefficient, x: f64, method: CellMethod, tolerance: f64) -> Result<EffectiveTensor> {
    CellProblem1d::new(coefficient, x).effective(method, tolerance)
}

/// a*(x) at many slow points, in their order.
///
/// # Errors
/// As [`effective`]: the first point's error that there is.
pub fn effective_profile(
    coefficient: &dyn Coefficient,
    x: &[f64],
    method: CellMethod,
    tolerance: f64,
) -> Result<Vec<f64>> {
    let found: Vec<Result<EffectiveTensor>> =
        x.par_iter().map(|&x| effective(coefficient, x, method, tolerance)).collect();
    found.into_iter().map(|one| one.map(|tensor| tensor.scalar())).collect()
}

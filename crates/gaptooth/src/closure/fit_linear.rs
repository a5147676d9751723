//! Linear laws by least squares, absolute or relative.

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Dataset, FeatureSpec, Features, LinearLaw, Rows, TallLeastSquares, Triangle};
use crate::{Error, Result};

/// How much each snapshot counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Weighting {
    /// every row the same: the early, large snapshots decide
    Absolute,
    /// every row over the root mean square of u_t in its snapshot, so that the decayed tail counts as much
    Relative {
        /// never divide by less than this times the largest such root mean square of the dataset
        floor: f64,
    },
}

impl Default for Weighting {
    fn default() -> Self {
        Weighting::Relative { floor: 1e-8 }
    }
}

/// What to fit and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinearRecipe {
    /// what the coefficients multiply
    pub features: FeatureSpec,
    /// how much each snapshot counts
    #[serde(default)]
    pub weighting: Weighting,
    /// singular values below this, relative to the largest, are left out (columns have unit norm)
    #[serde(default = "rank_tolerance")]
    pub rank_tolerance: f64,
}

fn rank_tolerance() -> f64 {
    1e-13
}

impl LinearRecipe {
    /// Relative weights with the default floor and rank tolerance.
    pub fn relative(features: FeatureSpec) -> Self {
        LinearRecipe { features, weighting: Weighting::default(), rank_tolerance: rank_tolerance() }
    }

    /// Unweighted.
    pub fn absolute(features: FeatureSpec) -> Self {
        LinearRecipe { weighting: Weighting::Absolute, ..LinearRecipe::relative(features) }
    }
}

/// A linear law and how well it is known.
#[derive(Debug, Clone)]
pub struct LinearFit {
    /// the law
    pub law: LinearLaw,
    /// standard error of each coefficient, as if the weighted residuals were independent
    pub standard_errors: Vec<f64>,
    /// ‖W r‖/‖W u_t‖ over the rows fitted
    pub relative_residual: f64,
    /// features that could be told apart
    pub rank: usize,
    /// condition number of the weighted features, columns scaled to unit norm
    pub condition: f64,
    /// rows used
    pub rows: usize,
}

/// The linear law that fits u_t best at the active points.
///
/// ```
/// use gaptooth::{closure::*, grid::{Boundary, Grid}, stencil::EdgeRule};
/// let grid = Grid::uniform([0.0, 1.0], 20, Boundary::Dirichlet)?;
/// let u: Vec<f64> = grid.axes()[0].x.iter().map(|x| x * x * x).collect();
/// let u_t = grid.axes()[0].x.iter().map(|x| if *x == 0.0 || *x == 1.0 { 0.0 } else { 0.25 * 6.0 * x }).collect();
/// let data = Dataset::new(grid, vec![0.0], u, u_t, Provenance::new())?;
/// let features = FeatureSpec::differences(&[2], 3, EdgeRule::OneSided);
/// let fit = fit_linear(&data, &LinearRecipe::absolute(features))?;
/// assert!((fit.law.coefficients()[0] - 0.25).abs() < 1e-10);
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// As [`Features::new`] and [`TallLeastSquares::solve`]; [`Error::Parameter`] for a floor outside (0, 1], or a
/// dataset in which nothing moves.
pub fn fit_linear(data: &Dataset, recipe: &LinearRecipe) -> Result<LinearFit> {
    let features = Features::new(recipe.features.clone(), &data.grid)?;
    let weights = row_weights(data, &recipe.weighting)?;
    let triangle = triangle(data, weights.as_deref(), |trajectory| features.rows_of(data, trajectory))?;
    let solution = triangle.solve(recipe.rank_tolerance)?;
    let law = LinearLaw::new(recipe.features.clone(), &data.grid, solution.coefficients)?;
    Ok(LinearFit {
        law,
        standard_errors: solution.standard_errors,
        relative_residual: solution.residual / solution.target.max(f64::MIN_POSITIVE),
        rank: solution.rank,
        condition: solution.condition,
        rows: data.trajectories() * data.times.len() * features.points(),
    })
}

/// The triangle of the rows that `rows` makes of each trajectory: rows are never all held at once.
pub(super) fn triangle(
    data: &Dataset,
    weights: Option<&[f64]>,
    rows: impl Fn(Range<usize>) -> Result<Rows> + Sync,
) -> Result<Triangle> {
    let one = |i: usize| {
        let rows = rows(i..i + 1)?;
        let m = rows.targets.len();
        let weights = weights.map(|w| &w[i * m..(i + 1) * m]);
        TallLeastSquares { columns: &rows.inputs, targets: &rows.targets, weights, rank_tolerance: 0.0 }.triangle()
    };
    let parts: Vec<Result<Triangle>> = (0..data.trajectories()).into_par_iter().map(one).collect();
    let parts: Vec<Triangle> = parts.into_iter().collect::<Result<_>>()?;
    Triangle::join(parts).ok_or_else(|| Error::parameter("trajectories", 0, "at least one", "simulate one"))
}

/// One weight a row (active points of every snapshot), or none when all count the same.
pub(super) fn row_weights(data: &Dataset, weighting: &Weighting) -> Result<Option<Vec<f64>>> {
    let Weighting::Relative { floor } = weighting else {
        return Ok(None);
    };
    if !(*floor > 0.0 && *floor <= 1.0) {
        let advice = "1e-8 lets the tail count down to eight decades below the start";
        return Err(Error::parameter("floor", floor, "above 0 and at most 1", advice));
    }
    let active = data.grid.active();
    let size = |row: &[f64]| (active.iter().map(|i| row[*i] * row[*i]).sum::<f64>() / active.len() as f64).sqrt();
    let sizes: Vec<f64> = data.snapshots().map(|s| size(s.u_t)).collect();
    let least = floor * sizes.iter().fold(0.0f64, |m, s| m.max(*s));
    if least == 0.0 {
        let advice = "record trajectories that start away from equilibrium";
        return Err(Error::parameter("u_t", "0 everywhere", "a dataset in which something moves", advice));
    }
    Ok(Some(sizes.iter().flat_map(|s| std::iter::repeat_n(1.0 / s.max(least), active.len())).collect()))
}

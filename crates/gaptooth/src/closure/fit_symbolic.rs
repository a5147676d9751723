//! Sparse regression: which terms a law needs, judged by trajectories that it has not seen.

use serde::{Deserialize, Serialize};

use super::{
    Dataset, FeatureSpec, Features, MultiIndex, Rows, SymbolicLaw, Term, Triangle, Validation, ValidationError,
    Weighting,
    fit_linear::{row_weights, triangle},
    symbolic::products,
    validate,
};
use crate::{
    Error, Result,
    observer::{Observer, check_interrupt},
};

/// What terms to choose from, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SymbolicRecipe {
    /// what terms are made of
    pub features: FeatureSpec,
    /// the candidates, as products of features by their places; see [`SymbolicRecipe::library`]
    pub terms: Vec<Term>,
    /// how much each snapshot counts
    pub weighting: Weighting,
    /// singular values below this, relative to the largest, are left out (columns have unit norm)
    pub rank_tolerance: f64,
    /// one term more must lessen the held-out error to this fraction or less, or several terms to its power
    pub worthwhile: f64,
}

impl SymbolicRecipe {
    /// Every derivative up to total order `highest` by itself, and, where asked for, every product of two of u, its first and
    /// its second derivatives that is of total order two or less: u², u u_x, u_x², u u_xx …
    ///
    /// With `conserving`, only terms that are derivatives of something: all but u itself, and of the products u u_x, u u_y, u u_z.
    /// A law of such terms keeps the mean of u on a periodic grid.
    pub fn library(
        dimension: usize,
        highest: usize,
        with_products: bool,
        conserving: bool,
        differences: Option<FeatureSpec>,
    ) -> Self {
        let orders: Vec<MultiIndex> = (0..=highest).flat_map(|k| MultiIndex::of_order(dimension, k)).collect();
        let first = usize::from(conserving);
        let mut terms: Vec<Term> = (first..orders.len()).map(|f| vec![f]).collect();
        if with_products {
            let low = |a: usize, b: usize| match orders[a].order() + orders[b].order() {
                1 => true,
                n => n <= 2 && !conserving,
            };
            let pairs = (0..orders.len()).flat_map(|a| (a..orders.len()).map(move |b| (a, b)));
            terms.extend(pairs.filter(|&(a, b)| low(a, b)).map(|(a, b)| vec![a, b]));
        }
        let features = match differences {
            Some(FeatureSpec::Derivatives { points, edges, .. }) => FeatureSpec::Derivatives { orders, points, edges },
            _ => FeatureSpec::Spectral { orders },
        };
        SymbolicRecipe { features, terms, weighting: Weighting::default(), rank_tolerance: 1e-13, worthwhile: 0.9 }
    }
}

/// One step of the elimination: a set of terms and how it did.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// the terms, by their places in the recipe
    pub terms: Vec<usize>,
    /// ‖W r‖/‖W u_t‖ on the training trajectories
    pub relative_residual: f64,
    /// how it did on the held-out trajectories
    pub trial: Trial,
}

impl Candidate {
    /// Its error on the held-out trajectories, when it was integrated.
    pub fn error(&self) -> Option<ValidationError> {
        match self.trial {
            Trial::Error(error) => Some(error),
            _ => None,
        }
    }
}

/// What became of a set of terms.
#[derive(Debug, Clone)]
pub enum Trial {
    /// it explains no more of the training data than the set with a term less
    Skipped,
    /// it was integrated from the held-out initial states
    Error(ValidationError),
    /// it could not be, and why
    Failed(String),
}

/// The chosen law and the way to it.
#[derive(Debug, Clone)]
pub struct SymbolicFit {
    /// the chosen terms, fitted to all trajectories
    pub law: SymbolicLaw,
    /// ‖W r‖/‖W u_t‖ of the law
    pub relative_residual: f64,
    /// sets of terms from all to one, each without the least significant term of the one before
    pub path: Vec<Candidate>,
    /// place of the chosen set in `path`
    pub chosen: usize,
}

/// Fits all candidate terms to the training trajectories, then leaves out one by one the term whose coefficient is smallest
/// beside its standard error, and keeps the set that follows the held-out trajectories of `validation` best — of two sets the
/// smaller, unless the larger is better by [`SymbolicRecipe::worthwhile`] per term. The training residual never chooses: it
/// always falls with more terms. But a set whose residual a term less leaves within a thousandth is not integrated.
///
/// ```
/// use gaptooth::{closure::*, grid::{Boundary, Grid}, observer::Silent, ode::OdeSystem};
/// let grid = Grid::uniform([0.0, std::f64::consts::TAU], 16, Boundary::Periodic)?;
/// let truth = LinearLaw::new(FeatureSpec::Spectral { orders: MultiIndex::line(&[2]) }, &grid, vec![0.3])?;
/// let times = [0.0, 0.1, 0.2];
/// let (mut u, mut u_t) = (vec![], vec![]);
/// for k in 0..4 {
///     let u0: Vec<f64> = grid.axes()[0].x.iter().map(|x| x.sin() + (k as f64 + 2.0 * x).cos()).collect();
///     for (state, slope) in PeriodicFlow::new(&grid, truth.symbol().unwrap())?.evolve(&u0, &times)? {
///         u.extend(state);
///         u_t.extend(slope);
///     }
/// }
/// let data = Dataset::new(grid, times.to_vec(), u, u_t, Provenance::new())?;
/// let (training, unseen) = data.split(1)?;
/// let run = |law: &dyn Closure, u0: &[f64], times: &[f64]| integrate(law, u0, times, &Silent);
/// let validation = Validation { data: &unseen, integrate: &run, floor: 1e-6 };
/// let fit = fit_symbolic(&training, &SymbolicRecipe::library(1, 3, true, false, None), &validation, &Silent)?;
/// assert_eq!(fit.law.formula(), "u_t = 0.300000 u_xx");
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// As [`Features::new`], [`SymbolicLaw::new`] and [`Triangle::solve`]; [`Error::Parameter`] when no set can be integrated;
/// [`Error::Interrupted`].
pub fn fit_symbolic(
    data: &Dataset,
    recipe: &SymbolicRecipe,
    validation: &Validation<'_>,
    observer: &dyn Observer,
) -> Result<SymbolicFit> {
    let features = Features::new(recipe.features.clone(), &data.grid)?;
    // refuses bad terms before anything is computed
    let zeros = vec![0.0; recipe.terms.len()];
    SymbolicLaw::new(recipe.features.clone(), &data.grid, recipe.terms.clone(), zeros.clone(), zeros)?;
    let of = |data: &Dataset| library_triangle(data, recipe, &features);
    let training = of(data)?;
    let mut path = eliminate(&training, recipe)?;
    for k in 0..path.len() {
        check_interrupt(observer, "sparse regression")?;
        // a set that explains no more than the one with a term less is not worth the integration
        let smaller = path.get(k + 1).map_or(f64::INFINITY, |c| c.relative_residual);
        if path[k].relative_residual > (1.0 - EXPLAINS) * smaller {
            continue;
        }
        let (law, _) = refit(&training, &path[k].terms, recipe, data)?;
        path[k].trial = match validate(&law, validation) {
            Ok(error) => Trial::Error(error),
            Err(e @ Error::Interrupted { .. }) => return Err(e),
            Err(e) => Trial::Failed(e.to_string()),
        };
        let detail = path[k].error().map_or("not integrable".into(), |e| format!("held-out error {:.2e}", e.relative));
        observer.progress("sparse regression", k as u64 + 1, path.len() as u64, &detail);
    }
    let chosen = choose(&path, recipe.worthwhile)?;
    let all = Triangle::join([training, of(validation.data)?]).unwrap_or_else(|| unreachable!("two triangles"));
    let (law, solution) = refit(&all, &path[chosen].terms, recipe, data)?;
    Ok(SymbolicFit { law, relative_residual: solution.residual / solution.target, path, chosen })
}

/// Share of the residual that a term must explain for its set to be integrated.
const EXPLAINS: f64 = 1e-3;

/// All sets of terms, each without the least significant term of the one before.
fn eliminate(training: &Triangle, recipe: &SymbolicRecipe) -> Result<Vec<Candidate>> {
    let mut path = vec![];
    let mut terms: Vec<usize> = (0..recipe.terms.len()).collect();
    while !terms.is_empty() {
        let solution = training.select(&terms).solve(recipe.rank_tolerance)?;
        let relative_residual = solution.residual / solution.target.max(f64::MIN_POSITIVE);
        path.push(Candidate { terms: terms.clone(), relative_residual, trial: Trial::Skipped });
        let weight = |k: usize| (solution.coefficients[k] / solution.standard_errors[k].max(f64::MIN_POSITIVE)).abs();
        let least = (0..terms.len()).min_by(|a, b| weight(*a).total_cmp(&weight(*b))).unwrap_or(0);
        terms.remove(least);
    }
    Ok(path)
}

fn library_triangle(data: &Dataset, recipe: &SymbolicRecipe, features: &Features) -> Result<Triangle> {
    let weights = row_weights(data, &recipe.weighting)?;
    triangle(data, weights.as_deref(), |trajectory| {
        let rows = features.rows_of(data, trajectory)?;
        let inputs = products(&recipe.terms, &rows.inputs, rows.targets.len());
        Ok(Rows { inputs, ..rows })
    })
}

fn refit(
    triangle: &Triangle,
    terms: &[usize],
    recipe: &SymbolicRecipe,
    data: &Dataset,
) -> Result<(SymbolicLaw, super::LeastSquaresSolution)> {
    let solution = triangle.select(terms).solve(recipe.rank_tolerance)?;
    // only the features that these terms are made of
    let chosen: Vec<Term> = terms.iter().map(|k| recipe.terms[*k].clone()).collect();
    let used: std::collections::BTreeSet<usize> = chosen.iter().flatten().copied().collect();
    let place = |f: &usize| used.iter().position(|u| u == f).unwrap_or_else(|| unreachable!("a feature in use"));
    let chosen = chosen.iter().map(|t| t.iter().map(place).collect()).collect();
    let keep = |orders: &[MultiIndex]| used.iter().map(|f| orders[*f].clone()).collect();
    let spec = match &recipe.features {
        FeatureSpec::Derivatives { orders, points, edges } => {
            FeatureSpec::Derivatives { orders: keep(orders), points: *points, edges: *edges }
        }
        FeatureSpec::Spectral { orders } => FeatureSpec::Spectral { orders: keep(orders) },
        FeatureSpec::Neighbours { .. } => {
            let advice = "use derivatives";
            return Err(Error::parameter("features of a symbolic law", "neighbours", "derivatives", advice));
        }
    };
    let (coefficients, errors) = (solution.coefficients.clone(), solution.standard_errors.clone());
    Ok((SymbolicLaw::new(spec, &data.grid, chosen, coefficients, errors)?, solution))
}

/// The set whose held-out error times worthwhile^(−terms) is least: a term is worth that factor.
fn choose(path: &[Candidate], worthwhile: f64) -> Result<usize> {
    let score = |c: &Candidate| {
        let error = c.error().map_or(f64::INFINITY, |e| e.relative).max(f64::MIN_POSITIVE);
        error.ln() - c.terms.len() as f64 * worthwhile.ln()
    };
    let best = (0..path.len()).min_by(|a, b| score(&path[*a]).total_cmp(&score(&path[*b])));
    best.filter(|b| path[*b].error().is_some()).ok_or_else(|| {
        let advice = "offer lower derivatives, or more trajectories";
        Error::parameter("terms", "none that can be integrated", "at least one stable set", advice)
    })
}

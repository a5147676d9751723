//! A smooth network on what the linear path leaves, kept only if unseen trajectories gain by it.

use serde::{Deserialize, Serialize};

use super::{
    CompositeLaw, Dataset, FeatureSpec, Features, LinearLaw, Rows, Validation, ValidationError, Weighting,
    fit_linear::row_weights, validate,
};
use crate::{
    Error, Result,
    nn::{Activation, Lbfgs, LeastSquares, LevenbergMarquardt, Minimum, Mlp, Regression, Samples},
    observer::Observer,
};

/// How the network is trained; both are second order and use all rows at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResidualMethod {
    /// damped Gauss–Newton: few, expensive iterations
    LevenbergMarquardt,
    /// many, cheap iterations; for wider networks
    Lbfgs,
}

/// What the nonlinear path is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResidualRecipe {
    /// inputs of the network
    pub features: FeatureSpec,
    /// neurons of the hidden layers, tanh; 8 to 16 are enough
    pub hidden: Vec<usize>,
    /// how it is trained
    pub method: ResidualMethod,
    /// most iterations
    pub iterations: usize,
    /// how much each snapshot counts
    pub weighting: Weighting,
    /// at most this many rows, evenly taken
    pub most_rows: usize,
    /// take the mean over all points off the network's part, so that it conserves what the linear path does (periodic grids)
    pub keeps_mean: bool,
    /// the gate opens when the held-out error falls to this fraction or less
    pub required: f64,
    /// seed of the initial weights
    pub seed: u64,
}

impl ResidualRecipe {
    /// One hidden layer of 12, 60 steps of Levenberg–Marquardt on at most 20 000 rows, relative weights down to 1e-3
    /// of the largest snapshot, a gain of a tenth required.
    pub fn new(features: FeatureSpec, seed: u64) -> Self {
        ResidualRecipe {
            features,
            hidden: vec![12],
            method: ResidualMethod::LevenbergMarquardt,
            iterations: 60,
            weighting: Weighting::Relative { floor: 1e-3 },
            most_rows: 20_000,
            keeps_mean: false,
            required: 0.9,
            seed,
        }
    }
}

/// Whether the nonlinear path is used, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// the held-out trajectories gained
    Open,
    /// they did not gain enough, or the composite law could not be integrated
    Closed,
    /// the linear path left nothing but round-off: no network was trained
    Idle,
}

/// The composite law, with the evidence for its gate.
#[derive(Debug, Clone)]
pub struct ResidualFit {
    /// the law; its gate is 1 when [`Gate::Open`], else 0
    pub law: CompositeLaw,
    /// the decision
    pub gate: Gate,
    /// held-out error of the linear path alone
    pub linear_error: ValidationError,
    /// held-out error with the network, when it could be integrated
    pub composite_error: Option<ValidationError>,
    /// why it could not
    pub failure: Option<String>,
    /// weighted residual of u_t with the network over that without: what training gained
    pub training_gain: f64,
    /// how the training ended; none when idle
    pub training: Option<Minimum>,
}

/// Below this, relative to u_t, the linear path's residual is round-off.
const NEGLIGIBLE: f64 = 1e-13;

/// Trains a tanh network on u_t − linear(u) over `data` and gates it on the trajectories of `validation`, which
/// must not be in `data`.
///
/// # Errors
/// As [`Features::new`], [`Regression::new`] and the optimisers; [`Error::Parameter`] when the linear path alone
/// cannot be integrated, or for `required` outside (0, 1]; [`Error::Interrupted`].
pub fn fit_residual(
    data: &Dataset,
    linear: &LinearLaw,
    recipe: &ResidualRecipe,
    validation: &Validation<'_>,
    observer: &dyn Observer,
) -> Result<ResidualFit> {
    if !(recipe.required > 0.0 && recipe.required <= 1.0) {
        let advice = "0.9 asks for a gain of a tenth";
        return Err(Error::parameter("required", recipe.required, "above 0 and at most 1", advice));
    }
    let problem = Problem::new(data, linear, recipe)?;
    let linear_error = validate(linear, validation)?;
    let widths = [&[problem.scale.len()], &recipe.hidden[..], &[1]].concat();
    let mut net = Mlp::new(&widths, Activation::Tanh, recipe.seed)?;
    let training = if problem.relative > NEGLIGIBLE { Some(problem.train(&mut net, recipe, observer)?) } else { None };
    let (scale, output) = (problem.scale.clone(), problem.output_scale);
    let law = CompositeLaw::new(linear.clone(), recipe.features.clone(), scale, output, net, 1.0)?
        .with_mean_kept(recipe.keeps_mean)?;
    let mut fit = ResidualFit {
        law,
        gate: Gate::Idle,
        linear_error,
        composite_error: None,
        failure: None,
        training_gain: 1.0,
        training,
    };
    if let Some(training) = &fit.training {
        // weights are normalised so that a network that vanishes has the cost rows/2
        fit.training_gain = (2.0 * training.value / problem.rows.targets.len() as f64).sqrt();
        fit.gate = Gate::Closed;
        match validate(&fit.law, validation) {
            Ok(error) => fit.composite_error = Some(error),
            Err(e @ Error::Interrupted { .. }) => return Err(e),
            Err(e) => fit.failure = Some(e.to_string()),
        }
        if fit.composite_error.is_some_and(|e| e.relative <= recipe.required * linear_error.relative) {
            fit.gate = Gate::Open;
        }
    }
    fit.law = fit.law.with_gate(if fit.gate == Gate::Open { 1.0 } else { 0.0 })?;
    Ok(fit)
}

/// The regression for the network: scaled inputs, scaled residuals, normalised weights.
struct Problem {
    rows: Rows,
    weights: Vec<f64>,
    scale: Vec<f64>,
    output_scale: f64,
    /// weighted residual of the linear path relative to u_t
    relative: f64,
}

impl Problem {
    fn new(data: &Dataset, linear: &LinearLaw, recipe: &ResidualRecipe) -> Result<Self> {
        let mut rows = Features::new(recipe.features.clone(), &data.grid)?.rows(data)?;
        let n = rows.targets.len();
        let mut weights = row_weights(data, &recipe.weighting)?.unwrap_or_else(|| vec![1.0; n]);
        let size = norm(rows.targets.iter().zip(&weights).map(|(y, w)| y * w));
        let mut left = vec![0.0; n];
        linear.add_into(&linear.features().rows(data)?.inputs, &mut left);
        rows.targets.iter_mut().zip(&left).for_each(|(y, l)| *y -= l);
        let relative = norm(rows.targets.iter().zip(&weights).map(|(y, w)| y * w)) / size;

        thin(&mut rows, &mut weights, recipe.most_rows);
        let n = rows.targets.len();
        let rms = |values: &[f64]| {
            let v = norm(values.iter().copied()) / (values.len() as f64).sqrt();
            if v > 0.0 { v } else { 1.0 }
        };
        let scale: Vec<f64> = rows.inputs.chunks_exact(n).map(rms).collect();
        for (column, s) in rows.inputs.chunks_exact_mut(n).zip(&scale) {
            column.iter_mut().for_each(|f| *f /= s);
        }
        let output_scale = rms(&rows.targets);
        rows.targets.iter_mut().for_each(|y| *y /= output_scale);
        let weighted: Vec<f64> = rows.targets.iter().zip(&weights).map(|(y, w)| y * w).collect();
        let unit = rms(&weighted);
        weights.iter_mut().for_each(|w| *w /= unit);
        Ok(Problem { rows, weights, scale, output_scale, relative })
    }

    fn train(&self, net: &mut Mlp, recipe: &ResidualRecipe, observer: &dyn Observer) -> Result<Minimum> {
        let samples = Samples { inputs: &self.rows.inputs, targets: &self.rows.targets };
        let problem = Regression::new(net, samples, Some(&self.weights), true)?;
        let p = net.parameters_mut();
        match recipe.method {
            ResidualMethod::LevenbergMarquardt => {
                let method = LevenbergMarquardt { iterations: recipe.iterations, ..Default::default() };
                method.minimise(&problem, p, observer)
            }
            ResidualMethod::Lbfgs => {
                let method = Lbfgs { iterations: recipe.iterations, ..Default::default() };
                let problem: &dyn LeastSquares = &problem;
                method.minimise(&mut |p, g| problem.cost_gradient_into(p, g), p, observer)
            }
        }
    }
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

/// Keeps every k-th row so that at most `most` remain.
fn thin(rows: &mut Rows, weights: &mut Vec<f64>, most: usize) {
    let n = rows.targets.len();
    let every = n.div_ceil(most.max(1));
    if every > 1 {
        rows.inputs = rows.inputs.chunks_exact(n).flat_map(|c| c.iter().step_by(every).copied()).collect();
        rows.targets = rows.targets.iter().step_by(every).copied().collect();
        *weights = weights.iter().step_by(every).copied().collect();
    }
}

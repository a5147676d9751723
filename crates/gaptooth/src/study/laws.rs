//! Fitting the laws of a study: the paper's networks, the trivial ones, and ours.

use super::{
    Context,
    config::{LawConfig, LawKind, NetConfig},
};
use crate::{
    Error, Result,
    closure::{
        AnyClosure, Closure, Dataset, FeatureSpec, Gate, LinearLaw, LinearRecipe, NetworkRecipe, ResidualRecipe,
        Validation, fit_linear, fit_network, fit_residual, select_linear,
    },
    nn::AdamSettings,
    observer::Observer,
    ode::{
        OdeSystem,
        stiff::{StiffOptions, integrate_stiff},
    },
    stencil::EdgeRule,
};

/// Floor of the relative errors that laws are chosen by.
const FLOOR: f64 = 1e-6;

/// A fitted law and what to say of it.
pub struct FittedLaw {
    /// its configuration
    pub config: LawConfig,
    /// the law
    pub law: AnyClosure,
    /// mean squared error per epoch, for networks
    pub loss: Vec<f64>,
    /// the law in words: a formula, the gate's decision
    pub notes: Vec<String>,
    /// seconds of fitting
    pub seconds: f64,
}

/// States of a law at `times` from `u0` by BDF, tolerances relative to the state.
///
/// # Errors
/// Those of [`integrate_stiff`].
pub(super) fn trajectory(
    law: &dyn OdeSystem,
    u0: &[f64],
    times: &[f64],
    observer: &dyn Observer,
) -> Result<Vec<Vec<f64>>> {
    let options = StiffOptions { rtol: 1e-7, ..StiffOptions::default() };
    Ok(integrate_stiff(law, times[0], u0, times, &options, observer)?.u)
}

/// Fits one law to the training trajectories `data`.
///
/// # Errors
/// Those of the fits; [`Error::Interrupted`].
pub fn fit_law(
    config: &LawConfig,
    data: &Dataset,
    mean: Option<f64>,
    seed: u64,
    context: &Context<'_>,
) -> Result<FittedLaw> {
    let started = std::time::Instant::now();
    let mut fitted = match &config.kind {
        LawKind::FunctionalNet(net) => network(config, net, FeatureSpec::paper_functional(), data, seed, context)?,
        LawKind::DiscretizedNet(net) => network(config, net, FeatureSpec::paper_discretized(), data, seed, context)?,
        LawKind::LinearStencil { points } => {
            if points.is_multiple_of(2) {
                return Err(Error::parameter("laws.points", points, "an odd number", "3 is the paper's"));
            }
            let fit = fit_linear(data, &LinearRecipe::absolute(FeatureSpec::Neighbours { half: points / 2 }))?;
            plain(config, fit.law)
        }
        LawKind::Derivatives { candidates, points, edges, validation, residual_width } => {
            let ours =
                Ours { candidates, points: *points, edges: *edges, validation: *validation, width: *residual_width };
            derivatives(config, &ours, data, seed, context)?
        }
        LawKind::ArithmeticMean => {
            let mean = mean.ok_or_else(|| Error::Config {
                path: format!("laws.{}", config.name),
                message: "the arithmetic mean needs a diffusivity free of u".into(),
            })?;
            let spec = FeatureSpec::Derivatives { orders: vec![2], points: 3, edges: EdgeRule::OneSided };
            plain(config, LinearLaw::new(spec, &data.grid, vec![mean])?)
        }
    };
    if let AnyClosure::Linear(law) = &fitted.law {
        fitted.notes.insert(0, formula(law));
    }
    fitted.seconds = started.elapsed().as_secs_f64();
    Ok(fitted)
}

fn plain(config: &LawConfig, law: LinearLaw) -> FittedLaw {
    FittedLaw {
        config: config.clone(),
        law: AnyClosure::Linear(law),
        loss: Vec::new(),
        notes: Vec::new(),
        seconds: 0.0,
    }
}

/// `u_t = 0.458258 u_xx − 1.1e-4 u_x`
fn formula(law: &LinearLaw) -> String {
    let terms: Vec<String> =
        law.features().spec().names().iter().zip(law.coefficients()).map(|(n, c)| format!("{c:+.8e} {n}")).collect();
    format!("u_t = {}", terms.join(" "))
}

fn network(
    config: &LawConfig,
    net: &NetConfig,
    features: FeatureSpec,
    data: &Dataset,
    seed: u64,
    context: &Context<'_>,
) -> Result<FittedLaw> {
    let recipe = NetworkRecipe {
        hidden: net.hidden.clone(),
        epochs: net.epochs,
        batch: net.batch,
        adam: AdamSettings { learning_rate: net.learning_rate, ..AdamSettings::default() },
        ..NetworkRecipe::paper(features, seed)
    };
    let stage = format!("law-{}", config.name);
    let mut last = std::time::Instant::now();
    let mut keep = |state: &crate::nn::TrainState| -> Result<()> {
        let wanted =
            context.observer.interrupted() || state.epoch == recipe.epochs || last.elapsed().as_secs_f64() > 2.0;
        if wanted {
            last = std::time::Instant::now();
            context.save(&stage, state)?;
        }
        Ok(())
    };
    let fit = fit_network(
        data,
        &recipe,
        context.load(&stage)?,
        &mut keep,
        &Named { stage: &config.name, inner: context.observer },
    )?;
    Ok(FittedLaw {
        config: config.clone(),
        law: AnyClosure::Network(fit.law),
        loss: fit.loss,
        notes: Vec::new(),
        seconds: 0.0,
    })
}

/// Two networks train at once: each reports under its own name.
struct Named<'a> {
    stage: &'a str,
    inner: &'a dyn Observer,
}

impl Observer for Named<'_> {
    fn progress(&self, _stage: &str, done: u64, total: u64, detail: &str) {
        self.inner.progress(&format!("training {}", self.stage), done, total, detail);
    }
    fn interrupted(&self) -> bool {
        self.inner.interrupted()
    }
    fn note(&self, message: &str) {
        self.inner.note(message);
    }
}

struct Ours<'a> {
    candidates: &'a [Vec<usize>],
    points: usize,
    edges: EdgeRule,
    validation: usize,
    width: usize,
}

fn derivatives(
    config: &LawConfig,
    ours: &Ours<'_>,
    data: &Dataset,
    seed: u64,
    context: &Context<'_>,
) -> Result<FittedLaw> {
    let spec =
        |orders: &[usize]| FeatureSpec::Derivatives { orders: orders.to_vec(), points: ours.points, edges: ours.edges };
    let recipes: Vec<LinearRecipe> =
        ours.candidates.iter().map(|orders| LinearRecipe::relative(spec(orders))).collect();
    // Data and truth may hold a time error of the outer scheme; a tight BDF judges the law itself.
    let integrate = |law: &dyn OdeSystem, u0: &[f64], times: &[f64]| trajectory(law, u0, times, context.observer);
    let selection = select_linear(data, ours.validation, &recipes, &integrate, FLOOR, context.observer)?;
    let mut fitted = plain(config, selection.fit.law.clone());
    for (k, score) in selection.scores.iter().enumerate() {
        let names = score.recipe.features.names().join(", ");
        let error =
            score.error.map_or("could not be integrated".into(), |e| format!("held-out error {:.3e}", e.relative));
        fitted.notes.push(format!("candidate ({names}): {error}{}", if k == selection.best { ", chosen" } else { "" }));
    }
    if ours.width > 0 {
        let (training, unseen) = data.split(ours.validation)?;
        let linear = fit_linear(&training, &recipes[selection.best])?;
        let orders: Vec<usize> = (0..=2).collect();
        let recipe = ResidualRecipe { hidden: vec![ours.width], ..ResidualRecipe::new(spec(&orders), seed) };
        let validation = Validation { data: &unseen, integrate: &integrate, floor: FLOOR };
        let fit = fit_residual(&training, &linear.law, &recipe, &validation, context.observer)?;
        let with = fit.composite_error.map_or("none".into(), |e| format!("{:.3e}", e.relative));
        fitted.notes.push(format!(
            "nonlinear residual: gate {:?}, held-out error {:.3e} without, {with} with",
            fit.gate, fit.linear_error.relative
        ));
        if fit.gate == Gate::Open {
            let mut law = fit.law;
            law.set_parameters(&law.parameters())?;
            fitted.law = AnyClosure::Composite(law);
        }
    }
    Ok(fitted)
}

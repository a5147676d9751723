//! Fitting the laws of a study: the paper's networks, the trivial ones, and ours.

use super::{
    Context,
    config::{LawConfig, LawKind, NetConfig},
};
use crate::{
    Error, Result,
    closure::{
        AnyClosure, Closure, Dataset, FeatureSpec, Gate, LinearLaw, LinearRecipe, MultiIndex, NetworkRecipe,
        ResidualRecipe, SymbolicRecipe, Trial, Validation, fit_linear, fit_network, fit_residual, fit_symbolic,
        integrate, select_linear,
    },
    nn::AdamSettings,
    observer::Observer,
};

/// Floor of the relative errors that laws are chosen and judged by.
pub(super) const FLOOR: f64 = 1e-6;

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
    let mut specs = config.kind.features(data.grid.axes().len());
    let mut fitted = match &config.kind {
        LawKind::FunctionalNet(net) | LawKind::DiscretizedNet(net) => {
            network(config, net, specs.remove(0), data, seed, context)?
        }
        LawKind::LinearStencil { .. } => plain(config, fit_linear(data, &LinearRecipe::absolute(specs.remove(0)))?.law),
        LawKind::Derivatives { validation, residual_width, .. } => {
            derivatives(config, specs, *validation, *residual_width, data, seed, context)?
        }
        LawKind::Symbolic { highest, products, conserving, validation, .. } => {
            let (dimension, spec) = (data.grid.axes().len(), specs.remove(0));
            let recipe = SymbolicRecipe::library(dimension, *highest, *products, *conserving, Some(spec));
            symbolic(config, &recipe, *validation, data, context)?
        }
        LawKind::ArithmeticMean => {
            let mean = mean.ok_or_else(|| Error::Config {
                path: format!("laws.{}", config.name),
                message: "the arithmetic mean needs a diffusivity free of u".into(),
            })?;
            plain(config, LinearLaw::new(specs.remove(0), &data.grid, vec![mean])?)
        }
    };
    if let AnyClosure::Linear(law) = &fitted.law {
        fitted.notes.insert(0, formula(law));
    }
    fitted.seconds = started.elapsed().as_secs_f64();
    Ok(fitted)
}

fn plain(config: &LawConfig, law: impl Into<AnyClosure>) -> FittedLaw {
    FittedLaw { config: config.clone(), law: law.into(), loss: Vec::new(), notes: Vec::new(), seconds: 0.0 }
}

/// `u_t = 0.458258 u_xx − 1.1e-4 u_x`
fn formula(law: &LinearLaw) -> String {
    let terms: Vec<String> =
        law.features().names().iter().zip(law.coefficients()).map(|(n, c)| format!("{c:+.8e} {n}")).collect();
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

fn derivatives(
    config: &LawConfig,
    specs: Vec<FeatureSpec>,
    validation: usize,
    width: usize,
    data: &Dataset,
    seed: u64,
    context: &Context<'_>,
) -> Result<FittedLaw> {
    let recipes: Vec<LinearRecipe> = specs.into_iter().map(LinearRecipe::relative).collect();
    let integrate = |law: &dyn Closure, u0: &[f64], times: &[f64]| integrate(law, u0, times, context.observer);
    let selection = select_linear(data, validation, &recipes, &integrate, FLOOR, context.observer)?;
    let mut fitted = plain(config, selection.fit.law.clone());
    let dimension = data.grid.axes().len();
    for (k, score) in selection.scores.iter().enumerate() {
        let names = score.recipe.features.names(dimension).join(", ");
        let error =
            score.error.map_or("could not be integrated".into(), |e| format!("held-out error {:.3e}", e.relative));
        fitted.notes.push(format!("candidate ({names}): {error}{}", if k == selection.best { ", chosen" } else { "" }));
    }
    if width > 0 {
        let (training, unseen) = data.split(validation)?;
        let linear = fit_linear(&training, &recipes[selection.best])?;
        let orders = (0..=2).flat_map(|k| MultiIndex::of_order(dimension, k)).collect();
        let inputs = match recipes[selection.best].features.clone() {
            FeatureSpec::Derivatives { points, edges, .. } => FeatureSpec::Derivatives { orders, points, edges },
            _ => FeatureSpec::Spectral { orders },
        };
        let recipe = ResidualRecipe {
            hidden: vec![width],
            keeps_mean: data.grid.is_periodic(),
            ..ResidualRecipe::new(inputs, seed)
        };
        let validation = Validation { data: &unseen, integrate: &integrate, floor: FLOOR };
        let fit = fit_residual(&training, &linear.law, &recipe, &validation, context.observer)?;
        let with = fit.composite_error.map_or("none".into(), |e| format!("{:.3e}", e.relative));
        fitted.notes.push(format!(
            "nonlinear residual: gate {:?}, held-out error {:.3e} without, {with} with",
            fit.gate, fit.linear_error.relative
        ));
        if fit.gate == Gate::Open {
            fitted.law = AnyClosure::Composite(fit.law);
        }
    }
    Ok(fitted)
}

fn symbolic(
    config: &LawConfig,
    recipe: &SymbolicRecipe,
    validation: usize,
    data: &Dataset,
    context: &Context<'_>,
) -> Result<FittedLaw> {
    let (training, unseen) = data.split(validation)?;
    let integrate = |law: &dyn Closure, u0: &[f64], times: &[f64]| integrate(law, u0, times, context.observer);
    let validation = Validation { data: &unseen, integrate: &integrate, floor: FLOOR };
    let fit = fit_symbolic(&training, recipe, &validation, context.observer)?;
    let mut notes = vec![fit.law.formula()];
    for ((name, c), error) in fit.law.names().iter().zip(fit.law.coefficients()).zip(fit.law.standard_errors()) {
        notes.push(format!("{name}: {c:.10e} ± {error:.1e}"));
    }
    for (k, candidate) in fit.path.iter().enumerate() {
        let error = match &candidate.trial {
            Trial::Error(e) => format!("held-out error {:.3e}", e.relative),
            Trial::Skipped => "no smaller than with a term less".into(),
            Trial::Failed(why) => why.clone(),
        };
        let chosen = if k == fit.chosen { ", chosen" } else { "" };
        let (n, residual) = (candidate.terms.len(), candidate.relative_residual);
        notes.push(format!("{n} terms: training residual {residual:.3e}, {error}{chosen}"));
    }
    Ok(FittedLaw { notes, ..plain(config, fit.law) })
}

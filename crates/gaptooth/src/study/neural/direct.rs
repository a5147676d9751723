//! Networks for the multiscale equation itself, and whether their answers can be trusted.
//!
//! A small residual at the points of training says little where these do not resolve ε: a network that knows x/ε can meet every
//! point and be wrong in between. So no held-out point takes part in training here, and the residual at such points is a check.

use std::time::Instant;

use rayon::prelude::*;

use super::config::{DirectConfig, DirectRecipe, NeuralStudyConfig};
use super::elliptic::{EllipticProblem, relative};
use super::elliptic_nets::Truth;
use super::run::{gathered, seeds};
use super::scores::{Scores, Trained, trained};
use super::{figures, tables};
use crate::{
    Result,
    nn::{Activation, GaussNewton, LeastSquares, Mlp},
    pinn::{
        Ansatz, Collocation, Condition, Elliptic, EllipticFlux, Embedding, NeuralField, Residual, Training,
        dirichlet_factor, grid, jittered, solve,
    },
    report::{Check, Report},
    study::{Context, run::time},
};

/// Held-out residuals above this share of what u = 0 leaves make an answer one not to be trusted. In second-order form the relative
/// error is at most a small multiple of this share, ‖f‖/(λ₁ ‖u‖) with the operator's least eigenvalue λ₁.
const LARGE: f64 = 0.25;

/// Where the residual is so many times larger between the points of training, these do not resolve the field …
const TIMES: f64 = 10.0;

/// … and it matters from this share on.
const NOTICEABLE: f64 = 0.025;

/// Held-out points in a period, along each direction, on a line and in the plane.
const PER_PERIOD: [f64; 2] = [24.0, 12.0];

/// What one seed gave.
struct DirectRepeat {
    scores: Scores,
    trained: Vec<Trained>,
    notes: Vec<String>,
}

/// One training on the multiscale equation.
struct Task<'a> {
    name: &'static str,
    recipe: &'a DirectRecipe,
    equation: &'a dyn Residual,
    problem: &'a EllipticProblem,
    truth: &'a Truth,
    seed: u64,
}

/// Root-mean-square residuals as shares of what u = 0 leaves.
struct Shares {
    training: f64,
    held_out: f64,
}

/// All trainings from all seeds, into `report`.
pub(super) fn run(
    config: &NeuralStudyConfig,
    direct: &DirectConfig,
    problem: &EllipticProblem,
    truth: &Truth,
    context: &Context<'_>,
    report: &mut Report,
) -> Result<()> {
    let timer = Instant::now();
    let one = |seed: &u64| repeat(direct, problem, truth, *seed, context);
    let repeats: Vec<Result<DirectRepeat>> = seeds(config).par_iter().map(one).collect();
    let repeats: Vec<DirectRepeat> = repeats.into_iter().collect::<Result<_>>()?;
    time(report, "networks of the multiscale equation", timer, []);
    // a held-out residual has a bound even where the study gives none
    let bounded = |c: Check| if c.name.ends_with("_held_out") { Check::at_most(&c.name, c.value, LARGE) } else { c };
    report.checks.extend(gathered(repeats.iter().map(|r| &r.scores)).checks().into_iter().map(bounded));
    let trained: Vec<&Trained> = repeats.iter().flat_map(|r| &r.trained).collect();
    report.timings.extend(trained.iter().map(|t| t.timing()));
    report.tables.push(tables::trainings("_direct", &trained));
    report.figures.push(figures::curves("_direct", &trained));
    report.notes.extend(repeats.iter().flat_map(|r| r.notes.clone()));
    Ok(())
}

/// The names of the checks, without `_worst`.
pub(super) fn names(direct: &DirectConfig) -> Vec<String> {
    let parts = [("flux", &direct.flux), ("two_scale", &direct.two_scale)];
    let wanted = parts.iter().filter(|(_, recipe)| recipe.is_some());
    wanted.flat_map(|(part, _)| ["error", "residual", "held_out"].map(|kind| format!("{part}_{kind}"))).collect()
}

fn repeat(
    direct: &DirectConfig,
    problem: &EllipticProblem,
    truth: &Truth,
    seed: u64,
    context: &Context<'_>,
) -> Result<DirectRepeat> {
    let mut out = DirectRepeat { scores: Scores::default(), trained: vec![], notes: vec![] };
    let micro = |x: &[f64]| vec![problem.micro(x)];
    let source = |x: &[f64]| problem.source(x);
    let d = problem.dimension();
    let first = EllipticFlux { dimension: d, tensor: &micro, source: &source, scalar: true };
    let second = Elliptic::boundary_value(d, &micro, true, &source);
    let parts: [(&'static str, &Option<DirectRecipe>, &dyn Residual); 2] =
        [("flux", &direct.flux, &first), ("two_scale", &direct.two_scale, &second)];
    for (name, recipe, equation) in parts {
        let Some(recipe) = recipe else { continue };
        let task = Task { name, recipe, equation, problem, truth, seed };
        let (field, trained, shares) = task.train(context)?;
        let error = problem.relative(&truth.points, &field.values(&truth.points), &truth.multiscale.values);
        out.scores.add(&format!("{name}_error"), error);
        out.scores.add(&format!("{name}_residual"), shares.training);
        out.scores.add(&format!("{name}_held_out"), shares.held_out);
        out.notes.extend(
            shares.doubt().map(|why| format!("{}, seed {seed}: do not trust this answer; {why}", task.stage())),
        );
        out.trained.push(trained);
    }
    Ok(out)
}

impl Shares {
    /// Why an answer with these residuals is not to be trusted, if so.
    fn doubt(&self) -> Option<String> {
        let Shares { training, held_out } = *self;
        let found = format!("its residual at held-out points is {held_out:.2e} of what u = 0 leaves");
        if held_out > NOTICEABLE && held_out > TIMES * training {
            let advice = "more of them are needed in each period";
            return Some(format!("{found}, and {training:.2e} at the points of training: {advice}"));
        }
        // not the other way round: NaN is no reason to trust
        if held_out <= LARGE { None } else { Some(format!("{found}: training did not get far")) }
    }
}

impl Task<'_> {
    fn stage(&self) -> String {
        format!("direct-{}", self.name.replace('_', "-"))
    }

    /// A smooth network of x, or of x and x/ε with layers at the sides of a rectangle; boundary values exact unless they have a weight.
    fn ansatz(&self) -> Ansatz {
        let (domain, epsilon) = (&self.problem.domain, self.problem.epsilon);
        let embedding = match (self.recipe.harmonics, &domain[..]) {
            (0, _) => Embedding::scaled(domain),
            (n, [a, b]) => Embedding::two_scale(domain, epsilon, n).and(Embedding::boundary_layers([*a, *b], epsilon)),
            (n, _) => Embedding::two_scale(domain, epsilon, n),
        };
        let ansatz = Ansatz::plain(domain.len(), embedding, self.equation.fields());
        if self.recipe.boundary_weight.is_some() { ansatz } else { ansatz.with_factor(dirichlet_factor(domain)) }
    }

    /// u = 0 on the boundary: at its two ends, or as densely as the points inside.
    fn boundary(&self, width: usize) -> Vec<Condition> {
        let domain = &self.problem.domain;
        let on_side = |i: usize, end: f64| {
            let mut side = domain.clone();
            side[i] = [end, end];
            let mut counts = self.recipe.points.clone();
            counts[i] = 1;
            grid(&side, &counts, false)
        };
        let sides = (0..domain.len()).flat_map(|i| domain[i].map(|end| on_side(i, end))).flatten();
        sides.map(|x| Condition::value(&x, 0.0, width)).collect()
    }

    /// Points on no grid, dense enough to resolve ε and denser than those of training.
    fn held_out_points(&self) -> Vec<Vec<f64>> {
        let (domain, epsilon) = (&self.problem.domain, self.problem.epsilon);
        let resolving = |[a, b]: &[f64; 2]| ((b - a) / epsilon * PER_PERIOD[domain.len() - 1]).ceil() as usize;
        let counts = domain.iter().zip(&self.recipe.points).map(|(d, n)| resolving(d).max(n + 1));
        jittered(domain, &counts.collect::<Vec<_>>(), self.seed.wrapping_add(301))
    }

    fn train(&self, context: &Context<'_>) -> Result<(NeuralField, Trained, Shares)> {
        let (recipe, problem, truth) = (self.recipe, self.problem, self.truth);
        let (ansatz, fields) = (self.ansatz(), self.equation.fields());
        let widths = [&[ansatz.embedding.inputs()], &recipe.hidden[..], &[fields]].concat();
        let net = Mlp::new(&widths, Activation::Tanh, self.seed.wrapping_add(200))?;
        let spec = self.equation.jets();
        let points = match recipe.jitter {
            true => jittered(&problem.domain, &recipe.points, self.seed.wrapping_add(300)),
            false => grid(&problem.domain, &recipe.points, false),
        };
        let between = self.held_out_points();
        let at = |points: &[Vec<f64>]| Collocation::new(&ansatz, &net, &spec)?.equation(self.equation, points, 1.0);
        let (mut sum, held_out) = (at(&points)?, at(&between)?);
        if let Some(weight) = recipe.boundary_weight {
            sum = sum.conditions("boundary", &self.boundary(fields * spec.channels()), weight)?;
        }
        // a part of the points is enough for a curve
        let few: Vec<usize> = (0..truth.points.len()).step_by(if problem.dimension() == 1 { 10 } else { 7 }).collect();
        let some: Vec<Vec<f64>> = few.iter().map(|k| truth.points[*k].clone()).collect();
        let against: Vec<f64> = few.iter().map(|k| truth.multiscale.values[*k]).collect();
        let errors = |field: &NeuralField| vec![relative(&field.values(&some), &against)];
        let (field, mut trained) = trained(context, &self.stage(), self.seed, &errors, |resume, look, observer| {
            let mut p = net.parameters().to_vec();
            let mut on_look = |t: &Training| look(&NeuralField::new(&ansatz, &net, &t.parameters), t);
            let mut optimizer = GaussNewton::default();
            let plan = &recipe.plan;
            let training = solve(&sum, None, &mut optimizer, plan, &mut p, resume, &mut on_look, observer)?;
            Ok((NeuralField::new(&ansatz, &net, &p), training))
        })?;
        let rest = (&held_out as &dyn LeastSquares).cost(&trained.training.parameters);
        if let Some(last) = trained.training.history.last_mut() {
            last.held_out = Some(rest);
        }
        let equation = trained.training.parts.iter().filter(|(name, _)| name != "boundary").map(|(_, part)| part).sum();
        // the residual of u = 0 is −f in both forms
        let share = |cost: f64, points: &[Vec<f64>]| {
            let square: f64 = points.iter().map(|x| problem.source(x).powi(2)).sum();
            (2.0 * cost / (square / points.len() as f64)).sqrt()
        };
        let shares = Shares { training: share(equation, &points), held_out: share(rest, &between) };
        Ok((field, trained, shares))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_at_the_points_and_large_between_is_doubted_and_so_is_no_progress_or_no_number() {
        let doubt = |training, held_out| Shares { training, held_out }.doubt();
        assert!(doubt(1e-8, 3.0).unwrap().contains("more of them"));
        assert!(doubt(0.9, 0.9).unwrap().contains("did not get far"));
        assert!(doubt(0.1, f64::NAN).is_some());
        assert!(doubt(0.09, 0.1).is_none() && doubt(1e-4, 1e-2).is_none());
    }
}

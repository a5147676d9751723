//! One run of a neural study from its configuration to its outcome.

use std::time::Instant;

use rayon::prelude::*;

use super::check::check;
use super::config::{EquationConfig, NeuralStudyConfig, Recipe};
use super::elliptic::{EllipticProblem, relative};
use super::scores::{Scores, Trained};
use super::{direct, elliptic_nets, figures, files, paper, paper_reaction, reaction, tables};
use crate::{
    Result,
    report::{Check, Report},
    study::{
        Context, Outcome,
        run::{apply_bounds, new_report, time},
    },
};

/// Runs the study.
///
/// # Errors
/// Those of [`check`] and of the stages; [`crate::Error::Interrupted`]. A check that fails is no error.
pub(in crate::study) fn run(config: &NeuralStudyConfig, context: &Context<'_>) -> Result<Outcome> {
    let started = Instant::now();
    check(config)?;
    let report = new_report(&config.study, config.seed, &config.title, &config.summary);
    let mut out = Outcome { report, datasets: vec![], models: vec![], fields: vec![], networks: vec![] };
    for (k, equation) in config.equation.iter().enumerate() {
        match equation {
            EquationConfig::Elliptic { domain, epsilon, coefficient, source } => {
                elliptic(config, &EllipticProblem::new(domain, *epsilon, coefficient, source)?, context, &mut out)?;
            }
            EquationConfig::Reaction { .. } => {
                reaction_problem(config, &reaction::Reaction::new(equation, k)?, k == 0, context, &mut out)?;
            }
        }
    }
    let report = &mut out.report;
    for (name, known) in &config.known {
        if let Some(value) = report.check(name).map(|c| c.value) {
            report.checks.push(Check::figure(&format!("{name}_difference"), (value - known).abs()));
        }
    }
    for check in &mut report.checks {
        check.paper = config.published.get(&check.name).copied();
    }
    report.tables.insert(0, tables::verdict(config, report));
    // bounds on what this recipe does not report wait for the other one; their names were checked
    let bounds = config.checks.iter().filter(|(name, _)| report.check(name).is_some());
    apply_bounds(&bounds.map(|(name, bound)| (name.clone(), *bound)).collect(), report)?;
    report.wall_seconds = started.elapsed().as_secs_f64();
    Ok(out)
}

/// Seeds of the repeats: far enough apart for several networks each.
pub(super) fn seeds(config: &NeuralStudyConfig) -> Vec<u64> {
    (0..config.repeats as u64).map(|k| config.seed.wrapping_add(1000 * k)).collect()
}

pub(super) fn gathered<'a>(all: impl Iterator<Item = &'a Scores>) -> Scores {
    let mut sum = Scores::default();
    for score in all.flat_map(|s| &s.0) {
        score.values.iter().for_each(|v| sum.add(&score.name, *v));
    }
    sum
}

fn conclude(
    report: &mut Report,
    suffix: &str,
    e4: f64,
    corrected: f64,
    error: f64,
    scores: &Scores,
    trained: &[&Trained],
) {
    let mut add = |name: &str, value: f64| report.checks.push(Check::figure(&format!("{name}{suffix}"), value));
    add("e4", e4);
    add("corrector_truth", corrected);
    add("reference_error", error);
    if let Some(e1) = scores.get(&format!("e1{suffix}")) {
        add("e1_vs_e4", (e1.median() / e4 - 1.0).abs());
    }
    report.checks.extend(scores.checks());
    report.timings.extend(trained.iter().map(|t| t.timing()));
    if !trained.is_empty() {
        report.tables.push(tables::trainings(suffix, trained));
        report.figures.push(figures::curves(suffix, trained));
    }
}

/// The paper's recipe from all seeds, and what became of the paper's claims.
fn published(
    config: &NeuralStudyConfig,
    suffix: &str,
    report: &mut Report,
    (points, truth): (&[Vec<f64>], &[f64]),
    one: &(dyn Fn(u64) -> Result<paper::PaperRepeat> + Sync),
) -> Result<()> {
    let repeats: Vec<Result<paper::PaperRepeat>> = seeds(config).par_iter().map(|seed| one(*seed)).collect();
    let repeats: Vec<paper::PaperRepeat> = repeats.into_iter().collect::<Result<_>>()?;
    let scores = gathered(repeats.iter().map(|r| &r.scores));
    let trained: Vec<&Trained> = repeats.iter().flat_map(|r| &r.trained).collect();
    report.checks.extend(scores.checks());
    report.notes.extend(paper::claims(&scores, suffix));
    report.timings.extend(trained.iter().map(|t| t.timing()));
    report.tables.push(tables::trainings("_paper", &trained));
    report.figures.push(figures::curves("_paper", &trained));
    report.figures.push(figures::published(points, truth, &repeats[0].solutions));
    Ok(())
}

fn elliptic(
    config: &NeuralStudyConfig,
    problem: &EllipticProblem,
    context: &Context<'_>,
    out: &mut Outcome,
) -> Result<()> {
    let report = &mut out.report;
    let timer = Instant::now();
    let truth = elliptic_nets::Truth::new(config, problem)?;
    time(report, "references by finite elements", timer, []);
    report.notes.push(format!(
        "references: relative L² error at most {:.1e} (multiscale) and {:.1e} (homogenized), those of a mesh twice as coarse",
        truth.multiscale.error, truth.homogenized.error
    ));
    let u = &truth.multiscale.values;
    let e4 = problem.relative(&truth.points, &truth.homogenized.values, u);
    let error = truth.multiscale.error.max(truth.homogenized.error);
    let corrected = problem.relative(&truth.points, &truth.corrected, u);
    let one = |seed: &u64| elliptic_nets::repeat(config, problem, &truth, *seed, context);
    let wanted = if config.recipe == Recipe::Paper { vec![] } else { seeds(config) };
    let repeats: Vec<Result<elliptic_nets::Repeat>> = wanted.par_iter().map(one).collect();
    let repeats: Vec<elliptic_nets::Repeat> = repeats.into_iter().collect::<Result<_>>()?;
    let scores = gathered(repeats.iter().map(|r| &r.scores));
    let trained: Vec<&Trained> = repeats.iter().flat_map(|r| &r.trained).collect();
    conclude(report, "", e4, corrected, error, &scores, &trained);
    let timer = Instant::now();
    let predicted = paper::smooth_minimum(config, problem, &truth, 6)?;
    time(report, "least-squares minimum over smooth functions", timer, []);
    report.checks.push(Check::figure("classical_predicted", predicted));
    if let Some(direct) = config.direct.as_ref().filter(|d| d.run) {
        direct::run(config, direct, problem, &truth, context, report)?;
    }
    if let (Some(paper), true) = (&config.paper, config.recipe != Recipe::Ours) {
        let at = (&truth.points[..], &truth.multiscale.values[..]);
        published(config, "", report, at, &|seed| paper::repeat(config, paper, problem, &truth, seed, context))?;
    }
    if !repeats.is_empty() {
        report.figures.extend(figures::elliptic(config, problem, &truth, &repeats));
        out.fields.extend(files::elliptic(config, problem, &truth, &repeats));
        out.networks.extend(repeats.into_iter().flat_map(|r| r.networks));
    }
    Ok(())
}

fn reaction_problem(
    config: &NeuralStudyConfig,
    problem: &reaction::Reaction,
    first: bool,
    context: &Context<'_>,
    out: &mut Outcome,
) -> Result<()> {
    let report = &mut out.report;
    let timer = Instant::now();
    let truth = reaction::Truth::new(config, problem)?;
    time(report, &format!("references by finite elements{}", problem.suffix), timer, []);
    report.notes.push(format!(
        "references{}: relative L² error at most {:.1e} (multiscale) and {:.1e} (homogenized), from a mesh twice as coarse",
        problem.suffix, truth.errors[0], truth.errors[1]
    ));
    let one = |seed: &u64| reaction::repeat(config, problem, &truth, *seed, context);
    let wanted = if config.recipe == Recipe::Paper { vec![] } else { seeds(config) };
    let repeats: Vec<Result<reaction::Repeat>> = wanted.par_iter().map(one).collect();
    let repeats: Vec<reaction::Repeat> = repeats.into_iter().collect::<Result<_>>()?;
    let scores = gathered(repeats.iter().map(|r| &r.scores));
    let trained: Vec<&Trained> = repeats.iter().flat_map(|r| &r.trained).collect();
    let e4 = relative(&truth.homogenized, &truth.multiscale);
    let corrected = relative(&truth.corrected, &truth.multiscale);
    let error = truth.errors[0].max(truth.errors[1]);
    conclude(report, &problem.suffix, e4, corrected, error, &scores, &trained);
    if let (Some(paper), true, true) = (&config.paper, config.recipe != Recipe::Ours, first) {
        let one = |seed| paper_reaction::repeat(config, paper, problem, &truth, seed, context);
        published(config, &problem.suffix, report, (&truth.points, &truth.multiscale), &one)?;
    }
    if !repeats.is_empty() {
        report.figures.extend(figures::reaction(problem, &truth, &repeats));
        out.fields.extend(files::reaction(config, problem, &truth, &repeats));
        out.networks.extend(repeats.into_iter().flat_map(|r| r.networks));
    }
    Ok(())
}

//! One run of a study from its configuration to its outcome.

use std::{collections::BTreeMap, time::Instant};

use rayon::prelude::*;

use super::{
    Context, Outcome, PatchExperiment, Problem,
    config::{BoundConfig, LawKind, StudyConfig},
    figures,
    laws::{FittedLaw, fit_law},
    patches::gather,
    resolved::{Resolved, resolve},
    tables,
    verdict::{Score, Truth, judge, judge_law},
};
use crate::{
    Error, Result, VERSION,
    cell::CellMethod,
    closure::{Amplitudes, SineSum},
    grid::Axis,
    observer::check_interrupt,
    ode::{explicit, extrapolation::Work},
    report::{Check, Report, Timing},
};

/// Everything found so far, for checks, tables and figures.
pub(super) struct Findings {
    pub(super) problem: Problem,
    pub(super) states: Vec<SineSum>,
    pub(super) train: usize,
    pub(super) truth: Truth,
    pub(super) experiments: Vec<(PatchExperiment, Score)>,
    pub(super) laws: Vec<(FittedLaw, Score)>,
    pub(super) resolved: Option<Resolved>,
}

/// Runs a study.
///
/// # Errors
/// [`Error::Config`] and [`Error::Parameter`] for what does not fit, with the key; [`Error::Interrupted`]; those of the stages.
/// A check that fails is no error: see [`Report::passed`].
pub fn run(config: &StudyConfig, context: &Context<'_>) -> Result<Outcome> {
    let started = Instant::now();
    validate(config)?;
    let mut report = new_report(&config.study, config.seed, &config.title, &config.summary);
    let problem = Problem::new(&config.problem)?;
    cell_checks(&problem, &mut report)?;
    let count = config.trajectories.train + config.trajectories.test;
    let states: Vec<SineSum> = (0..count as u64).map(|k| SineSum::random(config.seed, k, Amplitudes::Paper)).collect();
    let timer = Instant::now();
    let truth = truth(config, &problem, &states, context)?;
    time(&mut report, "homogenized truth", timer, []);
    let mut experiments = Vec::new();
    for patches in &config.patches {
        experiments.push(gather(&problem, &config.trajectories, patches, &states, context)?);
    }
    let laws = fit_all(config, &problem, &experiments, context)?;
    let mut findings = Findings {
        problem,
        states,
        train: config.trajectories.train,
        truth,
        experiments: vec![],
        laws: vec![],
        resolved: None,
    };
    for experiment in experiments {
        let score = judge_patches(&experiment, &findings.truth, context.observer)?;
        findings.experiments.push((experiment, score));
    }
    for fitted in laws {
        let timer = Instant::now();
        let score = judge_law(&fitted.law, grid_of(&fitted, &findings), &findings.truth, context.observer)?;
        time(&mut report, &format!("verdict on {}", fitted.config.name), timer, []);
        findings.laws.push((fitted, score));
    }
    if let Some(resolved) = &config.resolved {
        check_interrupt(context.observer, "the resolved problem")?;
        let state = findings.states[findings.train].clone();
        findings.resolved = Some(resolve(&findings.problem, resolved, |x| state.eval(x), context.observer)?);
    }
    conclude(config, &findings, &mut report, context)?;
    report.wall_seconds = started.elapsed().as_secs_f64();
    let datasets = findings.experiments.iter().map(|(e, _)| (e.config.name.clone(), e.data.clone())).collect();
    let models = findings.laws.into_iter().map(|(l, _)| (l.config.name, l.law)).collect();
    Ok(Outcome { report, datasets, models, fields: vec![], networks: vec![] })
}

pub(super) fn grid_of<'a>(law: &FittedLaw, findings: &'a Findings) -> &'a Axis {
    let found = findings.experiments.iter().find(|(e, _)| e.config.name == law.config.patches);
    &found.expect("validated: a law names its patches").0.data.grid.axes()[0]
}

pub(super) fn validate(config: &StudyConfig) -> Result<()> {
    let refuse = |path: String, message: String| Err(Error::Config { path, message });
    let t = &config.trajectories;
    if t.test == 0 || t.train + t.test > 10_000 {
        return refuse(
            "trajectories.test".into(),
            format!(
                "found {} (train {}); expected at least one unseen trajectory and at most 10000 in all",
                t.test, t.train
            ),
        );
    }
    if !(t.end > 0.0 && t.every > 0.0 && t.every <= t.end && (t.end / t.every) < 1e6) {
        return refuse(
            "trajectories.every".into(),
            format!(
                "found {} with end = {}; expected a positive time between records, at most the end",
                t.every, t.end
            ),
        );
    }
    let mut names = std::collections::BTreeSet::new();
    for patches in &config.patches {
        if !names.insert(&patches.name) {
            return refuse(format!("patches.{}", patches.name), "this name stands twice".into());
        }
        if patches.intervals == 0 || !config.truth.intervals.is_multiple_of(patches.intervals) {
            return refuse(
                "truth.intervals".into(),
                format!(
                    "found {}; expected a multiple of patches.{}.intervals = {}",
                    config.truth.intervals, patches.name, patches.intervals
                ),
            );
        }
    }
    let mut laws = std::collections::BTreeSet::new();
    for law in &config.laws {
        if !laws.insert(&law.name) {
            return refuse(format!("laws.{}", law.name), "this name stands twice".into());
        }
        if !names.contains(&law.patches) {
            let known = names.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
            return refuse(
                format!("laws.{}.patches", law.name),
                format!("found `{}`; expected one of: {known}", law.patches),
            );
        }
    }
    if !config.laws.is_empty() && t.train == 0 {
        return refuse("trajectories.train".into(), "found 0; laws need at least one training trajectory".into());
    }
    Ok(())
}

/// A report with nothing in it yet.
pub(super) fn new_report(study: &str, seed: u64, title: &str, summary: &str) -> Report {
    Report {
        study: study.into(),
        version: VERSION.into(),
        seed,
        threads: rayon::current_num_threads(),
        title: title.into(),
        summary: summary.into(),
        ..Report::default()
    }
}

pub(super) fn time(
    report: &mut Report,
    name: &str,
    since: Instant,
    work: impl IntoIterator<Item = (&'static str, u64)>,
) {
    let work: BTreeMap<String, u64> = work.into_iter().map(|(k, v)| (k.to_string(), v)).collect();
    report.timings.push(Timing { name: name.into(), seconds: since.elapsed().as_secs_f64(), work });
}

/// a* by quadrature and by finite elements, against the exact value where it is known.
fn cell_checks(problem: &Problem, report: &mut Report) -> Result<()> {
    let timer = Instant::now();
    if problem.coefficient.is_none() {
        return Ok(());
    }
    let quadrature = problem.effective(CellMethod::Quadrature)?;
    let elements = problem.effective(CellMethod::FiniteElement { degree: 8 })?;
    report.checks.push(
        Check::figure("a_star", quadrature.scalar()).paper(
            Some(0.45825686).filter(|_| {
                problem.known_effective().ok().flatten().is_some_and(|k| (k - 0.21f64.sqrt()).abs() < 1e-9)
            }),
        ),
    );
    report.checks.push(Check::figure("a_star_fem_difference", (elements.scalar() - quadrature.scalar()).abs()));
    if let Some(known) = problem.known_effective()? {
        let worst = (quadrature.scalar() - known).abs().max((elements.scalar() - known).abs());
        report.checks.push(Check::figure("a_star_abs_error", worst));
    }
    time(report, "cell problem", timer, [("unknowns", elements.unknowns as u64)]);
    Ok(())
}

fn truth(config: &StudyConfig, problem: &Problem, states: &[SineSum], context: &Context<'_>) -> Result<Truth> {
    let grid = Axis::uniform(problem.config.domain, config.truth.intervals, problem.config.boundary)?;
    let count = (config.trajectories.end / config.trajectories.every).round() as usize;
    let times: Vec<f64> = (0..=count).map(|k| k as f64 * config.trajectories.every).collect();
    let initial: Vec<Vec<f64>> = states[config.trajectories.train..].iter().map(|s| s.sample(&grid.x)).collect();
    let (u, u_t) = problem.truth(&grid, &config.truth, &initial, &times, context.observer)?;
    Ok(Truth { grid, times, u, u_t })
}

/// Fits all laws; independent ones side by side.
fn fit_all(
    config: &StudyConfig,
    problem: &Problem,
    experiments: &[PatchExperiment],
    context: &Context<'_>,
) -> Result<Vec<FittedLaw>> {
    if config.laws.is_empty() {
        return Ok(Vec::new());
    }
    let mean = problem.arithmetic_mean().ok();
    let training: Result<Vec<_>> =
        experiments.iter().map(|e| Ok((e.config.name.as_str(), e.data.split(config.trajectories.test)?.0))).collect();
    let training: BTreeMap<&str, _> = training?.into_iter().collect();
    config
        .laws
        .par_iter()
        .map(|law| {
            check_interrupt(context.observer, &format!("the fit of {}", law.name))?;
            fit_law(law, &training[law.patches.as_str()], mean, config.seed, context)
        })
        .collect()
}

/// Patch dynamics itself, judged as if it were a law: its estimator at the truth's states, and its own trajectories.
fn judge_patches(
    experiment: &PatchExperiment,
    truth: &Truth,
    observer: &dyn crate::observer::Observer,
) -> Result<Score> {
    let grid = &experiment.data.grid.axes()[0];
    let tableau = experiment.config.method.tableau();
    let integrator = explicit::RungeKutta::new(tableau);
    let integrate = |u0: &[f64]| -> Result<Vec<Vec<f64>>> {
        explicit::integrate(
            &integrator,
            &experiment.estimator,
            truth.times[0],
            u0,
            &truth.times,
            experiment.config.step,
            observer,
        )
        .map(|s| s.u)
    };
    judge(&experiment.estimator, grid, truth, &integrate)
}

fn conclude(config: &StudyConfig, findings: &Findings, report: &mut Report, context: &Context<'_>) -> Result<()> {
    for (k, (experiment, score)) in findings.experiments.iter().enumerate() {
        patch_checks(k == 0, findings, experiment, score, report)?;
    }
    for (law, score) in &findings.laws {
        let name = &law.config.name;
        report.checks.push(Check::figure(&format!("{name}_rhs_rmse"), score.rhs_rmse).paper(law.config.paper_rhs_rmse));
        report.checks.push(
            Check::figure(&format!("{name}_trajectory_rmse"), score.trajectory_rmse)
                .paper(law.config.paper_trajectory_rmse),
        );
        report.checks.extend(against_linear(findings, law, score));
        report.timings.push(Timing {
            name: format!("fit of {name}"),
            seconds: law.seconds,
            work: BTreeMap::from([("epochs".to_string(), law.loss.len() as u64)]),
        });
        report.notes.extend(law.notes.iter().map(|n| format!("{name}: {n}")));
        report.notes.extend(score.failure.iter().map(|n| format!("{name}: {n}")));
    }
    if let Some(resolved) = &findings.resolved {
        resolved_checks(findings, resolved, config, report, context)?;
    }
    report.tables = tables::all(findings);
    figures::add(findings, config, report, context)?;
    apply_bounds(&config.checks, report)
}

/// A network beside the least-squares stencil law of the same data: the floor that three points set.
fn against_linear(findings: &Findings, law: &FittedLaw, score: &Score) -> Option<Check> {
    if !matches!(law.config.kind, LawKind::FunctionalNet(_) | LawKind::DiscretizedNet(_)) {
        return None;
    }
    let same = |l: &FittedLaw| {
        matches!(l.config.kind, LawKind::LinearStencil { .. }) && l.config.patches == law.config.patches
    };
    let (_, floor) = findings.laws.iter().find(|(l, _)| same(l))?;
    Some(Check::figure(&format!("{}_over_linear", law.config.name), score.rhs_rmse / floor.rhs_rmse))
}

fn patch_checks(
    main: bool,
    findings: &Findings,
    experiment: &PatchExperiment,
    score: &Score,
    report: &mut Report,
) -> Result<()> {
    let name = &experiment.config.name;
    let mut figures = vec![
        (format!("patch_{name}_rhs_rmse"), score.rhs_rmse),
        (format!("patch_{name}_trajectory_rmse"), score.trajectory_rmse),
    ];
    if main {
        figures.push(("patch_rhs_vs_homogenized".into(), score.rhs_rmse));
        figures.push(("space_fraction".into(), experiment.space_fraction));
        figures.push(("time_fraction".into(), experiment.time_fraction));
        figures.push(("work_ratio_vs_resolved".into(), experiment.work_ratio()));
    }
    if let Some([response]) = experiment.estimator.responses()
        && let (Some(c2), Ok(star)) = (response.slopes.get(2), findings.problem.effective(CellMethod::Quadrature))
    {
        figures.push((format!("patch_{name}_diffusivity_error"), (c2 - star.scalar()).abs() / star.scalar()));
    }
    report.checks.extend(figures.iter().map(|(n, v)| Check::figure(n, *v)));
    report.notes.push(format!("patches `{name}`: {} path, {} bursts", experiment.estimator.path(), experiment.bursts));
    let Work { rhs, solves, factors, steps, rejected } = experiment.work;
    let work = [
        ("bursts", experiment.bursts),
        ("rhs", rhs),
        ("solves", solves),
        ("factors", factors),
        ("steps", steps),
        ("rejected", rejected),
    ];
    let work = work.into_iter().filter(|w| w.1 > 0).map(|(k, v)| (k.to_string(), v)).collect();
    report.timings.push(Timing { name: format!("patch dynamics `{name}`"), seconds: experiment.seconds, work });
    Ok(())
}

fn resolved_checks(
    findings: &Findings,
    resolved: &Resolved,
    config: &StudyConfig,
    report: &mut Report,
    context: &Context<'_>,
) -> Result<()> {
    let Some(asked) = &config.resolved else { return Ok(()) };
    let truth = &findings.truth;
    report.checks.push(Check::figure("resolved_unknowns", resolved.grid.active().len() as f64));
    let (at_time, _) = findings.problem.truth(
        &truth.grid,
        &config.truth,
        &[truth.u[0][0].clone()],
        &[asked.time],
        context.observer,
    )?;
    let window = 10.0 * findings.problem.config.epsilon;
    let low_pass = resolved.low_pass(&truth.grid.x, window);
    let inside = 1..truth.grid.len() - 1;
    let relative = |a: &[f64], b: &[f64]| {
        let scale = b.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max) / scale
    };
    let homogenized = &at_time[0][0];
    report
        .checks
        .push(Check::figure("resolved_vs_homogenized", relative(&low_pass[inside.clone()], &homogenized[inside])));
    if let Some((experiment, score)) = findings.experiments.first()
        && let Some(k) = truth.times.iter().position(|t| (t - asked.time).abs() < 1e-9)
    {
        let grid = &experiment.data.grid.axes()[0];
        let coarse = resolved.low_pass(&grid.x, window);
        let inside = 1..grid.len() - 1;
        report
            .checks
            .push(Check::figure("resolved_vs_patches", relative(&score.states[0][k][inside.clone()], &coarse[inside])));
    }
    let mut work = BTreeMap::from([("unknowns".to_string(), resolved.grid.active().len() as u64)]);
    if let Some(difference) = resolved.difference {
        report.checks.push(Check::figure("resolved_general_vs_exact", difference));
    }
    if let Some((counts, seconds)) = &resolved.general {
        let general =
            [("rhs", counts.rhs), ("solves", counts.solves), ("factors", counts.factors), ("steps", counts.steps)];
        let general = general.into_iter().map(|(k, v)| (k.to_string(), v)).collect();
        report.timings.push(Timing { name: "resolved problem, general path".into(), seconds: *seconds, work: general });
    }
    work.insert("complex solves".into(), if resolved.path == "exact" { 14 } else { 0 });
    report.timings.push(Timing {
        name: format!("resolved problem, {} path", resolved.path),
        seconds: resolved.seconds,
        work,
    });
    Ok(())
}

/// Gives the checks the study's bounds.
pub(super) fn apply_bounds(bounds: &BTreeMap<String, BoundConfig>, report: &mut Report) -> Result<()> {
    for (name, bound) in bounds {
        let known = report.checks.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
        let Some(check) = report.checks.iter_mut().find(|c| &c.name == name) else {
            return Err(Error::Config {
                path: format!("checks.{name}"),
                message: format!("no such check; this study has: {known}"),
            });
        };
        *check = match *bound {
            BoundConfig::AtMost(b) => Check::at_most(name, check.value, b),
            BoundConfig::AtLeast(b) => Check::at_least(name, check.value, b),
        }
        .paper(check.paper);
    }
    Ok(())
}

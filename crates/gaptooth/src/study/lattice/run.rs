//! One run of a lattice study from its configuration to its outcome.

use std::time::Instant;

use rayon::prelude::*;

use super::{
    check::check,
    config::{LatticeStudyConfig, second_derivatives},
    figures,
    gather::{LatticeExperiment, gather_lattice},
    tables,
    verdict::{Distance, Score, Truths, judge, linear_states},
};
use crate::{
    Result,
    cell::lattice::{LatticeEquation, bloch_rates},
    closure::{
        AnyClosure, Dataset, FeatureSpec, LinearRecipe, MultiIndex, fit_linear, metrics::relative_mean_squared_error,
    },
    observer::check_interrupt,
    report::{Check, Report, Timing},
    study::{
        Context, Outcome,
        laws::{FittedLaw, fit_law},
        run::{apply_bounds, new_report, time},
    },
};

/// Everything found so far, for checks, tables and figures.
pub(super) struct Findings {
    pub(super) equation: LatticeEquation<2>,
    pub(super) experiments: Vec<LatticeExperiment>,
    pub(super) truths: Truths,
    pub(super) laws: Vec<(FittedLaw, Score)>,
}

/// Runs the study.
///
/// # Errors
/// Those of [`check`] and of the stages; [`crate::Error::Interrupted`]. A check that fails is no error.
pub(in crate::study) fn run(config: &LatticeStudyConfig, context: &Context<'_>) -> Result<Outcome> {
    let started = Instant::now();
    check(config)?;
    let mut report = new_report(&config.study, config.seed, &config.title, &config.summary);
    let mut experiments = vec![];
    for p in &config.patches {
        let timer = Instant::now();
        experiments.push(gather_lattice(config, p, context)?);
        time(&mut report, &format!("gap-tooth `{}`", p.name), timer, []);
    }
    let timer = Instant::now();
    let h = experiments[0].spacing();
    let equation = LatticeEquation::new(&config.lattice.lattice()?, [h; 2], 6)?;
    let truths = truths(config, &equation, &experiments[0].data)?;
    time(&mut report, "cell problems and truths", timer, []);
    let laws = fit_all(config, &experiments, context)?;
    let mut findings = Findings { equation, experiments, truths, laws: vec![] };
    for fitted in laws {
        let timer = Instant::now();
        let own = &findings.experiments.iter().find(|e| e.config.name == fitted.config.patches);
        let own = own.map_or(&findings.truths.data, |e| &e.data).split(config.trajectories.test)?.1;
        let horizon = config.horizon.unwrap_or(config.trajectories.end);
        let score = judge(&fitted.law, &findings.truths, &own, horizon, context.observer)?;
        time(&mut report, &format!("verdict on {}", fitted.config.name), timer, []);
        findings.laws.push((fitted, score));
    }
    conclude(config, &findings, &mut report)?;
    report.wall_seconds = started.elapsed().as_secs_f64();
    let datasets = findings.experiments.into_iter().map(|e| (e.config.name, e.data)).collect();
    let models = findings.laws.into_iter().map(|(l, _)| (l.config.name, l.law)).collect();
    Ok(Outcome { report, datasets, models, fields: vec![], networks: vec![] })
}

fn truths(config: &LatticeStudyConfig, equation: &LatticeEquation<2>, data: &Dataset) -> Result<Truths> {
    let data = data.split(config.trajectories.test)?.1;
    let exact = |highest: usize| -> Vec<(MultiIndex, f64)> {
        let terms = equation.terms().into_iter().filter(|(alpha, _)| alpha.iter().sum::<usize>() <= highest);
        terms.map(|(alpha, c)| (MultiIndex(alpha.to_vec()), c)).collect()
    };
    let published = config.lattice.published.map(|c| second_derivatives().into_iter().zip(c).collect::<Vec<_>>());
    Ok(Truths {
        tensor: linear_states(&data, &exact(2))?,
        sixth: linear_states(&data, &exact(6))?,
        published: published.map(|terms| linear_states(&data, &terms)).transpose()?,
        data,
    })
}

/// Fits all laws, independent ones side by side.
fn fit_all(
    config: &LatticeStudyConfig,
    experiments: &[LatticeExperiment],
    context: &Context<'_>,
) -> Result<Vec<FittedLaw>> {
    let one = |law: &super::super::config::LawConfig| -> Result<FittedLaw> {
        check_interrupt(context.observer, &format!("the fit of {}", law.name))?;
        let from = experiments.iter().find(|e| e.config.name == law.patches);
        let data = from.expect("checked: a law names its patches").data.split(config.trajectories.test)?.0;
        fit_law(law, &data, None, config.seed, context)
    };
    let all: Vec<Result<FittedLaw>> = config.laws.par_iter().map(one).collect();
    all.into_iter().collect()
}

fn conclude(config: &LatticeStudyConfig, findings: &Findings, report: &mut Report) -> Result<()> {
    let main = &findings.experiments[0];
    report.checks.push(Check::figure("space_fraction", main.system.grid().space_fraction()));
    for (k, derivative) in second_derivatives().iter().enumerate() {
        let name = format!("exact_{}", derivative.name());
        let value = findings.equation.coefficient([derivative.0[0], derivative.0[1]]);
        let published = config.lattice.published.map(|p| p[k]);
        report.checks.push(Check::figure(&name, value).paper(published));
    }
    report.checks.push(Check::figure("gap_tooth_vs_bloch", bloch_error(config, main)?));
    report.checks.extend(start_checks(findings)?);
    truth_checks(findings, report)?;
    let mut growth = 0.0f64;
    for (law, score) in &findings.laws {
        law_checks(findings, law, score, report);
        growth = growth.max(score.growth);
    }
    if !findings.laws.is_empty() {
        report.checks.push(Check::figure("largest_growth", growth));
    }
    report.tables = tables::all(config, findings);
    report.figures = figures::all(findings);
    apply_bounds(&config.checks, report)
}

/// The largest relative error of the patches' rates against the Bloch rates of the whole lattice, over single waves.
fn bloch_error(config: &LatticeStudyConfig, main: &LatticeExperiment) -> Result<f64> {
    let lattice = config.lattice.lattice()?;
    let propagator = crate::patch::propagator::BlockPropagator::new(&main.system)?;
    let unit = std::f64::consts::TAU / config.lattice.length();
    let mut worst = 0.0f64;
    let resolved = |(l, m): &(f64, f64)| 2.0 * l.abs().max(m.abs()) < main.config.patches as f64;
    for (l, m) in [(1.0, 0.0), (0.0, 1.0), (1.0, -1.0), (2.0, 3.0)].into_iter().filter(resolved) {
        let k = [unit * l, unit * m];
        let wave = main.system.sample(|_, [x, y], _| (k[0] * x + k[1] * y).cos());
        let exact = bloch_rates(&lattice, [main.spacing(); 2], k)?[0];
        // from a healed state until it has decayed by e⁻²
        let times = [1e-2, 1e-2 + 2.0 / exact.abs()];
        let size = |u: &[f64]| u.iter().map(|v| v * v).sum::<f64>().sqrt();
        let evolved = propagator.evolve(&wave, &times)?;
        let found = (size(&evolved[1].u) / size(&evolved[0].u)).ln() / (times[1] - times[0]);
        worst = worst.max((found / exact - 1.0).abs());
    }
    Ok(worst)
}

/// What an unhealed snapshot says: its own u_xx and u_yy, and its share of Σ u_t².
fn start_checks(findings: &Findings) -> Result<Vec<Check>> {
    let Some(unhealed) = findings.experiments.iter().find(|e| e.config.from == 0.0) else { return Ok(vec![]) };
    let data = &unhealed.data;
    let first = data.select(&(0..data.trajectories()).collect::<Vec<_>>(), 0..1)?;
    let spec = FeatureSpec::Spectral { orders: second_derivatives() };
    let fit = fit_linear(&first, &LinearRecipe::absolute(spec))?;
    let sum = |d: &Dataset| d.u_t.iter().map(|v| v * v).sum::<f64>();
    let coefficient = |k: usize| fit.law.coefficients()[k];
    Ok(vec![
        Check::figure("start_u_xx", coefficient(0)),
        Check::figure("start_u_yy", coefficient(2)),
        Check::figure("start_share_of_u_t_squared", sum(&first) / sum(data)),
    ])
}

/// How far the truths are from each other: no law can be nearer to two of them.
fn truth_checks(findings: &Findings, report: &mut Report) -> Result<()> {
    let truths = &findings.truths;
    let gap_tooth = (0..truths.data.trajectories()).map(|i| truths.gap_tooth(i)).collect();
    let mut add = |name: &str, states| {
        let (median, largest) = Distance::new(states, &gap_tooth, &truths.data.times).last();
        report.checks.push(Check::figure(&format!("{name}_median"), median));
        report.checks.push(Check::figure(&format!("{name}_max"), largest));
    };
    add("sixth_order_vs_gap_tooth", &truths.sixth);
    add("exact_tensor_vs_gap_tooth", &truths.tensor);
    if let Some(published) = &truths.published {
        add("published_vs_gap_tooth", published);
    }
    Ok(())
}

fn law_checks(findings: &Findings, law: &FittedLaw, score: &Score, report: &mut Report) {
    let name = &law.config.name;
    let published = law.config.paper_rhs_rmse;
    report.checks.push(Check::figure(&format!("{name}_rhs_mse"), score.rhs_mse).paper(published));
    let mut add = |what: &str, value: f64| report.checks.push(Check::figure(&format!("{name}_{what}"), value));
    if law.config.patches != findings.experiments[0].config.name {
        add("own_rhs_mse", score.own_rhs_mse);
    }
    add("rhs_relative", score.rhs_relative);
    let distances = [
        ("gap_tooth", Some(&score.gap_tooth)),
        ("tensor", Some(&score.tensor)),
        ("published", score.published.as_ref()),
    ];
    for (truth, distance) in distances {
        let Some(distance) = distance else { continue };
        add(&format!("vs_{truth}_median"), distance.last().0);
        add(&format!("vs_{truth}_max"), distance.last().1);
    }
    add("growth", score.growth);
    if let AnyClosure::Symbolic(found) = &law.law {
        let off = |d: &MultiIndex| (found.coefficient(d) - findings.equation.coefficient([d.0[0], d.0[1]])).abs();
        add("tensor_error", second_derivatives().iter().map(off).fold(0.0, f64::max));
        add("terms", found.terms().len() as f64);
    }
    report.timings.push(Timing {
        name: format!("fit of {name}"),
        seconds: law.seconds,
        work: std::collections::BTreeMap::from([("epochs".to_string(), law.loss.len() as u64)]),
    });
    report.notes.extend(law.notes.iter().map(|n| format!("{name}: {n}")));
    report.notes.extend(score.failure.iter().map(|n| format!("{name}: {n}")));
}

/// eq. 24 of the right-hand side of an equation with `coefficients` of u_xx, u_xy and u_yy at the gap-tooth's states.
pub(super) fn equation_rhs_mse(data: &Dataset, coefficients: Vec<f64>) -> Result<f64> {
    let spec = FeatureSpec::Spectral { orders: second_derivatives() };
    let law = crate::closure::LinearLaw::new(spec, &data.grid, coefficients)?;
    let mut found = vec![];
    for snapshot in data.snapshots() {
        let mut du = vec![0.0; snapshot.u.len()];
        crate::ode::OdeSystem::rhs_into(&law, snapshot.time, snapshot.u, &mut du);
        found.extend(du);
    }
    relative_mean_squared_error(&found, &data.u_t)
}

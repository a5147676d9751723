//! What can be said against a study before anything is computed or written.

use std::collections::BTreeMap;

use super::{
    Problem,
    config::{BoundConfig, LawConfig, LawKind, NetConfig, PatchesConfig, StudyConfig},
    patches::steps,
    resolved, run,
};
use crate::{
    Error, Result,
    closure::Features,
    grid::{Axis, Grid},
    patch::{
        buffered::{BufferedPatches, PolynomialLifting},
        dynamics::MicroPath,
    },
};

/// Everything about a study that can be checked in well under a second: formulas, grids, names, steps.
///
/// ```
/// use gaptooth::study::{StudyConfig, check};
/// let config: StudyConfig = serde_json::from_value(serde_json::json!({
///     "study": "s", "seed": 1, "problem": {"epsilon": 1e-3, "diffusivity": "sin(2*pi*x/eps)"},
///     "trajectories": {"train": 1, "test": 1, "end": 1.0, "every": 0.1},
/// })).unwrap();
/// assert!(check(&config).unwrap_err().to_string().contains("must be positive"));
/// ```
///
/// # Errors
/// Those that [`super::run()`] would end with, as far as they show without computing.
pub fn check(config: &StudyConfig) -> Result<()> {
    let problem = check_problem(config)?;
    run::validate(config)?;
    let truth = Axis::uniform(problem.config.domain, config.truth.intervals, problem.config.boundary)?;
    if !(config.truth.tolerance > 0.0 && config.truth.tolerance < 0.1) {
        let found = config.truth.tolerance;
        return Err(Error::parameter("truth.tolerance", found, "between 0 and 0.1", "1e-9 is the default"));
    }
    problem.homogenized(&truth)?;
    problem.known_effective()?;
    check_experiments(config, &problem)?;
    for (k, law) in config.laws.iter().enumerate() {
        plain(&format!("laws.{k}.name"), &law.name)?;
        check_law(config, law)?;
    }
    if let Some(resolved) = &config.resolved {
        resolved::cells(&config.problem, resolved)?;
    }
    check_bounds(&check_names(config), &config.checks)
}

/// The same for the patch experiments alone, which need no truth: the coefficient may depend on u, drift and reaction may
/// oscillate.
///
/// # Errors
/// Those that [`super::gather`] would end with, as far as they show without computing; [`Error::Config`] without patches.
pub fn check_patches(config: &StudyConfig) -> Result<()> {
    let problem = check_problem(config)?;
    if config.patches.is_empty() {
        let message = "there are none; a simulation needs at least one [[patches]]".into();
        return Err(Error::Config { path: "patches".into(), message });
    }
    let t = &config.trajectories;
    if !(1..=10_000).contains(&(t.train + t.test)) {
        let message = format!("found {} with test = {}; expected 1 to 10000 in all", t.train, t.test);
        return Err(Error::Config { path: "trajectories.train".into(), message });
    }
    check_experiments(config, &problem)
}

fn check_problem(config: &StudyConfig) -> Result<Problem> {
    plain("study", &config.study)?;
    Axis::uniform(config.problem.domain, 2, config.problem.boundary)?;
    Problem::new(&config.problem)
}

/// Names become files.
pub(super) fn plain(path: &str, name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(plain) {
        return Ok(());
    }
    let message = format!("found `{name}`; expected letters, digits, - and _: it names files");
    Err(Error::Config { path: path.into(), message })
}

fn check_experiments(config: &StudyConfig, problem: &Problem) -> Result<()> {
    for (k, patches) in config.patches.iter().enumerate() {
        let twin = config.patches[..k].iter().any(|p| p.name == patches.name);
        plain(&format!("patches.{k}.name"), &patches.name)?;
        if twin {
            let message = format!("found `{}`, which stands above already; names differ", patches.name);
            return Err(Error::Config { path: format!("patches.{k}.name"), message });
        }
        check_experiment(config, patches, problem)?;
    }
    Ok(())
}

fn check_experiment(config: &StudyConfig, patches: &PatchesConfig, problem: &Problem) -> Result<()> {
    let here = format!("patches.{}", patches.name);
    let grid = grid(config, patches).map_err(|e| within(&here, e))?;
    let placed = BufferedPatches::new(grid, patches.tooth, patches.width, patches.spacing);
    let placed = placed.map_err(|e| within(&here, e))?;
    PolynomialLifting::new(&placed, patches.lifting).map_err(|e| within(&format!("{here}.lifting"), e))?;
    patches.burst.validate().map_err(|e| within(&here, e))?;
    if patches.burst.path == MicroPath::Exact && !problem.equation.is_linear() {
        let advice = "use path = \"auto\" or \"general\"";
        let error = Error::parameter("burst.path", "exact", "a linear, time-invariant model", advice);
        return Err(within(&here, error));
    }
    let t = &config.trajectories;
    if !(t.every > 0.0 && t.end > 0.0 && t.end.is_finite()) {
        let message = format!("found {} with end = {}; expected a positive time between records", t.every, t.end);
        return Err(Error::Config { path: "trajectories.every".into(), message });
    }
    for time in [t.every, patches.end.unwrap_or(t.end)] {
        steps("step", time, patches.step).map_err(|e| within(&here, e))?;
    }
    Ok(())
}

/// A parameter's error with the dotted path of its key.
pub(super) fn within(path: &str, error: Error) -> Error {
    match error {
        Error::Parameter { name, found, expected, advice } => {
            // `stencil points` is the key `points`
            let key = name.rsplit(' ').next().unwrap_or(&name);
            Error::Config {
                path: format!("{path}.{key}"),
                message: format!("found {found}; expected {expected}. {advice}"),
            }
        }
        other => other,
    }
}

fn grid(config: &StudyConfig, patches: &PatchesConfig) -> Result<Axis> {
    Axis::uniform(config.problem.domain, patches.intervals, config.problem.boundary)
}

fn check_law(config: &StudyConfig, law: &LawConfig) -> Result<()> {
    let Some(patches) = config.patches.iter().find(|p| p.name == law.patches) else { return Ok(()) };
    check_law_on(law, &grid(config, patches)?.into(), config.trajectories.train)
}

/// Derivatives of higher order than this have no digit left in double precision.
pub(super) const HIGHEST: usize = 16;

/// What can be said against a law on `grid` before there are data of `train` trajectories.
pub(super) fn check_law_on(law: &LawConfig, grid: &Grid, train: usize) -> Result<()> {
    let here = format!("laws.{}", law.name);
    let refuse = |key: &str, message: String| Err(Error::Config { path: format!("{here}.{key}"), message });
    match &law.kind {
        LawKind::FunctionalNet(net) | LawKind::DiscretizedNet(net) => check_net(law, net)?,
        LawKind::LinearStencil { points } if points % 2 == 0 => {
            return refuse("points", format!("found {points}; expected an odd number, 3 is the paper's"));
        }
        LawKind::Derivatives { candidates, .. } if candidates.is_empty() => {
            return refuse("candidates", "found none; expected sets of orders such as [[2], [2, 4]]".into());
        }
        LawKind::Symbolic { highest, .. } if *highest > HIGHEST => {
            return refuse("highest", format!("found {highest}; expected at most {HIGHEST}"));
        }
        LawKind::Symbolic { highest: 0, conserving: true, .. } => {
            return refuse("highest", "found 0; expected at least 1: no term of order 0 keeps the mean".into());
        }
        _ => {}
    }
    if let Some(validation) = law.kind.validation()
        && !(1..train).contains(&validation)
    {
        let expected = format!("expected at least 1 and fewer than the {train} training trajectories");
        return refuse("validation", format!("found {validation}; {expected}"));
    }
    let readable = |spec| Features::new(spec, grid).map(|_| ()).map_err(|e| within(&here, e));
    law.kind.features(grid.axes().len()).into_iter().try_for_each(readable)
}

fn check_net(law: &LawConfig, net: &NetConfig) -> Result<()> {
    let refuse = |key: &str, found: String, expected: &str| {
        let message = format!("found {found}; expected {expected}");
        Err(Error::Config { path: format!("laws.{}.{key}", law.name), message })
    };
    if net.hidden.is_empty() || net.hidden.contains(&0) {
        return refuse("hidden", format!("{:?}", net.hidden), "the widths of one or more layers, such as [32, 32]");
    }
    if let Some(points) = net.points.filter(|p| p % 2 == 0) {
        return refuse("points", points.to_string(), "an odd number; 3 and 5 are the paper's");
    }
    if net.batch == 0 {
        return refuse("batch", "0".into(), "at least 1; 64 is the paper's");
    }
    if !(net.learning_rate > 0.0 && net.learning_rate.is_finite()) {
        return refuse("learning_rate", net.learning_rate.to_string(), "a positive number; 1e-3 is the paper's");
    }
    Ok(())
}

/// A bound on a check that no run of this study can have is a slip of the pen.
pub(super) fn check_bounds(known: &[String], bounds: &BTreeMap<String, BoundConfig>) -> Result<()> {
    match bounds.keys().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!("no such check; this study has: {}", known.join(", "));
            Err(Error::Config { path: format!("checks.{name}"), message })
        }
    }
}

/// The checks that a run of the study may report.
fn check_names(config: &StudyConfig) -> Vec<String> {
    let mut names: Vec<String> = ["a_star", "a_star_fem_difference"].map(String::from).to_vec();
    if config.problem.known_effective.is_some() {
        names.push("a_star_abs_error".into());
    }
    let of = |kind: &str, name: &str, what: &[&str]| -> Vec<String> {
        what.iter().map(|w| format!("{kind}{name}_{w}")).collect()
    };
    for p in &config.patches {
        names.extend(of("patch_", &p.name, &["rhs_rmse", "trajectory_rmse", "diffusivity_error"]));
    }
    if !config.patches.is_empty() {
        let main = ["patch_rhs_vs_homogenized", "space_fraction", "time_fraction", "work_ratio_vs_resolved"];
        names.extend(main.map(String::from));
    }
    for law in &config.laws {
        names.extend(of("", &law.name, &["rhs_rmse", "trajectory_rmse", "over_linear"]));
    }
    if config.resolved.is_some() {
        let resolved = ["unknowns", "vs_homogenized", "vs_patches", "general_vs_exact"];
        names.extend(resolved.map(|r| format!("resolved_{r}")));
    }
    names
}

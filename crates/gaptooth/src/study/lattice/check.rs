//! What can be said against a lattice study before anything is computed or written.

use super::{
    config::{LatticePatchesConfig, LatticeStudyConfig, second_derivatives},
    gather::{macro_grid, patches, times},
};
use crate::{
    Error, Result,
    study::{
        LawConfig, LawKind,
        check::{check_bounds, check_law_on, plain, within},
    },
};

/// Everything about a lattice study that can be checked without computing.
///
/// # Errors
/// Those that [`run`] would end with, as far as they show.
pub(in crate::study) fn check(config: &LatticeStudyConfig) -> Result<()> {
    plain("study", &config.study)?;
    config.lattice.lattice()?;
    let t = &config.trajectories;
    if t.train == 0 || t.test == 0 || t.train + t.test > 10_000 {
        let found =
            format!("found train = {}, test = {}; expected at least 1 each and at most 10000 in all", t.train, t.test);
        return refuse("trajectories.train", found);
    }
    if !(t.end.is_finite() && t.every > 0.0 && t.every <= t.end && t.end / t.every < 1e6) {
        let expected = "expected a positive time between records, at most the end and at least a millionth of it";
        return refuse("trajectories.every", format!("found {} with end = {}; {expected}", t.every, t.end));
    }
    for (key, found) in [("terms", config.initial.terms), ("highest", config.initial.highest)] {
        if found == 0 {
            return refuse(&format!("initial.{key}"), "found 0; expected at least 1".into());
        }
    }
    if let Some(published) = config.lattice.published.filter(|p| p.iter().any(|c| !c.is_finite())) {
        return refuse("lattice.published", format!("found {published:?}; expected finite coefficients"));
    }
    if let Some(horizon) = config.horizon.filter(|h| !(h.is_finite() && *h >= t.end)) {
        return refuse("horizon", format!("found {horizon}; expected at least the end, {}", t.end));
    }
    check_all_patches(config)?;
    for (k, law) in config.laws.iter().enumerate() {
        check_law(config, k, law)?;
    }
    let names = check_names(config);
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twin) = names.iter().find(|n| !seen.insert(*n)) {
        return refuse("laws", format!("two checks would be called `{twin}`; choose other names for the laws"));
    }
    check_bounds(&names, &config.checks)
}

fn refuse<T>(path: &str, message: String) -> Result<T> {
    Err(Error::Config { path: path.into(), message })
}

fn check_all_patches(config: &LatticeStudyConfig) -> Result<()> {
    if config.patches.is_empty() {
        return refuse("patches", "there are none; a study needs at least one [[patches]]".into());
    }
    for (k, p) in config.patches.iter().enumerate() {
        plain(&format!("patches.{k}.name"), &p.name)?;
        if config.patches[..k].iter().any(|q| q.name == p.name) {
            return refuse(&format!("patches.{k}.name"), format!("found `{}`, which stands above already", p.name));
        }
        let main = config.patches[0].patches;
        if p.patches != main {
            let expected = format!("expected {main} as in the first experiment, whose grid judges all laws");
            return refuse(&format!("patches.{}.patches", p.name), format!("found {}; {expected}", p.patches));
        }
        check_patches(config, p)?;
    }
    Ok(())
}

/// Points in all patches, 0.8 GB for one state.
const MOST_POINTS: f64 = 1e8;

fn check_patches(config: &LatticeStudyConfig, p: &LatticePatchesConfig) -> Result<()> {
    let here = format!("patches.{}", p.name);
    let end = config.trajectories.end;
    let wrong = [
        ("patches", p.patches.to_string(), "at least 3", p.patches < 3),
        ("interior", p.interior.to_string(), "at least 1", p.interior == 0),
        ("ratio", p.ratio.to_string(), "a share in (0, 1]", !(p.ratio > 0.0 && p.ratio <= 1.0)),
        ("from", p.from.to_string(), "a time before the end", !(p.from >= 0.0 && p.from < end)),
    ];
    if let Some((key, found, expected, _)) = wrong.into_iter().find(|w| w.3) {
        return refuse(&format!("{here}.{key}"), format!("found {found}; expected {expected}"));
    }
    let points = (p.patches as f64 * (p.interior as f64 + 2.0)).powi(2);
    if points > MOST_POINTS {
        let message =
            format!("found {}: {points:.1e} points in all patches; expected at most {MOST_POINTS:.0e}", p.patches);
        return refuse(&format!("{here}.patches"), message);
    }
    let highest = config.initial.highest;
    if 2 * highest >= p.patches {
        let expected = format!("more than {}, twice initial.highest, to resolve the initial states", 2 * highest);
        return refuse(&format!("{here}.patches"), format!("found {}; expected {expected}", p.patches));
    }
    let period = config.lattice.lattice()?.periods();
    if period.iter().any(|n| !p.interior.is_multiple_of(*n)) {
        let expected =
            format!("whole periods of the lattice, {period:?}: else the coupling is neither exact nor self-adjoint");
        return refuse(&format!("{here}.interior"), format!("found {}; expected {expected}", p.interior));
    }
    patches(config, p).map_err(|e| within(&here, e))?;
    times(config, p).map(|_| ())
}

fn check_law(config: &LatticeStudyConfig, k: usize, law: &LawConfig) -> Result<()> {
    plain(&format!("laws.{k}.name"), &law.name)?;
    let Some(p) = config.patches.iter().find(|p| p.name == law.patches) else {
        let known: Vec<&str> = config.patches.iter().map(|p| p.name.as_str()).collect();
        let message = format!("found `{}`; expected one of: {}", law.patches, known.join(", "));
        return refuse(&format!("laws.{}.patches", law.name), message);
    };
    if config.laws[..k].iter().any(|l| l.name == law.name) {
        return refuse(&format!("laws.{k}.name"), format!("found `{}`, which stands above already", law.name));
    }
    if matches!(law.kind, LawKind::ArithmeticMean) {
        let expected = "expected another kind: a lattice has no mean diffusivity";
        return refuse(&format!("laws.{}.kind", law.name), format!("found `arithmetic_mean`; {expected}"));
    }
    check_law_on(law, &macro_grid(config, p)?, config.trajectories.train)
}

/// The checks that a run of the study reports.
fn check_names(config: &LatticeStudyConfig) -> Vec<String> {
    let mut names = vec!["space_fraction".into(), "gap_tooth_vs_bloch".into()];
    names.extend(second_derivatives().iter().map(|d| format!("exact_{}", d.name())));
    if config.patches.iter().any(|p| p.from == 0.0) {
        names.extend(["start_u_xx", "start_u_yy", "start_share_of_u_t_squared"].map(String::from));
    }
    let both = |name: String| [format!("{name}_median"), format!("{name}_max")];
    let mut truths = vec!["gap_tooth", "tensor"];
    let mut equations = vec!["sixth_order", "exact_tensor"];
    if config.lattice.published.is_some() {
        truths.push("published");
        equations.push("published");
    }
    names.extend(equations.iter().flat_map(|e| both(format!("{e}_vs_gap_tooth"))));
    for law in &config.laws {
        let mut of = vec!["rhs_mse", "rhs_relative", "growth"];
        if config.patches.first().is_some_and(|p| p.name != law.patches) {
            of.push("own_rhs_mse");
        }
        if let LawKind::Symbolic { .. } = law.kind {
            of.extend(["tensor_error", "terms"]);
        }
        names.extend(of.iter().map(|what| format!("{}_{what}", law.name)));
        names.extend(truths.iter().flat_map(|t| both(format!("{}_vs_{t}", law.name))));
    }
    if !config.laws.is_empty() {
        names.push("largest_growth".into());
    }
    names
}

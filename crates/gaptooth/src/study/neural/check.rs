//! What can be said against a neural study before anything is computed or written.

use super::config::{DirectRecipe, EquationConfig, NetRecipe, NeuralStudyConfig, PaperConfig, Recipe};
use super::direct;
use super::elliptic::{EllipticProblem, Material};
use super::reaction::Reaction;
use crate::{
    Error, Result,
    study::check::{check_bounds, plain},
};

/// Everything about a neural study that can be checked without computing.
///
/// # Errors
/// Those that [`super::run`] would end with, as far as they show.
pub(in crate::study) fn check(config: &NeuralStudyConfig) -> Result<()> {
    plain("study", &config.study)?;
    let refuse = |path: &str, message: String| Err(Error::Config { path: path.into(), message });
    if !(1..=100).contains(&config.repeats) {
        return refuse("repeats", format!("found {}; expected 1 to 100", config.repeats));
    }
    let r = &config.reference;
    if !(1..=8).contains(&r.degree) {
        return refuse("reference.degree", format!("found {}; expected 1 to 8", r.degree));
    }
    if !(2..=10_000).contains(&r.cells) {
        return refuse("reference.cells", format!("found {}; expected 2 to 10000", r.cells));
    }
    if !(r.cells_per_period >= 1.0 && r.cells_per_period <= 1000.0) {
        return refuse("reference.cells_per_period", format!("found {}; expected 1 to 1000", r.cells_per_period));
    }
    if config.reference.points < 3 || config.reference.points > 2001 {
        return refuse("reference.points", format!("found {}; expected 3 to 2001", config.reference.points));
    }
    for (name, recipe) in [("cell", &config.ours.cell), ("homogenized", &config.ours.homogenized)] {
        check_recipe(&format!("ours.{name}"), recipe)?;
    }
    check_equations(config)?;
    check_points(config)?;
    check_comparison(config)?;
    check_paper(config)?;
    check_direct(config)?;
    let names = names(config)?;
    if let Some(name) = config.known.keys().chain(config.published.keys()).find(|n| !names.contains(n)) {
        let key = if config.known.contains_key(name) { "known" } else { "published" };
        return refuse(&format!("{key}.{name}"), format!("no such check; this study has: {}", names.join(", ")));
    }
    check_bounds(&names, &config.checks)
}

fn check_recipe(path: &str, recipe: &NetRecipe) -> Result<()> {
    let refuse = |key: &str, message: String| Err(Error::Config { path: format!("{path}.{key}"), message });
    if recipe.hidden.is_empty() || recipe.hidden.iter().any(|w| !(1..=1024).contains(w)) {
        return refuse("hidden", format!("found {:?}; expected widths of 1 to 1024, such as [32, 32]", recipe.hidden));
    }
    let all = recipe.points.iter().fold(1usize, |all, n| all.saturating_mul(*n));
    if recipe.points.is_empty() || recipe.points.iter().any(|n| *n < 4) || all > 100_000 {
        return refuse("points", format!("found {:?}; expected at least 4 each, at most 100000 in all", recipe.points));
    }
    if !(1.0..10.0).contains(&recipe.plan.alike) {
        return refuse("plan.alike", format!("found {}; expected 1 or more and less than 10", recipe.plan.alike));
    }
    if !(0.0..1.0).contains(&recipe.plan.gain) {
        return refuse("plan.gain", format!("found {}; expected 0 or more and less than 1", recipe.plan.gain));
    }
    Ok(())
}

/// Points along each direction where directions are told apart; no entry is ignored.
fn check_points(config: &NeuralStudyConfig) -> Result<()> {
    let (cell, homogenized) = match &config.equation[0] {
        EquationConfig::Elliptic { domain, epsilon, coefficient, source } => {
            let slow =
                matches!(EllipticProblem::new(domain, *epsilon, coefficient, source)?.material, Material::Slow(..));
            let cell = &config.ours.cell.points;
            if !slow && cell.iter().any(|n| n.saturating_pow(domain.len() as u32) > 100_000) {
                let message = format!("found {cell:?} along each axis; expected at most 100000 points in all");
                return Err(Error::Config { path: "ours.cell.points".into(), message });
            }
            (if slow { 2 } else { 1 }, domain.len())
        }
        EquationConfig::Reaction { .. } => (1, 1),
    };
    for (name, found, expected) in
        [("cell", &config.ours.cell, cell), ("homogenized", &config.ours.homogenized, homogenized)]
    {
        if found.points.len() != expected {
            let message =
                format!("found {:?}; expected {expected} number{}", found.points, if expected == 1 { "" } else { "s" });
            return Err(Error::Config { path: format!("ours.{name}.points"), message });
        }
    }
    Ok(())
}

/// Solutions are compared where ε shows.
fn check_comparison(config: &NeuralStudyConfig) -> Result<()> {
    const LEAST: f64 = 4.0;
    let points = config.reference.points;
    for equation in &config.equation {
        let (length, period, steps) = match equation {
            EquationConfig::Elliptic { domain, epsilon, .. } => {
                let longest = domain.iter().map(|[a, b]| b - a).fold(0.0, f64::max);
                (longest, *epsilon, if domain.len() == 1 { 20 } else { 1 })
            }
            EquationConfig::Reaction { domain, epsilon, period, .. } => (domain[1] - domain[0], epsilon * period, 20),
        };
        let needed = (LEAST * length / period / f64::from(steps)).ceil() + 1.0;
        if needed.is_nan() || (points as f64) < needed {
            let message = format!(
                "found {points}, less than {LEAST} points of comparison in a period of {period}; expected at least {needed}"
            );
            return Err(Error::Config { path: "reference.points".into(), message });
        }
    }
    Ok(())
}

fn check_paper(config: &NeuralStudyConfig) -> Result<()> {
    let refuse = |path: &str, message: String| Err(Error::Config { path: path.into(), message });
    let Some(paper) = &config.paper else {
        if config.recipe == Recipe::Ours {
            return Ok(());
        }
        return refuse(
            "recipe",
            "found the paper's, but this study has no [paper.homogenized] and [paper.classical]".into(),
        );
    };
    let cell = paper.cell.iter().map(|r| ("cell", r));
    for (name, r) in cell.chain([("homogenized", &paper.homogenized), ("classical", &paper.classical)]) {
        let here = |key: &str| format!("paper.{name}.{key}");
        if r.hidden.is_empty() || r.hidden.iter().any(|w| !(1..=1024).contains(w)) {
            return refuse(&here("hidden"), format!("found {:?}; expected widths of 1 to 1024", r.hidden));
        }
        let dimension = match &config.equation[0] {
            EquationConfig::Elliptic { domain, .. } => domain.len(),
            EquationConfig::Reaction { .. } if name == "cell" => 1,
            EquationConfig::Reaction { .. } => 2,
        };
        let all = r.points.iter().fold(1usize, |all, n| all.saturating_mul(*n));
        if r.points.len() != dimension || r.points.iter().any(|n| *n < 3 + r.oversampling) || all > 100_000 {
            let expected = format!("expected {dimension} numbers, at least {} each", 3 + r.oversampling);
            return refuse(&here("points"), format!("found {:?}; {expected}, at most 100000 in all", r.points));
        }
        let positive = [
            ("learning_rate", r.learning_rate),
            ("weight", r.weight),
            ("boundary_weight", r.boundary_weight),
            ("initial_weight", r.initial_weight),
            ("oversampling_weight", r.oversampling_weight),
        ];
        let positive = positive.into_iter().chain(r.derivative_weight.map(|w| ("derivative_weight", w)));
        if let Some((key, found)) = positive.into_iter().find(|(_, v)| !(v.is_finite() && *v > 0.0)) {
            return refuse(&here(key), format!("found {found}; expected a positive number"));
        }
        if r.epochs == 0 {
            return refuse(&here("epochs"), "found 0; expected at least 1".into());
        }
    }
    Ok(())
}

fn check_direct(config: &NeuralStudyConfig) -> Result<()> {
    let Some(direct) = &config.direct else { return Ok(()) };
    let refuse = |key: &str, message: String| Err(Error::Config { path: format!("direct{key}"), message });
    let EquationConfig::Elliptic { domain, .. } = &config.equation[0] else {
        return refuse("", "networks of the multiscale equation itself are there for elliptic equations only".into());
    };
    if direct.flux.is_none() && direct.two_scale.is_none() {
        return refuse("", "found nothing to train; expected [direct.flux], [direct.two_scale] or both".into());
    }
    for (name, recipe) in [("flux", &direct.flux), ("two_scale", &direct.two_scale)] {
        let Some(recipe) = recipe else { continue };
        let DirectRecipe { hidden, points, plan, .. } = recipe.clone();
        check_recipe(&format!("direct.{name}"), &NetRecipe { hidden, points, plan })?;
        if recipe.points.len() != domain.len() {
            let message = format!("found {:?}; expected a number for each of {}", recipe.points, domain.len());
            return refuse(&format!(".{name}.points"), message);
        }
        let least = usize::from(name == "two_scale");
        if !(least..=4).contains(&recipe.harmonics) {
            let message = format!("found {}; expected {least} to 4", recipe.harmonics);
            return refuse(&format!(".{name}.harmonics"), message);
        }
        if recipe.boundary_weight.is_some_and(|w| !(w.is_finite() && w > 0.0)) {
            let message = format!("found {:?}; expected a positive number or none", recipe.boundary_weight);
            return refuse(&format!(".{name}.boundary_weight"), message);
        }
    }
    Ok(())
}

fn check_equations(config: &NeuralStudyConfig) -> Result<()> {
    let mut seen = vec![];
    for (k, equation) in config.equation.iter().enumerate() {
        match equation {
            EquationConfig::Elliptic { domain, epsilon, coefficient, source } => {
                EllipticProblem::new(domain, *epsilon, coefficient, source)?;
                if config.equation.len() > 1 {
                    let message = format!("found {} equations; an elliptic study has one", config.equation.len());
                    return Err(Error::Config { path: "equation".into(), message });
                }
            }
            EquationConfig::Reaction { .. } => {
                let suffix = Reaction::new(equation, k)?.suffix;
                let name = suffix.trim_start_matches('_');
                if !name.is_empty() {
                    plain(&format!("equation.{k}.name"), name)?;
                }
                if ["paper", "worst", "difference"].contains(&name) {
                    let message = format!("found `{name}`, which names of checks use themselves; choose another");
                    return Err(Error::Config { path: format!("equation.{k}.name"), message });
                }
                if seen.contains(&suffix) {
                    let message = format!("found `{suffix}` twice; names differ");
                    return Err(Error::Config { path: format!("equation.{k}.name"), message });
                }
                seen.push(suffix);
            }
        }
    }
    match config.equation.is_empty() {
        true => Err(Error::Config { path: "equation".into(), message: "there are none; expected [[equation]]".into() }),
        false => Ok(()),
    }
}

/// The checks that a run of the study reports.
fn names(config: &NeuralStudyConfig) -> Result<Vec<String>> {
    let (mut once, mut scored): (Vec<String>, Vec<String>) = (vec![], vec![]);
    for (k, equation) in config.equation.iter().enumerate() {
        let (suffix, own) = match equation {
            EquationConfig::Elliptic { domain, epsilon, coefficient, source } => {
                let problem = EllipticProblem::new(domain, *epsilon, coefficient, source)?;
                let own: Vec<String> = match problem.material {
                    Material::Slow(..) => ["ea", "ea_slope"].map(String::from).to_vec(),
                    Material::Cell(_) => (1..=domain.len())
                        .map(|j| format!("chi{j}_rel_error"))
                        .chain(["a_star_11", "a_star_error", "a_star_certified_width"].map(String::from))
                        .collect(),
                };
                (String::new(), own)
            }
            EquationConfig::Reaction { .. } => {
                let suffix = Reaction::new(equation, k)?.suffix;
                let own = ["n_rel_error", "r_star", "r_star_error"].map(|n| format!("{n}{suffix}")).to_vec();
                (suffix, own)
            }
        };
        scored.extend(own);
        scored.extend(["e1", "e2", "e3", "corrector_error"].map(|n| format!("{n}{suffix}")));
        let truth = ["e4", "corrector_truth", "reference_error", "e1_vs_e4"];
        once.extend(truth.map(|n| format!("{n}{suffix}")));
        if matches!(equation, EquationConfig::Elliptic { .. }) {
            once.push("classical_predicted".into());
        }
    }
    scored.extend(config.direct.iter().flat_map(direct::names));
    if let Some(paper) = &config.paper {
        paper_names(config, paper, &mut scored)?;
    }
    if config.repeats > 1 {
        scored.extend(scored.clone().iter().map(|n| format!("{n}_worst")));
    }
    once.extend(scored);
    let differences: Vec<String> = config.known.keys().map(|n| format!("{n}_difference")).collect();
    once.extend(differences);
    Ok(once)
}

/// The same of the paper's recipe, which is run on the first equation.
fn paper_names(config: &NeuralStudyConfig, paper: &PaperConfig, scored: &mut Vec<String>) -> Result<()> {
    let mut own = vec!["paper_e1", "paper_e2", "paper_e3", "classical_error"];
    if paper.homogenized.hidden == paper.classical.hidden {
        own.push("transfer_error");
    }
    let suffix = match &config.equation[0] {
        EquationConfig::Elliptic { domain, epsilon, coefficient, source } => {
            let problem = EllipticProblem::new(domain, *epsilon, coefficient, source)?;
            match (&paper.cell, &problem.material) {
                (Some(_), Material::Slow(..)) => own.extend(["paper_ea", "paper_ea_slope"]),
                (Some(cell), Material::Cell(_)) => {
                    own.push("paper_a_star_error");
                    scored.extend((1..=domain.len()).map(|j| format!("paper_chi{j}_rel_error")));
                    if cell.oversampling > 0 {
                        scored.extend((1..=domain.len()).map(|j| format!("paper_chi{j}_plain_rel_error")));
                    }
                }
                (None, _) => (),
            }
            String::new()
        }
        equation @ EquationConfig::Reaction { .. } => {
            if let Some(cell) = &paper.cell {
                own.extend(["paper_n_rel_error", "paper_r_star_error"]);
                if cell.oversampling > 0 {
                    own.push("paper_n_plain_rel_error");
                }
            }
            Reaction::new(equation, 0)?.suffix
        }
    };
    scored.extend(own.iter().map(|name| format!("{name}{suffix}")));
    Ok(())
}

//! The tables of a neural study.

use super::config::NeuralStudyConfig;
use super::scores::Trained;
use crate::report::{Report, Table};

fn strings<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(String::from).to_vec()
}

fn number(value: f64) -> String {
    if value.abs() >= 1e-3 { format!("{value:.7}") } else { format!("{value:.2e}") }
}

/// What is no result of the recipe that is ours.
const OF_THE_PAPER: [&str; 4] = ["paper_", "classical_error", "classical_predicted", "transfer_error"];

/// Published figures, the paper's recipe here, ours, the converged truth, and what the corrector leaves.
pub(super) fn verdict(config: &NeuralStudyConfig, report: &Report) -> Table {
    let value = |name: &str| report.check(name).map(|c| c.value);
    let optional = |v: Option<f64>| v.map_or("—".into(), number);
    let is_theirs = |name: &str| OF_THE_PAPER.iter().any(|p| name.starts_with(p));
    let beside = |name: &str| name.strip_prefix("paper_").is_some_and(|base| value(base).is_some());
    let hidden = |name: &str| {
        name.ends_with("_worst") || name.ends_with("_difference") || beside(name) || name.starts_with("corrector_")
    };
    let row = |name: &str| {
        let (paper, ours) = match is_theirs(name) {
            true => (value(name), None),
            false => (value(&format!("paper_{name}")), value(name)),
        };
        // u₀ + ε χ·∇u₀ of the same run stands beside u₀ itself
        let corrected = match name.split_at_checked(2) {
            Some(("e1", rest)) => value(&format!("corrector_error{rest}")),
            Some(("e4", rest)) => value(&format!("corrector_truth{rest}")),
            _ => None,
        };
        let published = config.published.get(name).or_else(|| config.published.get(&format!("paper_{name}")));
        vec![
            name.to_string(),
            optional(published.copied()),
            optional(paper),
            optional(ours),
            optional(value(&format!("{name}_worst"))),
            optional(config.known.get(name).copied()),
            optional(corrected),
        ]
    };
    Table {
        name: "verdict".into(),
        title: format!(
            "Published figures, the paper's recipe and ours as run here, medians of {} seeds; e4 is the converged truth",
            config.repeats
        ),
        columns: strings([
            "figure",
            "published",
            "paper's recipe here",
            "ours",
            "worst seed",
            "converged truth",
            "with corrector",
        ]),
        rows: report.checks.iter().map(|c| c.name.as_str()).filter(|name| !hidden(name)).map(row).collect(),
    }
}

/// How each training went.
pub(super) fn trainings(suffix: &str, trained: &[&Trained]) -> Table {
    let row = |t: &&Trained| {
        let last = t.training.history.last();
        let rms = |v: Option<f64>| v.map_or("—".into(), |v| number((2.0 * v).sqrt()));
        let stopped = t.training.stopped.map_or("—".to_string(), |s| format!("{s:?}").to_lowercase());
        vec![
            t.name.clone(),
            t.seed.to_string(),
            t.training.iterations.to_string(),
            format!("{:.2}", t.curve.seconds.last().copied().unwrap_or(0.0)),
            rms(last.map(|r| r.cost)),
            rms(last.and_then(|r| r.held_out)),
            t.curve.errors.first().and_then(|e| e.last()).map_or("—".into(), |e| number(*e)),
            stopped,
        ]
    };
    Table {
        name: format!("trainings{suffix}"),
        title:
            "Each training: root-mean-square residual at the training points and between them, error at the last look"
                .into(),
        columns: strings(["network", "seed", "iterations", "seconds", "residual", "held out", "error", "stopped by"]),
        rows: trained.iter().map(row).collect(),
    }
}

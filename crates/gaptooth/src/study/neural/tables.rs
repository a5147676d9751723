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

/// Published figures beside ours: median and worst over the seeds.
pub(super) fn verdict(config: &NeuralStudyConfig, report: &Report) -> Table {
    let worst = |name: &str| report.check(&format!("{name}_worst")).map_or("—".into(), |c| number(c.value));
    let optional = |v: Option<f64>| v.map_or("—".into(), number);
    let shown = report.checks.iter().filter(|c| !c.name.ends_with("_worst") && !c.name.ends_with("_difference"));
    let row = |c: &crate::report::Check| {
        let known = config.known.get(&c.name).copied();
        vec![
            c.name.clone(),
            optional(config.published.get(&c.name).copied()),
            number(c.value),
            worst(&c.name),
            optional(known),
        ]
    };
    let title = format!(
        "Published figures beside ours, median and worst of {} seeds; e4 and corrector_truth are converged",
        config.repeats
    );
    Table {
        name: "verdict".into(),
        title,
        columns: strings(["figure", "published", "ours", "worst seed", "converged truth"]),
        rows: shown.map(row).collect(),
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

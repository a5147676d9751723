//! The tables of a study on a line.

use super::{
    run::Findings,
    verdict::{MILESTONES, Score},
};
use crate::report::Table;

/// Those that have rows.
pub(super) fn all(findings: &Findings) -> Vec<Table> {
    let mut tables = vec![verdict_table(findings), cost_table(findings)];
    tables.retain(|t| !t.rows.is_empty());
    tables
}

fn scientific(v: f64) -> String {
    if v == 0.0 || !v.is_finite() { format!("{v}") } else { format!("{v:.3e}") }
}

/// Laws, patch dynamics and trivial laws, with the published figures, in one table.
fn verdict_table(findings: &Findings) -> Table {
    let mut columns: Vec<String> =
        ["law", "data", "RHS rMSE", "published", "trajectory rMSE", "published"].map(String::from).to_vec();
    columns.extend(MILESTONES.iter().map(|t| format!("rel. error, t = {t}")));
    columns.push("seconds".into());
    let published = |p: Option<f64>| p.map_or("—".into(), scientific);
    let row = |name: &str, data: &str, score: &Score, paper: [Option<f64>; 2], seconds: f64| {
        let mut row = vec![
            name.to_string(),
            data.to_string(),
            scientific(score.rhs_rmse),
            published(paper[0]),
            scientific(score.trajectory_rmse),
            published(paper[1]),
        ];
        row.extend(score.relative.iter().map(|&v| published(v)));
        row.push(format!("{seconds:.2}"));
        row
    };
    let mut rows = Vec::new();
    for (law, score) in &findings.laws {
        let config = &law.config;
        rows.push(row(
            &config.name,
            &config.patches,
            score,
            [config.paper_rhs_rmse, config.paper_trajectory_rmse],
            law.seconds,
        ));
    }
    for (experiment, score) in &findings.experiments {
        rows.push(row("patch dynamics itself", &experiment.config.name, score, [None, None], experiment.seconds));
    }
    let title =
        "Each law against the homogenized truth on unseen trajectories (published: the paper's released code)".into();
    Table { name: "verdict".into(), title, columns, rows }
}

/// What each experiment costs a microscale simulator.
fn cost_table(findings: &Findings) -> Table {
    let columns = [
        "patches",
        "teeth",
        "H",
        "h",
        "δx",
        "burst",
        "Δt",
        "space",
        "time",
        "resolved / patches",
        "micro-points × time",
        "bursts",
    ];
    let rows = findings.experiments.iter().map(|(e, _)| {
        let c = &e.config;
        vec![
            c.name.clone(),
            e.estimator.patches().len().to_string(),
            format!("{:e}", c.width),
            format!("{:e}", c.tooth),
            format!("{:e}", c.spacing),
            format!("{:e}", c.burst.length),
            format!("{:e}", c.step),
            format!("{:.2} %", 100.0 * e.space_fraction),
            format!("{:.3} %", 100.0 * e.time_fraction),
            format!("{:.3e}", e.work_ratio()),
            format!("{:.1}", e.micro_work()),
            e.bursts.to_string(),
        ]
    });
    Table {
        name: "cost".into(),
        title: "What the patches cost the microscale model".into(),
        columns: columns.map(String::from).to_vec(),
        rows: rows.collect(),
    }
}

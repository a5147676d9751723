//! The tables of a lattice study.

use super::{
    config::{LatticeStudyConfig, second_derivatives},
    run::{Findings, equation_rhs_mse},
    verdict::Distance,
};
use crate::{closure::AnyClosure, report::Table, study::verdict::MILESTONES};

pub(super) fn all(config: &LatticeStudyConfig, findings: &Findings) -> Vec<Table> {
    let mut tables = vec![truths(config, findings)];
    if !findings.laws.is_empty() {
        tables.push(verdict(findings));
        if findings.experiments.iter().any(|e| e.config.from == 0.0) {
            tables.push(start(findings));
        }
    }
    tables.extend(symbolic(findings));
    tables
}

fn strings<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(String::from).to_vec()
}

fn number(value: f64) -> String {
    format!("{value:.2e}")
}

fn pair(distance: Option<(f64, f64)>) -> String {
    distance.map_or("—".into(), |(median, most)| format!("{median:.1e} ({most:.1e})"))
}

/// The equations that are called the truth, and how far each is from the gap-tooth.
fn truths(config: &LatticeStudyConfig, findings: &Findings) -> Table {
    let mut columns = strings(["equation", "u_xx", "u_xy", "u_yy", "u_t: eq. 24"]);
    columns.extend(MILESTONES.iter().map(|t| format!("t = {t}")));
    let truths = &findings.truths;
    let gap_tooth = (0..truths.data.trajectories()).map(|i| truths.gap_tooth(i)).collect();
    let exact: Vec<f64> =
        second_derivatives().iter().map(|d| findings.equation.coefficient([d.0[0], d.0[1]])).collect();
    let published = config.lattice.published.map(|p| p.to_vec());
    let lines = [
        ("exact to sixth order", Some(exact.clone()), Some(&truths.sixth), false),
        ("exact tensor", Some(exact), Some(&truths.tensor), true),
        ("published", published, truths.published.as_ref(), true),
    ];
    let mut rows = vec![];
    for (name, coefficients, states, whole) in lines {
        let (Some(coefficients), Some(states)) = (coefficients, states) else { continue };
        let mut row = vec![name.to_string()];
        row.extend(coefficients.iter().map(|c| format!("{c:.7}")));
        let mse = equation_rhs_mse(&truths.data, coefficients).ok().filter(|_| whole);
        row.push(mse.map_or("—".into(), number));
        row.extend(Distance::new(states, &gap_tooth, &truths.data.times).milestones.into_iter().map(pair));
        rows.push(row);
    }
    let title = "Three equations beside the gap-tooth: relative error of unseen trajectories, median (largest)".into();
    Table { name: "truths".into(), title, columns, rows }
}

/// Every law against every truth.
fn verdict(findings: &Findings) -> Table {
    let mut columns = strings(["law", "data", "u_t: eq. 24", "u_t: relative"]);
    columns.extend(MILESTONES.iter().map(|t| format!("gap-tooth, t = {t}")));
    columns.extend(strings(["exact tensor", "published", "growth", "fit, s"]));
    let row = |(law, score): &(crate::study::FittedLaw, super::verdict::Score)| {
        let mut row = vec![law.config.name.clone(), law.config.patches.clone()];
        row.extend([number(score.rhs_mse), number(score.rhs_relative)]);
        row.extend(score.gap_tooth.milestones.iter().map(|m| pair(*m)));
        row.push(pair(Some(score.tensor.last())));
        row.push(pair(score.published.as_ref().map(Distance::last)));
        row.extend([format!("{:.2}", score.growth), format!("{:.1}", law.seconds)]);
        row
    };
    let title =
        "Each law on the unseen trajectories: relative error of the state, median (largest), against the gap-tooth \
                 itself, and at the end against the exact tensor's and the published equation"
            .into();
    Table { name: "verdict".into(), title, columns, rows: findings.laws.iter().map(row).collect() }
}

/// The same law from data with and without the unhealed snapshot.
fn start(findings: &Findings) -> Table {
    let columns = strings(["law", "data", "first record", "u_t on its own unseen data", "u_t on healed data"]);
    let row = |(law, score): &(crate::study::FittedLaw, super::verdict::Score)| {
        let from =
            findings.experiments.iter().find(|e| e.config.name == law.config.patches).map_or(0.0, |e| e.config.from);
        let first = format!("t = {from}");
        let (own, healed) = (number(score.own_rhs_mse), number(score.rhs_mse));
        vec![law.config.name.clone(), law.config.patches.clone(), first, own, healed]
    };
    let title = "The initial state is not on the slow manifold: what one snapshot at t = 0 does (eq. 24)".into();
    Table { name: "healing".into(), title, columns, rows: findings.laws.iter().map(row).collect() }
}

/// The terms of the first symbolic law beside the exact ones.
fn symbolic(findings: &Findings) -> Option<Table> {
    let (name, law) = findings.laws.iter().find_map(|(l, _)| match &l.law {
        AnyClosure::Symbolic(law) => Some((&l.config.name, law)),
        _ => None,
    })?;
    let orders = law.features().spec().orders().unwrap_or(&[]);
    let rows = (law.names().into_iter().enumerate()).map(|(k, term)| {
        let exact = match &law.terms()[k][..] {
            [f] => findings.equation.coefficient([orders[*f].0[0], orders[*f].0[1]]),
            _ => 0.0,
        };
        let (c, error) = (law.coefficients()[k], law.standard_errors()[k]);
        vec![term, format!("{c:.10e}"), number(error), format!("{exact:.10e}"), number((c - exact).abs())]
    });
    Some(Table {
        name: "symbolic".into(),
        title: format!("The law `{name}`, term by term, beside the exact homogenized equation"),
        columns: strings(["term", "coefficient", "standard error", "exact", "difference"]),
        rows: rows.collect(),
    })
}

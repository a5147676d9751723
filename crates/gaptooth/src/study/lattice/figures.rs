//! The paper's figures 6, 7, 8(a) and 8(b), as data.

use faer::c64;

use super::{
    run::Findings,
    verdict::{Distance, Score},
};
use crate::{
    fourier::Fourier,
    grid::Grid,
    ode::OdeSystem,
    report::{Figure, Mark, Panel, PanelKind, Series},
    study::FittedLaw,
};

pub(super) fn all(findings: &Findings) -> Vec<Figure> {
    if findings.laws.is_empty() {
        return vec![];
    }
    let mut figures = vec![right_hand_sides(findings), trajectories(findings), errors(findings), state_space(findings)];
    figures.extend(training(findings));
    figures
}

/// Laws worth a panel: those fitted to the main data that could be integrated, at most four.
fn shown(findings: &Findings) -> impl Iterator<Item = &(FittedLaw, Score)> {
    let main = &findings.experiments[0].config.name;
    let all = findings.laws.iter().filter(|(l, s)| s.failure.is_none() && l.config.patches == *main);
    let paper = |l: &FittedLaw| !l.loss.is_empty();
    let (nets, others): (Vec<_>, Vec<_>) = all.partition(|(l, _)| paper(l));
    let last = others.len().saturating_sub(2);
    nets.into_iter().take(2).chain(others.into_iter().skip(last))
}

/// Values over (x, y), y upwards; the state is `[x][y]`.
fn map(title: String, grid: &Grid, values: &[f64]) -> Panel {
    let (x, y) = (&grid.axes()[0], &grid.axes()[1]);
    let turned = (0..y.len()).flat_map(|j| (0..x.len()).map(move |i| values[i * y.len() + j])).collect();
    let kind = PanelKind::HeatMap { x: x.x.clone(), y: y.x.clone(), values: turned };
    Panel { title, x_label: "x".into(), y_label: "y".into(), kind }
}

/// The snapshots at these times, or the last one.
fn at(times: &[f64], wanted: &[f64]) -> Vec<usize> {
    wanted.iter().map(|t| times.iter().position(|s| *s >= t - 1e-9).unwrap_or(times.len() - 1)).collect()
}

/// Figure 6: u_t of the gap-tooth, large and small, and each law's error.
fn right_hand_sides(findings: &Findings) -> Figure {
    let data = &findings.truths.data;
    let mut panels = vec![];
    for k in at(&data.times, &[0.01, 0.2, 1.0]) {
        let snapshot = data.snapshot(0, k);
        panels.push(map(format!("u_t, t = {:.2}", snapshot.time), &data.grid, snapshot.u_t));
        for (law, _) in shown(findings) {
            let mut du = vec![0.0; snapshot.u.len()];
            law.law.rhs_into(snapshot.time, snapshot.u, &mut du);
            du.iter_mut().zip(snapshot.u_t).for_each(|(d, t)| *d -= t);
            panels.push(map(format!("error of {}", law.config.name), &data.grid, &du));
        }
    }
    Figure {
        name: "figure-6".into(),
        title: "Right-hand sides on an unseen trajectory".into(),
        caption: "Figure 6 of the paper: u_t of the gap-tooth at three times, from large to small, and the error of each law \
                  there. The truth here is the gap-tooth itself, not eq. 27."
            .into(),
        columns: 1 + shown(findings).count(),
        panels,
    }
}

/// Figure 7: a trajectory of each law beside the gap-tooth's.
fn trajectories(findings: &Findings) -> Figure {
    let data = &findings.truths.data;
    let times = at(&data.times, &[0.05, 0.25, 0.5, 1.0]);
    let mut panels = vec![];
    for k in &times {
        panels.push(map(format!("gap-tooth, t = {:.2}", data.times[*k]), &data.grid, data.snapshot(0, *k).u));
    }
    for (law, score) in shown(findings) {
        for k in &times {
            panels.push(map(law.config.name.clone(), &data.grid, &score.states[0][*k]));
        }
    }
    Figure {
        name: "figure-7".into(),
        title: "An unseen trajectory integrated with the laws".into(),
        caption: "Figure 7 of the paper: the gap-tooth and each law from the same healed state. Every panel has its own colours: \
                  the solution decays by orders of magnitude."
            .into(),
        columns: times.len(),
        panels,
    }
}

fn line(label: &str, x: Vec<f64>, y: Vec<f64>, mark: Mark) -> Series {
    Series { label: label.into(), x, y, mark }
}

/// Figure 8(a): error against time, against each of the truths.
fn errors(findings: &Findings) -> Figure {
    let truths = &findings.truths;
    let (times, n) = (&truths.data.times, truths.data.trajectories());
    let gap_tooth = (0..n).map(|i| truths.gap_tooth(i)).collect();
    let mut panels = vec![];
    let distances = |s: &Score| [Some(s.gap_tooth.clone()), Some(s.tensor.clone()), s.published.clone()];
    let titles = ["against the gap-tooth", "against the exact tensor", "against the published equation"];
    for (truth, title) in titles.into_iter().enumerate() {
        let mut curves = vec![];
        for (law, score) in findings.laws.iter().filter(|(_, s)| s.failure.is_none()) {
            let Some(distance) = &distances(score)[truth] else { continue };
            let (x, y) = (times[1..].to_vec(), distance.median[1..].to_vec());
            curves.push(line(&law.config.name, x, y, if law.loss.is_empty() { Mark::Line } else { Mark::Dashed }));
        }
        if truth == 0 {
            for (name, states) in
                [("published equation", truths.published.as_ref()), ("exact tensor", Some(&truths.tensor))]
            {
                let Some(states) = states else { continue };
                let median = Distance::new(states, &gap_tooth, times).median;
                curves.push(line(name, times[1..].to_vec(), median[1..].to_vec(), Mark::Line));
            }
        }
        if curves.is_empty() {
            continue;
        }
        let kind = PanelKind::Series { series: curves, log_y: true };
        panels.push(Panel { title: title.into(), x_label: "t".into(), y_label: "relative error, median".into(), kind });
    }
    Figure {
        name: "figure-8a".into(),
        title: "Error over time on the unseen trajectories".into(),
        caption: "Figure 8(a) of the paper, as relative errors ‖u − v‖/‖v‖ against each of three truths. What lags behind the \
                  published equation is the gap-tooth itself."
            .into(),
        columns: 1,
        panels,
    }
}

/// Figure 8(b): the six largest Fourier amplitudes of the trajectory, two by two.
fn state_space(findings: &Findings) -> Figure {
    let data = &findings.truths.data;
    let fourier = Fourier::new(&data.grid.shape());
    let first = fourier.forward_real(data.snapshot(0, 0).u);
    // one of each conjugate pair
    let half = |k: &usize| fourier.wavevector(*k) > vec![0, 0];
    let mut modes: Vec<usize> = (0..fourier.len()).filter(half).collect();
    modes.sort_by(|a, b| first[*b].norm().total_cmp(&first[*a].norm()));
    modes.truncate(6);
    let name = |k: usize| {
        format!("|û({})|", fourier.wavevector(k).iter().map(|i| i.to_string()).collect::<Vec<_>>().join(", "))
    };
    let amplitudes = |states: &[Vec<f64>]| -> Vec<Vec<f64>> {
        let of = |u: &Vec<f64>| {
            let spectrum: Vec<c64> = fourier.forward_real(u);
            modes.iter().map(|k| spectrum[*k].norm() / u.len() as f64).collect::<Vec<f64>>()
        };
        states.iter().map(of).collect()
    };
    let mut tracks = vec![("gap-tooth".to_string(), amplitudes(&findings.truths.gap_tooth(0)), Mark::Line)];
    for (law, score) in shown(findings) {
        tracks.push((law.config.name.clone(), amplitudes(&score.states[0]), Mark::Dashed));
    }
    let panel = |pair: &[usize], log: bool| {
        let scale = |v: f64| if log { v.max(f64::MIN_POSITIVE).log10() } else { v };
        let column = |rows: &[Vec<f64>], c: usize| rows.iter().map(|r| scale(r[c])).collect::<Vec<f64>>();
        let of = |c: usize| if log { format!("log₁₀ {}", name(modes[c])) } else { name(modes[c]) };
        let curves =
            tracks.iter().map(|(label, rows, mark)| line(label, column(rows, pair[0]), column(rows, pair[1]), *mark));
        let kind = PanelKind::Series { series: curves.collect(), log_y: false };
        Panel { title: String::new(), x_label: of(pair[0]), y_label: of(pair[1]), kind }
    };
    let pairs: Vec<usize> = (0..modes.len() / 2 * 2).collect();
    let panels = [false, true].iter().flat_map(|log| pairs.chunks(2).map(|pair| panel(pair, *log))).collect();
    Figure {
        name: "figure-8b".into(),
        title: "State space: the six largest Fourier amplitudes".into(),
        caption: "Figure 8(b) of the paper: an unseen trajectory and the laws' own, projected on pairs of the amplitudes that are \
                  largest at first; time runs towards the origin. Below, the same in decades: near the origin the networks \
                  leave the trajectory."
            .into(),
        columns: pairs.len() / 2,
        panels,
    }
}

/// Loss of the networks against epochs.
fn training(findings: &Findings) -> Option<Figure> {
    let nets = findings.laws.iter().filter(|(l, _)| !l.loss.is_empty());
    let epochs = |n: usize| (1..=n).map(|e| e as f64).collect();
    let curves: Vec<Series> =
        nets.map(|(l, _)| line(&l.config.name, epochs(l.loss.len()), l.loss.clone(), Mark::Line)).collect();
    if curves.is_empty() {
        return None;
    }
    let kind = PanelKind::Series { series: curves, log_y: true };
    let y_label = "mean squared error of u_t".into();
    Some(Figure {
        name: "training".into(),
        title: "Training of the paper's networks".into(),
        caption: "Loss per epoch; with the snapshot at t = 0 the loss stays at what no function of the macroscale can explain."
            .into(),
        columns: 1,
        panels: vec![Panel { title: "training".into(), x_label: "epoch".into(), y_label, kind }],
    })
}

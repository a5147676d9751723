//! The figures of a neural study, as data.

use super::config::NeuralStudyConfig;
use super::elliptic::EllipticProblem;
use super::scores::Trained;
use super::{elliptic_nets, reaction};
use crate::{
    pinn::grid,
    report::{Figure, Mark, Panel, PanelKind, Series},
};

fn line(label: &str, x: &[f64], y: &[f64], mark: Mark) -> Series {
    Series { label: label.into(), x: x.to_vec(), y: y.to_vec(), mark }
}

fn curves_panel(title: &str, labels: [&str; 2], series: Vec<Series>, log_y: bool) -> Panel {
    let [x_label, y_label] = labels.map(String::from);
    Panel { title: title.into(), x_label, y_label, kind: PanelKind::Series { series, log_y } }
}

/// Errors against iterations and against seconds, a pair of panels for each network; every seed is a curve.
pub(super) fn curves(suffix: &str, trained: &[&Trained]) -> Figure {
    let mut names: Vec<&str> = vec![];
    for t in trained.iter().filter(|t| !t.curve.seconds.is_empty()) {
        if !names.contains(&t.name.as_str()) {
            names.push(&t.name);
        }
    }
    let mut panels = vec![];
    for name in names {
        let own: Vec<&&Trained> = trained.iter().filter(|t| t.name == name).collect();
        let against = |x: fn(&Trained) -> &Vec<f64>| -> Vec<Series> {
            let one = |t: &&&Trained| {
                let errors = t.curve.errors.iter().enumerate();
                let label = |k: usize| match (t.curve.errors.len(), k, name.contains("homogenized")) {
                    (1, ..) => format!("seed {}", t.seed),
                    (_, 0, true) => format!("e3, seed {}", t.seed),
                    (_, 0, false) => format!("a*, seed {}", t.seed),
                    (_, _, true) => format!("e1, seed {}", t.seed),
                    (_, _, false) => format!("da*/dx, seed {}", t.seed),
                };
                let mark = |k: usize| if k == 0 { Mark::Line } else { Mark::Dashed };
                errors.map(|(k, e)| line(&label(k), x(t), e, mark(k))).collect::<Vec<_>>()
            };
            own.iter().flat_map(one).collect()
        };
        panels.push(curves_panel(name, ["iterations", "relative error"], against(|t| &t.curve.iterations), true));
        panels.push(curves_panel(name, ["seconds", "relative error"], against(|t| &t.curve.seconds), true));
    }
    Figure {
        name: format!("training{suffix}"),
        title: "Errors as the networks are trained".into(),
        caption: if suffix == "_paper" {
            "Relative errors against epochs of Adam and against seconds, a curve for each seed: figures 3 to 6, 8, 10, 12 and 13 of the paper."
                .into()
        } else {
            "Relative errors against iterations of Gauss–Newton and against seconds, a curve for each seed; seeds were trained side by side."
                .into()
        },
        columns: 2,
        panels,
    }
}

/// Values at the points of a tensor grid, the last coordinate fastest, as a map with y upwards.
fn map(title: &str, domain: &[[f64; 2]], n: usize, values: &[f64]) -> Panel {
    let along = |d: usize| grid(&[domain[d]], &[n], true).concat();
    let turned = (0..n).flat_map(|j| (0..n).map(move |i| values[i * n + j])).collect();
    let kind = PanelKind::HeatMap { x: along(0), y: along(1), values: turned };
    Panel { title: title.into(), x_label: "x1".into(), y_label: "x2".into(), kind }
}

/// The coefficient, the solutions and their differences.
pub(super) fn elliptic(
    config: &NeuralStudyConfig,
    problem: &EllipticProblem,
    truth: &elliptic_nets::Truth,
    repeats: &[elliptic_nets::Repeat],
) -> Vec<Figure> {
    let p = &repeats[0].solution;
    let u = &truth.multiscale.values;
    let difference = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
    if problem.dimension() == 2 {
        let n = config.reference.points;
        let a: Vec<f64> = truth.points.iter().map(|x| problem.micro(x).value).collect();
        let panels = vec![
            map("a(x/ε)", &problem.domain, n, &a),
            map("u_ε, converged", &problem.domain, n, u),
            map("u_ε − NH-PINN", &problem.domain, n, &difference(u, p)),
            map("u_ε − (u₀ + ε χ·∇u₀)", &problem.domain, n, &difference(u, &truth.corrected)),
            map("NH-PINN − u₀", &problem.domain, n, &difference(p, &truth.homogenized.values)),
        ];
        return vec![Figure {
            name: "fields".into(),
            title: "Coefficient, solution and errors".into(),
            caption: "Figures 2 and 7 of the paper: the coefficient, the multiscale solution, and what NH-PINN leaves of it. That \
                      error is homogenization's own (e4); the corrector takes most of it away, and the networks' part is the last map."
                .into(),
            columns: 3,
            panels,
        }];
    }
    let x: Vec<f64> = truth.points.iter().map(|x| x[0]).collect();
    let a: Vec<f64> = truth.points.iter().map(|x| problem.micro(x).value).collect();
    let solutions = vec![line("u_ε, converged", &x, u, Mark::Line), line("NH-PINN", &x, p, Mark::Dashed)];
    let errors = vec![
        line("u_ε − NH-PINN", &x, &difference(u, p), Mark::Line),
        line("u_ε − corrected", &x, &difference(u, &truth.corrected), Mark::Line),
    ];
    let mut figures = vec![Figure {
        name: "fields".into(),
        title: "Coefficient, solution and errors".into(),
        caption: "Figure 9 of the paper: the coefficient, the multiscale solution beside NH-PINN's, and what is left with and without \
                  the corrector."
            .into(),
        columns: 3,
        panels: vec![
            curves_panel("a(x, x/ε)", ["x", "a"], vec![line("", &x, &a, Mark::Line)], false),
            curves_panel("solutions", ["x", "u"], solutions, false),
            curves_panel("errors", ["x", "difference"], errors, false),
        ],
    }];
    if !repeats[0].slow.is_empty() {
        let x = grid(&problem.domain, &[repeats[0].slow.len()], true).concat();
        let exact: Vec<[f64; 2]> = x.iter().map(|x| problem.effective(*x)).collect();
        let column = |all: &[[f64; 2]], k: usize| all.iter().map(|a| a[k]).collect::<Vec<f64>>();
        let pair = |k: usize| {
            vec![
                line("exact", &x, &column(&exact, k), Mark::Line),
                line("network", &x, &column(&repeats[0].slow, k), Mark::Dashed),
            ]
        };
        let off = |k: usize| {
            let error: Vec<f64> =
                exact.iter().zip(&repeats[0].slow).map(|(e, f)| (e[k] - f[k]).abs().max(1e-17)).collect();
            line(if k == 0 { "a*" } else { "da*/dx" }, &x, &error, Mark::Line)
        };
        figures.push(Figure {
            name: "effective".into(),
            title: "The effective coefficient and its slope".into(),
            caption: "Figure 11 of the paper: a*(x) and da*/dx by one network for all x, beside the exact ones, and their errors.".into(),
            columns: 3,
            panels: vec![
                curves_panel("a*(x)", ["x", "a*"], pair(0), false),
                curves_panel("da*/dx", ["x", "da*/dx"], pair(1), false),
                curves_panel("errors", ["x", "absolute error"], vec![off(0), off(1)], true),
            ],
        });
    }
    figures
}

/// The corrector, the solutions at the last time and their differences.
pub(super) fn reaction(
    problem: &reaction::Reaction,
    truth: &reaction::Truth,
    repeats: &[reaction::Repeat],
) -> Vec<Figure> {
    let x: Vec<f64> = truth.points.iter().map(|x| x[0]).collect();
    let y = problem.cell_points();
    let p = &repeats[0].solution;
    let off = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| (a - b).abs().max(1e-9)).collect() };
    let correctors =
        vec![line("exact", &y, &truth.corrector, Mark::Line), line("network", &y, &repeats[0].corrector, Mark::Dashed)];
    let solutions =
        vec![line("u_ε, converged", &x, &truth.multiscale, Mark::Line), line("NH-PINN", &x, p, Mark::Dashed)];
    let errors = vec![
        line("u_ε − NH-PINN", &x, &off(&truth.multiscale, p), Mark::Line),
        line("u_ε − corrected", &x, &off(&truth.multiscale, &truth.corrected), Mark::Line),
        line("NH-PINN − u₀", &x, &off(p, &truth.homogenized), Mark::Line),
    ];
    vec![Figure {
        name: format!("fields{}", problem.suffix),
        title: "Corrector, solution at the last time, and errors".into(),
        caption: "Figures 14, 16, 19 and 21 of the paper: N(y), the multiscale solution beside NH-PINN's at the last time, and what is left \
                  with and without the corrector."
            .into(),
        columns: 3,
        panels: vec![
            curves_panel("N(y)", ["y", "N"], correctors, false),
            curves_panel("solutions", ["x", "u"], solutions, false),
            curves_panel("errors", ["x", "absolute difference"], errors, true),
        ],
    }]
}

/// Fields of the paper's recipe beside the converged one, from the first seed.
pub(super) fn published(points: &[Vec<f64>], truth: &[f64], solutions: &[(&'static str, Vec<f64>)]) -> Figure {
    let difference = |p: &[f64]| -> Vec<f64> { truth.iter().zip(p).map(|(u, p)| u - p).collect() };
    let panels = if points[0].len() == 1 {
        let x: Vec<f64> = points.iter().map(|x| x[0]).collect();
        let both = |(name, p): &(&str, Vec<f64>)| {
            let series = vec![line("u_ε, converged", &x, truth, Mark::Line), line(name, &x, p, Mark::Dashed)];
            curves_panel(name, ["x", "u"], series, false)
        };
        solutions.iter().map(both).collect()
    } else {
        let n = (points.len() as f64).sqrt().round() as usize;
        let last = &points[points.len() - 1];
        let domain: Vec<[f64; 2]> = points[0].iter().zip(last).map(|(a, b)| [*a, *b]).collect();
        let both = |(name, p): &(&str, Vec<f64>)| {
            [map(name, &domain, n, p), map(&format!("u_ε − {name}"), &domain, n, &difference(p))]
        };
        solutions.iter().flat_map(both).collect()
    };
    Figure {
        name: "fields_paper".into(),
        title: "The paper's recipe: solutions".into(),
        caption: "Figures 1, 7, 9, 10, 14, 15, 19 and 20 of the paper, as far as they are of this problem: the network of the homogenized \
                  equation, the classical network of the multiscale equation, and the latter started from the former (transfer)."
            .into(),
        columns: if points[0].len() == 1 { 3 } else { 2 },
        panels,
    }
}

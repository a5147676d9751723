//! The paper's figures 2, 4 and 5 and three of our own, as data.

use super::{
    Context,
    config::StudyConfig,
    laws::FittedLaw,
    run::{Findings, grid_of},
    verdict::Score,
};
use crate::{
    Result,
    report::{Figure, Film, FilmTrack, Mark, Panel, PanelKind, Report, Series},
};

/// Time of figure 2 in the paper.
const SNAPSHOT: f64 = 0.05;

/// End of the time axis of the right-hand-side maps: later slopes are too small to see.
const EARLY: f64 = 0.1;

/// Adds every figure that the findings allow.
pub(super) fn add(findings: &Findings, config: &StudyConfig, report: &mut Report, context: &Context<'_>) -> Result<()> {
    report.figures.extend(snapshot(findings, config, context)?);
    if !findings.laws.is_empty() {
        report.figures.push(maps(findings, true));
        report.figures.push(maps(findings, false));
        report.figures.push(errors(findings));
        report.figures.extend(training(findings));
    }
    report.films.extend(film(findings));
    Ok(())
}

fn series(label: &str, x: Vec<f64>, y: Vec<f64>, mark: Mark) -> Series {
    Series { label: label.into(), x, y, mark }
}

fn panel(title: &str, x_label: &str, y_label: &str, series: Vec<Series>) -> Panel {
    let kind = PanelKind::Series { series, log_y: false };
    Panel { title: title.into(), x_label: x_label.into(), y_label: y_label.into(), kind }
}

/// Figure 2: one snapshot whole, and magnified until the microscale shows, resolved and in a patch.
fn snapshot(findings: &Findings, config: &StudyConfig, context: &Context<'_>) -> Result<Option<Figure>> {
    let Some((experiment, score)) = findings.experiments.first() else { return Ok(None) };
    let time = config.resolved.as_ref().map_or(SNAPSHOT, |r| r.time);
    let truth = &findings.truth;
    let k = truth.times.iter().position(|t| *t >= time - 1e-9).unwrap_or(truth.times.len() - 1);
    let grid = &experiment.data.grid.axes()[0];
    let coarse = &score.states[0][k];
    let eps = findings.problem.config.epsilon;
    let mut whole = vec![series("homogenized", truth.grid.x.clone(), truth.u[0][k].clone(), Mark::Line)];
    if let Some(resolved) = &findings.resolved {
        let x: Vec<f64> =
            (1..400).map(|i| grid.domain[0] + (grid.domain[1] - grid.domain[0]) * i as f64 / 400.0).collect();
        let y = resolved.low_pass(&x, 10.0 * eps);
        whole.push(series("fully resolved, low-pass", x, y, Mark::Dashed));
    }
    whole.push(series("patch dynamics", grid.x.clone(), coarse.clone(), Mark::Points));
    let mut panels = vec![panel(&format!("t = {time}"), "x", "u", whole)];
    let patches = experiment.estimator.patches();
    let centres = patches.centres();
    // A patch where the slope is large shows the oscillation best.
    let slope = |p: &usize| (coarse[p + 2] - coarse[*p]).abs();
    let steep = (0..patches.len().min(coarse.len() - 2)).max_by(|a, b| slope(a).total_cmp(&slope(b))).unwrap_or(0);
    let middle = centres[steep];
    let profiles = experiment.estimator.micro_profiles(time, coarse, context.observer)?;
    for half in [0.5 * patches.width, 3.0 * eps] {
        let near = |x: &[f64], y: &[f64]| -> (Vec<f64>, Vec<f64>) {
            x.iter()
                .zip(y)
                .filter(|(x, _)| (*x - middle).abs() <= half * (1.0 + 1e-9))
                .map(|(x, y)| ((x - middle) / eps, *y))
                .unzip()
        };
        let mut both = Vec::new();
        if let Some(resolved) = &findings.resolved {
            let (x, u) = resolved.window(middle - half, middle + half);
            let (x, u) = near(&x, &u);
            both.push(series("fully resolved", x, u, Mark::Line));
        }
        let (x, u) = near(patches.patch(steep).x, &profiles[steep]);
        both.push(series("patch", x, u, Mark::Dashed));
        let title = if half > 10.0 * eps { "one patch" } else { "six periods of it" };
        panels.push(panel(&format!("{title}, x₀ = {middle}"), "(x − x₀)/ε", "u", both));
    }
    Ok(Some(Figure {
        name: "figure-2".into(),
        title: "A snapshot, from the whole domain down to the microscale".into(),
        caption: format!(
            "Figure 2 of the paper: the homogenized solution, patch dynamics, and the fully resolved problem agree at large scales; magnified, the patch carries the same ε = {eps:e} oscillation as the resolved solution."
        ),
        columns: 3,
        panels,
    }))
}

/// Laws worth a panel: at most five.
fn shown(findings: &Findings) -> impl Iterator<Item = &(FittedLaw, Score)> {
    findings.laws.iter().filter(|(_, s)| s.failure.is_none()).take(5)
}

/// Figures 4 (slopes) and 5 (trajectories): truth and laws over x and t, and a cut.
fn maps(findings: &Findings, slopes: bool) -> Figure {
    let truth = &findings.truth;
    let end = if slopes { truth.times.iter().take_while(|t| **t <= EARLY + 1e-9).count() } else { truth.times.len() };
    let stride = (end / 100).max(1);
    let frames: Vec<usize> = (0..end).step_by(stride).collect();
    let times: Vec<f64> = frames.iter().map(|&k| truth.times[k]).collect();
    let heat = |title: &str, x: Vec<f64>, rows: &[Vec<f64>]| {
        let values = frames.iter().flat_map(|&k| rows[k].iter().copied()).collect();
        let kind = PanelKind::HeatMap { x, y: times.clone(), values };
        Panel { title: title.into(), x_label: "x".into(), y_label: "t".into(), kind }
    };
    let rows = if slopes { &truth.u_t[0] } else { &truth.u[0] };
    let coarse = findings.experiments[0].0.data.grid.axes()[0].clone();
    let mut panels = vec![heat("truth", coarse.x.clone(), &truth.on(rows, &coarse))];
    let cut = frames[frames.len() / 10];
    let label = if slopes { "u_t" } else { "u" };
    let mut curves = vec![series("truth", truth.grid.x.clone(), rows[cut].clone(), Mark::Line)];
    for (law, score) in shown(findings) {
        let grid = grid_of(law, findings);
        let rows = if slopes { &score.slopes[0] } else { &score.states[0] };
        panels.push(heat(&law.config.name, grid.x.clone(), rows));
        curves.push(series(&law.config.name, grid.x.clone(), rows[cut].clone(), Mark::Points));
    }
    panels.push(panel(&format!("at t = {}", truth.times[cut]), "x", label, curves));
    let (name, title, what) = if slopes {
        ("figure-4", "Right-hand sides predicted by the laws", "u_t at the truth's states on an unseen trajectory")
    } else {
        ("figure-5", "Trajectories integrated with the laws", "u from an unseen initial state, by BDF")
    };
    Figure {
        name: name.into(),
        title: title.into(),
        caption: format!(
            "Figure {} of the paper: {what}; the truth is the homogenized equation on a fine grid.",
            &name[7..]
        ),
        columns: 3,
        panels,
    }
}

/// Deviation of each law from the truth against time.
fn errors(findings: &Findings) -> Figure {
    let truth = &findings.truth;
    let stride = (truth.times.len() / 200).max(1);
    let mut curves = Vec::new();
    let sources = findings.laws.iter().map(|(l, s)| (l.config.name.clone(), grid_of(l, findings), s));
    let patches =
        findings.experiments.iter().map(|(e, s)| (format!("patches {}", e.config.name), &e.data.grid.axes()[0], s));
    for (name, grid, score) in sources.chain(patches).filter(|(_, _, s)| s.failure.is_none()) {
        let u = truth.on(&truth.u[0], grid);
        let (x, y) = (1..truth.times.len())
            .step_by(stride)
            .map(|k| (truth.times[k], relative(&score.states[0][k], &u[k])))
            .unzip();
        curves.push(series(&name, x, y, Mark::Line));
    }
    let kind = PanelKind::Series { series: curves, log_y: true };
    let panel =
        Panel { title: "one unseen trajectory".into(), x_label: "t".into(), y_label: "relative error".into(), kind };
    Figure {
        name: "errors".into(),
        title: "Distance from the truth over time".into(),
        caption: "‖u − u_h‖ / ‖u_h − mean‖ of each law and of patch dynamics itself.".into(),
        columns: 1,
        panels: vec![panel],
    }
}

fn relative(v: &[f64], u: &[f64]) -> f64 {
    let mean = u.iter().sum::<f64>() / u.len() as f64;
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    norm(&mut v.iter().zip(u).map(|(a, b)| a - b)) / norm(&mut u.iter().map(|a| a - mean)).max(f64::MIN_POSITIVE)
}

/// Loss of the networks against epochs.
fn training(findings: &Findings) -> Option<Figure> {
    let curves: Vec<Series> = findings
        .laws
        .iter()
        .filter(|(l, _)| !l.loss.is_empty())
        .map(|(l, _)| {
            series(&l.config.name, (1..=l.loss.len()).map(|e| e as f64).collect(), l.loss.clone(), Mark::Line)
        })
        .collect();
    if curves.is_empty() {
        return None;
    }
    let kind = PanelKind::Series { series: curves, log_y: true };
    let panel =
        Panel { title: "training".into(), x_label: "epoch".into(), y_label: "mean squared error of u_t".into(), kind };
    Some(Figure {
        name: "training".into(),
        title: "Training of the paper's networks".into(),
        caption: "Loss per epoch.".into(),
        columns: 1,
        panels: vec![panel],
    })
}

/// The first unseen trajectory as a film: truth, patches, and the last law (ours).
fn film(findings: &Findings) -> Option<Film> {
    let (experiment, score) = findings.experiments.first()?;
    let truth = &findings.truth;
    let last = truth.times.len() - 1;
    // Decay is fast at first: frames crowd there.
    let mut frames: Vec<usize> = (0..=80).map(|k| (last as f64 * (k as f64 / 80.0).powi(2)).round() as usize).collect();
    frames.dedup();
    let pick = |rows: &[Vec<f64>]| frames.iter().map(|&k| rows[k].clone()).collect::<Vec<_>>();
    let thin = (truth.grid.len() / 250).max(1);
    let fine = |rows: &[Vec<f64>]| pick(rows).into_iter().map(|r| r.into_iter().step_by(thin).collect()).collect();
    let mut tracks = vec![
        FilmTrack {
            label: "homogenized truth".into(),
            mark: Mark::Line,
            x: truth.grid.x.iter().step_by(thin).copied().collect(),
            frames: fine(&truth.u[0]),
        },
        FilmTrack {
            label: "patch dynamics".into(),
            mark: Mark::Points,
            x: experiment.data.grid.axes()[0].x.clone(),
            frames: pick(&score.states[0]),
        },
    ];
    let mut caption = "Patches and truth start from the same state.";
    if let Some((law, score)) =
        findings.laws.iter().rfind(|(l, s)| s.failure.is_none() && l.config.patches == experiment.config.name)
    {
        caption = "The learned law starts from the same state as the truth and never sees it again.";
        let label = format!("learned law `{}`", law.config.name);
        tracks.push(FilmTrack {
            label,
            mark: Mark::Dashed,
            x: grid_of(law, findings).x.clone(),
            frames: pick(&score.states[0]),
        });
    }
    Some(Film {
        title: "An unseen trajectory".into(),
        caption: caption.into(),
        times: frames.iter().map(|&k| truth.times[k]).collect(),
        tracks,
    })
}

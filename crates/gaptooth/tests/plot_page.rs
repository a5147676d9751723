//! The page of a report: complete, self-contained, escaped; and rebuilt from what a run left. The sample is left in
//! `target/tmp/plot_page` for `.ci/check_page.py`.
#![cfg(feature = "plot")]

use std::path::{Path, PathBuf};

use gaptooth::Error;
use gaptooth::io::{RunDirectory, atomic};
use gaptooth::plot::{page, read_report, rebuild_report, render_report};
use gaptooth::report::*;

fn grid(n: usize) -> Vec<f64> {
    (0..n).map(|i| i as f64 / (n - 1) as f64).collect()
}

fn state(x: f64, t: f64) -> f64 {
    (-4.5 * t).exp() * (std::f64::consts::TAU * x).sin() + 0.4 * (-18.0 * t).exp() * (18.85 * x).sin()
}

fn film() -> Film {
    let times: Vec<f64> = (0..=200).map(|i| 2.5e-3 * i as f64).collect();
    let track = |label: &str, mark, n: usize, wiggle: f64| {
        let x = grid(n);
        let value = |x: f64, t: f64| state(x, t) + wiggle * (2e5 * x).sin() * (-4.5 * t).exp();
        let frames = times.iter().map(|t| x.iter().map(|x| value(*x, *t)).collect()).collect();
        FilmTrack { label: label.into(), mark, x, frames }
    };
    let tracks = vec![
        track("fully resolved, ε = 1e-5", Mark::Line, 20_001, 0.03),
        track("patch dynamics", Mark::Points, 26, 0.0),
        track("learned law", Mark::Dashed, 126, 0.0),
    ];
    Film {
        title: "The microscale solution and the law learned from its patches".into(),
        caption: "An unseen initial state. The learned law never saw this trajectory.".into(),
        times,
        tracks,
    }
}

fn profiles() -> Figure {
    let at = |t: f64| {
        let curve = |label: &str, n: usize, mark| {
            let x = grid(n);
            Series { label: label.into(), y: x.iter().map(|x| state(*x, t)).collect(), x, mark }
        };
        let series = vec![
            curve("homogenized", 501, Mark::Line),
            curve("learned law", 101, Mark::Dashed),
            curve("patches", 26, Mark::Points),
        ];
        let kind = PanelKind::Series { series, log_y: false };
        Panel { title: format!("t = {t}"), x_label: "x".into(), y_label: "u".into(), kind }
    };
    Figure {
        name: "figure-4".into(),
        title: "Unseen trajectory: homogenized, learned and patches".into(),
        caption: "Four times of one held-out trajectory. The three agree to the width of a line.".into(),
        columns: 2,
        panels: vec![at(0.0), at(0.05), at(0.2), at(0.5)],
    }
}

fn errors() -> Figure {
    let t = grid(400);
    let law = |label: &str, size: f64| Series {
        label: label.into(),
        x: t.clone(),
        y: t.iter().map(|t| size * t * (1.0 + 0.4 * (25.0 * t).sin())).collect(),
        mark: Mark::Line,
    };
    let series =
        vec![law("functional, paper's recipe", 1.6e-2), law("stencil, paper's recipe", 9e-3), law("ours", 4e-7)];
    let lines = PanelKind::Series { series, log_y: true };
    let (x, y) = (grid(200), grid(150));
    let values = y.iter().flat_map(|t| x.iter().map(move |x| state(*x, 0.3 * *t))).collect();
    let panel = |title: &str, x_label: &str, y_label: &str, kind| Panel {
        title: title.into(),
        x_label: x_label.into(),
        y_label: y_label.into(),
        kind,
    };
    Figure {
        name: "figure-5".into(),
        title: "Errors of the learned laws".into(),
        caption: "Left: relative error over time against the homogenized truth. Right: the solution itself.".into(),
        columns: 2,
        panels: vec![
            panel("relative error", "t", "error", lines),
            panel("u(x, t)", "x", "t", PanelKind::HeatMap { x, y, values }),
        ],
    }
}

fn sample() -> Report {
    let work = |list: &[(&str, u64)]| list.iter().map(|(n, c)| (n.to_string(), *c)).collect();
    let timing =
        |name: &str, seconds, counts: &[(&str, u64)]| Timing { name: name.into(), seconds, work: work(counts) };
    let row = |cells: [&str; 4]| cells.map(String::from).to_vec();
    Report {
        study: "diffusion-1d".into(),
        version: "0.1.0".into(),
        seed: 1,
        threads: 2,
        wall_seconds: 41.3,
        checks: vec![
            Check::at_most("a_star_abs_error", 1.1e-16, 1e-12),
            Check::at_most("best_rhs_rmse", 2.4e-7, 1e-5),
            Check::at_most("functional_paper_rhs_rmse", 1.61e-2, 1.8e-2).paper(Some(1.57e-2)),
            Check::at_least("work_ratio_vs_resolved", 6.4e5, 1e4),
            Check { unit: "s".into(), ..Check::at_most("resolved_seconds", 212.0, 180.0) },
            Check::figure("space_fraction", 0.07).paper(Some(0.1)),
        ],
        timings: vec![
            timing("cell problem", 0.0021, &[("solves", 3)]),
            timing("patch bursts", 12.4, &[("rhs", 1_234_567), ("bursts", 48_000)]),
            timing("training", 24.9, &[("epochs", 4000), ("rhs", 12_345)]),
        ],
        files: vec![],
        notes: vec!["The micro-model is linear and time-invariant: bursts took the exact path.".into()],
        title: "Diffusion in one dimension: from patches to a law".into(),
        summary: "Patches cover 7 % of space and 0.1 % of time. From their coarse states and rates a law is learned, integrated \
                  from unseen initial states and compared with the homogenized equation, which it never saw."
            .into(),
        tables: vec![Table {
            name: "laws".into(),
            title: "Learned laws beside trivial ones".into(),
            columns: row(["law", "rhs rMSE", "trajectory rMSE", "paper"]),
            rows: vec![
                row(["functional, paper's recipe", "1.61e-2", "3.2e-3", "1.57e-2"]),
                row(["ours", "2.4e-7", "8.1e-9", "–"]),
                row(["arithmetic mean", "0.402", "0.121", "–"]),
            ],
        }],
        figures: vec![profiles(), errors()],
        films: vec![film()],
    }
}

fn fresh(name: &str) -> (RunDirectory, PathBuf) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    (RunDirectory::create(&path).unwrap(), path)
}

#[test]
fn a_run_leaves_a_page_and_everything_it_refers_to() {
    let (run, path) = fresh("plot_page");
    run.write("run.toml", b"study = \"diffusion-1d\"\nseed = 1\n").unwrap();
    let written = render_report(&sample(), &run).unwrap();
    for file in &written.files {
        assert!(path.join(file).is_file(), "{file} is listed and not there");
    }
    for file in ["figures/figure-4.svg", "figures/figure-5.png", "figures/data.json", "report.html", "report.json"] {
        assert!(written.files.iter().any(|f| f == file), "{file} is not listed");
    }
    let html = atomic::read_text(&run.report_html()).unwrap();
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
    assert!(html.contains("4 of 5 checks passed") && html.contains("resolved_seconds"));
    assert!(html.contains("1.61e-2") && html.contains("1.57e-2") && html.contains("1\u{202f}234\u{202f}567"));
    assert!(!html.contains("src=\"http") && !html.contains("href=\"http") && !html.contains("@import"));
}

#[test]
fn report_json_keeps_its_contract() {
    let (run, _) = fresh("plot_page_contract");
    render_report(&sample(), &run).unwrap();
    let json: serde_json::Value = serde_json::from_str(&atomic::read_text(&run.report_json()).unwrap()).unwrap();
    for key in ["study", "version", "seed", "threads", "wall_seconds", "checks", "timings", "files"] {
        assert!(!json[key].is_null(), "{key}");
    }
    assert!(json.get("figures").is_none() && json.get("films").is_none());
    let check = &json["checks"][2];
    assert_eq!((&check["name"], &check["paper"]), (&"functional_paper_rhs_rmse".into(), &1.57e-2.into()));
    assert_eq!((check["passed"].as_bool(), json["checks"][5]["bound"].is_null()), (Some(true), true));
    assert_eq!(json["timings"][1]["work"]["rhs"], 1_234_567);
}

#[test]
fn the_page_is_rebuilt_from_what_a_run_left() {
    let (run, path) = fresh("plot_page_rebuilt");
    let mut report = sample();
    report.checks.push(Check::at_most("not_a_number", f64::NAN, 1.0));
    report.figures[0].panels.truncate(1);
    if let PanelKind::Series { series, .. } = &mut report.figures[0].panels[0].kind {
        series[0].y[100] = f64::NAN;
    }
    render_report(&report, &run).unwrap();
    let read = |file: &str| std::fs::read(path.join(file)).unwrap();
    let before = (read("report.html"), read("figures/figure-4.svg"), read("report.json"));
    std::fs::remove_file(path.join("report.html")).unwrap();
    std::fs::remove_file(path.join("figures/figure-4.svg")).unwrap();
    rebuild_report(&run).unwrap();
    assert!(before == (read("report.html"), read("figures/figure-4.svg"), read("report.json")));
    assert!(read_report(&run).unwrap().check("not_a_number").unwrap().value.is_nan());
    std::fs::write(path.join("report.json"), b"{\"study\": 1}").unwrap();
    assert!(matches!(read_report(&run), Err(Error::Format { .. })));
    std::fs::remove_file(path.join("report.json")).unwrap();
    assert!(matches!(rebuild_report(&run), Err(Error::Io { action: "read", .. })));
}

#[test]
fn what_a_report_says_cannot_become_markup() {
    let evil = "</script><script>alert('x')</script>";
    let mut report = sample();
    report.title = evil.into();
    report.notes.push(evil.into());
    report.films[0].tracks[0].label = evil.into();
    report.films[0].title = format!("\" onload=\"{evil}");
    report.tables[0].rows[0][0] = evil.into();
    let html = page(&report).unwrap();
    assert_eq!(html.matches("</script>").count(), 2, "the data and the script, no more");
    assert!(!html.contains("<script>alert") && !html.contains("\" onload=\""));
}

#[test]
fn figures_and_films_that_do_not_fit_are_refused() {
    let (run, _) = fresh("plot_page_refused");
    for name in ["../escape", "", "figure-5"] {
        let mut report = sample();
        report.figures[0].name = name.into();
        assert!(matches!(render_report(&report, &run), Err(Error::Parameter { .. })), "`{name}`");
    }
    let mut report = sample();
    report.films[0].tracks[1].frames[3].pop();
    let error = page(&report).unwrap_err();
    assert!(matches!(&error, Error::Shape { what, .. } if what.contains("patch dynamics")), "{error}");
}

#[test]
fn an_empty_report_is_a_page_too() {
    let html = page(&Report { study: "nothing".into(), ..Report::default() }).unwrap();
    assert!(html.contains("no check has a bound") && html.contains("<h1>nothing</h1>"));
}

//! Figures: drawn from what studies give, small, without collisions, and refused when the data does not fit.
#![cfg(feature = "plot")]

use std::path::Path;

use gaptooth::Error;
use gaptooth::plot::{png, svg};
use gaptooth::report::{Figure, Mark, Panel, PanelKind, Series};

fn series(label: &str, mark: Mark, x: &[f64], y: impl Fn(f64) -> f64) -> Series {
    Series { label: label.into(), x: x.to_vec(), y: x.iter().map(|x| y(*x)).collect(), mark }
}

fn panel(title: &str, x_label: &str, y_label: &str, kind: PanelKind) -> Panel {
    Panel { title: title.into(), x_label: x_label.into(), y_label: y_label.into(), kind }
}

fn figure(name: &str, columns: usize, panels: Vec<Panel>) -> Figure {
    Figure { name: name.into(), title: name.into(), caption: String::new(), columns, panels }
}

fn grid(n: usize) -> Vec<f64> {
    (0..n).map(|i| i as f64 / (n - 1) as f64).collect()
}

fn states() -> Figure {
    let (fine, coarse) = (grid(200_001), grid(26));
    let at = |t: f64| {
        let u = move |x: f64| {
            (-4.0 * t).exp() * (std::f64::consts::TAU * x).sin() + 0.4 * (-9.0 * t).exp() * (31.0 * x).cos()
        };
        let micro = move |x: f64| u(x) + 2e-2 * (2e5 * x).sin() * (1.0 - x);
        let series = vec![
            series("fully resolved", Mark::Line, &fine, micro),
            series("homogenized", Mark::Dashed, &fine[..].iter().step_by(500).copied().collect::<Vec<_>>(), u),
            series("patches", Mark::Points, &coarse, u),
        ];
        panel(&format!("t = {t}"), "x", "u(x, t)", PanelKind::Series { series, log_y: false })
    };
    figure("states", 2, vec![at(0.0), at(0.02), at(0.1), at(0.5)])
}

fn errors() -> Figure {
    let t = grid(300);
    let laws = [("functional (paper's recipe)", 1.6e-2), ("stencil (paper's recipe)", 8e-3), ("smooth law", 3e-6)];
    let mut curves: Vec<Series> =
        laws.iter().map(|(l, e)| series(l, Mark::Line, &t, move |t| e * t * (1.0 + 0.5 * (20.0 * t).sin()))).collect();
    curves.push(series("arithmetic mean", Mark::Dashed, &t, |t| 0.3 * t.sqrt()));
    let log =
        panel("relative error of the learned laws", "t", "error", PanelKind::Series { series: curves, log_y: true });
    figure("errors", 1, vec![log])
}

fn mixed() -> Figure {
    let (x, t) = (grid(500), grid(400));
    let values = t.iter().flat_map(|t| x.iter().map(move |x| (-3.0 * t).exp() * (9.0 * x).sin())).collect();
    let cloud = grid(20_000);
    let scatter = vec![
        series("", Mark::Points, &cloud, |x| x + 0.1 * (1e6 * x).sin()),
        series("y = x", Mark::Line, &[0.0, 1.0], |x| x),
    ];
    let losses: Vec<f64> = (0..5000).map(f64::from).collect();
    let training = vec![
        series("training", Mark::Line, &losses, |i| (1.0 + i).powf(-1.2) * (1.0 + 0.3 * (i * 1.7).sin())),
        series("held out", Mark::Line, &losses, |i| (1.0 + i).powf(-1.1) + 1e-4),
    ];
    let tiny = vec![series("patch dynamics", Mark::Line, &x, |x| 4e-7 * (7.0 * x).cos())];
    let map = PanelKind::HeatMap { x: x.clone(), y: t, values };
    let panels = vec![
        panel("learned u(x, t)", "x", "t", map),
        panel(
            "predicted against true",
            "true u_t",
            "predicted u_t",
            PanelKind::Series { series: scatter, log_y: false },
        ),
        panel("loss", "epoch", "mean square", PanelKind::Series { series: training, log_y: true }),
        panel("difference", "x", "Δu", PanelKind::Series { series: tiny, log_y: false }),
    ];
    figure("mixed", 3, panels)
}

fn write(figure: &Figure) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plot_figures");
    std::fs::create_dir_all(&folder).unwrap();
    let text = svg(figure).unwrap();
    std::fs::write(folder.join(format!("{}.svg", figure.name)), &text).unwrap();
    std::fs::write(folder.join(format!("{}.png", figure.name)), png(figure).unwrap()).unwrap();
    text
}

#[test]
fn figures_are_drawn_and_small() {
    for figure in [states(), errors(), mixed()] {
        let text = write(&figure);
        println!("{}: {} kB", figure.name, text.len() / 1000);
        assert!(text.len() < 300_000, "{} has {} bytes", figure.name, text.len());
        assert!(!text.contains("NaN") && !text.contains("inf"), "{} holds a number that is none", figure.name);
        for p in &figure.panels {
            assert!(text.contains(&p.title), "{} lacks the heading `{}`", figure.name, p.title);
        }
    }
}

#[test]
fn the_same_figure_is_the_same_text() {
    assert!(svg(&mixed()).unwrap() == svg(&mixed()).unwrap(), "ids or numbers depend on what was drawn before");
}

#[test]
fn a_heat_map_is_a_picture_and_not_a_rectangle_a_cell() {
    let text = svg(&mixed()).unwrap();
    assert_eq!(text.matches("<image").count(), 1);
    assert!(text.contains("data:image/png;base64,iVBOR"), "the PNG signature");
    assert!(text.matches("<rect").count() < 400, "{}", text.matches("<rect").count());
}

#[test]
fn odd_data_is_drawn_or_refused() {
    let x = [0.0, 1.0, 2.0, 3.0];
    let with_gap = series("u", Mark::Line, &x, |x| if x == 1.0 { f64::NAN } else { x });
    let nothing = series("none", Mark::Points, &[], |x| x);
    let constant = series("flat", Mark::Line, &x, |_| 0.25);
    for (series, log_y) in [(vec![with_gap, nothing], true), (vec![constant], false), (vec![], false)] {
        let text = svg(&figure("odd", 1, vec![panel("p", "x", "y", PanelKind::Series { series, log_y })])).unwrap();
        assert!(!text.contains("NaN"));
    }
    let map = |n| PanelKind::HeatMap { x: vec![0.0, 1.0], y: vec![0.0], values: vec![1.0; n] };
    assert!(svg(&figure("map", 1, vec![panel("p", "x", "y", map(2))])).is_ok());
    let wrong = svg(&figure("map", 1, vec![panel("short", "x", "y", map(3))])).unwrap_err();
    assert!(matches!(&wrong, Error::Shape { what, .. } if what.contains("short")), "{wrong}");
    assert!(matches!(svg(&figure("empty", 1, vec![])), Err(Error::Parameter { .. })));
}

#[test]
fn labels_cannot_break_the_markup() {
    let evil = series("<script>alert(1)</script>", Mark::Line, &[0.0, 1.0], |x| x);
    let kind = PanelKind::Series { series: vec![evil], log_y: false };
    let text = svg(&figure("evil", 1, vec![panel("a < b & c", "x\"", "y", kind)])).unwrap();
    assert!(!text.contains("<script") && text.contains("a &lt; b &amp; c"));
}

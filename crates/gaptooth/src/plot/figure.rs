//! A [`Figure`] as SVG and PNG: panels in rows, one colour a label throughout, legends that cover no data.

use std::sync::Arc;

use kuva::TickFormat;
use kuva::plot::legend::{LegendEntry, LegendShape};
use kuva::plot::{ColorMap, Heatmap, LegendPosition, LinePlot, LineStyle, ScatterPlot};
use kuva::render::figure::Figure as Canvas;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::Scene;
use kuva::render::theme::Theme;

use super::axis::Axis;
use super::{decimate, legend, scene};
use crate::report::{Figure, Mark, Panel, PanelKind, Series};
use crate::{Error, Result};

/// Okabe and Ito's palette for all kinds of colour vision (Color Universal Design, 2008), without the yellow that is lost
/// on white; then three of Tol's.
pub(crate) const PALETTE: [&str; 10] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#882255", "#999933", "#8c8c8c"];

const LINE: f64 = 1.7;
const MARKER: f64 = 2.6;
const BODY: u32 = 12;
/// Pixel columns that a curve is thinned to, and points that a cloud is.
pub(crate) const BUCKETS: usize = 420;
pub(crate) const CLOUD: usize = 2000;

/// Width and height of a panel in pixels, by panels in a row.
fn cell_size(columns: usize) -> (f64, f64) {
    match columns {
        1 => (680.0, 400.0),
        2 => (480.0, 350.0),
        _ => (370.0, 300.0),
    }
}

/// The figure as a self-contained SVG text.
///
/// # Errors
/// [`Error::Shape`] for a series or field whose lengths differ, [`Error::Parameter`] for no panels.
///
/// ```
/// use gaptooth::report::{Figure, Mark, Panel, PanelKind, Series};
/// let x: Vec<f64> = (0..100).map(|i| i as f64 / 99.0).collect();
/// let y = x.iter().map(|x| (6.0 * x).sin()).collect();
/// let series = vec![Series { label: "u".into(), x, y, mark: Mark::Line }];
/// let panel = Panel {
///     title: "t = 0".into(), x_label: "x".into(), y_label: "u".into(),
///     kind: PanelKind::Series { series, log_y: false },
/// };
/// let figure = Figure { name: "state".into(), title: String::new(), caption: String::new(), columns: 1, panels: vec![panel] };
/// assert!(gaptooth::plot::svg(&figure)?.starts_with("<svg"));
/// # Ok::<(), gaptooth::Error>(())
/// ```
pub fn svg(figure: &Figure) -> Result<String> {
    Ok(scene::text(draw(figure)?, &figure.name))
}

/// The figure as a PNG, two pixels for each of the SVG's.
///
/// # Errors
/// As [`svg`].
pub fn png(figure: &Figure) -> Result<Vec<u8>> {
    let raster = kuva::RasterBackend::new().with_scale(2.0).render_scene(&scene::cut_dashes(draw(figure)?));
    raster.map_err(|message| Error::parameter("figure", &figure.name, "a drawable size", message))
}

fn draw(figure: &Figure) -> Result<Scene> {
    if figure.panels.is_empty() {
        return Err(Error::parameter("figure", &figure.name, "at least one panel", "give it a panel"));
    }
    figure.panels.iter().try_for_each(check)?;
    let columns = figure.columns.clamp(1, figure.panels.len());
    let (width, height) = cell_size(columns);
    let labels = labels(figure);
    let mut legends = LegendsShown::default();
    let mut plots = Vec::new();
    let mut layouts = Vec::new();
    let mut below = 0.0f64;
    for panel in &figure.panels {
        let (p, l, legend) = match &panel.kind {
            PanelKind::Series { series, log_y } => {
                curves(series, *log_y, &labels, (width, height), legends.shows(series))
            }
            PanelKind::HeatMap { x, y, values } => {
                let (p, l) = heat_map(x, y, values);
                (p, l, 0.0)
            }
        };
        below = below.max(legend);
        plots.push(p);
        layouts.push(decorate(l, panel));
    }
    let rows = figure.panels.len().div_ceil(columns);
    let canvas = Canvas::new(rows, columns).with_cell_size(width, height + below).with_spacing(10.0);
    Ok(canvas.with_plots(plots).with_layouts(layouts).render())
}

fn check(panel: &Panel) -> Result<()> {
    let same = |what: String, expected: usize, found: usize| match expected == found {
        true => Ok(()),
        false => Err(Error::Shape { what, expected: vec![expected], found: vec![found] }),
    };
    match &panel.kind {
        PanelKind::Series { series, .. } => series
            .iter()
            .try_for_each(|s| same(format!("y of `{}` in panel `{}`", s.label, panel.title), s.x.len(), s.y.len())),
        PanelKind::HeatMap { x, y, values } => {
            same(format!("values of panel `{}`", panel.title), x.len() * y.len(), values.len())?;
            if values.is_empty() {
                return Err(Error::parameter("heat map", &panel.title, "at least one value", "leave it out"));
            }
            Ok(())
        }
    }
}

/// All labels of a figure in order of appearance: the index is the colour.
fn labels(figure: &Figure) -> Vec<&str> {
    let mut labels: Vec<&str> = Vec::new();
    for panel in &figure.panels {
        if let PanelKind::Series { series, .. } = &panel.kind {
            for s in series.iter().filter(|s| !s.label.is_empty()) {
                if !labels.contains(&s.label.as_str()) {
                    labels.push(&s.label);
                }
            }
        }
    }
    labels
}

/// Panels that would repeat a legend already shown go without.
#[derive(Default)]
struct LegendsShown(Vec<Vec<String>>);

impl LegendsShown {
    fn shows(&mut self, series: &[Series]) -> bool {
        let labels: Vec<String> = series.iter().map(|s| s.label.clone()).filter(|l| !l.is_empty()).collect();
        let repeated = self.0.iter().any(|shown| labels.iter().all(|l| shown.contains(l)));
        let show = !labels.is_empty() && !repeated;
        if show {
            self.0.push(labels);
        }
        show
    }
}

/// The plots, their layout, and the height that a legend below the axes takes.
fn curves(
    series: &[Series],
    log_y: bool,
    labels: &[&str],
    size: (f64, f64),
    with_legend: bool,
) -> (Vec<Plot>, Layout, f64) {
    let only_points = series.iter().all(|s| s.mark == Mark::Points);
    let abscissae = series.iter().flat_map(|s| s.x.iter().copied());
    let x = Axis::linear(abscissae, if only_points { 0.03 } else { 0.0 }, 5);
    let ordinates = series.iter().flat_map(|s| s.y.iter().copied());
    let mut y = if log_y { Axis::log(ordinates) } else { Axis::linear(ordinates, 0.05, 5) };
    let mut plots: Vec<Plot> = Vec::new();
    let mut drawn = Vec::new();
    for (i, s) in series.iter().enumerate() {
        let points: Vec<(f64, f64)> = s.x.iter().zip(&s.y).map(|(&a, &b)| (a, y.place(b))).collect();
        let index = labels.iter().position(|l| *l == s.label).unwrap_or(labels.len() + i);
        let color = PALETTE[index % PALETTE.len()];
        let label = if with_legend { s.label.as_str() } else { "" };
        let pieces = match s.mark {
            Mark::Points => vec![decimate::cloud(&points, (x.lo, x.hi), (y.lo, y.hi), CLOUD)],
            Mark::Line | Mark::Dashed => decimate::curve(&points, BUCKETS),
        };
        let fraction = |p: &(f64, f64)| ((p.0 - x.lo) / (x.hi - x.lo), (p.1 - y.lo) / (y.hi - y.lo));
        for (k, piece) in pieces.into_iter().enumerate() {
            let all = piece.iter().map(fraction);
            match s.mark {
                Mark::Points => drawn.extend(all.map(|p| vec![p])),
                _ => drawn.push(all.collect::<Vec<_>>()),
            }
            plots.push(plot(piece, s.mark, color, if k == 0 { label } else { "" }));
        }
    }
    let mut layout = Layout::auto_from_plots(&plots);
    let mut below = 0.0;
    if with_legend {
        let entries = series.iter().filter(|s| !s.label.is_empty()).count();
        let placed = place_legend(&drawn, layout.legend_width, entries, size);
        y.hi += placed.headroom * (y.hi - y.lo);
        layout = layout.with_legend_position(placed.position);
        if matches!(placed.position, LegendPosition::OutsideBottomColumns) {
            let columns = ((size.0 - 95.0) / (layout.legend_width + 10.0)).floor().max(1.0);
            layout = layout.with_legend_col_limit(columns as usize).with_legend_box(false);
            // the library counts too few entries by itself, and leaves too little room
            layout = layout.with_legend_entries(legend_entries(series, labels));
            below = 21.0 * (entries as f64 / columns).ceil() + 15.0;
        }
    }
    layout.show_legend = with_legend;
    (plots, with_axes(layout, x, y), below)
}

fn legend_entries(series: &[Series], labels: &[&str]) -> Vec<LegendEntry> {
    let entry = |s: &Series| LegendEntry {
        label: s.label.clone(),
        color: PALETTE[labels.iter().position(|l| *l == s.label).unwrap_or(0) % PALETTE.len()].into(),
        shape: if s.mark == Mark::Points { LegendShape::Circle } else { LegendShape::Line },
        dasharray: (s.mark == Mark::Dashed).then(|| "5 3".into()),
    };
    series.iter().filter(|s| !s.label.is_empty()).map(entry).collect()
}

fn plot(points: Vec<(f64, f64)>, mark: Mark, color: &str, label: &str) -> Plot {
    let line = LinePlot::new().with_color(color).with_stroke_width(LINE);
    let named = |line: LinePlot| if label.is_empty() { line } else { line.with_legend(label) };
    match mark {
        Mark::Line => Plot::Line(named(line.with_data(points))),
        Mark::Dashed => Plot::Line(named(line.with_line_style(LineStyle::Custom("5 3".into())).with_data(points))),
        Mark::Points => {
            let opacity = if points.len() > 300 { 0.5 } else { 1.0 };
            let cloud = ScatterPlot::new().with_data(points).with_color(color).with_size(MARKER);
            let cloud = cloud.with_marker_opacity(opacity);
            Plot::Scatter(if label.is_empty() { cloud } else { cloud.with_legend(label) })
        }
    }
}

fn place_legend(
    drawn: &legend::Drawn,
    box_width: f64,
    entries: usize,
    (width, height): (f64, f64),
) -> legend::Placement {
    // The axes take about this much of a panel: the rest is labels and headings. A little air around the box.
    let (inner_width, inner_height) = (width - 95.0, height - 105.0);
    let box_height = 1.5 * f64::from(BODY) * entries as f64 + 14.0;
    legend::place(drawn, (box_width + 20.0) / inner_width, (box_height + 16.0) / inner_height)
}

fn heat_map(x: &[f64], y: &[f64], values: &[f64]) -> (Vec<Plot>, Layout) {
    let (field, rows, columns) = decimate::field(x, y, values, (360, 260));
    let span = |points: &[f64], cells: usize| {
        let (first, last) = (points[0], points[points.len() - 1]);
        // Points on equal steps are centres of cells; otherwise the cells fill the range.
        let half = if cells == points.len() && cells > 1 { 0.5 * (last - first) / (cells - 1) as f64 } else { 0.0 };
        if first == last { (first - 0.5, last + 0.5) } else { (first - half, last + half) }
    };
    let (xs, ys) = (span(x, columns), span(y, rows));
    let map = Heatmap::new().with_data(field).with_color_map(ColorMap::Viridis).with_cell_size(1.0);
    let plots = vec![Plot::Heatmap(map.with_x_range(xs.0, xs.1).with_y_range(ys.0, ys.1))];
    let layout = Layout::auto_from_plots(&plots);
    let axis = |(lo, hi): (f64, f64)| Axis { lo, hi, ..Axis::linear([lo, hi].into_iter(), 0.0, 5) };
    let finite = values.iter().copied().filter(|v| v.is_finite());
    let bar = Axis::linear(finite, 0.0, 5);
    let layout = with_axes(layout, axis(xs), axis(ys));
    (plots, layout.with_colorbar_tick_format(TickFormat::Custom(Arc::new(move |v| bar.label(v)))))
}

fn with_axes(layout: Layout, x: Axis, y: Axis) -> Layout {
    layout
        .with_x_axis_min(x.lo)
        .with_x_axis_max(x.hi)
        .with_y_axis_min(y.lo)
        .with_y_axis_max(y.hi)
        .with_x_tick_step(x.step)
        .with_y_tick_step(y.step)
        .with_x_tick_format(TickFormat::Custom(Arc::new(move |v| x.label(v))))
        .with_y_tick_format(TickFormat::Custom(Arc::new(move |v| y.label(v))))
}

fn decorate(layout: Layout, panel: &Panel) -> Layout {
    let theme = Theme {
        axis_color: "#333333".into(),
        tick_color: "#333333".into(),
        text_color: "#1a1a1a".into(),
        grid_color: "#e6e6e6".into(),
        legend_border: "#cccccc".into(),
        font_family: Some("DejaVu Sans, Verdana, Arial, sans-serif".into()),
        ..Theme::light()
    };
    let mut layout = layout
        .with_theme(theme)
        .with_box_axes()
        .with_x_label(&panel.x_label)
        .with_y_label(&panel.y_label)
        .with_x_label_offset(0.0, -5.0)
        .with_title_size(14)
        .with_label_size(13)
        .with_tick_size(11)
        .with_body_size(BODY);
    if !panel.title.is_empty() {
        layout = layout.with_title(&panel.title);
    }
    layout
}

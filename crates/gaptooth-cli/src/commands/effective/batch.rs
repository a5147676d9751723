//! `gaptooth effective --image --batch`: how large a part of a picture stands for the whole.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use gaptooth::{
    Error, VERSION,
    cell::{VoxelCell, VoxelOptions},
    io::{Checkpoints, Occasional, RunDirectory},
    observer::Observer,
    plot::render_report,
    report::{Figure, Mark, Panel, PanelKind, Report, Series, Table},
};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::fields::AXES;
use super::image::{Sample, fits};
use super::table::{Rows, numbers};
use crate::args::EffectiveArgs;
use crate::commands::output_directory;
use crate::failure::Failure;
use crate::progress::Terminal;
use crate::{interrupt, output};

const STAGE: &str = "rows";
const PARTS: &str = "parts";
const FILE: &str = "subvolumes.csv";

/// All parts of the sample with the edges asked for, into a table, a figure and a page.
pub(super) fn batch(sample: &Sample, edges: &str, path: &Path, args: &EffectiveArgs) -> Result<(), Failure> {
    let started = Instant::now();
    let edges = edges_of(edges, &sample.shape)?;
    let parts: Vec<(usize, Vec<usize>)> = edges.iter().flat_map(|edge| tiles(*edge, &sample.shape)).collect();
    let options = VoxelOptions { bounds: true, fields: false, ..sample.options };
    let threads = rayon::current_num_threads();
    let largest = edges.iter().max().map_or(0, |edge| edge.pow(sample.shape.len() as u32));
    fits(threads * VoxelCell::memory(largest, &options), threads * largest)?;
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(format!("{stem}-batch")));
    let directory = output_directory(&out)?;
    let about = sample.about(path, args);
    let store = directory.checkpoints(format!("batch {edges:?} {}", sample.cell.fingerprint(&options)));
    if !args.resume {
        store.clear()?;
    }
    let d = sample.shape.len();
    let mut rows = Rows::new(&[&["edge"], &AXES[..d]].concat(), d);
    if let Some(bytes) = store.load(STAGE)? {
        rows.resume(&bytes)?;
    }
    let terminal = Terminal::new();
    interrupt::listen(&terminal, true)?;
    let mut stored = None;
    for group in parts[rows.rows.len()..].chunks(threads) {
        let shares = group.iter().map(|_| AtomicU64::new(0)).collect();
        let watch = Group { terminal: &terminal, before: rows.rows.len(), all: parts.len(), parts: group, shares };
        let found: Vec<Vec<f64>> = (0..group.len())
            .into_par_iter()
            .map(|k| one(sample, &Part { group: &watch, k }, &options, &store.part(PARTS)))
            .collect::<Result<_, _>>()
            .inspect_err(|_| terminal.finish())?;
        rows.rows.extend(found);
        if stored.is_none_or(|when: Instant| when.elapsed().as_secs() >= 1) {
            store.store(STAGE, &rows.to_csv()?)?;
            store.part(PARTS).clear()?;
            stored = Some(Instant::now());
        }
    }
    terminal.finish();
    directory.write(FILE, &rows.to_csv()?)?;
    let sizes: Vec<Size> = edges.iter().map(|edge| Size::of(*edge, &rows, d)).collect();
    let report = report(&sizes, &stem, &about, threads, started);
    let report = render_report(&report, &directory)?;
    store.clear()?;
    show(&sizes, &report, &directory, sample, args)
}

/// One part's row of numbers, in the order of the heading.
fn one(sample: &Sample, part: &Part, options: &VoxelOptions, kept: &Checkpoints) -> Result<Vec<f64>, Error> {
    let (edge, start) = &part.group.parts[part.k];
    let cell = sample.cell.part(start, &vec![*edge; start.len()])?;
    let kept = Occasional::new(kept.part(&format!("{edge} {start:?}")));
    let found = cell.effective_kept(options, part, &kept)?;
    let place = [edge].into_iter().chain(start).map(|i| *i as f64);
    Ok(place.chain(numbers(&found)).collect())
}

/// Parts that are computed at the same time, and how far they are in percent.
struct Group<'a> {
    terminal: &'a Terminal,
    /// parts of earlier groups
    before: usize,
    all: usize,
    parts: &'a [(usize, Vec<usize>)],
    shares: Vec<AtomicU64>,
}

impl Group<'_> {
    fn show(&self) {
        let shares: Vec<u64> = self.shares.iter().map(|share| share.load(Ordering::Relaxed)).collect();
        let done = self.before + shares.iter().filter(|share| **share >= 100).count();
        let now: Vec<String> = shares.iter().map(|share| format!("{share} %")).collect();
        let edge = self.parts.last().map_or(0, |(edge, _)| *edge);
        let detail = format!("edge {edge}: {}", now.join(", "));
        self.terminal.progress("sub-volumes", done as u64, self.all as u64, &detail);
    }
}

/// One of them: stops when the terminal says so.
struct Part<'a> {
    group: &'a Group<'a>,
    k: usize,
}

impl Observer for Part<'_> {
    fn progress(&self, _stage: &str, done: u64, total: u64, _detail: &str) {
        self.group.shares[self.k].store(100 * done / total.max(1), Ordering::Relaxed);
        self.group.show();
    }

    fn interrupted(&self) -> bool {
        self.group.terminal.interrupted()
    }
}

/// `16,32,64`, ascending.
fn edges_of(text: &str, shape: &[usize]) -> Result<Vec<usize>, Failure> {
    let most = shape.iter().copied().min().unwrap_or(0);
    let edges: Option<Vec<usize>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    match edges {
        Some(mut edges) if edges.iter().all(|edge| (1..=most).contains(edge)) => {
            edges.sort_unstable();
            edges.dedup();
            Ok(edges)
        }
        _ => {
            let message = format!("--batch {text}: expected edges from 1 to {most} voxels, the image has {shape:?}");
            Err(Failure::wrong_input(message).help("such as --batch 16,32,64"))
        }
    }
}

/// The parts of that edge, side by side from the first voxel on; what is left over at the far ends belongs to none.
fn tiles(edge: usize, shape: &[usize]) -> Vec<(usize, Vec<usize>)> {
    let mut starts = vec![vec![]];
    for n in shape {
        let along = |start: &Vec<usize>| -> Vec<Vec<usize>> {
            (0..n / edge).map(|k| [start.as_slice(), &[k * edge]].concat()).collect()
        };
        starts = starts.iter().flat_map(along).collect();
    }
    starts.into_iter().map(|start| (edge, start)).collect()
}

/// What all parts of one edge say along each axis.
struct Size {
    edge: usize,
    count: usize,
    /// middles of the intervals, `[axis][part]`
    middles: Vec<Vec<f64>>,
    lower: Vec<f64>,
    upper: Vec<f64>,
}

impl Size {
    fn of(edge: usize, rows: &Rows, d: usize) -> Self {
        let column = |name: &str| rows.column(name, |row| row[0] == edge as f64);
        let bound = |which: &str, axis: &str| column(&format!("{which}_{axis}{axis}"));
        let axes = &AXES[..d];
        let middle = |axis: &&str| -> Vec<f64> {
            bound("lower", axis).iter().zip(bound("upper", axis)).map(|(l, u)| 0.5 * (l + u)).collect()
        };
        Size {
            edge,
            count: column("edge").len(),
            middles: axes.iter().map(middle).collect(),
            lower: axes.iter().map(|axis| mean(&bound("lower", axis))).collect(),
            upper: axes.iter().map(|axis| mean(&bound("upper", axis))).collect(),
        }
    }

    /// Standard deviation of the middles along each axis; none of a single part.
    fn deviation(&self) -> Vec<Option<f64>> {
        let one = |values: &Vec<f64>| {
            let middle = mean(values);
            let squares: f64 = values.iter().map(|v| (v - middle).powi(2)).sum();
            (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
        };
        self.middles.iter().map(one).collect()
    }

    fn mean(&self) -> Vec<f64> {
        self.middles.iter().map(|values| mean(values)).collect()
    }

    fn value(&self) -> Value {
        json!({ "edge": self.edge, "count": self.count, "mean": self.mean(), "deviation": self.deviation(),
            "lower": self.lower, "upper": self.upper })
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn rows_of(sizes: &[Size]) -> Vec<Vec<String>> {
    let row = |size: &Size, d: usize| {
        let spread = size.deviation()[d].map_or("—".into(), output::number);
        let numbers = [size.mean()[d], size.lower[d], size.upper[d]].map(output::number);
        let [mean, lower, upper] = numbers;
        vec![size.edge.to_string(), size.count.to_string(), AXES[d].into(), mean, spread, lower, upper]
    };
    sizes.iter().flat_map(|size| (0..size.lower.len()).map(move |d| row(size, d))).collect()
}

fn columns() -> Vec<String> {
    ["edge", "parts", "axis", "a*", "standard deviation", "mean lower bound", "mean upper bound"]
        .map(String::from)
        .to_vec()
}

fn report(sizes: &[Size], stem: &str, about: &str, threads: usize, started: Instant) -> Report {
    let d = sizes.first().map_or(0, |size| size.lower.len());
    let edges: Vec<f64> = sizes.iter().map(|size| size.edge as f64).collect();
    let panel = |axis: usize| {
        let line = |label: &str, y: Vec<f64>, mark: Mark| Series { label: label.into(), x: edges.clone(), y, mark };
        let every = Series {
            label: "each part, middle of its interval".into(),
            x: sizes.iter().flat_map(|s| vec![s.edge as f64; s.count]).collect(),
            y: sizes.iter().flat_map(|s| s.middles[axis].clone()).collect(),
            mark: Mark::Points,
        };
        let series = vec![
            every,
            line("mean upper bound", sizes.iter().map(|s| s.upper[axis]).collect(), Mark::Line),
            line("mean lower bound", sizes.iter().map(|s| s.lower[axis]).collect(), Mark::Dashed),
        ];
        Panel {
            title: format!("along {}", AXES[axis]),
            x_label: "edge (voxels)".into(),
            y_label: format!("a* {0}{0}", AXES[axis]),
            kind: PanelKind::Series { series, log_y: false },
        }
    };
    let figure = Figure {
        name: "interval".into(),
        title: "The interval against the size of the part".into(),
        caption: "Points that spread show parts too small to stand for the whole; a trend of the lines shows what the conditions at \
                  their faces do; the gap between the lines is what voxels leave open."
            .into(),
        columns: d,
        panels: (0..d).map(panel).collect(),
    };
    Report {
        study: "effective-batch".into(),
        version: VERSION.into(),
        threads,
        wall_seconds: started.elapsed().as_secs_f64(),
        title: format!("Parts of {stem}"),
        summary: "Effective tensors of cubes cut from one picture, each with bounds that hold the truth of that cube."
            .into(),
        notes: about.lines().map(String::from).collect(),
        tables: vec![Table {
            name: "sizes".into(),
            title: "By edge, in voxels".into(),
            columns: columns(),
            rows: rows_of(sizes),
        }],
        figures: vec![figure],
        ..Default::default()
    }
}

fn show(
    sizes: &[Size],
    report: &Report,
    directory: &RunDirectory,
    sample: &Sample,
    args: &EffectiveArgs,
) -> Result<(), Failure> {
    output::say(&format!("{}; open {}", directory.path(FILE).display(), directory.report_html().display()));
    if args.json {
        return output::json(&json!({
            "conditions": sample.conditions_named(),
            "tolerance": sample.options.tolerance,
            "sizes": sizes.iter().map(Size::value).collect::<Vec<_>>(),
            "directory": directory.root(),
            "files": report.files,
            "version": VERSION,
            "wall_seconds": report.wall_seconds,
        }));
    }
    let mut rows = vec![columns()];
    rows.extend(rows_of(sizes));
    output::line(&output::columns(&rows))
}

//! `gaptooth effective --image --refine`: what the voxels of a picture leave open.

use std::path::Path;
use std::time::Instant;

use gaptooth::{
    VERSION,
    cell::{VoxelCell, VoxelOptions},
    io::Occasional,
    plot::render_report,
    report::{Figure, Mark, Panel, PanelKind, Report, Series, Table},
};
use serde_json::json;

use super::fields::AXES;
use super::image::{Sample, fits};
use super::table::{Rows, numbers};
use crate::args::EffectiveArgs;
use crate::commands::output_directory;
use crate::failure::Failure;
use crate::progress::Terminal;
use crate::{interrupt, output};

const FILE: &str = "refinement.csv";
const STAGE: &str = "rows";

/// The same picture with each voxel cut into k^d, for each k asked for.
pub(super) fn refine(sample: &Sample, factors: &str, path: &Path, args: &EffectiveArgs) -> Result<(), Failure> {
    let started = Instant::now();
    let factors = factors_of(factors)?;
    let options = VoxelOptions { bounds: true, fields: false, ..sample.options };
    let d = sample.shape.len();
    let most = factors.iter().max().map_or(1, |k| k.saturating_pow(d as u32));
    let voxels = most.saturating_mul(sample.shape.iter().product());
    fits(VoxelCell::memory(voxels, &options), voxels)?;
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(format!("{stem}-refined")));
    let directory = output_directory(&out)?;
    let terminal = Terminal::new();
    interrupt::listen(&terminal, true)?;
    let mut rows = Rows::new(&["refine", "voxels"], d);
    let about = sample.cell.fingerprint(&options);
    let store = directory.checkpoints(format!("refinement {factors:?} {about}"));
    if !args.resume {
        store.clear()?;
    }
    if let Some(bytes) = store.load(STAGE)? {
        rows.resume(&bytes)?;
    }
    for k in &factors[rows.rows.len()..] {
        terminal.say(&format!("each voxel cut into {}", k.pow(d as u32)));
        let states = store.part(&format!("refinement {k}"));
        let cell = sample.cell.refined(*k)?;
        let found = cell.effective_kept(&options, &*terminal, &Occasional::new(states.clone()));
        let found = found.inspect_err(|_| terminal.finish())?;
        let voxels = sample.shape.iter().map(|n| (n * k) as f64).product();
        rows.rows.push([vec![*k as f64, voxels], numbers(&found)].concat());
        // what is finished is kept, whatever becomes of the rest
        store.store(STAGE, &rows.to_csv()?)?;
        states.clear()?;
        directory.write(FILE, &rows.to_csv()?)?;
    }
    terminal.finish();
    let about = sample.about(path, args);
    let report = Report {
        study: "effective-refinement".into(),
        version: VERSION.into(),
        threads: rayon::current_num_threads(),
        wall_seconds: started.elapsed().as_secs_f64(),
        title: format!("{stem} with finer voxels"),
        summary: "The truth of the picture is the same for all; what changes is how well the schemes resolve its edges and corners.".into(),
        notes: about.lines().map(String::from).collect(),
        tables: vec![Table {
            name: "refinement".into(),
            title: "By parts of each voxel's edge".into(),
            columns: columns(),
            rows: lines(&rows, d),
        }],
        figures: vec![figure(&rows, d)],
        ..Default::default()
    };
    let report = render_report(&report, &directory)?;
    store.clear()?;
    output::say(&format!("{}; open {}", directory.path(FILE).display(), directory.report_html().display()));
    if args.json {
        let all: Vec<_> = (0..rows.rows.len()).map(|row| value(&rows, row, d)).collect();
        return output::json(&json!({
            "conditions": sample.conditions_named(),
            "tolerance": sample.options.tolerance,
            "refinements": all,
            "directory": directory.root(),
            "files": report.files,
            "version": VERSION,
            "wall_seconds": report.wall_seconds,
        }));
    }
    let mut text = vec![columns()];
    text.extend(lines(&rows, d));
    output::line(&output::columns(&text))
}

/// `1,2,4`, ascending.
fn factors_of(text: &str) -> Result<Vec<usize>, Failure> {
    let factors: Option<Vec<usize>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    match factors {
        Some(mut factors) if factors.iter().all(|k| (1..=1000).contains(k)) => {
            factors.sort_unstable();
            factors.dedup();
            Ok(factors)
        }
        _ => Err(Failure::wrong_input(format!("--refine {text}: expected whole numbers from 1 to 1000"))
            .help("such as --refine 1,2,3: into how many parts each voxel's edge is cut")),
    }
}

/// Two-point value, bounds and their middle along an axis, for each refinement.
fn along(rows: &Rows, axis: usize) -> [Vec<f64>; 4] {
    let column = |which: &str| rows.column(&format!("{which}_{0}{0}", AXES[axis]), |_| true);
    let [lower, upper] = [column("lower"), column("upper")];
    let middle = lower.iter().zip(&upper).map(|(l, u)| 0.5 * (l + u)).collect();
    [column("a"), lower, upper, middle]
}

fn columns() -> Vec<String> {
    ["refine", "voxels", "axis", "two-point value", "lower bound", "upper bound", "middle", "width"]
        .map(String::from)
        .to_vec()
}

fn lines(rows: &Rows, d: usize) -> Vec<Vec<String>> {
    let line = |row: usize, axis: usize| {
        let [native, lower, upper, middle] = along(rows, axis).map(|column| column[row]);
        let width = if middle > 0.0 { format!("{:.2} %", 100.0 * (upper - lower) / middle) } else { "—".into() };
        let [refine, voxels] = [0, 1].map(|k| rows.rows[row][k].to_string());
        let [native, lower, upper, middle] = [native, lower, upper, middle].map(output::number);
        vec![refine, voxels, AXES[axis].into(), native, lower, upper, middle, width]
    };
    (0..rows.rows.len()).flat_map(|row| (0..d).map(move |axis| line(row, axis))).collect()
}

fn value(rows: &Rows, row: usize, d: usize) -> serde_json::Value {
    let each = |k: usize| (0..d).map(|axis| along(rows, axis)[k][row]).collect::<Vec<_>>();
    json!({ "refine": rows.rows[row][0], "voxels": rows.rows[row][1], "tensor": each(0), "lower": each(1),
        "upper": each(2), "midpoint": each(3) })
}

fn figure(rows: &Rows, d: usize) -> Figure {
    let x = rows.column("refine", |_| true);
    let panel = |axis: usize| {
        let [native, lower, upper, middle] = along(rows, axis);
        let line = |label: &str, y: Vec<f64>, mark: Mark| Series { label: label.into(), x: x.clone(), y, mark };
        let series = vec![
            line("upper bound", upper, Mark::Line),
            line("middle", middle, Mark::Dashed),
            line("lower bound", lower, Mark::Line),
            line("two-point value", native, Mark::Points),
        ];
        Panel {
            title: format!("along {}", AXES[axis]),
            x_label: "parts of each voxel's edge".into(),
            y_label: format!("a* {0}{0}", AXES[axis]),
            kind: PanelKind::Series { series, log_y: false },
        }
    };
    Figure {
        name: "refinement".into(),
        title: "The interval under refinement of the picture".into(),
        caption: "The truth lies between the lines at every refinement; the two-point value comes from below.".into(),
        columns: d,
        panels: (0..d).map(panel).collect(),
    }
}

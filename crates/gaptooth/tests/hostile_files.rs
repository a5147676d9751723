//! Datasets, laws, checkpoints and reports whose files are damaged in any way: read or refused, never a crash. `GAPTOOTH_FUZZ=N` makes N times as many.
#![cfg(all(feature = "io", feature = "plot"))]

use std::fs;
use std::path::{Path, PathBuf};

use gaptooth::closure::{Dataset, FeatureSpec, LinearLaw, Provenance};
use gaptooth::grid::{Boundary, Grid};
use gaptooth::io::{Checkpoints, RunDirectory, load_closure, read_dataset, read_group, save_closure, write_dataset};
use gaptooth::plot::{read_report, render_report};
use gaptooth::report::{Check, Figure, Mark, Panel, PanelKind, Report, Series, Table};
use gaptooth::store::Store;
use rand::{RngExt, SeedableRng, rngs::StdRng};

fn many(default: usize) -> usize {
    default * std::env::var("GAPTOOTH_FUZZ").ok().and_then(|n| n.parse::<usize>().ok()).unwrap_or(1)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() { found.extend(files(&entry)) } else { found.push(entry) }
    }
    found.sort();
    found
}

/// What stands for a number, or for any other bytes.
const WORDS: [&str; 16] = [
    "0",
    "-1",
    "7",
    "1000000000000",
    "18446744073709551615",
    "9223372036854775807",
    "1e400",
    "-2.5",
    "null",
    "\"x\"",
    "[]",
    "{}",
    "true",
    "\"NaN\"",
    "[1,2,3]",
    "\"float64\"",
];

/// Changes one file: bytes, its end, numbers and words in its text, or that it is there at all.
fn damage(path: &Path, rng: &mut StdRng) {
    let mut bytes = fs::read(path).unwrap();
    let at = |rng: &mut StdRng, n: usize| rng.random_range(0..n.max(1));
    match rng.random_range(0..10) {
        0 => return fs::remove_file(path).unwrap(),
        1 => bytes.truncate(at(rng, bytes.len())),
        2 => bytes.extend((0..at(rng, 40)).map(|_| rng.random::<u8>())),
        3 | 4 => {
            for _ in 0..rng.random_range(1..5) {
                let k = at(rng, bytes.len());
                if let Some(byte) = bytes.get_mut(k) {
                    *byte = rng.random();
                }
            }
        }
        _ => {
            // a token, a number or a name, becomes another
            let is_token = |b: &u8| b.is_ascii_alphanumeric() || b"._-+\"".contains(b);
            let k = at(rng, bytes.len());
            if let Some(start) = bytes.iter().skip(k).position(is_token).map(|p| p + k) {
                let length = bytes[start..].iter().position(|b| !is_token(b)).unwrap_or(bytes.len() - start);
                let word = WORDS[at(rng, WORDS.len())].bytes();
                bytes.splice(start..start + length, word);
            }
        }
    }
    fs::write(path, bytes).unwrap();
}

/// Damages a file or two of copies of what `whole` holds, and lets `read` try them.
fn all_are_read_or_refused(whole: &Path, cases: usize, seed: u64, read: impl Fn(&Path)) {
    let originals: Vec<(PathBuf, Vec<u8>)> =
        files(whole).into_iter().map(|f| (f.clone(), fs::read(f).unwrap())).collect();
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..cases {
        for _ in 0..rng.random_range(1..3) {
            let path = &originals[rng.random_range(0..originals.len())].0;
            if path.exists() {
                damage(path, &mut rng);
            }
        }
        read(whole);
        for (path, bytes) in &originals {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    read(whole);
}

#[test]
fn damaged_datasets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.zarr");
    let grid = Grid::uniform([0.0, 1.0], 6, Boundary::Neumann).unwrap();
    let values: Vec<f64> = (0..2 * 3 * 7).map(|i| (0.3 * f64::from(i)).sin()).collect();
    let data = Dataset::new(grid, vec![0.0, 0.1, 0.2], values.clone(), values, Provenance::new()).unwrap();
    write_dataset(&path, &data).unwrap();
    all_are_read_or_refused(&path, many(400), 1, |path| {
        if let Ok(found) = read_dataset(path) {
            assert_eq!(found.u.len(), found.trajectories() * found.times.len() * found.grid.len());
        }
        if let Ok(group) = read_group(path) {
            assert!(group.arrays.iter().all(|a| a.data.len() == a.shape.iter().product::<usize>()));
        }
    });
    assert!(read_dataset(&path).unwrap() == data);
}

#[test]
fn damaged_laws() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("law.safetensors");
    let grid = Grid::uniform([0.0, 1.0], 8, Boundary::Periodic).unwrap();
    let spec = FeatureSpec::Neighbours { half: 1 };
    let law = LinearLaw::new(spec, &grid, vec![1.0, -2.0, 1.0]).unwrap();
    save_closure(&path, &law, &serde_json::json!({"rhs_rmse": 1.2e-6})).unwrap();
    all_are_read_or_refused(folder.path(), many(2000), 2, |_| drop(load_closure(&path)));
    assert!(load_closure(&path).is_ok());
}

#[test]
fn damaged_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let kept = Checkpoints::new(folder.path(), "a");
    kept.store("step", &[7; 50]).unwrap();
    all_are_read_or_refused(folder.path(), many(2000), 3, |_| {
        assert!(kept.load("step").unwrap().is_none_or(|bytes| bytes == [7; 50]));
        let (mut one, mut two) = ([0; 20], [0; 30]);
        assert!(!kept.load_into("step", &mut [&mut one, &mut two]).unwrap() || (one, two) == ([7; 20], [7; 30]));
    });
    assert_eq!(kept.load("step").unwrap(), Some(vec![7; 50]));
}

#[test]
fn damaged_runs() {
    let folder = tempfile::tempdir().unwrap();
    let directory = RunDirectory::create(folder.path()).unwrap();
    let series = Series { label: "u".into(), x: vec![0.0, 1.0], y: vec![1.0, 2.0], mark: Mark::Line };
    let kind = PanelKind::Series { series: vec![series], log_y: true };
    let panel = Panel { title: "t".into(), x_label: "x".into(), y_label: "y".into(), kind };
    let report = Report {
        study: "s".into(),
        checks: vec![Check::at_most("c", 1.0, 2.0)],
        tables: vec![Table {
            name: "t".into(),
            title: "T".into(),
            columns: vec!["a".into()],
            rows: vec![vec!["1".into()]],
        }],
        figures: vec![Figure {
            name: "f".into(),
            title: "F".into(),
            caption: "C".into(),
            columns: 1,
            panels: vec![panel],
        }],
        ..Report::default()
    };
    render_report(&report, &directory).unwrap();
    all_are_read_or_refused(folder.path(), many(100), 4, |_| {
        if let Ok(report) = read_report(&directory) {
            drop(render_report(&report, &directory));
        }
    });
}

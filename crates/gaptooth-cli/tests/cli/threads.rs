//! The numbers do not depend on the threads: every built-in study, in a quick form, to the last bit.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Place, files, images::npy};

const ONE_EPOCH: &str = "laws.*.epochs=1";
const SHORT: &[&str] = &[ONE_EPOCH, "trajectories.end=0.02", "truth.intervals=400"];
const NEURAL: &[&str] = &["repeats=1", "ours.cell.plan.iterations=3", "ours.homogenized.plan.iterations=3"];

/// What makes each study quick.
fn quick(study: &str) -> Vec<&'static str> {
    let resolved = ["resolved.points_per_period=10", "resolved.time=0.01"];
    match study {
        "diffusion-1d" => [SHORT, &resolved].concat(),
        "arbabi-1d" => SHORT.into(),
        "arbabi-2d" => {
            let few =
                ["trajectories.train=12", "trajectories.test=3", "trajectories.every=0.05", "patches.0.from=0.05"];
            [&few[..], &[ONE_EPOCH, "laws.*.batch=512"]].concat()
        }
        "resolved-1d" => {
            let end = ["trajectories.end=0.01", "truth.intervals=400", "problem.epsilon=1e-4"];
            [&resolved[..], &end].concat()
        }
        _ => NEURAL.into(),
    }
}

/// Everything that a run wrote, by file, but for the page, what clocks say and the number of threads.
pub(super) fn written(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let object = |name: &str| -> Value { serde_json::from_slice(&read(name)).unwrap() };
    let report = without_clocks(object("report.json"));
    let mut data = object("figures/data.json");
    let (timed, figures): (Vec<Value>, Vec<Value>) =
        data["figures"].as_array().unwrap().iter().cloned().partition(|f| f.to_string().contains(r#""seconds""#));
    data["figures"] = figures.into();
    let of_a_clock = |name: &str| {
        let figure = |f: &Value| name.starts_with(&format!("figures/{}.", f["name"].as_str().unwrap()));
        name == "report.html" || timed.iter().any(figure)
    };
    let content = |name: String| {
        let bytes = match name.as_str() {
            "report.json" => report.to_string().into_bytes(),
            "figures/data.json" => data.to_string().into_bytes(),
            _ => read(&name),
        };
        (name, bytes)
    };
    files(folder).into_iter().filter(|name| !of_a_clock(name)).map(content).collect()
}

fn without_clocks(mut report: Value) -> Value {
    let fields = report.as_object_mut().unwrap();
    fields.remove("threads");
    fields.remove("wall_seconds");
    for timing in fields["timings"].as_array_mut().unwrap() {
        timing.as_object_mut().unwrap().remove("seconds");
    }
    for table in fields["tables"].as_array_mut().unwrap() {
        let seconds = table["columns"].as_array().unwrap().iter().position(|c| c == "seconds" || c == "fit, s");
        for row in table["rows"].as_array_mut().unwrap() {
            seconds.map(|k| row.as_array_mut().unwrap().remove(k));
        }
    }
    report
}

#[test]
#[ignore = "half a minute: CI's slow step"]
fn every_study_has_the_same_numbers_for_any_number_of_threads() {
    let place = Place::new();
    let studies = place.run(&["studies"]).done().stdout;
    let names: Vec<&str> = studies.lines().filter_map(|line| line.split(':').next()).collect();
    assert!(names.len() >= 9, "{studies}");
    for name in names {
        let settings = quick(name);
        let run = |threads: &str| {
            let out = format!("{name}-{threads}");
            let mut args = vec!["run", name, "--out", &out, "--threads", threads, "--json"];
            settings.iter().for_each(|s| args.extend(["--set", s]));
            let answer = place.run(&args);
            // so short a run does not keep every bound
            assert!(matches!(answer.code, Some(0 | 1)), "{name}: {}", answer.stderr);
            assert_eq!(answer.object()["threads"].to_string(), threads);
            written(&place.path(&out))
        };
        let one = run("1");
        assert!(one.keys().any(|file| file.starts_with("data/")), "{name}: {:?}", one.keys());
        for threads in ["2", "4"] {
            let other = run(threads);
            assert!(one.keys().eq(other.keys()), "{name}: files differ");
            for (file, bytes) in &one {
                assert!(*bytes == other[file], "{name}: {file} is another with {threads} threads");
            }
        }
    }
}

#[test]
fn tensors_and_learned_laws_have_the_same_numbers_for_any_number_of_threads() {
    let place = Place::with_study();
    let samples: Vec<u8> = (0..24u32.pow(3)).map(|i| u8::from(i.wrapping_mul(2_654_435_761) >> 16 & 7 > 2)).collect();
    npy(&place, "noise.npy", "(24, 24, 24)", &samples);
    place.run(&["simulate", "tiny.toml", "--out", "out", "--set", "trajectories.train=4"]).done();
    let formula = ["effective", "--dim", "2", "--coefficient", "2 + sin(2*pi*y1)*cos(2*pi*y2)", "--bounds"];
    let learn = ["learn", "out/data/coarse.zarr", "--epochs", "3", "--closure"];
    for args in [
        &["effective", "--image", "noise.npy", "--map", "0=1,1=0.01", "--bounds"][..],
        &["effective", "--image", "noise.npy", "--map", "0=1,1=0", "--conditions", "faces", "--method", "fft"],
        &formula,
        &[&formula[..], &["--method", "neural", "--tolerance", "1e-4"]].concat(),
        &[&learn[..], &["functional"]].concat(),
        &[&learn[..], &["symbolic"]].concat(),
    ] {
        let answer = |threads: &str| {
            let mut answer = place.run(&[args, &["--json", "--threads", threads]].concat()).done().object();
            let fields = answer.as_object_mut().unwrap();
            ["wall_seconds", "fit_seconds"].iter().for_each(|clock| drop(fields.remove(*clock)));
            answer
        };
        let one = answer("1");
        for threads in ["2", "4"] {
            assert_eq!(answer(threads), one, "{args:?} with {threads} threads");
        }
    }
}

#[test]
fn bursts_by_the_general_path_have_the_same_numbers_for_any_number_of_threads() {
    let place = Place::new();
    let data = |threads: &str| {
        let general = ["patches.0.burst.path=general", "patches.0.spacing=1e-6", "trajectories.end=0.005"];
        let mut args = vec!["simulate", "arbabi-1d", "--out", threads, "--threads", threads];
        general.iter().for_each(|s| args.extend(["--set", s]));
        place.run(&args).done();
        let files = files(&place.path(threads)).into_iter().filter(|name| name.starts_with("data/"));
        files.map(|name| (fs::read(place.path(threads).join(&name)).unwrap(), name)).collect::<Vec<_>>()
    };
    let one = data("1");
    assert!(!one.is_empty());
    assert!(one == data("2") && one == data("3"));
}

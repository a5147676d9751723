//! `gaptooth sweep`

use serde_json::Value;

use super::images::npy;
use super::resuming::stopped;
use super::{Place, TINY, checks};

const VARIED: [&str; 8] = [
    "sweep",
    "tiny.toml",
    "--vary",
    "patches.0.step=1e-3,5e-4",
    "--vary",
    "trajectories.end=0.02,0.04",
    "--out",
    "out",
];

fn rows(place: &Place, file: &str) -> Vec<Vec<String>> {
    place.read(file).lines().map(|line| line.split(',').map(String::from).collect()).collect()
}

#[test]
fn every_combination_is_a_run_with_a_line_in_the_table() {
    let place = Place::with_study();
    let answer = place.run(&[&VARIED[..], &["--json"]].concat()).done().object();
    assert_eq!(answer["study"], "tiny");
    let points = answer["points"].as_array().unwrap();
    assert_eq!(points.len(), 4);
    assert_eq!(points[1]["settings"]["patches.0.step"], 1e-3);
    assert_eq!(points[1]["settings"]["trajectories.end"], 0.04);
    let rows = rows(&place, "out/sweep.csv");
    assert_eq!(rows[0][..4], ["patches.0.step", "trajectories.end", "passed", "a_star"]);
    assert_eq!(rows.iter().skip(1).map(|row| row[0].as_str()).collect::<Vec<_>>(), ["1e-3", "1e-3", "5e-4", "5e-4"]);
    // the second point is that run
    let alone = ["run", "tiny.toml", "--set", "patches.0.step=1e-3", "--set", "trajectories.end=0.04", "--json"];
    let alone = place.run(&alone).done().object();
    let point: Value = serde_json::from_str(&place.read("out/points/2/report.json")).unwrap();
    assert_eq!(checks(&point), checks(&alone));
    let column = rows[0].iter().position(|name| name == "net_rhs_rmse").unwrap();
    let (_, bits) = checks(&alone).into_iter().find(|(name, _)| name == "net_rhs_rmse").unwrap();
    assert_eq!(rows[2][column].parse::<f64>().unwrap().to_bits(), bits);
    assert!(place.path("out/figures/sweep.svg").exists() && place.read("out/report.html").contains("Every point"));
}

#[test]
fn a_killed_sweep_goes_on_with_the_next_point() {
    let place = Place::new();
    place.write("tiny.toml", &TINY.replace("epochs = 3", "epochs = 2000"));
    stopped(&place, &VARIED, "point 3 of 4", "-KILL");
    assert_eq!(rows(&place, "out/sweep.csv").len(), 3, "two points are done, and the heading");
    let first = place.read("out/points/1/report.json");
    place.run(&[&VARIED[..], &["--resume"]].concat()).done();
    assert_eq!(place.read("out/points/1/report.json"), first, "what was done is not done again");
    let resumed = place.read("out/sweep.csv");
    place.run(&[&VARIED[..7], &["fresh"]].concat()).done();
    assert_eq!(resumed, place.read("fresh/sweep.csv"));
}

#[test]
fn a_point_that_fails_does_not_stop_the_others() {
    let place = Place::with_study();
    // a step of 0.5 is unstable, and grows without bound
    let unstable = [
        "--set",
        "laws=[]",
        "--set",
        "checks={}",
        "--set",
        "trajectories.end=200.0",
        "--set",
        "trajectories.every=0.5",
    ];
    let varied = ["sweep", "tiny.toml", "--vary", "patches.0.step=0.5,1e-2", "--out", "out"];
    let answer = place.run(&[&varied[..], &unstable].concat());
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    let rows = rows(&place, "out/sweep.csv");
    assert_eq!((rows[1][1].as_str(), rows[2][1].as_str()), ("false", "true"), "{rows:?}");
    assert!(rows[1].iter().any(|cell| cell.contains("macroscale state")), "{rows:?}");
}

#[test]
fn what_is_wrong_with_a_sweep_is_said_before_anything_runs() {
    let place = Place::with_study();
    for (wrong, words) in [
        (&["sweep", "tiny.toml"][..], "needs --vary"),
        (&["sweep", "tiny.toml", "--vary", "patches.0.step"], "expected PATH=VALUE"),
        (&["sweep", "tiny.toml", "--vary", "patches.0.step=1e-3,,1e-4"], "a value is empty"),
        (&["sweep", "tiny.toml", "--vary", "patches.0.steep=1e-3,1e-4"], "steep"),
        (&["sweep", "tiny.toml", "--vary", "seed=1,2", "--vary", "seed=3"], "varied twice"),
        (&["sweep", "tiny.toml", "a.npy", "--vary", "seed=1,2"], "expected one study, or images"),
        (&["sweep", "a.npy", "--vary", "seed=1,2"], "belong to studies"),
    ] {
        let answer = place.run(wrong);
        assert_eq!(answer.code, Some(2), "{wrong:?}: {}", answer.stderr);
        assert!(answer.stderr.contains(words), "{wrong:?}: {}", answer.stderr);
    }
    assert!(!place.path("runs").exists());
}

#[test]
fn images_with_every_map() {
    let place = Place::new();
    let layers = |bound: usize| -> Vec<u8> { (0..100).map(|i| if i / 10 < bound { 7 } else { 9 }).collect() };
    npy(&place, "three.npy", "(10, 10)", &layers(3));
    npy(&place, "five.npy", "(10, 10)", &layers(5));
    let maps = ["--map", "7=1,9=10", "--map", "7=1,9=0"];
    let sweep = ["sweep", "three.npy", "five.npy", "--bounds", "--out", "out", "--json"];
    let answer = place.run(&[&sweep[..], &maps].concat()).done().object();
    let points = answer["points"].as_array().unwrap();
    let of = |k: usize, name: &str| points[k]["checks"][name].as_f64().unwrap();
    assert_eq!((points.len(), &points[1]["settings"]["image"]), (4, &"three.npy".into()));
    assert!((of(0, "a_xx") - 1.0 / 0.37).abs() < 1e-9 && (of(0, "a_yy") - 7.3).abs() < 1e-9);
    assert!(of(0, "lower_xx") <= 1.0 / 0.37 + 1e-12 && 1.0 / 0.37 <= of(0, "upper_xx") + 1e-12);
    assert!((of(2, "a_yy") - 5.5).abs() < 1e-9 && of(3, "a_xx") == 0.0);
    // an image that is missing is one line; the others are found
    let answer = place.run(&["sweep", "three.npy", "nowhere.npy", "--map", "*=1", "--out", "two"]);
    assert_eq!(answer.code, Some(1));
    assert_eq!(rows(&place, "two/sweep.csv").len(), 3);
}

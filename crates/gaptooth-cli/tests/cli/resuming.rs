//! Ctrl-C leaves a run that goes on.

#![cfg(unix)]

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Instant,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{Place, TINY, checks, files, images::npy, threads::written};

/// About a second of training.
fn long_study() -> String {
    TINY.replace("epochs = 3", "epochs = 20000")
}

/// Runs the study in `out`, sends SIGINT once a first epoch is over, and gives the exit code and standard error.
fn interrupted(place: &Place) -> (Option<i32>, String) {
    stopped(place, &["run", "long.toml", "--out", "out", "--json"], "training net", "-INT")
}

/// Sends `signal` once a line of standard error begins with `sign`, and gives the exit code and standard error.
pub(super) fn stopped(place: &Place, args: &[&str], sign: &str, signal: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gaptooth"))
        .args(args)
        .current_dir(place.path("."))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    for line in lines.by_ref().map_while(Result::ok) {
        seen += &format!("{line}\n");
        if line.starts_with(sign) {
            break;
        }
    }
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success(), "{seen}");
    lines.map_while(Result::ok).for_each(|l| seen += &format!("{l}\n"));
    (child.wait().unwrap().code(), seen)
}

#[test]
fn a_stopped_run_resumes_to_the_same_numbers() {
    let place = Place::new();
    place.write("long.toml", &long_study());
    let whole = place.run(&["run", "long.toml", "--out", "whole", "--json"]).done().object();
    let (code, stderr) = interrupted(&place);
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("stopping cleanly") && stderr.contains("--resume"), "{stderr}");
    assert_eq!(files(&place.path("out")), ["checkpoints/law-net.checkpoint"], "the state of the training is kept");
    let saved = std::fs::read(place.path("out/checkpoints/law-net.checkpoint")).unwrap();
    let state = &saved[saved.iter().position(|b| *b == b'\n').unwrap() + 1..];
    let epoch = serde_json::from_slice::<serde_json::Value>(state).unwrap()["epoch"].as_u64().unwrap();
    assert!(0 < epoch && epoch < 20_000, "epoch {epoch}");

    let resumed = place.run(&["run", "long.toml", "--out", "out", "--resume", "--json"]).done().object();
    assert_eq!(checks(&resumed), checks(&whole));
    let model = |run: &str| std::fs::read(place.path(run).join("models/net.safetensors")).unwrap();
    assert_eq!(model("out"), model("whole"));
    assert!(!place.path("out/checkpoints").exists(), "a finished run has nothing to resume");
}

/// Bursts by the general path and the training of networks: both keep states on the way.
fn laborious_study() -> String {
    let general = TINY.replace("burst = { length = 1e-5 }", "burst = { length = 1e-5, path = \"general\" }");
    general
        .replace("epochs = 3", "epochs = 4000")
        .replace("end = 0.02", "end = 0.2")
        .replace("every = 2e-3", "every = 1e-2")
}

#[test]
#[ignore = "twenty runs that are killed: CI's slow step"]
fn a_run_killed_at_any_moment_resumes_to_the_same_bits() {
    let place = Place::new();
    place.write("long.toml", &laborious_study());
    let started = Instant::now();
    place.run(&["run", "long.toml", "--out", "whole"]).done();
    let whole = (started.elapsed(), written(&place.path("whole")));
    let mut moments = StdRng::seed_from_u64(11);
    let (mut kills, mut finished, mut fresh) = (0, 0, true);
    while kills < 20 || finished < 2 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gaptooth"));
        command.args(["run", "long.toml", "--out", "out"]).args((!fresh).then_some("--resume"));
        let mut child =
            command.current_dir(place.path(".")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole.0.mul_f64(moments.random_range(0.0..0.6)));
        fresh = match child.try_wait().unwrap() {
            Some(status) => {
                assert!(status.success(), "{status}");
                let other = written(&place.path("out"));
                let differs = |name: &&String| other.get(*name) != whole.1.get(*name);
                let differing: Vec<_> = whole.1.keys().chain(other.keys()).filter(differs).collect();
                assert!(differing.is_empty(), "after {kills} kills: {differing:?}");
                finished += 1;
                fs::remove_dir_all(place.path("out")).unwrap();
                true
            }
            None => {
                // SIGKILL
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
                !place.path("out").exists()
            }
        };
    }
}

#[test]
fn an_image_that_was_stopped_has_the_same_tensor_in_the_end() {
    let place = Place::new();
    let samples: Vec<u8> = (0..1u32 << 21).map(|i| u8::from(i.wrapping_mul(2_654_435_761) >> 16 & 7 > 2)).collect();
    npy(&place, "noise.npy", "(128, 128, 128)", &samples);
    let image = ["effective", "--image", "noise.npy", "--map", "0=1,1=0.01", "--bounds", "--json"];
    let tensor = |more: &[&str]| {
        let mut answer = place.run(&[&image[..], more].concat()).done().object();
        answer.as_object_mut().unwrap().remove("wall_seconds");
        answer
    };
    let whole = tensor(&[]);
    fs::create_dir(place.path("kept")).unwrap();
    place.write("kept/notes.txt", "ours");
    let keep = ["--checkpoints", "kept"];
    let (code, stderr) = stopped(&place, &[&image[..], &keep].concat(), "cell problems", "-INT");
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("--resume"), "{stderr}");
    let kept = files(&place.path("kept"));
    assert!(kept.len() == 2 && kept[0].ends_with("-step.checkpoint") && kept[1] == "notes.txt", "{kept:?}");
    let size = fs::metadata(place.path("kept").join(&kept[0])).unwrap().len();
    assert!(size > 20 << 21, "a step is kept: {size} bytes");
    // of another tolerance it does not count, and stays
    let loose = tensor(&[&keep[..], &["--tolerance", "1e-3", "--resume"]].concat());
    assert!(loose["iterations"].as_u64() < whole["iterations"].as_u64());
    assert_eq!(files(&place.path("kept")), kept);
    assert_eq!(tensor(&[&keep[..], &["--resume"]].concat()), whole);
    assert_eq!(files(&place.path("kept")), ["notes.txt"]);
}

#[test]
fn a_law_whose_training_was_stopped_is_the_same_in_the_end() {
    let place = Place::with_study();
    place.run(&["simulate", "tiny.toml", "--out", "out", "--set", "trajectories.train=4"]).done();
    let learn = ["learn", "out/data/coarse.zarr", "--closure", "functional", "--epochs", "20000"];
    place.run(&[&learn[..], &["--out", "whole"]].concat()).done();
    let (code, stderr) = stopped(&place, &[&learn[..], &["--out", "laws"]].concat(), "training", "-INT");
    assert_eq!(code, Some(130), "{stderr}");
    let kept = files(&place.path("laws"));
    assert!(kept.len() == 1 && kept[0].ends_with("/law-coarse-functional.checkpoint"), "{kept:?}");
    // another law into the same place leaves it there
    let other = ["learn", "out/data/coarse.zarr", "--closure", "functional", "--epochs", "3", "--name", "a law.2"];
    place.run(&[&other[..], &["--out", "laws"]].concat()).done();
    assert!(place.path("laws").join(&kept[0]).exists());
    let again = place.run(&[&learn[..], &["--out", "laws", "--resume"]].concat()).done();
    assert!(!again.stderr.is_empty());
    let model = |run: &str| fs::read(place.path(run).join("models/coarse-functional.safetensors")).unwrap();
    assert_eq!(model("laws"), model("whole"));
    assert!(!place.path("laws/checkpoints").exists());
}

#[test]
fn checkpoints_of_another_configuration_do_not_count() {
    let place = Place::new();
    place.write("long.toml", &long_study());
    assert_eq!(interrupted(&place).0, Some(130));
    place.write("tiny.toml", TINY);
    let resumed = place.run(&["run", "tiny.toml", "--out", "out", "--resume", "--json"]).done().object();
    let fresh = place.run(&["run", "tiny.toml", "--out", "fresh", "--json"]).done().object();
    assert_eq!(checks(&resumed), checks(&fresh));
}

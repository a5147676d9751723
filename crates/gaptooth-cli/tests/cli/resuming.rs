//! Ctrl-C leaves a run that goes on.

#![cfg(unix)]

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use super::{Place, TINY, checks, files};

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

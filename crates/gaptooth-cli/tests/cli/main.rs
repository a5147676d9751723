//! The real binary, as users and scripts meet it.

mod bad_input;
mod effective;
mod full_disk;
mod images;
mod lattice;
mod learning;
mod resuming;
mod running;
mod simulating;
mod sweeping;
mod threads;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;
use tempfile::TempDir;

/// A study of well under a second: ε = 1e-3, nine patches, a small network and a linear law.
const TINY: &str = r#"study = "tiny"
title = "A tiny study"
seed = 3

[problem]
domain = [0.0, 1.0]
epsilon = 1e-3
diffusivity = "1.1 + sin(2*pi*x/eps)"
known_effective = "sqrt(0.21)"

[trajectories]
train = 2
test = 1
end = 0.02
every = 2e-3

[truth]
intervals = 100
tolerance = 1e-7

[[patches]]
name = "coarse"
intervals = 10
tooth = 1e-2
width = 2e-2
spacing = 5e-5
lifting = { degree = 2, points = 3 }
burst = { length = 1e-5 }
method = "euler"
step = 1e-3

[[laws]]
name = "net"
patches = "coarse"
kind = "functional_net"
hidden = [8, 8]
epochs = 3
batch = 16
learning_rate = 1e-3

[[laws]]
name = "best"
patches = "coarse"
kind = "derivatives"
candidates = [[2], [1, 2]]
points = 3
validation = 1

[checks]
a_star_abs_error = { at_most = 1e-10 }
"#;

/// A folder to work in, and the binary run inside it.
struct Place(TempDir);

struct Answer {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    /// With the tiny study as `tiny.toml`.
    fn with_study() -> Self {
        let place = Place::new();
        place.write("tiny.toml", TINY);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn run(&self, args: &[&str]) -> Answer {
        let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_gaptooth"))
            .args(args)
            .current_dir(self.0.path())
            .timeout(std::time::Duration::from_secs(60))
            .output()
            .unwrap();
        Answer::of(output)
    }
}

impl Answer {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Answer { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Done, or the whole of standard error.
    fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// Standard output as the one JSON object that it is.
    fn object(&self) -> Value {
        let value: Value = serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout));
        assert!(value.is_object());
        value
    }
}

/// Name and bits of every check.
fn checks(report: &Value) -> Vec<(String, u64)> {
    let checks = report["checks"].as_array().expect("checks");
    checks
        .iter()
        .map(|c| (c["name"].as_str().unwrap().into(), c["value"].as_f64().unwrap_or(f64::NAN).to_bits()))
        .collect()
}

/// Every file below `folder`, relative.
fn files(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            match entry.file_type().unwrap().is_dir() {
                true => walk(&entry.path(), &format!("{name}/"), found),
                false => found.push(name),
            }
        }
    }
    let mut found = vec![];
    walk(folder, "", &mut found);
    found.sort();
    found
}

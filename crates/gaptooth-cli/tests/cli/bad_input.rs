//! Every wrong input ends with 2, names the key and its line, and writes nothing.

use std::fs;

use super::{Place, TINY, files};

/// The study with `from` replaced must be refused with every one of `messages`, pointing at `line` of the file.
fn refused(from: &str, to: &str, messages: &[&str], line: &str) {
    assert!(TINY.contains(from), "{from}");
    let place = Place::new();
    let text = TINY.replacen(from, to, 1);
    place.write("bad.toml", &text);
    let answer = place.run(&["run", "bad.toml", "--out", "out", "--json"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (Some(2), ""), "{to}: {}", answer.stderr);
    for message in messages {
        assert!(answer.stderr.contains(message), "{to}: no `{message}` in {}", answer.stderr);
    }
    let number = 1 + text.lines().position(|l| l.starts_with(line)).unwrap_or_else(|| panic!("{line}"));
    assert!(answer.stderr.contains(&format!("bad.toml:{number}:")), "{to}: line {number} in {}", answer.stderr);
    assert_eq!(files(&place.path(".")), ["bad.toml"], "{to}: something was written");
}

#[test]
fn keys_and_types() {
    refused("tolerance = 1e-7", "tolerence = 1e-7", &["truth.tolerence", "unknown field", "`tolerance`"], "tolerence");
    refused("points = 3\nvalid", "pints = 3\nvalid", &["laws.best.pints", "`points`"], "pints");
    refused("every = 2e-3", "every = \"soon\"", &["trajectories.every", "expected f64"], "every");
    refused("points = 3\nvalid", "points = \"three\"\nvalid", &["laws.best.points", "usize"], "points = \"three\"");
    refused("kind = \"derivatives\"", "kind = \"magic\"", &["laws.best.kind", "`derivatives`"], "kind = \"magic\"");
    refused("method = \"euler\"", "method = \"rk5\"", &["patches.coarse.method", "`rk4`"], "method");
    refused("epsilon = 1e-3\n", "", &["missing field `epsilon`"], "[problem]");
    refused("seed = 3", "seed = ", &["seed"], "seed");
    refused("seed = 3", "seed = 3\nseed = 4", &["duplicate"], "seed = 4");
}

#[test]
fn coefficients_and_formulas() {
    let key = "diffusivity";
    refused("\"1.1 + sin(2*pi*x/eps)\"", "\"1 + sin(2*pi*x/eps)\"", &["y = 0.75", "must be positive"], key);
    refused("\"1.1 + sin(2*pi*x/eps)\"", "\"sin(2*pi*x/eps)\"", &["is -1 at y = 0.75"], key);
    refused("\"1.1 + sin(2*pi*x/eps)\"", "\"sqrt(sin(2*pi*x/eps) - 0.5)\"", &["NaN", "root"], key);
    refused("\"1.1 + sin(2*pi*x/eps)\"", "\"1.1 + sin(2*pi*x/eps\"", &["character 9", "never closed"], key);
    refused("\"1.1 + sin(2*pi*x/eps)\"", "\"1.1 + sinus(x)\"", &["sinus"], key);
    refused("\"1.1 + sin(2*pi*x/eps)\"", "\"1.1 + u^2\"", &["problem.diffusivity", "gaptooth simulate"], key);
    refused("\"sqrt(0.21)\"", "\"sqrt(\"", &["character"], "known_effective");
}

#[test]
fn lengths_times_and_names_that_do_not_fit() {
    refused("epsilon = 1e-3", "epsilon = nan", &["problem.epsilon", "NaN"], "epsilon");
    refused("epsilon = 1e-3", "epsilon = -1e-3", &["problem.epsilon"], "epsilon");
    refused("domain = [0.0, 1.0]", "domain = [1.0, 1.0]", &["domain", "the first smaller"], "domain");
    refused("width = 2e-2", "width = 0.2", &["width", "patches overlap"], "width");
    refused("tooth = 1e-2", "tooth = 3e-2", &["tooth", "at most the patch width"], "tooth");
    refused("spacing = 5e-5", "spacing = -5e-5", &["spacing", "positive"], "spacing");
    refused("length = 1e-5", "length = 0", &["burst.length", "positive"], "burst");
    refused("step = 1e-3", "step = 7e-4", &["patches.coarse.step", "divides"], "step");
    refused("intervals = 100", "intervals = 101", &["truth.intervals", "multiple"], "intervals = 101");
    refused("test = 1", "test = 0", &["trajectories.test", "at least one"], "test");
    refused("patches = \"coarse\"", "patches = \"corse\"", &["laws.net.patches", "one of: coarse"], "patches");
    refused("name = \"best\"", "name = \"../best\"", &["it names files"], "name = \"../best\"");
    refused("validation = 1", "validation = 2", &["laws.best.validation"], "validation");
    refused("[[2], [1, 2]]", "[[2], [1, 4]]", &["laws.best.points", "above 4"], "points = 3");
    refused("hidden = [8, 8]", "hidden = []", &["laws.net.hidden"], "hidden");
    refused("a_star_abs_error", "a_star_error", &["checks.a_star_error", "a_star_abs_error"], "a_star_error");
}

#[test]
fn names_files_and_set_paths() {
    let place = Place::with_study();
    fs::create_dir(place.path("taken")).unwrap();
    place.write("taken/data", "");
    let run = |args: &[&str], messages: &[&str]| {
        let answer = place.run(&[&["run"], args].concat());
        assert_eq!(answer.code, Some(2), "{args:?}: {}", answer.stderr);
        for message in messages {
            assert!(answer.stderr.contains(message), "{args:?}: no `{message}` in {}", answer.stderr);
        }
    };
    run(&["difusion-1d"], &["arbabi-1d", "did you mean `diffusion-1d`"]);
    run(&["nowhere.toml"], &["cannot read nowhere.toml"]);
    run(&["."], &["cannot read"]);
    run(&["tiny.toml", "--out", "tiny.toml"], &["tiny.toml", "--out"]);
    run(&["tiny.toml", "--out", "/dev/null/out"], &["/dev/null/out", "--out"]);
    run(&["tiny.toml", "--out", "taken"], &["taken/data", "--out"]);
    run(&["tiny.toml", "--set", "laws.bset.points=3"], &["laws.bset", "net, best"]);
    run(&["tiny.toml", "--set", "laws.best.pints=3"], &["laws.best.pints", "`points`", "as changed by --set"]);
    run(&["tiny.toml", "--set", "porblem.epsilon=3"], &["porblem", "`problem`"]);
    run(&["tiny.toml", "--set", "seed.low=3"], &["seed", "integer"]);
    run(&["tiny.toml", "--set", "seed"], &["PATH=VALUE"]);
    run(&["tiny.toml", "--set", "seed=many"], &["seed", "many", "u64"]);
    run(&["tiny.toml", "--seed", "-1"], &["--seed"]);
    run(&["tiny.toml", "--threads", "0"], &["--threads"]);
    assert_eq!(files(&place.path(".")), ["taken/data", "tiny.toml"]);
}

/// Ends with 1: the input is in order, the scheme is not stable with it.
#[test]
fn an_unstable_macro_step_gets_advice() {
    let place = Place::new();
    let unstable = TINY
        .replace("end = 0.02\nevery = 2e-3", "end = 40.0\nevery = 0.04")
        .replace("step = 1e-3", "step = 0.04")
        .replace("tolerance = 1e-7", "tolerance = 1e-3");
    place.write("unstable.toml", &unstable);
    let answer = place.run(&["run", "unstable.toml", "--out", "out", "--json"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (Some(1), ""), "{}", answer.stderr);
    assert!(answer.stderr.contains("shorten the macro-step") && answer.stderr.contains("t = "), "{}", answer.stderr);
}

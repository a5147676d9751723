//! `gaptooth run`, `report`, `studies`, `schema`.

use std::fs;

use super::{Place, checks, files};

#[test]
fn a_study_runs_end_to_end_and_its_run_toml_repeats_it() {
    let place = Place::with_study();
    let first = place.run(&["run", "tiny.toml", "--out", "first", "--json", "--threads", "1"]).done();
    let report = first.object();
    for key in ["study", "version", "seed", "threads", "wall_seconds", "checks", "timings", "files"] {
        assert!(report.get(key).is_some(), "{key} is missing");
    }
    assert_eq!(
        (report["study"].as_str(), report["seed"].as_u64(), report["threads"].as_u64()),
        (Some("tiny"), Some(3), Some(1))
    );
    assert_eq!(first.stdout, place.read("first/report.json"), "--json prints report.json as it lies there");
    for check in report["checks"].as_array().unwrap() {
        for key in ["name", "value", "bound", "paper", "unit", "passed"] {
            assert!(check.get(key).is_some(), "{key} is missing in {check}");
        }
        assert!(first.stderr.contains(check["name"].as_str().unwrap()), "the table lacks {check}");
    }
    let listed: Vec<&str> = report["files"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    let wanted =
        ["data/coarse.zarr", "models/net.safetensors", "models/net.json", "models/best.safetensors", "run.toml"];
    for file in wanted.iter().chain(&["report.html", "report.json", "figures/figure-2.svg", "figures/figure-2.png"]) {
        assert!(listed.contains(file), "{file} is not listed");
    }
    for file in &listed {
        assert!(place.path("first").join(file).exists(), "{file} is listed and not there");
    }
    for file in files(&place.path("first")) {
        assert!(listed.iter().any(|l| file == *l || file.starts_with(&format!("{l}/"))), "{file} is not listed");
    }
    assert!(first.stderr.contains("open first/report.html"));

    let again = place.run(&["run", "first/run.toml", "--out", "again", "--json", "--threads", "2"]).done().object();
    assert_eq!(again["threads"], 2);
    assert_eq!(checks(&again), checks(&report), "run.toml repeats the numbers, on other threads too");
    assert_eq!(place.read("again/run.toml"), place.read("first/run.toml"));
    let model = |run: &str| fs::read(place.path(run).join("models/net.safetensors")).unwrap();
    assert_eq!(model("again"), model("first"));

    let other = place.run(&["run", "tiny.toml", "--out", "again", "--seed", "4", "--json"]).done().object();
    assert_eq!(other["seed"], 4);
    assert_ne!(checks(&other), checks(&report), "another seed, other numbers");
}

#[test]
fn set_changes_a_key_and_a_check_that_fails_ends_with_1() {
    let place = Place::with_study();
    let args =
        ["run", "tiny.toml", "--json", "--set", "laws.net.epochs=2", "--set", "checks.best_rhs_rmse.at_most=1e-9"];
    let answer = place.run(&args);
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    assert!(answer.stderr.contains("FAILED: best_rhs_rmse"), "{}", answer.stderr);
    let report = answer.object();
    let failed = report["checks"].as_array().unwrap().iter().find(|c| c["name"] == "best_rhs_rmse").unwrap();
    assert_eq!((failed["passed"].as_bool(), failed["bound"].as_f64()), (Some(false), Some(1e-9)));
    assert!(place.read("runs/tiny/run.toml").contains("epochs = 2"), "the default directory is runs/NAME");
}

#[test]
fn what_others_put_into_the_directory_stays_and_the_page_is_built_again() {
    let place = Place::with_study();
    fs::create_dir(place.path("out")).unwrap();
    place.write("out/notes.txt", "mine");
    place.run(&["run", "tiny.toml", "--out", "out"]).done();
    assert_eq!(place.read("out/notes.txt"), "mine");
    let before = place.read("out/report.json");
    fs::remove_file(place.path("out/report.html")).unwrap();
    fs::remove_file(place.path("out/figures/figure-4.svg")).unwrap();
    let answer = place.run(&["report", "out", "--json"]).done();
    assert!(place.path("out/report.html").exists() && place.path("out/figures/figure-4.svg").exists());
    assert_eq!((answer.stdout, place.read("out/report.json")), (before.clone(), before));
    assert_eq!(place.run(&["report", "nowhere"]).code, Some(2));
    assert_eq!(place.run(&["report", "out/data"]).code, Some(2));
}

#[test]
fn studies_stand_on_a_line_each() {
    let stdout = Place::new().run(&["studies"]).done().stdout;
    let names: Vec<&str> = stdout.lines().map(|l| l.split_once(": ").expect("name: title").0).collect();
    assert!(["diffusion-1d", "arbabi-1d", "arbabi-2d", "resolved-1d"].iter().all(|n| names.contains(n)), "{stdout}");
}

#[test]
fn the_schema_knows_every_key_of_a_run_toml() {
    let place = Place::with_study();
    let schema = place.run(&["schema"]).done().object();
    let definitions = schema["$defs"].as_object().unwrap();
    let known = definitions["StudyConfig"]["properties"].as_object().unwrap();
    let of_lattice = definitions["LatticeStudyConfig"]["properties"].as_object().unwrap();
    assert!(of_lattice.contains_key("lattice") && !known.contains_key("lattice"));
    assert_eq!(schema["anyOf"].as_array().unwrap().len(), 3);
    let table: toml::Table = toml::from_str(super::TINY).unwrap();
    for (key, value) in &table {
        assert!(known.contains_key(key), "{key} is not in the schema");
        let name = match key.as_str() {
            "problem" => "ProblemConfig",
            "trajectories" => "TrajectoriesConfig",
            "truth" => "TruthConfig",
            _ => continue,
        };
        let inner = definitions[name]["properties"].as_object().unwrap();
        for key in value.as_table().unwrap().keys() {
            assert!(inner.contains_key(key), "{key} is not in {name}");
        }
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    let answer = Place::new().run(&["--version"]).done();
    assert_eq!(answer.stdout, format!("gaptooth {}\n", env!("CARGO_PKG_VERSION")));
    assert!(Place::new().run(&["run", "--help"]).done().stdout.contains("--resume"));
    assert_eq!(Place::new().run(&["frobnicate"]).code, Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_a_failure() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gaptooth"));
    let output = command.args(["schema"]).stdout(full).stderr(std::process::Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"));
}

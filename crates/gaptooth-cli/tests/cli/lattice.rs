//! A study of a lattice, and laws learned from its dataset in the plane.

use super::{Place, checks};

const LATTICE: &str = r#"study = "small-lattice"
seed = 5

[lattice]
kx = [[1.0, 2.0], [0.5, 3.0]]
ky = [[1.0, 0.25], [4.0, 2.0]]
bond = "right"

[trajectories]
train = 6
test = 2
end = 0.3
every = 0.05

[initial]
terms = 8
highest = 3

[[patches]]
name = "teeth"
patches = 9
interior = 2
ratio = 0.1
from = 0.05

[[laws]]
name = "found"
patches = "teeth"
kind = "symbolic"
highest = 4
validation = 2

[checks]
found_tensor_error = { at_most = 1e-5 }
"#;

#[test]
fn a_lattice_is_studied_simulated_learned_and_predicted() {
    let place = Place::new();
    place.write("lattice.toml", LATTICE);
    let report = place.run(&["run", "lattice.toml", "--out", "run", "--json", "--threads", "1"]).done().object();
    assert_eq!(report["study"], "small-lattice");
    let again = place.run(&["run", "run/run.toml", "--out", "again", "--json", "--threads", "2"]).done().object();
    assert_eq!(checks(&again), checks(&report));

    let data = "data/data/teeth.zarr";
    place.run(&["simulate", "lattice.toml", "--out", "data"]).done();
    let args = ["learn", data, "--closure", "symbolic", "--highest", "4", "--name", "law", "--out", "laws", "--json"];
    let learned = place.run(&args).done().object();
    let formula = learned["notes"][0].as_str().unwrap();
    assert!(formula.starts_with("u_t = ") && formula.contains("u_xx") && formula.contains("u_yyyy"), "{formula}");
    let predicted =
        place.run(&["predict", "laws/models/law.safetensors", data, "--out", "p", "--json"]).done().object();
    assert!(predicted["trajectory_rmse"].as_f64().unwrap() < 1e-9, "{predicted}");

    for closure in ["derivatives", "stencil", "functional", "discretized"] {
        place.run(&["learn", data, "--closure", closure, "--epochs", "1", "--out", "laws"]).done();
    }
    let misplaced = place.run(&["learn", data, "--products"]);
    assert_eq!(misplaced.code, Some(2), "{}", misplaced.stderr);
}

#[test]
fn a_lattice_that_does_not_fit_is_refused_with_its_line() {
    for (from, to, what, line) in [
        ("bond = \"right\"", "bond = \"middle\"", "middle", "bond"),
        ("[0.5, 3.0]]", "[0.5]]", "lattice.kx", "kx"),
        ("[[1.0, 0.25]", "[[-1.0, 0.25]", "-1", "ky"),
        ("ratio = 0.1", "ratio = 2.0", "patches.teeth.ratio", "ratio"),
        ("highest = 4", "highest = 4\npoints = 5\nponts = 3", "ponts", "ponts"),
        ("found_tensor_error", "found_tensor_eror", "found_tensor_error", "found_tensor_eror"),
    ] {
        assert!(LATTICE.contains(from), "{from}");
        let place = Place::new();
        place.write("bad.toml", &LATTICE.replacen(from, to, 1));
        let answer = place.run(&["run", "bad.toml", "--out", "out"]);
        assert_eq!(answer.code, Some(2), "{to}: {}", answer.stderr);
        assert!(answer.stderr.contains(what), "{to}: {}", answer.stderr);
        let text = place.read("bad.toml");
        let number = 1 + text.lines().position(|l| l.starts_with(line)).unwrap_or_else(|| panic!("{line}"));
        assert!(answer.stderr.contains(&format!("bad.toml:{number}:")), "{to}: line {number} in {}", answer.stderr);
    }
}

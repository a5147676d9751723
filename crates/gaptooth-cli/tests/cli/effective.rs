//! `gaptooth effective`: known answers, bounds, and what is refused.

use super::Place;

pub(super) const KEYS: [&str; 12] = [
    "tensor",
    "lower",
    "upper",
    "midpoint",
    "method",
    "iterations",
    "residual",
    "tolerance",
    "unknowns",
    "wall_seconds",
    "version",
    "warnings",
];

#[test]
fn known_answers_to_twelve_digits() {
    let known = [
        ("1.1 + sin(2*pi*y)", 0.21f64.sqrt()),
        ("0.5*sin(2*pi*y1)+2", 1.93649167310371),
        ("15*sin(pi*y)^2+1", 4.0),
        ("where(y < 0.3, 1, 10)", 1.0 / 0.37),
    ];
    for (text, exact) in known {
        for method in ["quadrature", "fem"] {
            let args = ["effective", "--dim", "1", "--coefficient", text, "--method", method, "--bounds", "--json"];
            let answer = Place::new().run(&args).done().object();
            for key in KEYS {
                assert!(answer.get(key).is_some(), "{key} is missing");
            }
            assert_eq!(answer["method"], method);
            let entry = |key: &str| answer[key][0][0].as_f64().unwrap_or_else(|| panic!("{key} of {text}"));
            let found = entry("tensor");
            assert!((found - exact).abs() <= 1e-12 * exact, "{text} by {method}: {found}");
            assert!(entry("lower") <= found && found <= entry("upper"), "{answer}");
            assert!(entry("lower") <= entry("midpoint") && entry("midpoint") <= entry("upper"));
            assert!(entry("upper") - entry("lower") < 1e-10, "{answer}");
            assert_eq!(answer["warnings"].as_array().unwrap().len(), 0, "{answer}");
        }
    }
}

#[test]
fn several_slow_points_give_an_answer_each() {
    let args = ["effective", "--coefficient", "2 + x + sin(2*pi*y)", "--slow", "x=0,x=0.5", "--slow", "x=1", "--json"];
    let answers = Place::new().run(&args).done().object()["answers"].clone();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 3);
    for (answer, x) in answers.iter().zip([0.0, 0.5, 1.0f64]) {
        let exact = ((2.0 + x).powi(2) - 1.0).sqrt();
        assert_eq!(answer["slow"]["x"], x);
        assert!((answer["tensor"][0][0].as_f64().unwrap() - exact).abs() < 1e-12);
        assert!(answer["lower"].is_null() && answer["upper"].is_null() && answer["midpoint"].is_null());
    }
}

#[test]
fn a_coarse_mesh_says_that_it_misses_the_tolerance() {
    let args = ["effective", "--coefficient", "1.1+sin(2*pi*y)", "--method", "fem", "--resolution", "32", "--json"];
    let answer = Place::new().run(&args).done();
    assert!(answer.stderr.contains("misses the tolerance"));
    assert_eq!(answer.object()["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn several_dimensions_by_fourier_collocation() {
    let text = "2+sin(2*pi*y1)*cos(2*pi*y2)";
    let place = Place::new();
    let answer = place.run(&["effective", "--dim", "2", "--coefficient", text, "--bounds", "--json"]).done().object();
    for key in KEYS {
        assert!(answer.get(key).is_some(), "{key} is missing");
    }
    assert_eq!(answer["method"], "fft");
    let entry = |key: &str, i: usize, j: usize| answer[key][i][j].as_f64().unwrap();
    for i in 0..2 {
        assert!((entry("tensor", i, i) - 1.93535923481229).abs() < 2e-14 && entry("tensor", i, 1 - i).abs() < 1e-14);
        assert!(entry("lower", i, i) <= entry("tensor", i, i) && entry("tensor", i, i) <= entry("upper", i, i));
        assert!(entry("upper", i, i) - entry("lower", i, i) < 1e-11 && entry("midpoint", i, i) >= entry("lower", i, i));
    }
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 0, "{answer}");

    let tensor = "[[2 + x*sin(2*pi*y1), 0.4*sin(2*pi*y1)], [0.4*sin(2*pi*y1), max(3, 1)]]";
    let answer = place.run(&["effective", "--tensor", tensor, "--slow", "x=1,x=0.5", "--json"]).done().object();
    let root = 3.0_f64.sqrt();
    let found = &answer["answers"][0]["tensor"];
    assert!((found[0][0].as_f64().unwrap() - root).abs() < 1e-12, "{answer}");
    assert!((found[0][1].as_f64().unwrap() - 0.4 * (root - 2.0)).abs() < 1e-12, "{answer}");
    assert_eq!(answer["answers"][1]["slow"]["x"], 0.5);

    // one dimension by both names, and a cell that does not repeat by itself
    for text in ["1.5+sin(2*pi*y)", "1.5+sin(2*pi*y1)"] {
        let answer = place.run(&["effective", "--dim", "1", "--coefficient", text, "--method", "fft", "--json"]);
        let found = answer.done().object()["tensor"][0][0].as_f64().unwrap();
        assert!((found - 1.25_f64.sqrt()).abs() < 1e-12, "{found}");
    }
    let kink = ["effective", "--dim", "2", "--coefficient", "1+y1*(1-y1)", "--tolerance", "1e-2", "--json"];
    let found = place.run(&kink).done().object()["tensor"][1][1].as_f64().unwrap();
    assert!((found - 7.0 / 6.0).abs() < 1e-3, "{found}");

    let shown = place.run(&["effective", "--dim", "3", "--coefficient", text, "--resolution", "16,16,4"]).done().stdout;
    assert!(shown.contains("1.93535923") && shown.contains("3,3") && shown.contains("16 x 16 x 4 points"), "{shown}");
}

/// A formula that jumps is a picture: layers are exact, a checkerboard is enclosed.
#[test]
fn formulas_that_jump() {
    let place = Place::new();
    let solve = |more: &[&str]| place.run(&[&["effective", "--json", "--bounds"], more].concat()).done().object();
    let layers = ["--coefficient", "where(y1 % 1 < 0.3, 1, x)", "--slow", "x=10,x=2"];
    let two = solve(&[&layers[..], &["--dim", "2"]].concat());
    let three = solve(&[&layers[..], &["--dim", "3", "--resolution", "20,4,6"]].concat());
    for answer in [two["answers"][0].clone(), three["answers"][0].clone()] {
        let entry = |key: &str, i: usize| answer[key][i][i].as_f64().unwrap();
        for key in ["tensor", "lower", "upper"] {
            assert!((entry(key, 0) - 1.0 / 0.37).abs() < 1e-10 && (entry(key, 1) - 7.3).abs() < 1e-10, "{answer}");
        }
        assert!(answer["warnings"][0].as_str().unwrap().contains("voxels"), "{answer}");
    }
    let board = ["--coefficient", "where((y1 < 0.5) == (y2 < 0.5), 1, 10)", "--dim", "2", "--resolution", "200"];
    let answer = solve(&board);
    let entry = |key: &str| answer[key][0][0].as_f64().unwrap();
    let exact = 10f64.sqrt();
    assert!(entry("lower") <= exact && exact <= entry("upper") && entry("upper") - entry("lower") < 0.1, "{answer}");
    assert!((entry("tensor") - exact).abs() < answer["residual"].as_f64().unwrap(), "{answer}");
    // as told, points
    let answer = solve(&[&board[..], &["--method", "fft"]].concat());
    assert!(answer["details"].as_str().unwrap().contains("collocation"), "{answer}");
    let answer = place.run(&["effective", "--dim", "2", "--coefficient", "where(y1 < 0.5, 1, -1)"]);
    assert_eq!(answer.code, Some(2), "{}", answer.stderr);
}

#[test]
fn people_get_a_table() {
    let answer = Place::new().run(&["effective", "--coefficient", "1.1+sin(2*pi*y)", "--bounds"]).done();
    assert!(answer.stdout.contains("0.4582575694") && answer.stdout.contains("quadrature"), "{}", answer.stdout);
}

#[test]
fn wrong_input_is_named() {
    let cases: [(&[&str], &str); 24] = [
        (&["--coefficient", "2+sin(2*pi*y"], "character 5"),
        (&["--coefficient", "2+foo(y)"], "foo"),
        (&["--coefficient", "sin(2*pi*y)"], "y = 0.75"),
        (&["--coefficient", "1/(y-0.5)^2"], "y = 0.5"),
        (&["--coefficient", "2+sin(2*pi*x)"], "--slow"),
        (&["--coefficient", "2+x", "--slow", "x=a"], "x=a"),
        (&["--coefficient", "2", "--tolerance", "0"], "--tolerance"),
        (&["--coefficient", "2", "--method", "magic"], "magic"),
        (&["--coefficient", "2", "--resolution", "8"], "--resolution"),
        (&["--dim", "4", "--coefficient", "2"], "--dim 4"),
        (&["--dim", "2", "--coefficient", "2", "--method", "fem"], "--method fem"),
        (&["--dim", "2", "--coefficient", "2+y3"], "y3"),
        (&["--dim", "2", "--coefficient", "2+x"], "--slow"),
        (&["--dim", "2", "--coefficient", "1+sin(2*pi*y1)+cos(2*pi*y2)"], "y1 = 0.75, y2 = 0.5"),
        (&["--dim", "2", "--coefficient", "2", "--resolution", "8,8,8"], "--resolution"),
        (&["--dim", "2", "--coefficient", "2", "--resolution", "8000"], "--resolution"),
        (&["--tensor", "[[2,0.1],[0.2,1]]"], "symmetric"),
        (&["--tensor", "[[2,3],[3,1]]"], "smallest eigenvalue"),
        (&["--tensor", "[[2,0.1],[0.1]]"], "[2, 1]"),
        (&["--tensor", "[[2,0.1],[0.1,1+)]]"], "character 16"),
        (&["--tensor", "2"], "--tensor 2"),
        (&["--tensor", "[[2]]", "--coefficient", "2"], "two materials"),
        (&["--map", "0=1", "--coefficient", "2"], "--map without --image"),
        (&[], "--coefficient"),
    ];
    for (args, message) in cases {
        let answer = Place::new().run(&[&["effective"], args, &["--json"]].concat());
        assert_eq!(answer.code, Some(2), "{args:?}: {}", answer.stderr);
        assert!(answer.stderr.contains(message), "{args:?}: {}", answer.stderr);
        assert_eq!(answer.stdout, "");
    }
}

#[test]
fn a_lattice_gives_its_tensor_by_both_conventions() {
    let place = Place::new();
    let bonds = "kx = [[1.0566, 0.6668, 1.1568], [6.5894, 0.8683, 2.4174], [0.9473, 1.1407, 1.6610]]
ky = [[3.6355, 0.4470, 2.3896], [0.8628, 4.8558, 0.2833], [4.5025, 1.5865, 0.5679]]\n";
    for (bond, a, b, c) in [
        ("left", 1.3399340258026, 1.2645561199457, 0.2209497500773),
        ("right", 1.3345219326041, 1.2483386995452, 0.0847337484335),
    ] {
        place.write("lattice.toml", &format!("{bonds}bond = \"{bond}\"\n"));
        let answer = place.run(&["effective", "--lattice", "lattice.toml", "--bounds", "--json"]).done().object();
        for key in KEYS {
            assert!(answer.get(key).is_some(), "{key} is missing");
        }
        let entry = |key: &str, i: usize, j: usize| answer[key][i][j].as_f64().unwrap();
        assert!((entry("tensor", 0, 0) - a).abs() < 1e-12 && (entry("tensor", 1, 1) - b).abs() < 1e-12, "{answer}");
        assert!((2.0 * entry("tensor", 0, 1) - c).abs() < 1e-12 && entry("tensor", 0, 1) == entry("tensor", 1, 0));
        assert!(answer["lower"].is_null() && answer["warnings"].as_array().unwrap().len() == 1, "{answer}");
    }
    let shown = place.run(&["effective", "--lattice", "lattice.toml"]).done().stdout;
    assert!(shown.contains("xxyy"), "{shown}");
}

#[test]
fn wrong_lattices_are_refused_with_a_reason() {
    let place = Place::new();
    for (text, reason) in [
        ("kx = [[1.0, 2.0], [3.0]]\nky = [[1.0, 2.0], [3.0, 4.0]]\nbond = \"left\"\n", "a list of 1"),
        ("kx = [1.0, -2.0]\nbond = \"left\"\n", "bond 1 along direction 0"),
        ("kx = [1.0, 2.0]\n", "bond"),
        ("kx = [1.0, 2.0]\nbond = \"up\"\n", "up"),
        ("kx = [1.0]\nky = [1.0]\nbond = \"left\"\n", "depth 1"),
        ("kx = [[[1.0]]]\nkz = [[[1.0]]]\nbond = \"left\"\n", "kz without ky"),
        ("kx = [[1.0]]\nky = [[1.0, 2.0]]\nbond = \"left\"\n", "[1, 2]"),
        ("kx = [1.0]\nbond = \"left\"\nhue = 3\n", "hue"),
    ] {
        place.write("lattice.toml", text);
        let answer = place.run(&["effective", "--lattice", "lattice.toml", "--json"]);
        assert_eq!(answer.code, Some(2), "{text}: {}", answer.stderr);
        assert!(answer.stderr.contains(reason) && answer.stdout.is_empty(), "{text}: {}", answer.stderr);
    }
    place.write("lattice.toml", "kx = [1.0, 2.0]\nbond = \"left\"\n");
    for other in [["--seed", "3"], ["--coefficient", "2"], ["--method", "fem"], ["--dim", "2"], ["--slow", "x=1"]] {
        let answer = place.run(&[&["effective", "--lattice", "lattice.toml"], &other[..]].concat());
        assert_eq!(answer.code, Some(2), "{other:?}");
        assert!(answer.stderr.contains(other[0]), "{}", answer.stderr);
    }
    assert_eq!(place.run(&["effective", "--lattice", "absent.toml"]).code, Some(2));
}

#[test]
fn networks_answer_with_bounds() {
    let text = "2 + 0.5*sin(2*pi*y1)*cos(2*pi*y2)";
    let by = |more: &[&str]| {
        let args = [&["effective", "--dim", "2", "--coefficient", text, "--json"], more].concat();
        Place::new().run(&args).done().object()
    };
    let exact = by(&["--method", "fft"])["tensor"][0][0].as_f64().unwrap();
    let neural = ["--method", "neural", "--resolution", "12", "--seed", "5"];
    let answer = by(&neural);
    for key in KEYS {
        assert!(answer.get(key).is_some(), "{key} is missing");
    }
    let entry = |key: &str| answer[key][0][0].as_f64().unwrap();
    assert_eq!(answer["method"], "neural");
    assert!(entry("lower") <= exact && exact <= entry("upper") && (entry("tensor") - exact).abs() < 1e-6, "{answer}");
    assert!(entry("upper") - entry("lower") < 1e-6, "{answer}");
    assert_eq!(by(&neural)["tensor"], answer["tensor"], "the same seed gives the same bits");
    for (args, message) in [
        (&["--seed", "3"][..], "--seed"),
        (&["--method", "neural", "--resolution", "2"], "--resolution 2"),
        (&["--method", "neural", "--resolution", "8,8"], "--resolution 8,8"),
    ] {
        let answer = Place::new().run(&[&["effective", "--dim", "2", "--coefficient", text, "--json"], args].concat());
        assert_eq!(answer.code, Some(2), "{}", answer.stderr);
        assert!(answer.stderr.contains(message) && answer.stdout.is_empty(), "{}", answer.stderr);
    }
}

/// What lies inside the cell and is alike at both its ends.
#[test]
fn an_inclusion_in_the_cell_of_a_line() {
    let exact = [
        ("where(abs(y1-0.5)<0.2,10,1)", 1.0 / 0.64),
        ("where(abs(y-0.5)<0.2,10,1)", 1.0 / 0.64),
        (
            "1/(1 - 0.5*exp(-((y1-0.5)/0.1)^2))",
            1.0 / (1.0 - 0.05 * std::f64::consts::PI.sqrt() * 0.999_999_999_998_462_5),
        ),
    ];
    for (text, exact) in exact {
        let answer = Place::new().run(&["effective", "--coefficient", text, "--bounds", "--json"]).done().object();
        let [a, lower, upper] = ["tensor", "lower", "upper"].map(|name| answer[name][0][0].as_f64().unwrap());
        assert!((a / exact - 1.0).abs() < 1e-9, "{text}: {a} for {exact}");
        assert!(
            lower <= exact * (1.0 + 1e-9) && exact <= upper * (1.0 + 1e-9),
            "{text}: [{lower}, {upper}] for {exact}"
        );
    }
}

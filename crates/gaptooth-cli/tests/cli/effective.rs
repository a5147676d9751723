//! `gaptooth effective`: known answers, bounds, and what is refused.

use super::Place;

const KEYS: [&str; 12] = [
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
fn people_get_a_table() {
    let answer = Place::new().run(&["effective", "--coefficient", "1.1+sin(2*pi*y)", "--bounds"]).done();
    assert!(answer.stdout.contains("0.4582575694") && answer.stdout.contains("quadrature"), "{}", answer.stdout);
}

#[test]
fn wrong_input_is_named() {
    let cases: [(&[&str], &str); 14] = [
        (&["--coefficient", "2+sin(2*pi*y"], "character 5"),
        (&["--coefficient", "2+foo(y)"], "foo"),
        (&["--coefficient", "sin(2*pi*y)"], "y = 0.75"),
        (&["--coefficient", "1/(y-0.5)^2"], "y = 0.5"),
        (&["--coefficient", "2+sin(2*pi*x)"], "--slow"),
        (&["--coefficient", "2+x", "--slow", "x=a"], "x=a"),
        (&["--coefficient", "2", "--tolerance", "0"], "--tolerance"),
        (&["--coefficient", "2", "--method", "fft"], "what works now"),
        (&["--coefficient", "2", "--method", "magic"], "magic"),
        (&["--coefficient", "2", "--resolution", "8"], "--resolution"),
        (&["--dim", "2", "--coefficient", "2"], "what works now"),
        (&["--image", "a.png"], "--image is not there yet"),
        (&["--lattice", "a.toml"], "--lattice is not there yet"),
        (&[], "--coefficient"),
    ];
    for (args, message) in cases {
        let answer = Place::new().run(&[&["effective"], args, &["--json"]].concat());
        assert_eq!(answer.code, Some(2), "{args:?}: {}", answer.stderr);
        assert!(answer.stderr.contains(message), "{args:?}: {}", answer.stderr);
        assert_eq!(answer.stdout, "");
    }
}

//! Two-scale reading, and the check of a coefficient before anything runs on it.

use gaptooth::coefficient::{Coefficient, ExpressionCoefficient, two_scale};
use gaptooth::{Error, Result};
use proptest::prelude::*;

fn new(text: &str) -> Result<ExpressionCoefficient> {
    ExpressionCoefficient::new(text, Some(1e-5), [0.0, 1.0], &[])
}

#[test]
fn x_over_eps_becomes_the_fast_variable() {
    for (text, expected) in [
        ("x/eps", "y"),
        ("1.1 + sin(2*pi*x/eps)", "1.1 + sin(2 * pi * y)"),
        ("sin((2*pi*x)/eps)", "sin(2 * pi * y)"),
        ("sin(x*2*pi/eps)", "sin(y * 2 * pi)"),
        ("sin(2*pi*(x/eps))", "sin(2 * pi * y)"),
        ("x/eps*3", "y * 3"),
        ("2*pi/eps*x", "2 * pi * y"),
        ("x*(2*pi/eps)", "2 * pi * y"),
        ("1/eps*x", "y"),
        ("x*eps**-1", "y"),
        ("x/(2*eps)", "y / 2"),
        ("x/(eps/3)", "y * 3"),
        ("-x/eps", "-y"),
        ("(-x)/eps", "-y"),
        ("x/2/eps", "y / 2"),
        ("(x/eps)^2", "y**2"),
        ("x^2/eps^2", "y * y"),
        ("x^2/eps", "y * x"),
        ("sin(x) + cos(pi*x/eps) + y", "sin(x) + cos(pi * y) + y"),
        ("(x - 0.5)/eps", "y - 0.5 / 0.25"),
        ("2*(x + 3*x)/eps", "2 * (y + 3 * y)"),
        ("eps*x + x/(1 + eps)", "0.25 * x + x / (1 + 0.25)"),
        ("sin(x)/eps", "sin(x) / 0.25"),
        ("(x + sin(x))/eps", "(x + sin(x)) / 0.25"),
    ] {
        let found = two_scale(text, Some(0.25), &[]).unwrap();
        assert_eq!(found.to_string(), expected, "{text}");
        for x in [0.3, 1.0, -2.2] {
            let (exact, ours) = (substituted(text, x), found.eval(&[x, x / 0.25]));
            assert!((exact - ours).abs() < 1e-13 * (1.0 + exact.abs()), "{text} at {x}: {exact} against {ours}");
        }
    }
}

fn substituted(text: &str, x: f64) -> f64 {
    let f = gaptooth::coefficient::Formula::parse(text, &["x", "y"], &[("eps", 0.25)]).unwrap();
    f.eval(&[x, x / 0.25])
}

proptest! {
    /// Rewriting never changes the function, whatever the chain of products, quotients, sums and powers.
    #[test]
    fn rewriting_keeps_the_value(text in chain(), x in 0.1..2.0_f64) {
        let (exact, ours) = (substituted(&text, x), two_scale(&text, Some(0.25), &[]).unwrap().eval(&[x, x / 0.25]));
        prop_assume!(exact.is_finite() && exact.abs() < 1e6);
        // sums can cancel
        prop_assert!((exact - ours).abs() < 1e-6 * (1.0 + exact.abs()), "{text}: {exact} against {ours}");
    }
}

fn chain() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["x", "x", "eps", "eps", "2", "y", "pi"]).prop_map(str::to_string);
    leaf.prop_recursive(4, 16, 2, |inner| {
        let join = prop::sample::select(vec!["*", "/", "/", "*", "+", "-"]);
        let power = prop::sample::select(vec!["^2", "^-1", "^3", ""]);
        (inner.clone(), join, inner, power).prop_map(|(a, op, b, power)| format!("({a}{op}{b}){power}"))
    })
}

#[test]
fn the_phase_is_exact_at_small_eps() {
    let a = new("1.1 + sin(2*pi*x/eps)").unwrap();
    // y is known to the lattice; through x it would lose five digits
    assert_eq!(a.value(0.999_999, 99_999.25), 2.1);
    assert!(!a.depends_on_x());
    assert_eq!(a.text(), "1.1 + sin(2*pi*x/eps)");
}

#[test]
fn eps_needs_a_value_only_where_it_is_not_a_divisor_of_x() {
    assert!(two_scale("sin(x/eps)", None, &[]).is_ok());
    match two_scale("2 + eps*x", None, &[]) {
        Err(Error::Expression { position: 4, message, .. }) => assert!(message.contains("no value")),
        other => panic!("{other:?}"),
    }
    assert!(matches!(two_scale("x", Some(-1.0), &[]), Err(Error::Parameter { .. })));
    assert!(matches!(two_scale("x", None, &[("y", 1.0)]), Err(Error::Parameter { .. })));
}

#[test]
fn the_offending_point_is_named() {
    let message = |text: &str| new(text).unwrap_err().to_string();
    assert!(message("sin(2*pi*y)").starts_with("the coefficient `sin(2*pi*y)` is -1 at y = 0.75;"));
    assert!(message("0").starts_with("the coefficient `0` is 0 at every point;"));
    assert!(message("x - 0.5").starts_with("the coefficient `x - 0.5` is -0.5 at x = 0;"));
    assert!(message("2 - 3*x*cos(2*pi*y)").starts_with("the coefficient `2 - 3*x*cos(2*pi*y)` is -1 at x = 1, y = 0;"));
    assert!(message("1/sin(pi*y)^2").contains("is inf at y = 0;"));
    assert!(message("sqrt(cos(2*pi*y))").contains("is NaN at y = 0.25"));
}

#[test]
fn a_dip_between_the_samples_is_found() {
    // lowest at y = 1/3, between the sampled points; negative only within 1.5e-4 of it
    let dip = "1 + cos(2*pi*(y - 1/3) + pi) - 1e-7 + 0.2*(1 - cos(2*pi*(y - 1/3)))";
    match new(dip) {
        Err(Error::Coefficient { at, value, .. }) => {
            let y: f64 = at.strip_prefix("y = ").unwrap().parse().unwrap();
            assert!((y - 1.0 / 3.0).abs() < 1e-6 && (value + 1e-7).abs() < 1e-12, "{at}: {value}");
        }
        other => panic!("{other:?}"),
    }
    // and in x
    let slow = "sin(pi*(x + 0.2))^2*0 + (x - 0.51)^2 - 1e-6 + 1 + sin(2*pi*y)";
    assert!(matches!(new(slow), Err(Error::Coefficient { .. })));
}

#[test]
fn sampled_bounds_are_the_extremes() {
    let [low, high] = new("1.1 + sin(2*pi*(y - 1/7))").unwrap().sampled_bounds();
    assert!((low - 0.1).abs() < 1e-13 && (high - 2.1).abs() < 1e-13);
    let [low, high] = new("3 + sin(7*x) + cos(2*pi*y)").unwrap().sampled_bounds();
    assert!((low - 1.0).abs() < 1e-12 && (high - 5.0).abs() < 1e-12, "{low}, {high}");
}

#[test]
fn the_period_is_found() {
    let tau = std::f64::consts::TAU;
    for (text, period) in [
        ("2", Some(1.0)),
        ("2 + x", Some(1.0)),
        ("2 + sin(2*pi*y)", Some(1.0)),
        ("2 + sin(6*pi*y)", Some(1.0)),
        ("2 + sin(pi*y)", Some(2.0)),
        ("2 + sin(2*pi*x/eps/3)", Some(3.0)),
        ("2 + sin(y)", Some(tau)),
        ("3 + sin(y) + cos(y/2)", Some(2.0 * tau)),
        ("2 + (y - floor(y))", Some(1.0)),
        ("where(y % 1 < 0.3, 1, 10)", Some(1.0)),
        ("where((x/eps) % 1.5 < 0.3, 1, 10)", Some(3.0)),
        ("4 + sin(2*pi*y) + sin(2*pi*sqrt(2)*y)", None),
        ("2 + x*sin(2*pi*y)", Some(1.0)),
        // a period for each x, none for all
        ("2 + sin(2*pi*x*y)", None),
    ] {
        let found = new(text).unwrap().period();
        match (found, period) {
            (Some(a), Some(b)) => assert!((a - b).abs() < 1e-12, "{text}: {a}"),
            (a, b) => assert_eq!(a, b, "{text}"),
        }
    }
    let error = new("where(y < 0.3, 1, 10)").unwrap_err().to_string();
    assert!(error.contains("where(y % 1 < 0.3, 1, 10)"), "{error}");
}

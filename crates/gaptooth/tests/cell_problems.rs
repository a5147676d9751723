//! Effective coefficients against the cases whose answers are known, by both methods.

use gaptooth::Error;
use gaptooth::cell::{CellMethod, CellProblem1d, effective, effective_profile};
use gaptooth::coefficient::{Coefficient, ExpressionCoefficient};
use gaptooth::problems::CELL_CASES;

fn coefficient(text: &str) -> ExpressionCoefficient {
    ExpressionCoefficient::new(text, None, [0.0, std::f64::consts::PI], &[]).unwrap()
}

#[test]
fn quadrature_has_the_known_answers() {
    for case in CELL_CASES {
        let a = coefficient(case.coefficient);
        let found = effective(&a, case.x, CellMethod::Quadrature, 1e-13).unwrap();
        let error = (found.scalar() - case.effective).abs() / case.effective.max(1.0);
        assert!(error < 1e-12, "{}: {error:e} by {}", case.name, found.method);
        assert!(found.converged(1e-12), "{}: residual {:e}", case.name, found.residual);
        let mean = CellProblem1d::new(&a, case.x).arithmetic_mean(1e-13).unwrap();
        assert!((mean.value / case.mean - 1.0).abs() < 1e-12, "{}: mean {} by {}", case.name, mean.value, mean.rule);
    }
}

#[test]
fn finite_elements_enclose_the_known_answers() {
    for case in CELL_CASES {
        let a = coefficient(case.coefficient);
        let found = effective(&a, case.x, CellMethod::FiniteElement { degree: 8 }, 2e-13).unwrap();
        let error = (found.scalar() - case.effective).abs() / case.effective.max(1.0);
        assert!(error < 1e-12, "{}: {error:e} by {} in {} rounds", case.name, found.method, found.iterations);
        assert!(found.converged(2e-13), "{}: residual {:e}", case.name, found.residual);
        let (lower, upper) = (found.lower.unwrap()[0][0], found.upper.unwrap()[0][0]);
        // the bounds are as good as the elements' quadrature
        let slack = 2.0 * found.residual + 4e-15 * case.effective;
        assert!(lower - slack <= case.effective && case.effective <= upper + slack, "{}: {lower}, {upper}", case.name);
    }
}

#[test]
fn bounds_hold_on_coarse_meshes_too() {
    // an element's Gauss rule sees nothing of where in it a jump is: laminates need their refined meshes
    for case in CELL_CASES.iter().filter(|c| !c.name.starts_with("laminate")) {
        let a = coefficient(case.coefficient);
        for elements in [4, 8, 16] {
            let found = CellProblem1d::new(&a, case.x).finite_element(2, elements).unwrap();
            assert!(found.lower <= found.upper);
            // a bound as far as the quadrature goes
            let slack = 2.0 * found.quadrature_errors.iter().sum::<f64>() + 1e-13;
            assert!(found.lower <= case.effective + slack, "{}: {found:?}", case.name);
            assert!(found.upper >= case.effective - slack, "{}: {found:?}", case.name);
            let gap: f64 = found.gaps.iter().sum();
            assert!((gap - (found.upper - found.lower)).abs() < 1e-12 * found.upper, "{}: {gap:e}", case.name);
        }
    }
}

#[test]
fn the_energy_converges_at_twice_the_degree() {
    let a = coefficient("1.1 + sin(2*pi*y)");
    let exact = 0.21_f64.sqrt();
    for (degree, elements) in [(1, 64), (2, 64), (3, 64)] {
        let error = |n: usize| CellProblem1d::new(&a, 0.0).finite_element(degree, n).unwrap().upper - exact;
        let order = (error(elements) / error(2 * elements)).log2();
        assert!(
            (order - 2.0 * degree as f64).abs() < 0.15,
            "degree {degree}: order {order}, errors {:e}",
            error(elements)
        );
    }
}

#[test]
fn slowly_varying_coefficients() {
    let a = coefficient("0.5*sin(2*pi*y) + sin(x) + 2");
    let x: Vec<f64> = (0..=40).map(|i| std::f64::consts::PI * i as f64 / 40.0).collect();
    for method in [CellMethod::Quadrature, CellMethod::FiniteElement { degree: 8 }] {
        for (x, found) in x.iter().zip(effective_profile(&a, &x, method, 1e-13).unwrap()) {
            let exact = ((2.0 + x.sin()).powi(2) - 0.25).sqrt();
            assert!((found - exact).abs() < 1e-12, "x = {x}: {found} against {exact}");
        }
    }
}

#[test]
fn the_corrector_satisfies_its_equation() {
    // for a laminate: a chi' = a - a*, so chi is piecewise linear
    let laminate = coefficient("where(y % 1 < 0.3, 1, 10)");
    let y = [0.0, 0.1, 0.3, 0.65, 1.0, 7.1];
    let found = CellProblem1d::new(&laminate, 0.0).corrector(&y, 1e-13).unwrap();
    let star = 1.0 / 0.37;
    let (left, right) = (1.0 - star, 1.0 - star / 10.0);
    let peak = 0.3 * left;
    // chi rises from 0 to the peak and back: its mean is half of it
    let exact = |y: f64| if y < 0.3 { left * y } else { peak + right * (y - 0.3) } - peak / 2.0;
    for (y, chi) in found.y.iter().zip(&found.chi) {
        assert!((chi - exact(y.fract())).abs() < 1e-12, "chi({y}) = {chi}, {}", exact(y.fract()));
    }
    assert!(found.error < 1e-11);

    // for the paper's coefficient: against the closed form of the integral of 1/(c + sin t)
    let a = coefficient("1.1 + sin(2*pi*y)");
    let y: Vec<f64> = (0..400).map(|i| i as f64 / 400.0).collect();
    let found = CellProblem1d::new(&a, 0.0).corrector(&y, 1e-13).unwrap();
    let integral = |y: f64| {
        let (c, t) = (1.1_f64, std::f64::consts::TAU * y);
        let root = (c * c - 1.0).sqrt();
        let turn = if t > std::f64::consts::PI { std::f64::consts::PI } else { 0.0 };
        2.0 / root * ((((c * (t / 2.0).tan() + 1.0) / root).atan()) + turn) / std::f64::consts::TAU
    };
    let shape: Vec<f64> = y.iter().map(|&y| y - found.effective * (integral(y) - integral(0.0))).collect();
    let mean = shape.iter().sum::<f64>() / 400.0;
    for (i, chi) in found.chi.iter().enumerate() {
        let away = i != 200; // tan(pi/2)
        assert!(!away || (chi - (shape[i] - mean)).abs() < 1e-12, "chi({}) = {chi} against {}", y[i], shape[i] - mean);
    }
    assert!(found.chi.iter().sum::<f64>().abs() < 1e-12 * 400.0);
    for (y, slope) in y.iter().zip(&found.slope) {
        assert!((a.value(0.0, *y) * (1.0 - slope) - found.effective).abs() < 1e-14);
    }

    // and the finite elements find the same function
    let fem = CellProblem1d::new(&a, 0.0).finite_element(8, 40).unwrap();
    let same = CellProblem1d::new(&a, 0.0).corrector(&fem.nodes, 1e-13).unwrap();
    for (ours, theirs) in fem.chi.iter().zip(&same.chi) {
        assert!((ours - theirs).abs() < 1e-10, "{ours} against {theirs}");
    }
}

#[test]
fn quasi_periodic_averages() {
    // 1/a = 3 + sin + sin sqrt(2): its mean is 3 exactly
    let a = coefficient("1/(3 + sin(2*pi*y) + sin(2*pi*sqrt(2)*y))");
    assert_eq!(a.period(), None);
    let found = effective(&a, 0.0, CellMethod::Quadrature, 1e-12).unwrap();
    assert!((found.scalar() - 1.0 / 3.0).abs() < 1e-12, "{} by {}", found.scalar(), found.method);
    assert!(found.method.contains("window") && found.converged(1e-12));
    // 1/a averages over the torus: the mean over one angle is closed, that over the other smooth and periodic
    let b = coefficient("3 + sin(2*pi*y) + sin(2*pi*sqrt(2)*y)");
    let n = 64;
    let torus = (0..n).map(|i| {
        let c = 3.0 + (std::f64::consts::TAU * i as f64 / n as f64).sin();
        1.0 / (c * c - 1.0).sqrt()
    });
    let exact = n as f64 / torus.sum::<f64>();
    let found = effective(&b, 0.0, CellMethod::Quadrature, 1e-11).unwrap();
    assert!((found.scalar() - exact).abs() < 1e-10 * exact, "{} against {exact} by {}", found.scalar(), found.method);
    for wrong in [
        effective(&b, 0.0, CellMethod::FiniteElement { degree: 4 }, 1e-10).map(|_| ()),
        CellProblem1d::new(&b, 0.0).corrector(&[0.0], 1e-10).map(|_| ()),
    ] {
        assert!(matches!(wrong, Err(Error::Parameter { .. })));
    }
}

#[test]
fn laws_of_the_means() {
    for text in ["2 + sin(2*pi*y)*cos(6*pi*y)", "where(y % 1 < 0.7, 2, 5)", "1 + y%1", "exp(cos(pi*y))"] {
        let a = coefficient(text);
        let scaled = coefficient(&format!("7*({text})"));
        let [low, high] = a.sampled_bounds();
        let star = effective(&a, 0.0, CellMethod::Quadrature, 1e-12).unwrap().scalar();
        let mean = CellProblem1d::new(&a, 0.0).arithmetic_mean(1e-12).unwrap().value;
        assert!(low <= star && star < mean && mean <= high, "{text}: {low} {star} {mean} {high}");
        let seven = effective(&scaled, 0.0, CellMethod::Quadrature, 1e-12).unwrap().scalar();
        assert!((seven - 7.0 * star).abs() < 1e-10);
    }
}

#[test]
fn a_coefficient_that_fails_in_the_cell_is_an_error_with_the_point() {
    struct Hole;
    impl Coefficient for Hole {
        fn values_into(&self, _x: &[f64], y: &[f64], out: &mut [f64]) {
            out.iter_mut().zip(y).for_each(|(a, y)| *a = if (0.4..0.6).contains(y) { 0.0 } else { 1.0 });
        }
        fn text(&self) -> String {
            "a hole".into()
        }
    }
    for method in [CellMethod::Quadrature, CellMethod::FiniteElement { degree: 2 }] {
        assert!(matches!(effective(&Hole, 0.0, method, 1e-8), Err(Error::Coefficient { .. })));
    }
    let a = coefficient("2");
    assert!(matches!(effective(&a, 0.0, CellMethod::Quadrature, 0.0), Err(Error::Parameter { .. })));
    for degree in [0, 17] {
        let wrong = effective(&a, 0.0, CellMethod::FiniteElement { degree }, 1e-8);
        assert!(matches!(wrong, Err(Error::Parameter { .. })));
    }
    assert!(CellProblem1d::new(&a, 0.0).finite_element(1, 0).is_err());
}

#[test]
fn a_tensor_survives_json() {
    let a = coefficient("1.1 + sin(2*pi*y)");
    let found = effective(&a, 0.0, CellMethod::FiniteElement { degree: 6 }, 1e-12).unwrap();
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<gaptooth::cell::EffectiveTensor>(&text).unwrap(), found);
}

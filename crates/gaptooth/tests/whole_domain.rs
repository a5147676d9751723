//! The fully resolved problem: exact against general path, against a sine series, and its homogenized limit.

use gaptooth::{
    coefficient::Formula,
    grid::{Axis, Boundary},
    observer::Silent,
    patch::{
        models::{Diffusion, DiffusionEquation, VARIABLES},
        whole::WholeDomain,
    },
};

fn model(grid: &Axis, a: &str, reaction: Option<&str>, epsilon: f64) -> Diffusion {
    let parse = |text: &str| Formula::parse(text, &VARIABLES, &[]).unwrap();
    let equation = DiffusionEquation { diffusivity: parse(a), drift: None, reaction: reaction.map(parse), epsilon };
    let offsets = WholeDomain::points(grid).unwrap();
    Diffusion::new(equation, &[0.0], &offsets, grid.spacing(), [0.0, 1.0]).unwrap()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn both_paths_follow_the_sine_series_of_a_constant_medium() {
    let grid = Axis::uniform([0.0, 1.0], 800, Boundary::Dirichlet).unwrap();
    let model = model(&grid, "0.7", None, 1.0);
    let whole = WholeDomain::new(&model, &grid).unwrap();
    let pi = std::f64::consts::PI;
    let at = |t: f64| -> Vec<f64> {
        grid.x
            .iter()
            .map(|x| {
                2.0 - x
                    + (-0.7 * pi * pi * t).exp() * (pi * x).sin()
                    + 0.3 * (-6.3 * pi * pi * t).exp() * (3.0 * pi * x).sin()
            })
            .collect()
    };
    let exact = whole.propagate(&at(0.0), 0.03).unwrap();
    let (general, _) = whole.integrate(&[at(0.0)], &[0.0, 0.01, 0.03], 1e-10, &Silent).unwrap();
    assert_eq!(general[0][0], at(0.0));
    assert!(distance(&exact, &general[0][2]) < 1e-9);
    // second order in space: (3π/800)²/12 of the third mode
    assert!(distance(&exact, &at(0.03)) < 1e-5);
}

#[test]
fn a_neumann_domain_keeps_its_mass_and_its_cosine() {
    let grid = Axis::uniform([0.0, 1.0], 400, Boundary::Neumann).unwrap();
    let model = model(&grid, "1", None, 1.0);
    let whole = WholeDomain::new(&model, &grid).unwrap();
    let pi = std::f64::consts::PI;
    let at = |t: f64| -> Vec<f64> { grid.x.iter().map(|x| 1.0 + (-pi * pi * t).exp() * (pi * x).cos()).collect() };
    let (u, _) = whole.integrate(&[at(0.0)], &[0.05], 1e-9, &Silent).unwrap();
    assert!(distance(&u[0][0], &at(0.05)) < 1e-5);
}

#[test]
fn the_resolved_solution_tends_to_the_homogenized_one_like_epsilon() {
    let error = |periods: usize| {
        let grid = Axis::uniform([0.0, 1.0], 40 * periods, Boundary::Dirichlet).unwrap();
        let model = model(&grid, "1.1 + sin(2*pi*y)", None, 1.0 / periods as f64);
        let pi = std::f64::consts::PI;
        let u0: Vec<f64> = grid.x.iter().map(|x| (pi * x).sin()).collect();
        let u = WholeDomain::new(&model, &grid).unwrap().propagate(&u0, 0.1).unwrap();
        let decay = (-(0.21f64.sqrt()) * pi * pi * 0.1).exp();
        // at whole periods the corrector has one and the same value
        (1..periods).map(|k| (u[40 * k] - decay * (pi * k as f64 / periods as f64).sin()).abs()).fold(0.0, f64::max)
    };
    let order = (error(32) / error(64)).log2();
    assert!((order - 1.0).abs() < 0.15, "{order}");
}

#[test]
fn reaction_is_taken_by_the_general_path() {
    // u_t = u_xx + u(1 − u) on a Neumann domain from a constant is the logistic equation.
    let grid = Axis::uniform([0.0, 1.0], 50, Boundary::Neumann).unwrap();
    let model = model(&grid, "1", Some("u*(1 - u)"), 1.0);
    let whole = WholeDomain::new(&model, &grid).unwrap();
    assert!(whole.propagate(&[0.2; 51], 1.0).is_err());
    let (u, _) = whole.integrate(&[vec![0.2; 51]], &[1.0], 1e-8, &Silent).unwrap();
    let exact = 1.0 / (1.0 + 4.0 * (-1.0f64).exp());
    assert!(u[0][0].iter().all(|v| (v - exact).abs() < 1e-6));
}

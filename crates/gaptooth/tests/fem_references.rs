//! The converged references of Leung, Lin & Zhang's problems, each with its own error estimate, and the cell problem by two methods.

use gaptooth::cell::Collocation;
use gaptooth::coefficient::{Formula, FormulaTensor};
use gaptooth::fem::line::LineProblem;
use gaptooth::fem::plane::{PlaneBoundary, PlaneCoefficient, PlaneElement, PlaneProblem, periodic_cell};
use gaptooth::fem::reaction::ReactionProblem;
use gaptooth::problems::{LINE_CASES, PLANE_CASE, REACTION_CASES};

fn formula(text: &str, names: &[&str]) -> Formula {
    Formula::parse(text, names, &[]).unwrap()
}

#[test]
fn homogenization_errors_on_a_line() {
    for case in LINE_CASES {
        let [a, effective, f] = [case.coefficient, case.effective, case.source].map(|t| formula(t, &["x", "y"]));
        let source = |x: f64| f.eval(&[x, 0.0]);
        let micro = |x: f64| a.eval(&[x, x / case.epsilon]);
        let homogenized = |x: f64| effective.eval(&[x, 0.0]);
        let problem =
            LineProblem { domain: case.domain, diffusivity: &micro, reaction: None, source: &source, ends: [0.0; 2] };
        let u = problem.refined(6, 200).unwrap();
        let u0 = LineProblem { diffusivity: &homogenized, ..problem }.refined(6, 20).unwrap();
        assert!(u.error < 1e-6 && u0.error < 1e-8, "{}: {:e} {:e}", case.name, u.error, u0.error);
        let error = u.solution.distance_to(&u0.solution) / u.solution.norm();
        assert!((error - case.homogenization_error).abs() < 1e-9, "{}: {error}", case.name);
    }
}

#[test]
fn homogenization_error_in_the_plane() {
    let case = PLANE_CASE;
    let (a, f) = (formula(case.coefficient, &["y1", "y2"]), formula(case.source, &["x", "y"]));
    let micro = |x: f64, y: f64| a.eval(&[x / case.epsilon, y / case.epsilon]);
    let source = |x: f64, y: f64| f.eval(&[x, y]);
    let problem = PlaneProblem {
        domain: case.domain,
        coefficient: PlaneCoefficient::Scalar(&micro),
        source: Some(&source),
        flux: None,
        boundary: PlaneBoundary::Dirichlet,
    };
    let u = problem.refined(PlaneElement::Q(6), [32, 32]).unwrap();
    let effective = |_: f64, _: f64| case.effective;
    let homogenized = PlaneProblem { coefficient: PlaneCoefficient::Scalar(&effective), ..problem };
    let u0 = homogenized.refined(PlaneElement::Q(8), [16, 16]).unwrap();
    assert!(u.error < 1e-4 && u0.error < 1e-6, "{:e} {:e}", u.error, u0.error);
    for (solution, (norm, middle)) in [&u.solution, &u0.solution].into_iter().zip(case.norms.iter().zip(case.middle)) {
        let (found, at) = (solution.norm(), solution.values(&[[0.5, 0.5]])[0]);
        assert!((found - norm).abs() < 3e-10, "{found}");
        assert!((at - middle).abs() < 3e-9, "{at}");
    }
    let error = u.solution.distance_to(&u0.solution) / u.solution.norm();
    assert!((error - case.homogenization_error).abs() < 1e-8, "{error}");
}

#[test]
fn homogenization_errors_of_reactions() {
    let pi = std::f64::consts::PI;
    for case in REACTION_CASES {
        let [r, f, initial] = [case.reaction, case.source, case.initial].map(|t| formula(t, &["x", "y"]));
        let micro = |x: f64| r.eval(&[x, x / case.epsilon]) / case.epsilon;
        let [source, initial] = [f, initial].map(|f| move |x: f64| f.eval(&[x, 0.0]));
        let problem = ReactionProblem {
            // on [−π, π] everything is odd or even in x, so u is odd and vanishes in the middle
            domain: [0.0, pi],
            diffusivity: case.diffusivity,
            reaction: &micro,
            source: &source,
            initial: &initial,
        };
        let period = case.epsilon * if case.reaction.contains("pi") { 1.0 } else { 2.0 * pi };
        let cells = ((3.0 * pi / period) as usize).clamp(24, 240);
        let u = problem.solve(6, cells).unwrap().at(case.time);
        let coarse = problem.solve(6, cells * 2 / 3).unwrap().at(case.time);
        let own = u.distance_to(&coarse) / u.norm();
        let effective = |_: f64| case.effective;
        let u0 = ReactionProblem { reaction: &effective, ..problem }.refined(8, 12, case.time).unwrap();
        let error = u.distance_to(&u0.solution.at(case.time)) / u.norm();
        assert!(own < 1e-5 && u0.error < 1e-6, "{}: {own:e}", case.name);
        assert!((error - case.homogenization_error).abs() < 1e-7, "{}: {error}", case.name);
    }
}

#[test]
fn two_methods_agree_on_a_periodic_cell() {
    let a = formula(PLANE_CASE.coefficient, &["y1", "y2"]);
    let value = |x: f64, y: f64| a.eval(&[x, y]);
    let found = periodic_cell(PlaneCoefficient::Scalar(&value), PlaneElement::Q(6), [8, 8]).unwrap();
    assert!((found.tensor[0][0] - PLANE_CASE.effective).abs() < 1e-11, "{:?}", found.tensor);
    assert!((found.tensor[1][1] - PLANE_CASE.effective).abs() < 1e-11 && found.tensor[0][1].abs() < 1e-12);
    assert!((found.correctors[1].norm() - PLANE_CASE.corrector_norm).abs() < 1e-9);

    let rows = [vec!["2 + sin(2*pi*y1)", "0.4*cos(2*pi*(y1+y2))"], vec!["0.4*cos(2*pi*(y1+y2))", "exp(cos(2*pi*y2))"]];
    let tensor = FormulaTensor::symmetric(&rows, &[]).unwrap();
    let spectral = Collocation::default().solve(&tensor).unwrap();
    let entries = [rows[0][0], rows[0][1], rows[1][1]].map(|t| formula(t, &["y1", "y2"]));
    let value = |x: f64, y: f64| entries.each_ref().map(|f| f.eval(&[x, y]));
    let found = periodic_cell(PlaneCoefficient::Tensor(&value), PlaneElement::Q(6), [8, 8]).unwrap();
    for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let difference = found.tensor[i][j] - spectral.effective.tensor[i][j];
        assert!(difference.abs() < 1e-10, "({i}, {j}): {difference:e}");
    }
    let points = [[0.21, 0.73], [0.9, 0.05]];
    let (y1, y2): (Vec<f64>, Vec<f64>) = points.iter().map(|p| (p[0], p[1])).unzip();
    for j in 0..2 {
        let (values, gradients) = (spectral.values(j, &[&y1, &y2]), spectral.gradients(j, &[&y1, &y2]));
        for (k, value) in found.correctors[j].values(&points).iter().enumerate() {
            assert!((value - values[k]).abs() < 1e-7);
            let gradient = found.correctors[j].gradients(&points)[k];
            assert!((gradient[0] - gradients[0][k]).abs() < 1e-5 && (gradient[1] - gradients[1][k]).abs() < 1e-5);
        }
    }
}

//! Observed order of the finite elements on manufactured solutions, and what is refused.

use std::f64::consts::PI;

use gaptooth::Error;
use gaptooth::fem::line::LineProblem;
use gaptooth::fem::plane::{PlaneBoundary, PlaneCoefficient, PlaneElement, PlaneProblem};
use gaptooth::fem::reaction::ReactionProblem;

#[test]
fn elements_on_a_line_have_their_order() {
    // u = sin 3x + x, a = 1 + x²/2, c = 1 + x
    let (a, c) = (|x: f64| 1.0 + 0.5 * x * x, |x: f64| 1.0 + x);
    let exact = |x: f64| (3.0 * x).sin() + x;
    let f = |x: f64| 9.0 * a(x) * (3.0 * x).sin() - x * (3.0 * (3.0 * x).cos() + 1.0) + c(x) * exact(x);
    let domain = [-0.5, 1.5];
    let problem = LineProblem { domain, diffusivity: &a, reaction: Some(&c), source: &f, ends: domain.map(exact) };
    for (degree, cells) in [(1, 32), (2, 16), (4, 8), (6, 4)] {
        let [coarse, fine] = [cells, 2 * cells].map(|n| problem.solve(degree, n).unwrap());
        let (before, after) = (coarse.distance(&exact), fine.distance(&exact));
        let order = (before / after).log2();
        assert!((order - (degree + 1) as f64).abs() < 0.15, "degree {degree}: {order} from {before:e} to {after:e}");
        let x = [-0.5, -0.1, 0.77, 1.5];
        for (x, (u, slope)) in x.iter().zip(fine.values(&x).iter().zip(fine.slopes(&x))) {
            assert!((u - exact(*x)).abs() < 20.0 * after && (slope - 3.0 * (3.0 * x).cos() - 1.0).abs() < 0.3);
        }
        let refined = problem.refined(degree, 2 * cells).unwrap();
        let error = after / refined.solution.norm();
        assert!(refined.error > error && refined.error < 3.0 * before / fine.norm(), "{} {error}", refined.error);
    }
}

#[test]
fn elements_in_the_plane_have_their_order() {
    // u = sin πx sin 2πy, a with an off-diagonal entry
    let exact = |x: f64, y: f64| (PI * x).sin() * (2.0 * PI * y).sin();
    let tensor = |x: f64, y: f64| [2.0 + x, 0.5 * y, 1.0 + x * y];
    let f = |x: f64, y: f64| {
        let ([s, c], [p, q]) = ([(PI * x).sin(), (PI * x).cos()], [(2.0 * PI * y).sin(), (2.0 * PI * y).cos()]);
        let (ux, uy, uxx, uyy, uxy) =
            (PI * c * p, 2.0 * PI * s * q, -PI * PI * s * p, -4.0 * PI * PI * s * p, 2.0 * PI * PI * c * q);
        let [axx, axy, ayy] = tensor(x, y);
        // ∂_x a₁₁ = 1, ∂_y a₁₂ = 1/2, ∂_y a₂₂ = x
        -(axx * uxx + 2.0 * axy * uxy + ayy * uyy + ux + 0.5 * ux + x * uy)
    };
    let problem = PlaneProblem {
        domain: [[0.0, 1.0], [0.0, 1.5]],
        coefficient: PlaneCoefficient::Tensor(&tensor),
        source: Some(&f),
        flux: None,
        boundary: PlaneBoundary::Dirichlet,
    };
    let list = [
        (PlaneElement::P1, 1, 32),
        (PlaneElement::Q(1), 1, 24),
        (PlaneElement::Q(2), 2, 12),
        (PlaneElement::Q(4), 4, 6),
    ];
    for (element, degree, cells) in list {
        let [coarse, fine] = [cells, 2 * cells].map(|n| problem.solve(element, [n, n + n / 2]).unwrap());
        let (before, after) = (coarse.distance(&exact), fine.distance(&exact));
        let order = (before / after).log2();
        assert!((order - (degree + 1) as f64).abs() < 0.15, "{element:?}: {order} from {before:e} to {after:e}");
        let points = [[0.3, 0.4], [1.0, 0.2], [0.25, 1.4]];
        for (p, (u, gradient)) in points.iter().zip(fine.values(&points).iter().zip(fine.gradients(&points))) {
            assert!((u - exact(p[0], p[1])).abs() < 20.0 * after);
            let slope = PI * (PI * p[0]).cos() * (2.0 * PI * p[1]).sin();
            assert!((gradient[0] - slope).abs() < 0.4, "{element:?} {p:?}: {gradient:?} against {slope}");
        }
    }
}

#[test]
fn a_periodic_problem_with_source_and_flux() {
    // u = sin 2πx cos 4πy from f = −Δu/2 and g = −∇u/2
    let tau = 2.0 * PI;
    let exact = |x: f64, y: f64| (tau * x).sin() * (2.0 * tau * y).cos();
    let f = |x: f64, y: f64| 2.5 * tau * tau * exact(x, y);
    let g = |x: f64, y: f64| {
        [-0.5 * tau * (tau * x).cos() * (2.0 * tau * y).cos(), tau * (tau * x).sin() * (2.0 * tau * y).sin()]
    };
    let problem = PlaneProblem {
        domain: [[0.2, 1.2], [0.0, 1.0]],
        coefficient: PlaneCoefficient::Scalar(&|_, _| 1.0),
        source: Some(&f),
        flux: Some(&g),
        boundary: PlaneBoundary::Periodic,
    };
    let found = problem.refined(PlaneElement::Q(6), [8, 8]).unwrap();
    let error = found.solution.distance(&exact) / found.solution.norm();
    assert!(error < 1e-6 && error < found.error && found.error < 1e-3, "{error:e} {:e}", found.error);
    let [inside, outside] = [[0.3, 0.4], [1.3, -0.6]].map(|p| found.solution.values(&[p])[0]);
    assert!((inside - outside).abs() < 1e-13);
}

#[test]
fn the_same_for_any_number_of_threads() {
    let solve = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let problem = PlaneProblem {
            domain: [[0.0, 1.0]; 2],
            coefficient: PlaneCoefficient::Scalar(&|x, y| 2.0 + (7.0 * x).sin() * y),
            source: Some(&|x, y| x + y * y),
            flux: None,
            boundary: PlaneBoundary::Dirichlet,
        };
        pool.install(|| {
            let u = problem.solve(PlaneElement::Q(3), [9, 8]).unwrap();
            (u.norm(), u.values(&[[0.5, 0.3], [0.1, 0.9]]))
        })
    };
    assert_eq!(solve(1), solve(3));
}

#[test]
fn a_reaction_converges_at_its_order_and_in_time() {
    // u_t − 2u″ + (1 + x) u = f with the steady solution sin πx; the start decays
    let steady = |x: f64| (PI * x).sin();
    let f = |x: f64| (2.0 * PI * PI + 1.0 + x) * steady(x);
    let problem = ReactionProblem {
        domain: [0.0, 1.0],
        diffusivity: 2.0,
        reaction: &|x| 1.0 + x,
        source: &f,
        initial: &|x| x * (1.0 - x),
    };
    for (degree, cells) in [(1, 16), (2, 8), (4, 4)] {
        let [before, after] = [cells, 2 * cells].map(|n| problem.solve(degree, n).unwrap().at(10.0).distance(&steady));
        let order = (before / after).log2();
        assert!((order - (degree + 1) as f64).abs() < 0.15, "degree {degree}: {order}");
    }
    let found = problem.refined(4, 16, 0.05).unwrap();
    assert!(found.error < 1e-6);
    let u = found.solution;
    assert!(u.at(0.0).distance(&|x| x * (1.0 - x)) < 1e-9);
    assert!((u.rates()[0] - 2.0 * PI * PI - 1.5).abs() < 0.01, "{}", u.rates()[0]);
}

#[test]
fn wrong_input_is_named() {
    let one = |_: f64| 1.0;
    let line = LineProblem { domain: [0.0, 1.0], diffusivity: &one, reaction: None, source: &one, ends: [0.0; 2] };
    assert!(line.solve(0, 4).unwrap_err().to_string().contains("degree = 0"));
    assert!(line.solve(9, 4).is_err() && line.solve(1, 0).is_err());
    assert!(LineProblem { domain: [1.0, 1.0], ..line }.solve(1, 4).is_err());
    assert!(LineProblem { ends: [0.0, f64::NAN], ..line }.solve(1, 4).is_err());
    assert!(matches!(LineProblem { source: &|_| f64::NAN, ..line }.solve(1, 4), Err(Error::NonFinite { .. })));
    assert!(matches!(LineProblem { diffusivity: &|_| -1.0, ..line }.solve(2, 4), Err(Error::Solver { .. })));
    // one cell of degree 1 has no unknown: the line between the ends
    assert_eq!(LineProblem { ends: [1.0, 3.0], ..line }.solve(1, 1).unwrap().values(&[0.5]), [2.0]);
    let plane = PlaneProblem {
        domain: [[0.0, 1.0]; 2],
        coefficient: PlaneCoefficient::Scalar(&|_, _| 1.0),
        source: None,
        flux: None,
        boundary: PlaneBoundary::Dirichlet,
    };
    assert!(plane.solve(PlaneElement::Q(9), [4, 4]).is_err() && plane.solve(PlaneElement::P1, [1, 4]).is_err());
    assert!(plane.solve(PlaneElement::Q(2), [4, 0]).is_err() && plane.solve(PlaneElement::Q(8), [4000, 4000]).is_err());
    let hot = PlaneProblem { coefficient: PlaneCoefficient::Scalar(&|x, _| 1.0 / (x - x)), ..plane };
    assert!(matches!(hot.solve(PlaneElement::P1, [4, 4]), Err(Error::NonFinite { .. })));
    let reaction =
        ReactionProblem { domain: [0.0, 1.0], diffusivity: 1.0, reaction: &one, source: &one, initial: &one };
    assert!(reaction.solve(4, 2000).unwrap_err().to_string().contains("4000 unknowns"));
    assert!(ReactionProblem { diffusivity: 0.0, ..reaction }.solve(2, 4).is_err());
}

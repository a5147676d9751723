//! One dimension.

use std::f64::consts::PI;

use faer::{Mat, linalg::solvers::Solve};
use gaptooth::grid::Boundary;
use gaptooth::observer::Silent;
use gaptooth::ode::{
    OdeSystem,
    equilibrium::{NewtonOptions, equilibrium, jacobian},
    explicit::RungeKutta,
    projective::{FixedBurst, ProjectiveRungeKutta},
    tableau::ExplicitMethod::{Rk2, Rk4},
};
use gaptooth::patch::{
    Coupling, PatchGrid, PatchSystem,
    grid::{PatchAxis, PatchShape, Placement, Source},
    lattice::LatticeDiffusion,
};

use crate::case::{Case, assert_close};

/// The toolbox's order 0 is spectral on a periodic domain.
pub(crate) fn periodic_coupling(order: usize, source: Source) -> Coupling {
    match order {
        0 => Coupling::Spectral { source },
        order => Coupling::Polynomial { order, source },
    }
}

#[test]
fn w1_polynomial_weights() {
    let case = Case::load("W1");
    // δ² has the weights 1, −2, 1, and μδ the weights −½, 0, ½; others are their products
    let convolve = |a: &[f64], b: &[f64]| {
        let mut c = vec![0.0; a.len() + b.len() - 1];
        a.iter().enumerate().for_each(|(i, a)| b.iter().enumerate().for_each(|(j, b)| c[i + j] += a * b));
        c
    };
    for (ratio, order, name) in [(0.25, 8, "ratio025_ord8"), (0.1, 4, "ratio01_ord4")] {
        let shape = PatchShape::from_ratio(ratio, 1.0, Source::NextToEdge, 6, 1).unwrap();
        let axis = PatchAxis::periodic([0.0, 11.0], 11, shape).unwrap();
        let weights = Coupling::Polynomial { order, source: Source::NextToEdge }.weights(&axis).unwrap();
        for (key, edge) in [("Cr_", 11), ("Cl_", 10)] {
            let mut expected = vec![0.0; 11];
            expected[5] = 1.0;
            for (k, c) in case.expected(&format!("{key}{name}")).iter().enumerate() {
                let first: &[f64] = if k % 2 == 0 { &[-0.5, 0.0, 0.5] } else { &[1.0, -2.0, 1.0] };
                let difference = (0..k / 2).fold(first.to_vec(), |d, _| convolve(&d, &[1.0, -2.0, 1.0]));
                let start = 5 - difference.len() / 2;
                difference.iter().enumerate().for_each(|(j, d)| expected[start + j] += c * d);
            }
            let mut found = vec![0.0; 11];
            weights.point_weights(edge).iter().for_each(|(p, w)| found[p / 6] += w); // patch 5 of 11
            assert_close(name, &found, &expected, case.tolerance());
        }
    }
}

fn wave(x: f64) -> f64 {
    x.sin().exp() + 0.3 * (2.0 * x + 0.4).cos()
}

#[test]
fn e1_edge_values() {
    for (id, source) in [("E1_N7_edgy0", Source::MidPatch), ("E1_N8_edgy1", Source::NextToEdge)] {
        let case = Case::load(id);
        let (n, n_sub) = (case.count("nPatch"), case.count("nSubP"));
        let shape = PatchShape::new(n_sub, 1, case.number("dx")).unwrap();
        let axis = PatchAxis::periodic(case.domain(), n, shape).unwrap();
        assert_close("centres", axis.centres(), &case.expected("patch_centres"), 1e-14);
        let ratio = case.expected_number("ratio");
        let again = PatchShape::from_ratio(ratio, axis.spacing(), source, n_sub, 1).unwrap();
        assert!((again.spacing() - shape.spacing()).abs() < 1e-15);
        for order in [0, 2, 4, 6] {
            let mut u: Vec<f64> = axis.x().iter().map(|x| wave(*x)).collect();
            periodic_coupling(order, source).weights(&axis).unwrap().fill([0.0; 2], &mut u);
            let edge = |i: usize| u.chunks(n_sub).map(|u| u[i]).collect::<Vec<_>>();
            assert_close(id, &edge(0), &case.expected(&format!("left_ord{order}")), case.tolerance());
            assert_close(id, &edge(n_sub - 1), &case.expected(&format!("right_ord{order}")), case.tolerance());
        }
    }
}

#[test]
fn e2_two_edge_layers() {
    let case = Case::load("E2_nEdge2");
    let shape = PatchShape::new(case.count("nSubP"), case.count("nEdge"), case.number("dx")).unwrap();
    let axis = PatchAxis::periodic(case.domain(), case.count("nPatch"), shape).unwrap();
    assert_close("points", axis.x(), &case.expected("patch_x"), 1e-14);
    for order in [0, 4] {
        let mut u: Vec<f64> = axis.x().iter().map(|x| wave(*x)).collect();
        periodic_coupling(order, Source::NextToEdge).weights(&axis).unwrap().fill([0.0; 2], &mut u);
        let layers = |i: usize| u.chunks(10).flat_map(|u| u[i..i + 2].to_vec()).collect::<Vec<_>>();
        assert_close("left", &layers(0), &case.expected(&format!("left2_ord{order}")), case.tolerance());
        assert_close("right", &layers(8), &case.expected(&format!("right2_ord{order}")), case.tolerance());
    }
}

#[test]
fn e3_bounded_edge_values() {
    let case = Case::load("E3_equispace");
    let (n, n_sub, dx) = (case.count("nPatch"), case.count("nSubP"), case.number("dx"));
    let shape = PatchShape::new(n_sub, 1, dx).unwrap();
    // the case's half-point offset at the right end only
    let axis = PatchAxis::bounded([0.0, 1.0 + 0.5 * dx], Boundary::Dirichlet, n, Placement::Equispaced, shape).unwrap();
    assert_close("centres", axis.centres(), &case.expected("patch_centres"), 1e-14);
    for (name, order) in [("ord2", 2), ("ord4", 4), ("ord0", n - 1)] {
        let mut u: Vec<f64> = axis.x().iter().map(|x| (2.0 * x).exp() * (3.0 * x).cos()).collect();
        let coupling = Coupling::Polynomial { order, source: Source::NextToEdge };
        coupling.weights(&axis).unwrap().fill([0.0; 2], &mut u);
        let edge = |i: usize| u.chunks(n_sub).map(|u| u[i]).collect::<Vec<_>>();
        let (left, right) = (case.expected(&format!("left_{name}")), case.expected(&format!("right_{name}")));
        // the extreme edges are the boundary condition's
        assert_close("left", &edge(0)[1..], &left[1..], case.tolerance());
        assert_close("right", &edge(n_sub - 1)[..n - 1], &right[..n - 1], case.tolerance());
    }
}

fn periodic_system(case: &Case, order: usize, source: Source, coefficients: &str) -> PatchSystem<1, LatticeDiffusion> {
    let (domain, n) = (case.domain(), case.count("nPatch"));
    let spacing = (domain[1] - domain[0]) / n as f64;
    let shape = PatchShape::from_ratio(case.number("ratio"), spacing, source, case.count("nSubP"), 1).unwrap();
    let grid = PatchGrid::line(PatchAxis::periodic(domain, n, shape).unwrap());
    let model = LatticeDiffusion::line(case.list(coefficients)).unwrap();
    PatchSystem::new(model, grid, periodic_coupling(order, source)).unwrap()
}

/// The real parts of the leading eigenvalues, descending, the largest imaginary part, and |J − Jᵀ|₂.
fn spectrum(system: &PatchSystem<1, LatticeDiffusion>, count: usize) -> (Vec<f64>, f64, f64) {
    let jacobian = jacobian(system, 0.0, &vec![0.0; system.dim()]).unwrap();
    let asymmetry = (&jacobian - jacobian.transpose()).singular_values().unwrap()[0];
    let values = jacobian.eigenvalues().unwrap();
    let imaginary = values.iter().map(|z| z.im.abs()).fold(0.0, f64::max);
    let mut real: Vec<f64> = values.iter().map(|z| z.re).collect();
    real.sort_by(|a, b| b.total_cmp(a));
    real.truncate(count);
    (real, imaginary, asymmetry)
}

#[test]
fn s1_eigenvalues_of_the_self_adjoint_scheme() {
    let case = Case::load("S1_homoDiffEdgy1_table");
    for order in [0, 2, 4, 6] {
        let system = periodic_system(&case, order, Source::NextToEdge, "cHetr");
        let spacing = system.grid().axis(0).shape().spacing();
        assert!((spacing - case.number("dx")).abs() < 1e-15);
        let expected = case.expected(&format!("evals_ord{order}"));
        let (found, imaginary, asymmetry) = spectrum(&system, expected.len());
        assert_close(&format!("order {order}"), &found, &expected, case.tolerance());
        assert!(imaginary < 1e-9 && asymmetry < 1e-9, "order {order}: {imaginary}, {asymmetry}");
    }
}

#[test]
fn s3_eigenvalues_of_the_classic_scheme() {
    let case = Case::load("S3_classic_midpatch");
    for order in [0, 2, 4, 6] {
        let system = periodic_system(&case, order, Source::MidPatch, "cHetr");
        let expected = case.expected(&format!("evals_re_ord{order}"));
        let (found, imaginary, asymmetry) = spectrum(&system, expected.len());
        assert_close(&format!("order {order}"), &found, &expected, case.tolerance());
        assert!(imaginary < 1e-6, "order {order}: {imaginary}");
        let norm = case.expected_number(&format!("asym_norm_ord{order}"));
        assert!((asymmetry - norm).abs() < 1e-8 * norm, "order {order}: {asymmetry} against {norm}");
    }
    assert!(
        (case.expected_number("harmonic_mean") - LatticeDiffusion::line(case.list("cHetr")).unwrap().homogenized())
            .abs()
            < 1e-14
    );
}

fn sine(x: f64) -> f64 {
    (PI * x).sin() * x.exp()
}

/// Heterogeneous diffusion with the forcing f₁ t + f₂ t², f₁ = sin(πx) eˣ, f₂ = (π/2) f₁, and u = 0 at both ends.
fn forced(case: &Case, n: usize, placement: Placement, order: usize) -> PatchSystem<1, LatticeDiffusion> {
    let shape = PatchShape::new(case.count("nSubP"), 1, case.number("dx")).unwrap();
    let axis = PatchAxis::bounded(case.domain(), Boundary::Dirichlet, n, placement, shape).unwrap();
    let model = LatticeDiffusion::line(case.list("a")).unwrap();
    let model = model.with_forcing(|t, [x]| sine(x) * (t + 0.5 * PI * t * t));
    let coupling = Coupling::Polynomial { order, source: Source::NextToEdge };
    PatchSystem::new(model, PatchGrid::line(axis), coupling).unwrap()
}

/// The equilibrium under the forcing of t = 1.
fn steady(system: &PatchSystem<1, LatticeDiffusion>) -> Vec<f64> {
    let found = equilibrium(system, 1.0, &vec![0.0; system.dim()], &NewtonOptions::default()).unwrap();
    assert!(found.converged, "{}", found.residual);
    found.u
}

#[test]
fn q1_equilibria() {
    let case = Case::load("Q1_EckhardtEquilib");
    for (name, placement) in [("equispace", Placement::Equispaced), ("chebyshev", Placement::Chebyshev)] {
        let system = forced(&case, case.count("nPatch"), placement, case.count("ordCC"));
        let key = |k: &str| format!("{name}_{k}");
        assert_close(name, system.grid().axis(0).centres(), &case.expected(&key("centres")), 1e-13);
        let u = steady(&system);
        let fourth: Vec<f64> = system.by_patch(&system.extend(&u)).iter().map(|u| u[3]).collect();
        assert_close(name, &fourth, &case.expected(&key("u_point4")), case.tolerance());
        let norm = u.iter().map(|u| u * u).sum::<f64>().sqrt();
        assert_close(name, &[norm], &[case.expected_number(&key("norm"))], case.tolerance());
        let (_, _, asymmetry) = spectrum(&system, 1);
        let expected = case.expected_number(&key("asym_norm"));
        assert!((asymmetry - expected).abs() < case.tolerance() * expected, "{name}: {asymmetry}");
    }
}

#[test]
fn q2_errors_against_the_full_domain() {
    let case = Case::load("Q2_EckhardtEquilibErrs");
    let counts: Vec<usize> = case.list("nPatch").iter().map(|n| *n as usize).collect();
    for order in [2, 4, 6] {
        let expected = case.expected(&format!("mean_abs_err_ord{order}"));
        let mut full = Vec::new();
        for (&n, expected) in counts.iter().zip(expected) {
            let system = forced(&case, n, Placement::Equispaced, order.min(n - 1));
            let u = system.by_patch(&system.extend(&steady(&system)));
            // the five patches that all grids share
            let common: Vec<f64> = u.iter().step_by((n - 1) / 4).flatten().copied().collect();
            if full.is_empty() {
                let largest = common.iter().copied().fold(0.0, f64::max);
                assert!((largest - case.expected_number("umax")).abs() < 1e-6, "{largest}");
                full = common;
                continue;
            }
            let error = common.iter().zip(&full).map(|(a, b)| (a - b).abs()).sum::<f64>() / full.len() as f64;
            // the case's tolerance says nothing of the smallest errors; its note advises 1e-3 relative.
            // 1e-11 is the rounding of a linear solve with |J| of 1e6.
            assert!(
                (error - expected).abs() < 1e-3 * expected + 1e-11,
                "order {order}, {n} patches: {error} / {expected}"
            );
        }
    }
}

/// exp(J) v for a stiff J whose slow modes have rates of order 10: 400 steps of the L-stable third-order
/// singly diagonally implicit Runge-Kutta method (Alexander 1977), one factorisation.
fn exponential(jacobian: &Mat<f64>, v: Mat<f64>) -> Mat<f64> {
    const STEPS: usize = 400;
    let dt = 1.0 / STEPS as f64;
    let g = 0.435_866_521_508_459;
    let b = [(-6.0 * g * g + 16.0 * g - 1.0) / 4.0, (6.0 * g * g - 20.0 * g + 5.0) / 4.0];
    let n = v.nrows();
    let matrix = Mat::from_fn(n, n, |i, j| f64::from(i == j) - g * dt * jacobian[(i, j)]);
    let lu = matrix.partial_piv_lu();
    let mut u = v;
    for _ in 0..STEPS {
        // stage values rather than slopes: dt k = (stage − start)/g stays small where J is large
        let y1 = lu.solve(&u);
        let k1 = (&y1 - &u) * faer::Scale(1.0 / g);
        let start = &u + &k1 * faer::Scale(0.5 * (1.0 - g));
        let y2 = lu.solve(&start);
        let k2 = (&y2 - &start) * faer::Scale(1.0 / g);
        u = lu.solve(&(&u + &k1 * faer::Scale(b[0]) + &k2 * faer::Scale(b[1])));
    }
    u
}

#[test]
fn t1_errors_of_a_forced_evolution() {
    let case = Case::load("T1_Eckhardt2210eg2");
    let mut fields: Vec<Vec<f64>> = Vec::new();
    for (n, h) in case.list("nPatch").iter().map(|n| *n as usize).zip(case.expected("H")) {
        let system = forced(&case, n, Placement::Equispaced, case.count("ordCC"));
        assert!((system.grid().axis(0).spacing() - h).abs() < 1e-13);
        // u = A + B t + C t² − e^{Jt} A with J C = −f₂, J B = 2C − f₁, J A = B
        let dim = system.dim();
        let jacobian = jacobian(&system, 0.0, &vec![0.0; dim]).unwrap();
        let lu = jacobian.partial_piv_lu();
        let f1 = system.sample(|_, [x], _| sine(x));
        let f1 = Mat::from_fn(dim, 1, |i, _| f1[i]);
        let c = lu.solve(&f1 * faer::Scale(-0.5 * PI));
        let b = lu.solve(&c * faer::Scale(2.0) - &f1);
        let a = lu.solve(&b);
        let u = &a + &b + &c - exponential(&jacobian, a.clone());
        let u: Vec<f64> = (0..dim).map(|i| u[(i, 0)]).collect();
        // one period in the middle of the five patches that all grids share
        let common =
            system.by_patch(&system.extend(&u)).iter().step_by((n - 1) / 4).flat_map(|u| u[4..10].to_vec()).collect();
        fields.push(common);
    }
    let full = fields.last().unwrap();
    let errors: Vec<f64> =
        fields.iter().map(|u| u.iter().zip(full).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)).collect();
    assert_close("errors", &errors, &case.expected("max_err_vs_full"), case.tolerance());
    // the case gives the third point of the period
    let row: Vec<f64> = full.chunks(6).map(|u| u[2]).collect();
    assert_close("field", &row, &case.expected("u_row_full"), case.tolerance());
}

#[test]
fn p7_projective_integration_of_patches() {
    let case = Case::load("P7_patch_PIRK2");
    let system = periodic_system(&case, case.count("ordCC"), Source::MidPatch, "cDiff");
    let axis = system.grid().axis(0);
    let field: Vec<f64> =
        axis.x().iter().enumerate().map(|(i, x)| x.sin() + 0.3 * (7.0 * (i + 1) as f64).cos()).collect();
    let rk4 = RungeKutta::from(Rk4);
    let burst = FixedBurst::new(&rk4, &system, case.number("bT"), case.count("nMicroSteps")).unwrap();
    let u0: Vec<f64> = (1..6).flat_map(|i| field.chunks(7).map(move |u| u[i])).collect();
    let times = case.list("ts");
    let solution = ProjectiveRungeKutta::from(Rk2).integrate(&burst, 0.0, &u0, &times, &Silent).unwrap();
    let middles = |u: &Vec<f64>| system.by_patch(u).iter().map(|u| u[2]).collect::<Vec<_>>();
    let last = &solution.u[times.len() - 1];
    assert_close("t1", &middles(&solution.u[1]), &case.expected("u_midpoints_t1"), case.tolerance());
    assert_close("end", &middles(last), &case.expected("u_midpoints_final"), case.tolerance());
    let norm = last.iter().map(|u| u * u).sum::<f64>().sqrt();
    assert!((norm - case.expected_number("norm_interior_final")).abs() < case.tolerance());
}

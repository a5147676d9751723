//! Two and three dimensions, ensembles, waves.

use std::f64::consts::PI;

use faer::Mat;
use gaptooth::patch::{
    PatchGrid, PatchModel, PatchSystem,
    ensemble::Ensemble,
    fourth_order::SwiftHohenberg,
    grid::{PatchAxis, PatchShape, Placement, Source},
    lattice::LatticeDiffusion,
    second_order::SecondOrder,
    wave::LatticeWave,
};
use gaptooth::{
    coefficient::lattice::{Bond, BondLattice},
    grid::Boundary,
    ode::{
        OdeSystem,
        equilibrium::{NewtonOptions, equilibrium, jacobian, linear_operator},
    },
};

use crate::{
    case::{Case, assert_close},
    line::periodic_coupling,
};

/// Real parts, descending, and |J − Jᵀ|/|J|.
fn spectrum<const D: usize, M: PatchModel<D>>(system: &PatchSystem<D, M>, count: usize) -> (Vec<f64>, f64) {
    let j = linear_operator(system, 0.0).unwrap();
    let asymmetry = (&j - j.transpose()).norm_l2() / j.norm_l2();
    let symmetric: Mat<f64> = (&j + j.transpose()) * faer::Scale(0.5);
    let mut values = symmetric.self_adjoint_eigenvalues(faer::Side::Lower).unwrap();
    values.reverse();
    values.truncate(count);
    (values, asymmetry)
}

fn axis(domain: [f64; 2], n: usize, n_sub: usize, ratio: f64) -> PatchAxis {
    let spacing = (domain[1] - domain[0]) / n as f64;
    PatchAxis::periodic(domain, n, PatchShape::from_ratio(ratio, spacing, Source::NextToEdge, n_sub, 1).unwrap())
        .unwrap()
}

/// The tables of a plane: `cx(j, k)` lies between the points (j, k) and (j + 1, k).
fn plane(case: &Case) -> BondLattice<2> {
    let rows = case.at("inputs", "cx").as_array().unwrap();
    let periods = [rows.len(), rows[0].as_array().unwrap().len()];
    BondLattice::new(periods, [case.list("cx"), case.list("cy")], Bond::Right).unwrap()
}

fn plane_grid(case: &Case) -> PatchGrid<2> {
    let (domain, n, n_sub, ratio) = (case.list("domain"), case.list("nPatch"), case.list("nSubP"), case.list("ratio"));
    PatchGrid::new([0, 1].map(|d| axis([domain[2 * d], domain[2 * d + 1]], n[d] as usize, n_sub[d] as usize, ratio[d])))
}

#[test]
fn s6_eigenvalues_and_evolution_in_the_plane() {
    let case = Case::load("S6_homoDiffEdgy2");
    for order in [0, 2, 4, 6] {
        let model = LatticeDiffusion::new(plane(&case));
        let system = PatchSystem::new(model, plane_grid(&case), periodic_coupling(order, Source::NextToEdge)).unwrap();
        let expected = case.expected(&format!("evals_ord{order}"));
        let (found, asymmetry) = spectrum(&system, expected.len());
        assert_close(&format!("order {order}"), &found, &expected, case.tolerance());
        assert!(asymmetry < 1e-14, "{asymmetry}");
    }
    let system = PatchSystem::new(
        LatticeDiffusion::new(plane(&case)),
        plane_grid(&case),
        periodic_coupling(0, Source::NextToEdge),
    )
    .unwrap();
    let u0 = system.sample(|_, [x, y], _| 0.8 * x.cos() * y.sin() + 0.1 * (3.0 * x + 2.0 * y).cos());
    let j = linear_operator(&system, 0.0).unwrap();
    let symmetric: Mat<f64> = (&j + j.transpose()) * faer::Scale(0.5);
    let eigen = symmetric.self_adjoint_eigen(faer::Side::Lower).unwrap();
    let (vectors, values) = (eigen.U(), eigen.S().column_vector());
    let start = vectors.transpose() * Mat::from_fn(u0.len(), 1, |i, _| u0[i]);
    let later = vectors * Mat::from_fn(u0.len(), 1, |i, _| start[(i, 0)] * (0.3 * values[i]).exp());
    let u: Vec<f64> = (0..u0.len()).map(|i| later[(i, 0)]).collect();
    let norm = u.iter().map(|u| u * u).sum::<f64>().sqrt();
    assert_close("norm", &[norm], &[case.expected_number("time03_norm")], case.tolerance());
    let centres: Vec<f64> = system.by_patch(&u).iter().map(|u| u[4]).collect();
    assert_close("centres", &centres, &case.expected("time03_centres"), case.tolerance());
}

#[test]
fn s7_an_ensemble_of_phase_shifts() {
    let case = Case::load("S7_homoDiffEdgy2_ensemble");
    for order in [0, 2] {
        let model = LatticeDiffusion::new(plane(&case)).with_all_shifts();
        let ensemble = model.ensemble();
        let system = PatchSystem::new(model, plane_grid(&case), periodic_coupling(order, Source::NextToEdge)).unwrap();
        let system = system.with_ensemble(ensemble).unwrap();
        let expected = case.expected(&format!("evals_ord{order}"));
        let (found, asymmetry) = spectrum(&system, expected.len());
        assert_close(&format!("order {order}"), &found, &expected, case.tolerance());
        assert!(asymmetry < 1e-14, "{asymmetry}");
    }
    let ensemble = Ensemble::new([2, 3]);
    for (key, direction, target, source) in [("le", 0, 0, 1), ("ri", 0, 2, 1), ("bo", 1, 0, 2), ("to", 1, 3, 1)] {
        let found: Vec<f64> = (0..6).map(|m| 1.0 + ensemble.source(m, direction, target, source) as f64).collect();
        assert_close(key, &found, &case.expected(key), 0.0);
    }
}

#[test]
fn s8_eigenvalues_in_space() {
    let case = Case::load("S8_homoDiffEdgy3");
    // the case lists tables with the first index fastest
    let table = |key: &str| -> Vec<f64> {
        let c = case.list(key);
        (0..8).map(|k| c[(k >> 2 & 1) | (k & 2) | (k << 2 & 4)]).collect()
    };
    let tables = ["cx_colmajor", "cy_colmajor", "cz_colmajor"].map(table);
    let lattice = BondLattice::new([2; 3], tables, Bond::Right).unwrap();
    let domain = case.domain();
    for order in [0, 2] {
        let grid = PatchGrid::new([0; 3].map(|_| axis(domain, 3, 4, case.number("ratio"))));
        let model = LatticeDiffusion::new(lattice.clone());
        let system = PatchSystem::new(model, grid, periodic_coupling(order, Source::NextToEdge)).unwrap();
        let expected = case.expected(&format!("evals_ord{order}"));
        let (found, asymmetry) = spectrum(&system, expected.len());
        assert_close(&format!("order {order}"), &found, &expected, case.tolerance());
        assert!(asymmetry < 1e-14 && system.dim() == 216, "{asymmetry}");
    }
}

#[test]
fn s4_spectrum_of_weakly_damped_waves() {
    let case = Case::load("S4_homoWaveEdgy1");
    let stiffness = BondLattice::new([3], [case.list("cHetr")], Bond::Right).unwrap();
    let grid = PatchGrid::line(axis(case.domain(), case.count("nPatch"), case.count("nSubP"), case.number("ratio")));
    let model = LatticeWave::new(stiffness, 0.02).unwrap();
    let system = PatchSystem::new(model, grid, periodic_coupling(0, Source::NextToEdge)).unwrap();
    let values = linear_operator(&system, 0.0).unwrap().eigenvalues().unwrap();
    let mut upper: Vec<_> = values.into_iter().filter(|z| z.im > 0.0 && z.norm_sqr() > 1e-6).collect();
    upper.sort_by(|a, b| a.norm_sqr().total_cmp(&b.norm_sqr()));
    let (re, im) = (case.expected("evals_re"), case.expected("evals_im"));
    let found = |part: fn(&faer::c64) -> f64| upper[..re.len()].iter().map(part).collect::<Vec<_>>();
    assert_close("imaginary parts", &found(|z| z.im), &im, case.tolerance());
    assert_close("real parts", &found(|z| z.re), &re, case.tolerance());
}

#[test]
fn q4_a_two_scale_equilibrium_in_the_plane() {
    let case = Case::load("Q4_twoscaleDiffEquil2");
    let (domain, n) = (case.domain(), case.count("nPatch"));
    let shape = PatchShape::new(case.count("nSubP"), 1, case.number("dx")).unwrap();
    let line = || PatchAxis::bounded(domain, Boundary::Dirichlet, n, Placement::Equispaced, shape).unwrap();
    let table = case.list("A_period");
    let mixed = (0..36).map(|k| 2.0 * table[k]).collect();
    let model = SecondOrder::new([6, 6])
        .with_diffusion([0, 0], vec![2.0; 36])
        .unwrap()
        .with_diffusion([1, 1], vec![2.0; 36])
        .unwrap()
        .with_diffusion([0, 1], mixed)
        .unwrap()
        .with_forcing(|_, [x, y]| -100.0 * (x + (3.0 * PI * x).cos()) * y.powi(3));
    let system =
        PatchSystem::new(model, PatchGrid::new([line(), line()]), periodic_coupling(4, Source::NextToEdge)).unwrap();
    assert_eq!(system.dim() as f64, case.expected_number("nUnknown"));
    let u = equilibrium(&system, 0.0, &vec![0.0; system.dim()], &NewtonOptions::default()).unwrap();
    assert!(u.converged);
    let fourth: Vec<f64> = system.by_patch(&system.extend(&u.u)).iter().map(|u| u[3 * 8 + 3]).collect();
    assert_close("points (4, 4)", &fourth, &case.expected("point44"), case.tolerance());
    let norm = u.u.iter().map(|u| u * u).sum::<f64>().sqrt();
    assert_close("norm", &[norm], &[case.expected_number("norm")], case.tolerance());
}

#[test]
fn sh1_a_pattern_on_seven_patches() {
    let case = Case::load("SH1_SwiftHohenbergPattern");
    let (domain, n, d) = (case.domain(), case.count("nPatch"), case.number("dx"));
    let shape = PatchShape::new(case.count("nSubP"), case.count("nEdge"), d).unwrap();
    // u and u_x vanish half-way between the two edge layers
    let offset = 0.5 * shape.width() - case.number("bcOffset") * d;
    let step = (domain[1] - domain[0] - 2.0 * offset) / (n - 1) as f64;
    let centres = (0..n).map(|i| domain[0] + offset + i as f64 * step).collect();
    let axis = PatchAxis::from_centres(domain, Boundary::Dirichlet, centres, shape).unwrap();
    let k0 = case.number("k0");
    let model = SwiftHohenberg::new(k0, case.number("Ra")).unwrap();
    let system =
        PatchSystem::new(model, PatchGrid::line(axis), periodic_coupling(case.count("ordCC"), Source::NextToEdge))
            .unwrap();
    // The stored field is an equilibrium of ours, and Newton's method from near it comes back.
    let rows = case.expected("u_interior_rows_3_22");
    let residual = |u: &[f64]| {
        let mut du = vec![0.0; u.len()];
        system.rhs_into(0.0, u, &mut du);
        du.iter().fold(0.0f64, |m, f| m.max(f.abs()))
    };
    assert!(residual(&rows) < 1e-9, "{:e}", residual(&rows));
    let near: Vec<f64> = rows.iter().enumerate().map(|(i, u)| u + 1e-3 * (i as f64).sin()).collect();
    let found = equilibrium(&system, 0.0, &near, &NewtonOptions::default()).unwrap();
    assert!(found.converged);
    assert_close("pattern", &found.u, &rows, case.tolerance());
    let j = jacobian(&system, 0.0, &found.u).unwrap();
    let values = j.eigenvalues().unwrap();
    let largest = values.iter().map(|z| z.re).fold(f64::MIN, f64::max);
    assert_close("growth", &[largest], &[case.expected_number("max_re_eig")], 1e-6);
}

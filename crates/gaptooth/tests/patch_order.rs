//! Observed orders of the couplings in the spacing H of the patches, on a heterogeneous medium.

use std::f64::consts::PI;

use faer::{Mat, linalg::solvers::Solve};
use gaptooth::ode::OdeSystem;
use gaptooth::patch::{
    Coupling, PatchGrid, PatchSystem,
    grid::{PatchAxis, PatchShape, Source},
    lattice::LatticeDiffusion,
};

/// a = 1.1 + sin(2πx/ε) at the links of a lattice with `points` points per period.
fn medium(points: usize) -> LatticeDiffusion {
    let a = |j: usize| 1.1 + (2.0 * PI * (j as f64 + 0.5) / points as f64).sin();
    LatticeDiffusion::new((0..points).map(a).collect()).unwrap()
}

/// The eigenvalue next to `near`, by inverse iteration from cos 2πx.
fn eigenvalue(system: &PatchSystem<LatticeDiffusion>, near: f64) -> f64 {
    let n = system.dim();
    let jacobian = system.jacobian(0.0, &vec![0.0; n]);
    let shifted = Mat::from_fn(n, n, |i, j| jacobian[(i, j)] - if i == j { near } else { 0.0 });
    let lu = shifted.partial_piv_lu();
    let x = system.positions();
    let mut v = Mat::from_fn(n, 1, |i, _| (2.0 * PI * x[i]).cos());
    let mut value = f64::NAN;
    for _ in 0..6 {
        let w = lu.solve(&v);
        let square = (v.transpose() * &v)[(0, 0)];
        value = near + square / (v.transpose() * &w)[(0, 0)];
        v = &w * faer::Scale(1.0 / w.norm_l2());
    }
    value
}

fn probe(eps: f64, degree: usize, n: usize, periods: usize) -> f64 {
    let points = 10;
    let model = medium(points);
    let exact = -model.homogenized() * (2.0 * PI).powi(2);
    let shape = PatchShape::new(periods * points + 2, 1, eps / points as f64).unwrap();
    let axis = PatchAxis::periodic([0.0, 1.0], n, shape).unwrap();
    let coupling = Coupling::Slope { degree, period: points };
    let system = PatchSystem::new(model, PatchGrid::line(axis), coupling, [0.0; 2]).unwrap();
    eigenvalue(&system, exact) / exact - 1.0
}

#[test]
fn probe_all() {
    for eps in [1e-3, 3e-4, 1e-4, 3e-5, 1e-5] {
        for degree in [2, 4, 6] {
            let e: Vec<f64> = [8, 12, 16, 24].iter().map(|n| probe(eps, degree, *n, 2)).collect();
            println!("{eps:e} {degree} {e:?} {:.3} {:.3}", (e[0] / e[2]).log2(), (e[1] / e[3]).log2());
        }
    }
}

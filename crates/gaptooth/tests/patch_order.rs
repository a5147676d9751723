//! Observed orders of the couplings in the spacing H of the patches, on a heterogeneous medium.

use std::f64::consts::PI;

use faer::{Mat, linalg::solvers::Solve};
use gaptooth::ode::{OdeSystem, equilibrium::jacobian};
use gaptooth::patch::{
    Coupling, PatchGrid, PatchSystem,
    grid::{PatchAxis, PatchShape, Source},
    lattice::LatticeDiffusion,
};

/// a = 1.1 + sin(2πx/ε) at the links of a lattice with `points` points per period.
fn medium(points: usize) -> LatticeDiffusion {
    let a = |j: usize| 1.1 + (2.0 * PI * (j as f64 + 0.5) / points as f64).sin();
    LatticeDiffusion::line((0..points).map(a).collect()).unwrap()
}

/// The pair of eigenvalues next to `near` as (real, imaginary part), by inverse iteration on the plane that
/// cos 2πx and sin 2πx span.
fn eigenvalue(system: &PatchSystem<1, LatticeDiffusion>, near: f64) -> [f64; 2] {
    let n = system.dim();
    let jacobian = jacobian(system, 0.0, &vec![0.0; n]).unwrap();
    let shifted = Mat::from_fn(n, n, |i, j| jacobian[(i, j)] - if i == j { near } else { 0.0 });
    let lu = shifted.partial_piv_lu();
    let x = system.sample(|_, [x], _| x);
    let mut v = Mat::from_fn(n, 2, |i, k| (2.0 * PI * x[i] - 0.5 * PI * k as f64).cos());
    let mut value = [f64::NAN; 2];
    for _ in 0..8 {
        let w = lu.solve(&v);
        // the inverse restricted to the plane: B with w = v B in the least-squares sense
        let b = (v.transpose() * &v).partial_piv_lu().solve(v.transpose() * &w);
        let (half_trace, det) = (0.5 * (b[(0, 0)] + b[(1, 1)]), b[(0, 0)] * b[(1, 1)] - b[(0, 1)] * b[(1, 0)]);
        value = [near + half_trace / det, (det - half_trace * half_trace).max(0.0).sqrt() / det];
        v = w.qr().compute_thin_Q();
    }
    value
}

fn system(
    model: &LatticeDiffusion,
    n: usize,
    shape: PatchShape,
    coupling: Coupling,
) -> PatchSystem<1, LatticeDiffusion> {
    let axis = PatchAxis::periodic([0.0, 1.0], n, shape).unwrap();
    PatchSystem::new(model.clone(), PatchGrid::line(axis), coupling).unwrap()
}

/// Teeth two periods wide, ε = 1e-4 small beside H: the decay of cos 2πx tends to −a* (2π)².
#[test]
fn gap_tooth_slopes_converge_at_their_degree() {
    const POINTS: usize = 10;
    const PERIOD: f64 = 1e-4;
    let model = medium(POINTS);
    let exact = -model.homogenized() * (2.0 * PI).powi(2);
    for degree in [2, 4, 6] {
        let coupling = Coupling::Slope { degree, period: POINTS };
        let error = |n: usize| {
            let shape = PatchShape::new(2 * POINTS + 1, 1, PERIOD / POINTS as f64).unwrap();
            eigenvalue(&system(&model, n, shape, coupling), exact)[0] / exact - 1.0
        };
        let order = (error(8) / error(16)).log2();
        assert!((order - coupling.order().unwrap() as f64).abs() < 0.15, "degree {degree}: {order}");
    }
}

/// The medium has another phase at the left of a tooth than at the right, which makes the slow modes
/// drift: an odd, dispersive term of order ε. A medium symmetric about the tooth does not drift.
#[test]
fn gap_tooth_slopes_drift_with_the_period_unless_the_medium_is_symmetric() {
    const POINTS: usize = 10;
    let drift = |model: &LatticeDiffusion, period: f64| {
        let near = -model.homogenized() * (2.0 * PI).powi(2);
        let shape = PatchShape::new(2 * POINTS + 1, 1, period / POINTS as f64).unwrap();
        let coupling = Coupling::Slope { degree: 4, period: POINTS };
        eigenvalue(&system(model, 12, shape, coupling), near)[1]
    };
    let skew = medium(POINTS);
    let order = (drift(&skew, 1e-3) / drift(&skew, 5e-4)).log2();
    assert!((order - 1.0).abs() < 0.05, "{order}");
    let symmetric = (0..POINTS).map(|j| 1.1 + (2.0 * PI * (j as f64 + 0.5) / POINTS as f64).cos()).collect();
    let still = drift(&LatticeDiffusion::line(symmetric).unwrap(), 1e-3);
    assert!(still < 1e-2 * drift(&skew, 1e-3), "{still}");
}

/// δλ ≈ −k^{p+2} H^p (c_edge (n − 2) · {1/4, 1/18, 1/80} − a* · {1/3, 1/15, 1/70}) as the patch ratio tends
/// to 0, besides the lattice's own dispersion, which spectral coupling has exactly. First-order perturbation:
/// with θ = kH the shift is off by r²θ^{p+2} {1/24, 1/180, 1/1120} − i rθ^{p+1} {1/6, 1/30, 1/140} on mode k,
/// and the slow mode's phase from point 1 to point n − 2 is rθ (1 − a*/(c_edge (n − 2))): all links but one.
#[test]
fn edgy_interpolation_converges_at_its_order_with_the_known_constant() {
    let model = LatticeDiffusion::line(vec![1.2, 0.5, 2.0]).unwrap();
    let (mean, edge, k) = (model.homogenized(), 1.2 * 3.0, 2.0 * PI);
    let decay = |n: usize, coupling: Coupling| {
        let shape = PatchShape::from_ratio(0.02, 1.0 / n as f64, Source::NextToEdge, 5, 1).unwrap();
        eigenvalue(&system(&model, n, shape, coupling), -mean * k * k)[0]
    };
    for (order, n, [of_edge, of_mean]) in [(2, 60, [4.0, 3.0]), (4, 24, [18.0, 15.0]), (6, 18, [80.0, 70.0])] {
        let coupling = Coupling::Polynomial { order, source: Source::NextToEdge };
        let error = |n: usize| decay(n, coupling) - decay(n, Coupling::Spectral { source: Source::NextToEdge });
        let observed = (error(n) / error(2 * n)).log2();
        assert!((observed - coupling.order().unwrap() as f64).abs() < 0.15, "order {order}: {observed}");
        let scale = k.powi(order as i32 + 2) * (0.5 / n as f64).powi(order as i32);
        let predicted = -scale * (edge / of_edge - mean / of_mean);
        let found = error(2 * n);
        assert!((found / predicted - 1.0).abs() < 0.03, "order {order}: {found} against {predicted}");
    }
}

//! Staggered patches of a staggered lattice: exact slow waves, no growth, on a line and in the plane.

use std::f64::consts::PI;

use faer::c64;
use gaptooth::ode::{OdeSystem, equilibrium::linear_operator};
use gaptooth::patch::{
    Coupling, PatchGrid, PatchSystem,
    grid::{PatchAxis, PatchShape, Placement, Source},
    staggered::{Carried, StaggeredWave},
};
use proptest::prelude::*;

const SPECTRAL: Coupling = Coupling::Spectral { source: Source::Staggered };

fn axis(n: usize, n_sub: usize, n_edge: usize, ratio: f64) -> PatchAxis {
    let shape = PatchShape::from_ratio(ratio, 1.0 / n as f64, Source::Staggered, n_sub, n_edge).unwrap();
    PatchAxis::periodic([0.0, 1.0], n, shape).unwrap()
}

fn eigenvalues<const D: usize>(system: &PatchSystem<D, StaggeredWave>) -> Vec<c64> {
    linear_operator(system, 0.0).unwrap().eigenvalues().unwrap()
}

fn distance(values: &[c64], exact: c64) -> f64 {
    values.iter().map(|v| (v - exact).norm()).fold(f64::INFINITY, f64::min)
}

/// The frequency sin(kd)/d of a wave with the given number of periods on [0, 1].
fn frequency(waves: usize, d: f64) -> f64 {
    (2.0 * PI * waves as f64 * d).sin() / d
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() })]

    /// Every wave that the patches of one kind resolve has the lattice's frequency, nothing else grows, and h and u travel together.
    #[test]
    fn waves_on_a_line_have_the_lattice_s_frequency(odd in 1usize..5, long in 0usize..3, ratio in 0.02f64..0.45) {
        let n = 2 * (2 * odd + 1);
        let axis = axis(n, 3 + 4 * long, 1, ratio);
        let d = axis.shape().spacing();
        let system = PatchSystem::new(StaggeredWave::new(0.0, 0.0).unwrap(), PatchGrid::line(axis), SPECTRAL).unwrap();
        let found = eigenvalues(&system);
        let growth = found.iter().map(|z| z.re).fold(f64::MIN, f64::max);
        // repeated eigenvalues split by the root of the rounding
        prop_assert!(growth * d < 1e-7, "grows at {} / d", growth * d);
        for waves in 0..=odd {
            // J cos = ω sin and J sin = −ω cos: ±iω are eigenvalues. Repeated ones defeat the eigenvalue solver at times.
            let (omega, k) = (frequency(waves, d), 2.0 * PI * waves as f64);
            let cosine = StaggeredWave::state(system.grid(), |_, [x]| (k * x).cos());
            let sine = StaggeredWave::state(system.grid(), |_, [x]| (k * x).sin());
            for (wave, turned, omega) in [(&cosine, &sine, omega), (&sine, &cosine, -omega)] {
                let mut slope = vec![0.0; wave.len()];
                system.rhs_into(0.0, wave, &mut slope);
                let off = slope.iter().zip(turned).map(|(s, t)| (s - omega * t).abs()).fold(0.0, f64::max);
                prop_assert!(off < 1e-9 * omega.abs() + 1e-14 / d, "{} waves: {:e} off, d = {}", waves, off, d);
            }
        }
    }
}

/// Drag and viscosity: λ² + (γ + νω²)λ + ω² = 0, with two edge layers for the second difference.
#[test]
fn damped_waves_decay_like_the_lattice_s() {
    for (drag, viscosity, n_edge, n_sub) in [(0.7, 0.0, 1, 7), (0.3, 0.02, 2, 9), (0.0, 0.05, 2, 13)] {
        let axis = axis(10, n_sub, n_edge, 0.2);
        let d = axis.shape().spacing();
        let model = StaggeredWave::new(drag, viscosity).unwrap();
        let found = eigenvalues(&PatchSystem::new(model, PatchGrid::line(axis), SPECTRAL).unwrap());
        assert!(found.iter().all(|z| z.re < 1e-12 / d));
        for waves in 1..3 {
            let omega = frequency(waves, d);
            // the second difference over ±2d is −(sin(kd)/d)²
            let half = 0.5 * (drag + viscosity * omega * omega);
            let exact = -half + (c64::new(half * half - omega * omega, 0.0)).sqrt();
            assert!(
                distance(&found, exact) < 1e-9,
                "{drag}, {viscosity}: {exact:?} is {:e} off",
                distance(&found, exact)
            );
        }
    }
    let one_layer = PatchGrid::line(axis(6, 7, 1, 0.2));
    let refused = PatchSystem::new(StaggeredWave::new(0.0, 0.1).unwrap(), one_layer, SPECTRAL);
    assert!(refused.unwrap_err().to_string().contains("2 edge layers"));
}

/// Four kinds of patches in the plane: with h, u, v or nothing in the middle.
#[test]
fn waves_in_the_plane_have_the_lattice_s_frequency() {
    for (n, n_sub) in [([6, 6], 3), ([6, 10], 3), ([6, 6], 7)] {
        let axes = n.map(|n| axis(n, n_sub, 1, 0.15));
        let d = axes.each_ref().map(|a| a.shape().spacing());
        let model = StaggeredWave::new(0.0, 0.0).unwrap();
        let system = PatchSystem::new(model, PatchGrid::new(axes), SPECTRAL).unwrap();
        let found = eigenvalues(&system);
        let growth = found.iter().map(|z| z.re).fold(f64::MIN, f64::max);
        assert!(growth * d[1] < 1e-12, "{n:?}, {n_sub}: grows at {growth:e}");
        for kx in 0..2 {
            for ky in 0..=(n[1] - 2) / 4 {
                let omega = frequency(kx, d[0]).hypot(frequency(ky, d[1]));
                let off = distance(&found, c64::new(0.0, omega));
                assert!(off < 1e-9 * (1.0 + omega), "{n:?}, {n_sub}, ({kx}, {ky}): {off:e}");
            }
        }
        let carried = |point, patch| StaggeredWave::carried(system.grid(), point, patch);
        let c = n_sub / 2;
        assert_eq!(carried([c, c], 0), Carried::Depth);
        assert_eq!((carried([c, c], 1), carried([c, c], n[1])), (Carried::Velocity(1), Carried::Velocity(0)));
        assert_eq!((carried([c, c], n[1] + 1), carried([c + 1, c], n[1])), (Carried::Nothing, Carried::Depth));
    }
}

#[test]
fn polynomial_staggered_coupling_converges_at_its_order() {
    for order in [2, 4, 6] {
        let error = |n: usize| {
            let axis = axis(n, 3, 1, 0.1);
            let d = axis.shape().spacing();
            let coupling = Coupling::Polynomial { order, source: Source::Staggered };
            let model = StaggeredWave::new(0.0, 0.0).unwrap();
            let found = eigenvalues(&PatchSystem::new(model, PatchGrid::line(axis), coupling).unwrap());
            assert!(found.iter().all(|z| z.re < 1e-11), "order {order} grows");
            distance(&found, c64::new(0.0, frequency(1, d)))
        };
        let observed = (error(24) / error(48)).log2();
        assert!((observed - order as f64).abs() < 0.15, "order {order}: {observed}");
    }
}

#[test]
fn staggered_patches_that_do_not_fit_are_refused() {
    let text = |axis: PatchAxis| SPECTRAL.weights(&axis).unwrap_err().to_string();
    assert!(text(axis(7, 7, 1, 0.1)).contains("even"));
    assert!(text(axis(6, 5, 1, 0.1)).contains("n_sub"));
    assert!(text(axis(6, 8, 1, 0.1)).contains("n_sub"));
    let shape = PatchShape::new(7, 1, 0.01).unwrap();
    let bounded = PatchAxis::bounded([0.0, 1.0], gaptooth::grid::Boundary::Neumann, 6, Placement::CellCentred, shape);
    assert!(text(bounded.unwrap()).contains("periodic"));
    assert!(StaggeredWave::new(-1.0, 0.0).is_err() && StaggeredWave::new(0.0, f64::NAN).is_err());
}

//! Laws of coupled patches: symmetry, exactness of the slow modes, stability at bounded ends.

use std::f64::consts::PI;

use faer::{Mat, Side};
use gaptooth::cell::lattice::bloch_rates;
use gaptooth::coefficient::lattice::{Bond, BondLattice};
use gaptooth::grid::{Boundary, points};
use gaptooth::ode::{OdeSystem, equilibrium};
use gaptooth::patch::{
    Coupling, PatchGrid, PatchModel, PatchSystem,
    ensemble::Ensemble,
    field::{PatchField, PatchFieldMut},
    grid::{End, PatchAxis, PatchShape, Placement, Source},
    lattice::LatticeDiffusion,
};
use proptest::prelude::*;

fn jacobian(axis: PatchAxis, coefficients: &[f64], coupling: Coupling) -> Mat<f64> {
    let model = LatticeDiffusion::line(coefficients.to_vec()).unwrap();
    let system = PatchSystem::new(model, PatchGrid::line(axis), coupling).unwrap();
    equilibrium::jacobian(&system, 0.0, &vec![0.0; system.dim()]).unwrap()
}

fn edgy_axis(n_patch: usize, n_sub: usize, ratio: f64) -> PatchAxis {
    let shape = PatchShape::from_ratio(ratio, 1.0 / n_patch as f64, Source::NextToEdge, n_sub, 1).unwrap();
    PatchAxis::periodic([0.0, 1.0], n_patch, shape).unwrap()
}

/// |J − Jᵀ|/|J|, Frobenius.
fn asymmetry(jacobian: &Mat<f64>) -> f64 {
    (jacobian - jacobian.transpose()).norm_l2() / jacobian.norm_l2()
}

/// Real parts, descending.
fn spectrum(jacobian: &Mat<f64>) -> Vec<f64> {
    let mut values: Vec<f64> = jacobian.eigenvalues().unwrap().iter().map(|z| z.re).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

/// The whole periodic lattice of `points` points on [0, 1], all eigenvalues, descending.
fn whole_lattice(points: usize, coefficients: &[f64]) -> Vec<f64> {
    let d2 = (points as f64).powi(2);
    let mut j = Mat::<f64>::zeros(points, points);
    for i in 0..points {
        let (next, c) = ((i + 1) % points, coefficients[i % coefficients.len()] * d2);
        j[(i, i)] -= c;
        j[(next, next)] -= c;
        j[(i, next)] += c;
        j[(next, i)] += c;
    }
    let mut values = j.self_adjoint_eigenvalues(Side::Lower).unwrap();
    values.reverse();
    values
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn edgy_coupling_is_self_adjoint_when_the_period_divides_the_interior(
        n in 7usize..10, half in 0usize..4, periods in 1usize..3, ratio in 0.05f64..0.9,
        c in prop::collection::vec(0.1f64..3.0, 2..5),
    ) {
        let coupling = match half {
            0 => Coupling::Spectral { source: Source::NextToEdge },
            half => Coupling::Polynomial { order: 2 * half, source: Source::NextToEdge },
        };
        let whole = jacobian(edgy_axis(n, periods * c.len() + 2, ratio), &c, coupling);
        prop_assert!(asymmetry(&whole) < 1e-15, "{}", asymmetry(&whole));
        let values = whole.self_adjoint_eigenvalues(Side::Lower).unwrap();
        prop_assert!(values[values.len() - 1] < 1e-12 * whole.norm_l2(), "grows: {:?}", values.last());
        prop_assume!((c[0] - c[1]).abs() > 0.1);
        let broken = jacobian(edgy_axis(n, periods * c.len() + 3, ratio), &c, coupling);
        prop_assert!(asymmetry(&broken) > 1e-3, "{}", asymmetry(&broken));
    }

    #[test]
    fn spectral_slow_modes_are_the_whole_lattices(
        odd in 1usize..4, spacing in 2usize..5, c in prop::collection::vec(0.3f64..3.0, 2..4),
    ) {
        let n = 2 * odd + 1;
        let points = n * spacing * 2 * c.len(); // patches of one period, every 2·spacing periods
        let axis = edgy_axis(n, c.len() + 2, 0.5 / spacing as f64);
        let patches = spectrum(&jacobian(axis, &c, Coupling::Spectral { source: Source::NextToEdge }));
        let lattice = whole_lattice(points, &c);
        for (p, l) in patches.iter().zip(&lattice).take(n) {
            prop_assert!((p - l).abs() < 1e-9 * (points * points) as f64 + 1e-9 * l.abs(), "{p} against {l}");
        }
    }
}

/// Every eigenvalue of the coupled patches and every Bloch rate of the wavenumbers they resolve, both ascending; |J − Jᵀ|/|J|; the
/// size of the terms of J.
fn patches_and_lattice<const D: usize>(
    n: [usize; D],
    lattice: &BondLattice<D>,
    extra: [usize; D],
    ensemble: bool,
    ratio: f64,
) -> (Vec<f64>, Vec<f64>, f64, f64) {
    let periods = lattice.periods();
    // `extra` points more than a period, where the ensemble makes any size fit
    let grid = PatchGrid::new(std::array::from_fn(|d| edgy_axis(n[d], periods[d] + extra[d] + 2, ratio)));
    let h: [f64; D] = std::array::from_fn(|d| grid.axis(d).shape().spacing());
    let mut model = LatticeDiffusion::new(lattice.clone());
    if ensemble {
        model = model.with_all_shifts();
    }
    let members = model.ensemble();
    let coupling = Coupling::Spectral { source: Source::NextToEdge };
    let system = PatchSystem::new(model, grid, coupling).unwrap().with_ensemble(members).unwrap();
    let j = equilibrium::linear_operator(&system, 0.0).unwrap();
    let symmetric: Mat<f64> = (&j + j.transpose()) * faer::Scale(0.5);
    let found = symmetric.self_adjoint_eigenvalues(Side::Lower).unwrap();
    let mut exact = Vec::new();
    for wave in points(n.map(|n| 0..n)) {
        let k = std::array::from_fn(|d| 2.0 * PI * (wave[d] as f64 - (n[d] / 2) as f64));
        exact.extend(bloch_rates(lattice, h, k).unwrap());
    }
    exact.sort_by(f64::total_cmp);
    // what a right-hand side adds up: its rounding is that of J
    let size = h.iter().map(|h| 4.0 * 3.0 / (h * h)).sum();
    (found, exact, asymmetry(&j), size)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..Default::default() })]

    /// The exactness law: with spectral edgy coupling and odd numbers of patches, patches of one period have the lattice's spectrum.
    #[test]
    fn every_eigenvalue_is_a_bloch_rate_of_the_whole_lattice(
        n in (1usize..4, 1usize..3), p in (1usize..4, 1usize..4), ratio in 0.02f64..0.5,
        c in prop::collection::vec(0.1f64..3.0, 27),
    ) {
        let close = |(found, exact, asymmetry, size): (Vec<f64>, Vec<f64>, f64, f64)| {
            prop_assert_eq!(found.len(), exact.len());
            prop_assert!(asymmetry < 1e-12, "asymmetry {}", asymmetry);
            for (f, e) in found.iter().zip(&exact) {
                prop_assert!((f - e).abs() < 1e-9 * e.abs() + 2e-15 * size, "{} against {}", f, e);
            }
            Ok(())
        };
        let odd = [2 * n.0 + 1, 2 * n.1 + 1];
        let table = |from: usize, count: usize| (0..count).map(|i| c[(from + i) % 27]).collect::<Vec<_>>();
        let line = BondLattice::new([p.0], [table(0, p.0)], Bond::Right).unwrap();
        close(patches_and_lattice([odd[0]], &line, [0], false, ratio))?;
        let plane = BondLattice::new([p.0, p.1], [table(0, p.0 * p.1), table(9, p.0 * p.1)], Bond::Left).unwrap();
        close(patches_and_lattice(odd, &plane, [0; 2], false, ratio))?;
        let count = 2 * p.1;
        let space = [table(0, count), table(9, count), table(18, count)];
        let space = BondLattice::new([2, p.1, 1], space, Bond::Right).unwrap();
        close(patches_and_lattice([3; 3], &space, [0; 3], false, ratio))?;
    }

    /// The slow rates of an ensemble of all phase shifts are the lattice's for any patch size.
    #[test]
    fn ensembles_have_the_slow_rates_of_the_lattice(
        p in 2usize..4, q in 1usize..3, extra in (0usize..3, 0usize..2), c in prop::collection::vec(0.5f64..2.0, 12),
    ) {
        let tables = [c[..p * q].to_vec(), c[12 - p * q..].to_vec()];
        let plane = BondLattice::new([p, q], tables, Bond::Right).unwrap();
        let (found, exact, asymmetry, size) = patches_and_lattice([3, 3], &plane, [extra.0, extra.1], true, 0.05);
        prop_assert!(asymmetry < 1e-12, "asymmetry {}", asymmetry);
        for e in exact.iter().rev().take(9) {
            let near = found.iter().map(|f| (f - e).abs()).fold(f64::INFINITY, f64::min);
            prop_assert!(near < 1e-9 * e.abs() + 2e-15 * size, "{} is {} off", e, near);
        }
    }
}

/// A slow mode converges at the degree or faster, and nothing grows.
#[test]
fn gap_tooth_slopes_keep_order_and_stability_at_bounded_ends() {
    let (value, wall) = (End::Dirichlet, End::Neumann);
    for (ends, waves) in [([value; 2], 1.0), ([wall; 2], 1.0), ([value, wall], 1.5), ([wall, value], 1.5)] {
        for degree in [2, 4, 6] {
            let error = |n: usize| {
                let d = 0.01 / n as f64;
                let shape = PatchShape::new(7, 1, d).unwrap();
                // teeth are H from a value, H/2 from a wall
                let gap = ends.map(|end| if end == value { 1.0 } else { 0.5 });
                let spacing = 1.0 / (n as f64 - 1.0 + gap[0] + gap[1]);
                let centres = (0..n).map(|i| (i as f64 + gap[0]) * spacing).collect();
                let axis = PatchAxis::from_centres([0.0, 1.0], ends, centres, shape).unwrap();
                let values = spectrum(&jacobian(axis, &[1.0], Coupling::Slope { degree, period: 3 }));
                assert!(values[0] < 1e-6, "{ends:?}, degree {degree}, {n} teeth: {}", values[0]);
                // of unlike ends the second: the errors of the slowest nearly cancel
                let slowest = values[usize::from(ends != [value; 2])];
                // the lattice's rate, its dispersion included
                (slowest / (2.0 / d * (0.5 * PI * waves * d).sin()).powi(2) + 1.0).abs()
            };
            // at unlike ends the order comes from below: at degree 4 it is 3.3 from 12 teeth and 3.6 from 24
            let (n, slack) = match degree {
                4 if ends[0] != ends[1] => (24, 0.5),
                _ => (12, 0.2),
            };
            let order = (error(n) / error(2 * n)).log2();
            println!("{ends:?}, degree {degree}: {:.1e}, observed {order:.2}", error(2 * n));
            assert!(order > degree as f64 - slack, "{ends:?}, degree {degree}: {order}");
        }
    }
}

/// Two fields whose points read all their neighbours, corners too.
struct Neighbours;

impl PatchModel<2> for Neighbours {
    fn rhs_into(&self, grid: &PatchGrid<2>, t: f64, u: PatchField<'_, 2>, du: &mut PatchFieldMut<'_, 2>) {
        for (field, point) in (0..2).flat_map(|f| grid.interior().map(move |p| (f, p))) {
            let around = points([0..3, 0..3]).map(|[i, j]| u.at(1 - field, [point[0] + i - 1, point[1] + j - 1]));
            for (weight, values) in around.enumerate() {
                du.at(field, point).iter_mut().zip(values).for_each(|(du, u)| *du += (weight as f64 + t) * u);
            }
        }
    }

    fn fields(&self) -> usize {
        2
    }
}

#[test]
fn copies_are_states_one_by_one() {
    let bounded = |n| {
        let shape = PatchShape::new(4, 1, 0.01).unwrap();
        PatchAxis::bounded([0.0, 1.0], Boundary::Dirichlet, n, Placement::CellCentred, shape).unwrap()
    };
    let couplings = [
        Coupling::Spectral { source: Source::NextToEdge },
        Coupling::Polynomial { order: 4, source: Source::NextToEdge },
    ];
    for (axes, coupling) in [edgy_axis(5, 4, 0.1), bounded(5)].into_iter().zip(couplings) {
        let grid = || PatchGrid::new([axes.clone(), edgy_axis(7, 5, 0.2)]);
        let one = PatchSystem::new(Neighbours, grid(), coupling).unwrap();
        let three = PatchSystem::new(Neighbours, grid(), coupling).unwrap().with_ensemble(Ensemble::copies(3)).unwrap();
        let states: Vec<Vec<f64>> =
            (0..3).map(|k| (0..one.dim()).map(|i| ((7 * i + k) as f64).sin()).collect()).collect();
        // [field, point][member][patch]
        let all: Vec<f64> = (0..one.dim() / 35)
            .flat_map(|point| states.iter().flat_map(move |u| &u[35 * point..35 * (point + 1)]).copied())
            .collect();
        let mut slopes = vec![0.0; all.len()];
        three.rhs_into(0.5, &all, &mut slopes);
        for (k, u) in states.iter().enumerate() {
            let mut alone = vec![0.0; u.len()];
            one.rhs_into(0.5, u, &mut alone);
            let of_three: Vec<f64> = slopes.chunks(35).skip(k).step_by(3).flatten().copied().collect();
            assert_eq!(of_three, alone, "state {k}");
        }
    }
}

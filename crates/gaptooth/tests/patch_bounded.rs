//! Laws of patches on bounded domains: symmetry, exactness and order, with a condition of its own at every end.

use std::f64::consts::PI;

use faer::{Mat, Side};
use gaptooth::cell::lattice::bloch_rates;
use gaptooth::coefficient::lattice::{Bond, BondLattice};
use gaptooth::ode::{
    OdeSystem,
    equilibrium::{NewtonOptions, equilibrium, linear_operator},
};
use gaptooth::patch::{
    Coupling, PatchGrid, PatchSystem,
    ensemble::Ensemble,
    grid::{End, PatchAxis, PatchShape, Placement, Source},
    lattice::LatticeDiffusion,
};
use proptest::prelude::*;

const SPECTRAL: Coupling = Coupling::Spectral { source: Source::NextToEdge };
const ALL_ENDS: [[End; 2]; 4] = [
    [End::Dirichlet, End::Dirichlet],
    [End::Dirichlet, End::Neumann],
    [End::Neumann, End::Dirichlet],
    [End::Neumann, End::Neumann],
];

/// Order 0 stands for spectral.
fn coupling(order: usize) -> Coupling {
    match order {
        0 => SPECTRAL,
        order => Coupling::Polynomial { order, source: Source::NextToEdge },
    }
}

/// `n` patches of `points` interior points in the middle of the cells of [0, 1]; every `every`-th part of a cell is one.
fn cells(ends: [End; 2], n: usize, points: usize, every: f64) -> PatchAxis {
    let shape = PatchShape::from_ratio(1.0 / every, 1.0 / n as f64, Source::NextToEdge, points + 2, 1).unwrap();
    PatchAxis::bounded([0.0, 1.0], ends, n, Placement::CellCentred, shape).unwrap()
}

fn operator<const D: usize>(lattice: &BondLattice<D>, axes: [PatchAxis; D], coupling: Coupling) -> Mat<f64> {
    let model = LatticeDiffusion::new(lattice.clone());
    linear_operator(&PatchSystem::new(model, PatchGrid::new(axes), coupling).unwrap(), 0.0).unwrap()
}

/// |J − Jᵀ|/|J|, Frobenius.
fn asymmetry(j: &Mat<f64>) -> f64 {
    (j - j.transpose()).norm_l2() / j.norm_l2()
}

fn eigenvalues(j: &Mat<f64>) -> Vec<f64> {
    let symmetric: Mat<f64> = (j + j.transpose()) * faer::Scale(0.5);
    let mut values = symmetric.self_adjoint_eigenvalues(Side::Lower).unwrap();
    values.reverse();
    values
}

fn distance(values: &[f64], exact: f64) -> f64 {
    values.iter().map(|v| (v - exact).abs()).fold(f64::INFINITY, f64::min)
}

/// Entries from `c`, repeated.
fn table(c: &[f64], from: usize, count: usize) -> Vec<f64> {
    (0..count).map(|i| c[(from + i) % c.len()]).collect()
}

/// A bond table of `period` entries with c_j = c_{−j}: its own mirror image about the middle of a patch of whole periods.
fn even(c: &[f64], period: usize) -> Vec<f64> {
    (0..period).map(|j| c[j.min(period - j)]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..Default::default() })]

    /// J = Jᵀ in one, two and three dimensions for any medium whose period divides the interior, and nothing grows.
    #[test]
    fn mirror_images_keep_the_coupling_self_adjoint(
        half in 0usize..4, n in 2usize..6, which in prop::collection::vec(0usize..4, 3), every in 1.1f64..20.0,
        c in prop::collection::vec(0.1f64..3.0, 27),
    ) {
        let ends = |d: usize| ALL_ENDS[which[d]];
        let check = |j: Mat<f64>| {
            prop_assert!(asymmetry(&j) < 1e-14, "{}", asymmetry(&j));
            prop_assert!(eigenvalues(&j)[0] < 1e-12 * j.norm_l2());
            Ok(())
        };
        let line = BondLattice::new([3], [table(&c, 0, 3)], Bond::Right).unwrap();
        check(operator(&line, [cells(ends(0), n, 3, every)], coupling(2 * half)))?;
        let plane = BondLattice::new([2, 3], [table(&c, 0, 6), table(&c, 6, 6)], Bond::Left).unwrap();
        let axes = [cells(ends(0), n, 2, every), cells(ends(1), 3, 3, every)];
        check(operator(&plane, axes, coupling(2 * half)))?;
        let space = [table(&c, 0, 8), table(&c, 8, 8), table(&c, 16, 8)];
        let space = BondLattice::new([2; 3], space, Bond::Right).unwrap();
        check(operator(&space, [0, 1, 2].map(|d| cells(ends(d), 2, 2, every)), coupling(2 * half)))?;
        // a period that does not divide it
        prop_assume!((c[0] - c[1]).abs() > 0.1);
        let broken = asymmetry(&operator(&line, [cells(ends(0), n, 4, every)], coupling(2 * half)));
        prop_assert!(broken > 1e-4, "{}", broken);
    }

    /// With spectral coupling and a medium that is its own mirror image the rates are those of the whole lattice's standing waves;
    /// with ends of different kind, all of them.
    #[test]
    fn every_standing_wave_has_the_rate_of_the_whole_lattice(
        n in 2usize..7, which in 0usize..4, period in 1usize..6, every in 1.1f64..20.0,
        c in prop::collection::vec(0.2f64..3.0, 6),
    ) {
        let [first, last] = ALL_ENDS[which];
        let lattice = BondLattice::new([period], [even(&c, period)], Bond::Right).unwrap();
        let axis = cells([first, last], n, period, every);
        let h = axis.shape().spacing();
        let found = eigenvalues(&operator(&lattice, [axis], SPECTRAL));
        let (mixed, size) = (first != last, 12.0 / (h * h));
        let waves = if mixed { (0..n).map(|j| j as f64 + 0.5).collect() } else { (1..n).map(|j| j as f64).collect::<Vec<_>>() };
        let mut exact: Vec<f64> = waves.iter().flat_map(|j| bloch_rates(&lattice, [h], [PI * j]).unwrap()).collect();
        for e in &exact {
            prop_assert!(distance(&found, *e) < 1e-9 * e.abs() + 1e-14 * size, "{} is {} off", e, distance(&found, *e));
        }
        if mixed {
            exact.sort_by(|a, b| b.total_cmp(a));
            let worst = exact.iter().zip(&found).map(|(e, f)| (e - f).abs() - 1e-9 * e.abs()).fold(0.0, f64::max);
            prop_assert!(exact.len() == found.len() && worst < 1e-14 * size, "{}", worst);
        }
    }
}

/// A medium that is not its own mirror image turns round at the ends: its slow rates are off by an amount that falls with the period.
#[test]
fn a_skew_medium_shifts_the_slow_rates_by_less_than_a_period() {
    let lattice = BondLattice::new([4], [vec![0.3, 2.0, 0.9, 3.0]], Bond::Right).unwrap();
    for ends in ALL_ENDS {
        let error = |every: f64| {
            let axis = cells(ends, 6, 4, every);
            let (h, k) = (axis.shape().spacing(), if ends[0] == ends[1] { PI } else { 0.5 * PI });
            let exact = bloch_rates(&lattice, [h], [k]).unwrap()[0];
            distance(&eigenvalues(&operator(&lattice, [axis], SPECTRAL)), exact) / exact.abs()
        };
        let (coarse, fine) = (error(4.0), error(8.0));
        let observed = (coarse / fine).log2();
        println!("{ends:?}: {coarse:.1e}, with half the period {fine:.1e}");
        // the domain of unlike ends is as good as longer or shorter by a part of a period; that of like ends only moves
        let order = if ends[0] == ends[1] { 1.9 } else { 1.0 };
        assert!(coarse < 1e-3 && (observed - order).abs() < 0.1, "{ends:?}: {coarse:e}, {observed}");
    }
}

/// The whole lattice of `points` points, half a spacing from the ends, on [0, 1] × [0, 1] or periodic where `ends` says none, in each
/// direction; and the constant that the values `values` at Dirichlet ends add.
fn whole<const D: usize>(
    lattice: &BondLattice<D>,
    points: [usize; D],
    ends: [Option<[End; 2]>; D],
    values: [[f64; 2]; D],
) -> (Mat<f64>, Vec<f64>) {
    let count = points.iter().product();
    let number = |p: [usize; D]| (0..D).fold(0, |k, d| k * points[d] + p[d]);
    let (mut j, mut constant) = (Mat::<f64>::zeros(count, count), vec![0.0; count]);
    for p in gaptooth::grid::points(points.map(|n| 0..n)) {
        for d in 0..D {
            let here = number(p);
            let mut before = p;
            before[d] = (p[d] + points[d] - 1) % points[d];
            let rate = lattice.after(d, before) * (points[d] as f64).powi(2);
            let before = number(before);
            match ends[d] {
                Some(ends) if p[d] == 0 => {
                    for e in (0..2).filter(|&e| ends[e] == End::Dirichlet) {
                        let at = if e == 0 { here } else { before };
                        j[(at, at)] -= 2.0 * rate;
                        constant[at] += 2.0 * rate * values[d][e];
                    }
                }
                _ => {
                    j[(here, here)] -= rate;
                    j[(before, before)] -= rate;
                    j[(here, before)] += rate;
                    j[(before, here)] += rate;
                }
            }
        }
    }
    (j, constant)
}

/// x periodic, y with any ends, a medium of two directions: the slow rates are the whole lattice's.
#[test]
fn a_strip_decays_like_the_whole_lattice() {
    // c_x(i, j) is even about the middle of a patch in y: j → 1 − j; c_y of two points per period always is.
    let kx = vec![0.3, 0.3, 2.0, 2.0, 0.9, 0.9];
    let ky = vec![1.0, 0.2, 0.5, 3.0, 1.5, 0.7];
    let lattice = BondLattice::new([3, 2], [kx.clone(), ky.clone()], Bond::Right).unwrap();
    for ends in ALL_ENDS {
        let shape = PatchShape::from_ratio(0.5, 1.0 / 3.0, Source::NextToEdge, 5, 1).unwrap();
        let x = PatchAxis::periodic([0.0, 1.0], 3, shape).unwrap();
        let found = eigenvalues(&operator(&lattice, [x, cells(ends, 3, 2, 3.0)], SPECTRAL));
        // the first point of a patch is the second across the strip
        let (full, _) = whole(&lattice.rolled([0, 1]), [18, 18], [None, Some(ends)], [[0.0; 2]; 2]);
        let full = eigenvalues(&full);
        // two values at the ends leave out the third sine across
        let count = if ends == ALL_ENDS[0] { 4 } else { 6 };
        let worst = full[..count].iter().map(|f| distance(&found[..9], *f)).fold(0.0, f64::max);
        assert!(worst < 1e-9, "{ends:?}: {worst:e}");
        assert!((found[0] - full[0]).abs() < 1e-9 && (found[1] - full[1]).abs() < 1e-9, "{ends:?}");
    }
}

/// Values at the ends drive the bounded lattice and its patches to the same state.
#[test]
fn values_at_the_ends_are_held() {
    let table = vec![0.4, 1.0, 2.5, 1.0];
    let lattice = BondLattice::new([4], [table], Bond::Right).unwrap();
    for (ends, values) in [(ALL_ENDS[0], [0.3, 1.7]), (ALL_ENDS[1], [0.3, 9.0]), (ALL_ENDS[2], [9.0, 1.7])] {
        for order in [0, 2, 4, 6] {
            let model = LatticeDiffusion::new(lattice.clone());
            let grid = PatchGrid::line(cells(ends, 5, 4, 3.0));
            let system = PatchSystem::new(model, grid, coupling(order)).unwrap().with_ends([values]).unwrap();
            let found = equilibrium(&system, 0.0, &vec![0.0; system.dim()], &NewtonOptions::default()).unwrap();
            // the first point of a patch is the fourth of the line
            let (j, constant) = whole(&lattice.rolled([1]), [60], [Some(ends)], [values]);
            let right = Mat::from_fn(60, 1, |i, _| -constant[i]);
            let exact = faer::linalg::solvers::Solve::solve(&j.partial_piv_lu(), right);
            // patch I covers the points 4 … 7 of every 12
            let state = system.by_patch(&found.u);
            for (patch, u) in state.iter().enumerate() {
                for (i, u) in u.iter().enumerate() {
                    let exact = exact[(12 * patch + 4 + i, 0)];
                    assert!((u - exact).abs() < 1e-11, "{ends:?}, order {order}: {u} against {exact}");
                }
            }
        }
    }
}

/// The slowest modes of constant bonds converge at the order, with every coupling and both placements.
#[test]
fn decay_rates_converge_at_the_order_with_any_ends() {
    for ends in ALL_ENDS {
        let slowest = match ends {
            [a, b] if a != b => 0.5,
            _ => 1.0,
        };
        let line = BondLattice::new([1], [vec![1.0]], Bond::Right).unwrap();
        for placement in [Placement::Equispaced, Placement::CellCentred] {
            for (order, n) in [(2, 40), (4, 16), (6, 12)] {
                let error = |n: usize| {
                    let d = 0.05 / n as f64;
                    let shape = PatchShape::new(4, 1, d).unwrap();
                    let axis = PatchAxis::bounded([0.0, 1.0], ends, n, placement, shape).unwrap();
                    let rates = operator(&line, [axis], coupling(order)).eigenvalues().unwrap();
                    assert!(rates.iter().all(|z| z.re < 1e-6), "{ends:?} {placement:?} order {order} grows");
                    let exact = (2.0 / d * (0.5 * PI * slowest * d).sin()).powi(2);
                    rates.iter().map(|z| (z + exact).norm() / exact).fold(f64::INFINITY, f64::min)
                };
                let (coarse, fine) = (error(n), error(2 * n));
                let observed = (coarse / fine).log2();
                println!(
                    "{ends:?} {placement:?} order {order}: {fine:.1e} with {} patches, observed {observed:.2}",
                    2 * n
                );
                assert!(observed > order as f64 - 0.2, "{ends:?} {placement:?} order {order}: {observed}");
            }
        }
    }
}

#[test]
fn an_ensemble_has_no_mirror_image() {
    let line = BondLattice::new([3], [vec![1.0, 2.0, 0.5]], Bond::Right).unwrap();
    let model = LatticeDiffusion::new(line).with_all_shifts();
    let system = PatchSystem::new(model, PatchGrid::line(cells(ALL_ENDS[0], 3, 4, 2.0)), SPECTRAL).unwrap();
    assert!(system.clone().with_ensemble(Ensemble::new([1])).is_ok());
    let text = system.with_ensemble(Ensemble::new([3])).unwrap_err().to_string();
    assert!(text.contains("direction 0"), "{text}");
}

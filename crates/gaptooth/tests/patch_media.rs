//! Media: the phase in which a lattice lies in the patches, coefficients by position, random patches.

use std::f64::consts::PI;

use faer::{Mat, Side};
use gaptooth::cell::lattice::{LatticeEquation, bloch_rates};
use gaptooth::coefficient::{
    Formula,
    lattice::{Bond, BondLattice},
};
use gaptooth::ode::{OdeSystem, equilibrium::linear_operator};
use gaptooth::patch::{
    Coupling, PatchGrid, PatchModel, PatchSystem,
    grid::{End, PatchAxis, PatchShape, Placement, Source},
    heterogeneous::{HeterogeneousDiffusion, PatchBonds, RandomMedium},
    lattice::{EdgePhase, LatticeDiffusion},
};

fn coupling(order: usize) -> Coupling {
    match order {
        0 => Coupling::Spectral { source: Source::NextToEdge },
        order => Coupling::Polynomial { order, source: Source::NextToEdge },
    }
}

fn periodic(n: usize, points: usize, ratio: f64) -> PatchAxis {
    let shape = PatchShape::from_ratio(ratio, 1.0 / n as f64, Source::NextToEdge, points + 2, 1).unwrap();
    PatchAxis::periodic([0.0, 1.0], n, shape).unwrap()
}

/// Real parts, descending.
fn rates<const D: usize, M: PatchModel<D>>(model: M, grid: PatchGrid<D>, coupling: Coupling) -> Vec<f64> {
    let j = linear_operator(&PatchSystem::new(model, grid, coupling).unwrap(), 0.0).unwrap();
    let mut values: Vec<f64> = j.eigenvalues().unwrap().iter().map(|z| z.re).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

/// The relative error of the slowest wave along each direction of a periodic plane or line.
fn slow_errors<const D: usize>(model: &LatticeDiffusion<D>, grid: &PatchGrid<D>, order: usize) -> [f64; D] {
    let h = std::array::from_fn(|d| grid.axis(d).shape().spacing());
    let found = rates(model.clone(), grid.clone(), coupling(order));
    std::array::from_fn(|d| {
        let exact =
            bloch_rates(model.lattice(), h, std::array::from_fn(|e| if e == d { 2.0 * PI } else { 0.0 })).unwrap()[0];
        found.iter().map(|f| (f / exact - 1.0).abs()).fold(f64::INFINITY, f64::min)
    })
}

/// The best phase of a lattice in its patches divides the error of polynomial coupling, on a line and in the plane.
#[test]
fn the_best_phase_is_accuracy_for_free() {
    let effective = |lattice: &BondLattice<1>| LatticeEquation::new(lattice, [1.0], 2).unwrap().coefficient([2]);
    let line = BondLattice::new([5], [vec![3.966, 2.549, 0.838, 0.331, 7.276]], Bond::Right).unwrap();
    let grid = PatchGrid::line(periodic(9, 5, 0.2));
    for (order, gain) in [(2, 5.0), (4, 5.0), (6, 5.0)] {
        let worst = worst_phase(&line, &grid, order, effective(&line));
        let (best, [phase]) = LatticeDiffusion::new(line.clone()).with_best_phase(&grid, order, [effective(&line)]);
        let [before] = slow_errors(&worst, &grid, order);
        let [after] = slow_errors(&best, &grid, order);
        println!("line, order {order}: {before:.2e} -> {after:.2e}, c_edge {} shift {}", phase.edge, phase.shift);
        assert!(after * gain < before, "order {order}: {before:e} -> {after:e}");
    }
    let kx = vec![1.0566, 0.6668, 1.1568, 6.5894, 0.8683, 2.4174, 0.9473, 1.1407, 1.6610];
    let ky = vec![3.6355, 0.4470, 2.3896, 0.8628, 4.8558, 0.2833, 4.5025, 1.5865, 0.5679];
    let plane = BondLattice::new([3, 3], [kx, ky], Bond::Left).unwrap();
    let tensor = LatticeEquation::new(&plane, [1.0; 2], 2).unwrap().tensor();
    let grid = PatchGrid::new([periodic(7, 3, 0.2), periodic(7, 3, 0.2)]);
    let model = LatticeDiffusion::new(plane);
    for order in [2, 4] {
        let (best, phases) = model.clone().with_best_phase(&grid, order, [tensor[0][0], tensor[1][1]]);
        let (before, after) = (slow_errors(&model, &grid, order), slow_errors(&best, &grid, order));
        println!("plane, order {order}: {before:?} -> {after:?}, {phases:?}");
        assert!((0..2).all(|d| after[d] <= before[d] * 1.001), "order {order}: {before:?} -> {after:?}");
        assert!(after[0] * 2.0 < before[0] || after[1] * 2.0 < before[1]);
    }
}

/// The same medium in the worst phase.
fn worst_phase(lattice: &BondLattice<1>, grid: &PatchGrid<1>, order: usize, effective: f64) -> LatticeDiffusion<1> {
    let phases = EdgePhase::all(lattice, 0, grid.axis(0).shape(), order, effective);
    let worst = phases.iter().max_by(|a, b| a.error.abs().total_cmp(&b.error.abs())).unwrap();
    LatticeDiffusion::new(lattice.rolled([worst.shift]))
}

/// δλ = −k^{p+2} H^p E, in the plane too, where E has the mean bond of the edge.
#[test]
fn the_leading_error_is_the_one_that_the_phase_states() {
    let tables = [vec![1.2, 0.5, 2.0, 0.7, 1.1, 0.9], vec![0.4, 2.0, 1.0, 1.5, 0.6, 3.0]];
    let plane = BondLattice::new([3, 2], tables, Bond::Right).unwrap();
    let tensor = LatticeEquation::new(&plane, [1.0; 2], 2).unwrap().tensor();
    for (order, n) in [(2, 20), (4, 12)] {
        let shape = *periodic(n, 3, 0.02).shape();
        for phase in EdgePhase::all(&plane, 0, &shape, order, tensor[0][0]) {
            let model = LatticeDiffusion::new(plane.rolled([phase.shift, 0]));
            let slow = |order: usize| strip_rate(&model, n, 0.02, order);
            let (found, k) = (slow(order) - slow(0), 2.0 * PI);
            let predicted = -k.powi(order as i32 + 2) * (1.0 / n as f64).powi(order as i32) * phase.error;
            assert!((found / predicted - 1.0).abs() < 0.1, "order {order}, {phase:?}: {found:e} against {predicted:e}");
        }
    }
}

/// The slowest rate but zero of a plane with one patch across, which repeats.
fn strip_rate(model: &LatticeDiffusion<2>, n: usize, ratio: f64, order: usize) -> f64 {
    let x = periodic(n, 3, ratio);
    let shape = PatchShape::new(4, 1, x.shape().spacing()).unwrap();
    let y = PatchAxis::periodic([0.0, 2.0 * x.shape().spacing()], 1, shape).unwrap();
    rates(model.clone(), PatchGrid::new([x, y]), coupling(order))[1]
}

/// Bonds given by a formula that repeats with the patches are the periodic lattice, bit by bit nearly.
#[test]
fn a_formula_of_position_is_the_table_that_it_samples() {
    let grid = PatchGrid::new([periodic(4, 3, 0.75), periodic(5, 2, 0.5)]);
    let bonds = PatchBonds::by_position(
        &grid,
        &[
            Formula::parse("1.5 + sin(2*pi*16*x)*cos(2*pi*20*y)", &["x", "y"], &[]).unwrap(),
            Formula::parse("1.1 + cos(2*pi*16*x)", &["x", "y"], &[]).unwrap(),
        ],
    )
    .unwrap();
    let at = |d: usize| grid.axis(d).shape().spacing();
    let x = |i: f64| grid.axis(0).x()[0] + i * at(0);
    let y = |j: f64| grid.axis(1).x()[0] + j * at(1);
    let tables = [
        (0..6)
            .map(|k| 1.5 + (32.0 * PI * x((k / 2) as f64 + 0.5)).sin() * (40.0 * PI * y((k % 2) as f64)).cos())
            .collect(),
        (0..6).map(|k| 1.1 + (32.0 * PI * x((k / 2) as f64)).cos()).collect(),
    ];
    let table = LatticeDiffusion::new(BondLattice::new([3, 2], tables, Bond::Right).unwrap());
    let system = PatchSystem::new(table, grid.clone(), coupling(0)).unwrap();
    let graded = PatchSystem::new(HeterogeneousDiffusion::new(bonds), grid, coupling(0)).unwrap();
    let u = system.sample(|_, [x, y], _| (2.0 * PI * x).sin() + (3.0 * y).exp());
    let [mut a, mut b] = [vec![0.0; u.len()], vec![0.0; u.len()]];
    system.rhs_into(0.0, &u, &mut a);
    graded.rhs_into(0.0, &u, &mut b);
    let size = a.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    assert!(size > 1.0 && a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-11 * size));
}

/// The slow rates of a medium that varies slowly, c(x) > 0, are those of the whole lattice; with Dirichlet and no-flux ends too.
#[test]
fn a_slowly_varying_medium_has_the_slow_rates_of_the_whole_lattice() {
    let c = |x: f64| 1.0 + 0.5 * (2.0 * PI * x).cos();
    let formula = Formula::parse("1 + 0.5*cos(2*pi*x)", &["x"], &[]).unwrap();
    let (n, every, points) = (15, 5, 3);
    let whole_points = n * every * points;
    for ends in [None, Some([End::Dirichlet, End::Neumann])] {
        let shape =
            PatchShape::from_ratio(1.0 / every as f64, 1.0 / n as f64, Source::NextToEdge, points + 2, 1).unwrap();
        let axis = match ends {
            None => PatchAxis::periodic([0.0, 1.0], n, shape),
            Some(ends) => PatchAxis::bounded([0.0, 1.0], ends, n, Placement::CellCentred, shape),
        };
        let grid = PatchGrid::line(axis.unwrap());
        let bonds = PatchBonds::by_position(&grid, std::slice::from_ref(&formula)).unwrap();
        let found = rates(HeterogeneousDiffusion::new(bonds), grid, coupling(0));
        let mut whole = Mat::<f64>::zeros(whole_points, whole_points);
        for q in 0..whole_points {
            let rate = c(q as f64 / whole_points as f64) * (whole_points as f64).powi(2);
            let before = (q + whole_points - 1) % whole_points;
            if q == 0 && ends.is_some() {
                whole[(0, 0)] -= 2.0 * rate;
                continue;
            }
            whole[(q, q)] -= rate;
            whole[(before, before)] -= rate;
            whole[(q, before)] += rate;
            whole[(before, q)] += rate;
        }
        let mut exact = whole.self_adjoint_eigenvalues(Side::Lower).unwrap();
        exact.reverse();
        for (f, e) in found.iter().zip(&exact).take(3) {
            println!("{ends:?}: {f} against {e}, {:.1e}", (f - e).abs());
            assert!((f - e).abs() < 1e-6 * (1.0 + e.abs()), "{ends:?}: {f} against {e}");
        }
    }
}

#[test]
fn random_patches_are_reproducible_and_of_their_distribution() {
    let grid = |n| PatchGrid::new([periodic(n, 4, 0.5), periodic(3, 5, 0.5)]);
    let medium = RandomMedium::LogNormal { median: 2.0, sigma: 0.7 };
    let (few, many) = (grid(2), grid(8));
    let bonds = PatchBonds::random(&many, medium, 7).unwrap();
    assert_eq!(bonds, PatchBonds::random(&many, medium, 7).unwrap());
    assert_ne!(bonds, PatchBonds::random(&many, medium, 8).unwrap());
    let fewer = PatchBonds::random(&few, medium, 7).unwrap();
    let mut logs = Vec::new();
    for point in gaptooth::grid::points([0..4, 0..5]) {
        for d in 0..2 {
            // a patch's medium is its own
            assert_eq!(fewer.after(d, point), &bonds.after(d, point)[..6]);
            logs.extend(bonds.after(d, point).iter().map(|c| (c / 2.0).ln()));
        }
        // the same bond at both edges
        assert_eq!(bonds.after(0, [0, point[1]]), bonds.after(0, [4, point[1]]));
        assert_eq!(bonds.after(1, [point[0], 0]), bonds.after(1, [point[0], 5]));
    }
    // nor does it depend on patches added along the last axis
    let wide = PatchGrid::new([periodic(2, 4, 0.5), periodic(6, 5, 0.5)]);
    let wider = PatchBonds::random(&wide, medium, 7).unwrap();
    assert_eq!(wider.after(0, [1, 1])[..3], fewer.after(0, [1, 1])[..3]);
    assert_eq!(wider.after(0, [1, 1])[6..9], fewer.after(0, [1, 1])[3..]);
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let spread = (logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / count).sqrt();
    // 960 bonds: standard errors 0.023 and 0.016
    assert!(mean.abs() < 0.09 && (spread - 0.7).abs() < 0.065, "{mean}, {spread}");

    let phases = PatchBonds::random(&many, RandomMedium::TwoPhase { values: [1.0, 10.0], fraction: 0.3 }, 3).unwrap();
    let all: Vec<f64> = gaptooth::grid::points([0..4, 0..5]).flat_map(|p| phases.after(0, p).to_vec()).collect();
    let first = all.iter().filter(|c| **c == 1.0).count() as f64 / all.len() as f64;
    assert!(all.iter().all(|c| *c == 1.0 || *c == 10.0) && (first - 0.3).abs() < 0.09, "{first}");
}

/// Random cells of one patch: its slow rates are those of its own effective diffusivity, the harmonic mean.
#[test]
fn patches_of_one_random_medium_diffuse_by_its_harmonic_mean() {
    let grid = PatchGrid::line(periodic(1, 40, 1.0));
    let bonds = PatchBonds::random(&grid, RandomMedium::LogNormal { median: 1.0, sigma: 1.0 }, 1).unwrap();
    let table: Vec<f64> = (0..40).map(|i| bonds.after(0, [i])[0]).collect();
    let mean = 40.0 / table.iter().map(|c| 1.0 / c).sum::<f64>();
    let lattice = BondLattice::new([40], [table], Bond::Right).unwrap();
    assert!((LatticeEquation::new(&lattice, [1.0], 2).unwrap().coefficient([2]) / mean - 1.0).abs() < 1e-12);
    // the one patch fills the circle: its rates are those of the whole lattice
    let found = rates(HeterogeneousDiffusion::new(bonds), grid, coupling(0));
    let exact = bloch_rates(&lattice, [1.0 / 40.0], [0.0]).unwrap();
    assert!(found.iter().zip(&exact).all(|(f, e)| (f - e).abs() < 1e-8 + 1e-10 * e.abs()));
}

#[test]
fn media_that_make_no_sense_are_refused() {
    let grid = PatchGrid::line(periodic(3, 4, 0.5));
    let formula = |text| Formula::parse(text, &["x"], &[]).unwrap();
    let text = PatchBonds::by_position(&grid, &[formula("x - 0.4")]).unwrap_err().to_string();
    assert!(text.contains("x - 0.4") && text.contains("position"), "{text}");
    assert!(PatchBonds::by_position(&grid, &[formula("1"), formula("1")]).is_err());
    let plane = Formula::parse("1 + x*y", &["x", "y"], &[]).unwrap();
    assert!(PatchBonds::by_position(&grid, &[plane]).unwrap_err().to_string().contains("variables"));
    for medium in [
        RandomMedium::LogNormal { median: 0.0, sigma: 1.0 },
        RandomMedium::LogNormal { median: 1.0, sigma: -1.0 },
        RandomMedium::TwoPhase { values: [1.0, -1.0], fraction: 0.5 },
        RandomMedium::TwoPhase { values: [1.0, 2.0], fraction: 1.5 },
    ] {
        assert!(PatchBonds::random(&grid, medium, 0).is_err(), "{medium:?}");
    }
}

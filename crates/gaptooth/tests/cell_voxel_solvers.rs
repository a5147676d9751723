//! The two ways to solve a cell of voxels: the same answers, and how many steps they take.

use gaptooth::{
    cell::{VoxelAnswer, VoxelCell, VoxelOptions, VoxelSolver},
    observer::Silent,
};
use proptest::prelude::*;

fn solve(cell: &VoxelCell, solver: VoxelSolver, tolerance: f64) -> VoxelAnswer {
    let options = VoxelOptions { tolerance, solver, bounds: true, ..Default::default() };
    cell.clone().effective(&options, &Silent).unwrap()
}

/// Blocks of voxels with an open and a closed phase, as grains and pores, n³.
fn grains(n: usize) -> VoxelCell {
    let open = |i: usize| {
        let block = [i / (n * n), i / n % n, i % n].map(|at| (at * 12 / n) as u32);
        let number = (block[0] * 12 + block[1]) * 12 + block[2];
        number.wrapping_mul(2_654_435_761) >> 8 & 0xff < 150
    };
    VoxelCell::new(&[n; 3], &[1.0; 3], (0..n * n * n).map(|i| f64::from(u8::from(open(i)))).collect()).unwrap()
}

/// Multigrid takes as many steps on finer voxels, and a fraction of what the transforms take.
#[test]
fn steps_do_not_grow_with_the_voxels() {
    let mut steps = vec![];
    for n in [12, 24, 48] {
        let [few, many] = [VoxelSolver::Multigrid, VoxelSolver::Fft].map(|solver| solve(&grains(n), solver, 1e-6));
        assert!(few.effective.converged(1e-6) && many.effective.converged(1e-6));
        steps.push((few.effective.iterations, many.effective.iterations));
    }
    // six problems each, three directions from below and from above
    assert!(steps.iter().all(|(few, _)| *few <= 6 * 25), "{steps:?}");
    assert!(steps[2].0 * 2 < steps[2].1, "{steps:?}");
}

/// The true error is about the tolerance at most.
#[test]
fn the_error_is_what_it_is_said_to_be() {
    let cell = grains(24);
    let exact = solve(&cell, VoxelSolver::Multigrid, 1e-12).effective.tensor;
    for solver in [VoxelSolver::Multigrid, VoxelSolver::Fft] {
        for tolerance in [1e-1, 1e-2, 1e-3, 1e-5, 1e-7] {
            let options = VoxelOptions { tolerance, solver, ..Default::default() };
            let found = cell.clone().effective(&options, &Silent).unwrap().effective.tensor;
            let error = (0..3).map(|d| (found[d][d] / exact[d][d] - 1.0).abs()).fold(0.0, f64::max);
            assert!(error <= 3.0 * tolerance, "{solver:?} at {tolerance:e}: {error:e}");
        }
    }
}

fn random(shape: &[usize], low: f64) -> Vec<f64> {
    let open = |i: usize| (i as u32).wrapping_mul(2_654_435_761) >> 8 & 0xff < 150;
    (0..shape.iter().product()).map(|i| if open(i) { 1.0 } else { low }).collect()
}

/// Metres or micrometres.
#[test]
fn the_unit_of_length_does_not_matter() {
    let shape = [12, 11, 10];
    let cell = |h: f64| VoxelCell::new(&shape, &[h, 2.0 * h, 0.5 * h], random(&shape, 0.1)).unwrap();
    let options = VoxelOptions { bounds: true, fields: true, ..Default::default() };
    let one = cell(1.0).effective(&options, &Silent).unwrap();
    for unit in [2f64.powi(-40), 2f64.powi(40)] {
        let other = cell(unit).effective(&options, &Silent).unwrap();
        assert_eq!((&other.effective.tensor, &other.effective.lower), (&one.effective.tensor, &one.effective.lower));
        let correctors = |found: &VoxelAnswer| found.fields.as_ref().unwrap().responses[0].corrector.clone();
        assert!(correctors(&other).iter().zip(correctors(&one)).all(|(a, b)| (a / unit - b).abs() < 1e-12));
    }
}

/// Nearly insulating films, and voxels up to ten thousand times as long as wide.
#[test]
fn what_is_hard_is_right_by_both() {
    let solve = |shape: &[usize], h: &[f64], a: Vec<f64>, solver| {
        let options = VoxelOptions { solver, ..Default::default() };
        VoxelCell::new(shape, h, a).unwrap().effective(&options, &Silent).unwrap().effective
    };
    let film = |i: usize| [i / 1024, i / 32 % 32, i % 32].iter().any(|at| at % 8 == 0);
    let grains = (0..32 * 32 * 32).map(|i| if film(i) { 1e-8 } else { 1.0 }).collect::<Vec<_>>();
    let cases: [(Vec<usize>, Vec<f64>, Vec<f64>); 5] = [
        (vec![5], vec![1.0], vec![1e-7, 1.0, 1.0, 1.0, 1e-7]),
        (vec![32; 3], vec![1.0; 3], grains),
        (vec![16, 16], vec![1.0, 1e-3], random(&[16, 16], 0.1)),
        (vec![16, 16], vec![1.0, 5e-4], random(&[16, 16], 0.1)),
        (vec![16; 3], vec![1.0, 1.0, 1e-4], random(&[16; 3], 0.1)),
    ];
    for (shape, h, a) in cases {
        let [one, two] = [VoxelSolver::Multigrid, VoxelSolver::Fft].map(|solver| solve(&shape, &h, a.clone(), solver));
        for d in 0..shape.len() {
            let (x, y) = (one.tensor[d][d], two.tensor[d][d]);
            let said = one.residual.max(two.residual);
            assert!((x - y).abs() <= 1e-9 * y && said <= 1e-9, "{shape:?} {h:?} {d}: {x} {y}, said {said:e}");
        }
    }
}

#[test]
fn edges_beyond_all_measure_are_refused() {
    for h in [1e13, 1e160] {
        let refused = VoxelCell::new(&[6, 5], &[h, 1.0], random(&[6, 5], 0.1)).unwrap_err().to_string();
        assert!(refused.contains("differ by a factor of 1e5 at most"), "{refused}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn both_agree(
        n in prop::array::uniform3(1usize..9),
        size in prop::array::uniform3(0.2f64..5.0),
        phases in prop::collection::vec(0usize..3, 512),
        low in 0usize..4,
        plates: bool,
    ) {
        let conductivity = [1.0, [0.0, 1e-3, 0.4, 50.0][low], 0.2];
        let a = (0..n.iter().product()).map(|i| conductivity[phases[i]]).collect();
        let cell = VoxelCell::new(&n, &size, a).unwrap();
        let cell = if plates { cell.between_plates() } else { cell };
        let [one, two] = [VoxelSolver::Multigrid, VoxelSolver::Fft].map(|solver| solve(&cell, solver, 1e-11).effective);
        let largest = one.tensor.iter().flatten().fold(0.0f64, |m, a| m.max(a.abs()));
        for (x, y) in one.tensor.iter().flatten().zip(two.tensor.iter().flatten()) {
            prop_assert!((x - y).abs() <= 1e-6 * largest, "{one:?} {two:?}");
        }
        // each one's bounds enclose the truth, so they overlap
        for (low, high) in [(&one, &two), (&two, &one)] {
            let (lower, upper) = (low.lower.as_ref().unwrap(), high.upper.as_ref().unwrap());
            prop_assert!((0..3).all(|d| lower[d][d] <= upper[d][d]), "{one:?} {two:?}");
        }
    }
}

#[test]
fn the_unit_of_length_does_not_matter_in_the_plane_and_on_a_line() {
    let a = |n: usize| (0..n).map(|i| [1.0, 20.0, 3.0, 0.5, 7.0][i * i % 5]).collect::<Vec<f64>>();
    for shape in [vec![40], vec![12, 10], vec![6, 5, 4]] {
        let solved = |unit: f64| {
            let n = shape.iter().product();
            let edges: Vec<f64> = shape.iter().enumerate().map(|(k, _)| unit * (1.0 + 0.5 * k as f64)).collect();
            let options = VoxelOptions { bounds: true, ..Default::default() };
            VoxelCell::new(&shape, &edges, a(n)).unwrap().effective(&options, &Silent).unwrap().effective
        };
        let one = solved(1.0);
        for unit in [1e-200, 1e-25, 1e-20, 1e30, 1e200] {
            let other = solved(unit);
            for (one, other) in [
                (&one.tensor, &other.tensor),
                (one.lower.as_ref().unwrap(), other.lower.as_ref().unwrap()),
                (one.upper.as_ref().unwrap(), other.upper.as_ref().unwrap()),
            ] {
                let same = one.iter().flatten().zip(other.iter().flatten()).all(|(a, b)| (a - b).abs() < 1e-8);
                assert!(same, "{shape:?}, {unit:e}: {other:?} for {one:?}");
            }
        }
    }
}

//! Effective tensors of voxels: known answers, bounds that hold whatever the solver did, what does not conduct.

use gaptooth::{
    cell::{VoxelAnswer, VoxelCell, VoxelOptions},
    observer::Silent,
};
use proptest::prelude::*;

type Matrix = Vec<Vec<f64>>;

fn solve(shape: &[usize], size: &[f64], a: Vec<f64>, tolerance: f64) -> VoxelAnswer {
    let options = VoxelOptions { tolerance, bounds: true, ..Default::default() };
    VoxelCell::new(shape, size, a).unwrap().effective(&options, &Silent).unwrap()
}

fn cube(shape: &[usize], a: impl Fn(&[usize]) -> f64) -> Vec<f64> {
    let n: usize = shape.iter().product();
    let place = |mut i: usize| {
        let mut at = vec![0; shape.len()];
        for (at, n) in at.iter_mut().zip(shape).rev() {
            *at = i % n;
            i /= n;
        }
        at
    };
    (0..n).map(|i| a(&place(i))).collect()
}

fn bounds(answer: &VoxelAnswer) -> [&Matrix; 2] {
    [answer.effective.lower.as_ref().unwrap(), answer.effective.upper.as_ref().unwrap()]
}

/// ξᵀ(upper − lower)ξ for many ξ, the least.
fn least_difference(lower: &Matrix, upper: &Matrix) -> f64 {
    let d = lower.len();
    let direction =
        |k: i32| -> Vec<f64> { (0..d as i32).map(|i| (f64::from(k * (i + 1)) * 0.7 + f64::from(i)).sin()).collect() };
    let form = |xi: &Vec<f64>| -> f64 {
        let entry = |i: usize, j: usize| xi[i] * (upper[i][j] - lower[i][j]) * xi[j];
        (0..d).flat_map(|i| (0..d).map(move |j| (i, j))).map(|(i, j)| entry(i, j)).sum()
    };
    (0..40).map(|k| form(&direction(k))).fold(f64::INFINITY, f64::min)
}

#[test]
fn layers_are_exact_along_every_axis() {
    let layer = |at: usize| if at % 10 < 3 { 10.0 } else { 1.0 };
    for (shape, axis) in [
        (vec![10], 0),
        (vec![10, 7], 0),
        (vec![6, 10], 1),
        (vec![10, 3, 5], 0),
        (vec![3, 10, 4], 1),
        (vec![2, 5, 10], 2),
    ] {
        let d = shape.len();
        let size: Vec<f64> = (0..d).map(|i| 0.5 + i as f64).collect();
        let found = solve(&shape, &size, cube(&shape, |at| layer(at[axis])), 1e-13);
        for matrix in [&found.effective.tensor, bounds(&found)[0], bounds(&found)[1]] {
            for (i, j) in (0..d).flat_map(|i| (0..d).map(move |j| (i, j))) {
                let exact = if i != j {
                    0.0
                } else if i == axis {
                    1.0 / 0.73
                } else {
                    3.7
                };
                assert!((matrix[i][j] - exact).abs() < 1e-11, "{shape:?} {axis}: {matrix:?}");
            }
        }
        assert!(found.effective.converged(1e-13), "{found:?}");
        assert!((found.mixture.voigt - 3.7).abs() < 1e-12 && (found.mixture.reuss - 1.0 / 0.73).abs() < 1e-12);
    }
}

#[test]
fn the_checkerboard_lies_in_intervals_that_shrink() {
    let mut widths = vec![];
    for n in [4, 8, 16, 32] {
        let shape = [n, n];
        let found = solve(
            &shape,
            &[1.0; 2],
            cube(&shape, |at| if (2 * at[0] / n + 2 * at[1] / n) % 2 == 0 { 1.0 } else { 10.0 }),
            1e-11,
        );
        let [lower, upper] = bounds(&found);
        let exact = 10f64.sqrt();
        assert!(lower[0][0] <= exact && exact <= upper[0][0] && lower[1][1] <= exact && exact <= upper[1][1]);
        widths.push(upper[0][0] - lower[0][0]);
    }
    assert!(widths.windows(2).all(|w| w[1] < 0.9 * w[0]), "{widths:?}");
}

#[test]
fn extreme_contrasts() {
    for contrast in [1e-6, 1e6] {
        // an inclusion in a quarter of the cell
        let shape = [9, 8, 7];
        let a = cube(&shape, |at| if at.iter().all(|i| *i < 5) { contrast } else { 1.0 });
        let found = solve(&shape, &[1.0; 3], a, 1e-9);
        let [lower, upper] = bounds(&found);
        assert!(least_difference(lower, upper) >= 0.0, "{lower:?} {upper:?}");
        let [low, high] = [found.mixture.reuss, found.mixture.voigt];
        assert!((0..3).all(|d| low <= lower[d][d] && upper[d][d] <= high));
        assert!(found.effective.converged(1e-9));
    }
}

#[test]
fn what_does_not_percolate_is_exactly_zero() {
    // plates across x, an island between, and corners that touch
    let shape = [6, 5, 4];
    let plates = cube(&shape, |at| if at[0] < 2 || *at == [4, 2, 2] { 2.0 } else { 0.0 });
    let found = solve(&shape, &[1.0; 3], plates, 1e-12);
    for matrix in [&found.effective.tensor, bounds(&found)[0], bounds(&found)[1]] {
        assert!((0..3).all(|j| matrix[0][j] == 0.0 && matrix[j][0] == 0.0), "{matrix:?}");
        assert!((matrix[1][1] - 2.0 / 3.0).abs() < 1e-11 && (matrix[2][2] - 2.0 / 3.0).abs() < 1e-11, "{matrix:?}");
    }
    assert_eq!(found.percolating, [0.0, 1.0 / 3.0, 1.0 / 3.0]);
    let corners = cube(&[4, 4], |at| if at[0] % 2 == at[1] % 2 { 1.0 } else { 0.0 });
    let found = solve(&[4, 4], &[1.0; 2], corners, 1e-12);
    assert_eq!((bounds(&found)[1].clone(), found.percolating), (vec![vec![0.0; 2]; 2], vec![0.0; 2]));
    let nothing = solve(&[3, 3], &[1.0; 2], vec![0.0; 9], 1e-12);
    assert_eq!(nothing.effective.tensor, vec![vec![0.0; 2]; 2]);
}

#[test]
fn a_staircase_conducts_along_the_diagonal_only() {
    let n = 6;
    let stairs = cube(&[n, n], |at| if at[0] == at[1] || (at[0] + 1) % n == at[1] { 1.0 } else { 0.0 });
    let found = solve(&[n, n], &[1.0; 2], stairs, 1e-12);
    for matrix in [&found.effective.tensor, bounds(&found)[0], bounds(&found)[1]] {
        // ξ = (1, −1) drives nothing
        let across = matrix[0][0] - 2.0 * matrix[0][1] + matrix[1][1];
        assert!(across.abs() < 1e-10 && matrix[0][0] > 0.05, "{matrix:?}");
    }
}

#[test]
fn one_phase_and_one_voxel() {
    for shape in [vec![1], vec![1, 1, 1], vec![7, 5], vec![2, 1, 3]] {
        let size = vec![0.3; shape.len()];
        let found = solve(&shape, &size, cube(&shape, |_| 4.5), 1e-12);
        for matrix in [&found.effective.tensor, bounds(&found)[0], bounds(&found)[1]] {
            for (i, row) in matrix.iter().enumerate() {
                assert!(row.iter().enumerate().all(|(j, a)| (a - if i == j { 4.5 } else { 0.0 }).abs() < 1e-11));
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let shape = [17, 9, 12];
    let a = cube(&shape, |at| if (at[0] * 7 + at[1] * at[1] * 3 + at[2] * 5) % 11 < 6 { 1.0 } else { 0.02 });
    let by = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| solve(&shape, &[1.0, 2.0, 0.5], a.clone(), 1e-9)).effective
    };
    assert_eq!(by(1), by(3));
}

#[test]
fn what_is_no_material_is_refused() {
    let refused = |shape: &[usize], size: &[f64], a: Vec<f64>| VoxelCell::new(shape, size, a).unwrap_err().to_string();
    assert!(refused(&[2, 2], &[1.0; 2], vec![1.0; 3]).contains("shape [3], expected [2, 2]"));
    assert!(refused(&[2], &[1.0], vec![1.0, f64::NAN]).contains("voxel 1 of 2 (NaN)"));
    assert!(refused(&[2], &[1.0], vec![-1.0, 1.0]).contains("voxel 0 of 2 (-1)"));
    assert!(refused(&[2], &[0.0], vec![1.0; 2]).contains("voxel size = 0"));
    assert!(refused(&[], &[], vec![]).contains("shape"));
    let cell = VoxelCell::new(&[2], &[1.0], vec![1.0; 2]).unwrap();
    assert!(cell.effective(&VoxelOptions { tolerance: 0.0, ..Default::default() }, &Silent).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whenever the solver stops, the interval holds the truth: that of the same picture with finer voxels is known better.
    #[test]
    fn bounds_hold_for_unconverged_iterates(
        n in prop::array::uniform3(1usize..6), phases in prop::collection::vec(0usize..3, 125), low in 0usize..3, stop in 0i32..9,
    ) {
        let conductivity = [1.0, [0.0, 1e-3, 30.0][low], 0.2];
        let a = |at: &[usize]| conductivity[phases[(at[0] * 5 + at[1]) * 5 + at[2]]];
        let size = [1.0, 0.7, 1.9];
        let rough = solve(&n, &size, cube(&n, a), 10f64.powi(-stop - 1));
        let exact = solve(&n, &size, cube(&n, a), 1e-11);
        let fine = n.map(|n| 2 * n);
        let finer = solve(&fine, &size.map(|h| 0.5 * h), cube(&fine, |at| a(&[at[0] / 2, at[1] / 2, at[2] / 2])), 1e-11);
        let slack = -1e-10;
        for [lower, upper] in [bounds(&rough), bounds(&exact)] {
            prop_assert!(least_difference(lower, bounds(&finer)[1]) >= slack, "{lower:?} {finer:?}");
            prop_assert!(least_difference(bounds(&finer)[0], upper) >= slack, "{upper:?} {finer:?}");
        }
        // the potential's energy only falls on the way
        prop_assert!(least_difference(bounds(&exact)[1], bounds(&rough)[1]) >= slack);
        prop_assert!(least_difference(&exact.effective.tensor, bounds(&exact)[0]) >= slack, "two-point fluxes lie below");
    }

    /// In the plane A*[1/a] is A*[a]⁻¹ turned by a right angle (Keller 1964, Mendelson 1975).
    #[test]
    fn duality_in_the_plane(n in 2usize..8, m in 2usize..8, phases in prop::collection::vec(0usize..2, 64), stop in 0i32..9) {
        let a = |at: &[usize]| [1.0, 8.0][phases[at[0] * 8 + at[1]]];
        let tolerance = 10f64.powi(-stop - 1);
        let direct = solve(&[n, m], &[1.0, 1.3], cube(&[n, m], a), tolerance);
        let dual = solve(&[n, m], &[1.0, 1.3], cube(&[n, m], |at| 1.0 / a(at)), tolerance);
        let turned = |t: &Matrix| {
            let determinant = t[0][0] * t[1][1] - t[0][1] * t[1][0];
            // the inverse is [t11, −t01; −t10, t00]/det, and a right angle swaps the diagonal again
            vec![vec![t[0][0] / determinant, t[0][1] / determinant], vec![t[1][0] / determinant, t[1][1] / determinant]]
        };
        let [lower, upper] = bounds(&direct);
        prop_assert!(least_difference(lower, &turned(bounds(&dual)[0])) >= -1e-12);
        prop_assert!(least_difference(&turned(bounds(&dual)[1]), upper) >= -1e-12);
    }
}

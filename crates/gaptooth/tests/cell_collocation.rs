//! Cell problems by Fourier collocation: known answers, bounds, symmetries.

use gaptooth::Error;
use gaptooth::cell::{CellSolution, Collocation};
use gaptooth::coefficient::{CellTensor, FormulaTensor};
use proptest::prelude::*;

fn scalar(text: &str, dimension: usize) -> CellSolution {
    let a = FormulaTensor::scalar(text, dimension, &[]).unwrap();
    Collocation { bounds: true, ..Default::default() }.solve(&a).unwrap()
}

fn assert_tensor(found: &CellSolution, expected: &[&[f64]], tolerance: f64) {
    let found = &found.effective;
    for (i, row) in expected.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            let entry = found.tensor[i][j];
            assert!((entry - value).abs() < tolerance, "({i}, {j}): {entry} against {value} by {}", found.method);
            for bound in [&found.lower, &found.upper] {
                assert!((bound.as_ref().unwrap()[i][j] - value).abs() < 10.0 * tolerance, "({i}, {j}): {found:?}");
            }
        }
    }
    assert!(found.converged(1e-12), "{found:?}");
}

#[test]
fn golden_tensors() {
    let found = scalar("2 + sin(2*pi*y1)*cos(2*pi*y2)", 2);
    assert_tensor(&found, &[&[1.93535923481229, 0.0], &[0.0, 1.93535923481229]], 2e-14);
    for j in 0..2 {
        assert!((found.norm(j) - 0.02071427682360).abs() < 1e-14, "{}", found.norm(j));
    }
    let found = scalar("1/(2 + 1.8*sin(2*pi*(y1 - y2)))", 2);
    assert_tensor(&found, &[&[0.823539334676, 0.323539334676], &[0.323539334676, 0.823539334676]], 1e-12);
}

#[test]
fn laminates_in_every_dimension() {
    let series = 3.0_f64.sqrt();
    assert_tensor(&scalar("2 + sin(2*pi*y)", 1), &[&[series]], 1e-13);
    assert_tensor(&scalar("2 + sin(2*pi*y1)", 2), &[&[series, 0.0], &[0.0, 2.0]], 1e-13);
    assert_tensor(&scalar("2 + cos(2*pi*y2)", 3), &[&[2.0, 0.0, 0.0], &[0.0, series, 0.0], &[0.0, 0.0, 2.0]], 1e-13);
}

#[test]
fn constants_stay() {
    let rows = [vec!["2", "0.3", "-0.1"], vec!["0.3", "1", "0.2"], vec!["-0.1", "0.2", "3"]];
    let a = FormulaTensor::symmetric(&rows, &[]).unwrap();
    let found = Collocation { bounds: true, ..Default::default() }.solve(&a).unwrap();
    assert_tensor(&found, &[&[2.0, 0.3, -0.1], &[0.3, 1.0, 0.2], &[-0.1, 0.2, 3.0]], 1e-14);
    assert!((0..3).all(|j| found.norm(j) < 1e-15));
}

/// A₁₁ = 1/⟨1/a₁₁⟩, A₁₂ = ⟨a₁₂/a₁₁⟩ A₁₁, A₂₂ = ⟨a₂₂ − a₁₂²/a₁₁⟩ + ⟨a₁₂/a₁₁⟩² A₁₁ for layers across y1.
#[test]
fn a_laminated_tensor() {
    let rows = [vec!["2 + sin(2*pi*y1)", "0.4*sin(2*pi*y1)"], vec!["0.4*sin(2*pi*y1)", "3"]];
    let found = FormulaTensor::symmetric(&rows, &[]).unwrap();
    let found = Collocation { bounds: true, ..Default::default() }.solve(&found).unwrap();
    let root = 3.0_f64.sqrt();
    let ratio = 0.4 * (1.0 - 2.0 / root);
    let last = 3.0 - 0.16 * (4.0 / root - 2.0) + ratio * ratio * root;
    assert_tensor(&found, &[&[root, ratio * root], &[ratio * root, last]], 1e-13);
}

#[test]
fn correctors_solve_their_equation_between_the_grid_points() {
    let a = FormulaTensor::scalar("2 + sin(2*pi*y1)*cos(2*pi*y2)", 2, &[]).unwrap();
    let found = Collocation::default().solve(&a).unwrap();
    let h = 1e-4;
    let (y1, y2) = ([0.123, 0.123 + h, 0.123 - h, 0.123, 0.123], [0.77, 0.77, 0.77, 0.77 + h, 0.77 - h]);
    let y: [&[f64]; 2] = [&y1, &y2];
    let (chi, slopes, values) = (found.values(0, &y), found.gradients(0, &y), a.values(&y));
    let flux = |axis: usize, p: usize| values[0][p] * (slopes[axis][p] + if axis == 0 { 1.0 } else { 0.0 });
    let divergence = (flux(0, 1) - flux(0, 2) + flux(1, 3) - flux(1, 4)) / (2.0 * h);
    assert!(divergence.abs() < 1e-6, "{divergence}");
    assert!(((chi[1] - chi[2]) / (2.0 * h) - slopes[0][0]).abs() < 1e-7);
    let (n, grid) = (found.points[1], &found.correctors[1]);
    let (i, j) = (3, 5);
    let at = found.values(1, &[&[i as f64 / found.points[0] as f64], &[j as f64 / n as f64]])[0];
    assert!((at - grid[i * n + j]).abs() < 1e-14);
    let mean_square = grid.iter().map(|c| c * c).sum::<f64>() / grid.len() as f64;
    assert!((mean_square.sqrt() - found.norm(1)).abs() < 1e-15 && grid.iter().sum::<f64>().abs() < 1e-12);
}

#[test]
fn derivatives_are_those_of_the_values() {
    let rows = [vec!["2 + sin(2*pi*y1)", "0.4*cos(2*pi*y2)"], vec!["0.4*cos(2*pi*y2)", "3 + cos(2*pi*(y1+y2))"]];
    let tensors = [
        FormulaTensor::symmetric(&rows, &[]).unwrap(),
        FormulaTensor::scalar("2 + sin(2*pi*y1)*cos(2*pi*y2)", 2, &[]).unwrap(),
        FormulaTensor::scalar("2 + sin(2*pi*y)*cos(4*pi*y1)", 1, &[]).unwrap(),
    ];
    for a in tensors {
        let (d, h) = (a.dimension(), 1e-5);
        let here = [0.3, 0.8];
        let columns: Vec<[f64; 1]> = here[..d].iter().map(|y| [*y]).collect();
        let found = a.derivatives(&columns.iter().map(|c| &c[..]).collect::<Vec<_>>());
        for axis in 0..d {
            let moved = |step: f64| {
                let mut columns = columns.clone();
                columns[axis][0] += step;
                a.values(&columns.iter().map(|c| &c[..]).collect::<Vec<_>>())
            };
            let (after, before) = (moved(h), moved(-h));
            for c in 0..a.components() {
                let slope = (after[c][0] - before[c][0]) / (2.0 * h);
                assert!((slope - found[axis][c][0]).abs() < 1e-7, "{} axis {axis} component {c}", a.text());
            }
        }
    }
}

fn inverse(a: &[Vec<f64>]) -> [[f64; 2]; 2] {
    let det = a[0][0] * a[1][1] - a[0][1] * a[1][0];
    [[a[1][1] / det, -a[0][1] / det], [-a[1][0] / det, a[0][0] / det]]
}

/// The smallest eigenvalue of b − a.
fn gap(b: &[Vec<f64>], a: &[Vec<f64>]) -> f64 {
    let d = |i: usize, j: usize| b[i][j] - a[i][j];
    0.5 * (d(0, 0) + d(1, 1)) - (0.25 * (d(0, 0) - d(1, 1)).powi(2) + d(0, 1).powi(2)).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() })]

    /// Keller and Mendelson: the tensor of ã = RᵀA⁻¹R, R a quarter turn, is (RᵀA*⁻¹R); for a symmetric a, ã = a/det a.
    #[test]
    fn duality_in_the_plane(p in 0.1f64..0.7, q in -0.7f64..0.7, s in -0.4f64..0.4, phase in 0.0f64..1.0) {
        let a11 = format!("exp({p}*sin(2*pi*(y1+{phase})) + {q}*cos(2*pi*(y1-y2)))");
        let a22 = format!("(2 + sin(2*pi*y2) + {q}*cos(4*pi*y1))");
        let a12 = format!("({s}*sin(2*pi*(y1+2*y2)))");
        let det = format!("({a11}*{a22} - {a12}^2)");
        let rows = [vec![a11.as_str(), &a12], vec![&a12, &a22]];
        let over = |text: &str| format!("{text}/{det}");
        let turned = [[over(&a11), over(&a12)], [over(&a12), over(&a22)]];
        let turned: Vec<Vec<&str>> = turned.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        // the tensor is positive definite only for some of these
        prop_assume!(FormulaTensor::symmetric(&rows, &[]).is_ok());
        let a = FormulaTensor::symmetric(&rows, &[]).unwrap();
        let dual = FormulaTensor::symmetric(&turned, &[]).unwrap();
        let solver = Collocation { tolerance: 1e-11, ..Default::default() };
        let a_star = solver.solve(&a).unwrap().effective;
        let found = solver.solve(&dual).unwrap().effective;
        let inverse = inverse(&a_star.tensor);
        let expected = [[inverse[1][1], -inverse[0][1]], [-inverse[0][1], inverse[0][0]]];
        for (i, j) in [(0, 0), (0, 1), (1, 1)] {
            prop_assert!((found.tensor[i][j] - expected[i][j]).abs() < 1e-9, "{found:?} against {expected:?}");
        }
        prop_assert_eq!(a_star.tensor[0][1], a_star.tensor[1][0]);
        // on a coarse grid the bounds are apart and hold all the same
        let coarse = Collocation { points: Some(vec![8, 8]), bounds: true, ..Default::default() }.solve(&a).unwrap().effective;
        let (lower, upper) = (coarse.lower.unwrap(), coarse.upper.unwrap());
        prop_assert!(gap(&a_star.tensor, &lower) > -1e-6 && gap(&upper, &a_star.tensor) > -1e-6, "{lower:?} {a_star:?} {upper:?}");
        prop_assert!(gap(&upper, &lower) > 0.0);
        let fine = Collocation { tolerance: 1e-11, bounds: true, ..Default::default() }.solve(&a).unwrap().effective;
        let (lower, upper) = (fine.lower.unwrap(), fine.upper.unwrap());
        prop_assert!(gap(&fine.tensor, &lower) > -1e-11 && gap(&upper, &fine.tensor) > -1e-11);
        prop_assert!(gap(&lower, &upper) > -1e-9, "{lower:?} {upper:?}");
    }

    #[test]
    fn axes_may_be_swapped(p in 0.1f64..1.5, q in -1.0f64..1.0) {
        let text = format!("exp({p}*sin(2*pi*y1) + {q}*cos(2*pi*(y1-2*y2)))");
        let swapped = text.replace("y1", "z").replace("y2", "y1").replace('z', "y2");
        let solver = Collocation { tolerance: 1e-10, ..Default::default() };
        let [a, b] = [text, swapped].map(|t| solver.solve(&FormulaTensor::scalar(&t, 2, &[]).unwrap()).unwrap().effective);
        for (i, j) in [(0, 0), (0, 1), (1, 1)] {
            prop_assert!((a.tensor[i][j] - b.tensor[1 - i][1 - j]).abs() < 1e-10 * a.tensor[0][0].abs().max(1.0));
        }
    }
}

#[test]
fn three_dimensions_have_bounds_too() {
    let found = scalar("2 + sin(2*pi*y1)*cos(2*pi*y2)", 3);
    assert_tensor(&found, &[&[1.93535923481229, 0.0, 0.0], &[0.0, 1.93535923481229, 0.0], &[0.0, 0.0, 2.0]], 2e-14);
}

#[test]
fn an_alias_is_not_taken_for_a_constant() {
    // 2 on the first two grids
    let found = scalar("2 + sin(64*pi*y1)", 1);
    assert_tensor(&found, &[&[3.0_f64.sqrt()]], 1e-13);
}

#[test]
fn a_jump_does_not_converge_and_says_so() {
    let a = FormulaTensor::scalar("where(y1 % 1 < 0.3, 1, 10)", 2, &[]).unwrap();
    let found = Collocation { max_unknowns: 4096, ..Default::default() }.solve(&a).unwrap().effective;
    assert!(!found.converged(1e-6) && found.unknowns == 4096);
    assert!((found.tensor[0][0] - 1.0 / 0.37).abs() < 20.0 * found.residual + 0.2, "{found:?}");
}

#[test]
fn the_same_for_any_number_of_threads() {
    let a = FormulaTensor::scalar("2 + sin(2*pi*y1)*cos(2*pi*y2)", 2, &[]).unwrap();
    let solve = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Collocation::default().solve(&a).unwrap())
    };
    let (one, three) = (solve(1), solve(3));
    assert_eq!(one.correctors, three.correctors);
    assert_eq!(one.effective, three.effective);
}

#[test]
fn wrong_input_is_named() {
    let message = |text: &str, d: usize| FormulaTensor::scalar(text, d, &[]).unwrap_err().to_string();
    assert!(message("2 + foo", 2).contains("foo"));
    assert!(message("1 + sin(2*pi*y1) + cos(2*pi*y2)", 2).contains("is -1 at y1 = 0.75, y2 = 0.5"));
    assert!(message("2 + sin(y2)", 2).contains("along y2"));
    assert!(message("1/(y-0.5)^2", 1).contains("along y;"), "{}", message("1/(y-0.5)^2", 1));
    assert!(message("2 + y", 2).contains("y"));
    assert!(message("2", 4).contains("dimension = 4"));
    let indefinite = FormulaTensor::symmetric(&[vec!["1", "2"], vec!["2", "1"]], &[]).unwrap_err().to_string();
    assert!(indefinite.contains("is -1") && indefinite.contains("eigenvalue"), "{indefinite}");
    let skew = FormulaTensor::symmetric(&[vec!["1", "0.2"], vec!["0.1", "1"]], &[]).unwrap_err().to_string();
    assert!(skew.contains("symmetric"), "{skew}");
    let ragged = FormulaTensor::symmetric(&[vec!["1", "0.2"], vec!["0.1"]], &[]).unwrap_err();
    assert!(matches!(ragged, Error::Parameter { .. }));
    let a = FormulaTensor::scalar("2", 2, &[]).unwrap();
    for bad in [vec![8], vec![8, 2], vec![1 << 12, 1 << 12]] {
        let solver = Collocation { points: Some(bad), ..Default::default() };
        assert!(matches!(solver.solve(&a), Err(Error::Parameter { .. })));
    }
    assert!(Collocation { tolerance: 0.0, ..Default::default() }.solve(&a).is_err());
}

/// However few the points: the interval holds the truth, and an answer that is far from it does not say that it converged.
#[test]
fn bounds_on_any_number_of_points_hold_the_truth() {
    for (a, exact) in [(1.1, 0.21f64.sqrt()), (1.001, 0.002_001f64.sqrt()), (1.5, 1.25f64.sqrt())] {
        let text = format!("{a} + sin(2*pi*y1)");
        for n in (4..16).chain([18, 30]) {
            for d in [1, 2] {
                let tensor = FormulaTensor::scalar(&text, d, &[]).unwrap();
                let solver = Collocation { points: Some(vec![n; d]), bounds: true, ..Default::default() };
                let found = solver.solve(&tensor).unwrap().effective;
                let (lower, upper) = (found.lower.as_ref().unwrap()[0][0], found.upper.as_ref().unwrap()[0][0]);
                assert!(
                    lower <= exact * (1.0 + 1e-12) && exact <= upper * (1.0 + 1e-12),
                    "{text}, {n}^{d}: [{lower}, {upper}] for {exact}"
                );
                let wrong = (found.tensor[0][0] - exact).abs();
                assert!(wrong < 1e-6 || !found.converged(1e-12), "{text}, {n}^{d}: {} for {exact}", found.tensor[0][0]);
            }
        }
    }
}

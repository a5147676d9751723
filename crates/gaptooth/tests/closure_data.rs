//! Laws of datasets, features, random states and the tall least squares.

use gaptooth::{
    Error,
    closure::{Amplitudes, Dataset, FeatureSpec, Features, Provenance, SineSum, TallLeastSquares, initial_states},
    grid::{Axis, Boundary, Grid},
    stencil::EdgeRule,
};
use proptest::prelude::*;

/// Every entry names its trajectory, time and point: 100 i + 10 k + j.
fn labelled(trajectories: usize) -> Dataset {
    let grid = Grid::uniform([0.0, 1.0], 4, Boundary::Neumann).unwrap();
    let label = |i: usize, k: usize, j: usize| (100 * i + 10 * k + j) as f64;
    let u: Vec<f64> =
        (0..trajectories).flat_map(|i| (0..3).flat_map(move |k| (0..5).map(move |j| label(i, k, j)))).collect();
    let u_t = u.iter().map(|v| -v).collect();
    Dataset::new(grid, vec![0.0, 0.1, 0.2], u, u_t, Provenance::new()).unwrap()
}

fn trajectories_in(data: &Dataset) -> Vec<usize> {
    let mut found: Vec<usize> = data.u.iter().map(|v| (v / 100.0) as usize).collect();
    found.dedup();
    found
}

proptest! {
    #[test]
    fn a_split_never_mixes_trajectories(n in 2usize..9, held_out in 1usize..8) {
        let data = labelled(n);
        if held_out >= n {
            prop_assert!(data.split(held_out).is_err());
            return Ok(());
        }
        let (training, unseen) = data.split(held_out).unwrap();
        prop_assert_eq!(trajectories_in(&training), (0..n - held_out).collect::<Vec<_>>());
        prop_assert_eq!(trajectories_in(&unseen), (n - held_out..n).collect::<Vec<_>>());
        training.validate().unwrap();
        unseen.validate().unwrap();
    }

    #[test]
    fn a_selection_keeps_its_rows_together(picked in prop::collection::vec(0usize..5, 1..4), from in 0usize..2) {
        let data = labelled(5).select(&picked, from..3).unwrap();
        prop_assert_eq!(data.trajectories(), picked.len());
        for (i, original) in picked.iter().enumerate() {
            for k in 0..data.times.len() {
                let s = data.snapshot(i, k);
                prop_assert_eq!(s.time, 0.1 * (k + from) as f64);
                prop_assert_eq!(s.u[2], (100 * original + 10 * (k + from) + 2) as f64);
                prop_assert_eq!(s.u_t[2], -s.u[2]);
            }
        }
    }
}

#[test]
fn bad_datasets_say_where() {
    let good = labelled(4);
    let mut nan = good.clone();
    nan.u_t[2 * 15 + 5 + 3] = f64::NAN; // trajectory 2, time 1, point 3
    let message = nan.validate().unwrap_err().to_string();
    assert!(message.contains("u_t of trajectory 2 at x = 0.75") && message.contains("t = 0.1"), "{message}");

    let mut short = good.clone();
    short.u.pop();
    assert!(matches!(short.validate(), Err(Error::Shape { .. })));
    let mut unsorted = good.clone();
    unsorted.times[2] = 0.1;
    assert!(unsorted.validate().unwrap_err().to_string().contains("0.1 after 0.1"));
    let mut moving = good.clone();
    moving.grid = Axis { boundary: Boundary::Dirichlet, ..moving.grid.axes()[0].clone() }.into();
    assert!(moving.validate().unwrap_err().to_string().contains("Dirichlet"));
    let empty = Dataset { u: vec![], u_t: vec![], ..good.clone() };
    assert!(empty.validate().is_err());
    assert!(good.select(&[4], 0..1).is_err());
    assert!(good.select(&[0], 1..1).is_err());
}

#[test]
fn features_are_derivatives_and_neighbours_at_the_active_points() {
    let grid = Grid::uniform([0.0, 1.0], 10, Boundary::Dirichlet).unwrap();
    let u: Vec<f64> = grid.axes()[0].x.iter().map(|x| 3.0 * x * x).collect();
    let spec = FeatureSpec::differences(&[0, 1, 2], 3, EdgeRule::OneSided);
    let f = Features::new(spec.clone(), &grid).unwrap();
    assert_eq!((f.len(), f.points()), (3, 9));
    assert_eq!(spec.names(1), ["u", "u_x", "u_xx"]);
    let out = f.apply(&u);
    for (p, x) in grid.axes()[0].x[1..10].iter().enumerate() {
        assert!((out[p] - 3.0 * x * x).abs() < 1e-14);
        assert!((out[9 + p] - 6.0 * x).abs() < 1e-12);
        assert!((out[18 + p] - 6.0).abs() < 1e-10);
    }
    let spec = FeatureSpec::Neighbours { half: 2 };
    assert_eq!(spec.names(1), ["u[-2]", "u[-1]", "u[+0]", "u[+1]", "u[+2]"]);
    let out = Features::new(spec, &grid).unwrap().apply(&u);
    assert_eq!(out[9 + 4], u[4]); // left neighbour of point 5
    assert!((out[0] - (2.0 * u[0] - u[1])).abs() < 1e-15); // beyond the left end: odd about it
    let periodic = Grid::uniform([0.0, 1.0], 10, Boundary::Periodic).unwrap();
    let out = Features::new(FeatureSpec::Neighbours { half: 1 }, &periodic).unwrap().apply(&u[..10]);
    assert_eq!((out.len(), out[0], out[20 + 9]), (30, u[9], u[0]));
}

#[test]
fn features_that_do_not_fit_are_refused() {
    let grid = Grid::uniform([0.0, 1.0], 10, Boundary::Dirichlet).unwrap();
    let derivatives = |orders: &[usize], points| FeatureSpec::differences(orders, points, EdgeRule::Reflect);
    for spec in [
        derivatives(&[], 3),
        derivatives(&[2, 2], 3),
        derivatives(&[4], 3),
        derivatives(&[2], 13),
        FeatureSpec::Neighbours { half: 11 },
    ] {
        assert!(matches!(Features::new(spec, &grid), Err(Error::Parameter { .. })));
    }
}

#[test]
fn random_states_are_the_same_function_on_every_grid() {
    let coarse: Vec<f64> = (0..11).map(|i| f64::from(i) / 10.0).collect();
    let fine: Vec<f64> = (0..21).map(|i| f64::from(i) / 20.0).collect();
    let (a, b) = (initial_states(3, 4, &coarse), initial_states(3, 2, &fine));
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(a[5], b[10]);
    }
    assert_ne!(a[0], a[1]);
    assert_ne!(a[0], initial_states(4, 1, &coarse)[0]);
}

#[test]
fn random_states_have_the_ranges_of_the_paper_and_of_the_code() {
    let (mut mean, mut square) = ([0.0; 3], 0.0);
    for i in 0..500 {
        let state = SineSum::random(11, i, Amplitudes::Paper);
        assert_eq!((state.terms.len(), state.shift), (20, 0.0));
        for [a, l, phase] in &state.terms {
            assert!(a.abs() <= 1.0 && (0.0..=4.0).contains(l) && (0.0..=std::f64::consts::TAU).contains(phase));
            mean[0] += a / 1e4;
            mean[1] += l / 1e4;
            mean[2] += phase / 1e4;
            square += a * a / 1e4;
        }
        let code = SineSum::random(11, i, Amplitudes::Code);
        assert!(code.terms.iter().all(|t| t[0].abs() <= 0.5));
        let sampled: Vec<f64> = (0..128).map(|i| code.eval(std::f64::consts::TAU * f64::from(i) / 127.0)).collect();
        assert!(sampled.iter().all(|v| *v >= 0.05));
    }
    // uniform: standard errors of the means are 0.006, 0.012, 0.018
    assert!(mean[0].abs() < 0.03 && (mean[1] - 2.0).abs() < 0.06 && (mean[2] - std::f64::consts::PI).abs() < 0.09);
    assert!((square - 1.0 / 3.0).abs() < 0.02);
}

/// Columns 1, x, x², x³ on 5000 points (three blocks), nearly dependent when the interval is short.
fn powers(width: f64) -> (Vec<f64>, usize) {
    let m = 5000;
    let x = move |b: usize| 1.0 + width * (b as f64 / m as f64 - 0.5);
    ((0..4).flat_map(|k| (0..m).map(move |b| x(b).powi(k))).collect(), m)
}

fn solve(columns: &[f64], targets: &[f64], weights: Option<&[f64]>) -> gaptooth::closure::LeastSquaresSolution {
    TallLeastSquares { columns, targets, weights, rank_tolerance: 1e-14 }.solve().unwrap()
}

#[test]
fn ill_conditioned_columns_keep_their_digits() {
    // condition about 1e6: normal equations (1e12) would leave four digits, orthogonal blocks leave seven
    let (columns, m) = powers(0.05);
    let c = [1.0, -2.0, 0.5, 3.0];
    let y: Vec<f64> = (0..m).map(|b| (0..4).map(|k| c[k] * columns[k * m + b]).sum()).collect();
    let s = solve(&columns, &y, None);
    assert!(s.condition > 1e5 && s.rank == 4, "{}", s.condition);
    assert!(s.coefficients.iter().zip(c).all(|(a, b)| (a - b).abs() < 1e-7), "{:?}", s.coefficients);
    assert!(s.residual < 1e-13 * s.target);
}

#[test]
fn standard_errors_are_those_of_the_textbook() {
    // y = c x with unit noise: error of c is σ/√(Σ x²)
    let m = 3000;
    let x: Vec<f64> = (0..m).map(|b| 1.0 + b as f64 / m as f64).collect();
    let noise = |b: usize| if b.is_multiple_of(2) { 0.1 } else { -0.1 };
    let y: Vec<f64> = (0..m).map(|b| 2.0 * x[b] + noise(b)).collect();
    let s = solve(&x, &y, None);
    let expected = 0.1 / x.iter().map(|x| x * x).sum::<f64>().sqrt();
    assert!((s.standard_errors[0] / expected - 1.0).abs() < 1e-3);
    assert!((s.coefficients[0] - 2.0).abs() < expected);
    assert!((s.residual - 0.1 * (m as f64).sqrt()).abs() < 1e-3);
}

#[test]
fn dependent_columns_give_the_least_solution_and_weights_choose_rows() {
    let x: Vec<f64> = (0..100).map(|b| f64::from(b) / 10.0).collect();
    let y: Vec<f64> = x.iter().map(|x| 6.0 * x).collect();
    let s = solve(&[x.clone(), x.clone()].concat(), &y, None);
    assert_eq!(s.rank, 1);
    assert!(s.coefficients.iter().all(|c| (c - 3.0).abs() < 1e-12), "{:?}", s.coefficients);

    let mut broken = y.clone();
    broken[50..].fill(0.0);
    let weights: Vec<f64> = (0..100).map(|b| if b < 50 { 1.0 } else { 0.0 }).collect();
    assert!((solve(&x, &broken, Some(&weights)).coefficients[0] - 6.0).abs() < 1e-13);
    assert!(TallLeastSquares { columns: &x, targets: &y[..3], weights: None, rank_tolerance: 0.0 }.solve().is_err());
}

#[test]
fn the_bits_of_least_squares_do_not_depend_on_the_threads() {
    let (columns, m) = powers(0.5);
    let y: Vec<f64> = (0..m).map(|b| (b as f64).sin()).collect();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| solve(&columns, &y, None))
    };
    assert_eq!(with(1), with(3));
}

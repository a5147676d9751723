//! Neural cell problems against Fourier collocation and closed forms; bounds that hold whatever the training did.

use gaptooth::{
    cell::{Collocation, certified},
    coefficient::FormulaTensor,
    nn::Taylor,
    observer::Silent,
    pinn::{NeuralCell, Plan, SlowCell, Stopped},
};
use proptest::prelude::*;

fn entries(m: &[Vec<f64>]) -> [f64; 3] {
    [m[0][0], m[0][1], m[1][1]]
}

/// Whether a − b is positive semidefinite, up to `slack`.
fn above(a: &[Vec<f64>], b: &[Vec<f64>], slack: f64) -> bool {
    let [x, y, z] = std::array::from_fn(|k| entries(a)[k] - entries(b)[k]);
    let (mean, radius) = (0.5 * (x + z), (0.25 * (x - z) * (x - z) + y * y).sqrt());
    mean - radius >= -slack
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn the_networks_agree_with_collocation(c in 1.8f64..2.5, s in 0.3f64..0.8, t in 0.0f64..0.5, phase in 0.0f64..1.0) {
        let text = format!("{c} + {s}*sin(2*pi*(y1 + {phase}))*cos(2*pi*y2) + {t}*sin(2*pi*(y1 - y2))");
        let tensor = FormulaTensor::scalar(&text, 2, &[]).unwrap();
        let exact = Collocation::default().solve(&tensor).unwrap();
        let cell = NeuralCell { hidden: vec![16, 16], points: 16, tolerance: 1e-7, ..NeuralCell::new(2) };
        let solution = cell.solve(&tensor, &Silent).unwrap();
        let found = solution.cell.effective;
        // the stated tolerance is the certified width, and training ends there: a network may stop gaining before, none goes on to the last step
        prop_assert!(found.converged(1e-7), "{}", found.residual);
        prop_assert!(solution.trainings.iter().all(|t| t.stopped != Some(Stopped::Iterations)));
        for (f, e) in entries(&found.tensor).iter().zip(entries(&exact.effective.tensor)) {
            prop_assert!((f - e).abs() <= found.residual + 1e-13, "{f} {e} {}", found.residual);
        }
    }

    #[test]
    fn bounds_hold_for_any_correctors(seed in 0u64..1000, iterations in 0usize..6, tensorial: bool) {
        let rows = [vec!["2 + sin(2*pi*y1)", "0.4*cos(2*pi*(y1+y2))"], vec!["0.4*cos(2*pi*(y1+y2))", "exp(cos(2*pi*y2))"]];
        let tensor = match tensorial {
            true => FormulaTensor::symmetric(&rows, &[]).unwrap(),
            false => FormulaTensor::scalar("2 + sin(2*pi*y1)*cos(2*pi*y2)", 2, &[]).unwrap(),
        };
        let exact = Collocation::default().solve(&tensor).unwrap().effective.tensor;
        let plan = Plan { iterations, patience: 0, ..Plan::default() };
        let cell = NeuralCell { hidden: vec![8], points: 12, plan, seed, ..NeuralCell::new(2) };
        let found = cell.solve(&tensor, &Silent).unwrap().cell.effective;
        let (lower, upper) = (found.lower.unwrap(), found.upper.unwrap());
        // the energy of any corrector is an upper bound, the solenoidal flux's a lower one
        prop_assert!(above(&upper, &exact, 1e-13) && above(&exact, &lower, 1e-13), "{lower:?} {exact:?} {upper:?}");
        prop_assert!(above(&found.tensor, &exact, 1e-13));
    }
}

#[test]
fn the_paper_s_cell_problem_to_nine_digits() {
    let tensor = FormulaTensor::scalar("2 + sin(2*pi*y1)*cos(2*pi*y2)", 2, &[]).unwrap();
    let cell = NeuralCell {
        points: 16,
        plan: Plan { iterations: 60, ..Plan::default() },
        hidden: vec![20, 20],
        ..NeuralCell::new(2)
    };
    let found = cell.solve(&tensor, &Silent).unwrap();
    assert!((found.cell.effective.tensor[0][0] - 1.935_359_234_812_29).abs() < 1e-9);
    assert!((found.cell.norm(0) / 0.020_714_276_823_60 - 1.0).abs() < 1e-4);
    assert!(found.trainings.iter().all(|t| t.work.jacobians == t.iterations as u64));
}

#[test]
fn in_three_dimensions_too() {
    let tensor = FormulaTensor::scalar("2 + 0.5*sin(2*pi*y1)*cos(2*pi*y2)*cos(2*pi*y3)", 3, &[]).unwrap();
    let exact = Collocation { tolerance: 1e-10, ..Collocation::default() }.solve(&tensor).unwrap().effective.tensor;
    let plan = Plan { iterations: 25, ..Plan::default() };
    let cell = NeuralCell { hidden: vec![16], points: 8, plan, ..NeuralCell::new(3) };
    let found = cell.solve(&tensor, &Silent).unwrap().cell.effective;
    let (lower, upper) = (found.lower.unwrap(), found.upper.unwrap());
    for i in 0..3 {
        assert!(
            lower[i][i] <= exact[i][i] && exact[i][i] <= upper[i][i] && upper[i][i] - lower[i][i] < 1e-3,
            "{lower:?} {upper:?}"
        );
    }
}

#[test]
fn one_network_for_all_slow_points() {
    let a = |x: f64, y: f64| {
        let [y, x] = [Taylor::variable(0, y), Taylor::variable(1, x)];
        0.5 * (y * std::f64::consts::TAU).sin() + x.sin() + 2.0
    };
    let cell =
        SlowCell { hidden: vec![16, 16], points: [10, 16], plan: Plan { iterations: 80, ..Plan::default() }, seed: 3 };
    let (found, _) = cell.solve(&a, [0.0, 3.0], None, &mut |_, _| Ok(()), &Silent).unwrap();
    let x: Vec<f64> = (0..=20).map(|k| 0.15 * f64::from(k)).collect();
    for (x, [value, slope]) in x.iter().zip(found.effective(&a, &x)) {
        let exact = ((2.0 + x.sin()).powi(2) - 0.25).sqrt();
        assert!((value - exact).abs() < 1e-6, "{x}: {value} {exact}");
        assert!((slope - (2.0 + x.sin()) * x.cos() / exact).abs() < 1e-5, "{x}: {slope}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let tensor = FormulaTensor::scalar("2", 2, &[]).unwrap();
    assert!(NeuralCell { points: 3, ..NeuralCell::new(2) }.solve(&tensor, &Silent).is_err());
    assert!(NeuralCell { tolerance: f64::NAN, ..NeuralCell::new(2) }.solve(&tensor, &Silent).is_err());
    assert!(NeuralCell { hidden: vec![0], ..NeuralCell::new(2) }.solve(&tensor, &Silent).is_err());
    let nan = certified(&tensor, &|y| Ok(vec![vec![f64::NAN; y[0].len()]; 2]));
    assert!(nan.unwrap_err().to_string().contains("a corrector is NaN"));
}

//! Learning on small data with known laws: seeded, held out, below a bound and below a trivial baseline.

use std::f64::consts::PI;

use gaptooth::{
    Error, Result,
    closure::{
        BatchOf, Closure, Dataset, FeatureSpec, Gate, LinearLaw, LinearRecipe, NetworkRecipe, Provenance,
        ResidualMethod, ResidualRecipe, Scaling, SineSum, Validation, Weighting, fit_linear, fit_network, fit_residual,
        metrics, select_linear, validate,
    },
    grid::{Boundary, Grid},
    nn::TrainState,
    observer::Silent,
    ode::OdeSystem,
    stencil::EdgeRule,
};
use rand::{RngExt, SeedableRng};

const DIFFUSIVITY: f64 = 0.458_256_86;

fn derivatives(orders: &[usize], points: usize) -> FeatureSpec {
    FeatureSpec::differences(orders, points, EdgeRule::Reflect)
}

/// u_t = a u_xx exactly, from a sine series with six random modes on [0, 1] and values 1, 2 at the ends.
fn diffusion(trajectories: usize, intervals: usize, snapshots: usize) -> Dataset {
    let grid = Grid::uniform([0.0, 1.0], intervals, Boundary::Dirichlet).unwrap();
    let times: Vec<f64> = (0..snapshots).map(|k| 0.02 * k as f64).collect();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let (mut u, mut u_t) = (vec![], vec![]);
    for _ in 0..trajectories {
        let b: Vec<f64> = (1..=6).map(|k| (2.0 * rng.random::<f64>() - 1.0) / f64::from(k)).collect();
        for t in &times {
            for (j, x) in grid.axes()[0].x.iter().enumerate() {
                let mode = |k: f64, b: f64| b * (k * PI * x).sin() * (-DIFFUSIVITY * (k * PI).powi(2) * t).exp();
                let modes = || b.iter().enumerate().map(|(i, b)| ((i + 1) as f64, *b));
                let inside = j > 0 && j < intervals;
                let sum: f64 = modes().map(|(k, b)| mode(k, b)).sum();
                let slope: f64 = modes().map(|(k, b)| -DIFFUSIVITY * (k * PI).powi(2) * mode(k, b)).sum();
                u.push(1.0 + x + if inside { sum } else { 0.0 });
                u_t.push(if inside { slope } else { 0.0 });
            }
        }
    }
    Dataset::new(grid, times, u, u_t, Provenance::new()).unwrap()
}

/// Classical Runge–Kutta with steps of at most 1e-3, written here so that no other module is trusted.
fn runge_kutta(law: &dyn Closure, u0: &[f64], times: &[f64]) -> Result<Vec<Vec<f64>>> {
    small_steps(law, u0, times)
}

fn small_steps(law: &dyn OdeSystem, u0: &[f64], times: &[f64]) -> Result<Vec<Vec<f64>>> {
    let n = u0.len();
    let (mut u, mut out) = (u0.to_vec(), vec![u0.to_vec()]);
    for w in times.windows(2) {
        let steps = ((w[1] - w[0]) / 1e-3 - 1e-9).ceil();
        let dt = (w[1] - w[0]) / steps;
        for _ in 0..steps as usize {
            let (mut sum, mut k) = (vec![0.0; n], vec![0.0; n]);
            for (shift, weight) in [(0.0, 1.0), (0.5, 2.0), (0.5, 2.0), (1.0, 1.0)] {
                let at: Vec<f64> = u.iter().zip(&k).map(|(u, k)| u + shift * dt * k).collect();
                law.rhs_into(0.0, &at, &mut k);
                sum.iter_mut().zip(&k).for_each(|(s, k)| *s += weight * k);
            }
            u.iter_mut().zip(&sum).for_each(|(u, s)| *u += dt / 6.0 * s);
        }
        out.push(u.clone());
    }
    Ok(out)
}

fn rhs_error(law: &dyn OdeSystem, data: &Dataset) -> f64 {
    let mut predicted = vec![];
    for s in data.snapshots() {
        let mut du = vec![0.0; s.u.len()];
        law.rhs_into(s.time, s.u, &mut du);
        predicted.extend(du);
    }
    metrics::relative_mean_squared_error(&predicted, &data.u_t).unwrap()
}

#[test]
fn a_linear_law_recovers_the_diffusivity() {
    let (training, unseen) = diffusion(6, 20, 26).split(2).unwrap();
    let wide = fit_linear(&training, &LinearRecipe::relative(derivatives(&[2], 15))).unwrap();
    let c = wide.law.coefficients()[0];
    assert!((c - DIFFUSIVITY).abs() < 1e-6, "{c}");
    assert!((c - DIFFUSIVITY).abs() < 50.0 * wide.standard_errors[0] && wide.standard_errors[0] < 1e-6);
    assert_eq!((wide.rank, wide.rows), (1, 4 * 26 * 19));

    let error = rhs_error(&wide.law, &unseen);
    let arithmetic = LinearLaw::new(derivatives(&[2], 15), &training.grid, vec![1.1]).unwrap();
    assert!(error < 1e-6 && error < 1e-5 * rhs_error(&arithmetic, &unseen), "{error}");

    // three points: the truncation error is absorbed by the coefficient, and stays visible
    let narrow = fit_linear(&training, &LinearRecipe::absolute(derivatives(&[2], 3))).unwrap();
    assert!(rhs_error(&narrow.law, &unseen) > 100.0 * error);
    assert!(narrow.law.coefficients()[0] > DIFFUSIVITY);
}

#[test]
fn relative_weights_let_the_tail_count() {
    let data = diffusion(3, 10, 40);
    let tail = data.select(&[0, 1, 2], 30..40).unwrap();
    let stencil = FeatureSpec::Neighbours { half: 1 };
    let absolute = fit_linear(&data, &LinearRecipe::absolute(stencil.clone())).unwrap();
    let relative = fit_linear(&data, &LinearRecipe::relative(stencil)).unwrap();
    let (a, r) = (rhs_error(&absolute.law, &tail), rhs_error(&relative.law, &tail));
    assert!(r < 0.1 * a, "{r} {a}");
    let mut recipe = LinearRecipe::relative(derivatives(&[2], 3));
    recipe.weighting = Weighting::Relative { floor: 0.0 };
    assert!(matches!(fit_linear(&data, &recipe), Err(Error::Parameter { .. })));
}

#[test]
fn selection_follows_unseen_trajectories() {
    let data = diffusion(5, 20, 11);
    let candidates: Vec<LinearRecipe> =
        [derivatives(&[2], 3), derivatives(&[2], 15), derivatives(&[1, 2], 15), derivatives(&[2, 4], 5)]
            .into_iter()
            .map(LinearRecipe::relative)
            .collect();
    let chosen = select_linear(&data, 2, &candidates, &runge_kutta, 1e-6, &Silent).unwrap();
    assert_eq!(chosen.best, 1, "{:?}", chosen.scores.iter().map(|s| s.error).collect::<Vec<_>>());
    let error = chosen.scores[1].error.unwrap();
    assert!(error.relative < 1e-5 && error.relative < 1e-2 * chosen.scores[0].error.unwrap().relative);
    assert_eq!(chosen.fit.rows, 5 * 11 * 19);

    // an integrator that fails, or a law that cannot be built, is a score and not an error …
    let broken = |law: &dyn Closure, u0: &[f64], times: &[f64]| {
        let mut du = vec![0.0; u0.len()];
        law.rhs_into(0.0, u0, &mut du);
        if du.iter().any(|v| v.abs() > 1e9) {
            Err(Error::parameter("u", 1, "2", "3"))
        } else {
            runge_kutta(law, u0, times)
        }
    };
    let candidates = [LinearRecipe::relative(derivatives(&[8], 7)), LinearRecipe::relative(derivatives(&[2], 9))];
    let chosen = select_linear(&data, 2, &candidates, &broken, 1e-6, &Silent).unwrap();
    assert_eq!(chosen.best, 1);
    assert!(chosen.scores[0].failure.as_ref().unwrap().contains("u_xxxxxxxx"));
    // … unless none is left
    assert!(select_linear(&data, 2, &candidates[..1], &broken, 1e-6, &Silent).is_err());
}

#[test]
fn the_paper_s_networks_beat_the_trivial_laws() {
    let (training, unseen) = diffusion(8, 10, 26).split(2).unwrap();
    let zero = LinearLaw::new(derivatives(&[2], 3), &training.grid, vec![0.0]).unwrap();
    let arithmetic = LinearLaw::new(derivatives(&[2], 3), &training.grid, vec![1.1]).unwrap();
    let trivial = rhs_error(&zero, &unseen).min(rhs_error(&arithmetic, &unseen));
    for (features, bound) in [(FeatureSpec::paper_functional(1), 0.1), (FeatureSpec::paper_discretized(1), 0.5)] {
        let recipe = NetworkRecipe { epochs: 80, ..NetworkRecipe::paper(features, 7) };
        let fit = fit_network(&training, &recipe, None, &mut |_| Ok(()), &Silent).unwrap();
        let error = rhs_error(&fit.law, &unseen);
        assert!(error < bound && error < 0.5 * trivial, "{error} {trivial}");
        assert_eq!(fit.loss.len(), 80);
        assert!(fit.loss[79] < 0.3 * fit.loss[0], "{} {}", fit.loss[0], fit.loss[79]);
    }
}

#[test]
fn training_resumes_bitwise_in_every_variant() {
    let data = diffusion(2, 10, 12);
    for (scaling, batch_of) in [(Scaling::Raw, BatchOf::Points), (Scaling::Standardise, BatchOf::Snapshots)] {
        let recipe = NetworkRecipe {
            epochs: 6,
            scaling,
            batch_of,
            ..NetworkRecipe::released_code(FeatureSpec::paper_discretized(1), 3)
        };
        let mut saved: Option<TrainState> = None;
        let mut keep = |s: &TrainState| {
            saved = if s.epoch == 2 { Some(s.clone()) } else { saved.take() };
            Ok(())
        };
        let whole = fit_network(&data, &recipe, None, &mut keep, &Silent).unwrap();
        let again = fit_network(&data, &recipe, saved, &mut |_| Ok(()), &Silent).unwrap();
        assert_eq!(again.state, whole.state);
        assert_eq!(again.loss, whole.loss);
        assert_eq!(again.law.net(), whole.law.net());
    }
}

/// u_t = 0.02 u_xx + u − u³ on a periodic grid, with the derivative of the law itself.
struct AllenCahn(LinearLaw);

impl OdeSystem for AllenCahn {
    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        self.0.rhs_into(t, u, du);
        du.iter_mut().zip(u).for_each(|(d, u)| *d += u - u.powi(3));
    }
}

fn allen_cahn(trajectories: u64) -> Dataset {
    let grid = Grid::uniform([0.0, 1.0], 24, Boundary::Periodic).unwrap();
    let truth = AllenCahn(LinearLaw::new(derivatives(&[2], 7), &grid, vec![0.02]).unwrap());
    let times: Vec<f64> = (0..21).map(|k| 0.05 * f64::from(k)).collect();
    let (mut u, mut u_t) = (vec![], vec![]);
    for i in 0..trajectories {
        // whole wave numbers make the paper's states periodic
        let mut state = SineSum::random(5, i, Default::default());
        state.terms.iter_mut().for_each(|t| *t = [0.3 * t[0], t[1].floor(), t[2]]);
        for s in small_steps(&truth, &state.sample(&grid.axes()[0].x), &times).unwrap() {
            let mut du = vec![0.0; s.len()];
            truth.rhs_into(0.0, &s, &mut du);
            u.extend(s);
            u_t.extend(du);
        }
    }
    Dataset::new(grid, times, u, u_t, Provenance::new()).unwrap()
}

#[test]
fn the_gate_opens_where_the_law_is_nonlinear_and_helps() {
    let (training, unseen) = allen_cahn(6).split(2).unwrap();
    let linear = fit_linear(&training, &LinearRecipe::relative(derivatives(&[0, 2], 7))).unwrap().law;
    let validation = Validation { data: &unseen, integrate: &runge_kutta, floor: 1e-6 };
    for (method, iterations) in [(ResidualMethod::LevenbergMarquardt, 40), (ResidualMethod::Lbfgs, 300)] {
        let recipe = ResidualRecipe { method, iterations, ..ResidualRecipe::new(derivatives(&[0, 2], 7), 2) };
        let fit = fit_residual(&training, &linear, &recipe, &validation, &Silent).unwrap();
        let (before, after) = (fit.linear_error.relative, fit.composite_error.unwrap().relative);
        assert_eq!((fit.gate, fit.law.gate()), (Gate::Open, 1.0), "{before} {after}");
        assert!(after < 0.1 * before && after < 1e-2, "{method:?}: {before} {after}");
        assert!(fit.training_gain < 0.1);
        assert_eq!(validate(&fit.law, &validation).unwrap().relative, after);
        let mut du = vec![1.0; 24];
        fit.law.rhs_into(0.0, &[0.0; 24], &mut du);
        assert_eq!(du, [0.0; 24]);
    }
}

#[test]
fn the_gate_closes_on_a_linear_law_with_noise() {
    let (mut training, unseen) = diffusion(6, 20, 16).split(2).unwrap();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(9);
    training.u_t.iter_mut().for_each(|v| *v *= 1.0 + 1e-2 * (2.0 * rng.random::<f64>() - 1.0));
    let linear = fit_linear(&training, &LinearRecipe::relative(derivatives(&[2], 15))).unwrap().law;
    let validation = Validation { data: &unseen, integrate: &runge_kutta, floor: 1e-6 };
    let recipe = ResidualRecipe::new(derivatives(&[0, 1, 2], 15), 1);
    let fit = fit_residual(&training, &linear, &recipe, &validation, &Silent).unwrap();
    assert_eq!((fit.gate, fit.law.gate()), (Gate::Closed, 0.0), "{:?} {:?}", fit.linear_error, fit.composite_error);
    assert!(fit.training_gain < 1.0, "it did fit the noise: {}", fit.training_gain);
    let s = unseen.snapshot(0, 3);
    let (mut a, mut b) = (vec![0.0; 21], vec![0.0; 21]);
    fit.law.rhs_into(0.0, s.u, &mut a);
    linear.rhs_into(0.0, s.u, &mut b);
    assert_eq!(a, b);
}

#[test]
fn nothing_is_trained_on_round_off() {
    let grid = Grid::uniform([0.0, 1.0], 8, Boundary::Periodic).unwrap();
    let law = LinearLaw::new(derivatives(&[2], 3), &grid, vec![0.1]).unwrap();
    let u: Vec<f64> = (0..32).map(|i| f64::from(i * i % 7)).collect();
    let u_t: Vec<f64> = u
        .chunks(8)
        .flat_map(|u| {
            let mut du = vec![0.0; 8];
            law.rhs_into(0.0, u, &mut du);
            du
        })
        .collect();
    let data = Dataset::new(grid, vec![0.0, 0.01], u, u_t, Provenance::new()).unwrap();
    let (training, unseen) = data.split(1).unwrap();
    let validation = Validation { data: &unseen, integrate: &runge_kutta, floor: 1e-6 };
    let recipe = ResidualRecipe::new(derivatives(&[2], 3), 1);
    let fit = fit_residual(&training, &law, &recipe, &validation, &Silent).unwrap();
    assert_eq!((fit.gate, fit.training), (Gate::Idle, None));
}

#[test]
fn learning_does_not_depend_on_the_threads() {
    let (training, unseen) = allen_cahn(3).split(1).unwrap();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let linear = fit_linear(&training, &LinearRecipe::relative(derivatives(&[0, 2], 7))).unwrap().law;
            let validation = Validation { data: &unseen, integrate: &runge_kutta, floor: 1e-6 };
            let recipe = ResidualRecipe { iterations: 5, ..ResidualRecipe::new(derivatives(&[0, 2], 7), 2) };
            let fit = fit_residual(&training, &linear, &recipe, &validation, &Silent).unwrap();
            (gaptooth::closure::Closure::parameters(&fit.law), fit.composite_error)
        })
    };
    assert_eq!(with(1), with(3));
}

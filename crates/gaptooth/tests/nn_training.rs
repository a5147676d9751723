//! The optimisers on functions with known minima, and training that resumes bit for bit.

use gaptooth::{
    Error, Result,
    nn::{
        Activation, AdamSettings, Lbfgs, LeastSquares, LevenbergMarquardt, Minibatch, Mlp, Regression, Samples, Space,
        Stop, TrainState, Workspace, train,
    },
    observer::{Observer, Silent},
};

/// y = sin(2 x₁) x₂ on 300 points of [-1, 1]².
fn samples() -> (Vec<f64>, Vec<f64>) {
    let n = 300;
    let point =
        |i: usize| (2.0 * (0.754_877_666 * i as f64).fract() - 1.0, 2.0 * (0.569_840_291 * i as f64).fract() - 1.0);
    let x = (0..n).map(|i| point(i).0).chain((0..n).map(|i| point(i).1)).collect();
    (x, (0..n).map(|i| (2.0 * point(i).0).sin() * point(i).1).collect())
}

fn recipe(epochs: usize) -> Minibatch {
    Minibatch { batch: 16, group: 3, epochs, seed: 5, adam: AdamSettings { learning_rate: 3e-3, ..Default::default() } }
}

fn run(epochs: usize, resume: Option<TrainState>) -> (Mlp, TrainState, Vec<TrainState>) {
    let (x, y) = samples();
    let mut net = Mlp::new(&[2, 16, 16, 1], Activation::Relu, 3).unwrap();
    let mut states = vec![];
    let mut keep = |s: &TrainState| -> Result<()> {
        states.push(s.clone());
        Ok(())
    };
    let samples = Samples { inputs: &x, targets: &y };
    let end = train(&mut net, samples, &recipe(epochs), resume, &mut keep, &Silent).unwrap();
    (net, end, states)
}

#[test]
fn adam_learns_and_resumes_bitwise() {
    let (net, end, states) = run(60, None);
    assert!(end.loss[59] < 0.02 * end.loss[0], "{:?}", end.loss);
    assert_eq!(end.step, 60 * 7); // 100 groups in batches of 16: the last one short
    assert_eq!(states.len(), 60);
    let text = serde_json::to_string(&states[22]).unwrap();
    let saved: TrainState = serde_json::from_str(&text).unwrap();
    let (again, resumed, _) = run(60, Some(saved));
    assert_eq!(resumed, end);
    assert_eq!(again, net);
}

#[test]
fn a_state_of_another_run_is_refused() {
    let (_, state, _) = run(1, None);
    let (x, y) = samples();
    let mut other = Mlp::new(&[2, 8, 1], Activation::Relu, 3).unwrap();
    let samples = Samples { inputs: &x, targets: &y };
    let result = train(&mut other, samples, &recipe(2), Some(state.clone()), &mut |_| Ok(()), &Silent);
    assert!(matches!(result, Err(Error::Shape { .. })));
    let mut net = Mlp::new(&[2, 16, 16, 1], Activation::Relu, 3).unwrap();
    let recipe = Minibatch { seed: 6, ..recipe(2) };
    let result = train(&mut net, samples, &recipe, Some(state), &mut |_| Ok(()), &Silent);
    assert!(matches!(result, Err(Error::Parameter { .. })));
}

#[test]
fn an_exploding_training_says_so_and_an_interrupted_one_stops() {
    struct Stopped;
    impl Observer for Stopped {
        fn progress(&self, _: &str, _: u64, _: u64, _: &str) {}
        fn interrupted(&self) -> bool {
            true
        }
    }
    let (x, y) = samples();
    let large: Vec<f64> = y.iter().map(|v| v * 1e160).collect();
    let mut net = Mlp::new(&[2, 4, 1], Activation::Relu, 3).unwrap();
    let result = train(&mut net, Samples { inputs: &x, targets: &large }, &recipe(3), None, &mut |_| Ok(()), &Silent);
    assert!(matches!(result, Err(Error::NonFinite { .. })));
    let samples = Samples { inputs: &x, targets: &y };
    let result = train(&mut net, samples, &recipe(3), None, &mut |_| Ok(()), &Stopped);
    assert!(matches!(result, Err(Error::Interrupted { .. })));
}

#[test]
fn an_interrupt_between_two_epochs_hands_over_the_last_one() {
    struct AfterTwo(std::sync::atomic::AtomicUsize);
    impl Observer for AfterTwo {
        fn progress(&self, _: &str, _: u64, _: u64, _: &str) {}
        fn interrupted(&self) -> bool {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2
        }
    }
    let (x, y) = samples();
    let mut net = Mlp::new(&[2, 4, 1], Activation::Relu, 3).unwrap();
    let mut seen = vec![];
    let mut on_epoch = |s: &gaptooth::nn::TrainState| {
        seen.push((s.epoch, s.parameters.clone()));
        Ok(())
    };
    let samples = Samples { inputs: &x, targets: &y };
    let result = train(&mut net, samples, &recipe(9), None, &mut on_epoch, &AfterTwo(0.into()));
    assert!(matches!(result, Err(Error::Interrupted { .. })));
    assert_eq!(seen.iter().map(|s| s.0).collect::<Vec<_>>(), [1, 2, 2]);
    assert_eq!(seen[1], seen[2], "a whole epoch, not a part of the third");
}

#[test]
fn the_first_adam_step_is_the_learning_rate_against_the_sign() {
    // Kingma & Ba: after one step m/√v = ±1, whatever the size of the gradient
    let mut adam = gaptooth::nn::Adam::new(AdamSettings { epsilon: 0.0, ..Default::default() }, 2);
    let mut p = [1.0, 1.0];
    adam.step(&mut p, &[300.0, -2e-5]);
    assert!((p[0] - 0.999).abs() < 1e-12 && (p[1] - 1.001).abs() < 1e-12);
}

#[test]
fn second_order_methods_fit_better_than_adam_and_agree_in_both_spaces() {
    let (x, y) = samples();
    let samples = Samples { inputs: &x, targets: &y };
    let net = Mlp::new(&[2, 8, 1], Activation::Tanh, 1).unwrap();
    let problem = Regression::new(&net, samples, None, true).unwrap();

    let mut p = net.parameters().to_vec();
    let method = LevenbergMarquardt { iterations: 60, ..Default::default() };
    let lm = method.minimise(&problem, &mut p, &Silent).unwrap();
    assert!(lm.value < 1e-4 * lm.history[0], "{:?}", lm.history);
    let mut fitted = net.clone();
    fitted.parameters_mut().copy_from_slice(&p);
    let mut work = Workspace::new(&fitted, 1);
    let zero = fitted.forward(&[0.0, 0.0], 1, &mut work)[0];
    let at = fitted.forward(&[0.5, 0.5], 1, &mut work)[0] - zero;
    assert!((at - 0.5 * 1f64.sin()).abs() < 2e-2, "{at}");

    let mut p = net.parameters().to_vec();
    let quasi = Lbfgs { iterations: 300, ..Default::default() };
    let lbfgs =
        quasi.minimise(&mut |p, g| (&problem as &dyn LeastSquares).cost_gradient_into(p, g), &mut p, &Silent).unwrap();
    assert!(lbfgs.value < 1e-3 * lbfgs.history[0], "{:?}", lbfgs.value);

    // 20 rows, 33 parameters: the two normal equations give the same first steps
    let few = Samples { inputs: &[&x[..20], &x[300..320]].concat(), targets: &y[..20] };
    let problem = Regression::new(&net, few, None, false).unwrap();
    let descend = |space| {
        let mut p = net.parameters().to_vec();
        let method = LevenbergMarquardt { iterations: 4, space, damping: 1e-2, ..Default::default() };
        (method.minimise(&problem, &mut p, &Silent).unwrap(), p)
    };
    let ((a, p), (b, q)) = (descend(Space::Parameters), descend(Space::Data));
    assert_eq!(a.iterations, b.iterations);
    assert!(a.value < 0.5 * a.history[0]);
    assert!(p.iter().zip(&q).all(|(a, b)| (a - b).abs() < 1e-9), "{:?} {:?}", a.history, b.history);
}

#[test]
fn lbfgs_reports_a_stall_and_a_zero_gradient() {
    let mut flat = |_: &[f64], g: &mut [f64]| {
        g.fill(0.0);
        1.0
    };
    let end = Lbfgs::default().minimise(&mut flat, &mut [1.0, 2.0], &Silent).unwrap();
    assert_eq!((end.stop, end.evaluations), (Stop::Converged, 1));
    let mut lying = |_: &[f64], g: &mut [f64]| {
        g.fill(1.0);
        1.0
    };
    let end = Lbfgs::default().minimise(&mut lying, &mut [1.0, 2.0], &Silent).unwrap();
    assert_eq!(end.stop, Stop::Stalled);
    let mut nan = |_: &[f64], _: &mut [f64]| f64::NAN;
    assert!(Lbfgs::default().minimise(&mut nan, &mut [1.0], &Silent).is_err());
}

#[test]
fn the_bits_do_not_depend_on_the_threads() {
    let (x, y) = samples();
    let (x, y) = (x.repeat(1), y); // 300 rows: two blocks
    let net = Mlp::new(&[2, 8, 1], Activation::Tanh, 1).unwrap();
    let fit = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let problem = Regression::new(&net, Samples { inputs: &x, targets: &y }, None, true).unwrap();
            let mut p = net.parameters().to_vec();
            let method = LevenbergMarquardt { iterations: 10, ..Default::default() };
            method.minimise(&problem, &mut p, &Silent).unwrap();
            let mut g = vec![0.0; p.len()];
            (&problem as &dyn LeastSquares).cost_gradient_into(&p, &mut g);
            (p, g)
        })
    };
    assert_eq!(fit(1), fit(3));
}

//! Laws of collocation: consistent derivatives, exact boundaries and periods, known solutions.

mod conformance;

use std::f64::consts::{PI, TAU};

use gaptooth::{
    nn::{Activation, Adam, AdamSettings, GaussNewton, JetSpec, Lbfgs, LbfgsOptimizer, Mlp, Optimizer, Taylor},
    observer::Silent,
    pinn::{
        Ansatz, Collocation, Condition, Elliptic, EllipticFlux, Embedding, Heat, NeuralField, Plan, Residual, grid,
        shifted_grid, solve,
    },
};
use proptest::prelude::*;

fn tensor(x: &[f64]) -> Vec<Taylor> {
    let x = Taylor::variables(x);
    vec![2.0 + (x[0] * TAU).sin() * 0.5, (x[1] * TAU).cos() * 0.3, 1.5 + (x[0] + x[1]).sin() * 0.2]
}

fn scalar(x: &[f64]) -> Vec<Taylor> {
    vec![tensor(x)[0]]
}

fn parameters(net: &Mlp, ansatz: &Ansatz) -> Vec<f64> {
    let mut p: Vec<f64> = net.parameters().iter().enumerate().map(|(k, p)| p + 0.1 * (k as f64).sin()).collect();
    p.extend(ansatz.basis.iter().map(|_| 0.7));
    p
}

#[test]
fn every_equation_has_consistent_derivatives() {
    let unit = [[0.0, 1.0]; 2];
    let points = grid(&unit, &[7, 6], false);
    let f = |x: &[f64]| x[0].cos();
    let one = |x: f64| 1.0 + x * x;
    let equations: Vec<Box<dyn Residual>> = vec![
        Box::new(Elliptic::boundary_value(2, &scalar, true, &f)),
        Box::new(Elliptic::cell(2, &tensor, false, 1)),
        Box::new(EllipticFlux { dimension: 2, tensor: &tensor, source: &f, scalar: false }),
        Box::new(Heat { diffusivity: 2.0, reaction: &one, source: &one }),
    ];
    for equation in &equations {
        for activation in [Activation::Tanh, Activation::Sine] {
            let ansatz = Ansatz::plain(2, Embedding::two_scale(&unit, 0.5, 1), equation.fields())
                .with_factor(|x| x[0] * (1.0 - x[0]) * x[1])
                .with_lift(|x| x[0] * x[1])
                .with_basis(|x| x[0].sin() * x[1]);
            let net = Mlp::new(&[10, 5, 4, equation.fields()], activation, 3).unwrap();
            let spec = equation.jets();
            let channels = spec.channels();
            let mut sum =
                Collocation::new(&ansatz, &net, &spec).unwrap().equation(equation.as_ref(), &points, 2.0).unwrap();
            if equation.fields() == 1 {
                let values: Vec<_> = points.iter().map(|x| Condition::value(x, 0.3, channels)).collect();
                let ends = |y: f64| ([0.0, y], [1.0, y]);
                let pairs = |c| {
                    (0..20)
                        .map(move |k| ends(f64::from(k) / 20.0))
                        .map(move |(a, b)| Condition::equal(&a, &b, c, channels))
                };
                sum = sum.conditions("value", &values, 3.0).unwrap();
                sum = sum.conditions("period", &pairs(0).collect::<Vec<_>>(), 1.0).unwrap();
                sum = sum.conditions("normal derivative", &pairs(1).collect::<Vec<_>>(), 1.0).unwrap();
            }
            conformance::least_squares(&sum, &parameters(&net, &ansatz));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn embeddings_are_exactly_periodic_and_factors_exactly_zero(seed in 0u64..1000, x in 0.0f64..1.0, y in 0.0f64..1.0, k in -3i32..4) {
        let net = Mlp::new(&[8, 6, 6, 1], Activation::Tanh, seed).unwrap();
        // halves and quarters are exact in binary, so is the sum with an integer
        let (x, y) = ((x * 256.0).floor() / 256.0, (y * 256.0).floor() / 256.0);
        let periodic = Ansatz::plain(2, Embedding::periodic(&[1.0, 1.0], 2), 1);
        let field = NeuralField::new(&periodic, &net, net.parameters());
        let jets = field.jets(&[vec![x, y], vec![x + f64::from(k), y]], &JetSpec::hessian(2));
        for (a, b) in jets[0].iter().zip(&jets[1]) {
            prop_assert!((a - b).abs() <= 1e-11 * (1.0 + a.abs()), "{a} {b}");
        }
        let hard = periodic.with_factor(|x| x[0] * (1.0 - x[0]) * x[1] * (1.0 - x[1]));
        let field = NeuralField::new(&hard, &net, net.parameters());
        let edge = [vec![x, 0.0], vec![x, 1.0], vec![0.0, y], vec![1.0, y]];
        prop_assert_eq!(field.values(&edge), vec![0.0; 4]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn two_scale_inputs_are_waves_of_the_fast_scale_and_equally_steep(x in 0.0f64..1.0, y in 0.0f64..1.0, n in 1usize..3) {
        let (unit, epsilon) = ([[0.0, 1.0]; 2], 0.1);
        let embedding = Embedding::two_scale(&unit, epsilon, n);
        // half of the (2n + 1)² − 1 wave vectors, a sine and a cosine of each
        prop_assert_eq!(embedding.inputs(), 2 + (2 * n + 1) * (2 * n + 1) - 1);
        let at = |x: f64, y: f64| embedding.apply(&Taylor::variables(&[x, y]));
        let (here, beyond) = (at(x, y), at(x + epsilon, y - 2.0 * epsilon));
        for (a, b) in here.iter().zip(&beyond).skip(2) {
            prop_assert!((a.value - b.value).abs() < 1e-12, "periodic");
        }
        for pair in here[2..].chunks(2) {
            // sin² + cos² of the slopes
            let steep: f64 = pair.iter().flat_map(|t| t.gradient).map(|g| g * g).sum();
            prop_assert!((steep.sqrt() - 2.0 * TAU).abs() < 1e-9, "{steep}");
        }
    }
}

#[test]
fn boundary_layers_decay_from_their_sides() {
    let embedding = Embedding::boundary_layers([[0.0, 1.0], [0.0, 2.0]], 0.125);
    let at = |x: f64, y: f64| embedding.apply(&Taylor::variables(&[x, y]));
    let sides = [at(0.0, 0.7), at(1.0, 0.7), at(0.3, 0.0), at(0.3, 2.0)];
    for (k, side) in sides.iter().enumerate() {
        // ε in units of half the shortest side, times sin² + cos² = 1
        let own = &side[3 * k..3 * k + 3];
        assert!((own[0].value - 0.25).abs() < 1e-14 && (own[1].value.hypot(own[2].value) - 0.25).abs() < 1e-14);
    }
    assert!(at(0.5, 1.0).iter().all(|t| t.value.abs() < 1e-10), "half a side is many layers");
}

#[test]
fn the_flux_form_s_residual_vanishes_at_a_solution() {
    // u = sin(x) y, q = A ∇u, f = −∇·q
    let u = |x: &[Taylor]| x[0].sin() * x[1];
    let q = |x: &[f64]| {
        let (u, a) = (u(&Taylor::variables(x)), tensor(x));
        [
            a[0].value * u.gradient[0] + a[1].value * u.gradient[1],
            a[1].value * u.gradient[0] + a[2].value * u.gradient[1],
        ]
    };
    let x = [0.3, 0.6];
    let slope = |i: usize, j: usize| {
        conformance::difference(
            &|s| vec![q(&[x[0] + if j == 0 { s } else { 0.0 }, x[1] + if j == 1 { s } else { 0.0 }])[i]],
            1e-3,
        )[0]
    };
    let f = -(slope(0, 0) + slope(1, 1));
    let source = move |_: &[f64]| f;
    let flux = EllipticFlux { dimension: 2, tensor: &tensor, source: &source, scalar: false };
    let strong = Elliptic::boundary_value(2, &tensor, false, &source);
    let t = u(&Taylor::variables(&x));
    let [q1, q2] = q(&x);
    let jet = [t.value, t.gradient[0], t.gradient[1], q1, slope(0, 0), slope(0, 1), q2, slope(1, 0), slope(1, 1)];
    let (mut r, mut s) = (vec![0.0; 3], vec![0.0; 27]);
    flux.residual(&flux.data(&x), &jet, &mut r, &mut s);
    assert!(r.iter().all(|r| r.abs() < 1e-9), "{r:?}");
    let jet = [t.value, t.gradient[0], t.gradient[1], t.hessian[0][0], t.hessian[0][1], t.hessian[1][1]];
    let (mut r, mut s) = (vec![0.0], vec![0.0; 6]);
    strong.residual(&strong.data(&x), &jet, &mut r, &mut s);
    assert!(r[0].abs() < 1e-9, "{r:?}");
}

/// −u″ = π² sin πx with u = 0 at both ends.
fn poisson(optimizer: &mut dyn Optimizer, iterations: usize, soft: bool) -> (f64, gaptooth::pinn::Training) {
    let f = |x: &[f64]| PI * PI * (PI * x[0]).sin();
    let one = |_: &[f64]| vec![Taylor::constant(1.0)];
    let equation = Elliptic::boundary_value(1, &one, true, &f);
    let unit = [[0.0, 1.0]];
    let mut ansatz = Ansatz::plain(1, Embedding::scaled(&unit), 1);
    if !soft {
        ansatz = ansatz.with_factor(|x| x[0] * (1.0 - x[0]));
    }
    let net = Mlp::new(&[1, 10, 1], Activation::Tanh, 5).unwrap();
    let spec = equation.jets();
    let sum = || Collocation::new(&ansatz, &net, &spec).unwrap();
    let mut problem = sum().equation(&equation, &grid(&unit, &[25], true), 1.0).unwrap();
    if soft {
        let ends = [0.0, 1.0].map(|x| Condition::value(&[x], 0.0, 3));
        problem = problem.conditions("boundary", &ends, 100.0).unwrap();
    }
    let held_out = sum().equation(&equation, &shifted_grid(&unit, &[40], 0.37), 1.0).unwrap();
    let mut p = net.parameters().to_vec();
    let plan = Plan { iterations, patience: 0, ..Default::default() };
    let training = solve(&problem, Some(&held_out), optimizer, &plan, &mut p, None, &mut |_| Ok(()), &Silent).unwrap();
    let field = NeuralField::new(&ansatz, &net, &p);
    let points = grid(&unit, &[41], true);
    let worst =
        points.iter().zip(field.values(&points)).map(|(x, u)| (u - (PI * x[0]).sin()).abs()).fold(0.0, f64::max);
    (worst, training)
}

#[test]
fn every_optimizer_solves_poisson() {
    let n = Mlp::count(&[1, 10, 1]);
    let settings = AdamSettings { learning_rate: 1e-2, ..Default::default() };
    let (adam, a) = poisson(&mut Adam::new(settings, n), 1500, false);
    let (lbfgs, b) = poisson(&mut LbfgsOptimizer::new(Lbfgs::default()), 200, false);
    let (newton, c) = poisson(&mut GaussNewton::default(), 60, false);
    let (soft, _) = poisson(&mut GaussNewton::default(), 60, true);
    assert!(adam < 5e-2 && lbfgs < 1e-5 && newton < 2e-6 && soft < 2e-5, "{adam} {lbfgs} {newton} {soft}");
    assert_eq!((a.work.gradients, c.work.jacobians), (1500, 60));
    assert!(b.work.gradients >= 200 && c.parts[0].0 == "equation");
}

#[test]
fn a_training_goes_on_from_a_saved_state_with_the_same_bits() {
    let f = |x: &[f64]| x[0].cos();
    let one = |_: &[f64]| vec![Taylor::constant(1.0)];
    let equation = Elliptic::boundary_value(1, &one, true, &f);
    let ansatz = Ansatz::plain(1, Embedding::coordinates(1), 1).with_factor(|x| x[0] * (1.0 - x[0]));
    let net = Mlp::new(&[1, 6, 1], Activation::Tanh, 5).unwrap();
    let points = grid(&[[0.0, 1.0]], &[70], true);
    let problem = Collocation::new(&ansatz, &net, &equation.jets()).unwrap().equation(&equation, &points, 1.0).unwrap();
    let n = net.parameters().len();
    let makers: [fn(usize) -> Box<dyn Optimizer>; 3] = [
        |n| Box::new(Adam::new(AdamSettings::default(), n)),
        |_| Box::new(LbfgsOptimizer::new(Lbfgs::default())),
        |_| Box::new(GaussNewton::default()),
    ];
    for make in makers {
        let run = |iterations, resume| {
            let mut p = net.parameters().to_vec();
            let plan = Plan { iterations, look: 5, patience: 0, gain: 0.0, ..Plan::default() };
            let training = solve(&problem, None, make(n).as_mut(), &plan, &mut p, resume, &mut |_| Ok(()), &Silent);
            (training.unwrap(), p)
        };
        let mut kept = None;
        let mut keep = |t: &gaptooth::pinn::Training| {
            if t.iterations == 10 {
                // through text, as a checkpoint goes
                kept = Some(serde_json::from_str(&serde_json::to_string(t).unwrap()).unwrap());
            }
            Ok(())
        };
        let mut p = net.parameters().to_vec();
        let plan = Plan { iterations: 20, look: 5, patience: 0, gain: 0.0, ..Plan::default() };
        let whole = solve(&problem, None, make(n).as_mut(), &plan, &mut p, None, &mut keep, &Silent).unwrap();
        let (resumed, q) = run(20, kept);
        assert_eq!(p, q, "{}", make(n).name());
        assert_eq!(whole, resumed);
    }
}

#[test]
fn the_bits_do_not_depend_on_the_threads() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| poisson(&mut GaussNewton::default(), 8, true))
    };
    let ((a, x), (b, y)) = (run(1), run(3));
    assert_eq!((a, x), (b, y));
}

#[test]
fn what_does_not_fit_is_refused() {
    let f = |_: &[f64]| 1.0;
    let one = |_: &[f64]| vec![Taylor::constant(1.0)];
    let nan = |_: &[f64]| vec![Taylor::constant(f64::NAN)];
    let equation = Elliptic::boundary_value(1, &one, true, &f);
    let ansatz = Ansatz::plain(1, Embedding::coordinates(1), 1);
    let net = |widths: &[usize], activation| Mlp::new(widths, activation, 1).unwrap();
    let spec = equation.jets();
    let refused = |net: &Mlp| Collocation::new(&ansatz, net, &spec).unwrap_err().to_string();
    assert!(refused(&net(&[1, 4, 1], Activation::Relu)).contains("tanh or sine"));
    assert!(refused(&net(&[2, 4, 1], Activation::Tanh)).contains("network inputs"));
    assert!(refused(&net(&[1, 4, 2], Activation::Tanh)).contains("network outputs"));
    let good = net(&[1, 4, 1], Activation::Tanh);
    let sum = || Collocation::new(&ansatz, &good, &spec).unwrap();
    assert!(sum().equation(&equation, &[], 1.0).is_err());
    assert!(sum().equation(&equation, &[vec![0.0]], -1.0).is_err());
    assert!(sum().equation(&equation, &[vec![0.0, 1.0]], 1.0).is_err());
    let bad = Elliptic::boundary_value(1, &nan, true, &f);
    let message = sum().equation(&bad, &[vec![0.25]], 1.0).unwrap_err().to_string();
    assert!(message.contains("[0.25]") && message.contains("NaN"), "{message}");
}

//! Laws of the networks: every derivative against central differences, and layouts against a plain loop.

mod conformance;

use gaptooth::nn::{Activation, Mlp, Regression, Samples, Workspace};
use proptest::prelude::*;

/// Numbers in [-1, 1] that depend on the index only.
fn numbers(n: usize, salt: f64) -> Vec<f64> {
    (0..n).map(|i| (1.7 * i as f64 + salt).sin()).collect()
}

/// A net whose biases are not zero.
fn net(widths: &[usize], activation: Activation, seed: u64) -> Mlp {
    let mut net = Mlp::new(widths, activation, seed).unwrap();
    for (p, r) in net.parameters_mut().iter_mut().zip(numbers(Mlp::count(widths), 0.3)) {
        *p += 0.1 * r;
    }
    net
}

/// The definition, one row at a time.
fn plain(net: &Mlp, row: &[f64]) -> Vec<f64> {
    let mut a = row.to_vec();
    let layers = net.layers();
    for (l, layer) in layers.iter().enumerate() {
        let (w, b) = (&net.parameters()[layer.weights.clone()], &net.parameters()[layer.biases.clone()]);
        a = (0..layer.outputs)
            .map(|o| b[o] + (0..layer.inputs).map(|i| w[o * layer.inputs + i] * a[i]).sum::<f64>())
            .map(|z| match (l + 1 < layers.len(), net.activation()) {
                (true, Activation::Relu) => z.max(0.0),
                (true, Activation::Tanh) => z.tanh(),
                _ => z,
            })
            .collect();
    }
    a
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn forward_is_the_definition(
        rows in 1usize..9, inputs in 1usize..4, hidden in 1usize..40, outputs in 1usize..3, relu: bool, seed in 0u64..50,
    ) {
        let activation = if relu { Activation::Relu } else { Activation::Tanh };
        let net = net(&[inputs, hidden, 5, outputs], activation, seed);
        let x = numbers(inputs * rows, seed as f64);
        let mut work = Workspace::new(&net, 9);
        let got = net.forward(&x, rows, &mut work).to_vec();
        for b in 0..rows {
            let row: Vec<f64> = (0..inputs).map(|f| x[f * rows + b]).collect();
            for (o, want) in plain(&net, &row).iter().enumerate() {
                prop_assert!((got[o * rows + b] - want).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn derivatives_match_differences(rows in 1usize..7, hidden in 2usize..20, relu: bool, seed in 0u64..50) {
        let activation = if relu { Activation::Relu } else { Activation::Tanh };
        let net = net(&[3, hidden, 4, 1], activation, seed);
        let (x, v) = (numbers(3 * rows, 0.1), numbers(3 * rows, 2.0));
        let (y, q) = (numbers(rows, 5.0), numbers(net.parameters().len(), 9.0));
        let mut work = Workspace::new(&net, rows);
        let h = 1e-6;

        let along = |s: f64| x.iter().zip(&v).map(|(x, v)| x + s * h * v).collect::<Vec<_>>();
        let plus = net.forward(&along(1.0), rows, &mut work).to_vec();
        let minus = net.forward(&along(-1.0), rows, &mut work).to_vec();
        let jvp = net.jvp(&x, &v, rows, &mut work).to_vec();
        for b in 0..rows {
            prop_assert!((jvp[b] - (plus[b] - minus[b]) / (2.0 * h)).abs() < 1e-7);
        }

        let mut gradient = vec![0.0; q.len()];
        net.mse_gradient_into(&x, &y, rows, &mut work, &mut gradient);
        let mut jacobian = vec![0.0; q.len() * rows];
        net.parameter_jacobian_into(&x, rows, &mut work, &mut jacobian);
        let outputs = work.outputs(rows).to_vec();
        let mut moved = net.clone();
        let mut at = |s: f64| {
            for ((m, p), q) in moved.parameters_mut().iter_mut().zip(net.parameters()).zip(&q) {
                *m = p + s * h * q;
            }
            let out = moved.forward(&x, rows, &mut work).to_vec();
            let mse = out.iter().zip(&y).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / rows as f64;
            (out, mse)
        };
        let ((plus, cost_plus), (minus, cost_minus)) = (at(1.0), at(-1.0));
        let slope: f64 = gradient.iter().zip(&q).map(|(a, b)| a * b).sum();
        prop_assert!((slope - (cost_plus - cost_minus) / (2.0 * h)).abs() < 1e-6 * (1.0 + slope.abs()));
        for b in 0..rows {
            let slope: f64 = q.iter().enumerate().map(|(p, q)| q * jacobian[p * rows + b]).sum();
            prop_assert!((slope - (plus[b] - minus[b]) / (2.0 * h)).abs() < 1e-6 * (1.0 + slope.abs()));
        }
        // the gradient of the mean squared error is 2/rows Jᵀ r
        for (p, g) in gradient.iter().enumerate() {
            let want: f64 = (0..rows).map(|b| 2.0 / rows as f64 * (outputs[b] - y[b]) * jacobian[p * rows + b]).sum();
            prop_assert!((g - want).abs() < 1e-12);
        }
    }

    #[test]
    fn regression_is_a_least_squares_problem(anchored: bool, weighted: bool, seed in 0u64..20) {
        let net = net(&[2, 6, 1], Activation::Tanh, seed);
        let rows = 1100; // three blocks
        let (x, y, w) = (numbers(2 * rows, 0.4), numbers(rows, 1.0), numbers(rows, 7.0));
        let samples = Samples { inputs: &x, targets: &y };
        let problem = Regression::new(&net, samples, weighted.then_some(&w[..]), anchored).unwrap();
        conformance::least_squares(&problem, net.parameters());
    }
}

#[test]
fn glorot_bounds_and_seeds() {
    let a = Mlp::new(&[3, 32, 32, 1], Activation::Relu, 1).unwrap();
    assert_eq!(a, Mlp::new(&[3, 32, 32, 1], Activation::Relu, 1).unwrap());
    assert_ne!(a, Mlp::new(&[3, 32, 32, 1], Activation::Relu, 2).unwrap());
    for layer in a.layers() {
        let bound = (6.0 / (layer.inputs + layer.outputs) as f64).sqrt();
        let w = &a.parameters()[layer.weights];
        assert!(w.iter().all(|w| w.abs() <= bound) && w.iter().any(|w| w.abs() > 0.8 * bound));
        assert!(a.parameters()[layer.biases].iter().all(|b| *b == 0.0));
    }
}

#[test]
fn bad_nets_are_refused() {
    assert!(Mlp::new(&[3], Activation::Relu, 0).is_err());
    assert!(Mlp::new(&[3, 0, 1], Activation::Relu, 0).is_err());
    assert!(Mlp::from_parameters(&[1, 1], Activation::Relu, vec![1.0]).is_err());
    assert!(Mlp::from_parameters(&[1, 1], Activation::Relu, vec![1.0, f64::NAN]).is_err());
}

//! Laws of jets: exact derivatives, by another way to the same numbers and by differences.

mod conformance;

use conformance::difference;
use gaptooth::nn::{Activation, JetSpec, JetWorkspace, Mlp, Taylor};
use proptest::prelude::*;

/// The network in second-order Taylor arithmetic: slow, and written without the layers' recursion for jets.
fn by_taylor(net: &Mlp, x: &[Taylor]) -> Vec<Taylor> {
    let layers = net.layers();
    let mut h = x.to_vec();
    for (l, layer) in layers.iter().enumerate() {
        let p = net.parameters();
        let affine = |o: usize| {
            let row = &p[layer.weights.start + o * layer.inputs..][..layer.inputs];
            h.iter().zip(row).fold(Taylor::constant(p[layer.biases.start + o]), |s, (h, w)| s + *h * *w)
        };
        let z: Vec<Taylor> = (0..layer.outputs).map(affine).collect();
        let smooth = |z: &Taylor| match net.activation() {
            Activation::Sine => z.sin(),
            _ => 1.0 - 2.0 / ((*z * 2.0).exp() + 1.0),
        };
        h = if l + 1 < layers.len() { z.iter().map(smooth).collect() } else { z };
    }
    h
}

fn net(widths: &[usize], activation: Activation, seed: u64) -> Mlp {
    let mut net = Mlp::new(widths, activation, seed).unwrap();
    for (k, p) in net.parameters_mut().iter_mut().enumerate() {
        *p += 0.3 * (k as f64 * 0.7).cos(); // biases too
    }
    net
}

fn points(rows: usize, d: usize) -> Vec<Vec<f64>> {
    (0..rows).map(|r| (0..d).map(|i| ((r * d + i) as f64 * 1.3).sin()).collect()).collect()
}

fn inputs(spec: &JetSpec, points: &[Vec<f64>]) -> Vec<f64> {
    let (d, channels, rows) = (spec.variables(), spec.channels(), points.len());
    let mut input = vec![0.0; d * channels * rows];
    for (r, x) in points.iter().enumerate() {
        for (i, t) in Taylor::variables(x).iter().enumerate() {
            for (c, v) in spec.of(t).iter().enumerate() {
                input[(i * channels + c) * rows + r] = *v;
            }
        }
    }
    input
}

fn spec(kind: usize, d: usize) -> JetSpec {
    match kind {
        0 => JetSpec::gradient(d),
        1 => JetSpec::laplacian(d),
        2 => JetSpec::hessian(d),
        _ => JetSpec::new(d, &[(0..d * d).map(|k| ((k / d + k % d) as f64).cos()).collect()]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn jets_are_the_derivatives(sine: bool, kind in 0usize..4, d in 1usize..4, rows in 1usize..33, seed in 0u64..50) {
        let activation = if sine { Activation::Sine } else { Activation::Tanh };
        let net = net(&[d, 7, 5, 2], activation, seed);
        let (spec, points) = (spec(kind, d), points(rows, d));
        let mut work = JetWorkspace::new(&net, &spec);
        let jets = net.jets(&inputs(&spec, &points), rows, &mut work);
        for (r, x) in points.iter().enumerate() {
            for (o, wanted) in by_taylor(&net, &Taylor::variables(x)).iter().enumerate() {
                for (c, wanted) in spec.of(wanted).iter().enumerate() {
                    let found = jets[(o * spec.channels() + c) * rows + r];
                    prop_assert!((found - wanted).abs() < 1e-11 * (1.0 + wanted.abs()), "{found} {wanted}");
                }
            }
        }
    }

    #[test]
    fn jets_agree_with_differences(sine: bool, d in 1usize..4, seed in 0u64..50) {
        let activation = if sine { Activation::Sine } else { Activation::Tanh };
        let net = net(&[d, 6, 6, 1], activation, seed);
        let spec = JetSpec::hessian(d);
        let jets = |x: &[f64]| {
            let mut work = JetWorkspace::new(&net, &spec);
            net.jets(&inputs(&spec, &[x.to_vec()]), 1, &mut work).to_vec()
        };
        let x = &points(1, d)[0];
        let here = jets(x);
        let mut channel = 1 + d;
        for i in 0..d {
            let slope = difference(&|s| jets(&x.iter().enumerate().map(|(k, x)| x + if k == i { s } else { 0.0 }).collect::<Vec<_>>()), 3e-3);
            prop_assert!((slope[0] - here[1 + i]).abs() < 1e-9 * (1.0 + slope[0].abs()));
            for j in i..d {
                prop_assert!((slope[1 + j] - here[channel]).abs() < 1e-9 * (1.0 + slope[1 + j].abs()), "{} {}", slope[1 + j], here[channel]);
                channel += 1;
            }
        }
    }

    #[test]
    fn taylor_numbers_agree_with_differences(a in 0.3f64..2.0, b in 0.4f64..2.0) {
        let f = |x: &[Taylor]| {
            let (x, y) = (x[0], x[1]);
            (x * y).sin() / (1.0 + x.powi(3)) + y.atan2(x) * x.ln() - (x - y * 0.5).exp() * y.sqrt() + (x - 2.0).cos().recip() * 0.1
        };
        let all = |x: f64, y: f64| {
            let t = f(&Taylor::variables(&[x, y]));
            vec![t.value, t.gradient[0], t.gradient[1], t.hessian[0][0], t.hessian[0][1], t.hessian[1][1]]
        };
        prop_assume!((a - 2.0).abs() < 1.4);
        let here = all(a, b);
        let (dx, dy) = (difference(&|s| all(a + s, b), 1e-3), difference(&|s| all(a, b + s), 1e-3));
        for (found, wanted) in [(here[1], dx[0]), (here[2], dy[0]), (here[3], dx[1]), (here[4], dy[1]), (here[4], dx[2]), (here[5], dy[2])] {
            prop_assert!((found - wanted).abs() < 1e-8 * (1.0 + wanted.abs()), "{found} {wanted}");
        }
    }
}

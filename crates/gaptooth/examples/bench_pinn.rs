//! Our side of `bench/pinn`, as lines of JSON.
//!
//! `kernel REPETITIONS`: mean square of −Δu − 1 on 30 × 30 points by a network 2-64-64-64-1 and its gradient by all parameters.
//! `cell SEED ITERATIONS`: the cell problem of 2 + sin 2πy₁ cos 2πy₂ by a network 4-32-32-1, error against seconds.

use std::time::Instant;

use gaptooth::{
    Error, Result,
    cell::Collocation as FourierCollocation,
    coefficient::FormulaTensor,
    nn::{Activation, LeastSquares, Mlp, Taylor},
    observer::Silent,
    pinn::{Ansatz, Collocation, Elliptic, Embedding, NeuralCell, NeuralField, Plan, Residual, grid, shifted_grid},
};
use serde_json::json;

/// Weights that both sides make for themselves, in the order of the parameters.
fn weights(net: &mut Mlp) {
    let layers = net.layers();
    for layer in layers {
        let scale = 1.0 / (layer.inputs as f64).sqrt();
        for k in layer.weights.start..layer.biases.end {
            net.parameters_mut()[k] = scale * (0.7 * k as f64).sin();
        }
    }
}

fn kernel(repetitions: usize) -> Result<()> {
    let mut net = Mlp::new(&[2, 64, 64, 64, 1], Activation::Tanh, 0)?;
    weights(&mut net);
    let (one, f) = (|_: &[f64]| vec![Taylor::constant(1.0)], |_: &[f64]| 1.0);
    let equation = Elliptic::boundary_value(2, &one, true, &f);
    let ansatz = Ansatz::plain(2, Embedding::coordinates(2), 1);
    let points = grid(&[[0.0, 1.0]; 2], &[30, 30], true);
    let sum = Collocation::new(&ansatz, &net, &equation.jets())?.equation(&equation, &points, 2.0)?;
    let sum: &dyn LeastSquares = &sum;
    let mut gradient = vec![0.0; sum.parameters()];
    let (mut seconds, mut cost) = (vec![], 0.0);
    for _ in 0..repetitions {
        let started = Instant::now();
        cost = sum.cost_gradient_into(std::hint::black_box(net.parameters()), &mut gradient);
        seconds.push(started.elapsed().as_secs_f64());
    }
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    println!("{}", json!({ "seconds": seconds, "loss": cost, "gradient_norm": norm }));
    Ok(())
}

fn cell(seed: u64, iterations: usize) -> Result<()> {
    let tensor = FormulaTensor::scalar("2 + sin(2*pi*y1)*cos(2*pi*y2)", 2, &[])?;
    let exact = FourierCollocation { points: Some(vec![32, 32]), ..FourierCollocation::default() }.solve(&tensor)?;
    let at = shifted_grid(&[[0.0, 1.0]; 2], &[32, 32], 0.0);
    let size = exact.correctors[0].iter().map(|c| c * c).sum::<f64>();
    let plan = Plan { iterations, look: 1, patience: 0, gain: 0.0, ..Plan::default() };
    let solver = NeuralCell { seed, plan, ..NeuralCell::new(2) };
    let (ansatz, net) = (solver.ansatz(2), solver.network(2, 0)?);
    let (started, mut aside) = (Instant::now(), 0.0);
    let mut curve = vec![];
    let mut look = |t: &gaptooth::pinn::Training| {
        let now = started.elapsed().as_secs_f64() - aside;
        let chi = NeuralField::new(&ansatz, &net, &t.parameters).values(&at);
        let mean = chi.iter().sum::<f64>() / chi.len() as f64;
        let error: f64 = chi.iter().zip(&exact.correctors[0]).map(|(c, e)| (c - mean - e).powi(2)).sum();
        curve.push([now, (error / size).sqrt()]);
        aside = started.elapsed().as_secs_f64() - now;
        Ok(())
    };
    solver.corrector(&tensor, 0, None, &mut look, &Silent)?;
    println!("{}", json!({ "curve": curve, "parameters": net.parameters().len(), "exact": exact.correctors[0] }));
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |k: usize| arguments.get(k).and_then(|a| a.parse::<usize>().ok());
    match (arguments.first().map(String::as_str), number(1), number(2)) {
        (Some("kernel"), Some(repetitions), _) => kernel(repetitions),
        (Some("cell"), Some(seed), Some(iterations)) => cell(seed as u64, iterations),
        _ => Err(Error::parameter("arguments", arguments.join(" "), "kernel N, or cell SEED N", "try kernel 50")),
    }
}

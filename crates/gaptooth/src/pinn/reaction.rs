//! The reaction problem's two networks: a periodic corrector, and a solution in space and time.

use std::sync::Arc;

use super::{Ansatz, Embedding, Residual, start_layer};
use crate::nn::{JetSpec, Taylor};

/// Any residual times a weight of the point, for points that are not equally dense.
pub struct Weighted<'a> {
    /// the equation
    pub residual: &'a dyn Residual,
    /// the weight w(x) > 0
    pub weight: &'a (dyn Fn(&[f64]) -> f64 + Sync),
}

impl Residual for Weighted<'_> {
    fn names(&self) -> Vec<String> {
        self.residual.names()
    }

    fn jets(&self) -> JetSpec {
        self.residual.jets()
    }

    fn fields(&self) -> usize {
        self.residual.fields()
    }

    fn data(&self, x: &[f64]) -> Vec<f64> {
        let mut data = self.residual.data(x);
        data.push((self.weight)(x));
        data
    }

    fn residual(&self, data: &[f64], u: &[f64], r: &mut [f64], slope: &mut [f64]) {
        let (weight, own) = data.split_last().expect("the weight was appended");
        self.residual.residual(own, u, r, slope);
        r.iter_mut().chain(slope).for_each(|v| *v *= weight);
    }
}

/// A function of x with its derivatives.
pub type LineMap = Arc<dyn Fn(Taylor) -> Taylor + Send + Sync>;

/// What is known of u_t − D u_xx + c u = f on an interval with u = 0 at both ends and u = I at t = 0, c constant.
#[derive(Clone)]
pub struct StartLayers {
    /// the interval
    pub domain: [f64; 2],
    /// the last time
    pub time: f64,
    /// D
    pub diffusivity: f64,
    /// I, which vanishes at both ends, and the rate at which its lift decays
    pub initial: Option<(LineMap, f64)>,
    /// f + D I″ − (c − rate) I: what drives the rest at t = 0, and the rate at which it saturates
    pub drive: (LineMap, f64),
    /// pairs of layers with coefficients to be found
    pub layers: usize,
}

impl StartLayers {
    /// u = I e^{−κt} + g(t) (F(x) − Σ_ends F(end) L₁) + Σ_k c_k (t/T)^k e^{−μt} (1 − L_k) + B N, with g = (1 − e^{−μt})/μ and
    /// L_k = 4^k k! i²ᵏerfc(d/√(4Dt)) (see [`start_layer`]), cut off smoothly at the other end.
    ///
    /// A drive that does not vanish at an end meets the boundary value there in a layer of width √(4Dt): L₁ has its singular
    /// part, L₂ … those of the next orders, so the network has only smooth functions to learn. B = (x − a)(b − x) t vanishes at the ends
    /// and at the start.
    pub fn ansatz(&self) -> Ansatz {
        let ([a, b], time, d) = (self.domain, self.time, self.diffusivity);
        let (drive, rate) = self.drive.clone();
        let ends = [a, b].map(|end| drive(Taylor::constant(end)).value);
        let cut = move |s: Taylor| (1.0 - s.powi(4)).powi(4);
        let away = move |x: Taylor, side: usize| if side == 0 { x - a } else { b - x };
        let initial = self.initial.clone();
        let mut ansatz = Ansatz::plain(2, Embedding::scaled(&[self.domain, [0.0, time]]), 1)
            .with_factor(move |x| (x[0] - a) * (b - x[0]) * x[1] * (4.0 / ((b - a).powi(2) * time)))
            .with_lift(move |x| {
                let start = initial.as_ref().map_or(Taylor::constant(0.0), |(i, rate)| i(x[0]) * (x[1] * -rate).exp());
                if x[1].value <= 0.0 {
                    return start;
                }
                let layer = |side: usize| {
                    let distance = away(x[0], side);
                    start_layer(1, distance, x[1], d) * cut(distance / (b - a)) * ends[side]
                };
                let growth = (1.0 - (x[1] * -rate).exp()) / rate;
                start + growth * (drive(x[0]) - layer(0) - layer(1))
            });
        for (k, side) in (1..=self.layers as i32).flat_map(|k| [(k, 0), (k, 1)]) {
            ansatz = ansatz.with_basis(move |x| {
                if x[1].value <= 0.0 {
                    return Taylor::constant(0.0);
                }
                let distance = away(x[0], side);
                let layer = 1.0 - start_layer(k, distance, x[1], d);
                (x[1] / time).powi(k) * (x[1] * -rate).exp() * layer * cut(distance / (b - a))
            });
        }
        ansatz
    }
}

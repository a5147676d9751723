//! Cell problems on a line with a slow variable: one network over both.

use super::{Ansatz, Collocation, Elliptic, Embedding, NeuralField, Plan, Residual, Training, grid, solve};
use crate::nn::{Activation, GaussNewton, JetSpec, LeastSquares, Mlp, Taylor};
use crate::observer::Observer;
use crate::{Error, Result};

/// χ(x, y) of −∂_y(a(x, y)(1 + ∂_yχ)) = 0 for all slow x of an interval at once.
#[derive(Debug, Clone, PartialEq)]
pub struct SlowCell {
    /// widths of the hidden layers
    pub hidden: Vec<usize>,
    /// training points along x and y
    pub points: [usize; 2],
    /// when to stop
    pub plan: Plan,
    /// seed of the network
    pub seed: u64,
}

/// a(x, y) as a number with derivatives by (y, x), in this order.
pub type SlowCoefficient<'a> = &'a (dyn Fn(f64, f64) -> Taylor + Sync);

/// The corrector of every slow point, and what follows from it.
#[derive(Clone)]
pub struct SlowCorrector {
    /// χ as a function of (y, x)
    pub field: NeuralField,
}

/// Points of the trapezoid rule in y: far more than a smooth corrector needs.
const QUADRATURE: usize = 64;

impl SlowCell {
    /// Trains on the interval `domain` of slow points.
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer than 4 points or empty layers, [`Error::NonFinite`], [`Error::Interrupted`].
    pub fn solve(
        &self,
        coefficient: SlowCoefficient<'_>,
        domain: [f64; 2],
        resume: Option<Training>,
        on_look: &mut dyn FnMut(&SlowCorrector, &Training) -> Result<()>,
        observer: &dyn Observer,
    ) -> Result<(SlowCorrector, Training)> {
        if self.points.iter().any(|n| *n < 4) {
            let advice = "12 in x and 24 in y suit a smooth coefficient";
            return Err(Error::parameter("points", format!("{:?}", self.points), "at least 4 each", advice));
        }
        let tensor = |z: &[f64]| vec![coefficient(z[1], z[0])];
        let equation =
            Elliptic { dimension: 1, variables: 2, tensor: &tensor, source: None, direction: vec![1.0], scalar: true };
        let slow = Embedding::scaled(&[domain]);
        let fast = Embedding::periodic(&[1.0], 1);
        let embedding = Embedding::new(3, move |z| [fast.apply(&z[..1]), slow.apply(&z[1..])].concat());
        let ansatz = Ansatz::plain(2, embedding, 1);
        let net = Mlp::new(&[&[3], &self.hidden[..], &[1]].concat(), Activation::Tanh, self.seed)?;
        let spec = equation.jets();
        let at = |[nx, ny]: [usize; 2], ends: bool| {
            // x gathers towards the ends as Chebyshev's points do: no slow point lies outside
            let points = grid(&[[0.0, 1.0], [0.0, 1.0]], &[nx, ny], false);
            let x = |s: f64| 0.5 * (1.0 - (std::f64::consts::PI * s).cos());
            let place = |p: Vec<f64>| {
                let s = if ends { x(p[0]) } else { p[0] };
                vec![p[1], domain[0] + (domain[1] - domain[0]) * s]
            };
            let points: Vec<Vec<f64>> = points.into_iter().map(place).collect();
            Collocation::new(&ansatz, &net, &spec)?.equation(&equation, &points, 1.0)
        };
        let (problem, between) = (at(self.points, true)?, at([self.points[0] + 1, self.points[1] + 1], false)?);
        let held_out: Option<&dyn LeastSquares> = Some(&between);
        let mut p = net.parameters().to_vec();
        let corrector = |p: &[f64]| SlowCorrector { field: NeuralField::new(&ansatz, &net, p) };
        let mut look = |t: &Training| on_look(&corrector(&t.parameters), t);
        let mut optimizer = GaussNewton::default();
        let training = solve(&problem, held_out, &mut optimizer, &self.plan, &mut p, resume, &mut look, observer)?;
        Ok((corrector(&p), training))
    }
}

impl SlowCorrector {
    /// a*(x) = ⟨a(1 + ∂_yχ)²⟩ with da*/dx, at slow points: the energy is wrong by the square of χ's error, and so is its slope.
    pub fn effective(&self, coefficient: SlowCoefficient<'_>, x: &[f64]) -> Vec<[f64; 2]> {
        let y = |k: usize| k as f64 / QUADRATURE as f64;
        let points: Vec<Vec<f64>> = x.iter().flat_map(|x| (0..QUADRATURE).map(move |k| vec![y(k), *x])).collect();
        let jets = self.field.jets(&points, &JetSpec::hessian(2));
        let mean = |(points, jets): (&[Vec<f64>], &[Vec<f64>])| {
            let (mut value, mut slope) = (0.0, 0.0);
            for (z, u) in points.iter().zip(jets) {
                let (a, stretch) = (coefficient(z[1], z[0]), 1.0 + u[1]);
                value += a.value * stretch * stretch;
                // the fourth second derivative of (y, x) is ∂_y∂_x
                slope += a.gradient[1] * stretch * stretch + 2.0 * a.value * stretch * u[4];
            }
            [value / QUADRATURE as f64, slope / QUADRATURE as f64]
        };
        points.chunks_exact(QUADRATURE).zip(jets.chunks_exact(QUADRATURE)).map(mean).collect()
    }

    /// χ at (x, y), less its mean over y.
    pub fn values(&self, points: &[[f64; 2]]) -> Vec<f64> {
        let at: Vec<Vec<f64>> = points.iter().map(|[x, y]| vec![*y, *x]).collect();
        let cell = |x: f64| (0..QUADRATURE).map(move |k| vec![k as f64 / QUADRATURE as f64, x]);
        let all: Vec<Vec<f64>> = points.iter().flat_map(|[x, _]| cell(*x)).collect();
        let means = self.field.values(&all);
        let mean = means.chunks_exact(QUADRATURE).map(|m| m.iter().sum::<f64>() / QUADRATURE as f64);
        self.field.values(&at).iter().zip(mean).map(|(v, m)| v - m).collect()
    }
}

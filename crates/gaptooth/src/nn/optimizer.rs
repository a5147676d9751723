//! What all full-batch optimisers share, so that a training can hold any of them.

use serde_json::Value;

use super::{Adam, Lbfgs, LeastSquares, lbfgs::LbfgsState};
use crate::{Error, Result};

/// What an optimiser has asked for, in units of all rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Work {
    /// evaluations of all residuals
    pub residuals: u64,
    /// evaluations of the gradient (with the residuals)
    pub gradients: u64,
    /// evaluations of the Jacobian (with the residuals)
    pub jacobians: u64,
    /// Cholesky factorisations
    pub factorisations: u64,
}

/// Where an iteration left ½ Σ r².
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Iteration {
    /// there may be more to gain; the cost now
    Going(f64),
    /// as low as its tolerances or round-off allow; the cost now
    Done(f64),
}

impl Iteration {
    /// The cost.
    pub fn cost(self) -> f64 {
        match self {
            Iteration::Going(cost) | Iteration::Done(cost) => cost,
        }
    }
}

/// A step on parameters towards less ½ Σ r²; owns its state.
///
/// ```
/// use gaptooth::nn::{Activation, Adam, AdamSettings, GaussNewton, Lbfgs, LbfgsOptimizer, LeastSquares, Mlp, Optimizer};
/// use gaptooth::nn::{Regression, Samples, Work};
/// let (x, y) = ([-1.0, 0.0, 1.0], [1.0, 0.0, 1.0]);
/// let net = Mlp::new(&[1, 6, 1], Activation::Tanh, 1)?;
/// let problem = Regression::new(&net, Samples { inputs: &x, targets: &y }, None, false)?;
/// let n = net.parameters().len();
/// let all: [Box<dyn Optimizer>; 3] = [
///     Box::new(Adam::new(AdamSettings::default(), n)),
///     Box::new(LbfgsOptimizer::new(Lbfgs::default())),
///     Box::new(GaussNewton::default()),
/// ];
/// for mut optimizer in all {
///     let mut p = net.parameters().to_vec();
///     let cost = |p: &[f64]| (&problem as &dyn LeastSquares).cost(p);
///     let before = cost(&p);
///     optimizer.iterate(&problem, &mut p, &mut Work::default())?;
///     assert!(cost(&p) < before, "{}", optimizer.name());
/// }
/// # Ok::<(), gaptooth::Error>(())
/// ```
pub trait Optimizer: Send {
    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// One iteration; counts what it asked for in `work`. Adam returns the cost before its step, which it knows.
    ///
    /// # Errors
    /// [`Error::NonFinite`] when the cost at `p` is not finite.
    fn iterate(&mut self, problem: &dyn LeastSquares, p: &mut [f64], work: &mut Work) -> Result<Iteration>;

    /// Its state: with it and `p` a later run goes on with the same bits.
    fn save(&self) -> Value;

    /// Takes back a state that [`Optimizer::save`] gave.
    ///
    /// # Errors
    /// [`Error::Config`] when it is none.
    fn restore(&mut self, state: &Value) -> Result<()>;
}

/// A saved state as the type it should be.
pub(super) fn restored<T: serde::de::DeserializeOwned>(name: &str, state: &Value) -> Result<T> {
    serde_json::from_value(state.clone())
        .map_err(|e| Error::Config { path: "optimizer".into(), message: format!("no saved state of {name}: {e}") })
}

pub(super) fn finite_cost(cost: f64) -> Result<f64> {
    crate::error::check_finite("the sum of squares", &[cost], None, "start from smaller parameters or smaller steps")?;
    Ok(cost)
}

impl Optimizer for Adam {
    fn name(&self) -> &'static str {
        "Adam"
    }

    fn iterate(&mut self, problem: &dyn LeastSquares, p: &mut [f64], work: &mut Work) -> Result<Iteration> {
        let mut gradient = vec![0.0; p.len()];
        let cost = finite_cost(problem.cost_gradient_into(p, &mut gradient))?;
        work.gradients += 1;
        self.step(p, &gradient);
        Ok(Iteration::Going(cost))
    }

    fn save(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn restore(&mut self, state: &Value) -> Result<()> {
        *self = restored("Adam", state)?;
        Ok(())
    }
}

/// [`Lbfgs`] one iteration at a time.
#[derive(Debug, Clone)]
pub struct LbfgsOptimizer {
    settings: Lbfgs,
    state: Option<LbfgsState>,
}

impl LbfgsOptimizer {
    /// At rest.
    pub fn new(settings: Lbfgs) -> Self {
        LbfgsOptimizer { settings, state: None }
    }
}

impl Optimizer for LbfgsOptimizer {
    fn name(&self) -> &'static str {
        "L-BFGS"
    }

    fn iterate(&mut self, problem: &dyn LeastSquares, p: &mut [f64], work: &mut Work) -> Result<Iteration> {
        let mut objective = |p: &[f64], g: &mut [f64]| {
            work.gradients += 1;
            problem.cost_gradient_into(p, g)
        };
        let mut state = match self.state.take() {
            Some(state) => state,
            None => LbfgsState::new(&mut objective, p)?,
        };
        let stop = self.settings.iterate(&mut state, &mut objective, p);
        let cost = state.value;
        self.state = Some(state);
        Ok(if stop.is_some() { Iteration::Done(cost) } else { Iteration::Going(cost) })
    }

    fn save(&self) -> Value {
        serde_json::to_value(&self.state).unwrap_or_default()
    }

    fn restore(&mut self, state: &Value) -> Result<()> {
        self.state = restored("L-BFGS", state)?;
        Ok(())
    }
}

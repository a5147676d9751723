//! L-BFGS with a strong-Wolfe line search (Nocedal & Wright, Numerical Optimization, 2nd ed., algorithms 7.4, 3.5, 3.6).

use std::collections::VecDeque;

use crate::{
    Result,
    error::check_finite,
    observer::{Observer, check_interrupt},
};

/// Limited-memory BFGS; deterministic, for smooth full-batch objectives.
///
/// ```
/// use gaptooth::{nn::{Lbfgs, Stop}, observer::Silent};
/// let mut rosenbrock = |x: &[f64], g: &mut [f64]| {
///     let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
///     g.copy_from_slice(&[-2.0 * a - 400.0 * x[0] * b, 200.0 * b]);
///     a * a + 100.0 * b * b
/// };
/// let mut x = vec![-1.2, 1.0];
/// let minimum = Lbfgs::default().minimise(&mut rosenbrock, &mut x, &Silent)?;
/// assert_eq!(minimum.stop, Stop::Converged);
/// assert!((x[0] - 1.0).abs() < 1e-6 && (x[1] - 1.0).abs() < 1e-6);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lbfgs {
    /// pairs (s, y) remembered
    pub memory: usize,
    /// most iterations
    pub iterations: usize,
    /// converged when the largest gradient entry falls below this times max(1, |f|)
    pub gradient_tolerance: f64,
}

impl Default for Lbfgs {
    fn default() -> Self {
        Lbfgs { memory: 20, iterations: 500, gradient_tolerance: 1e-9 }
    }
}

/// Why an optimisation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// the gradient, or the step, fell below its tolerance
    Converged,
    /// the iterations were used up
    Iterations,
    /// no acceptable step was found: as low as round-off allows
    Stalled,
}

/// Where an optimisation ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// why it ended
    pub stop: Stop,
    /// the last value
    pub value: f64,
    /// iterations made
    pub iterations: usize,
    /// evaluations of the objective
    pub evaluations: usize,
    /// the value after each iteration, the initial one first
    pub history: Vec<f64>,
}

/// A point on the search line: step, value, slope, and the point and gradient themselves.
struct Trial {
    step: f64,
    value: f64,
    slope: f64,
    x: Vec<f64>,
    gradient: Vec<f64>,
}

impl Lbfgs {
    /// Minimises `objective(x, gradient) -> value` in place.
    ///
    /// # Errors
    /// [`crate::Error::NonFinite`] when the first value is not finite (a later one shortens the step);
    /// [`crate::Error::Interrupted`].
    pub fn minimise(
        &self,
        objective: &mut dyn FnMut(&[f64], &mut [f64]) -> f64,
        x: &mut [f64],
        observer: &dyn Observer,
    ) -> Result<Minimum> {
        let mut state = LbfgsState::new(objective, x)?;
        let mut result = Minimum {
            stop: Stop::Iterations,
            value: state.value,
            iterations: 0,
            evaluations: 0,
            history: vec![state.value],
        };
        while result.iterations < self.iterations {
            check_interrupt(observer, "L-BFGS")?;
            if let Some(stop) = self.iterate(&mut state, objective, x) {
                result.stop = stop;
                break;
            }
            result.iterations += 1;
            result.history.push(state.value);
            let (done, total) = (result.iterations as u64, self.iterations as u64);
            observer.progress("L-BFGS", done, total, &format!("{:.3e}", state.value));
        }
        (result.value, result.evaluations) = (state.value, state.evaluations);
        Ok(result)
    }

    /// One step from `x`, or why there is none.
    pub(super) fn iterate(
        &self,
        state: &mut LbfgsState,
        objective: &mut dyn FnMut(&[f64], &mut [f64]) -> f64,
        x: &mut [f64],
    ) -> Option<Stop> {
        loop {
            let LbfgsState { value, gradient, pairs, evaluations } = state;
            if largest(gradient) <= self.gradient_tolerance * value.abs().max(1.0) {
                return Some(Stop::Converged);
            }
            let mut direction = two_loop(pairs, gradient);
            if dot(&direction, gradient) >= 0.0 {
                pairs.clear();
                direction = gradient.iter().map(|g| -g).collect();
            }
            let first = if pairs.is_empty() { (1.0 / norm(gradient)).min(1.0) } else { 1.0 };
            let mut evaluate = |step: f64| {
                *evaluations += 1;
                let mut t = Trial { step, value: 0.0, slope: 0.0, x: x.to_vec(), gradient: vec![0.0; x.len()] };
                t.x.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * d);
                t.value = objective(&t.x, &mut t.gradient);
                t.slope = dot(&t.gradient, &direction);
                t
            };
            let Some(trial) = line_search(&mut evaluate, *value, dot(gradient, &direction), first) else {
                if pairs.is_empty() {
                    return Some(Stop::Stalled);
                }
                pairs.clear(); // a stale curvature model: once more along the gradient
                continue;
            };
            let s: Vec<f64> = trial.x.iter().zip(&*x).map(|(a, b)| a - b).collect();
            let y: Vec<f64> = trial.gradient.iter().zip(&*gradient).map(|(a, b)| a - b).collect();
            if dot(&s, &y) > 0.0 {
                pairs.push_back((s, y));
                if pairs.len() > self.memory {
                    pairs.pop_front();
                }
            }
            x.copy_from_slice(&trial.x);
            (*gradient, *value) = (trial.gradient, trial.value);
            return None;
        }
    }
}

/// Where L-BFGS stands between two steps.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct LbfgsState {
    pub(super) value: f64,
    gradient: Vec<f64>,
    pairs: VecDeque<(Vec<f64>, Vec<f64>)>,
    evaluations: usize,
}

impl LbfgsState {
    /// Before the first step from `x`.
    pub(super) fn new(objective: &mut dyn FnMut(&[f64], &mut [f64]) -> f64, x: &[f64]) -> Result<Self> {
        let mut gradient = vec![0.0; x.len()];
        let value = objective(x, &mut gradient);
        check_finite("the objective", &[value], None, "start from smaller parameters")?;
        Ok(LbfgsState { value, gradient, pairs: VecDeque::new(), evaluations: 1 })
    }
}

/// −H g by the two-loop recursion, H₀ = (sᵀy / yᵀy) I.
fn two_loop(pairs: &VecDeque<(Vec<f64>, Vec<f64>)>, gradient: &[f64]) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut alphas = Vec::with_capacity(pairs.len());
    for (s, y) in pairs.iter().rev() {
        let alpha = dot(s, &q) / dot(s, y);
        axpy(-alpha, y, &mut q);
        alphas.push(alpha);
    }
    if let Some((s, y)) = pairs.back() {
        let scale = dot(s, y) / dot(y, y);
        q.iter_mut().for_each(|v| *v *= scale);
    }
    for ((s, y), alpha) in pairs.iter().zip(alphas.iter().rev()) {
        let beta = dot(y, &q) / dot(s, y);
        axpy(alpha - beta, s, &mut q);
    }
    q
}

const DECREASE: f64 = 1e-4;
const CURVATURE: f64 = 0.9;

/// A step with f ≤ f₀ + c₁ s f₀′ and |f′| ≤ c₂ |f₀′|, or at least the first condition; none when even that fails.
fn line_search(evaluate: &mut dyn FnMut(f64) -> Trial, value: f64, slope: f64, first: f64) -> Option<Trial> {
    let start = Trial { step: 0.0, value, slope, x: vec![], gradient: vec![] };
    let enough = |t: &Trial| t.value <= value + DECREASE * t.step * slope;
    let (mut previous, mut step) = (start, first);
    for i in 0..20 {
        let trial = evaluate(step);
        if !trial.value.is_finite() {
            step = 0.5 * (previous.step + step);
            continue;
        }
        if !enough(&trial) || (i > 0 && trial.value >= previous.value) {
            return zoom(evaluate, value, slope, previous, trial);
        }
        if trial.slope.abs() <= -CURVATURE * slope {
            return Some(trial);
        }
        if trial.slope >= 0.0 {
            return zoom(evaluate, value, slope, trial, previous);
        }
        step = 2.0 * trial.step;
        previous = trial;
    }
    (previous.step > 0.0).then_some(previous)
}

/// Shrinks the bracket [low, high]; `low` always keeps the decrease condition (or is the start).
fn zoom(
    evaluate: &mut dyn FnMut(f64) -> Trial,
    value: f64,
    slope: f64,
    mut low: Trial,
    mut high: Trial,
) -> Option<Trial> {
    for _ in 0..30 {
        let width = high.step - low.step;
        // the minimum of the parabola through low's value and slope and high's value, kept inside the bracket
        let curvature = high.value - low.value - low.slope * width;
        let fraction = if curvature > 0.0 { -0.5 * low.slope * width / curvature } else { 0.5 };
        let trial = evaluate(low.step + fraction.clamp(0.1, 0.9) * width);
        if trial.value > value + DECREASE * trial.step * slope || trial.value >= low.value || trial.value.is_nan() {
            high = trial;
        } else {
            if trial.slope.abs() <= -CURVATURE * slope {
                return Some(trial);
            }
            if trial.slope * width >= 0.0 {
                high = low;
            }
            low = trial;
        }
    }
    (low.step > 0.0).then_some(low)
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

pub(super) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

fn largest(a: &[f64]) -> f64 {
    a.iter().fold(0.0, |m, v| m.max(v.abs()))
}

fn axpy(factor: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}

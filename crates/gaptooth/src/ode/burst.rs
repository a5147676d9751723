//! Short bursts of the microscale: what a projective method sees of a system.

use super::explicit::step_count;
use super::{Integrator, OdeSystem};
use crate::error::check_finite;
use crate::{Error, Result};

/// The micro times and states of one burst, at least two of them: `t: [n]`, `u: [n][dim]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// times, in the order the states were computed
    pub t: Vec<f64>,
    /// states
    pub u: Vec<Vec<f64>>,
}

impl Trace {
    /// The last time.
    ///
    /// # Panics
    /// On an empty trace, which no [`Burst`] returns.
    pub fn end(&self) -> f64 {
        self.t[self.t.len() - 1]
    }

    /// The last state.
    ///
    /// # Panics
    /// On an empty trace, which no [`Burst`] returns.
    pub fn last(&self) -> &[f64] {
        &self.u[self.u.len() - 1]
    }

    /// The slope of the slow field: the last difference quotient, (u_n − u_{n−1}) / (t_n − t_{n−1}).
    ///
    /// # Errors
    /// [`Error::Shape`] with fewer than two states.
    pub fn slope(&self) -> Result<Vec<f64>> {
        self.slope_of(|u| u.to_vec())
    }

    /// The last difference quotient of a function of the state, such as a restriction.
    ///
    /// # Errors
    /// [`Error::Shape`] with fewer than two states.
    pub fn slope_of(&self, mut map: impl FnMut(&[f64]) -> Vec<f64>) -> Result<Vec<f64>> {
        let n = self.t.len();
        if n < 2 || self.u.len() != n {
            return Err(Error::Shape {
                what: "burst trace".into(),
                expected: vec![n.max(2)],
                found: vec![self.u.len()],
            });
        }
        let dt = self.t[n - 1] - self.t[n - 2];
        let (after, before) = (map(&self.u[n - 1]), map(&self.u[n - 2]));
        Ok(after.iter().zip(&before).map(|(a, b)| (a - b) / dt).collect())
    }
}

/// A short run of the microscale from a state, that heals it and shows its slope.
pub trait Burst: Sync {
    /// Runs from `u` at time `t`; the trace begins with (t, u).
    ///
    /// # Errors
    /// What the micro-simulator returns.
    fn burst(&self, t: f64, u: &[f64]) -> Result<Trace>;

    /// How long a burst lasts, where that is known beforehand.
    fn length(&self) -> Option<f64> {
        None
    }

    /// Simulates over `length` in place of a burst; None when only [`Burst::burst`] knows how long to run.
    ///
    /// # Errors
    /// What the micro-simulator returns.
    fn simulate(&self, _t: f64, _u: &[f64], _length: f64) -> Result<Option<Trace>> {
        Ok(None)
    }
}

/// Bursts of a fixed length in equal steps of a one-step method.
#[derive(Clone, Copy)]
pub struct FixedBurst<'a> {
    integrator: &'a dyn Integrator,
    system: &'a dyn OdeSystem,
    length: f64,
    steps: usize,
}

impl<'a> FixedBurst<'a> {
    /// `length` > 0 in `steps` ≥ 1 equal steps.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn new(integrator: &'a dyn Integrator, system: &'a dyn OdeSystem, length: f64, steps: usize) -> Result<Self> {
        check_burst(length, steps)?;
        Ok(FixedBurst { integrator, system, length, steps })
    }

    fn run(&self, t: f64, u: &[f64], length: f64, steps: usize) -> Result<Trace> {
        if u.len() != self.system.dim() {
            let (expected, found) = (vec![self.system.dim()], vec![u.len()]);
            return Err(Error::Shape { what: "state of a burst".into(), expected, found });
        }
        let dt = length / steps as f64;
        let mut trace = Trace { t: vec![t], u: vec![u.to_vec()] };
        let mut state = u.to_vec();
        for i in 0..steps {
            self.integrator.step(self.system, t + i as f64 * dt, &mut state, dt)?;
            trace.t.push(if i + 1 == steps { t + length } else { t + (i + 1) as f64 * dt });
            trace.u.push(state.clone());
        }
        Ok(trace)
    }
}

pub(super) fn check_burst(length: f64, steps: usize) -> Result<()> {
    if !(length > 0.0 && length.is_finite()) {
        let advice = "about ln(βΔ)/β heals the fast modes of rate β over a macro step Δ";
        return Err(Error::parameter("burst length", length, "a positive time", advice));
    }
    if steps == 0 {
        return Err(Error::parameter("burst steps", steps, "at least 1", "the slope needs two states"));
    }
    Ok(())
}

impl Burst for FixedBurst<'_> {
    fn burst(&self, t: f64, u: &[f64]) -> Result<Trace> {
        self.run(t, u, self.length, self.steps)
    }

    fn length(&self) -> Option<f64> {
        Some(self.length)
    }

    fn simulate(&self, t: f64, u: &[f64], length: f64) -> Result<Option<Trace>> {
        let steps = step_count(length, self.length / self.steps as f64).max(1) as usize;
        self.run(t, u, length, steps).map(Some)
    }
}

/// Constraint-defined manifold computing (Gear, Kaper, Kevrekidis & Zagaris 2005; the "christmas tree"): a burst
/// that ends at the time it began.
///
/// Burst δ to x₁; slope s at its end; back to x₁ − 2δ s at t₀ − δ; burst δ to t₀. The result lies on the slow
/// manifold, about −2δ² x″ off the slow solution, so any macroscale integrator may use the slope as it stands. The
/// trace holds both bursts: its times go back once.
#[derive(Debug, Clone, Copy)]
pub struct ConstraintDefined<B> {
    /// the burst that it runs twice
    pub inner: B,
}

impl<B: Burst> ConstraintDefined<B> {
    /// Wraps a burst.
    pub fn new(inner: B) -> Self {
        ConstraintDefined { inner }
    }
}

impl<B: Burst> Burst for ConstraintDefined<B> {
    fn burst(&self, t: f64, u: &[f64]) -> Result<Trace> {
        let mut trace = self.inner.burst(t, u)?;
        let slope = trace.slope()?;
        let length = trace.end() - t;
        let back: Vec<f64> = trace.last().iter().zip(&slope).map(|(x, s)| x - 2.0 * length * s).collect();
        check_finite("state after the backward projection", &back, Some(t - length), "shorten the burst")?;
        let mut second = self.inner.burst(t - length, &back)?;
        trace.t.append(&mut second.t);
        trace.u.append(&mut second.u);
        Ok(trace)
    }
}

impl<B: Burst + ?Sized> Burst for &B {
    fn burst(&self, t: f64, u: &[f64]) -> Result<Trace> {
        (**self).burst(t, u)
    }

    fn length(&self) -> Option<f64> {
        (**self).length()
    }

    fn simulate(&self, t: f64, u: &[f64], length: f64) -> Result<Option<Trace>> {
        (**self).simulate(t, u, length)
    }
}

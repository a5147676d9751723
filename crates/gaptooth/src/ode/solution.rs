//! What every integration returns: states at the times asked for, and the work it took.

use super::OdeSystem;
use crate::error::check_finite;
use crate::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Work of an integration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// calls of [`OdeSystem::rhs_into`], those of difference quotients for Jacobians excluded
    pub rhs: u64,
    /// calls of [`OdeSystem::jvp_into`]
    pub jvp: u64,
    /// Jacobian matrices formed
    pub jacobians: u64,
    /// linear systems factorised
    pub factorisations: u64,
    /// accepted steps
    pub steps: u64,
    /// steps that the error control or Newton's method rejected
    pub rejected: u64,
}

/// States at the requested times.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// times, `[n]`
    pub t: Vec<f64>,
    /// states, `[n][dim]`
    pub u: Vec<Vec<f64>>,
    /// what it took
    pub work: Work,
}

/// A system that counts the calls it passes on.
pub struct Counted<'a> {
    system: &'a dyn OdeSystem,
    rhs: AtomicU64,
    jvp: AtomicU64,
}

impl<'a> Counted<'a> {
    /// Counts from zero.
    pub fn new(system: &'a dyn OdeSystem) -> Self {
        Counted { system, rhs: AtomicU64::new(0), jvp: AtomicU64::new(0) }
    }

    /// Right-hand sides and Jacobian-vector products so far.
    pub fn work(&self) -> Work {
        Work { rhs: self.rhs.load(Relaxed), jvp: self.jvp.load(Relaxed), ..Work::default() }
    }
}

impl OdeSystem for Counted<'_> {
    fn dim(&self) -> usize {
        self.system.dim()
    }

    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        self.rhs.fetch_add(1, Relaxed);
        self.system.rhs_into(t, u, du);
    }

    fn jvp_into(&self, t: f64, u: &[f64], v: &[f64], jv: &mut [f64]) {
        self.jvp.fetch_add(1, Relaxed);
        self.system.jvp_into(t, u, v, jv);
    }

    fn sparsity(&self) -> Option<Vec<(usize, usize)>> {
        self.system.sparsity()
    }
}

/// The state has the system's length and is finite; the times are finite, at or after `t0`, strictly increasing.
pub(super) fn check_request(dim: usize, t0: f64, u0: &[f64], times: &[f64]) -> Result<()> {
    if u0.len() != dim {
        return Err(Error::Shape { what: "initial state".into(), expected: vec![dim], found: vec![u0.len()] });
    }
    check_finite("initial state", u0, Some(t0), "check the initial condition")?;
    check_finite("initial time", &[t0], None, "give a finite time")?;
    check_finite("output times", times, None, "give finite times")?;
    if let Some(&first) = times.first().filter(|&&t| t < t0) {
        let expected = format!("a time at or after the initial time {t0}");
        return Err(Error::parameter("times[0]", first, expected, "integrate forwards in time"));
    }
    match times.windows(2).position(|w| w[1] <= w[0]) {
        None => Ok(()),
        Some(i) => Err(Error::parameter(
            format!("times[{}]", i + 1),
            times[i + 1],
            format!("more than times[{i}] = {}", times[i]),
            "sort the output times and drop repeated ones",
        )),
    }
}

//! Projective integration: healing bursts of the microscale, and macro steps along their slopes.
//!
//! [`ProjectiveRungeKutta`] works with any [`Burst`]; [`Projective`] is the same as an [`Integrator`], so it nests
//! and drops in wherever a one-step method does. [`super::slow_field`] hands the estimated slow field to any other
//! integrator.

use super::burst::check_burst;
use super::explicit::{UNSTABLE, add_slopes};
use super::solution::check_request;
use super::tableau::{ExplicitMethod, Tableau};
use super::{Integrator, OdeSystem};
use crate::error::check_finite;
use crate::observer::{Observer, check_interrupt};
use crate::{Error, Result};

pub use super::burst::{Burst, ConstraintDefined, FixedBurst, Trace};
pub use super::slow_field::{GeneralProjective, Identity, Lifting, Restriction, SlowField};

/// States at the requested times, and every slope the method used.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectiveSolution {
    /// times, `[n]`
    pub t: Vec<f64>,
    /// states, `[n][dim]`
    pub u: Vec<Vec<f64>>,
    /// times at which slopes were taken (the ends of the bursts)
    pub slope_t: Vec<f64>,
    /// estimates of the slow vector field there
    pub slope: Vec<Vec<f64>>,
    /// bursts run, the preliminary one included
    pub bursts: u64,
    /// macro steps that bursts would have covered, simulated instead
    pub simulated_steps: u64,
}

/// One macro step: the new state and the slopes that made it (none when the step was simulated).
#[derive(Debug, Clone, PartialEq)]
pub struct MacroStep {
    /// state at the end of the step
    pub u: Vec<f64>,
    /// (time, slope) at the end of each stage's burst
    pub slopes: Vec<(f64, Vec<f64>)>,
}

/// Projective integration with the macro step of any explicit tableau (for `rk2`, `rk4`: the schemes PIRK2 and
/// PIRK4 of Maclean, Bunder & Roberts' Equation-Free Toolbox).
///
/// A macro step from t to T: a burst of length δ reaches x_e at t_e = t + δ; Δ = T − t_e. Stage i starts its own
/// burst from x_e + Δ Σ_j a_ij k_j − δ (Σ_j a_ij k_j)/c_i at t + c_i Δ, so that the burst *ends* at t_e + c_i Δ, on
/// the macro solution: no O(δ) bias remains. Then u(T) = x_e + Δ Σ b_i k_i. Order: the tableau's in Δ, once bursts
/// heal: δ ≳ ln(βΔ)/β for fast modes of rate β; the difference quotient adds an error of half a micro step times u″.
///
/// When `stages` bursts would cover the step, the step is simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectiveRungeKutta {
    tableau: Tableau,
}

impl From<ExplicitMethod> for ProjectiveRungeKutta {
    fn from(method: ExplicitMethod) -> Self {
        ProjectiveRungeKutta::new(method.tableau())
    }
}

impl ProjectiveRungeKutta {
    /// The projective method of any checked tableau.
    pub fn new(tableau: Tableau) -> Self {
        ProjectiveRungeKutta { tableau }
    }

    /// Its tableau.
    pub fn tableau(&self) -> &Tableau {
        &self.tableau
    }

    /// One macro step from `u` at `t` to `t_next`.
    ///
    /// # Errors
    /// What the bursts return; [`Error::Parameter`] when a burst runs beyond `t_next`; [`Error::NonFinite`].
    pub fn macro_step(&self, burst: &dyn Burst, t: f64, u: &[f64], t_next: f64) -> Result<MacroStep> {
        let stages = self.tableau.stages() as f64;
        if burst.length().is_some_and(|length| stages * length >= t_next - t)
            && let Some(trace) = burst.simulate(t, u, t_next - t)?
        {
            return Ok(MacroStep { u: trace.last().to_vec(), slopes: Vec::new() });
        }
        let first = burst.burst(t, u)?;
        let (end, length, step) = (first.last(), first.end() - t, t_next - first.end());
        if step < 0.0 {
            let advice = "lengthen the macro steps or shorten the bursts";
            return Err(Error::parameter("burst end", first.end(), format!("at most the next time {t_next}"), advice));
        }
        let mut slopes = vec![first.slope()?];
        let mut slope_t = vec![first.end()];
        for (row, &c) in self.tableau.a().iter().zip(self.tableau.c()).skip(1) {
            let start = stage_start(end, row, c, &slopes, step, length);
            let trace = burst.burst(t + c * step, &start)?;
            slopes.push(trace.slope()?);
            slope_t.push(trace.end());
        }
        let mut next = end.to_vec();
        add_slopes(&mut next, self.tableau.b(), &slopes, step);
        check_finite("state after a projective step", &next, Some(t_next), UNSTABLE)?;
        Ok(MacroStep { u: next, slopes: slope_t.into_iter().zip(slopes).collect() })
    }

    /// Heals `u0` by a preliminary burst, then takes one macro step to each of `times` (strictly increasing, from
    /// `t0` on; at `t0` itself the result is `u0`).
    ///
    /// The first step starts at the end of the preliminary burst.
    ///
    /// ```
    /// use gaptooth::observer::Silent;
    /// use gaptooth::ode::{OdeSystem, explicit::RungeKutta, tableau::ExplicitMethod};
    /// use gaptooth::ode::projective::{FixedBurst, ProjectiveRungeKutta};
    /// /// y falls onto the slow manifold y = x within a time ε; there x decays at rate 1
    /// struct SlowFast(f64);
    /// impl OdeSystem for SlowFast {
    ///     fn dim(&self) -> usize { 2 }
    ///     fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
    ///         du[0] = -u[1];
    ///         du[1] = (u[0] - u[1]) / self.0;
    ///     }
    /// }
    /// let (system, rk4) = (SlowFast(1e-5), RungeKutta::from(ExplicitMethod::Rk4));
    /// let burst = FixedBurst::new(&rk4, &system, 2e-4, 20)?;
    /// let projective = ProjectiveRungeKutta::from(ExplicitMethod::Rk4);
    /// let times: Vec<f64> = (0..=10).map(|i| 0.1 * i as f64).collect();
    /// let solution = projective.integrate(&burst, 0.0, &[1.0, 0.0], &times, &Silent)?;
    /// assert!((solution.u[10][0] - (-1.0f64).exp()).abs() < 2e-5); // O(ε), of 0.37
    /// assert_eq!(solution.bursts, 41); // 0.8 % of the time simulated
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for bad times, what the bursts return, [`Error::Interrupted`].
    pub fn integrate(
        &self,
        burst: &dyn Burst,
        t0: f64,
        u0: &[f64],
        times: &[f64],
        observer: &dyn Observer,
    ) -> Result<ProjectiveSolution> {
        check_request(u0.len(), t0, u0, times)?;
        let healed = burst.burst(t0, u0)?;
        let (mut t, mut u) = (healed.end(), healed.last().to_vec());
        let mut solution = ProjectiveSolution {
            t: times.to_vec(),
            u: Vec::with_capacity(times.len()),
            slope_t: Vec::new(),
            slope: Vec::new(),
            bursts: 1,
            simulated_steps: 0,
        };
        for (done, &next) in times.iter().enumerate() {
            check_interrupt(observer, "projective integration")?;
            if next == t0 {
                solution.u.push(u0.to_vec());
                continue;
            }
            if next < t {
                let advice = "the preliminary burst must end before the first macro step does";
                return Err(Error::parameter("times", next, format!("after the burst's end {t}"), advice));
            }
            let step = self.macro_step(burst, t, &u, next)?;
            (t, u) = (next, step.u);
            solution.u.push(u.clone());
            solution.bursts += step.slopes.len().max(1) as u64;
            solution.simulated_steps += u64::from(step.slopes.is_empty());
            for (slope_t, slope) in step.slopes {
                solution.slope_t.push(slope_t);
                solution.slope.push(slope);
            }
            observer.progress("projective integration", done as u64 + 1, times.len() as u64, "");
        }
        Ok(solution)
    }
}

/// x_e + (c Δ − δ) k̄ with the stage's mean slope k̄ = Σ a_j k_j / c; at c = 0 that mean is the first slope.
fn stage_start(end: &[f64], row: &[f64], c: f64, slopes: &[Vec<f64>], step: f64, length: f64) -> Vec<f64> {
    let mut start = end.to_vec();
    add_slopes(&mut start, row, slopes, step);
    if c == 0.0 {
        add_slopes(&mut start, &[1.0], slopes, -length);
    } else {
        add_slopes(&mut start, row, slopes, -length / c);
    }
    start
}

/// Projective integration as a one-step method: on each step it runs bursts of its inner method on the system.
///
/// No preliminary burst: a step starts from a state near the slow manifold, as every step but the first does.
/// Projective methods nest: the inner method may itself be projective ("telescopic").
#[derive(Debug, Clone)]
pub struct Projective<I> {
    scheme: ProjectiveRungeKutta,
    micro: I,
    length: f64,
    steps: usize,
}

impl<I: Integrator> Projective<I> {
    /// Macro steps by `scheme`, bursts of `length` in `steps` equal steps of `micro`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a length that is not positive or no steps.
    pub fn new(scheme: ProjectiveRungeKutta, micro: I, length: f64, steps: usize) -> Result<Self> {
        check_burst(length, steps)?;
        Ok(Projective { scheme, micro, length, steps })
    }
}

impl<I: Integrator> Integrator for Projective<I> {
    fn order(&self) -> usize {
        self.scheme.tableau.order()
    }

    fn step(&self, system: &dyn OdeSystem, t: f64, u: &mut [f64], dt: f64) -> Result<()> {
        let burst = FixedBurst::new(&self.micro, system, self.length, self.steps)?;
        u.copy_from_slice(&self.scheme.macro_step(&burst, t, u, t + dt)?.u);
        Ok(())
    }
}

//! Explicit Runge–Kutta methods with fixed steps.

use super::solution::{Counted, Solution, check_request};
use super::tableau::{ExplicitMethod, Tableau};
use super::{Integrator, OdeSystem};
use crate::error::check_finite;
use crate::observer::{Observer, check_interrupt};
use crate::{Error, Result};

/// The method of one [`Tableau`] as an [`Integrator`]; costs `stages` right-hand sides a step.
///
/// ```
/// use gaptooth::ode::{Integrator, OdeSystem, explicit::RungeKutta, tableau::ExplicitMethod};
/// struct Decay;
/// impl OdeSystem for Decay {
///     fn dim(&self) -> usize { 1 }
///     fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) { du[0] = -u[0]; }
/// }
/// let mut u = [1.0];
/// RungeKutta::from(ExplicitMethod::Rk4).step(&Decay, 0.0, &mut u, 0.1)?;
/// assert!((u[0] - (-0.1f64).exp()).abs() < 1e-7);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RungeKutta {
    tableau: Tableau,
}

impl RungeKutta {
    /// The method of any checked tableau.
    pub fn new(tableau: Tableau) -> Self {
        RungeKutta { tableau }
    }

    /// Its tableau.
    pub fn tableau(&self) -> &Tableau {
        &self.tableau
    }
}

impl From<ExplicitMethod> for RungeKutta {
    fn from(method: ExplicitMethod) -> Self {
        RungeKutta::new(method.tableau())
    }
}

pub(super) const UNSTABLE: &str = "the step may be too long for the fastest mode: shorten it, or use a stiff method";

impl Integrator for RungeKutta {
    fn order(&self) -> usize {
        self.tableau.order()
    }

    fn step(&self, system: &dyn OdeSystem, t: f64, u: &mut [f64], dt: f64) -> Result<()> {
        let mut slopes: Vec<Vec<f64>> = Vec::with_capacity(self.tableau.stages());
        let mut stage = u.to_vec();
        for (row, c) in self.tableau.a().iter().zip(self.tableau.c()) {
            stage.copy_from_slice(u);
            add_slopes(&mut stage, row, &slopes, dt);
            let mut slope = vec![0.0; u.len()];
            system.rhs_into(t + c * dt, &stage, &mut slope);
            slopes.push(slope);
        }
        add_slopes(u, self.tableau.b(), &slopes, dt);
        check_finite("state after a Runge–Kutta step", u, Some(t + dt), UNSTABLE)
    }
}

/// u ← u + dt Σ w_j k_j, summed in the order of the stages.
pub(super) fn add_slopes(u: &mut [f64], weights: &[f64], slopes: &[Vec<f64>], dt: f64) {
    for (w, slope) in weights.iter().zip(slopes).filter(|(w, _)| **w != 0.0) {
        for (x, k) in u.iter_mut().zip(slope) {
            *x += dt * w * k;
        }
    }
}

/// Progress is told in such parts of the whole time.
const SHARES: u64 = 1000;
/// And after so many steps.
const TOLD: u64 = 256;
/// More steps than this are a slip of the pen.
const MOST: f64 = 1e10;

/// Integrates with any one-step method to each of `times` (strictly increasing, from `t0` on), with equal steps
/// no longer than `max_step` between two times (`f64::INFINITY`: one step).
///
/// # Errors
/// [`Error::Shape`], [`Error::Parameter`] for a bad request, more than 1e10 steps among them, what the method's step returns, and
/// [`Error::Interrupted`].
pub fn integrate(
    integrator: &dyn Integrator,
    system: &dyn OdeSystem,
    t0: f64,
    u0: &[f64],
    times: &[f64],
    max_step: f64,
    observer: &dyn Observer,
) -> Result<Solution> {
    check_request(system.dim(), t0, u0, times)?;
    if max_step.is_nan() || max_step <= 0.0 {
        return Err(Error::parameter("max_step", max_step, "a positive length", "leave it out for one step"));
    }
    let span = times.last().map_or(0.0, |end| end - t0);
    if span / max_step > MOST {
        let expected = format!("a step of which {MOST:e} at most lead to t = {}", t0 + span);
        return Err(Error::parameter("max_step", max_step, expected, "check the units of the times and of the step"));
    }
    let counted = Counted::new(system);
    let (mut t, mut u, mut steps) = (t0, u0.to_vec(), 0);
    let mut states = Vec::with_capacity(times.len());
    let tell = |t: f64| {
        let share = if span > 0.0 { (t - t0) / span } else { 1.0 };
        observer.progress("integration", (SHARES as f64 * share) as u64, SHARES, &format!("t = {t:.3e}"));
    };
    for &next in times {
        let n = step_count(next - t, max_step);
        let dt = (next - t) / n as f64;
        for i in 0..n {
            check_interrupt(observer, "integration")?;
            if i > 0 && i % TOLD == 0 {
                tell(t + i as f64 * dt);
            }
            integrator.step(&counted, t + i as f64 * dt, &mut u, dt)?;
        }
        t = next;
        steps += n;
        states.push(u.clone());
        tell(next);
    }
    let work = super::solution::Work { steps, ..counted.work() };
    Ok(Solution { t: times.to_vec(), u: states, work })
}

/// Steps needed to cover `length` (0 for nothing); a rounding error above a whole number makes no extra step.
pub(super) fn step_count(length: f64, max_step: f64) -> u64 {
    if length <= 0.0 { 0 } else { ((length / max_step) * (1.0 - 1e-12)).ceil().max(1.0) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Silent;

    struct Decay;
    impl OdeSystem for Decay {
        fn dim(&self) -> usize {
            1
        }
        fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
            du[0] = -u[0];
        }
    }

    #[test]
    fn a_linear_step_is_the_truncated_exponential() {
        let mut u = [1.0];
        RungeKutta::from(ExplicitMethod::Rk4).step(&Decay, 0.0, &mut u, 0.5).unwrap();
        let z = -0.5f64;
        let expected = 1.0 + z + z * z / 2.0 + z.powi(3) / 6.0 + z.powi(4) / 24.0;
        assert!((u[0] - expected).abs() < 1e-15);
    }

    #[test]
    fn steps_divide_the_intervals_evenly() {
        assert_eq!(step_count(0.3, 0.1), 3);
        assert_eq!(step_count(0.31, 0.1), 4);
        assert_eq!(step_count(1.0, f64::INFINITY), 1);
        assert_eq!(step_count(0.0, 0.1), 0);
        let rk4 = RungeKutta::from(ExplicitMethod::Rk4);
        let s = integrate(&rk4, &Decay, 0.0, &[1.0], &[0.0, 0.3, 1.0], 0.1, &Silent).unwrap();
        assert_eq!((s.work.steps, s.work.rhs), (10, 40));
        assert_eq!(s.u[0], [1.0]);
        assert!((s.u[2][0] - (-1.0f64).exp()).abs() < 1e-6);
    }
}

//! Stiff systems: variable-order BDF and two SDIRK methods of the diffsol library, to a tolerance.

use super::OdeSystem;
use super::diffsol_equations::{Equations, NotFinite, Pattern, Rhs};
use super::solution::{Solution, Work, check_request};
use crate::error::check_finite;
use crate::linalg::in_sequence;
use crate::observer::{Observer, check_interrupt};
use crate::{Error, Result};
use diffsol::error::DiffsolError;
use diffsol::ode_solver::OdeSolverStatistics;
use diffsol::{
    FaerSparseLU, FaerSparseMat, OdeBuilder, OdeEquations, OdeSolverMethod, OdeSolverProblem, OdeSolverStopReason,
    Vector,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stiff methods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StiffMethod {
    /// backward differentiation formulae (NDF) of orders 1 to 5, chosen as it goes
    #[default]
    Bdf,
    /// TR-BDF2 (Bank et al. 1985), order 2, L-stable
    TrBdf2,
    /// ESDIRK3(4) (Jørgensen, Kristensen & Thomsen 2018), order 3, L-stable
    Esdirk34,
}

impl StiffMethod {
    /// All of them.
    pub const ALL: [StiffMethod; 3] = [StiffMethod::Bdf, StiffMethod::TrBdf2, StiffMethod::Esdirk34];

    /// The order; of BDF, the highest.
    pub fn order(self) -> usize {
        match self {
            StiffMethod::Bdf => 5,
            StiffMethod::TrBdf2 => 2,
            StiffMethod::Esdirk34 => 3,
        }
    }
}

/// Tolerances relative to the state, and the method.
///
/// A step may err by rtol · (|u_i| + floor · scale) in component i, in the root mean square over components. So a
/// tail that decays by many orders is followed to rtol until it passes floor · scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StiffOptions {
    /// the method
    pub method: StiffMethod,
    /// relative tolerance of a step, from 1e-16 to 1; rounding ends what is asked below 1e-14 or so
    pub rtol: f64,
    /// components smaller than floor · scale are held to that size only; from 1e-30 to 1
    pub floor: f64,
    /// the size of the state; without it max |u0|, or 1 where that is 0
    pub scale: Option<f64>,
    /// longest step; without it only accuracy limits it
    pub max_step: Option<f64>,
}

impl Default for StiffOptions {
    fn default() -> Self {
        StiffOptions { method: StiffMethod::Bdf, rtol: 1e-6, floor: 1e-6, scale: None, max_step: None }
    }
}

impl StiffOptions {
    pub(super) fn check(&self) -> Result<()> {
        for (name, value, least) in [("rtol", self.rtol, 1e-16), ("floor", self.floor, 1e-30)] {
            if !(least..=1.0).contains(&value) {
                let expected = format!("a number from {least:e} to 1");
                return Err(Error::parameter(name, value, expected, "1e-6 is a good start"));
            }
        }
        for (name, value) in [("scale", self.scale), ("max_step", self.max_step)] {
            if let Some(x) = value.filter(|x| !(x.is_finite() && *x > 0.0)) {
                return Err(Error::parameter(name, x, "a positive number", "leave it out for the default"));
            }
        }
        Ok(())
    }

    /// The absolute tolerance for an initial state.
    pub(super) fn absolute(&self, u0: &[f64]) -> f64 {
        let size = u0.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        self.rtol * self.floor * self.scale.unwrap_or(if size > 0.0 { size } else { 1.0 })
    }
}

/// Integrates a stiff system from `u0` at `t0` to exactly the given `times` (strictly increasing, from `t0` on).
///
/// Newton's matrices come from [`OdeSystem::jvp_into`]: n products and an LU of O(n³), or, where the system tells its
/// [`OdeSystem::sparsity`], as many products as colours and a sparse LU. Outputs between steps use the
/// method's own interpolant; the last one is a step's end.
///
/// ```
/// use gaptooth::observer::Silent;
/// use gaptooth::ode::{OdeSystem, stiff::{StiffOptions, integrate_stiff}};
/// /// Robertson's kinetics
/// struct Robertson;
/// impl OdeSystem for Robertson {
///     fn dim(&self) -> usize { 3 }
///     fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
///         du[0] = -0.04 * u[0] + 1e4 * u[1] * u[2];
///         du[2] = 3e7 * u[1] * u[1];
///         du[1] = -du[0] - du[2];
///     }
/// }
/// let options = StiffOptions { rtol: 1e-8, ..StiffOptions::default() };
/// let s = integrate_stiff(&Robertson, 0.0, &[1.0, 0.0, 0.0], &[40.0], &options, &Silent)?;
/// assert!((s.u[0][0] - 0.7158270687).abs() < 1e-7);
/// assert!(s.work.steps < 400);
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`], [`Error::Parameter`] for a bad request; [`Error::NonFinite`] when the right-hand side or the
/// state leaves the finite numbers and no shorter step avoids it; [`Error::Solver`] when the step size shrinks to
/// nothing; [`Error::Interrupted`].
pub fn integrate_stiff(
    system: &dyn OdeSystem,
    t0: f64,
    u0: &[f64],
    times: &[f64],
    options: &StiffOptions,
    observer: &dyn Observer,
) -> Result<Solution> {
    in_sequence();
    options.check()?;
    check_request(system.dim(), t0, u0, times)?;
    let mut du = vec![0.0; u0.len()];
    system.rhs_into(t0, u0, &mut du);
    check_finite("right-hand side at the initial state", &du, Some(t0), "check the equations and the initial state")?;
    if u0.is_empty() || times.iter().all(|&t| t <= t0) {
        let u = vec![u0.to_vec(); times.len()];
        return Ok(Solution { t: times.to_vec(), u, work: Work { rhs: 1, ..Work::default() } });
    }
    let request = Request { t0, u0, times, options, observer };
    solve(Rhs::new(system, pattern(system)?), &request)
}

fn pattern(system: &dyn OdeSystem) -> Result<Pattern> {
    let (dim, entries) = (system.dim(), system.sparsity());
    if let Some((i, j)) = entries.iter().flatten().find(|(i, j)| *i >= dim || *j >= dim) {
        let expected = format!("rows and columns below the dimension {dim}");
        return Err(Error::parameter("sparsity", format!("({i}, {j})"), expected, "correct OdeSystem::sparsity"));
    }
    Pattern::new(dim, entries).map_err(|e| stopped(&e.into(), None))
}

struct Request<'r> {
    t0: f64,
    u0: &'r [f64],
    times: &'r [f64],
    options: &'r StiffOptions,
    observer: &'r dyn Observer,
}

fn solve(rhs: Rhs<'_>, request: &Request<'_>) -> Result<Solution> {
    run(&problem(rhs, request).map_err(|e| stopped(&e, None))?, request)
}

fn run(problem: &Problem<'_>, request: &Request<'_>) -> Result<Solution> {
    let failed = |e: DiffsolError| stopped(&e, problem.eqn.rhs.not_finite.get());
    match request.options.method {
        StiffMethod::Bdf => march(problem.bdf::<Lu>().map_err(failed)?, request),
        StiffMethod::TrBdf2 => march(problem.tr_bdf2::<Lu>().map_err(failed)?, request),
        StiffMethod::Esdirk34 => march(problem.esdirk34::<Lu>().map_err(failed)?, request),
    }
}

type Lu = FaerSparseLU<f64>;
type Problem<'s> = OdeSolverProblem<Equations<'s>>;

fn problem<'s>(rhs: Rhs<'s>, request: &Request<'_>) -> std::result::Result<Problem<'s>, DiffsolError> {
    let end = request.times[request.times.len() - 1];
    let mut problem = OdeBuilder::<FaerSparseMat<f64>>::new()
        .t0(request.t0)
        .h0(end - request.t0)
        .rtol(request.options.rtol)
        .atol([request.options.absolute(request.u0)])
        .build_from_eqn(Equations::new(rhs, request.u0))?;
    // the library's smallest step is an absolute 1e-13, and its limit on Newton failures counts the whole run
    problem.ode_options.min_timestep = 4.0 * f64::EPSILON * request.t0.abs().max(end.abs());
    problem.ode_options.max_nonlinear_solver_failures = usize::MAX;
    Ok(problem)
}

/// Steps to the last time, filling in the outputs passed on the way.
fn march<'p, 's: 'p, S>(mut solver: S, request: &Request<'_>) -> Result<Solution>
where
    S: OdeSolverMethod<'p, Equations<'s>>,
{
    let rhs = &solver.problem().eqn.rhs;
    let failed = |e: DiffsolError| stopped(&e, rhs.not_finite.get());
    let times = request.times;
    let end = times[times.len() - 1];
    let at_start = usize::from(times[0] == request.t0);
    let mut states = vec![request.u0.to_vec(); at_start];
    solver.set_stop_time(end).map_err(failed)?;
    while states.len() < times.len() {
        check_interrupt(request.observer, "stiff integration")?;
        if let Some(max_step) = request.options.max_step {
            bound_step(&mut solver, max_step, end).map_err(failed)?;
        }
        let reason = solver.step().map_err(failed)?;
        let t = solver.state().t;
        let advice = "check the equations for this state, or set max_step";
        check_finite("state", &solver.state().y.clone_as_vec(), Some(t), advice)?;
        rhs.not_finite.set(None);
        // the stop may be met to rounding only
        let finished = reason == OdeSolverStopReason::TstopReached && end - t <= 1e-13 * (end.abs() + t.abs());
        while states.len() < times.len() && (times[states.len()] <= t || finished) {
            let at = times[states.len()];
            let u = if at < t {
                solver.interpolate(at).map_err(failed)?.clone_as_vec()
            } else {
                solver.state().y.clone_as_vec()
            };
            states.push(u);
        }
        request.observer.progress("stiff integration", states.len() as u64, times.len() as u64, "");
    }
    let work = work(solver.get_statistics(), rhs);
    Ok(Solution { t: times.to_vec(), u: states, work })
}

fn work(statistics: &OdeSolverStatistics, rhs: &Rhs<'_>) -> Work {
    Work {
        rhs: rhs.calls.get() + 1,
        jvp: rhs.jvps.get(),
        jacobians: rhs.jacobians.get(),
        factorisations: statistics.number_of_linear_solver_setups as u64,
        steps: statistics.number_of_steps as u64,
        rejected: (statistics.number_of_error_test_failures + statistics.number_of_nonlinear_solver_fails) as u64,
    }
}

/// A stop time is the library's only bound on a step; it shrinks the step to meet it, so it is set only where it binds.
fn bound_step<'p, E, S>(solver: &mut S, max_step: f64, end: f64) -> std::result::Result<(), DiffsolError>
where
    E: OdeEquations<T = f64> + 'p,
    S: OdeSolverMethod<'p, E>,
{
    let (t, h) = (solver.state().t, solver.state().h);
    solver.set_stop_time(if h > max_step { end.min(t + max_step) } else { end })
}

/// The library's error in our words: a right-hand side that was not finite is the cause where there was one.
fn stopped(error: &DiffsolError, cause: Option<NotFinite>) -> Error {
    match cause {
        Some(NotFinite { t, index, value }) => Error::NonFinite {
            what: "right-hand side".into(),
            index,
            time: Some(t),
            value,
            advice: "no shorter step avoids it: check the equations near this time".into(),
        },
        None => Error::Solver {
            solver: "stiff integration",
            message: error.to_string(),
            advice: "the solution may blow up or the equations jump there; else loosen rtol or raise floor".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Silent;

    /// u0' = −u0 + sin t, u1' = u0 − 2 u1: u0 = (sin t − cos t)/2 + e^(−t) from 1/2.
    struct Forced;

    impl OdeSystem for Forced {
        fn dim(&self) -> usize {
            2
        }
        fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
            (du[0], du[1]) = (-u[0] + t.sin(), u[0] - 2.0 * u[1]);
        }
    }

    /// Error at t = 2 with steps of `h` (after a few that grow to it): the error control is slack, Newton's is not.
    fn error(method: StiffMethod, h: f64) -> f64 {
        let options = StiffOptions { method, rtol: 1.0, floor: 1.0, scale: None, max_step: Some(h) };
        let (u0, times) = ([0.5, 0.0], [2.0]);
        let request = Request { t0: 0.0, u0: &u0, times: &times, options: &options, observer: &Silent };
        let mut problem = problem(Rhs::new(&Forced, pattern(&Forced).unwrap()), &request).unwrap();
        problem.ode_options.nonlinear_solver_tolerance = 1e-11;
        let s = run(&problem, &request).unwrap();
        (s.u[0][0] - (2f64.sin() - 2f64.cos()) / 2.0 - (-2f64).exp()).abs()
    }

    #[test]
    fn one_step_methods_have_their_order() {
        for method in [StiffMethod::TrBdf2, StiffMethod::Esdirk34] {
            let (coarse, fine) = (error(method, 0.025), error(method, 0.0125));
            let observed = (coarse / fine).log2();
            println!("{method:?}: errors {coarse:.3e}, {fine:.3e}, observed order {observed:.3}");
            assert!((observed - method.order() as f64).abs() <= 0.15, "{method:?}: observed order {observed:.3}");
        }
    }
}

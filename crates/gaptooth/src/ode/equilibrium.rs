//! Equilibria by Newton's method, and the Jacobian of a system as a dense matrix.

use super::newton_krylov::newton_krylov;
use super::{Counted, OdeSystem, Work};
use crate::error::check_finite;
use crate::linalg::in_sequence;
use crate::{Error, Result};
use faer::Mat;
use faer::linalg::solvers::Solve;

/// (∂f/∂u)(t, u), `[dim, dim]`, by dim calls of [`OdeSystem::jvp_into`]: exact or to about 1e-10, as that is.
///
/// # Errors
/// [`Error::Shape`]; [`Error::NonFinite`].
pub fn jacobian(system: &dyn OdeSystem, t: f64, u: &[f64]) -> Result<Mat<f64>> {
    check_state(system, u)?;
    columns(system.dim(), t, |unit, column| system.jvp_into(t, u, unit, column))
}

/// J of a linear or affine system f = J u + g, `[dim, dim]`: column j is f(t, e_j) − f(t, 0), exact to rounding.
///
/// ```
/// use gaptooth::ode::{OdeSystem, equilibrium::linear_operator};
/// struct Rotation;
/// impl OdeSystem for Rotation {
///     fn dim(&self) -> usize { 2 }
///     fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) { (du[0], du[1]) = (-u[1], u[0]); }
/// }
/// let j = linear_operator(&Rotation, 0.0)?;
/// assert_eq!((j[(0, 0)], j[(0, 1)], j[(1, 0)], j[(1, 1)]), (0.0, -1.0, 1.0, 0.0));
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// [`Error::NonFinite`].
pub fn linear_operator(system: &dyn OdeSystem, t: f64) -> Result<Mat<f64>> {
    let mut constant = vec![0.0; system.dim()];
    system.rhs_into(t, &vec![0.0; system.dim()], &mut constant);
    columns(system.dim(), t, |unit, column| {
        system.rhs_into(t, unit, column);
        column.iter_mut().zip(&constant).for_each(|(x, c)| *x -= c);
    })
}

fn columns(n: usize, t: f64, mut fill: impl FnMut(&[f64], &mut [f64])) -> Result<Mat<f64>> {
    let mut matrix = Mat::zeros(n, n);
    let (mut unit, mut column) = (vec![0.0; n], vec![0.0; n]);
    for j in 0..n {
        unit[j] = 1.0;
        fill(&unit, &mut column);
        unit[j] = 0.0;
        check_finite(&format!("column {j} of the Jacobian"), &column, Some(t), "check the equations at this state")?;
        for (i, &x) in column.iter().enumerate() {
            matrix[(i, j)] = x;
        }
    }
    Ok(matrix)
}

/// Unknowns up to which a dense LU is the quickest.
const DENSE: usize = 400;

/// When Newton's method stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewtonOptions {
    /// converged once a full step is at most this times the larger of max |u| and max |u0|
    pub tolerance: f64,
    /// steps at most
    pub max_iterations: usize,
}

impl Default for NewtonOptions {
    fn default() -> Self {
        NewtonOptions { tolerance: 1e-11, max_iterations: 50 }
    }
}

/// Where Newton's method ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Equilibrium {
    /// the state
    pub u: Vec<f64>,
    /// max |f(t, u)| there
    pub residual: f64,
    /// steps taken, each one Jacobian and one LU
    pub iterations: usize,
    /// whether the last step was within the tolerance (or the residual exactly zero)
    pub converged: bool,
    /// what it took
    pub work: Work,
}

/// Solves f(t, u) = 0 from `u0` by Newton's method; a step that does not lessen max |f| is halved, up to ten times.
///
/// Up to 400 unknowns a dense LU, O(n³), a step; beyond, [`newton_krylov`] with the preconditioner of the system's sparsity. An
/// affine system takes one step, and one more to see that it has converged.
/// Not converging is `converged: false`, not an error.
///
/// # Errors
/// [`Error::Shape`]; [`Error::NonFinite`] when f or its Jacobian is not finite; up to 400 unknowns [`Error::Solver`] for a singular
/// Jacobian (such as pure diffusion on a circle, where every constant is an equilibrium), beyond `converged: false`.
pub fn equilibrium(system: &dyn OdeSystem, t: f64, u0: &[f64], options: &NewtonOptions) -> Result<Equilibrium> {
    check_state(system, u0)?;
    if u0.len() > DENSE {
        return newton_krylov(system, t, u0, options, None);
    }
    let system = Counted::new(system);
    let mut found = descend(&system, t, u0, options, |u, f| Ok((newton_step(&system, t, u, f)?, true)))?;
    let factorisations = found.iterations as u64;
    found.work = Work { jacobians: factorisations, factorisations, steps: factorisations, ..system.work() };
    Ok(found)
}

/// Newton's method with steps from `newton(u, f)`, which tells whether it solved its linear system; they are halved while they do not
/// lessen max |f|. The work is left for the caller to fill in.
pub(super) fn descend(
    system: &dyn OdeSystem,
    t: f64,
    u0: &[f64],
    options: &NewtonOptions,
    mut newton: impl FnMut(&[f64], &[f64]) -> Result<(Vec<f64>, bool)>,
) -> Result<Equilibrium> {
    let evaluate = |u: &[f64]| -> (Vec<f64>, f64) {
        let mut f = vec![0.0; u.len()];
        system.rhs_into(t, u, &mut f);
        let size = f.iter().fold(0.0, |m: f64, x| if x.is_finite() { m.max(x.abs()) } else { f64::INFINITY });
        (f, size)
    };
    let mut u = u0.to_vec();
    let (mut f, mut residual) = evaluate(&u);
    check_finite("right-hand side at the initial state", &f, Some(t), "start from another state")?;
    let (mut iterations, mut converged) = (0, residual == 0.0);
    while !converged && iterations < options.max_iterations {
        let (step, solved) = newton(&u, &f)?;
        let mut share = 1.0;
        let trial = |share: f64| u.iter().zip(&step).map(|(x, s)| x + share * s).collect::<Vec<f64>>();
        let mut next = trial(share);
        let (mut next_f, mut next_residual) = evaluate(&next);
        let small = max_abs(&step) <= options.tolerance * max_abs(&next).max(max_abs(u0));
        // at the level of rounding the residual need not fall any more
        while !small && next_residual >= residual && share > 1e-3 {
            share *= 0.5;
            next = trial(share);
            (next_f, next_residual) = evaluate(&next);
        }
        check_finite("right-hand side after a Newton step", &next_f, Some(t), "start nearer the equilibrium")?;
        (u, f, residual) = (next, next_f, next_residual);
        iterations += 1;
        converged = (small && solved) || residual == 0.0;
        if small && !solved {
            break;
        }
    }
    Ok(Equilibrium { u, residual, iterations, converged, work: Work::default() })
}

/// A pivot this small beside the largest is rounding.
const SINGULAR: f64 = 1e-15;

fn newton_step(system: &dyn OdeSystem, t: f64, u: &[f64], f: &[f64]) -> Result<Vec<f64>> {
    in_sequence();
    let matrix = jacobian(system, t, u)?;
    let right = Mat::from_fn(u.len(), 1, |i, _| -f[i]);
    let lu = matrix.partial_piv_lu();
    let pivots: Vec<f64> = (0..u.len()).map(|i| lu.U()[(i, i)].abs()).collect();
    let (least, most) = pivots.iter().fold((f64::INFINITY, 0.0f64), |(a, b), &p| (a.min(p), b.max(p)));
    if least > SINGULAR * most {
        let step = lu.solve(&right);
        return Ok((0..u.len()).map(|i| step[(i, 0)]).collect());
    }
    Err(Error::Solver {
        solver: "Newton's method",
        message: format!("the Jacobian of {} unknowns is singular", u.len()),
        advice: "the equilibrium is not unique: fix what is conserved, or integrate in time instead".into(),
    })
}

pub(super) fn check_state(system: &dyn OdeSystem, u: &[f64]) -> Result<()> {
    if u.len() == system.dim() {
        return Ok(());
    }
    Err(Error::Shape { what: "state".into(), expected: vec![system.dim()], found: vec![u.len()] })
}

pub(super) fn max_abs(u: &[f64]) -> f64 {
    u.iter().fold(0.0, |m, x| m.max(x.abs()))
}

//! Time integration: systems, one-step methods, projective schemes and the stiff solvers.
//!
//! A [`crate::patch::PatchSystem`] and every fitted closure are [`OdeSystem`]s, so the same integrators
//! run the microscale truth and the learned law. Nothing here knows of space.

use crate::Result;

pub mod automatic;
pub mod burst;
pub mod chebyshev4;
pub mod continuation;
mod diffsol_equations;
pub mod equilibrium;
pub mod explicit;
pub mod extrapolation;
pub mod integrate_linear;
pub mod jacobian;
pub mod krylov;
mod leja;
pub mod newton_krylov;
pub mod projective;
pub mod propagator;
pub mod shift_invert;
pub mod slow_field;
pub mod solution;
pub mod spectrum;
pub mod stabilised;
pub mod stiff;
pub mod tableau;

pub use solution::{Counted, Solution, Work};

/// du/dt = f(t, u), a pure function of its arguments.
pub trait OdeSystem: Sync {
    /// Length of the state.
    fn dim(&self) -> usize;

    /// Writes f(t, u) into `du`; both have length [`OdeSystem::dim`].
    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]);

    /// Writes (∂f/∂u)(t, u)·v into `jv`. The default is a central difference, accurate to about 1e-10 relative.
    fn jvp_into(&self, t: f64, u: &[f64], v: &[f64], jv: &mut [f64]) {
        central_difference(self, t, u, v, jv);
    }

    /// The (row, column) pairs where ∂f/∂u may be non-zero, where the system knows them: stiff solvers then work
    /// with sparse matrices. None means dense.
    fn sparsity(&self) -> Option<Vec<(usize, usize)>> {
        None
    }
}

/// (∂f/∂u)·v by a central difference, accurate to about 1e-10 relative.
pub(crate) fn central_difference<S: OdeSystem + ?Sized>(system: &S, t: f64, u: &[f64], v: &[f64], jv: &mut [f64]) {
    let size = v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    if size == 0.0 {
        jv.fill(0.0);
        return;
    }
    let scale = 1.0 + u.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let h = f64::EPSILON.cbrt() * scale / size;
    let shifted = |s: f64| u.iter().zip(v).map(|(a, b)| a + s * h * b).collect::<Vec<_>>();
    let mut minus = vec![0.0; u.len()];
    system.rhs_into(t, &shifted(1.0), jv);
    system.rhs_into(t, &shifted(-1.0), &mut minus);
    for (a, b) in jv.iter_mut().zip(&minus) {
        *a = (*a - b) / (2.0 * h);
    }
}

/// A one-step method of a declared order.
pub trait Integrator: Sync {
    /// The order p: halving `dt` divides the error by 2^p.
    fn order(&self) -> usize;

    /// Advances `u` from `t` to `t + dt`.
    ///
    /// # Errors
    /// [`crate::Error::NonFinite`] when the state leaves the finite numbers; solver errors of implicit methods.
    fn step(&self, system: &dyn OdeSystem, t: f64, u: &mut [f64], dt: f64) -> Result<()>;
}

//! Equilibria of large systems: Newton's method, its linear systems solved by GMRES with products of the Jacobian.
//!
//! A stiff Jacobian needs a preconditioner. A system that tells its sparsity gets one: the sparse LU of a Jacobian that is kept as long
//! as GMRES needs few products with it, so a whole solve usually factors once or twice. Otherwise the caller may give one.
//! Source: Knoll & Keyes, J. Comput. Phys. 193 (2004) 357–397.

use super::equilibrium::{Equilibrium, NewtonOptions, check_state, descend};
use super::jacobian::{Factor, JacobianPattern};
use super::krylov::{GmresOptions, gmres};
use super::solution::Counted;
use super::{OdeSystem, Work};
use crate::Result;

/// Products after which a kept factorisation counts as outworn.
const OUTWORN: usize = 12;

/// Overwrites a vector v by M⁻¹ v, M near the Jacobian.
pub type Preconditioner<'a> = &'a (dyn Fn(&mut [f64]) + Sync);

/// Solves f(t, u) = 0 from `u0` by Newton–Krylov; a step that does not lessen max |f| is halved, up to ten times.
///
/// Without a `preconditioner` the system's own sparsity makes one. Each linear system is solved to 1e-8 of
/// its right-hand side, or as far as GMRES comes. Not converging is `converged: false`, not an error.
///
/// # Errors
/// [`crate::Error::Shape`]; [`crate::Error::NonFinite`].
pub fn newton_krylov(
    system: &dyn OdeSystem,
    t: f64,
    u0: &[f64],
    options: &NewtonOptions,
    preconditioner: Option<Preconditioner<'_>>,
) -> Result<Equilibrium> {
    check_state(system, u0)?;
    let counted = Counted::new(system);
    let mut solve =
        Solve { system: &counted, t, given: preconditioner, pattern: None, kept: None, work: Work::default() };
    if preconditioner.is_none() {
        solve.pattern = JacobianPattern::of(system)?;
    }
    let mut found = descend(&counted, t, u0, options, |u, f| solve.step(u, f))?;
    let calls = counted.work();
    found.work = Work { steps: found.iterations as u64, rhs: calls.rhs, jvp: calls.jvp, ..solve.work };
    Ok(found)
}

struct Solve<'a> {
    system: &'a Counted<'a>,
    t: f64,
    given: Option<Preconditioner<'a>>,
    pattern: Option<JacobianPattern>,
    kept: Option<Factor>,
    work: Work,
}

impl Solve<'_> {
    /// s with J s = −f, and whether GMRES came so far.
    fn step(&mut self, u: &[f64], f: &[f64]) -> Result<(Vec<f64>, bool)> {
        let right: Vec<f64> = f.iter().map(|x| -x).collect();
        let before = self.work.factorisations;
        if self.kept.is_none() {
            self.factor(u)?;
        }
        let fresh = self.work.factorisations > before;
        let mut solved = self.gmres(u, &right)?;
        if self.pattern.is_some() && solved.products > OUTWORN && !fresh {
            self.factor(u)?;
            solved = self.gmres(u, &right)?;
        }
        Ok((solved.x, solved.converged))
    }

    fn factor(&mut self, u: &[f64]) -> Result<()> {
        if let Some(pattern) = &self.pattern {
            self.work.jacobians += 1;
            self.work.factorisations += 1;
            // a singular Jacobian has no inverse, but may have a solution
            self.kept = Factor::new(&pattern.jacobian(self.system, self.t, u, 0.0)?).ok();
        }
        Ok(())
    }

    fn gmres(&self, u: &[f64], right: &[f64]) -> Result<super::krylov::Solved> {
        let apply = |v: &[f64], out: &mut [f64]| self.system.jvp_into(self.t, u, v, out);
        let precondition = |v: &mut [f64]| match (self.given, &self.kept) {
            (Some(given), _) => given(v),
            (None, Some(factor)) => factor.solve(v),
            (None, None) => {}
        };
        gmres(apply, precondition, right, &GmresOptions { tolerance: 1e-8, ..GmresOptions::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// u′ = 1 everywhere: nothing is an equilibrium, and no step leads to one.
    struct Pushed;

    impl OdeSystem for Pushed {
        fn dim(&self) -> usize {
            401
        }
        fn rhs_into(&self, _t: f64, _u: &[f64], du: &mut [f64]) {
            du.fill(1.0);
        }
    }

    #[test]
    fn a_step_that_solves_nothing_converges_to_nothing() {
        let found = newton_krylov(&Pushed, 0.0, &vec![0.5; 401], &NewtonOptions::default(), None).unwrap();
        assert!(!found.converged && found.residual == 1.0, "{} steps", found.iterations);
    }
}

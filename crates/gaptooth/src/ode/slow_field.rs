//! The slow vector field that bursts reveal, as an [`OdeSystem`]: any integrator can then run the macroscale.

use super::burst::Burst;
use super::explicit::integrate;
use super::projective::ProjectiveSolution;
use super::solution::check_request;
use super::{Integrator, OdeSystem};
use crate::observer::Observer;
use crate::{Error, Result};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// From the micro state to the macro state. With its [`Lifting`]: restrict ∘ lift = identity.
pub trait Restriction: Sync {
    /// Length of the macro state that belongs to micro states of length `micro_dim`.
    fn macro_dim(&self, micro_dim: usize) -> usize;

    /// Writes the macro state of `micro` into `coarse`.
    fn restrict_into(&self, micro: &[f64], coarse: &mut [f64]);

    /// The allocating form.
    fn restrict(&self, micro: &[f64]) -> Vec<f64> {
        let mut coarse = vec![0.0; self.macro_dim(micro.len())];
        self.restrict_into(micro, &mut coarse);
        coarse
    }
}

/// From the macro state to a micro state that belongs to it.
pub trait Lifting: Sync {
    /// Writes a micro state for `coarse` into `micro`, with the help of `near`, a recent micro state on the slow
    /// manifold.
    fn lift_into(&self, coarse: &[f64], near: &[f64], micro: &mut [f64]);
}

/// Micro and macro state are the same.
#[derive(Debug, Clone, Copy)]
pub struct Identity;

impl Restriction for Identity {
    fn macro_dim(&self, micro_dim: usize) -> usize {
        micro_dim
    }

    fn restrict_into(&self, micro: &[f64], coarse: &mut [f64]) {
        coarse.copy_from_slice(micro);
    }
}

impl Lifting for Identity {
    fn lift_into(&self, coarse: &[f64], _near: &[f64], micro: &mut [f64]) {
        micro.copy_from_slice(coarse);
    }
}

/// dU/dt of the macro state: lift, burst, restrict the last two states, difference.
///
/// The lifting starts from the end of the latest burst, so the field depends on its own history by as much as a
/// burst leaves unhealed (exactly not at all with [`Identity`]): use one field for one integration. A burst that
/// fails makes the field NaN; [`SlowField::failure`] holds its error.
pub struct SlowField<'a> {
    burst: &'a dyn Burst,
    lifting: &'a dyn Lifting,
    restriction: &'a dyn Restriction,
    dim: usize,
    memory: Mutex<Memory>,
}

struct Memory {
    near: Vec<f64>,
    failure: Option<Error>,
    slope_t: Vec<f64>,
    slope: Vec<Vec<f64>>,
}

impl<'a> SlowField<'a> {
    /// `near` is a micro state near the slow manifold, such as the end of a healing burst.
    pub fn new(burst: &'a dyn Burst, lifting: &'a dyn Lifting, restriction: &'a dyn Restriction, near: &[f64]) -> Self {
        let memory = Memory { near: near.to_vec(), failure: None, slope_t: Vec::new(), slope: Vec::new() };
        SlowField { burst, lifting, restriction, dim: restriction.macro_dim(near.len()), memory: Mutex::new(memory) }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first error of a burst, if one failed; asking clears it.
    pub fn failure(&self) -> Option<Error> {
        self.memory().failure.take()
    }

    fn slope(&self, t: f64, coarse: &[f64]) -> Result<Vec<f64>> {
        let mut memory = self.memory();
        let mut micro = vec![0.0; memory.near.len()];
        self.lifting.lift_into(coarse, &memory.near, &mut micro);
        let trace = self.burst.burst(t, &micro)?;
        let slope = trace.slope_of(|u| self.restriction.restrict(u))?;
        memory.near.copy_from_slice(trace.last());
        memory.slope_t.push(t);
        memory.slope.push(slope.clone());
        Ok(slope)
    }
}

impl OdeSystem for SlowField<'_> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        match self.slope(t, u) {
            Ok(slope) => du.copy_from_slice(&slope),
            Err(error) => {
                du.fill(f64::NAN);
                self.memory().failure.get_or_insert(error);
            }
        }
    }
}

/// Projective integration by any macroscale integrator on the estimated slow field (the toolbox's PIG).
///
/// With a raw burst the slope belongs to the burst's end but is used at its start: an error of O(δ).
/// Wrap the burst in [`super::burst::ConstraintDefined`] and it falls to O(δ²).
#[derive(Clone, Copy)]
pub struct GeneralProjective<'a> {
    /// the macroscale method
    pub integrator: &'a dyn Integrator,
    /// macro → micro
    pub lifting: &'a dyn Lifting,
    /// micro → macro
    pub restriction: &'a dyn Restriction,
    /// longest macro step; infinite for one step an interval
    pub max_step: f64,
}

impl<'a> GeneralProjective<'a> {
    /// One step an interval, on the whole micro state.
    pub fn new(integrator: &'a dyn Integrator) -> Self {
        GeneralProjective { integrator, lifting: &Identity, restriction: &Identity, max_step: f64::INFINITY }
    }

    /// The same on a macro state.
    pub fn with_macro_state(self, lifting: &'a dyn Lifting, restriction: &'a dyn Restriction) -> Self {
        GeneralProjective { lifting, restriction, ..self }
    }

    /// Heals the micro state `u0` by a preliminary burst, then integrates the slow field to `times` (strictly
    /// increasing, from `t0` on; at `t0` itself the result is the restriction of `u0`). The result holds macro states.
    ///
    /// # Errors
    /// What the bursts and the integrator return; [`Error::Parameter`], [`Error::Shape`] for a bad request.
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
        let field = SlowField::new(burst, self.lifting, self.restriction, healed.last());
        let start = self.restriction.restrict(healed.last());
        let at_start = times.first() == Some(&t0);
        let later = if at_start { &times[1..] } else { times };
        let run = integrate(self.integrator, &field, healed.end(), &start, later, self.max_step, observer);
        let run = match field.failure() {
            Some(error) => return Err(error),
            None => run?,
        };
        let mut u = run.u;
        if at_start {
            u.insert(0, self.restriction.restrict(u0));
        }
        let memory = field.memory.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(ProjectiveSolution {
            t: times.to_vec(),
            u,
            bursts: 1 + memory.slope.len() as u64,
            slope_t: memory.slope_t,
            slope: memory.slope,
            simulated_steps: 0,
        })
    }
}

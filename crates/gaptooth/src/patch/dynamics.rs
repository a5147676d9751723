//! Patch dynamics with buffers (Arbabi §3, eq. 7, 10, 11): lift, burst, restrict, and use the slope in any macro-integrator.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};

use super::{
    MicroModel,
    buffered::{BufferedPatches, LiftingOptions, PolynomialLifting},
    burst::{Bursts, Outcome, Response, exact_response},
};
use crate::{
    Error, Result,
    observer::{Observer, check_interrupt},
    ode::{OdeSystem, extrapolation::Work, tableau::Tableau},
    team::{Alone, Team},
};

/// Which way a burst is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum MicroPath {
    /// exact where the model is linear and time-invariant, else general
    #[default]
    Auto,
    /// the burst's response to each lifting mode, once
    Exact,
    /// the stiff integrator, every burst anew
    General,
}

/// Length and accuracy of a burst.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BurstOptions {
    /// time δt over which the slope is taken
    pub length: f64,
    /// healing time before it
    #[serde(default)]
    pub healing: f64,
    /// which path
    #[serde(default)]
    pub path: MicroPath,
    /// relative tolerance of the general path
    #[serde(default = "default_tolerance")]
    pub tolerance: f64,
}

fn default_tolerance() -> f64 {
    1e-6
}

impl BurstOptions {
    /// Whether its times and its tolerance are in range.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn validate(&self) -> Result<()> {
        if !(self.length > 0.0 && self.length.is_finite() && self.healing >= 0.0 && self.healing.is_finite()) {
            return Err(Error::parameter(
                "burst.length",
                self.length,
                "a positive time, with healing ≥ 0",
                "1e-6 is the paper's",
            ));
        }
        if !(self.tolerance > 0.0 && self.tolerance < 0.1) {
            return Err(Error::parameter(
                "burst.tolerance",
                self.tolerance,
                "between 0 and 0.1",
                "1e-6 is the default",
            ));
        }
        Ok(())
    }
}

/// The macroscale slope field that the patches estimate, for several trajectories at once.
///
/// As an [`OdeSystem`] its state is `[trajectory][n_x]`, Dirichlet ends included (their slope is zero), so that
/// every integrator makes it projective: forward Euler with Δt ≫ δt is the paper's scheme. The estimate belongs to the
/// start of the burst, and is O(δt) from the slope there.
pub struct PatchDynamics<M: MicroModel> {
    patches: BufferedPatches,
    model: M,
    lifting: PolynomialLifting,
    burst: BurstOptions,
    trajectories: usize,
    /// exact path: the responses and each patch's place among them
    responses: Option<(Vec<Response>, Vec<usize>)>,
    bursts: AtomicU64,
    work: Mutex<Work>,
    failure: Mutex<Option<Error>>,
}

impl<M: MicroModel> PatchDynamics<M> {
    /// Validates the burst, chooses the path, and computes the exact responses if that path is taken.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a burst without length, or the exact path of a model that is not linear.
    pub fn new(
        patches: BufferedPatches,
        model: M,
        lifting: LiftingOptions,
        burst: BurstOptions,
        trajectories: usize,
    ) -> Result<Self> {
        burst.validate()?;
        let lifting = PolynomialLifting::new(&patches, lifting)?;
        let linear = (0..patches.len()).all(|p| model.linear_group(p).is_some());
        if burst.path == MicroPath::Exact && !linear {
            return Err(Error::parameter(
                "burst.path",
                "exact",
                "a linear, time-invariant model",
                "use path = \"auto\" or \"general\"",
            ));
        }
        let responses = if linear && burst.path != MicroPath::General {
            Some(responses(&patches, &model, &lifting, burst)?)
        } else {
            None
        };
        Ok(PatchDynamics {
            patches,
            model,
            lifting,
            burst,
            trajectories,
            responses,
            bursts: AtomicU64::new(0),
            work: Mutex::new(Work::default()),
            failure: Mutex::new(None),
        })
    }

    /// `exact` or `general`.
    pub fn path(&self) -> &'static str {
        if self.responses.is_some() { "exact" } else { "general" }
    }

    /// The patches.
    pub fn patches(&self) -> &BufferedPatches {
        &self.patches
    }

    /// The exact responses of the groups of patches, if that path is taken.
    pub fn responses(&self) -> Option<&[Response]> {
        self.responses.as_ref().map(|(r, _)| r.as_slice())
    }

    /// Patch bursts asked for so far (exact ones included: each stands for one simulation).
    pub fn bursts(&self) -> u64 {
        self.bursts.load(Ordering::Relaxed)
    }

    /// Work of the general path so far.
    pub fn work(&self) -> Work {
        *self.work.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Counts what an earlier process did for the same run.
    pub fn count_in(&self, bursts: u64, work: Work) {
        self.bursts.fetch_add(bursts, Ordering::Relaxed);
        *self.work.lock().unwrap_or_else(|e| e.into_inner()) += work;
    }

    /// The slopes dU/dt of all trajectories, `[trajectory][n_x]`.
    ///
    /// # Errors
    /// Those of the general path.
    pub fn slopes(&self, t: f64, state: &[f64], observer: &dyn Observer) -> Result<Vec<f64>> {
        self.slopes_together(&Alone, t, state, observer)
    }

    /// The same by all processes of `team`, which share the patches of all trajectories; each gives its slopes to all others, once: 16 to 20
    /// bytes a patch. The exact path, some products a patch, is done by each.
    ///
    /// # Errors
    /// Those of the general path; [`Error::Elsewhere`].
    pub fn slopes_together(&self, team: &dyn Team, t: f64, state: &[f64], observer: &dyn Observer) -> Result<Vec<f64>> {
        let n = self.patches.grid().len();
        self.bursts.fetch_add((self.trajectories * self.patches.len()) as u64, Ordering::Relaxed);
        let mut du = vec![0.0; state.len()];
        if let Some((responses, of)) = &self.responses {
            for (state, du) in state.chunks(n).zip(du.chunks_mut(n)) {
                let all = self.lifting.coefficients(state);
                for (p, i) in self.patches.grid().active().enumerate() {
                    du[i] = all.iter().zip(&responses[of[p]].slopes).map(|(d, c)| d[i] * c).sum();
                }
            }
            return Ok(du);
        }
        let Outcome { slopes, work, .. } = self.general(team, t, state, false, observer)?;
        *self.work.lock().unwrap_or_else(|e| e.into_inner()) += work;
        for (du, slopes) in du.chunks_mut(n).zip(slopes.chunks(self.patches.len())) {
            du[self.patches.grid().active()].copy_from_slice(slopes);
        }
        Ok(du)
    }

    /// Writes the lifted profile of a column, patch c mod n_patch of trajectory c / n_patch.
    fn lift_into(&self, c: usize, state: &[f64], u: &mut [f64]) {
        let (grid, patches) = (self.patches.grid(), self.patches.len());
        let state = &state[c / patches * grid.len()..][..grid.len()];
        self.lifting.lift_into(&self.lifting.coefficients_at(grid.active().start + c % patches, state), u);
    }

    fn general(&self, team: &dyn Team, t: f64, state: &[f64], keep: bool, observer: &dyn Observer) -> Result<Outcome> {
        let lift = |c: usize, u: &mut [f64]| self.lift_into(c, state, u);
        let columns = state.len() / self.patches.grid().len() * self.patches.len();
        let (model, patches, options) = (&self.model, &self.patches, self.burst);
        Bursts { model, patches, lift: &lift, columns, t, options, team }.run(keep, observer)
    }

    /// The microscale profile in each patch at the end of a burst from one trajectory's `state`, `[patch][n_sub]`.
    ///
    /// # Errors
    /// Those of the general path.
    pub fn micro_profiles(&self, t: f64, state: &[f64], observer: &dyn Observer) -> Result<Vec<Vec<f64>>> {
        let mut profiles = vec![vec![0.0; self.patches.offsets().len()]; self.patches.len()];
        profiles.iter_mut().enumerate().for_each(|(p, u)| self.lift_into(p, state, u));
        if let Some((responses, of)) = &self.responses {
            for ((u, i), &of) in profiles.iter_mut().zip(self.patches.grid().active()).zip(of) {
                for (w, d) in responses[of].profiles.iter().zip(self.lifting.coefficients_at(i, state)) {
                    u.iter_mut().zip(w).for_each(|(u, w)| *u += d * w);
                }
            }
        } else {
            let increments = self.general(&Alone, t, state, true, observer)?.increments;
            for (u, w) in profiles.iter_mut().zip(&increments) {
                u.iter_mut().zip(w).for_each(|(u, w)| *u += w);
            }
        }
        Ok(profiles)
    }

    /// The error behind a NaN that an integrator met, if any.
    pub fn take_failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(|e| e.into_inner()).take()
    }
}

fn responses<M: MicroModel>(
    patches: &BufferedPatches,
    model: &M,
    lifting: &PolynomialLifting,
    burst: BurstOptions,
) -> Result<(Vec<Response>, Vec<usize>)> {
    let mut known = std::collections::BTreeMap::new();
    let (mut responses, mut of) = (Vec::new(), Vec::new());
    for p in 0..patches.len() {
        of.push(*known.entry(model.linear_group(p)).or_insert(responses.len()));
        if of[p] == responses.len() {
            responses.push(exact_response(model, patches, p, lifting.modes(), burst.healing, burst.length)?);
        }
    }
    Ok((responses, of))
}

impl<M: MicroModel> OdeSystem for PatchDynamics<M> {
    fn dim(&self) -> usize {
        self.trajectories * self.patches.grid().len()
    }

    /// A burst that fails gives NaN here, which integrators refuse; [`PatchDynamics::take_failure`] then says why.
    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        match self.slopes(t, u, &crate::observer::Silent) {
            Ok(slopes) => du.copy_from_slice(&slopes),
            Err(error) => {
                du.fill(f64::NAN);
                *self.failure.lock().unwrap_or_else(|e| e.into_inner()) = Some(error);
            }
        }
    }
}

/// Macro-steps of a projective run.
#[derive(Debug, Clone, PartialEq)]
pub struct MacroSteps {
    /// the explicit scheme
    pub tableau: Tableau,
    /// macro-step Δt
    pub step: f64,
    /// number of steps
    pub count: usize,
    /// record every so many steps
    pub every: usize,
}

/// Recorded states and the slopes that the estimator gave there: times `[n]`, `u` and `u_t` as `[n][trajectory·n_x]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Recording {
    /// times of the records
    pub times: Vec<f64>,
    /// states
    pub u: Vec<Vec<f64>>,
    /// slopes, as estimated
    pub u_t: Vec<Vec<f64>>,
}

/// Projective integration of all trajectories from `initial`, recording (u, u_t); goes on from `recording` if it is not empty
/// (its last record is the state to go on from). `saved` is called after each record.
///
/// # Errors
/// [`Error::NonFinite`] when the macro-step is unstable; [`Error::Interrupted`]; those of the bursts and of `saved`.
pub fn simulate<M: MicroModel>(
    dynamics: &PatchDynamics<M>,
    initial: &[f64],
    steps: &MacroSteps,
    recording: Recording,
    observer: &dyn Observer,
    saved: impl FnMut(&Recording) -> Result<()>,
) -> Result<Recording> {
    simulate_together(dynamics, &Alone, initial, steps, recording, observer, saved)
}

/// As [`simulate`], by all processes of `team`: each has the whole macroscale state, and they exchange slopes once a stage.
///
/// # Errors
/// As [`simulate`]; [`Error::Elsewhere`].
pub fn simulate_together<M: MicroModel>(
    dynamics: &PatchDynamics<M>,
    team: &dyn Team,
    initial: &[f64],
    steps: &MacroSteps,
    mut recording: Recording,
    observer: &dyn Observer,
    mut saved: impl FnMut(&Recording) -> Result<()>,
) -> Result<Recording> {
    let (tableau, dt) = (&steps.tableau, steps.step);
    let mut u = recording.u.pop().unwrap_or_else(|| initial.to_vec());
    let mut known = recording.u_t.pop();
    let done = recording.times.pop().map_or(0, |t| (t / dt).round() as usize);
    for step in done..=steps.count {
        let t = step as f64 * dt;
        check_interrupt(observer, "patch dynamics")?;
        crate::error::check_finite("the macroscale state", &u, Some(t), "shorten the macro-step, or use more stages")?;
        let mut stages = vec![known.take().map_or_else(|| dynamics.slopes_together(team, t, &u, observer), Ok)?];
        if step % steps.every == 0 {
            recording.times.push(t);
            recording.u.push(u.clone());
            recording.u_t.push(stages[0].clone());
            observer.progress("patch dynamics", step as u64, steps.count as u64, &format!("t = {t:.3}"));
            saved(&recording)?;
        }
        if step == steps.count {
            break;
        }
        for (a, c) in tableau.a().iter().zip(tableau.c()).skip(1) {
            let mut v = u.clone();
            for (a, k) in a.iter().zip(&stages) {
                v.iter_mut().zip(k).for_each(|(v, k)| *v += dt * a * k);
            }
            stages.push(dynamics.slopes_together(team, t + c * dt, &v, observer)?);
        }
        for (b, k) in tableau.b().iter().zip(&stages) {
            u.iter_mut().zip(k).for_each(|(u, k)| *u += dt * b * k);
        }
    }
    Ok(recording)
}

//! One patch-dynamics experiment: trajectories of (u, u_t) from bursts in patches, as a dataset.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    Context, Problem,
    config::{PatchesConfig, TrajectoriesConfig},
};
use crate::{
    Error, Result,
    closure::{Dataset, SineSum},
    grid::Axis,
    patch::{
        buffered::BufferedPatches,
        dynamics::{MacroSteps, MicroPath, PatchDynamics, Recording, simulate_together},
        models::Diffusion,
    },
};

/// The patches of one experiment and what they gathered.
pub struct PatchExperiment {
    /// what was asked
    pub config: PatchesConfig,
    /// the estimator, for single states (one trajectory)
    pub estimator: PatchDynamics<Diffusion>,
    /// all trajectories, training first
    pub data: Dataset,
    /// patch bursts simulated (or, on the exact path, replaced by their response)
    pub bursts: u64,
    /// work of the general path
    pub work: crate::ode::extrapolation::Work,
    /// fraction of the domain inside patches
    pub space_fraction: f64,
    /// fraction of the time inside bursts
    pub time_fraction: f64,
    /// seconds it took
    pub seconds: f64,
}

impl PatchExperiment {
    /// Space–time volume of the whole problem over that of the bursts.
    pub fn work_ratio(&self) -> f64 {
        1.0 / (self.space_fraction * self.time_fraction)
    }

    /// Micro-unknowns times time simulated, per unit of time: what the experiment costs a simulator.
    pub fn micro_work(&self) -> f64 {
        let points = self.estimator.patches().offsets().len() * self.estimator.patches().len();
        points as f64 * self.time_fraction
    }
}

/// A recording on its way, and what it took.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    recording: Cow<'a, Recording>,
    bursts: u64,
    work: crate::ode::extrapolation::Work,
}

/// Number of macro-steps in `time`, which must be whole.
pub(super) fn steps(name: &str, time: f64, step: f64) -> Result<usize> {
    let count = (time / step).round();
    let fits = step.is_finite() && step > 0.0 && count >= 1.0 && (count * step - time).abs() <= 1e-9 * time;
    if !(fits && count < 1e9) {
        return Err(Error::parameter(
            name,
            step,
            format!("a positive time that divides {time}"),
            "choose a step that fits a whole number of times",
        ));
    }
    Ok(count as usize)
}

/// Runs the experiment `config` from the initial states `states` (training first).
///
/// # Errors
/// [`Error::Parameter`] for what does not fit, instabilities as [`Error::NonFinite`], [`Error::Interrupted`].
pub fn gather(
    problem: &Problem,
    trajectories: &TrajectoriesConfig,
    config: &PatchesConfig,
    states: &[SineSum],
    context: &Context<'_>,
) -> Result<PatchExperiment> {
    let started = std::time::Instant::now();
    let grid = Axis::uniform(problem.config.domain, config.intervals, problem.config.boundary)?;
    let build = |count: usize| -> Result<PatchDynamics<Diffusion>> {
        let patches = BufferedPatches::new(grid.clone(), config.tooth, config.width, config.spacing)?;
        let model = problem.model(&patches.centres(), patches.offsets(), patches.spacing)?;
        PatchDynamics::new(patches, model, config.lifting, config.burst, count)
    };
    let dynamics = build(states.len())?;
    context.observer.note(&format!("patches `{}`: {} path", config.name, dynamics.path()));
    let every = steps("patches.step", trajectories.every, config.step)?;
    let count = steps("trajectories.every", config.end.unwrap_or(trajectories.end), config.step)?;
    let tableau = config.method.tableau();
    let stages = tableau.b().len();
    let plan = MacroSteps { tableau, step: config.step, count, every };
    let stage = format!("patches-{}", config.name);
    let initial: Vec<f64> = states.iter().flat_map(|s| s.sample(&grid.x)).collect();
    let recording = context.load_together(&stage)?.map_or_else(Recording::default, |kept: Kept<'_>| {
        dynamics.count_in(kept.bursts, kept.work);
        kept.recording.into_owned()
    });
    let saving = dynamics.path() == "general";
    let team = context.team;
    let recording = simulate_together(&dynamics, team, &initial, &plan, recording, context.observer, |recording| {
        let whole = recording.times.len() == count / every + 1;
        if !(saving && (whole || context.is_due())) {
            return Ok(());
        }
        let kept = Kept { recording: Cow::Borrowed(recording), bursts: dynamics.bursts(), work: dynamics.work() };
        context.save(&stage, &kept)
    })?;
    let data = dataset(grid.clone(), recording, states.len(), config, &dynamics)?;
    let burst = config.burst.length + config.burst.healing;
    Ok(PatchExperiment {
        estimator: build(1)?,
        data,
        bursts: dynamics.bursts(),
        work: dynamics.work(),
        space_fraction: dynamics.patches().space_fraction(),
        time_fraction: stages as f64 * burst / config.step,
        seconds: started.elapsed().as_secs_f64(),
        config: config.clone(),
    })
}

fn dataset(
    grid: Axis,
    recording: Recording,
    trajectories: usize,
    config: &PatchesConfig,
    dynamics: &PatchDynamics<Diffusion>,
) -> Result<Dataset> {
    let n = grid.len();
    let by_trajectory = |all: &[Vec<f64>]| -> Vec<f64> {
        (0..trajectories).flat_map(|k| all.iter().flat_map(move |u| u[k * n..(k + 1) * n].iter().copied())).collect()
    };
    let (u, u_t) = (by_trajectory(&recording.u), by_trajectory(&recording.u_t));
    let mut provenance = crate::closure::Provenance::new();
    let mut set = |key: &str, value: serde_json::Value| provenance.insert(key.into(), value);
    set("source", "patch dynamics with buffers".into());
    set("u_t", "restriction of a burst, never differenced between records".into());
    set("micro_path", dynamics.path().into());
    set("healing", config.burst.healing.into());
    set("patches", serde_json::to_value(config).unwrap_or_default());
    set("asked_path", serde_json::to_value::<MicroPath>(config.burst.path).unwrap_or_default());
    set("version", crate::VERSION.into());
    Dataset::new(grid.into(), recording.times, u, u_t, provenance)
}

//! Gap-tooth trajectories of a lattice as a dataset: the restriction of a state is the mean over each patch's interior points.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::config::{LatticePatchesConfig, LatticeStudyConfig};
use crate::{
    Result,
    closure::{Dataset, Provenance, SineProducts},
    grid::{Axis, Boundary, Grid},
    observer::check_interrupt,
    patch::{
        Coupling, PatchGrid, PatchSystem,
        grid::{PatchAxis, PatchShape, Source},
        lattice::LatticeDiffusion,
        propagator::BlockPropagator,
    },
    study::{Context, check::within, patches::steps},
    team::{numbers, total},
};

/// The patches of one experiment and what they gathered.
pub struct LatticeExperiment {
    /// what was asked
    pub config: LatticePatchesConfig,
    /// the patches
    pub system: PatchSystem<2, LatticeDiffusion<2>>,
    /// all trajectories, training first
    pub data: Dataset,
    /// seconds it took
    pub seconds: f64,
}

impl LatticeExperiment {
    /// The lattice's spacing.
    pub fn spacing(&self) -> f64 {
        self.system.grid().axis(0).shape().spacing()
    }
}

/// The coupled patches of `config`.
///
/// # Errors
/// [`crate::Error::Parameter`] for what does not fit.
pub(super) fn patches(
    study: &LatticeStudyConfig,
    config: &LatticePatchesConfig,
) -> Result<PatchSystem<2, LatticeDiffusion<2>>> {
    // entry 0 of the tables belongs to a patch's first interior point, as in the released code; patches count from the edge
    let lattice = study.lattice.lattice()?;
    let lattice = lattice.rolled(lattice.periods().map(|n| n - 1));
    let spacing = study.lattice.length() / config.patches as f64;
    let shape = PatchShape::new(config.interior + 2, 1, config.ratio * spacing / config.interior as f64)?;
    let axis = PatchAxis::periodic(study.lattice.domain, config.patches, shape)?;
    let grid = PatchGrid::new([axis.clone(), axis]);
    PatchSystem::new(LatticeDiffusion::new(lattice), grid, Coupling::Spectral { source: Source::NextToEdge })
}

/// The macroscale grid: the centres of the patches.
///
/// # Errors
/// As [`Axis::uniform`].
pub(super) fn macro_grid(study: &LatticeStudyConfig, config: &LatticePatchesConfig) -> Result<Grid> {
    let [a, b] = study.lattice.domain;
    let half = 0.5 * (b - a) / config.patches as f64;
    let axis = Axis::uniform([a + half, b + half], config.patches, Boundary::Periodic)?;
    Grid::new(vec![axis; 2])
}

/// Times of the records.
///
/// # Errors
/// [`crate::Error::Parameter`] when `from` and the end are not whole numbers of records.
pub(super) fn times(study: &LatticeStudyConfig, config: &LatticePatchesConfig) -> Result<Vec<f64>> {
    let every = study.trajectories.every;
    let last = steps("trajectories.every", study.trajectories.end, every)?;
    let first = if config.from > 0.0 {
        steps("from", config.from, every).map_err(|e| within(&format!("patches.{}", config.name), e))?
    } else {
        0
    };
    Ok((first..=last).map(|k| k as f64 * every).collect())
}

/// Runs the experiment `config` from all initial states of the study, by the exact flow of the coupled patches.
///
/// # Errors
/// [`crate::Error::Parameter`] for what does not fit; [`crate::Error::Interrupted`]; those of the store and the team.
pub fn gather_lattice(
    study: &LatticeStudyConfig,
    config: &LatticePatchesConfig,
    context: &Context<'_>,
) -> Result<LatticeExperiment> {
    let started = Instant::now();
    let system = patches(study, config)?;
    let (grid, times) = (macro_grid(study, config)?, times(study, config)?);
    let stage = format!("gap-tooth `{}`", config.name);
    check_interrupt(context.observer, &stage)?;
    let propagator = BlockPropagator::new(&system)?;
    let count = study.trajectories.train + study.trajectories.test;
    let mut records = Records::kept(config, 2 * times.len() * grid.len(), count, context)?;
    let done = AtomicU64::new(records.count() as u64);
    let one = |k: usize| -> Result<Vec<f64>> {
        check_interrupt(context.observer, &stage)?;
        let state = SineProducts::random(study.seed, k as u64, study.initial.terms, study.initial.highest);
        let length = study.lattice.length();
        let start = system.sample(|_, [x, y], _| state.eval([x / length, y / length]));
        let (mut u, mut u_t) = (vec![], vec![]);
        for evolved in propagator.evolve(&start, &times)? {
            u.extend(restrict(&evolved.u, grid.len()));
            u_t.extend(restrict(&evolved.u_t, grid.len()));
        }
        let done = 1 + done.fetch_add(1, Ordering::Relaxed);
        context.observer.progress(&stage, done, count as u64, "trajectories");
        u.extend(u_t);
        Ok(u)
    };
    // what is kept in between does not make threads wait for one another often
    let batch = 16 * total(context.team, rayon::current_num_threads())?;
    while records.count() < count {
        let first = records.count();
        let found = numbers(context.team, batch.min(count - first), |k| one(first + k));
        records.add(found, context)?;
    }
    let (u, u_t) = records.into_arrays();
    let data = Dataset::new(grid, times, u, u_t, provenance(config))?;
    Ok(LatticeExperiment { config: config.clone(), system, data, seconds: started.elapsed().as_secs_f64() })
}

/// u, then u_t, of one trajectory after the other.
struct Records {
    /// under which they are kept
    stage: String,
    /// numbers of one trajectory
    each: usize,
    all: Vec<f64>,
    saved: Instant,
}

/// Records are large: so long at the least between two times that they are kept.
const SELDOM: Duration = Duration::from_secs(4);

impl Records {
    /// Those that a stopped run has kept; none beyond `count`.
    fn kept(config: &LatticePatchesConfig, each: usize, count: usize, context: &Context<'_>) -> Result<Self> {
        let stage = format!("trajectories-{}", config.name);
        let bytes = context.bytes_together(&stage)?;
        let words = bytes.as_chunks::<8>().0.iter().map(|word| f64::from_ne_bytes(*word));
        let mut all: Vec<f64> = words.take(count * each).collect();
        all.truncate(all.len() / each * each);
        Ok(Records { stage, each, all, saved: Instant::now() })
    }

    fn count(&self) -> usize {
        self.all.len() / self.each
    }

    /// Adds trajectories, and keeps all where that is due or the run is to stop.
    fn add(&mut self, found: Result<Vec<Vec<f64>>>, context: &Context<'_>) -> Result<()> {
        let (found, error) = found.map_or_else(|error| (vec![], Some(error)), |found| (found, None));
        self.all.extend(found.into_iter().flatten());
        let due = self.saved.elapsed() > SELDOM && context.is_due();
        let wanted = due || error.is_some() && context.observer.interrupted();
        if let Some(store) = context.store.filter(|_| wanted && !self.all.is_empty()) {
            store.save(&self.stage, &[bytemuck::cast_slice(&self.all)])?;
            self.saved = Instant::now();
        }
        error.map_or(Ok(()), Err)
    }

    /// u and u_t of all.
    fn into_arrays(self) -> (Vec<f64>, Vec<f64>) {
        let halves = self.all.chunks_exact(self.each).map(|trajectory| trajectory.split_at(self.each / 2));
        halves.fold((vec![], vec![]), |(mut u, mut u_t), (a, b)| {
            u.extend(a);
            u_t.extend(b);
            (u, u_t)
        })
    }
}

/// The mean over the microscale points of every patch, `[point][patch] → [patch]`.
fn restrict(state: &[f64], patches: usize) -> Vec<f64> {
    let points = (state.len() / patches) as f64;
    let mut mean = vec![0.0; patches];
    for values in state.chunks_exact(patches) {
        mean.iter_mut().zip(values).for_each(|(m, v)| *m += v / points);
    }
    mean
}

fn provenance(config: &LatticePatchesConfig) -> Provenance {
    let mut provenance = Provenance::new();
    let mut set = |key: &str, value: serde_json::Value| provenance.insert(key.into(), value);
    set("source", "gap-tooth patches of a lattice, spectral edgy coupling".into());
    set("u", "mean over the interior points of a patch".into());
    set("u_t", "the same mean of the patches' own time derivative, never differenced between records".into());
    set("micro_path", "exact flow, block by block of the Fourier transform over patches".into());
    set("healed", (config.from > 0.0).into());
    set("healing", config.from.into());
    set("patches", serde_json::to_value(config).unwrap_or_default());
    set("version", crate::VERSION.into());
    provenance
}

//! The verdict on a law of the plane, against three truths under three names.

use faer::c64;

use super::super::verdict::MILESTONES;
use crate::{
    Result,
    closure::{
        Closure, Dataset, FeatureSpec, LinearLaw, MultiIndex, PeriodicFlow, integrate,
        metrics::{floored_relative_error, relative_mean_squared_error},
    },
    grid::Grid,
    observer::Observer,
};

/// Floor of relative errors: what has decayed below 1e-12 of the initial state counts as that.
pub(super) const FLOOR: f64 = 1e-12;

/// States of the unseen trajectories by one equation: `[trajectory][time][point]`.
pub(super) type States = Vec<Vec<Vec<f64>>>;

/// The unseen trajectories by each of the truths, from the same first states.
pub(super) struct Truths {
    /// the gap-tooth's own, healed
    pub(super) data: Dataset,
    /// of u_t = A u_xx + C u_xy + B u_yy with the exact tensor
    pub(super) tensor: States,
    /// of the published equation
    pub(super) published: Option<States>,
    /// of the exact equation to sixth order
    pub(super) sixth: States,
}

impl Truths {
    /// The gap-tooth's states of one trajectory.
    pub(super) fn gap_tooth(&self, trajectory: usize) -> Vec<Vec<f64>> {
        (0..self.data.times.len()).map(|k| self.data.snapshot(trajectory, k).u.to_vec()).collect()
    }
}

/// Trajectories of Σ c ∂^α u from the first states of `data`.
///
/// # Errors
/// As [`PeriodicFlow::evolve`].
pub(super) fn linear_states(data: &Dataset, terms: &[(MultiIndex, f64)]) -> Result<States> {
    let flow = linear_flow(&data.grid, terms)?;
    let one = |i: usize| -> Result<Vec<Vec<f64>>> {
        Ok(flow.evolve(data.snapshot(i, 0).u, &data.times)?.into_iter().map(|(u, _)| u).collect())
    };
    (0..data.trajectories()).map(one).collect()
}

fn linear_flow(grid: &Grid, terms: &[(MultiIndex, f64)]) -> Result<PeriodicFlow> {
    let (orders, coefficients): (Vec<MultiIndex>, Vec<f64>) = terms.iter().cloned().unzip();
    let law = LinearLaw::new(FeatureSpec::Spectral { orders }, grid, coefficients)?;
    PeriodicFlow::new(grid, law.symbol().unwrap_or_else(|| vec![c64::new(0.0, 0.0); grid.len()]))
}

/// Relative errors of trajectories against one truth.
#[derive(Debug, Clone, Default)]
pub(super) struct Distance {
    /// at each of [`MILESTONES`], over the trajectories: (median, largest); none after the end
    pub(super) milestones: Vec<Option<(f64, f64)>>,
    /// median at each time
    pub(super) median: Vec<f64>,
    /// (median, largest) at the last time
    end: (f64, f64),
}

impl Distance {
    /// Floored relative errors of `states` against `truth`.
    pub(super) fn new(states: &States, truth: &States, times: &[f64]) -> Self {
        let at = |k: usize| -> (f64, f64) {
            let error = |(u, v): (&Vec<Vec<f64>>, &Vec<Vec<f64>>)| floored_relative_error(&u[k], &v[k], &v[0], FLOOR);
            let mut errors: Vec<f64> = states.iter().zip(truth).map(error).collect();
            errors.sort_by(f64::total_cmp);
            let n = errors.len();
            (0.5 * (errors[(n - 1) / 2] + errors[n / 2]), errors[n - 1])
        };
        // the first record is where all start
        let milestone = |t: &f64| times.iter().position(|s| *s >= t - 1e-9).filter(|k| *k > 0).map(at);
        Distance {
            milestones: MILESTONES.iter().map(milestone).collect(),
            median: (0..times.len()).map(|k| at(k).0).collect(),
            end: at(times.len() - 1),
        }
    }

    /// (median, largest) at the last milestone that is within the data, or else at the last record.
    pub(super) fn last(&self) -> (f64, f64) {
        self.milestones.iter().rev().find_map(|m| *m).unwrap_or(self.end)
    }
}

/// What a law scores.
pub(super) struct Score {
    /// eq. 24 of u_t at the gap-tooth's healed states
    pub(super) rhs_mse: f64,
    /// eq. 24 of u_t on the unseen trajectories of the law's own data, the unhealed snapshot included where they have it
    pub(super) own_rhs_mse: f64,
    /// median over snapshots of the relative error of u_t
    pub(super) rhs_relative: f64,
    /// trajectories against the gap-tooth
    pub(super) gap_tooth: Distance,
    /// … the exact tensor's equation
    pub(super) tensor: Distance,
    /// … the published equation
    pub(super) published: Option<Distance>,
    /// max |u| up to the horizon over max |u| at the start, the worst trajectory
    pub(super) growth: f64,
    /// its trajectories
    pub(super) states: States,
    /// why a trajectory could not be integrated
    pub(super) failure: Option<String>,
}

/// Judges `law`: right-hand sides and trajectories on the unseen ones of `truths` and of `own`, its data, up to `horizon`.
///
/// # Errors
/// [`crate::Error::Interrupted`]; a law that cannot be integrated scores infinity instead.
pub(super) fn judge(
    law: &dyn Closure,
    truths: &Truths,
    own: &Dataset,
    horizon: f64,
    observer: &dyn Observer,
) -> Result<Score> {
    use rayon::prelude::*;
    let data = &truths.data;
    let one = |i: usize| Follow::new(law, data, i, horizon, observer);
    let results: Vec<Result<Follow>> = (0..data.trajectories()).into_par_iter().map(one).collect();
    let (mut states, mut failure, mut growth) = (vec![], None, 0.0f64);
    for followed in results {
        let followed = followed?;
        failure = failure.or(followed.failure);
        growth = growth.max(followed.growth);
        states.push(followed.states);
    }
    let truth: States = (0..data.trajectories()).map(|i| truths.gap_tooth(i)).collect();
    let (rhs_mse, rhs_relative) = right_hand_sides(law, data)?;
    Ok(Score {
        rhs_mse,
        rhs_relative,
        own_rhs_mse: right_hand_sides(law, own)?.0,
        gap_tooth: Distance::new(&states, &truth, &data.times),
        tensor: Distance::new(&states, &truths.tensor, &data.times),
        published: truths.published.as_ref().map(|p| Distance::new(&states, p, &data.times)),
        growth,
        states,
        failure,
    })
}

/// One trajectory of a law, at the times of the data and on to the horizon.
struct Follow {
    states: Vec<Vec<f64>>,
    growth: f64,
    /// why it has no states at the times of the data
    failure: Option<String>,
}

impl Follow {
    /// From the first state of trajectory `i`. A law that fails before the data's end has infinite states; one that fails later has
    /// an infinite growth only.
    fn new(law: &dyn Closure, data: &Dataset, i: usize, horizon: f64, observer: &dyn Observer) -> Result<Self> {
        let size = |u: &[f64]| u.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let largest = |states: &[Vec<f64>]| states.iter().map(|u| size(u)).fold(0.0, f64::max);
        let start = data.snapshot(i, 0).u;
        let states = match integrate(law, start, &data.times, observer) {
            Ok(states) => states,
            Err(e @ crate::Error::Interrupted { .. }) => return Err(e),
            Err(e) => {
                let states = vec![vec![f64::INFINITY; data.grid.len()]; data.times.len()];
                return Ok(Follow { states, growth: f64::INFINITY, failure: Some(e.to_string()) });
            }
        };
        let mut most = largest(&states);
        let end = data.times[data.times.len() - 1];
        if horizon > end {
            let times: Vec<f64> = (0..=20).map(|k| end + (horizon - end) * f64::from(k) / 20.0).collect();
            most = match integrate(law, &states[states.len() - 1], &times, observer) {
                Ok(later) => most.max(largest(&later)),
                Err(e @ crate::Error::Interrupted { .. }) => return Err(e),
                Err(_) => f64::INFINITY,
            };
        }
        Ok(Follow { states, growth: most / size(start), failure: None })
    }
}

/// (eq. 24, median over snapshots of the relative error) of the law's u_t at the states of `data`.
fn right_hand_sides(law: &dyn Closure, data: &Dataset) -> Result<(f64, f64)> {
    let (mut found, mut relative) = (vec![], vec![]);
    for snapshot in data.snapshots() {
        let mut du = vec![0.0; law.dim()];
        law.rhs_into(snapshot.time, snapshot.u, &mut du);
        relative.push(floored_relative_error(&du, snapshot.u_t, snapshot.u_t, FLOOR));
        found.extend(du);
    }
    relative.sort_by(f64::total_cmp);
    Ok((relative_mean_squared_error(&found, &data.u_t)?, relative[relative.len() / 2]))
}

//! The verdict: every law against the homogenized truth on trajectories that no fit has seen.

use crate::{
    Result,
    closure::metrics::{floored_relative_error, relative_mean_squared_error},
    closure::{Closure, integrate},
    grid::Axis,
    observer::Observer,
    ode::OdeSystem,
};

/// Times at which the relative error is reported.
pub(super) const MILESTONES: [f64; 4] = [0.1, 0.25, 0.5, 1.0];

/// Floor of the reported relative error: what has decayed below 1e-6 of the initial state counts as that.
const FLOOR: f64 = 1e-6;

/// The homogenized truth of the unseen trajectories, `[trajectory][time][fine point]`.
pub(super) struct Truth {
    /// the fine grid
    pub(super) grid: Axis,
    /// times
    pub(super) times: Vec<f64>,
    /// states
    pub(super) u: Vec<Vec<Vec<f64>>>,
    /// slopes
    pub(super) u_t: Vec<Vec<Vec<f64>>>,
}

impl Truth {
    /// One trajectory's rows at the points of a coarser grid whose points are among the fine ones.
    pub(super) fn on(&self, rows: &[Vec<f64>], grid: &Axis) -> Vec<Vec<f64>> {
        let stride = (self.grid.len() - 1) / (grid.len() - 1);
        rows.iter().map(|row| row.iter().step_by(stride).copied().collect()).collect()
    }
}

/// What a law scores.
#[derive(Debug, Clone, Default)]
pub(super) struct Score {
    /// eq. 24 of u_t = law(u_h) against the truth's u_t, all snapshots
    pub(super) rhs_rmse: f64,
    /// eq. 24 of the law's own trajectories from the same initial states; infinite if one blew up
    pub(super) trajectory_rmse: f64,
    /// mean over trajectories of the floored relative error at [`MILESTONES`] (deviation from the truth's mean in the denominator);
    /// none after the truth's end
    pub(super) relative: Vec<Option<f64>>,
    /// states of each trajectory, `[trajectory][time][n]`
    pub(super) states: Vec<Vec<Vec<f64>>>,
    /// slopes at the truth's states, `[trajectory][time][n]`
    pub(super) slopes: Vec<Vec<Vec<f64>>>,
    /// why a trajectory could not be integrated
    pub(super) failure: Option<String>,
}

/// States at the truth's times from an initial state.
type Trajectory<'a> = dyn Fn(&[f64]) -> Result<Vec<Vec<f64>>> + 'a;

/// Judges `law`, which acts on states of `grid`; its trajectories come from `integrate`.
///
/// # Errors
/// [`crate::Error::Interrupted`]; a law that cannot be integrated scores infinity instead.
pub(super) fn judge(law: &dyn OdeSystem, grid: &Axis, truth: &Truth, integrate: &Trajectory<'_>) -> Result<Score> {
    let mut score = Score::default();
    let (mut u_all, mut v_all) = (Vec::new(), Vec::new());
    let (mut du_all, mut dv_all) = (Vec::new(), Vec::new());
    let milestone = |t: &f64| truth.times.iter().position(|s| *s >= t - 1e-9);
    score.relative = MILESTONES.iter().map(|t| milestone(t).map(|_| 0.0)).collect();
    for (u, u_t) in truth.u.iter().zip(&truth.u_t) {
        let (u, u_t) = (truth.on(u, grid), truth.on(u_t, grid));
        let slopes: Vec<Vec<f64>> = u
            .iter()
            .zip(&truth.times)
            .map(|(u, &t)| {
                let mut du = vec![0.0; u.len()];
                law.rhs_into(t, u, &mut du);
                du
            })
            .collect();
        du_all.extend(u_t.concat());
        dv_all.extend(slopes.concat());
        let states = match integrate(&u[0]) {
            Ok(states) => states,
            Err(e @ crate::Error::Interrupted { .. }) => return Err(e),
            Err(e) => {
                score.failure = Some(e.to_string());
                u.iter().map(|u| vec![f64::INFINITY; u.len()]).collect()
            }
        };
        for (total, t) in score.relative.iter_mut().zip(&MILESTONES) {
            if let (Some(total), Some(k)) = (total, milestone(t)) {
                *total += deviation(&states[k], &u[k], &u[0]) / truth.u.len() as f64;
            }
        }
        u_all.extend(u.concat());
        v_all.extend(states.concat());
        score.states.push(states);
        score.slopes.push(slopes);
    }
    score.rhs_rmse = relative_mean_squared_error(&dv_all, &du_all)?;
    score.trajectory_rmse =
        if score.failure.is_some() { f64::INFINITY } else { relative_mean_squared_error(&v_all, &u_all)? };
    Ok(score)
}

/// The floored relative error of the deviations from the truth's mean: a constant is no achievement.
fn deviation(v: &[f64], u: &[f64], initial: &[f64]) -> f64 {
    let mean = u.iter().sum::<f64>() / u.len() as f64;
    let centred = |w: &[f64]| w.iter().map(|x| x - mean).collect::<Vec<_>>();
    floored_relative_error(&centred(v), &centred(u), &centred(initial), FLOOR)
}

/// [`judge`] with trajectories by BDF.
///
/// # Errors
/// As [`judge`].
pub(super) fn judge_law(law: &dyn Closure, grid: &Axis, truth: &Truth, observer: &dyn Observer) -> Result<Score> {
    judge(law, grid, truth, &|u0| integrate(law, u0, &truth.times, observer))
}

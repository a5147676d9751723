//! Which law to keep: the one that follows trajectories it has not seen.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Closure, Dataset, LinearFit, LinearRecipe, fit_linear, metrics};
use crate::{
    Error, Result,
    error::check_finite,
    observer::{Observer, check_interrupt},
};

/// An integrator: (law, state at the first time, times) → the state at each of `times`, the first included.
///
/// When the data come from an outer scheme with a visible time error (projective forward Euler, say), pass the
/// same scheme: the law is then judged, not the scheme.
pub type Integrate<'a> = dyn Fn(&dyn Closure, &[f64], &[f64]) -> Result<Vec<Vec<f64>>> + Sync + 'a;

/// What a law is judged by.
#[derive(Clone, Copy)]
pub struct Validation<'a> {
    /// trajectories the law was not fitted to
    pub data: &'a Dataset,
    /// how laws are integrated
    pub integrate: &'a Integrate<'a>,
    /// of [`metrics::floored_relative_error`]
    pub floor: f64,
}

/// Errors over all held-out trajectories and all times but the first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValidationError {
    /// root mean square over trajectories and times of the floored relative error: what laws are chosen by, since
    /// it sees the decayed tail
    pub relative: f64,
    /// the largest floored relative error
    pub worst: f64,
    /// eq. 24 on the trajectories
    pub relative_mean_squared: f64,
}

/// Integrates `law` from each held-out initial state and compares with the data.
///
/// # Errors
/// Those of the integrator; [`Error::NonFinite`] for a trajectory that is not finite, [`Error::Shape`] for an
/// integrator that returns other times, [`Error::Parameter`] for fewer than two times.
pub fn validate(law: &dyn Closure, validation: &Validation<'_>) -> Result<ValidationError> {
    let data = validation.data;
    if data.times.len() < 2 {
        return Err(Error::parameter(
            "times",
            data.times.len(),
            "at least two snapshots",
            "hold out longer trajectories",
        ));
    }
    let one = |i: usize| -> Result<Vec<f64>> {
        let states = (validation.integrate)(law, data.snapshot(i, 0).u, &data.times)?;
        let flat = states.concat();
        crate::nn::check_shape("the integrated trajectory", &[data.trajectory(i).len()], &[flat.len()])?;
        check_finite("the integrated trajectory", &flat, None, "the law is unstable; choose fewer features")?;
        Ok(flat)
    };
    let predicted: Vec<Result<Vec<f64>>> = (0..data.trajectories()).into_par_iter().map(one).collect();
    let predicted = predicted.into_iter().collect::<Result<Vec<_>>>()?;
    let nx = data.snapshot_len();
    let mut errors = vec![];
    for (i, p) in predicted.iter().enumerate() {
        let initial = data.snapshot(i, 0).u;
        let pairs = p.chunks_exact(nx).zip(data.trajectory(i).chunks_exact(nx)).skip(1);
        errors.extend(pairs.map(|(a, b)| metrics::floored_relative_error(a, b, initial, validation.floor)));
    }
    Ok(ValidationError {
        relative: (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt(),
        worst: errors.iter().fold(0.0, |m, e| m.max(*e)),
        relative_mean_squared: metrics::relative_mean_squared_error(&predicted.concat(), &data.u)?,
    })
}

/// How one candidate did.
#[derive(Debug, Clone)]
pub struct Score {
    /// the candidate
    pub recipe: LinearRecipe,
    /// its fit to the training trajectories, when there is one
    pub fit: Option<LinearFit>,
    /// its error on the held-out trajectories, when it could be integrated
    pub error: Option<ValidationError>,
    /// why it has no fit or no error
    pub failure: Option<String>,
}

/// The chosen law.
#[derive(Debug, Clone)]
pub struct Selection {
    /// the candidates, in the order given
    pub scores: Vec<Score>,
    /// which of them was chosen
    pub best: usize,
    /// the chosen recipe fitted again to all trajectories
    pub fit: LinearFit,
}

/// A larger law must do better than a smaller one by this factor.
const WORTHWHILE: f64 = 0.9;

/// Fits each candidate to all but the last `held_out` trajectories of `data`, integrates it from the held-out
/// initial states, and keeps the one with the least [`ValidationError::relative`] — of candidates within a factor
/// 0.9 of that, the one with the fewest features. Residuals are not consulted: a law can fit u_t and be unstable.
///
/// # Errors
/// As [`Dataset::split`]; [`Error::Parameter`] when there is no candidate or none can be integrated (with the
/// reasons); [`Error::Interrupted`].
pub fn select_linear(
    data: &Dataset,
    held_out: usize,
    candidates: &[LinearRecipe],
    integrate: &Integrate<'_>,
    floor: f64,
    observer: &dyn Observer,
) -> Result<Selection> {
    let dimension = data.grid.axes().len();
    let (training, unseen) = data.split(held_out)?;
    let validation = Validation { data: &unseen, integrate, floor };
    let mut scores = vec![];
    for (i, recipe) in candidates.iter().enumerate() {
        check_interrupt(observer, "model selection")?;
        let score = score(&training, recipe, &validation)?;
        let detail = score.error.map_or("failed".into(), |e| format!("error {:.2e}", e.relative));
        scores.push(score);
        observer.progress("model selection", i as u64 + 1, candidates.len() as u64, &detail);
    }
    let error = |s: &Score| s.error.map_or(f64::INFINITY, |e| e.relative);
    let least = scores.iter().map(error).fold(f64::INFINITY, f64::min);
    let best = (0..scores.len())
        .filter(|i| error(&scores[*i]) * WORTHWHILE <= least && error(&scores[*i]).is_finite())
        .min_by_key(|i| scores[*i].recipe.features.names(dimension).len());
    let Some(best) = best else {
        let reasons: Vec<String> = scores.into_iter().filter_map(|s| s.failure).collect();
        let found = if reasons.is_empty() { "none".into() } else { reasons.join("; ") };
        let advice = "offer lower derivatives, or more points for the same derivatives";
        return Err(Error::parameter("candidates", found, "at least one law that can be integrated", advice));
    };
    let fit = fit_linear(data, &scores[best].recipe)?;
    Ok(Selection { scores, best, fit })
}

fn score(training: &Dataset, recipe: &LinearRecipe, validation: &Validation<'_>) -> Result<Score> {
    let mut score = Score { recipe: recipe.clone(), fit: None, error: None, failure: None };
    let outcome = fit_linear(training, recipe).and_then(|fit| {
        let law = fit.law.clone();
        score.fit = Some(fit);
        validate(&law, validation)
    });
    match outcome {
        Ok(error) => score.error = Some(error),
        Err(e @ Error::Interrupted { .. }) => return Err(e),
        Err(e) => {
            score.failure = Some(format!("{}: {e}", recipe.features.names(training.grid.axes().len()).join(", ")))
        }
    }
    Ok(score)
}

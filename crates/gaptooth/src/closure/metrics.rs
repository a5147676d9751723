//! How far a law is from the truth.

use crate::{Error, Result, nn::check_shape};

/// eq. 24 of Arbabi et al.: Σ_j ‖v^j − v_h^j‖² / Σ_j ‖v_h^j − mean(v_h)‖², the mean over all points and snapshots.
///
/// `v` and `truth` hold all snapshots one after another. The same figure serves right-hand sides and trajectories.
///
/// ```
/// let rmse = gaptooth::closure::metrics::relative_mean_squared_error(&[1.0, 2.5], &[1.0, 3.0])?;
/// assert_eq!(rmse, 0.125); // 0.25 / (1 + 1)
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] for different lengths, [`Error::Parameter`] when the truth is constant.
pub fn relative_mean_squared_error(v: &[f64], truth: &[f64]) -> Result<f64> {
    check_shape("prediction", &[truth.len()], &[v.len()])?;
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let variation: f64 = truth.iter().map(|t| (t - mean).powi(2)).sum();
    if truth.is_empty() || variation == 0.0 {
        let advice = "compare on snapshots that vary";
        return Err(Error::parameter("truth", "constant", "values that differ from their mean", advice));
    }
    Ok(v.iter().zip(truth).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / variation)
}

/// ‖u − u_h‖ / max(‖u_h‖, floor · ‖u_h(0)‖) at one time: a relative error that stays finite in a decayed tail.
///
/// # Panics
/// If the lengths of `u` and `truth` differ.
pub fn floored_relative_error(u: &[f64], truth: &[f64], initial: &[f64], floor: f64) -> f64 {
    assert_eq!(u.len(), truth.len(), "prediction and truth differ in length");
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let difference: Vec<f64> = u.iter().zip(truth).map(|(a, b)| a - b).collect();
    let (error, size) = (norm(&difference), norm(truth).max(floor * norm(initial)));
    if error == 0.0 { 0.0 } else { error / size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_predictor_scores_one_and_the_truth_zero() {
        let truth = [1.0, 2.0, 6.0];
        assert_eq!(relative_mean_squared_error(&[3.0; 3], &truth).unwrap(), 1.0);
        assert_eq!(relative_mean_squared_error(&truth, &truth).unwrap(), 0.0);
        assert!(relative_mean_squared_error(&[1.0], &[1.0]).is_err());
        assert!(relative_mean_squared_error(&[1.0], &truth).is_err());
    }

    #[test]
    fn the_floor_holds_in_the_tail() {
        let error = floored_relative_error(&[2e-9], &[1e-9], &[1.0], 1e-3);
        assert!((error - 1e-6).abs() < 1e-18);
        assert_eq!(floored_relative_error(&[3.0], &[2.0], &[1.0], 1e-3), 0.5);
    }
}

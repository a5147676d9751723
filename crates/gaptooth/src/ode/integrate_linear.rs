//! Many columns of one linear, time-invariant tridiagonal system through time, by [`super::shift_invert`].

use rayon::prelude::*;

use super::extrapolation::{TridiagonalSystem, Work, check_state, check_times, max_abs};
use super::shift_invert::{LANES, LinearFlow, least_steps, with_steps};
use crate::{
    Result,
    linalg::Tridiagonal,
    observer::{Observer, check_interrupt},
};

/// Advances every column of a system whose columns share one J, constant in t and w, from `t0` through the ascending `times`,
/// calling `at(k, columns)` at each. Each interval is one step. Results do not depend on the number of threads.
///
/// # Errors
/// Those of [`with_steps`] and the factorisation; [`crate::Error::NonFinite`]; [`crate::Error::Interrupted`]; whatever `at` returns.
pub fn integrate_linear(
    system: &dyn TridiagonalSystem,
    t0: f64,
    columns: &mut [Vec<f64>],
    times: &[f64],
    tolerance: f64,
    observer: &dyn Observer,
    mut at: impl FnMut(usize, &[Vec<f64>]) -> Result<()>,
) -> Result<Work> {
    check_times(t0, times)?;
    let mut work = Work::default();
    let Some(first) = columns.first() else { return Ok(work) };
    let mut jacobian = Tridiagonal::zeros(system.unknowns());
    system.jacobian_into(0, t0, first, &mut jacobian);
    let mut t = t0;
    let mut largest = vec![0.0f64; columns.len()];
    for (k, &target) in times.iter().enumerate() {
        if target > t {
            let (increments, tried) = with_steps(least_steps(&jacobian, target - t), |steps| {
                check_interrupt(observer, "time integration")?;
                work.factors += 2;
                let flow = LinearFlow::new(&jacobian, target - t, steps, tolerance, system.watched())?;
                let chunk = |(c, columns): (usize, &[Vec<f64>])| {
                    let first = c * LANES;
                    let mut f: Vec<Vec<f64>> = columns.iter().map(|w| vec![0.0; w.len()]).collect();
                    for (l, (w, f)) in columns.iter().zip(&mut f).enumerate() {
                        system.rhs_into(first + l, t, w, f);
                    }
                    let mut lanes: Vec<&mut [f64]> = f.iter_mut().map(Vec::as_mut_slice).collect();
                    let done = flow.advance(&mut lanes, &largest[first..first + columns.len()], observer)?;
                    Ok(done.map(|done| (f, done)))
                };
                let done: Result<Vec<Option<_>>> = columns.par_chunks(LANES).enumerate().map(chunk).collect();
                Ok(done?.into_iter().collect::<Option<Vec<_>>>())
            })?;
            work += tried;
            work.rhs += columns.len() as u64;
            let watched = system.watched();
            let flat = increments.into_iter().flat_map(|(f, done)| {
                work.solves += done.solves;
                f
            });
            for ((w, delta), largest) in columns.iter_mut().zip(flat).zip(&mut largest) {
                w.iter_mut().zip(delta).for_each(|(w, d)| *w += d);
                check_state(w, target)?;
                *largest = largest.max(max_abs(&w[watched.clone()]));
            }
            t = target;
        }
        at(k, columns)?;
    }
    Ok(work)
}

//! The flow of linear, time-invariant tridiagonal systems by one real pole: the stepper of the general path where f = J w + g.
//!
//! w(t + h) = w(t) + h φ₁(hJ) f(w(t)), φ₁(z) = (eᶻ − 1)/z. With A = (I − γhJ)⁻¹ the factor h φ₁(hJ) is γh A G(A),
//! G(y) = (exp((1 − 1/y)/γ) − 1)/(y − 1), and the spectrum of A lies in (0, 1] whatever the stiffness. G is interpolated
//! there at Leja points y_k,
//!
//! Δw = γh Σ_k d_k p_k,  p_0 = A f,  p_{k+1} = (A − y_k) p_k,
//!
//! with divided differences d_k. A step costs one factorisation for all columns with the same J, and one real solve a term;
//! the error is uniform in ‖hJ‖: 13 terms for 1e-5 of |J⁻¹f| and 34 for 1e-13 (a test counts them). y = 1 and y = 0 are nodes,
//! so the slowest modes are exact to first order and the fastest ones end healed. The terms themselves tell when to stop. Growth,
//! and drift that dominates a mesh cell, leave (0, 1]: steps are then so short that h|λ| of either stays below 4 ([`least_steps`]),
//! and are split where the terms do not shrink all the same.
//!
//! Sources: restricted denominators, Nørsett, BIT 18 (1978) 49–58, and van den Eshof & Hochbruck, SIAM J. Sci. Comput. 27
//! (2006) 1438–1457 (rate √2 − 1 for the best pole); Leja points, Caliari, Vianello & Bergamaschi, J. Comput. Appl. Math. 172 (2004) 79–99.

use std::sync::Mutex;

use super::extrapolation::Work;
use super::leja::{GAMMA, MAX_TERMS, Series, series};
use crate::{
    Error, Result,
    linalg::{Tridiagonal, TwoWayFactor},
    observer::{Observer, check_interrupt},
};

/// Steps of one span after which it is given up.
const MAX_STEPS: usize = 1 << 20;

/// Columns advanced together by one thread: they share the reading of the factors and hide the latency of the recurrence.
pub const LANES: usize = 4;

/// Interleaved vectors of up to [`LANES`] columns, kept for the next: fresh pages would cost more than a sweep.
#[derive(Default)]
struct Scratch {
    sweep: Vec<f64>,
    term: Vec<f64>,
    sum: Vec<f64>,
}

/// Δw over one span of time, for any number of columns with the same J.
pub struct LinearFlow<'a> {
    jacobian: &'a Tridiagonal,
    span: f64,
    steps: usize,
    tolerance: f64,
    /// the rows whose error counts
    watched: std::ops::Range<usize>,
    factor: TwoWayFactor,
    scratch: Mutex<Vec<Scratch>>,
}

impl<'a> LinearFlow<'a> {
    /// Factors I − γhJ for h = `span` / `steps`. Errors are relative to the largest |w| of a column in the rows `watched`.
    ///
    /// # Errors
    /// [`Error::Solver`] from the factorisation.
    pub fn new(
        jacobian: &'a Tridiagonal,
        span: f64,
        steps: usize,
        tolerance: f64,
        watched: std::ops::Range<usize>,
    ) -> Result<Self> {
        let factor = TwoWayFactor::new(jacobian, 1.0, -GAMMA * span / steps as f64)?;
        Ok(LinearFlow { jacobian, span, steps, tolerance, watched, factor, scratch: Mutex::default() })
    }

    /// Replaces f = J w + g of up to [`LANES`] columns by Δw over the span. `largest` is |w| so far in the watched rows, `[columns]`.
    ///
    /// `None`, with `columns` spoilt, if the series did not converge: take more steps.
    ///
    /// # Errors
    /// [`Error::Interrupted`] between two steps.
    ///
    /// # Panics
    /// For no column, or more than [`LANES`].
    pub fn advance(
        &self,
        columns: &mut [&mut [f64]],
        largest: &[f64],
        observer: &dyn Observer,
    ) -> Result<Option<Work>> {
        assert!((1..=LANES).contains(&columns.len()), "{} columns", columns.len());
        if self.steps == 1 {
            return Ok(self.step(columns, largest));
        }
        let mut work = Work::default();
        let mut total: Vec<Vec<f64>> = columns.iter().map(|f| vec![0.0; f.len()]).collect();
        for _ in 0..self.steps {
            check_interrupt(observer, "time integration")?;
            let mut f: Vec<Vec<f64>> = columns.iter().map(|f| f.to_vec()).collect();
            let Some(done) = self.step(columns, largest) else { return Ok(None) };
            work += done;
            for ((total, delta), f) in total.iter_mut().zip(&mut *columns).zip(&mut f) {
                self.jacobian.multiply_add(delta, f);
                total.iter_mut().zip(&**delta).for_each(|(t, d)| *t += d);
                delta.copy_from_slice(f);
            }
        }
        for (delta, total) in columns.iter_mut().zip(&total) {
            delta.copy_from_slice(total);
        }
        Ok(Some(work))
    }

    fn step(&self, columns: &mut [&mut [f64]], largest: &[f64]) -> Option<Work> {
        let pooled = self.scratch.lock().unwrap_or_else(|e| e.into_inner()).pop();
        let mut scratch = pooled.unwrap_or_default();
        let done = match columns {
            [a] => self.sum::<1>([a], largest, &mut scratch),
            [a, b] => self.sum::<2>([a, b], largest, &mut scratch),
            [a, b, c] => self.sum::<3>([a, b, c], largest, &mut scratch),
            [a, b, c, d] => self.sum::<4>([a, b, c, d], largest, &mut scratch),
            _ => return None,
        };
        self.scratch.lock().unwrap_or_else(|e| e.into_inner()).push(scratch);
        done
    }

    /// The series, two terms at a time: every second sweep adds both to the sum.
    fn sum<const L: usize>(&self, columns: [&mut [f64]; L], largest: &[f64], scratch: &mut Scratch) -> Option<Work> {
        let Series { nodes, differences } = series();
        let n = self.jacobian.len();
        let Scratch { sweep, term, sum } = scratch;
        for v in [&mut *sweep, &mut *term, &mut *sum] {
            v.resize(n * L, 0.0);
        }
        let sweep = sweep.as_chunks_mut::<L>().0;
        let (term, sum) = (term.as_chunks_mut::<L>().0, sum.as_chunks_mut::<L>().0);
        let (sweep, term, sum) = (&mut sweep[..n], &mut term[..n], &mut sum[..n]);
        self.factor.begin(columns.each_ref().map(|f| &**f), sweep);
        let h = GAMMA * self.span / self.steps as f64;
        let mut gross = [0.0f64; L];
        for k in (0..MAX_TERMS).step_by(2) {
            let weights = [h * differences[k], h * differences[k + 1]];
            if k == 0 {
                self.factor.turn(true, sweep, |i, x| {
                    term[i] = x;
                    x
                });
                sum.fill([0.0; L]);
            } else {
                let node = nodes[k - 1];
                self.factor.turn(true, sweep, |i, x| {
                    let next = std::array::from_fn(|l| x[l] - node * term[i][l]);
                    term[i] = next;
                    next
                });
            }
            let node = nodes[k];
            self.factor.turn(false, sweep, |i, x| {
                let (old, sum) = (term[i], &mut sum[i]);
                let next: [f64; L] = std::array::from_fn(|l| x[l] - node * old[l]);
                for l in 0..L {
                    sum[l] += weights[0] * old[l] + weights[1] * next[l];
                }
                term[i] = next;
                next
            });
            // |p_{k+2}| ≤ |p_{k+1}|, so this covers the next term too.
            let bound = h * [k, k + 1, k + 2].map(|k| differences[k].abs()).into_iter().fold(0.0, f64::max);
            let (last, size) = (largest_of(&term[self.watched.clone()]), largest_of(&sum[self.watched.clone()]));
            let mut converged = true;
            for l in 0..L {
                gross[l] = gross[l].max(bound * last[l]);
                // Errors of all steps of the span add up; below 1e-13 there is rounding.
                let share = (self.tolerance / self.steps as f64).max(self.tolerance.min(1e-13));
                let allowed = share * size[l].max(largest[l]) + 4.0 * f64::EPSILON * gross[l];
                converged &= bound * last[l] <= allowed;
            }
            if converged {
                for (l, column) in columns.into_iter().enumerate() {
                    column.iter_mut().zip(&*sum).for_each(|(c, s)| *c = s[l]);
                }
                let solves = ((k + 2) * L) as u64;
                return Some(Work { solves, ..Work::default() });
            }
        }
        None
    }
}

fn largest_of<const L: usize>(rows: &[[f64; L]]) -> [f64; L] {
    let mut largest = [0.0f64; L];
    for row in rows {
        for l in 0..L {
            largest[l] = if row[l].abs() > largest[l] { row[l].abs() } else { largest[l] };
        }
    }
    largest
}

/// Steps that a span needs at the least: with hλ of growth beyond 1/γ the series would converge to the steady state that is left.
pub fn least_steps(jacobian: &Tridiagonal, span: f64) -> usize {
    let [growth, turn] = jacobian.spectrum_bounds();
    // Infinite bounds give a count that `with_steps` refuses.
    let count = (span * growth.max(turn).max(0.0) / 4.0).ceil();
    if count <= MAX_STEPS as f64 { (count as usize).max(1) } else { MAX_STEPS + 1 }
}

/// Calls `run` with `least`, then 2, 4 … times as many steps a span until its series converge (`run` gives `Some`); the work holds steps and rejections.
///
/// # Errors
/// [`Error::Solver`] if 2²⁰ steps are too few; those of `run`.
pub fn with_steps<T>(least: usize, mut run: impl FnMut(usize) -> Result<Option<T>>) -> Result<(T, Work)> {
    let mut rejected = 0;
    loop {
        let steps = doubled(least, rejected)?;
        if let Some(done) = run(steps)? {
            return Ok((done, Work { steps: steps as u64, rejected: rejected.into(), ..Work::default() }));
        }
        rejected += 1;
    }
}

/// Steps of a span at the next try after `rejected` ones.
///
/// # Errors
/// [`Error::Solver`] if 2²⁰ steps were too few.
pub fn doubled(least: usize, rejected: u32) -> Result<usize> {
    let steps = least.saturating_mul(1usize.checked_shl(rejected).unwrap_or(usize::MAX));
    if steps <= MAX_STEPS {
        return Ok(steps);
    }
    Err(Error::Solver {
        solver: "shift-invert flow",
        message: format!("a span needs more than {MAX_STEPS} steps"),
        advice: "check the model for NaN, or for growth that is fast against the span".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{extrapolation::max_abs, leja::target};
    use super::*;
    use crate::{observer::Silent, ode::propagator::response};

    fn laplacian(n: usize) -> Tridiagonal {
        let r = ((n + 1) * (n + 1)) as f64;
        Tridiagonal { lower: vec![r; n], upper: vec![r; n], row_sum: vec![0.0; n] }
    }

    /// The largest error over |w|, and the solves.
    fn error(a: &Tridiagonal, g: &[f64], time: f64, tolerance: f64) -> (f64, u64) {
        let exact = response(a, &[g], time).unwrap().remove(0);
        let n = g.len();
        let mut w = g.to_vec();
        let work = LinearFlow::new(a, time, 1, tolerance, 0..n)
            .unwrap()
            .advance(&mut [&mut w], &[0.0], &Silent)
            .unwrap()
            .unwrap();
        let worst = w.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        (worst / max_abs(&exact), work.solves)
    }

    /// The largest |e^z − R(z)| over z ≤ 0 after each number of terms, R(z) = 1 + z γ y G(y) with G interpolated, y = 1/(1 − γz).
    #[test]
    fn the_head_counts_its_terms() {
        let Series { nodes, differences } = series();
        let points: Vec<f64> =
            (0..=20_000).map(|i| i as f64 / 20_000.0).chain((1..400).map(|i| 0.97f64.powi(i))).collect();
        let error = |terms: usize| {
            let off = |&y: &f64| {
                let (mut sum, mut product) = (0.0, 1.0);
                for k in 0..terms {
                    sum += differences[k] * product;
                    product *= y - nodes[k];
                }
                ((y - 1.0) * (sum - target(y))).abs()
            };
            points.iter().map(off).fold(0.0, f64::max)
        };
        for (tolerance, terms) in [(1e-5, 13), (1e-13, 34)] {
            assert!(error(terms) <= tolerance && error(terms - 1) > tolerance, "{terms}: {:e}", error(terms));
        }
    }

    #[test]
    fn it_agrees_with_the_contour_at_every_tolerance_and_stiffness() {
        let a = laplacian(199);
        let g: Vec<f64> = (0..199).map(|i| (i as f64).sin() + 1.0).collect();
        for tolerance in [1e-2, 1e-5, 1e-8, 1e-11] {
            for time in [1e-6, 1e-3, 1.0, 1e6] {
                let (error, solves) = error(&a, &g, time, tolerance);
                assert!(error < 3.0 * tolerance, "{tolerance:e} at {time:e}: {error:e}");
                assert!(solves <= 38, "{tolerance:e} at {time:e}: {solves} solves");
            }
        }
    }

    #[test]
    fn growth_and_drift_split_the_step() {
        let n = 60;
        let mut a = laplacian(n);
        for i in 0..n {
            a.row_sum[i] += 100.0;
            a.lower[i] += 5.0 * (n + 1) as f64;
            a.upper[i] -= 5.0 * (n + 1) as f64;
        }
        let mut w = vec![1.0; n];
        let (_, work) = with_steps(least_steps(&a, 0.5), |steps| {
            w.fill(1.0);
            LinearFlow::new(&a, 0.5, steps, 1e-9, 0..n)?.advance(&mut [&mut w], &[0.0], &Silent)
        })
        .unwrap();
        assert!(work.steps > 10);
        // 2¹² steps of the same flow need no splitting, and judge it.
        let mut fine = vec![1.0; n];
        LinearFlow::new(&a, 0.5, 4096, 1e-13, 0..n)
            .unwrap()
            .advance(&mut [&mut fine], &[0.0], &Silent)
            .unwrap()
            .unwrap();
        let worst = w.iter().zip(&fine).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-7 * max_abs(&fine), "{worst:e} of {:e}", max_abs(&fine));
    }

    /// Spectra off the negative axis, where the series of one long step would converge to something else.
    #[test]
    fn growth_and_turning_are_followed_however_long_the_span() {
        for (n, diffusion, drift, growth, span) in [
            (20, 1.0, 0.0, 2000.0, 0.1),
            (100, 1e-5, 5.0, 0.0, 10.0),
            (10, 1e-5, 1.0, 0.0, 100.0),
            (4, 1e-4, 5.0, 0.0, 100.0),
        ] {
            let mut a = laplacian(n);
            let r = 0.5 * drift * (n + 1) as f64;
            a.lower.iter_mut().for_each(|l| *l = diffusion * *l + r);
            a.upper.iter_mut().for_each(|u| *u = diffusion * *u - r);
            a.row_sum.fill(growth);
            let run = |least: usize, tolerance: f64| {
                let mut w = vec![1.0; n];
                with_steps(least, |steps| {
                    w.fill(1.0);
                    LinearFlow::new(&a, span, steps, tolerance, 0..n)?.advance(&mut [&mut w], &[0.0], &Silent)
                })
                .unwrap();
                w
            };
            let least = least_steps(&a, span);
            let (found, fine) = (run(least, 1e-6), run(8 * least, 1e-13));
            let worst = found.iter().zip(&fine).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-4 * max_abs(&fine), "n = {n}: {worst:e} of {:e}", max_abs(&fine));
        }
    }

    #[test]
    fn steps_that_never_converge_are_an_error() {
        let never: Result<((), Work)> = with_steps(1, |_| Ok(None));
        assert!(matches!(never, Err(Error::Solver { .. })));
    }

    #[test]
    fn lanes_and_split_steps_do_not_change_the_sum_beyond_rounding() {
        let a = laplacian(80);
        let g: Vec<Vec<f64>> = (0..4).map(|l| (0..80).map(|i| ((i * (l + 2)) as f64).cos()).collect()).collect();
        let run = |steps: usize, lanes: usize| -> Vec<Vec<f64>> {
            let flow = LinearFlow::new(&a, 0.01, steps, 1e-12, 0..80).unwrap();
            let mut all = g.clone();
            for chunk in all.chunks_mut(lanes) {
                let mut chunk: Vec<&mut [f64]> = chunk.iter_mut().map(Vec::as_mut_slice).collect();
                flow.advance(&mut chunk, &[0.0; 4], &Silent).unwrap().unwrap();
            }
            all
        };
        let whole = run(1, 4);
        for (steps, lanes) in [(1, 1), (1, 3), (2, 4), (3, 2)] {
            for (a, b) in run(steps, lanes).iter().flatten().zip(whole.iter().flatten()) {
                assert!((a - b).abs() < 1e-10 * max_abs(&whole[0]));
            }
        }
    }

    /// Ctrl-C is heard between the steps of one span.
    #[test]
    fn a_span_of_many_steps_can_be_interrupted() {
        struct After(std::sync::atomic::AtomicUsize);
        impl Observer for After {
            fn progress(&self, _stage: &str, _done: u64, _total: u64, _detail: &str) {}
            fn interrupted(&self) -> bool {
                self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 3
            }
        }
        let a = laplacian(20);
        let (flow, observer) = (LinearFlow::new(&a, 0.1, 50, 1e-6, 0..20).unwrap(), After(Default::default()));
        let failed = flow.advance(&mut [&mut [1.0; 20]], &[0.0], &observer).unwrap_err();
        assert!(matches!(failed, Error::Interrupted { .. }) && observer.0.into_inner() == 4);
    }
}

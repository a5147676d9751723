//! Extrapolated linearly implicit Euler for many tridiagonal systems at once: the general micro-path.
//!
//! One basic step of length H is taken with n_j = 2, 3, …, k + 1 substeps of linearly implicit Euler,
//! (I − h J) Δw = h f(t + h, w) with h = H/n_j, and the k results are combined so that the errors h, h², … h^{k−1} cancel.
//! Order k, L-stable, one real tridiagonal factorisation per substep length and column. Linear, time-invariant systems have a
//! better way: [`super::shift_invert`].
//! Source: Deuflhard, Hairer, Zugck, Numer. Math. 51 (1987) 501–516 (SEULEX); Hairer & Wanner II, IV.9.

use rayon::prelude::*;

use crate::{
    Error, Result,
    linalg::Tridiagonal,
    observer::{Observer, check_interrupt},
    team::{Alone, Team, largest, total},
};

/// Independent columns w′ = f_c(t, w), each with a tridiagonal Jacobian.
pub trait TridiagonalSystem: Sync {
    /// Unknowns per column.
    fn unknowns(&self) -> usize;

    /// Writes f_c(t, w) into `f`, both `[unknowns]`.
    fn rhs_into(&self, column: usize, t: f64, w: &[f64], f: &mut [f64]);

    /// Writes ∂f_c/∂w.
    fn jacobian_into(&self, column: usize, t: f64, w: &[f64], jacobian: &mut Tridiagonal);

    /// The rows whose error counts: all, unless accuracy is asked for in a part only (the tooth of a patch).
    fn watched(&self) -> std::ops::Range<usize> {
        0..self.unknowns()
    }

    /// Rounding of one evaluation, in units of w: errors below it (times the growth of rounding by extrapolation) are let pass.
    fn floor(&self, column: usize) -> f64;
}

/// Accuracy of [`integrate`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extrapolation {
    /// error allowed in a step, relative to the largest |w| of the column so far (root mean square over the watched rows)
    pub tolerance: f64,
    /// number k of extrapolation columns: the order, 2 … 10
    pub order: usize,
    /// first step, as a fraction of the whole span
    pub first: f64,
}

impl Extrapolation {
    /// Order 5 down to a tolerance of 1e-4, else 6: every further order magnifies rounding more. The first step is long, because a
    /// fast transient is damped best where it is stiff.
    pub fn with_tolerance(tolerance: f64) -> Self {
        let order = if tolerance > 9e-5 { 5 } else { 6 };
        Extrapolation { tolerance, order, first: 0.1 }
    }
}

/// Work done by [`integrate`] and [`super::shift_invert`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Work {
    /// evaluations of f, in columns
    pub rhs: u64,
    /// tridiagonal solves, in columns
    pub solves: u64,
    /// tridiagonal factorisations
    pub factors: u64,
    /// accepted steps
    pub steps: u64,
    /// rejected steps
    pub rejected: u64,
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, o: Work) {
        self.rhs += o.rhs;
        self.solves += o.solves;
        self.factors += o.factors;
        self.steps += o.steps;
        self.rejected += o.rejected;
    }
}

/// More steps than this mean that the tolerance cannot be met.
const MAX_STEPS: u64 = 200_000;

/// Advances every column from `t0` through the ascending `times`, calling `at(k, columns)` at each.
///
/// All columns take the same steps; results do not depend on the number of threads.
///
/// # Errors
/// [`Error::NonFinite`] if f gives NaN where a step begins; [`Error::Solver`] if the step shrinks below 1e-13 of the span;
/// [`Error::Interrupted`]; whatever `at` returns.
pub fn integrate(
    system: &dyn TridiagonalSystem,
    t0: f64,
    columns: &mut [Vec<f64>],
    times: &[f64],
    method: Extrapolation,
    observer: &dyn Observer,
    at: impl FnMut(usize, &[Vec<f64>]) -> Result<()>,
) -> Result<Work> {
    integrate_together(&Alone, system, t0, columns, times, method, observer, at)
}

/// As [`integrate`], by all processes of `team`, each with columns of its own (perhaps none): they take the same steps, and so the numbers of
/// one process with all of them; the work is that of all. Once a step each gives its error to all others, seventeen bytes.
///
/// # Errors
/// As [`integrate`]; [`Error::Elsewhere`].
#[allow(clippy::too_many_arguments)]
pub fn integrate_together(
    team: &dyn Team,
    system: &dyn TridiagonalSystem,
    t0: f64,
    columns: &mut [Vec<f64>],
    times: &[f64],
    method: Extrapolation,
    observer: &dyn Observer,
    mut at: impl FnMut(usize, &[Vec<f64>]) -> Result<()>,
) -> Result<Work> {
    check_times(t0, times)?;
    let all = total(team, columns.len())?;
    let Some(&end) = times.last() else { return Ok(Work::default()) };
    let span = end - t0;
    let watched = system.watched();
    let stepper = Stepper { system, method, weights: Weights::new(method.order) };
    let mut work = Work::default();
    let mut scale = vec![0.0f64; columns.len()];
    let (mut t, mut wanted) = (t0, method.first * span);
    for (k, &target) in times.iter().enumerate() {
        while target - t > 1e-12 * span {
            check_interrupt(observer, "time integration")?;
            let landing = wanted >= 0.999 * (target - t);
            let step = if landing { target - t } else { wanted };
            let tried: Vec<Result<(f64, Vec<f64>)>> = columns
                .par_iter()
                .zip(&scale)
                .enumerate()
                .map(|(c, (w, &s))| stepper.attempt(c, t, w, step, s))
                .collect();
            let tried: Result<Vec<(f64, Vec<f64>)>> = tried.into_iter().collect();
            work += stepper.work(all);
            let (tried, error) = match tried {
                Ok(tried) => {
                    let error = tried.iter().fold(0.0f64, |m, (e, _)| m.max(*e));
                    (tried, largest(team, Ok(error))?)
                }
                Err(error) => (vec![], largest(team, Err(error))?),
            };
            let growth = (SAFETY / error.max(1e-30).powf(1.0 / method.order as f64)).clamp(SHRINK, GROW);
            if error <= 1.0 {
                for ((w, s), (_, next)) in columns.iter_mut().zip(&mut scale).zip(tried) {
                    *s = s.max(max_abs(&next[watched.clone()]));
                    *w = next;
                }
                work.steps += 1;
                t = if landing { target } else { t + step };
                // A step cut short by an output must not shorten the next one.
                wanted = if landing { wanted.max(step * growth) } else { step * growth };
            } else {
                work.rejected += 1;
                wanted = step * growth.min(0.5);
            }
            if wanted < 1e-13 * span || work.steps + work.rejected > MAX_STEPS {
                return Err(Error::Solver {
                    solver: "extrapolated implicit Euler",
                    message: format!(
                        "at t = {t:.6e} after {} steps ({} rejected) the step is {wanted:.1e}",
                        work.steps, work.rejected,
                    ),
                    advice: "loosen the tolerance, or check the model for discontinuities".into(),
                });
            }
        }
        at(k, columns)?;
    }
    Ok(work)
}

/// Bounds of what one error may do to the step. Diffusion passes through many decades of time scales, so steps may grow fast.
const SAFETY: f64 = 0.85;
const SHRINK: f64 = 0.1;
const GROW: f64 = 10.0;

/// n_j. From 2 on: one substep alone leaves 1/(1 + hλ) of a fast transient, and no weight makes that small.
fn substeps(j: usize) -> usize {
    j + 1
}

struct Stepper<'a> {
    system: &'a dyn TridiagonalSystem,
    method: Extrapolation,
    weights: Weights,
}

impl Stepper<'_> {
    fn work(&self, columns: usize) -> Work {
        let k = self.method.order;
        let all = ((1..=k).map(substeps).sum::<usize>() * columns) as u64;
        Work { rhs: all, solves: all, factors: (k * columns) as u64, ..Work::default() }
    }

    /// One basic step of a column: its scaled error and the new column.
    fn attempt(&self, column: usize, t: f64, start: &[f64], length: f64, scale: f64) -> Result<(f64, Vec<f64>)> {
        let n = start.len();
        let mut jacobian = Tridiagonal::zeros(n);
        self.system.jacobian_into(column, t, start, &mut jacobian);
        let [mut best, mut gap, mut f] = std::array::from_fn(|_| vec![0.0; n]);
        let mut w = start.to_vec();
        for j in 1..=self.method.order {
            let h = length / substeps(j) as f64;
            let factor = jacobian.factor(1.0, -h)?;
            w.copy_from_slice(start);
            for sub in 1..=substeps(j) {
                self.system.rhs_into(column, t + sub as f64 * h, &w, &mut f);
                if (j, sub) == (1, 1) {
                    check_state(&f, t)?;
                }
                f.iter_mut().for_each(|f| *f *= h);
                factor.solve(&mut f);
                w.iter_mut().zip(&f).for_each(|(w, f)| *w += f);
            }
            let a = self.weights.best[j - 1];
            let b = a - self.weights.lower[j - 1];
            for (((best, gap), w), start) in best.iter_mut().zip(&mut gap).zip(&w).zip(start) {
                *best += a * (w - start);
                *gap += b * (w - start);
            }
        }
        best.iter_mut().zip(start).for_each(|(b, s)| *b += s);
        if best.iter().any(|b| !b.is_finite()) {
            // Perhaps the step left the model's domain: a shorter one may not.
            return Ok((f64::INFINITY, best));
        }
        let watched = self.system.watched();
        let sum: f64 = gap[watched.clone()].iter().map(|g| g * g).sum();
        let size = scale.max(max_abs(&best[watched.clone()]));
        let allowed = size * self.method.tolerance + self.system.floor(column) * self.weights.growth;
        Ok(((sum / watched.len() as f64).sqrt() / allowed.max(f64::MIN_POSITIVE), best))
    }
}

/// Richardson weights over n_1 … n_k substeps: Σ_j w_j T_j cancels h … h^{k−1} (`best`), or the same without T_1 (`lower`).
struct Weights {
    best: Vec<f64>,
    lower: Vec<f64>,
    /// Σ |w_j|: how much rounding grows
    growth: f64,
}

impl Weights {
    fn new(k: usize) -> Self {
        let product = |j: usize, from: usize| -> f64 {
            let n = |j: usize| substeps(j) as f64;
            (from..=k).filter(|&i| i != j).map(|i| n(j) / (n(j) - n(i))).product()
        };
        let best: Vec<f64> = (1..=k).map(|j| product(j, 1)).collect();
        Weights {
            growth: best.iter().map(|w| w.abs()).sum(),
            best,
            lower: (1..=k).map(|j| if j == 1 { 0.0 } else { product(j, 2) }).collect(),
        }
    }
}

pub(super) fn check_times(t0: f64, times: &[f64]) -> Result<()> {
    let mut last = t0;
    for &t in times {
        if !(t.is_finite() && t >= last) {
            return Err(Error::parameter("times", t, format!("a finite time not before {last}"), "sort the times"));
        }
        last = t;
    }
    Ok(())
}

pub(crate) fn check_state(w: &[f64], t: f64) -> Result<()> {
    let advice = "check the model's right-hand side, or take a shorter burst";
    crate::error::check_finite("the microscale state", w, Some(t), advice)
}

pub(crate) fn max_abs(w: &[f64]) -> f64 {
    w.iter().fold(0.0, |m, x| m.max(x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Silent;

    /// Heat equation on n interior points of [0, 1] with unit source scaled per column.
    struct Heat(usize);

    impl TridiagonalSystem for Heat {
        fn unknowns(&self) -> usize {
            self.0
        }
        fn rhs_into(&self, column: usize, _t: f64, w: &[f64], f: &mut [f64]) {
            let n = self.0;
            let r = ((n + 1) * (n + 1)) as f64;
            for i in 0..n {
                let left = if i == 0 { 0.0 } else { w[i - 1] };
                let right = if i + 1 == n { 0.0 } else { w[i + 1] };
                f[i] = r * (left - 2.0 * w[i] + right) + (column + 1) as f64;
            }
        }
        fn jacobian_into(&self, _: usize, _: f64, _: &[f64], j: &mut Tridiagonal) {
            let r = ((self.0 + 1) * (self.0 + 1)) as f64;
            j.lower.fill(r);
            j.upper.fill(r);
            j.row_sum.fill(0.0);
        }
        fn floor(&self, _: usize) -> f64 {
            0.0
        }
    }

    #[test]
    fn it_agrees_with_the_exact_propagator_at_every_tolerance() {
        let n = 199;
        let system = Heat(n);
        let mut jacobian = Tridiagonal::zeros(n);
        system.jacobian_into(0, 0.0, &[], &mut jacobian);
        let exact = crate::ode::propagator::response(&jacobian, &[&vec![1.0; n]], 0.01).unwrap().remove(0);
        for tolerance in [1e-4, 1e-7, 1e-10] {
            let mut columns = vec![vec![0.0; n]; 6];
            integrate(
                &system,
                0.0,
                &mut columns,
                &[0.004, 0.01],
                Extrapolation::with_tolerance(tolerance),
                &Silent,
                |_, _| Ok(()),
            )
            .unwrap();
            for (c, w) in columns.iter().enumerate() {
                let scale = (c + 1) as f64;
                let worst = w.iter().zip(&exact).map(|(a, b)| (a - scale * b).abs()).fold(0.0, f64::max);
                assert!(worst < 10.0 * tolerance * scale * max_abs(&exact), "{tolerance}: {worst:e}");
            }
        }
    }

    /// w′ = 1000 √(1 − w): a long step leaves the domain of the root.
    struct Root;

    impl TridiagonalSystem for Root {
        fn unknowns(&self) -> usize {
            1
        }
        fn rhs_into(&self, column: usize, _: f64, w: &[f64], f: &mut [f64]) {
            f[0] = if column == 1 { f64::NAN } else { 1000.0 * (1.0 - w[0]).sqrt() };
        }
        fn jacobian_into(&self, _: usize, _: f64, w: &[f64], j: &mut Tridiagonal) {
            j.row_sum[0] = -500.0 / (1.0 - w[0]).sqrt();
        }
        fn floor(&self, _: usize) -> f64 {
            0.0
        }
    }

    #[test]
    fn a_step_that_leaves_the_domain_is_shortened() {
        let method = Extrapolation { first: 1.0, ..Extrapolation::with_tolerance(1e-8) };
        let run = |columns: &mut [Vec<f64>]| integrate(&Root, 0.0, columns, &[0.0019], method, &Silent, |_, _| Ok(()));
        let mut one = vec![vec![0.0]];
        let work = run(&mut one).unwrap();
        assert!(work.rejected > 0 && (one[0][0] - 0.9975).abs() < 1e-6, "{one:?}");
        assert!(matches!(run(&mut [vec![0.0], vec![0.0]]), Err(Error::NonFinite { .. })));
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let run = |threads: usize| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                let mut columns = vec![vec![0.0; 80]; 11];
                integrate(
                    &Heat(80),
                    0.0,
                    &mut columns,
                    &[0.1],
                    Extrapolation::with_tolerance(1e-8),
                    &Silent,
                    |_, _| Ok(()),
                )
                .unwrap();
                columns
            })
        };
        assert_eq!(run(1), run(3));
    }
}

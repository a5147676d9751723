//! Extrapolated linearly implicit Euler for many tridiagonal systems at once: the general micro-path.
//!
//! One basic step of length H is taken with n_j = 1, 2, …, k substeps of linearly implicit Euler,
//! (I − h J) Δw = h f(t + h, w) with h = H/n_j, and the k results are combined so that the errors h, h², … h^{k−1} cancel.
//! Order k, L-stable, one real tridiagonal factorisation per substep length, shared by all columns with the same
//! constant Jacobian. Steps are powers of two of the time span, so factorisations are met again.
//! Source: Deuflhard, Hairer, Zugck, Numer. Math. 51 (1987) 501–516 (SEULEX); Hairer & Wanner II, IV.9.

use rayon::prelude::*;

use crate::{
    Error, Result,
    linalg::{Tridiagonal, TridiagonalFactor, TwoWayFactor},
    observer::{Observer, check_interrupt},
};

/// Independent columns w′ = f_c(t, w), each with a tridiagonal Jacobian.
pub trait TridiagonalSystem: Sync {
    /// Unknowns per column.
    fn unknowns(&self) -> usize;

    /// Writes f_c(t, w) into `f`, both `[unknowns]`.
    fn rhs_into(&self, column: usize, t: f64, w: &[f64], f: &mut [f64]);

    /// Writes ∂f_c/∂w.
    fn jacobian_into(&self, column: usize, t: f64, w: &[f64], jacobian: &mut Tridiagonal);

    /// `Some(group)` when f_c(t, w) = J w + g_c with J and g_c constant in t and w; columns of one group share J.
    fn constant_group(&self, column: usize) -> Option<usize>;

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
    /// The order that is cheapest at `tolerance` on a burst of heterogeneous diffusion: 4 down to 3e-4, else 6 (above, extrapolation
    /// magnifies rounding more than it gains).
    pub fn with_tolerance(tolerance: f64) -> Self {
        let order = if tolerance > 3e-4 { 4 } else { 6 };
        Extrapolation { tolerance, order, first: 1e-3 }
    }
}

/// Work done by [`integrate`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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

/// Columns advanced together by one thread; four hide the latency of the recurrence.
const LANES: usize = 4;

/// Advances every column from `t0` through the ascending `times`, calling `at(k, columns)` at each.
///
/// All columns take the same steps; results do not depend on the number of threads.
///
/// # Errors
/// [`Error::NonFinite`] if f gives NaN; [`Error::Solver`] if the step shrinks below 1e-13 of the span;
/// [`Error::Interrupted`]; whatever `at` returns.
pub fn integrate(
    system: &dyn TridiagonalSystem,
    t0: f64,
    columns: &mut [Vec<f64>],
    times: &[f64],
    method: Extrapolation,
    observer: &dyn Observer,
    mut at: impl FnMut(usize, &[Vec<f64>]) -> Result<()>,
) -> Result<Work> {
    let Some(&end) = times.last() else { return Ok(Work::default()) };
    let span = end - t0;
    let mut stepper = Stepper::new(system, method, t0, columns.len());
    let (mut t, mut exponent) = (t0, method.first.log2().floor() as i32);
    for (k, &target) in times.iter().enumerate() {
        let mut since = 0;
        while target - t > 1e-12 * span {
            check_interrupt(observer, "time integration")?;
            let full = span * (exponent as f64).exp2();
            let step = full.min(target - t);
            let landing = step >= 0.999 * (target - t);
            let (error, next) = stepper.attempt(t, columns, step)?;
            if error <= 1.0 {
                columns.par_iter_mut().zip(next).for_each(|(w, n)| *w = n);
                stepper.work.steps += 1;
                t = if landing { target } else { t + step };
                stepper.update_scale(columns);
                since += 1;
            } else {
                stepper.work.rejected += 1;
                since = 0;
            }
            let growth = (0.5 / error.max(1e-14)).powf(1.0 / method.order as f64).log2();
            let wanted = exponent + growth.floor().clamp(-4.0, 4.0) as i32;
            // A step cut short by an output says little of the full one; grow only after it fits.
            if error > 1.0 || (wanted > exponent && (step == full || since > 1)) {
                exponent = wanted.min(0);
            }
            if exponent < -44 || stepper.work.steps + stepper.work.rejected > MAX_STEPS {
                return Err(Error::Solver {
                    solver: "extrapolated implicit Euler",
                    message: format!(
                        "at t = {t:.6e} after {} steps ({} rejected) the step is {:.1e}",
                        stepper.work.steps,
                        stepper.work.rejected,
                        span * (exponent as f64).exp2()
                    ),
                    advice: "loosen the tolerance, or check the model for discontinuities".into(),
                });
            }
        }
        at(k, columns)?;
    }
    Ok(stepper.work)
}

/// Interleaved vectors of up to [`LANES`] linear columns, kept from step to step: fresh pages would cost more than a sweep.
#[derive(Default)]
struct Workspace {
    g: Vec<f64>,
    start: Vec<f64>,
    w: Vec<f64>,
    best: Vec<f64>,
    gap: Vec<f64>,
}

struct Stepper<'a> {
    system: &'a dyn TridiagonalSystem,
    method: Extrapolation,
    /// per column, the largest |w| so far
    scale: Vec<f64>,
    /// g of the linear columns
    source: Vec<Option<Vec<f64>>>,
    /// constant Jacobians by group, and their factors by (group, bits of h)
    constant: std::collections::BTreeMap<usize, Tridiagonal>,
    factors: std::collections::BTreeMap<(usize, u64), TwoWayFactor>,
    workspaces: Vec<Workspace>,
    work: Work,
}

impl<'a> Stepper<'a> {
    fn new(system: &'a dyn TridiagonalSystem, method: Extrapolation, t0: f64, columns: usize) -> Self {
        let source = |c: usize| {
            system.constant_group(c)?;
            let mut g = vec![0.0; system.unknowns()];
            system.rhs_into(c, t0, &vec![0.0; system.unknowns()], &mut g);
            Some(g)
        };
        Stepper {
            source: (0..columns).into_par_iter().map(source).collect(),
            system,
            method,
            scale: vec![0.0; columns],
            constant: Default::default(),
            factors: Default::default(),
            workspaces: (0..columns.div_ceil(LANES)).map(|_| Workspace::default()).collect(),
            work: Work::default(),
        }
    }

    fn update_scale(&mut self, columns: &[Vec<f64>]) {
        let watched = self.system.watched();
        self.scale.par_iter_mut().zip(columns).for_each(|(s, w)| *s = s.max(max_abs(&w[watched.clone()])));
    }

    /// One basic step of all columns: the scaled error and the new columns.
    fn attempt(&mut self, t: f64, columns: &[Vec<f64>], step: f64) -> Result<(f64, Vec<Vec<f64>>)> {
        self.prepare(t, columns, step)?;
        let weights = Weights::new(self.method.order);
        let mut workspaces = std::mem::take(&mut self.workspaces);
        let this = &*self;
        let parts: Vec<Result<Vec<(f64, Vec<f64>)>>> = columns
            .par_chunks(LANES)
            .zip(&mut workspaces)
            .enumerate()
            .map(|(chunk, (columns, workspace))| {
                this.attempt_chunk(chunk * LANES, t, columns, step, &weights, workspace)
            })
            .collect();
        self.workspaces = workspaces;
        let (mut error, mut next) = (0.0f64, Vec::with_capacity(columns.len()));
        for part in parts {
            for (e, w) in part? {
                error = error.max(e);
                next.push(w);
            }
        }
        let substeps = (self.method.order * (self.method.order + 1) / 2 * columns.len()) as u64;
        self.work.rhs += substeps;
        self.work.solves += substeps;
        Ok((error, next))
    }

    /// Factors for the constant groups and the substeps of this step, if not at hand.
    fn prepare(&mut self, t: f64, columns: &[Vec<f64>], step: f64) -> Result<()> {
        let mut wanted = std::collections::BTreeSet::new();
        for (c, w) in columns.iter().enumerate() {
            let Some(group) = self.system.constant_group(c) else { continue };
            let system = self.system;
            self.constant.entry(group).or_insert_with(|| {
                let mut jacobian = Tridiagonal::zeros(system.unknowns());
                system.jacobian_into(c, t, w, &mut jacobian);
                jacobian
            });
            wanted.extend((1..=self.method.order).map(|j| (group, (step / j as f64).to_bits())));
        }
        self.factors.retain(|key, _| wanted.contains(key));
        let missing: Vec<_> = wanted.into_iter().filter(|key| !self.factors.contains_key(key)).collect();
        let made: Vec<Result<_>> = missing
            .par_iter()
            .map(|&(group, bits)| {
                TwoWayFactor::new(&self.constant[&group], 1.0, -f64::from_bits(bits)).map(|f| ((group, bits), f))
            })
            .collect();
        for made in made {
            let (key, factor) = made?;
            self.factors.insert(key, factor);
            self.work.factors += 1;
        }
        // Columns without a group factor once per substep length.
        let own = (0..columns.len()).filter(|&c| self.system.constant_group(c).is_none()).count();
        self.work.factors += (own * self.method.order) as u64;
        Ok(())
    }

    fn attempt_chunk(
        &self,
        first: usize,
        t: f64,
        columns: &[Vec<f64>],
        step: f64,
        weights: &Weights,
        workspace: &mut Workspace,
    ) -> Result<Vec<(f64, Vec<f64>)>> {
        if let Some(group) = self.common_group(first, columns.len()) {
            return match columns.len() {
                1 => self.linear_chunk::<1>(group, first, t, columns, step, weights, workspace),
                2 => self.linear_chunk::<2>(group, first, t, columns, step, weights, workspace),
                3 => self.linear_chunk::<3>(group, first, t, columns, step, weights, workspace),
                _ => self.linear_chunk::<4>(group, first, t, columns, step, weights, workspace),
            };
        }
        let n = self.system.unknowns();
        let lanes = columns.len();
        let own: Vec<Option<Tridiagonal>> =
            columns.iter().enumerate().map(|(l, w)| self.own_jacobian(first + l, t, w)).collect();
        let mut best: Vec<Vec<f64>> = columns.iter().map(|_| vec![0.0; n]).collect();
        let mut lower = best.clone();
        let mut f = best.clone();
        let mut w = best.clone();
        for j in 1..=self.method.order {
            let h = step / j as f64;
            let factors: Vec<Option<TridiagonalFactor>> =
                own.iter().map(|j| j.as_ref().map(|j| j.factor(1.0, -h)).transpose()).collect::<Result<_>>()?;
            for (w, column) in w.iter_mut().zip(columns) {
                w.copy_from_slice(column);
            }
            for sub in 0..j {
                for l in 0..lanes {
                    self.system.rhs_into(first + l, t + (sub + 1) as f64 * h, &w[l], &mut f[l]);
                    f[l].iter_mut().for_each(|f| *f *= h);
                }
                self.solve(first, h, &factors, &mut f);
                for (w, f) in w.iter_mut().zip(&f) {
                    w.iter_mut().zip(f).for_each(|(w, f)| *w += f);
                }
            }
            let (a, b) = (weights.best[j - 1], weights.lower[j - 1]);
            for l in 0..lanes {
                for (((best, lower), w), start) in best[l].iter_mut().zip(&mut lower[l]).zip(&w[l]).zip(&columns[l]) {
                    *best += a * (w - start);
                    *lower += b * (w - start);
                }
            }
        }
        (0..lanes)
            .map(|l| self.finish(first + l, t, &columns[l], std::mem::take(&mut best[l]), &lower[l], weights))
            .collect()
    }

    /// The group that `count` columns from `first` on share, if they do.
    fn common_group(&self, first: usize, count: usize) -> Option<usize> {
        let group = self.system.constant_group(first)?;
        (first..first + count).all(|c| self.system.constant_group(c) == Some(group)).then_some(group)
    }

    /// For f = J w + g a substep is (I − h J) w⁺ = w + h g: no right-hand side, and one sweep, which ends a substep
    /// and begins the next. Lanes are interleaved, so that sweeps are vectors; the last one of each j feeds the extrapolated sums.
    fn linear_chunk<const L: usize>(
        &self,
        group: usize,
        first: usize,
        t: f64,
        columns: &[Vec<f64>],
        step: f64,
        weights: &Weights,
        workspace: &mut Workspace,
    ) -> Result<Vec<(f64, Vec<f64>)>> {
        let n = self.system.unknowns();
        let sources: Vec<&[f64]> = (first..first + L).map(|c| self.source[c].as_deref().unwrap_or_default()).collect();
        let Workspace { g, start, w, best, gap } = workspace;
        if g.is_empty() {
            g.extend((0..n * L).map(|k| sources[k % L][k / L]));
            for v in [&mut *start, &mut *w, &mut *best, &mut *gap] {
                v.resize(n * L, 0.0);
            }
        }
        let (g, start) = (g.as_chunks::<L>().0, start.as_chunks_mut::<L>().0);
        let (w, best, gap) = (w.as_chunks_mut::<L>().0, best.as_chunks_mut::<L>().0, gap.as_chunks_mut::<L>().0);
        for (i, start) in start.iter_mut().enumerate() {
            *start = std::array::from_fn(|l| columns[l][i]);
        }
        best.fill([0.0; L]);
        gap.fill([0.0; L]);
        for j in 1..=self.method.order {
            let h = step / j as f64;
            let factor = &self.factors[&(group, h.to_bits())];
            let sums = [weights.best[j - 1], weights.best[j - 1] - weights.lower[j - 1]];
            factor.begin(start, g, h, w);
            for substep in 1..j {
                factor.turn(substep % 2 == 1, g, h, w);
            }
            factor.end(j % 2 == 1, w, start, sums, [&mut *best, &mut *gap]);
        }
        self.finish_chunk::<L>(first, t, start, best, gap, weights)
    }

    /// Errors and new columns from the extrapolated increments `best` and their differences `gap` from one order less.
    fn finish_chunk<const L: usize>(
        &self,
        first: usize,
        t: f64,
        start: &[[f64; L]],
        best: &[[f64; L]],
        gap: &[[f64; L]],
        weights: &Weights,
    ) -> Result<Vec<(f64, Vec<f64>)>> {
        let n = start.len();
        let mut sum = [0.0; L];
        let mut next: [Vec<f64>; L] = std::array::from_fn(|_| Vec::with_capacity(n));
        for (start, best) in start.iter().zip(best) {
            for l in 0..L {
                next[l].push(start[l] + best[l]);
            }
        }
        let watched = self.system.watched();
        for gap in &gap[watched.clone()] {
            for l in 0..L {
                sum[l] += gap[l] * gap[l];
            }
        }
        next.into_iter()
            .enumerate()
            .map(|(l, next)| {
                check_state(&next, t)?;
                Ok((self.scaled(first + l, sum[l], max_abs(&next[watched.clone()]), watched.len(), weights), next))
            })
            .collect()
    }

    /// The root mean square of an error over what is allowed.
    fn scaled(&self, column: usize, sum: f64, largest: f64, n: usize, weights: &Weights) -> f64 {
        let allowed =
            self.scale[column].max(largest) * self.method.tolerance + self.system.floor(column) * weights.growth;
        (sum / n as f64).sqrt() / allowed.max(f64::MIN_POSITIVE)
    }

    fn own_jacobian(&self, column: usize, t: f64, w: &[f64]) -> Option<Tridiagonal> {
        if self.system.constant_group(column).is_some() {
            return None;
        }
        let mut jacobian = Tridiagonal::zeros(self.system.unknowns());
        self.system.jacobian_into(column, t, w, &mut jacobian);
        Some(jacobian)
    }

    /// Solves all lanes, together where they share a factor.
    fn solve(&self, first: usize, h: f64, own: &[Option<TridiagonalFactor>], f: &mut [Vec<f64>]) {
        let mut l = 0;
        while l < f.len() {
            let mut lanes: Vec<&mut [f64]> = Vec::with_capacity(LANES);
            match &own[l] {
                Some(factor) => {
                    factor.solve(&mut [&mut f[l][..]]);
                    l += 1;
                }
                None => {
                    let group = self.system.constant_group(first + l);
                    let same = f[l..]
                        .iter()
                        .enumerate()
                        .take_while(|(k, _)| self.system.constant_group(first + l + k) == group)
                        .count();
                    lanes.extend(f[l..l + same].iter_mut().map(Vec::as_mut_slice));
                    self.factors[&(group.unwrap_or_default(), h.to_bits())].down().solve(&mut lanes);
                    l += same;
                }
            }
        }
    }

    fn finish(
        &self,
        column: usize,
        t: f64,
        start: &[f64],
        mut best: Vec<f64>,
        lower: &[f64],
        weights: &Weights,
    ) -> Result<(f64, Vec<f64>)> {
        let watched = self.system.watched();
        let sum = best[watched.clone()].iter().zip(&lower[watched.clone()]).map(|(b, l)| (b - l) * (b - l)).sum();
        best.iter_mut().zip(start).for_each(|(b, s)| *b += s);
        check_state(&best, t)?;
        let error = self.scaled(column, sum, max_abs(&best[watched.clone()]), watched.len(), weights);
        Ok((error, best))
    }
}

/// Richardson weights: Σ_j w_j T_j cancels h … h^{k−1} (`best`), or the same without T_1 (`lower`).
struct Weights {
    best: Vec<f64>,
    lower: Vec<f64>,
    /// Σ |w_j|: how much rounding grows
    growth: f64,
}

impl Weights {
    fn new(k: usize) -> Self {
        let product = |j: usize, from: usize| -> f64 {
            (from..=k).filter(|&i| i != j).map(|i| j as f64 / (j as f64 - i as f64)).product()
        };
        let best: Vec<f64> = (1..=k).map(|j| product(j, 1)).collect();
        Weights {
            growth: best.iter().map(|w| w.abs()).sum(),
            best,
            lower: (1..=k).map(|j| if j == 1 { 0.0 } else { product(j, 2) }).collect(),
        }
    }
}

fn check_state(w: &[f64], t: f64) -> Result<()> {
    let advice = "check the model's right-hand side, or take a shorter burst";
    crate::error::check_finite("the microscale state", w, Some(t), advice)
}

fn max_abs(w: &[f64]) -> f64 {
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
            j.diagonal.fill(-2.0 * r);
        }
        fn constant_group(&self, column: usize) -> Option<usize> {
            (column % 2 == 0).then_some(0)
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

    #[test]
    fn columns_of_one_group_share_their_factors() {
        let system = Heat(50);
        let method = Extrapolation { tolerance: 1e-6, order: 5, first: 1e-3 };
        let work = |count: usize| {
            let mut columns = vec![vec![0.0; 50]; count];
            integrate(&system, 0.0, &mut columns, &[0.1], method, &Silent, |_, _| Ok(())).unwrap()
        };
        let (one, nine) = (work(1), work(9));
        assert_eq!(nine.solves, 9 * one.solves);
        assert_eq!(nine.factors - one.factors, 4 * 5 * (nine.steps + nine.rejected));
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

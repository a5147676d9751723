//! One burst of the microscale model in every patch, by either of two honest paths.
//!
//! A burst starts from a lifted profile u⁰ and holds the patch edges at it (Dirichlet buffers). The increment
//! w = u − u⁰ obeys w′ = f(u⁰ + w), w(0) = 0, w = 0 at the edges; only w is stepped, so the slope R(w)/δt does not
//! lose digits to u⁰.
//!
//! *General path*: every burst is integrated anew, all patches and trajectories at once; patches with a constant Jacobian share
//! its one factorisation ([`crate::ode::shift_invert`]), any other model takes the extrapolated stiff integrator.
//! *Exact path*: for a linear, time-invariant model w is linear in the lifting coefficients, w = Σ_m D_m w_m with
//! w_m′ = J w_m + J φ_m; the w_m come once from the contour propagator and serve every later burst.

use std::sync::Mutex;

use rayon::prelude::*;

use super::{MicroModel, Patch, buffered::BufferedPatches, dynamics::BurstOptions};
use crate::{
    Error, Result,
    linalg::Tridiagonal,
    observer::{Observer, check_interrupt},
    ode::{
        extrapolation::{Extrapolation, TridiagonalSystem, Work, check_state, integrate_together, max_abs},
        propagator::response,
        shift_invert::{LANES, LinearFlow, least_steps, with_steps},
    },
    team::{Team, numbers, share},
};

/// The response of a burst to each lifting mode in one group of patches.
#[derive(Debug, Clone)]
pub struct Response {
    /// slope of the restriction per unit of each D_m: c_m, `[degree + 1]`
    pub slopes: Vec<f64>,
    /// w_m at the end of the burst on the points of the patch, `[degree + 1][n_sub]`
    pub profiles: Vec<Vec<f64>>,
}

/// The Jacobian of a linear model on one patch, and the model applied to `modes` there.
fn linear_parts(model: &dyn MicroModel, patch: &Patch<'_>, modes: &[Vec<f64>]) -> (Tridiagonal, Vec<Vec<f64>>) {
    let n = patch.x.len();
    let mut jacobian = Tridiagonal::zeros(n - 2);
    model.jacobian_into(patch, 0.0, &vec![0.0; n], &mut jacobian);
    let forcing = modes
        .iter()
        .map(|mode| {
            let mut g = vec![0.0; n];
            model.rhs_into(patch, 0.0, mode, &mut g);
            g[1..n - 1].to_vec()
        })
        .collect();
    (jacobian, forcing)
}

/// u(t) of a linear model on one patch whose edges stay at their initial values; exact in time.
///
/// # Errors
/// [`Error::Parameter`] for a model that is not linear and time-invariant.
pub fn propagate(model: &dyn MicroModel, patch: &Patch<'_>, initial: &[f64], time: f64) -> Result<Vec<f64>> {
    if model.linear_group(patch.index).is_none() {
        return Err(Error::parameter("path", "exact", "a linear, time-invariant model", "use path = \"general\""));
    }
    let (jacobian, forcing) = linear_parts(model, patch, &[initial.to_vec()]);
    let w = response(&jacobian, &[&forcing[0]], time)?.remove(0);
    let mut u = initial.to_vec();
    u[1..].iter_mut().zip(&w).for_each(|(u, w)| *u += w);
    Ok(u)
}

/// The exact response of patch `index` to the lifting modes: slope of the restriction over [heal, heal + length].
///
/// # Errors
/// [`Error::Solver`] from the propagator.
pub fn exact_response(
    model: &dyn MicroModel,
    patches: &BufferedPatches,
    index: usize,
    modes: &[Vec<f64>],
    heal: f64,
    length: f64,
) -> Result<Response> {
    let (jacobian, forcing) = linear_parts(model, &patches.patch(index), modes);
    let forcing: Vec<&[f64]> = forcing.iter().map(Vec::as_slice).collect();
    let padded = |w: Vec<f64>| [&[0.0][..], &w, &[0.0]].concat();
    let at = |time: f64| -> Result<Vec<Vec<f64>>> {
        Ok(response(&jacobian, &forcing, time)?.into_iter().map(padded).collect())
    };
    let profiles = at(heal + length)?;
    let mut slopes: Vec<f64> = profiles.iter().map(|w| patches.restrict(w) / length).collect();
    if heal > 0.0 {
        for (slope, w) in slopes.iter_mut().zip(at(heal)?) {
            *slope -= patches.restrict(&w) / length;
        }
    }
    Ok(Response { slopes, profiles })
}

/// The general path of many bursts: column c lies in patch c mod n_patch of trajectory c / n_patch.
pub struct Bursts<'a> {
    /// the micro-model
    pub model: &'a dyn MicroModel,
    /// where the patches lie
    pub patches: &'a BufferedPatches,
    /// writes the lifted profile of a column, `[n_sub]`
    pub lift: &'a (dyn Fn(usize, &mut [f64]) + Sync),
    /// number of columns
    pub columns: usize,
    /// time at their start
    pub t: f64,
    /// healing time, length and tolerance
    pub options: BurstOptions,
    /// who shares the columns
    pub team: &'a dyn Team,
}

/// What [`Bursts::run`] found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// slope of the restriction over [heal, heal + length], `[column]`
    pub slopes: Vec<f64>,
    /// w at the end, `[column][n_sub]`, if it was to be kept
    pub increments: Vec<Vec<f64>>,
    /// what it took
    pub work: Work,
}

/// The slope of one column, and its increment if it is kept.
type Column = (usize, f64, Option<Vec<f64>>);

/// Columns that are integrated at once, and what they took.
type Chunk = (Vec<Column>, Work);

/// What a chunk of columns says in numbers if it has none.
const NOT_CONVERGED: [f64; 0] = [];
const FAILED: [f64; 1] = [0.0];

/// A chunk's work and, column by column, slopes and increments.
fn packed(columns: &[Column], work: Work) -> Vec<f64> {
    let Work { rhs, solves, factors, steps, rejected } = work;
    let mut numbers: Vec<f64> = [rhs, solves, factors, steps, rejected].map(|n| n as f64).to_vec();
    for (_, slope, increment) in columns {
        numbers.push(*slope);
        numbers.extend(increment.iter().flatten());
    }
    numbers
}

fn unpacked(columns: &[usize], numbers: &[f64]) -> Chunk {
    let (work, numbers) = numbers.split_at(5);
    let [rhs, solves, factors, steps, rejected] = [0, 1, 2, 3, 4].map(|k| work[k] as u64);
    let each = numbers.len() / columns.len().max(1);
    let column = |(c, n): (&usize, &[f64])| (*c, n[0], (each > 1).then(|| n[1..].to_vec()));
    let columns = columns.iter().zip(numbers.chunks_exact(each.max(1))).map(column).collect();
    (columns, Work { rhs, solves, factors, steps, rejected })
}

impl Bursts<'_> {
    /// Runs them all. `keep` asks for the final increments.
    ///
    /// # Errors
    /// Those of [`integrate_together`] and [`with_steps`].
    pub fn run(&self, keep: bool, observer: &dyn Observer) -> Result<Outcome> {
        let mut groups = std::collections::BTreeMap::<_, Vec<usize>>::new();
        for c in 0..self.columns {
            groups.entry(self.model.linear_group(c % self.patches.len())).or_default().push(c);
        }
        let mut outcome = Outcome::default();
        let mut found: Vec<Column> = Vec::with_capacity(self.columns);
        for (group, columns) in groups {
            let (some, work) = if group.is_some() {
                self.linear(&columns, keep, observer)
            } else {
                self.nonlinear(&columns, keep, observer)
            }?;
            outcome.work += work;
            found.extend(some);
        }
        found.sort_unstable_by_key(|(c, ..)| *c);
        for (_, slope, increment) in found {
            outcome.slopes.push(slope);
            outcome.increments.extend(increment);
        }
        Ok(outcome)
    }

    fn patch(&self, column: usize) -> Patch<'_> {
        self.patches.patch(column % self.patches.len())
    }

    /// Ends of the healing, if any, and of the burst.
    fn times(&self) -> Vec<f64> {
        let end = self.options.healing + self.options.length;
        if self.options.healing > 0.0 { vec![self.options.healing, end] } else { vec![end] }
    }

    /// The rows of a tooth among the unknowns: what happens in the buffers reaches it damped, as the error of their held edges does.
    fn watched(&self) -> std::ops::Range<usize> {
        self.patches.interior_tooth()
    }

    fn column(&self, c: usize, before: f64, w: &[f64], keep: bool) -> Column {
        let slope = (self.patches.restrict_interior(w) - before) / self.options.length;
        (c, slope, keep.then(|| [&[0.0], w, &[0.0]].concat()))
    }

    /// Columns of one group: f(u⁰) once, then one step of the flow over each span.
    fn linear(&self, columns: &[usize], keep: bool, observer: &dyn Observer) -> Result<(Vec<Column>, Work)> {
        let n = self.patches.offsets().len();
        let mut jacobian = Tridiagonal::zeros(n - 2);
        self.model.jacobian_into(&self.patch(columns[0]), self.t, &vec![0.0; n], &mut jacobian);
        let BurstOptions { healing, length, tolerance, .. } = self.options;
        let spans = if healing > 0.0 { vec![healing, length] } else { vec![length] };
        let least = spans.iter().map(|&span| least_steps(&jacobian, span)).max().unwrap_or(1);
        let (scratch, mut factors) = (Mutex::default(), 0);
        let (done, mut work) = with_steps(least, |steps| {
            check_interrupt(observer, "patch bursts")?;
            factors += 2 * spans.len() as u64;
            let flow = |span| LinearFlow::new(&jacobian, span, steps, tolerance, self.watched());
            let heal = if healing > 0.0 { Some(flow(healing)?) } else { None };
            let burst =
                LinearBurst { bursts: self, jacobian: &jacobian, heal, flow: flow(length)?, scratch: &scratch, keep };
            self.shared(&burst, columns, observer)
        })?;
        work.factors = factors;
        let mut found = Vec::with_capacity(columns.len());
        for (columns, more) in done {
            found.extend(columns);
            work += more;
        }
        Ok((found, work))
    }

    /// The columns, LANES at once, each chunk by one process of the team; `None` if a series did not converge in any of them.
    fn shared(
        &self,
        burst: &LinearBurst<'_>,
        columns: &[usize],
        observer: &dyn Observer,
    ) -> Result<Option<Vec<Chunk>>> {
        let chunks: Vec<&[usize]> = columns.chunks(LANES).collect();
        let failure: Mutex<Option<(usize, Error)>> = Mutex::default();
        let numbers = numbers(self.team, chunks.len(), |k| {
            let Some((found, work)) = burst.run(chunks[k], observer)? else { return Ok(NOT_CONVERGED.to_vec()) };
            Ok(match found {
                Ok(found) => packed(&found, work),
                Err(error) => {
                    let mut first = failure.lock().unwrap_or_else(|e| e.into_inner());
                    if first.as_ref().is_none_or(|(other, _)| k < *other) {
                        *first = Some((k, error));
                    }
                    FAILED.to_vec()
                }
            })
        })?;
        if numbers.iter().any(|n| n[..] == NOT_CONVERGED) {
            return Ok(None);
        }
        if let Some(k) = numbers.iter().position(|n| n[..] == FAILED) {
            let rank = (0..self.team.size()).find(|r| share(chunks.len(), *r, self.team.size()).contains(&k));
            let elsewhere = || Error::Elsewhere { rank: rank.unwrap_or(0), message: "a burst failed".into() };
            let own = failure.into_inner().unwrap_or_else(|e| e.into_inner());
            return Err(own.filter(|(own, _)| *own == k).map_or_else(elsewhere, |(_, error)| error));
        }
        Ok(Some(chunks.iter().zip(&numbers).map(|(chunk, n)| unpacked(chunk, n)).collect()))
    }

    /// Columns of any model, a share of them by each process of the team, all with the same steps.
    fn nonlinear(&self, columns: &[usize], keep: bool, observer: &dyn Observer) -> Result<(Vec<Column>, Work)> {
        let n = self.patches.offsets().len();
        let own = share(columns.len(), self.team.rank(), self.team.size());
        let lift = |&c: &usize| {
            let mut u = vec![0.0; n];
            (self.lift)(c, &mut u);
            u
        };
        let lifted = columns[own.clone()].par_iter().map(lift).collect();
        let system = Columns { bursts: self, columns: &columns[own.clone()], lifted };
        let mut w = vec![vec![0.0; n - 2]; own.len()];
        let times: Vec<f64> = self.times().iter().map(|s| self.t + s).collect();
        let mut before = vec![0.0; own.len()];
        let method = Extrapolation::with_tolerance(self.options.tolerance);
        let work = integrate_together(self.team, &system, self.t, &mut w, &times, method, observer, |k, w| {
            if k + 1 < times.len() {
                before = w.iter().map(|w| self.patches.restrict_interior(w)).collect();
            }
            Ok(())
        })?;
        let found = numbers(self.team, columns.len(), |k| {
            let own = k - own.start;
            let (_, slope, increment) = self.column(columns[k], before[own], &w[own], keep);
            Ok([slope].into_iter().chain(increment.into_iter().flatten()).collect())
        })?;
        let column = |(c, n): (&usize, &Vec<f64>)| (*c, n[0], keep.then(|| n[1..].to_vec()));
        Ok((columns.iter().zip(&found).map(column).collect(), work))
    }
}

/// The flows of one group of columns over the healing, if any, and over the burst.
struct LinearBurst<'a> {
    bursts: &'a Bursts<'a>,
    jacobian: &'a Tridiagonal,
    heal: Option<LinearFlow<'a>>,
    flow: LinearFlow<'a>,
    /// LANES + 1 profiles for each thread
    scratch: &'a Mutex<Vec<Vec<Vec<f64>>>>,
    keep: bool,
}

impl LinearBurst<'_> {
    /// Up to LANES columns at once; `None` if a series did not converge.
    fn run(&self, chunk: &[usize], observer: &dyn Observer) -> Result<Option<(Result<Vec<Column>>, Work)>> {
        let n = self.jacobian.len() + 2;
        let pooled = self.scratch.lock().unwrap_or_else(|e| e.into_inner()).pop();
        let mut pooled = pooled.unwrap_or_else(|| vec![vec![0.0; n]; LANES + 1]);
        let done = self.advance(chunk, &mut pooled, observer);
        self.scratch.lock().unwrap_or_else(|e| e.into_inner()).push(pooled);
        done
    }

    fn advance(
        &self,
        chunk: &[usize],
        pooled: &mut [Vec<f64>],
        observer: &dyn Observer,
    ) -> Result<Option<(Result<Vec<Column>>, Work)>> {
        let (bursts, n) = (self.bursts, self.jacobian.len() + 2);
        let (u, f) = pooled.split_at_mut(1);
        let mut work = Work { rhs: chunk.len() as u64, ..Work::default() };
        for (&c, f) in chunk.iter().zip(&mut *f) {
            (bursts.lift)(c, &mut u[0]);
            bursts.model.rhs_into(&bursts.patch(c), bursts.t, &u[0], f);
        }
        let mut f: Vec<&mut [f64]> = f[..chunk.len()].iter_mut().map(|f| &mut f[1..n - 1]).collect();
        let mut healed: Vec<Vec<f64>> = Vec::new();
        if let Some(heal) = &self.heal {
            let start: Vec<Vec<f64>> = f.iter().map(|f| f.to_vec()).collect();
            let Some(done) = heal.advance(&mut f, &[0.0; LANES], observer)? else { return Ok(None) };
            work += done;
            for (f, mut start) in f.iter_mut().zip(start) {
                self.jacobian.multiply_add(f, &mut start);
                healed.push(f.to_vec());
                f.copy_from_slice(&start);
            }
        }
        // The slope is that of the burst alone: its error is judged against the burst's own change.
        let Some(done) = self.flow.advance(&mut f, &[0.0; LANES], observer)? else { return Ok(None) };
        work += done;
        let slope = |f: &&mut [f64]| bursts.patches.restrict_interior(f) / bursts.options.length;
        let slopes: Vec<f64> = f.iter().map(slope).collect();
        for (f, healed) in f.iter_mut().zip(&healed) {
            f.iter_mut().zip(healed).for_each(|(f, h)| *f += h);
        }
        let found = chunk.iter().zip(&f).zip(&slopes).map(|((&c, w), &slope)| {
            check_state(w, bursts.t)?;
            Ok((c, slope, self.keep.then(|| [&[0.0], &**w, &[0.0]].concat())))
        });
        Ok(Some((found.collect(), work)))
    }
}

/// Increments over their lifted profiles, of any model.
struct Columns<'a> {
    bursts: &'a Bursts<'a>,
    columns: &'a [usize],
    lifted: Vec<Vec<f64>>,
}

impl Columns<'_> {
    /// The full profile u⁰ + w with its edges.
    fn profile(&self, column: usize, w: &[f64]) -> Vec<f64> {
        let mut u = self.lifted[column].clone();
        u[1..].iter_mut().zip(w).for_each(|(u, w)| *u += w);
        u
    }
}

impl TridiagonalSystem for Columns<'_> {
    fn unknowns(&self) -> usize {
        self.bursts.patches.offsets().len() - 2
    }

    fn rhs_into(&self, column: usize, t: f64, w: &[f64], f: &mut [f64]) {
        let u = self.profile(column, w);
        let mut du = vec![0.0; u.len()];
        self.bursts.model.rhs_into(&self.bursts.patch(self.columns[column]), t, &u, &mut du);
        f.copy_from_slice(&du[1..u.len() - 1]);
    }

    fn jacobian_into(&self, column: usize, t: f64, w: &[f64], jacobian: &mut Tridiagonal) {
        let patch = self.bursts.patch(self.columns[column]);
        self.bursts.model.jacobian_into(&patch, t, &self.profile(column, w), jacobian);
    }

    fn watched(&self) -> std::ops::Range<usize> {
        self.bursts.watched()
    }

    fn floor(&self, column: usize) -> f64 {
        8.0 * f64::EPSILON * max_abs(&self.lifted[column])
    }
}

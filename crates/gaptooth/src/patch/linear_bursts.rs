//! Bursts of linear patches by the general path: those of one kind, with the same Jacobian, share its factors.
//!
//! Columns are integrated [`LANES`] at once, all of one kind. The processes of a team share these chunks, whatever their kinds, and exchange what
//! they found once; a kind of which some series did not converge is done anew by all, with twice as many steps.

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

use super::{
    burst::{Bursts, Column},
    dynamics::BurstOptions,
};
use crate::{
    Error, Result,
    linalg::Tridiagonal,
    observer::{Observer, check_interrupt},
    ode::{
        extrapolation::{Work, check_state},
        shift_invert::{LANES, LinearFlow, doubled, least_steps},
    },
    team::{gathered, share},
};

/// Up to [`LANES`] columns of the pending kind `kind`; `first` of that kind.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    kind: usize,
    columns: &'a [usize],
    first: bool,
}

/// What a chunk says in numbers if it has none.
const NOT_CONVERGED: [f64; 0] = [];
const FAILED: [f64; 1] = [0.0];

/// The bursts of `kinds`, columns of one Jacobian each.
///
/// # Errors
/// [`Error::Solver`], [`Error::NonFinite`], [`Error::Interrupted`], and [`Error::Elsewhere`] for those of another process.
pub(super) fn linear_bursts(
    bursts: &Bursts<'_>,
    kinds: &[Vec<usize>],
    keep: bool,
    observer: &dyn Observer,
) -> Result<(Vec<Column>, Work)> {
    let shared = Shared { bursts, keep, observer, scratch: Mutex::default(), failures: Mutex::default() };
    let (mut found, mut all) = (Vec::with_capacity(bursts.columns), Work::default());
    let mut pending: Vec<&[usize]> = kinds.iter().map(Vec::as_slice).collect();
    let spans = if bursts.options.healing > 0.0 { 2 } else { 1 };
    let mut rejected = 0;
    while !pending.is_empty() {
        let chunks: Vec<Chunk<'_>> =
            pending.iter().enumerate().flat_map(|(kind, columns)| of_kind(kind, columns)).collect();
        let numbers = shared.together(&chunks, rejected)?;
        let mut converged = vec![true; pending.len()];
        chunks.iter().zip(&numbers).for_each(|(chunk, n)| converged[chunk.kind] &= n[..] != NOT_CONVERGED);
        let done = || chunks.iter().zip(&numbers).enumerate().filter(|(_, (chunk, _))| converged[chunk.kind]);
        if let Some((k, _)) = done().find(|(_, (_, n))| n[..] == FAILED) {
            return Err(shared.error(k, chunks.len()));
        }
        for (_, (chunk, numbers)) in done() {
            let (columns, work) = unpacked(chunk.columns, numbers);
            found.extend(columns);
            all += work;
        }
        let done = converged.iter().filter(|done| **done).count() as u64;
        all += Work {
            factors: done * 2 * spans * (u64::from(rejected) + 1),
            rejected: done * u64::from(rejected),
            ..Work::default()
        };
        pending = pending.into_iter().zip(converged).filter(|(_, done)| !done).map(|(columns, _)| columns).collect();
        rejected += 1;
    }
    Ok((found, all))
}

/// What all chunks have in common.
struct Shared<'a> {
    bursts: &'a Bursts<'a>,
    keep: bool,
    observer: &'a dyn Observer,
    /// LANES + 1 profiles for each thread
    scratch: Mutex<Vec<Vec<Vec<f64>>>>,
    /// chunks of this process that failed at the last try, and why
    failures: Mutex<Vec<(usize, Error)>>,
}

impl Shared<'_> {
    /// What every chunk has found, in numbers, at every process; each does its share, kind by kind.
    fn together(&self, chunks: &[Chunk<'_>], rejected: u32) -> Result<Vec<Vec<f64>>> {
        let team = self.bursts.team;
        let own = share(chunks.len(), team.rank(), team.size());
        self.failures.lock().unwrap_or_else(|e| e.into_inner()).clear();
        let found: Result<Vec<Vec<Vec<f64>>>> =
            by_kind(chunks, own).into_par_iter().map(|range| self.one_kind(chunks, range, rejected)).collect();
        gathered(team, found.map(|found| found.into_iter().flatten().collect()))
    }

    /// Why chunk `k` of `count` failed.
    fn error(&self, k: usize, count: usize) -> Error {
        let own = std::mem::take(&mut *self.failures.lock().unwrap_or_else(|e| e.into_inner()));
        own.into_iter().find(|(own, _)| *own == k).map(|(_, error)| error).unwrap_or_else(|| {
            let size = self.bursts.team.size();
            let rank = (0..size).find(|rank| share(count, *rank, size).contains(&k)).unwrap_or(0);
            Error::Elsewhere { rank, message: "a burst failed".into() }
        })
    }

    /// The chunks `range`, all of one kind, in numbers.
    fn one_kind(&self, chunks: &[Chunk<'_>], range: Range<usize>, rejected: u32) -> Result<Vec<Vec<f64>>> {
        check_interrupt(self.observer, "patch bursts")?;
        let bursts = self.bursts;
        let (column, n) = (chunks[range.start].columns[0], bursts.patches.offsets().len());
        let mut jacobian = Tridiagonal::zeros(n - 2);
        bursts.model.jacobian_into(&bursts.patch(column), bursts.t, &vec![0.0; n], &mut jacobian);
        let flows = match self.flows(&jacobian, rejected) {
            Ok(flows) => flows,
            Err(error) => {
                self.failed(range.start, error);
                return Ok(vec![FAILED.to_vec(); range.len()]);
            }
        };
        let numbers = |k: usize| {
            let Some((found, mut work)) = self.chunk(&flows, chunks[k].columns)? else {
                return Ok(NOT_CONVERGED.to_vec());
            };
            if chunks[k].first {
                work.steps += flows.steps as u64;
            }
            Ok(match found {
                Ok(found) => packed(&found, work),
                Err(error) => {
                    self.failed(k, error);
                    FAILED.to_vec()
                }
            })
        };
        range.into_par_iter().map(numbers).collect()
    }

    fn failed(&self, chunk: usize, error: Error) {
        self.failures.lock().unwrap_or_else(|e| e.into_inner()).push((chunk, error));
    }

    fn flows<'j>(&self, jacobian: &'j Tridiagonal, rejected: u32) -> Result<Flows<'j>> {
        let BurstOptions { healing, length, tolerance, .. } = self.bursts.options;
        let least = [healing, length].into_iter().map(|span| least_steps(jacobian, span)).max().unwrap_or(1);
        let steps = doubled(least, rejected)?;
        let flow = |span| LinearFlow::new(jacobian, span, steps, tolerance, self.bursts.watched());
        let heal = if healing > 0.0 { Some(flow(healing)?) } else { None };
        Ok(Flows { jacobian, steps, heal, burst: flow(length)? })
    }

    /// Up to LANES columns at once; `None` if a series did not converge.
    fn chunk(&self, flows: &Flows<'_>, columns: &[usize]) -> Result<Option<(Result<Vec<Column>>, Work)>> {
        let n = flows.jacobian.len() + 2;
        let pooled = self.scratch.lock().unwrap_or_else(|e| e.into_inner()).pop();
        let mut pooled = pooled.unwrap_or_else(|| vec![vec![0.0; n]; LANES + 1]);
        let done = self.advance(flows, columns, &mut pooled);
        self.scratch.lock().unwrap_or_else(|e| e.into_inner()).push(pooled);
        done
    }

    /// f(u⁰) once, then one step of the flow over each span.
    fn advance(
        &self,
        flows: &Flows<'_>,
        columns: &[usize],
        pooled: &mut [Vec<f64>],
    ) -> Result<Option<(Result<Vec<Column>>, Work)>> {
        let (bursts, observer, n) = (self.bursts, self.observer, flows.jacobian.len() + 2);
        let (u, f) = pooled.split_at_mut(1);
        let mut work = Work { rhs: columns.len() as u64, ..Work::default() };
        for (&c, f) in columns.iter().zip(&mut *f) {
            (bursts.lift)(c, &mut u[0]);
            bursts.model.rhs_into(&bursts.patch(c), bursts.t, &u[0], f);
        }
        let mut f: Vec<&mut [f64]> = f[..columns.len()].iter_mut().map(|f| &mut f[1..n - 1]).collect();
        let mut healed: Vec<Vec<f64>> = Vec::new();
        if let Some(heal) = &flows.heal {
            let start: Vec<Vec<f64>> = f.iter().map(|f| f.to_vec()).collect();
            let Some(done) = heal.advance(&mut f, &[0.0; LANES], observer)? else { return Ok(None) };
            work += done;
            for (f, mut start) in f.iter_mut().zip(start) {
                flows.jacobian.multiply_add(f, &mut start);
                healed.push(f.to_vec());
                f.copy_from_slice(&start);
            }
        }
        // The slope is that of the burst alone: its error is judged against the burst's own change.
        let Some(done) = flows.burst.advance(&mut f, &[0.0; LANES], observer)? else { return Ok(None) };
        work += done;
        let slope = |f: &&mut [f64]| bursts.patches.restrict_interior(f) / bursts.options.length;
        let slopes: Vec<f64> = f.iter().map(slope).collect();
        for (f, healed) in f.iter_mut().zip(&healed) {
            f.iter_mut().zip(healed).for_each(|(f, h)| *f += h);
        }
        let found = columns.iter().zip(&f).zip(&slopes).map(|((&c, w), &slope)| {
            check_state(w, bursts.t)?;
            Ok((c, slope, self.keep.then(|| [&[0.0], &**w, &[0.0]].concat())))
        });
        Ok(Some((found.collect(), work)))
    }
}

/// The flows of one kind over the healing, if any, and over the burst.
struct Flows<'a> {
    jacobian: &'a Tridiagonal,
    steps: usize,
    heal: Option<LinearFlow<'a>>,
    burst: LinearFlow<'a>,
}

fn of_kind(kind: usize, columns: &[usize]) -> impl Iterator<Item = Chunk<'_>> {
    columns.chunks(LANES).enumerate().map(move |(k, columns)| Chunk { kind, columns, first: k == 0 })
}

/// Ranges of one kind each within `own`.
fn by_kind(chunks: &[Chunk<'_>], own: Range<usize>) -> Vec<Range<usize>> {
    let mut start = own.start;
    let ranges = chunks[own].chunk_by(|a, b| a.kind == b.kind).map(|same| {
        let range = start..start + same.len();
        start = range.end;
        range
    });
    ranges.collect()
}

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

fn unpacked(columns: &[usize], numbers: &[f64]) -> (Vec<Column>, Work) {
    let (work, numbers) = numbers.split_at(5);
    let [rhs, solves, factors, steps, rejected] = [0, 1, 2, 3, 4].map(|k| work[k] as u64);
    let each = numbers.len() / columns.len().max(1);
    let column = |(c, n): (&usize, &[f64])| (*c, n[0], (each > 1).then(|| n[1..].to_vec()));
    let columns = columns.iter().zip(numbers.chunks_exact(each.max(1))).map(column).collect();
    (columns, Work { rhs, solves, factors, steps, rejected })
}

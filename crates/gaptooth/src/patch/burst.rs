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

use rayon::prelude::*;

use super::{MicroModel, Patch, buffered::BufferedPatches, dynamics::BurstOptions, linear_bursts::linear_bursts};
use crate::{
    Error, Result,
    linalg::Tridiagonal,
    observer::Observer,
    ode::{
        extrapolation::{Extrapolation, TridiagonalSystem, Work, integrate_together, max_abs},
        propagator::response,
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
pub(super) type Column = (usize, f64, Option<Vec<f64>>);

impl Bursts<'_> {
    /// Runs them all. `keep` asks for the final increments.
    ///
    /// # Errors
    /// Those of [`integrate_together`]; [`Error::Solver`] for a linear model that needs too many steps; [`Error::Elsewhere`].
    pub fn run(&self, keep: bool, observer: &dyn Observer) -> Result<Outcome> {
        let mut groups = std::collections::BTreeMap::<_, Vec<usize>>::new();
        for c in 0..self.columns {
            groups.entry(self.model.linear_group(c % self.patches.len())).or_default().push(c);
        }
        let mut outcome = Outcome::default();
        let others = groups.remove(&None);
        let kinds: Vec<Vec<usize>> = groups.into_values().collect();
        let (mut found, work) = linear_bursts(self, &kinds, keep, observer)?;
        outcome.work += work;
        if let Some(columns) = others {
            let (more, work) = self.nonlinear(&columns, keep, observer)?;
            outcome.work += work;
            found.extend(more);
        }
        found.sort_unstable_by_key(|(c, ..)| *c);
        for (_, slope, increment) in found {
            outcome.slopes.push(slope);
            outcome.increments.extend(increment);
        }
        Ok(outcome)
    }

    pub(super) fn patch(&self, column: usize) -> Patch<'_> {
        self.patches.patch(column % self.patches.len())
    }

    /// Ends of the healing, if any, and of the burst.
    fn times(&self) -> Vec<f64> {
        let end = self.options.healing + self.options.length;
        if self.options.healing > 0.0 { vec![self.options.healing, end] } else { vec![end] }
    }

    /// The rows of a tooth among the unknowns: what happens in the buffers reaches it damped, as the error of their held edges does.
    pub(super) fn watched(&self) -> std::ops::Range<usize> {
        self.patches.interior_tooth()
    }

    fn column(&self, c: usize, before: f64, w: &[f64], keep: bool) -> Column {
        let slope = (self.patches.restrict_interior(w) - before) / self.options.length;
        (c, slope, keep.then(|| [&[0.0], w, &[0.0]].concat()))
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

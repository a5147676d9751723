//! One burst of the microscale model in every patch, by either of two honest paths.
//!
//! A burst starts from a lifted profile u⁰ and holds the patch edges at it (Dirichlet buffers). The increment
//! w = u − u⁰ obeys w′ = f(u⁰ + w), w(0) = 0, w = 0 at the edges; only w is stepped, so the slope R(w)/δt does not
//! lose digits to u⁰.
//!
//! *General path*: the extrapolated stiff integrator, any model, all patches and trajectories at once.
//! *Exact path*: for a linear, time-invariant model w is linear in the lifting coefficients, w = Σ_m D_m w_m with
//! w_m′ = J w_m + J φ_m; the w_m come once from the contour propagator and serve every later burst.

use super::{MicroModel, Patch, buffered::BufferedPatches};
use crate::{
    Error, Result,
    linalg::Tridiagonal,
    observer::Observer,
    ode::extrapolation::{Extrapolation, TridiagonalSystem, Work, integrate},
    ode::propagator::response,
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

/// All patches of all trajectories as columns of increments over their lifted profiles.
///
/// For a linear model f(u⁰ + w) is split into f(u⁰) + f(w): the same integrator, without the rounding of u⁰ + w.
struct Columns<'a> {
    model: &'a dyn MicroModel,
    patches: &'a BufferedPatches,
    lifted: &'a [Vec<f64>],
    /// f(u⁰) of the columns with a linear model
    forcing: Vec<Option<Vec<f64>>>,
}

impl<'a> Columns<'a> {
    fn new(model: &'a dyn MicroModel, patches: &'a BufferedPatches, lifted: &'a [Vec<f64>]) -> Self {
        let forcing = lifted.iter().enumerate().map(|(column, u)| {
            let patch = patches.patch(column % patches.len());
            model.linear_group(patch.index)?;
            let mut du = vec![0.0; u.len()];
            model.rhs_into(&patch, 0.0, u, &mut du);
            Some(du)
        });
        Columns { forcing: forcing.collect(), model, patches, lifted }
    }

    /// The full profile u⁰ + w with its edges.
    fn profile(&self, column: usize, w: &[f64]) -> Vec<f64> {
        let mut u = self.lifted[column].clone();
        u[1..].iter_mut().zip(w).for_each(|(u, w)| *u += w);
        u
    }

    fn patch(&self, column: usize) -> Patch<'_> {
        self.patches.patch(column % self.patches.len())
    }
}

impl TridiagonalSystem for Columns<'_> {
    fn unknowns(&self) -> usize {
        self.patches.offsets().len() - 2
    }

    fn rhs_into(&self, column: usize, t: f64, w: &[f64], f: &mut [f64]) {
        let n = self.lifted[column].len();
        let mut du = vec![0.0; n];
        let Some(forcing) = &self.forcing[column] else {
            self.model.rhs_into(&self.patch(column), t, &self.profile(column, w), &mut du);
            f.copy_from_slice(&du[1..n - 1]);
            return;
        };
        let mut increment = vec![0.0; n];
        increment[1..n - 1].copy_from_slice(w);
        self.model.rhs_into(&self.patch(column), t, &increment, &mut du);
        for ((f, d), g) in f.iter_mut().zip(&du[1..n - 1]).zip(&forcing[1..n - 1]) {
            *f = d + g;
        }
    }

    fn jacobian_into(&self, column: usize, t: f64, w: &[f64], jacobian: &mut Tridiagonal) {
        self.model.jacobian_into(&self.patch(column), t, &self.profile(column, w), jacobian);
    }

    fn constant_group(&self, column: usize) -> Option<usize> {
        self.model.linear_group(column % self.patches.len())
    }

    /// The tooth: what happens in the buffers reaches it damped, as the error of their held edges does.
    fn watched(&self) -> std::ops::Range<usize> {
        let tooth = self.patches.tooth_points();
        tooth.start - 1..tooth.end - 1
    }

    fn floor(&self, column: usize) -> f64 {
        let size = self.lifted[column].iter().fold(0.0f64, |m, u| m.max(u.abs()));
        if self.forcing[column].is_some() { 1e-3 * f64::EPSILON * size } else { 8.0 * f64::EPSILON * size }
    }
}

/// Slopes of the restriction over [heal, heal + length] by the general path; one column per lifted profile
/// (`[trajectory][patch]`, patch fastest). Returns the slopes, the final increments and the work.
///
/// # Errors
/// Those of [`integrate`].
#[allow(clippy::too_many_arguments)]
pub fn general_slopes(
    model: &dyn MicroModel,
    patches: &BufferedPatches,
    lifted: &[Vec<f64>],
    t: f64,
    heal: f64,
    length: f64,
    tolerance: f64,
    observer: &dyn Observer,
) -> Result<(Vec<f64>, Vec<Vec<f64>>, Work)> {
    let system = Columns::new(model, patches, lifted);
    let mut w = vec![vec![0.0; system.unknowns()]; lifted.len()];
    let mut restricted = Vec::new();
    let times: Vec<f64> = if heal > 0.0 { vec![t + heal, t + heal + length] } else { vec![t + length] };
    let padded = |w: &[f64]| patches.restrict(&[&[0.0], w, &[0.0]].concat());
    let work = integrate(&system, t, &mut w, &times, Extrapolation::with_tolerance(tolerance), observer, |_, w| {
        restricted.push(w.iter().map(|w| padded(w)).collect::<Vec<f64>>());
        Ok(())
    })?;
    let end = restricted.pop().unwrap_or_default();
    let start = restricted.pop().unwrap_or_else(|| vec![0.0; end.len()]);
    let slopes = end.iter().zip(&start).map(|(e, s)| (e - s) / length).collect();
    Ok((slopes, w, work))
}

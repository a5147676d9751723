//! Branches of equilibria of f(u; p) = 0 by pseudo-arclength continuation, around folds, which are located.
//!
//! A point x = (u, p) and its tangent τ give the next one: predict x + s τ, then solve f = 0 with τ·(x − x₀) = s by Newton's method on the
//! bordered matrix [J f_p; τᵀ], which a fold does not make singular. Lengths weigh u by its root mean square, so that they do not
//! depend on the number of unknowns. At a fold the tangent's p-component changes sign; the secant rule with bisection finds where.
//! Source: Keller (1977); Govaerts, *Numerical Methods for Bifurcations of Dynamical Equilibria* (2000), ch. 2.

use faer::Mat;
use faer::linalg::solvers::Solve;

use super::equilibrium::jacobian;
use super::krylov::dot;
use super::{Counted, OdeSystem, Work};
use crate::error::check_finite;
use crate::linalg::in_sequence;
use crate::observer::{Observer, check_interrupt};
use crate::{Error, Result};

/// Steps and limits of a continuation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContinuationOptions {
    /// first arclength step; its sign is the first direction of the parameter
    pub step: f64,
    /// longest step
    pub max_step: f64,
    /// shortest step before the continuation gives up
    pub min_step: f64,
    /// the branch ends where the parameter leaves this range
    pub range: [f64; 2],
    /// points at most
    pub max_points: usize,
    /// Newton's corrections are converged once they are below this
    pub tolerance: f64,
}

impl Default for ContinuationOptions {
    fn default() -> Self {
        ContinuationOptions {
            step: 0.05,
            max_step: 0.5,
            min_step: 1e-8,
            range: [f64::NEG_INFINITY, f64::INFINITY],
            max_points: 400,
            tolerance: 1e-10,
        }
    }
}

/// One equilibrium of a branch.
#[derive(Debug, Clone, PartialEq)]
pub struct BranchPoint {
    /// the parameter
    pub parameter: f64,
    /// the state
    pub u: Vec<f64>,
    /// the unit tangent (du/ds, dp/ds), p last
    pub tangent: Vec<f64>,
}

/// Why a branch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BranchEnd {
    /// the parameter left its range
    Range,
    /// enough points
    Points,
    /// Newton's method did not converge with the shortest step
    Step,
}

/// What [`continuation`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// the points, along the branch
    pub points: Vec<BranchPoint>,
    /// the folds met, in order; their tangent's p-component is below 1e-8, or as small as 60 secant steps make it. Two folds within
    /// one step are not seen
    pub folds: Vec<BranchPoint>,
    /// why it ended
    pub end: BranchEnd,
    /// what it took; `steps` counts points, `rejected` steps that were halved
    pub work: Work,
}

/// Follows the equilibria of `family(p)` from near `u0` at `p0`.
///
/// Each Newton step costs a dense LU of the bordered Jacobian, O(n³): for up to a thousand unknowns or so.
///
/// ```
/// use gaptooth::{observer::Silent, ode::{OdeSystem, continuation::{ContinuationOptions, continuation}}};
/// /// u' = p − u²: equilibria ±√p meet at a fold at p = 0.
/// struct Parabola(f64);
/// impl OdeSystem for Parabola {
///     fn dim(&self) -> usize { 1 }
///     fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) { du[0] = self.0 - u[0] * u[0]; }
/// }
/// let options = ContinuationOptions { step: -0.1, range: [-1.0, 1.0], ..Default::default() };
/// let branch = continuation(|p| Ok(Parabola(p)), &[1.0], 0.9, &options, &Silent)?;
/// assert!(branch.folds.len() == 1 && branch.folds[0].parameter.abs() < 1e-9);
/// assert!(branch.points.last().is_some_and(|point| point.u[0] < -0.9));
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for steps that make no sense; [`Error::Solver`] where Newton's method finds no first point or a bordered
/// matrix is singular there (a branch point); [`Error::NonFinite`]; [`Error::Interrupted`]; those of `family`.
pub fn continuation<S: OdeSystem>(
    family: impl Fn(f64) -> Result<S>,
    u0: &[f64],
    p0: f64,
    options: &ContinuationOptions,
    observer: &dyn Observer,
) -> Result<Branch> {
    let size = options.step.abs();
    if !(size >= options.min_step && size <= options.max_step && options.min_step > 0.0) {
        let expected = format!("a length from min_step {} to max_step {}", options.min_step, options.max_step);
        return Err(Error::parameter("step", options.step, expected, "start with a hundredth of the branch's length"));
    }
    let mut curve = Curve { family, tolerance: options.tolerance, work: Work::default() };
    let mut here = curve.first(u0, p0, options.step.signum())?;
    let mut branch =
        Branch { points: vec![here.clone()], folds: Vec::new(), end: BranchEnd::Points, work: Work::default() };
    let mut step = size;
    while branch.points.len() < options.max_points {
        check_interrupt(observer, "continuation")?;
        let next = curve.advance(&here, step)?;
        // a sharp turn may have jumped to another branch
        let Some((next, corrections)) = next.filter(|(next, _)| inner(&here.tangent, &next.tangent) > 0.9) else {
            curve.work.rejected += 1;
            if step <= options.min_step {
                branch.end = BranchEnd::Step;
                break;
            }
            step = (0.5 * step).max(options.min_step);
            continue;
        };
        if slope(&here) * slope(&next) < 0.0 {
            branch.folds.push(curve.fold(&here, &next, step)?);
        }
        step = (step
            * if corrections <= 3 {
                1.4
            } else if corrections > 5 {
                0.6
            } else {
                1.0
            })
        .min(options.max_step);
        here = next;
        branch.points.push(here.clone());
        let detail = format!("parameter {:.6}", here.parameter);
        observer.progress("continuation", branch.points.len() as u64, options.max_points as u64, &detail);
        if here.parameter < options.range[0] || here.parameter > options.range[1] {
            branch.end = BranchEnd::Range;
            break;
        }
    }
    branch.work = Work { steps: branch.points.len() as u64, ..curve.work };
    Ok(branch)
}

/// The tangent's p-component.
fn slope(point: &BranchPoint) -> f64 {
    point.tangent[point.u.len()]
}

/// (u, p)·(v, q) = mean u v + p q.
fn inner(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() - 1;
    dot(&a[..n], &b[..n]) / n.max(1) as f64 + a[n] * b[n]
}

struct Curve<F> {
    family: F,
    tolerance: f64,
    work: Work,
}

/// Corrections that Newton's method may make.
const CORRECTIONS: usize = 10;

impl<S: OdeSystem, F: Fn(f64) -> Result<S>> Curve<F> {
    /// f(u; p).
    fn residual(&mut self, u: &[f64], p: f64) -> Result<Vec<f64>> {
        let mut f = vec![0.0; u.len()];
        (self.family)(p)?.rhs_into(0.0, u, &mut f);
        self.work.rhs += 1;
        Ok(f)
    }

    /// [J f_p; rowᵀ] x = right, for each of `right`.
    fn bordered(&mut self, u: &[f64], p: f64, row: &[f64], right: &[Vec<f64>]) -> Result<Option<Vec<Vec<f64>>>> {
        let n = u.len();
        let system = (self.family)(p)?;
        let counted = Counted::new(&system);
        // beyond the model's domain: the step is too long
        let j = match jacobian(&counted, 0.0, u) {
            Err(Error::NonFinite { .. }) => return Ok(None),
            other => other?,
        };
        in_sequence();
        let h = f64::EPSILON.cbrt() * (1.0 + p.abs());
        let (above, below) = (self.residual(u, p + h)?, self.residual(u, p - h)?);
        let matrix = Mat::from_fn(n + 1, n + 1, |r, c| match (r < n, c < n) {
            (true, true) => j[(r, c)],
            (true, false) => (above[r] - below[r]) / (2.0 * h),
            (false, true) => row[c] / n as f64,
            (false, false) => row[n],
        });
        self.work.jvp += counted.work().jvp;
        self.work.jacobians += 1;
        self.work.factorisations += 1;
        let x = matrix.partial_piv_lu().solve(Mat::from_fn(n + 1, right.len(), |i, k| right[k][i]));
        let columns: Vec<Vec<f64>> = (0..right.len()).map(|k| (0..=n).map(|i| x[(i, k)]).collect()).collect();
        Ok(columns.iter().flatten().all(|x| x.is_finite()).then_some(columns))
    }

    /// The equilibrium at `p` and the tangent there, towards larger p if `direction` > 0.
    fn first(&mut self, u0: &[f64], p: f64, direction: f64) -> Result<BranchPoint> {
        super::equilibrium::check_state(&(self.family)(p)?, u0)?;
        check_finite("first state", u0, None, "start from another state")?;
        let mut row = vec![0.0; u0.len() + 1];
        row[u0.len()] = 1.0;
        let start = BranchPoint { parameter: p, u: u0.to_vec(), tangent: row };
        let failed = || Error::Solver {
            solver: "continuation",
            message: format!("Newton's method found no equilibrium at the parameter {p}"),
            advice: "start nearer an equilibrium, away from folds and branch points".into(),
        };
        let (mut point, _) = self.advance(&start, 0.0)?.ok_or_else(failed)?;
        if slope(&point) * direction < 0.0 {
            point.tangent.iter_mut().for_each(|t| *t = -*t);
        }
        Ok(point)
    }

    /// The point at arclength `s` along the tangent of `from`, and the corrections that it took.
    fn advance(&mut self, from: &BranchPoint, s: f64) -> Result<Option<(BranchPoint, usize)>> {
        let n = from.u.len();
        let mut x: Vec<f64> = from.u.iter().chain([&from.parameter]).copied().collect();
        let start = x.clone();
        x.iter_mut().zip(&from.tangent).for_each(|(x, t)| *x += s * t);
        for correction in 1..=CORRECTIONS {
            let mut right: Vec<f64> = self.residual(&x[..n], x[n])?.iter().map(|f| -f).collect();
            if right.iter().any(|f| !f.is_finite()) {
                return Ok(None);
            }
            let moved: Vec<f64> = x.iter().zip(&start).map(|(x, s)| x - s).collect();
            right.push(s - inner(&from.tangent, &moved));
            let Some(mut change) = self.bordered(&x[..n], x[n], &from.tangent, &[right])? else { return Ok(None) };
            let change = change.remove(0);
            x.iter_mut().zip(&change).for_each(|(x, c)| *x += c);
            let size = inner(&change, &change).sqrt();
            if size <= self.tolerance * (1.0 + inner(&x, &x).sqrt()) {
                return self.tangent(x, &from.tangent).map(|point| point.map(|p| (p, correction)));
            }
        }
        Ok(None)
    }

    /// The unit tangent at x, along the one before.
    fn tangent(&mut self, x: Vec<f64>, before: &[f64]) -> Result<Option<BranchPoint>> {
        let n = x.len() - 1;
        let mut unit = vec![0.0; n + 1];
        unit[n] = 1.0;
        let Some(mut found) = self.bordered(&x[..n], x[n], before, &[unit])? else { return Ok(None) };
        let mut tangent = found.remove(0);
        let size = inner(&tangent, &tangent).sqrt();
        tangent.iter_mut().for_each(|t| *t /= size);
        Ok(Some(BranchPoint { parameter: x[n], u: x[..n].to_vec(), tangent }))
    }

    /// Where the tangent's p-component vanishes between `here` and the point `step` further on: false position (Illinois).
    fn fold(&mut self, here: &BranchPoint, next: &BranchPoint, step: f64) -> Result<BranchPoint> {
        let (mut low, mut high) = ((0.0, slope(here)), (step, slope(next)));
        let mut best = if slope(here).abs() < slope(next).abs() { here.clone() } else { next.clone() };
        for _ in 0..60 {
            if slope(&best).abs() < 1e-8 {
                break;
            }
            let s = (low.0 * high.1 - high.0 * low.1) / (high.1 - low.1);
            let Some((point, _)) = self.advance(here, s)? else { break };
            let value = slope(&point);
            if value * high.1 < 0.0 {
                low = high;
            } else {
                low.1 *= 0.5;
            }
            high = (s, value);
            best = point;
        }
        Ok(best)
    }
}

//! One patch that covers the whole domain: the fully resolved problem, and the homogenized one on a fine grid.
//!
//! The same micro-models and the same two paths as in a burst; only the geometry differs. Memory is a few vectors of
//! the number of unknowns, so ten million of them fit.

use super::{MicroModel, Patch, burst::propagate};
use crate::{
    Error, Result,
    grid::{Axis, Boundary},
    linalg::Tridiagonal,
    observer::Observer,
    ode::{
        extrapolation::{Extrapolation, TridiagonalSystem, Work, integrate},
        integrate_linear::integrate_linear,
    },
};

/// A model on every point of a grid. Dirichlet ends keep their initial values; Neumann ends mirror the state.
pub struct WholeDomain<'a> {
    model: &'a dyn MicroModel,
    grid: &'a Axis,
    /// the grid with a ghost point on each side if the ends are Neumann
    x: Vec<f64>,
}

impl<'a> WholeDomain<'a> {
    /// `model` must have been bound to one patch whose points are [`WholeDomain::points`] of `grid`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a periodic grid.
    pub fn new(model: &'a dyn MicroModel, grid: &'a Axis) -> Result<Self> {
        Ok(WholeDomain { model, grid, x: Self::points(grid)? })
    }

    /// The points that the model is asked for: the grid, and ghosts beyond Neumann ends.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a periodic grid.
    pub fn points(grid: &Axis) -> Result<Vec<f64>> {
        let h = grid.spacing();
        match grid.boundary {
            Boundary::Dirichlet => Ok(grid.x.clone()),
            Boundary::Neumann => Ok([&[grid.x[0] - h][..], &grid.x, &[grid.x[grid.len() - 1] + h]].concat()),
            Boundary::Periodic => Err(Error::parameter(
                "boundary",
                "periodic",
                "dirichlet or neumann for a simulation of the whole domain",
                "patch dynamics and gap-tooth schemes do run on periodic domains",
            )),
        }
    }

    fn patch(&self) -> Patch<'_> {
        Patch { index: 0, x: &self.x, spacing: self.grid.spacing() }
    }

    /// u(t) by the exact propagator; linear models and Dirichlet ends.
    ///
    /// # Errors
    /// [`Error::Parameter`] for other models or ends.
    pub fn propagate(&self, initial: &[f64], time: f64) -> Result<Vec<f64>> {
        if self.grid.boundary != Boundary::Dirichlet {
            return Err(Error::parameter(
                "boundary",
                "neumann",
                "dirichlet for the exact propagator",
                "use the general path",
            ));
        }
        propagate(self.model, &self.patch(), initial, time)
    }

    /// u at each of `times` for each initial state by the general path: `[trajectory][time][n_x]`, and the work. Errors stay below
    /// `tolerance` times the largest change of u so far.
    ///
    /// # Errors
    /// Those of [`integrate`] and [`integrate_linear`].
    pub fn integrate(
        &self,
        initial: &[Vec<f64>],
        times: &[f64],
        tolerance: f64,
        observer: &dyn Observer,
    ) -> Result<(Vec<Vec<Vec<f64>>>, Work)> {
        let system = Columns { whole: self, initial };
        let active = self.grid.active();
        let mut w = vec![vec![0.0; active.len()]; initial.len()];
        let mut found: Vec<Vec<Vec<f64>>> = initial.iter().map(|_| Vec::with_capacity(times.len())).collect();
        let start = usize::from(times.first() == Some(&0.0));
        if start == 1 {
            found.iter_mut().zip(initial).for_each(|(f, u)| f.push(u.clone()));
        }
        let count = times.len() - start;
        let at = |k: usize, w: &[Vec<f64>]| {
            observer.progress("whole-domain simulation", (k + 1) as u64, count as u64, "");
            for ((found, u), w) in found.iter_mut().zip(initial).zip(w) {
                let mut u = u.clone();
                u[active.clone()].iter_mut().zip(w).for_each(|(u, w)| *u += w);
                found.push(u);
            }
            Ok(())
        };
        let times = &times[start..];
        let work = if self.model.linear_group(0).is_some() {
            integrate_linear(&system, 0.0, &mut w, times, tolerance, observer, at)?
        } else {
            integrate(&system, 0.0, &mut w, times, Extrapolation::with_tolerance(tolerance), observer, at)?
        };
        Ok((found, work))
    }

    /// du/dt at a state, `[n_x]`; zero at Dirichlet ends.
    pub fn slopes(&self, t: f64, u: &[f64]) -> Vec<f64> {
        let full = self.with_ghosts(u.to_vec());
        let mut du = vec![0.0; full.len()];
        self.model.rhs_into(&self.patch(), t, &full, &mut du);
        if self.grid.boundary == Boundary::Dirichlet { du } else { du[1..=u.len()].to_vec() }
    }

    fn with_ghosts(&self, u: Vec<f64>) -> Vec<f64> {
        match self.grid.boundary {
            Boundary::Dirichlet => u,
            _ => [&[u[1]][..], &u, &[u[u.len() - 2]]].concat(),
        }
    }
}

struct Columns<'a> {
    whole: &'a WholeDomain<'a>,
    initial: &'a [Vec<f64>],
}

impl Columns<'_> {
    fn state(&self, column: usize, w: &[f64]) -> Vec<f64> {
        let mut u = self.initial[column].clone();
        u[self.whole.grid.active()].iter_mut().zip(w).for_each(|(u, w)| *u += w);
        self.whole.with_ghosts(u)
    }
}

impl TridiagonalSystem for Columns<'_> {
    fn unknowns(&self) -> usize {
        self.whole.grid.active().len()
    }

    fn rhs_into(&self, column: usize, t: f64, w: &[f64], f: &mut [f64]) {
        let u = self.state(column, w);
        let mut du = vec![0.0; u.len()];
        self.whole.model.rhs_into(&self.whole.patch(), t, &u, &mut du);
        f.copy_from_slice(&du[1..u.len() - 1]);
    }

    fn jacobian_into(&self, column: usize, t: f64, w: &[f64], jacobian: &mut Tridiagonal) {
        self.whole.model.jacobian_into(&self.whole.patch(), t, &self.state(column, w), jacobian);
        if self.whole.grid.boundary != Boundary::Dirichlet {
            let last = jacobian.len() - 1;
            jacobian.upper[0] += std::mem::take(&mut jacobian.lower[0]);
            jacobian.lower[last] += std::mem::take(&mut jacobian.upper[last]);
        }
    }

    fn floor(&self, column: usize) -> f64 {
        4.0 * f64::EPSILON * self.initial[column].iter().fold(0.0f64, |m, u| m.max(u.abs()))
    }
}

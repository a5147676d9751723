//! Diffusion with an oscillating reaction, exact in time.

use faer::{Mat, Par, Side};

use super::Refined;
use super::line::{LineFunction, LineMesh, LineSolution};
use crate::linalg::in_sequence;
use crate::{Error, Result};

/// A dense eigenproblem of more unknowns takes minutes.
const MAX_UNKNOWNS: usize = 4000;

/// u_t − D u_xx + c(x) u = f(x) on [x₀, x₁], u = 0 at both ends, u(x, 0) given.
///
/// ```
/// use gaptooth::fem::reaction::ReactionProblem;
/// let sine = |x: f64| x.sin();
/// let pi = std::f64::consts::PI;
/// let problem = ReactionProblem { domain: [0.0, pi], diffusivity: 2.0, reaction: &|_| 0.5, source: &|_| 0.0, initial: &sine };
/// let u = problem.solve(4, 8)?.at(0.3);
/// assert!((u.values(&[1.0])[0] - (-2.5_f64 * 0.3).exp() * 1.0_f64.sin()).abs() < 1e-7);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct ReactionProblem<'a> {
    /// [x₀, x₁]
    pub domain: [f64; 2],
    /// D > 0
    pub diffusivity: f64,
    /// c, of any sign
    pub reaction: LineFunction<'a>,
    /// f
    pub source: LineFunction<'a>,
    /// u(x, 0); its values at the ends are not used
    pub initial: LineFunction<'a>,
}

impl ReactionProblem<'_> {
    /// Elements of `degree` on `cells` equal cells; M u̇ + K u = F is then solved exactly: with K v = λ M v,
    /// u(t) = Σ v (e^{−λt} vᵀM u(0) + (1 − e^{−λt})/λ vᵀF). Cost: a dense eigenproblem, cubic in cells · degree.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a bad domain, degree or diffusivity or more than 4000 unknowns; [`Error::NonFinite`] where a function is
    /// not finite; [`Error::Solver`] if the eigenproblem fails.
    pub fn solve(&self, degree: usize, cells: usize) -> Result<ReactionSolution> {
        let d = self.diffusivity;
        if !(d.is_finite() && d > 0.0) {
            return Err(Error::parameter("diffusivity", d, "a positive number", "the problem is parabolic"));
        }
        let mesh = LineMesh::new(self.domain, degree, cells)?;
        let n = mesh.size() - 2;
        if n == 0 || n > MAX_UNKNOWNS {
            return Err(Error::parameter(
                "cells",
                cells,
                format!("1 to {MAX_UNKNOWNS} unknowns"),
                "two to six a period will do",
            ));
        }
        let stiffness = dense(&mesh, &mesh.local(&|_| d, self.reaction)?);
        in_sequence();
        let mass = dense(&mesh, &mesh.local(&|_| 0.0, &|_| 1.0)?);
        let inner = |load: Vec<f64>| Mat::from_fn(n, 1, |i, _| load[i + 1]);
        let (source, initial) = (inner(mesh.load(self.source)?), inner(mesh.load(self.initial)?));
        let failed = |e: &dyn std::fmt::Debug| Error::Solver {
            solver: "eigenproblem of a reaction",
            message: format!("{e:?}"),
            advice: "check the reaction for extreme values".into(),
        };
        let factor = mass.llt(Side::Lower).map_err(|e| failed(&e))?;
        let l = factor.L();
        let solve_lower = |right: &mut Mat<f64>| {
            faer::linalg::triangular_solve::solve_lower_triangular_in_place(l, right.as_mut(), Par::Seq);
        };
        // L⁻¹ K L⁻ᵀ
        let mut half = stiffness;
        solve_lower(&mut half);
        let mut reduced = half.transpose().to_owned();
        solve_lower(&mut reduced);
        let eigen = reduced.self_adjoint_eigen(Side::Lower).map_err(|e| failed(&e))?;
        let mut modes = eigen.U().to_owned();
        faer::linalg::triangular_solve::solve_upper_triangular_in_place(l.transpose(), modes.as_mut(), Par::Seq);
        let (start, forcing) = (modes.transpose() * &initial, modes.transpose() * &source);
        let rates = eigen.S().column_vector().iter().copied().collect();
        let column = |m: &Mat<f64>| m.col(0).iter().copied().collect();
        Ok(ReactionSolution { mesh, rates, start: column(&start), forcing: column(&forcing), modes })
    }

    /// On `cells` and on half as many cells, compared at `time`.
    ///
    /// # Errors
    /// As [`ReactionProblem::solve`].
    pub fn refined(&self, degree: usize, cells: usize, time: f64) -> Result<Refined<ReactionSolution>> {
        let coarse = self.solve(degree, cells.div_ceil(2))?.at(time);
        let solution = self.solve(degree, cells)?;
        let fine = solution.at(time);
        let error = fine.distance_to(&coarse) / fine.norm();
        Ok(Refined { solution, error })
    }
}

/// The modes of a reaction problem and their weights.
#[derive(Debug, Clone)]
pub struct ReactionSolution {
    mesh: LineMesh,
    rates: Vec<f64>,
    /// `[inner node][mode]`
    modes: Mat<f64>,
    start: Vec<f64>,
    forcing: Vec<f64>,
}

impl ReactionSolution {
    /// u(·, t).
    pub fn at(&self, t: f64) -> LineSolution {
        let weight = |k: usize| {
            let decay = -self.rates[k] * t;
            // (1 − e^{−λt})/λ, t in the limit
            let gathered = if decay == 0.0 { t } else { t * decay.exp_m1() / decay };
            decay.exp() * self.start[k] + gathered * self.forcing[k]
        };
        let weights = Mat::from_fn(self.rates.len(), 1, |k, _| weight(k));
        let inner = &self.modes * weights;
        let mut nodal = vec![0.0];
        nodal.extend(inner.col(0).iter());
        nodal.push(0.0);
        LineSolution { mesh: self.mesh.clone(), nodal }
    }

    /// The decay rates λ, ascending.
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }
}

/// The matrix of the inner nodes.
fn dense(mesh: &LineMesh, local: &[Vec<f64>]) -> Mat<f64> {
    let n = mesh.size() - 2;
    let mut matrix = Mat::zeros(n, n);
    mesh.scatter(local, |i, j, value| {
        if (1..=n).contains(&i) && (1..=n).contains(&j) {
            matrix[(i - 1, j - 1)] += value;
        }
    });
    matrix
}

//! Two-point boundary-value problems.

use faer::Mat;
use rayon::prelude::*;

use super::basis::{Basis, locate};
use super::sparse::{Entry, Factor};
use super::{Refined, check_domain, check_mesh, check_values};
use crate::Result;
use crate::legendre::{Rule, gauss};

/// A function of one variable that several threads may call.
pub type LineFunction<'a> = &'a (dyn Fn(f64) -> f64 + Sync);

/// Most cells on an interval.
const MAX_CELLS: usize = 1_000_000;

/// −(a(x) u′)′ + c(x) u = f(x) on [x₀, x₁], u given at both ends.
///
/// ```
/// use gaptooth::fem::line::LineProblem;
/// let problem = LineProblem { domain: [0.0, 1.0], diffusivity: &|_| 2.0, reaction: None, source: &|_| 4.0, ends: [0.0, 1.0] };
/// let u = problem.solve(2, 3)?;
/// // u = x (1 − x) + x
/// assert!((u.values(&[0.5])[0] - 0.75).abs() < 1e-14 && (u.slopes(&[0.0])[0] - 2.0).abs() < 1e-13);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct LineProblem<'a> {
    /// [x₀, x₁]
    pub domain: [f64; 2],
    /// a > 0
    pub diffusivity: LineFunction<'a>,
    /// c, zero if there is none
    pub reaction: Option<LineFunction<'a>>,
    /// f
    pub source: LineFunction<'a>,
    /// u at both ends
    pub ends: [f64; 2],
}

impl LineProblem<'_> {
    /// Continuous elements of `degree` 1 to 8 on `cells` equal cells, degree + 4 Gauss points on each. Order degree + 1 in L²
    /// for smooth data.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a bad domain, degree or number of cells; [`Error::NonFinite`](crate::Error::NonFinite) where a function is not finite;
    /// [`Error::Solver`](crate::Error::Solver) if the system is not positive definite.
    pub fn solve(&self, degree: usize, cells: usize) -> Result<LineSolution> {
        let mesh = LineMesh::new(self.domain, degree, cells)?;
        check_values("the value at an end", &self.ends)?;
        let zero = |_: f64| 0.0;
        let local = mesh.local(self.diffusivity, self.reaction.unwrap_or(&zero))?;
        let mut load = mesh.load(self.source)?;
        let last = mesh.size() - 1;
        let inner = last - 1;
        let mut entries = Vec::new();
        mesh.scatter(&local, |i, j, value| match (i, j) {
            (0, _) => {}
            (i, _) if i == last => {}
            (i, 0) => load[i] -= value * self.ends[0],
            (i, j) if j == last => load[i] -= value * self.ends[1],
            (i, j) if i >= j => entries.push(Entry::new(i - 1, j - 1, value)),
            _ => {}
        });
        let mut right = Mat::from_fn(inner, 1, |i, _| load[i + 1]);
        if inner > 0 {
            Factor::new(inner, &entries)?.solve(&mut right)?;
        }
        let mut nodal = vec![self.ends[0]];
        nodal.extend((0..inner).map(|i| right[(i, 0)]));
        nodal.push(self.ends[1]);
        Ok(LineSolution { mesh, nodal })
    }

    /// On `cells` and on half as many cells.
    ///
    /// # Errors
    /// As [`LineProblem::solve`].
    pub fn refined(&self, degree: usize, cells: usize) -> Result<Refined<LineSolution>> {
        let coarse = self.solve(degree, cells.div_ceil(2))?;
        let solution = self.solve(degree, cells)?;
        let error = solution.distance_to(&coarse) / solution.norm();
        Ok(Refined { solution, error })
    }
}

/// A piecewise polynomial on equal cells.
#[derive(Debug, Clone)]
pub struct LineSolution {
    pub(super) mesh: LineMesh,
    /// values at the nodes, ascending
    pub(super) nodal: Vec<f64>,
}

impl LineSolution {
    /// The nodes, ascending, both ends among them, `[cells · degree + 1]`.
    pub fn nodes(&self) -> Vec<f64> {
        self.mesh.nodes()
    }

    /// u at the nodes.
    pub fn nodal(&self) -> &[f64] {
        &self.nodal
    }

    /// u at any points; outside the domain the polynomial of the last cell goes on.
    pub fn values(&self, x: &[f64]) -> Vec<f64> {
        x.par_iter().map(|x| self.at(*x)[0]).collect()
    }

    /// u′ at any points; at an end of two cells that of the right one.
    pub fn slopes(&self, x: &[f64]) -> Vec<f64> {
        x.par_iter().map(|x| self.at(*x)[1]).collect()
    }

    /// ‖u‖ in L².
    pub fn norm(&self) -> f64 {
        self.distance(&|_| 0.0)
    }

    /// ‖u − v‖ in L², by Gauss quadrature on the cells of u.
    pub fn distance(&self, v: LineFunction<'_>) -> f64 {
        let rule = &self.mesh.rule;
        let half = 0.5 * self.mesh.width();
        let on = |cell: usize| -> f64 {
            let square = |(t, w): (&f64, &f64)| {
                let u = self.on_cell(cell, *t)[0];
                half * w * (u - v(self.mesh.point(cell, *t))).powi(2)
            };
            rule.points.iter().zip(&rule.weights).map(square).sum()
        };
        let parts: Vec<f64> = (0..self.mesh.cells).into_par_iter().map(on).collect();
        parts.iter().sum::<f64>().sqrt()
    }

    /// ‖u − v‖ of two solutions, by quadrature on the cells of u.
    pub fn distance_to(&self, v: &LineSolution) -> f64 {
        self.distance(&|x| v.at(x)[0])
    }

    fn at(&self, x: f64) -> [f64; 2] {
        let (cell, t) = locate(self.mesh.domain, self.mesh.cells, x);
        self.on_cell(cell, t)
    }

    fn on_cell(&self, cell: usize, t: f64) -> [f64; 2] {
        let p = self.mesh.basis.degree();
        let basis = self.mesh.basis.at(t);
        let pairs = basis.iter().zip(&self.nodal[cell * p..]);
        let [value, slope] = pairs.fold([0.0; 2], |[v, s], (b, u)| [v + b[0] * u, s + b[1] * u]);
        [value, slope * 2.0 / self.mesh.width()]
    }
}

/// Equal cells, their elements and their quadrature.
#[derive(Debug, Clone)]
pub(super) struct LineMesh {
    pub(super) domain: [f64; 2],
    pub(super) cells: usize,
    basis: Basis,
    rule: Rule,
    /// the basis at the Gauss points
    table: Vec<Vec<[f64; 2]>>,
}

impl LineMesh {
    pub(super) fn new(domain: [f64; 2], degree: usize, cells: usize) -> Result<Self> {
        check_domain("domain", domain)?;
        check_mesh(degree, cells, MAX_CELLS)?;
        let (basis, rule) = (Basis::new(degree), gauss(degree + 4));
        let table = rule.points.iter().map(|t| basis.at(*t)).collect();
        Ok(LineMesh { domain, cells, basis, rule, table })
    }

    /// Number of nodes.
    pub(super) fn size(&self) -> usize {
        self.cells * self.basis.degree() + 1
    }

    fn width(&self) -> f64 {
        (self.domain[1] - self.domain[0]) / self.cells as f64
    }

    fn point(&self, cell: usize, t: f64) -> f64 {
        self.domain[0] + self.width() * (cell as f64 + 0.5 * (1.0 + t))
    }

    fn nodes(&self) -> Vec<f64> {
        let p = self.basis.degree();
        let node = |i: usize| self.point(i / p, self.basis.nodes[i % p]);
        (0..self.size() - 1).map(node).chain([self.domain[1]]).collect()
    }

    /// ∫ a φ_i′ φ_j′ + c φ_i φ_j over each cell, `[cell][i · n + j]`.
    pub(super) fn local(&self, a: LineFunction<'_>, c: LineFunction<'_>) -> Result<Vec<Vec<f64>>> {
        let n = self.basis.nodes.len();
        let half = 0.5 * self.width();
        let on = |cell: usize| {
            let mut matrix = vec![0.0; n * n];
            for ((t, w), basis) in self.rule.points.iter().zip(&self.rule.weights).zip(&self.table) {
                let x = self.point(cell, *t);
                let (stiffness, mass) = (w * a(x) / half, w * c(x) * half);
                for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
                    matrix[i * n + j] += stiffness * basis[i][1] * basis[j][1] + mass * basis[i][0] * basis[j][0];
                }
            }
            matrix
        };
        let local: Vec<Vec<f64>> = (0..self.cells).into_par_iter().map(on).collect();
        local.iter().try_for_each(|matrix| check_values("an element's matrix", matrix))?;
        Ok(local)
    }

    /// ∫ f φ_i over the domain, `[nodes]`.
    pub(super) fn load(&self, f: LineFunction<'_>) -> Result<Vec<f64>> {
        let (p, half) = (self.basis.degree(), 0.5 * self.width());
        let mut load = vec![0.0; self.size()];
        for cell in 0..self.cells {
            for ((t, w), basis) in self.rule.points.iter().zip(&self.rule.weights).zip(&self.table) {
                let value = half * w * f(self.point(cell, *t));
                basis.iter().zip(&mut load[cell * p..]).for_each(|(b, sum)| *sum += value * b[0]);
            }
        }
        check_values("the source", &load)?;
        Ok(load)
    }

    /// Every entry of every cell's matrix, in the order of the cells.
    pub(super) fn scatter(&self, local: &[Vec<f64>], mut add: impl FnMut(usize, usize, f64)) {
        let n = self.basis.nodes.len();
        for (cell, matrix) in local.iter().enumerate() {
            let first = cell * self.basis.degree();
            matrix.iter().enumerate().for_each(|(k, value)| add(first + k / n, first + k % n, *value));
        }
    }
}

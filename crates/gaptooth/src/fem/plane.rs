//! Diffusion on rectangles.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use rayon::prelude::*;

use super::plane_mesh::PlaneMesh;
use super::sparse::{Entry, Factor};
use super::{Refined, check_values};
use crate::Result;

pub use super::plane_solution::PlaneSolution;

/// A function of x and y that several threads may call.
pub type PlaneFunction<'a> = &'a (dyn Fn(f64, f64) -> f64 + Sync);

/// A field of vectors in x and y.
pub type PlaneField<'a> = &'a (dyn Fn(f64, f64) -> [f64; 2] + Sync);

/// What the material is at a point (x, y).
#[derive(Clone, Copy)]
pub enum PlaneCoefficient<'a> {
    /// a(x, y) > 0
    Scalar(PlaneFunction<'a>),
    /// [a₁₁, a₁₂, a₂₂], positive definite
    Tensor(&'a (dyn Fn(f64, f64) -> [f64; 3] + Sync)),
}

impl PlaneCoefficient<'_> {
    fn at(&self, [x, y]: [f64; 2]) -> [f64; 3] {
        match self {
            PlaneCoefficient::Scalar(a) => {
                let a = a(x, y);
                [a, 0.0, a]
            }
            PlaneCoefficient::Tensor(a) => a(x, y),
        }
    }
}

/// The elements on a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaneElement {
    /// linear on two triangles per cell
    P1,
    /// products of polynomials of this degree, 1 to 8, with nodes at Gauss–Lobatto points
    Q(usize),
}

/// What holds on the sides of the rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaneBoundary {
    /// u = 0 on all sides
    Dirichlet,
    /// periodic both ways, ∫u = 0; the data should have ∫f = 0 (if not, f is in effect balanced at a corner)
    Periodic,
}

/// −∇·(a∇u) = f + ∇·g on [x₀, x₁] × [y₀, y₁].
///
/// ```
/// use gaptooth::fem::plane::{PlaneBoundary, PlaneCoefficient, PlaneElement, PlaneProblem};
/// let problem = PlaneProblem {
///     domain: [[0.0, 1.0], [0.0, 1.0]],
///     coefficient: PlaneCoefficient::Scalar(&|_, _| 1.0),
///     source: Some(&|x, y| 2.0 * (x * (1.0 - x) + y * (1.0 - y))),
///     flux: None,
///     boundary: PlaneBoundary::Dirichlet,
/// };
/// let u = problem.solve(PlaneElement::Q(2), [2, 2])?;
/// assert!((u.values(&[[0.5, 0.25]])[0] - 0.25 * 0.1875).abs() < 1e-14); // x (1 − x) y (1 − y)
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct PlaneProblem<'a> {
    /// [[x₀, x₁], [y₀, y₁]]
    pub domain: [[f64; 2]; 2],
    /// a
    pub coefficient: PlaneCoefficient<'a>,
    /// f, zero if there is none
    pub source: Option<PlaneFunction<'a>>,
    /// g, zero if there is none; used weakly, ∫g·∇v
    pub flux: Option<PlaneField<'a>>,
    /// what holds on the sides
    pub boundary: PlaneBoundary,
}

impl PlaneProblem<'_> {
    /// Elements on n × m equal cells by sparse Cholesky; p + 3 Gauss points each way. Order p + 1 in L² for smooth data.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a bad domain, degree or number of cells; [`Error::NonFinite`](crate::Error::NonFinite) where a function is not finite;
    /// [`Error::Solver`](crate::Error::Solver) if the system is not positive definite.
    pub fn solve(&self, element: PlaneElement, cells: [usize; 2]) -> Result<PlaneSolution> {
        let mesh = PlaneMesh::new(self.domain, element, cells, self.boundary)?;
        let load = |p: [f64; 2]| {
            let source = self.source.map_or(0.0, |f| f(p[0], p[1]));
            let [gx, gy] = self.flux.map_or([0.0; 2], |g| g(p[0], p[1]));
            vec![[source, gx, gy]]
        };
        let mut nodal = solve(&mesh, self.coefficient, &load)?;
        Ok(PlaneSolution { mesh, nodal: nodal.remove(0) })
    }

    /// On `cells` and on half as many cells each way.
    ///
    /// # Errors
    /// As [`PlaneProblem::solve`].
    pub fn refined(&self, element: PlaneElement, cells: [usize; 2]) -> Result<Refined<PlaneSolution>> {
        let coarse = self.solve(element, cells.map(|n| n.div_ceil(2)))?;
        let solution = self.solve(element, cells)?;
        let error = solution.distance_to(&coarse) / solution.norm();
        Ok(Refined { solution, error })
    }
}

/// The correctors of a periodic unit cell and the tensor they give.
#[derive(Debug, Clone)]
pub struct PlaneCell {
    /// ⟨(e_i + ∇χ_i)·a(e_j + ∇χ_j)⟩, not smaller than A* up to quadrature
    pub tensor: [[f64; 2]; 2],
    /// χ₁, χ₂, of zero mean
    pub correctors: [PlaneSolution; 2],
}

/// −∇·(a(e_j + ∇χ_j)) = 0 on [0, 1)², χ_j periodic and of zero mean, by elements on n × m cells.
///
/// # Errors
/// As [`PlaneProblem::solve`].
pub fn periodic_cell(coefficient: PlaneCoefficient<'_>, element: PlaneElement, cells: [usize; 2]) -> Result<PlaneCell> {
    let mesh = PlaneMesh::new([[0.0, 1.0]; 2], element, cells, PlaneBoundary::Periodic)?;
    let load = |p: [f64; 2]| {
        let a = coefficient.at(p);
        vec![[0.0, a[0], a[1]], [0.0, a[1], a[2]]]
    };
    let mut nodal = solve(&mesh, coefficient, &load)?;
    let solution = |nodal| PlaneSolution { mesh: mesh.clone(), nodal };
    let second = nodal.remove(1);
    let correctors = [solution(nodal.remove(0)), solution(second)];
    let energy = |cell: usize| energy_on(&mesh, coefficient, &correctors, cell);
    let parts: Vec<[f64; 3]> = (0..cells[0] * cells[1]).into_par_iter().map(energy).collect();
    let [xx, xy, yy] = parts.iter().fold([0.0; 3], |sum, part| [0, 1, 2].map(|k| sum[k] + part[k]));
    Ok(PlaneCell { tensor: [[xx, xy], [xy, yy]], correctors })
}

/// A cell's share of ⟨(e_i + ∇χ_i)·a(e_j + ∇χ_j)⟩.
fn energy_on(mesh: &PlaneMesh, coefficient: PlaneCoefficient<'_>, chi: &[PlaneSolution; 2], cell: usize) -> [f64; 3] {
    let (half, q) = (mesh.half(), mesh.points.len());
    let nodes: Vec<usize> = mesh.nodes(cell).collect();
    let values = Mat::from_fn(nodes.len(), 2, |i, j| chi[j].nodal[nodes[i]]);
    let slopes = &mesh.slopes * values;
    let mut sum = [0.0; 3];
    for (k, (point, weight)) in mesh.points.iter().zip(&mesh.weights).enumerate() {
        let a = coefficient.at(mesh.point(cell, *point));
        let w = weight * half[0] * half[1];
        let e = [[1.0 + slopes[(k, 0)], slopes[(q + k, 0)]], [slopes[(k, 1)], 1.0 + slopes[(q + k, 1)]]];
        let form = |u: [f64; 2], v: [f64; 2]| u[0] * (a[0] * v[0] + a[1] * v[1]) + u[1] * (a[1] * v[0] + a[2] * v[1]);
        sum = [sum[0] + w * form(e[0], e[0]), sum[1] + w * form(e[0], e[1]), sum[2] + w * form(e[1], e[1])];
    }
    sum
}

/// [f, g₁, g₂] of one or more loads at a point.
type Load<'a> = &'a (dyn Fn([f64; 2]) -> Vec<[f64; 3]> + Sync);

/// The nodal values of one solution per load.
fn solve(mesh: &PlaneMesh, coefficient: PlaneCoefficient<'_>, load: Load<'_>) -> Result<Vec<Vec<f64>>> {
    let cells = mesh.cells[0] * mesh.cells[1];
    let (numbers, unknowns) = mesh.unknowns();
    let local: Vec<_> = (0..cells).into_par_iter().map(|cell| on_cell(mesh, coefficient, load, cell)).collect();
    let loads = local[0].1.ncols();
    let (mut entries, mut right) = (Vec::new(), Mat::zeros(unknowns, loads));
    for (cell, (matrix, vectors)) in local.into_iter().enumerate() {
        let nodes: Vec<Option<usize>> = mesh.nodes(cell).map(|node| numbers[node]).collect();
        let free = || nodes.iter().enumerate().filter_map(|(local, number)| number.map(|n| (local, n)));
        for (i, row) in free() {
            (0..loads).for_each(|k| right[(row, k)] += vectors[(i, k)]);
            entries.extend(
                free().filter(|(_, column)| *column <= row).map(|(j, column)| Entry::new(row, column, matrix[(i, j)])),
            );
        }
    }
    let finite: Vec<f64> = entries.iter().map(|e| e.val).chain((0..unknowns).map(|i| right[(i, 0)])).collect();
    check_values("an element's matrix or load", &finite)?;
    Factor::new(unknowns, &entries)?.solve(&mut right)?;
    let nodal = (0..loads).map(|k| numbers.iter().map(|n| n.map_or(0.0, |n| right[(n, k)])).collect());
    let mut nodal: Vec<Vec<f64>> = nodal.collect();
    if mesh.boundary == PlaneBoundary::Periodic {
        let area: f64 = mesh.domain.iter().map(|[a, b]| b - a).product();
        for values in &mut nodal {
            let solution = PlaneSolution { mesh: mesh.clone(), nodal: std::mem::take(values) };
            let mean = solution.integral(&|_, u| u) / area;
            *values = solution.nodal.iter().map(|u| u - mean).collect();
        }
    }
    Ok(nodal)
}

/// ∫ a∇φ_i·∇φ_j over a cell, `[i][j]`, and ∫ f φ_i − g·∇φ_i, `[i][load]`.
fn on_cell(mesh: &PlaneMesh, coefficient: PlaneCoefficient<'_>, load: Load<'_>, cell: usize) -> (Mat<f64>, Mat<f64>) {
    let (half, q, n) = (mesh.half(), mesh.points.len(), mesh.table[0].len());
    let places: Vec<[f64; 2]> = mesh.points.iter().map(|p| mesh.point(cell, *p)).collect();
    let weights: Vec<f64> = mesh.weights.iter().map(|w| w * half[0] * half[1]).collect();
    let slopes = &mesh.slopes;
    let mut fluxes = Mat::zeros(2 * q, n);
    for (k, (place, w)) in places.iter().zip(&weights).enumerate() {
        let [xx, xy, yy] = coefficient.at(*place).map(|a| w * a);
        for i in 0..n {
            let (x, y) = (slopes[(k, i)], slopes[(q + k, i)]);
            fluxes[(k, i)] = xx * x + xy * y;
            fluxes[(q + k, i)] = xy * x + yy * y;
        }
    }
    let mut matrix = Mat::zeros(n, n);
    matmul(&mut matrix, Accum::Replace, slopes.transpose(), &fluxes, 1.0, Par::Seq);
    let loads: Vec<Vec<[f64; 3]>> = places.iter().map(|p| load(*p)).collect();
    let entry = |i: usize, l: usize| -> f64 {
        let at = |k: usize| {
            let [f, gx, gy] = loads[k][l];
            weights[k] * (f * mesh.table[k][i][0] - gx * slopes[(k, i)] - gy * slopes[(q + k, i)])
        };
        (0..q).map(at).sum()
    };
    let vectors = Mat::from_fn(n, loads[0].len(), entry);
    (matrix, vectors)
}

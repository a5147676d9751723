//! A rectangle of equal cells: elements, numbering, quadrature.

use faer::Mat;

use super::basis::{Basis, locate};
use super::plane::{PlaneBoundary, PlaneElement};
use super::{check_domain, check_mesh};
use crate::legendre::gauss;
use crate::{Error, Result};

/// Most nodes of a mesh.
const MAX_NODES: usize = 4_000_000;

/// Value and reference gradient of one basis function.
type Shape = [f64; 3];

#[derive(Debug, Clone)]
pub(super) struct PlaneMesh {
    pub(super) domain: [[f64; 2]; 2],
    pub(super) cells: [usize; 2],
    pub(super) boundary: PlaneBoundary,
    element: PlaneElement,
    basis: Basis,
    /// Gauss points of the reference cell [−1, 1]², and weights
    pub(super) points: Vec<[f64; 2]>,
    pub(super) weights: Vec<f64>,
    /// `[point][local node]`
    pub(super) table: Vec<Vec<Shape>>,
    /// ∂_x φ of all points, then ∂_y φ, `[2 · points][local node]`
    pub(super) slopes: Mat<f64>,
}

impl PlaneMesh {
    pub(super) fn new(
        domain: [[f64; 2]; 2],
        element: PlaneElement,
        cells: [usize; 2],
        boundary: PlaneBoundary,
    ) -> Result<Self> {
        let degree = match element {
            PlaneElement::P1 => 1,
            PlaneElement::Q(p) => p,
        };
        for (side, n) in domain.iter().zip(cells) {
            check_domain("domain", *side)?;
            check_mesh(degree, n, MAX_NODES)?;
        }
        let nodes = cells.iter().map(|n| n * degree + 1).fold(1, usize::saturating_mul);
        let unknowns = cells.iter().map(|n| n * degree).all(|n| n > 1);
        if nodes > MAX_NODES || !unknowns {
            let expected = format!("at least one inner node, at most {MAX_NODES} nodes");
            return Err(Error::parameter("cells", format!("{cells:?}"), expected, "take a few cells per period"));
        }
        let basis = Basis::new(degree);
        let (points, weights) = quadrature(element);
        let table: Vec<Vec<Shape>> = points.iter().map(|p| shapes(element, &basis, *p)).collect();
        let (q, half) = (points.len(), [0, 1].map(|d| 0.5 * (domain[d][1] - domain[d][0]) / cells[d] as f64));
        let slopes = Mat::from_fn(2 * q, table[0].len(), |row, node| table[row % q][node][1 + row / q] / half[row / q]);
        Ok(PlaneMesh { domain, cells, boundary, element, basis, points, weights, table, slopes })
    }

    /// Half the width of a cell along each axis.
    pub(super) fn half(&self) -> [f64; 2] {
        [0, 1].map(|d| 0.5 * (self.domain[d][1] - self.domain[d][0]) / self.cells[d] as f64)
    }

    /// The point of a cell at `reference` in [−1, 1]².
    pub(super) fn point(&self, cell: usize, reference: [f64; 2]) -> [f64; 2] {
        let place = [cell / self.cells[1], cell % self.cells[1]];
        let half = self.half();
        [0, 1].map(|d| self.domain[d][0] + half[d] * (2.0 * place[d] as f64 + 1.0 + reference[d]))
    }

    /// Nodes along each axis, both ends among them.
    pub(super) fn lattice(&self) -> [usize; 2] {
        self.cells.map(|n| n * self.basis.degree() + 1)
    }

    /// The nodes of a cell in the lattice, in the order of its basis.
    pub(super) fn nodes(&self, cell: usize) -> impl Iterator<Item = usize> + use<> {
        let (p, columns) = (self.basis.degree(), self.lattice()[1]);
        let first = (cell / self.cells[1]) * p * columns + (cell % self.cells[1]) * p;
        (0..=p).flat_map(move |i| (0..=p).map(move |j| first + i * columns + j))
    }

    /// The unknown that each node of the lattice is; `None` where u is fixed at zero.
    pub(super) fn unknowns(&self) -> (Vec<Option<usize>>, usize) {
        let [rows, columns] = self.lattice();
        let periodic = self.boundary == PlaneBoundary::Periodic;
        let (mut numbers, mut count) = (vec![None; rows * columns], 0);
        for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
            let (ends, wrapped) = ([i, j], [i % (rows - 1), j % (columns - 1)]);
            numbers[i * columns + j] = if periodic && ends != wrapped {
                numbers[wrapped[0] * columns + wrapped[1]]
            } else if wrapped[0] == 0 && wrapped[1] == 0 || !periodic && wrapped.contains(&0) {
                None
            } else {
                count += 1;
                Some(count - 1)
            };
        }
        (numbers, count)
    }

    /// The cell that holds a point, and the basis there with true gradients.
    pub(super) fn at(&self, point: [f64; 2]) -> (usize, Vec<Shape>) {
        let place = [0, 1].map(|d| {
            let [a, b] = self.domain[d];
            let x =
                if self.boundary == PlaneBoundary::Periodic { a + (point[d] - a).rem_euclid(b - a) } else { point[d] };
            locate(self.domain[d], self.cells[d], x)
        });
        let half = self.half();
        let mut found = shapes(self.element, &self.basis, place.map(|(_, t)| t));
        found.iter_mut().for_each(|s| *s = [s[0], s[1] / half[0], s[2] / half[1]]);
        (place[0].0 * self.cells[1] + place[1].0, found)
    }
}

/// Every basis function of the reference cell at a point; the second coordinate runs fastest.
fn shapes(element: PlaneElement, basis: &Basis, [s, t]: [f64; 2]) -> Vec<Shape> {
    match element {
        // the diagonal goes from (−1, −1) to (1, 1)
        PlaneElement::P1 if t <= s => {
            vec![[0.5 * (1.0 - s), -0.5, 0.0], [0.0; 3], [0.5 * (s - t), 0.5, -0.5], [0.5 * (1.0 + t), 0.0, 0.5]]
        }
        PlaneElement::P1 => {
            vec![[0.5 * (1.0 - t), 0.0, -0.5], [0.5 * (t - s), -0.5, 0.5], [0.0; 3], [0.5 * (1.0 + s), 0.5, 0.0]]
        }
        PlaneElement::Q(_) => {
            let (along, across) = (basis.at(s), basis.at(t));
            let product = |u: [f64; 2], v: [f64; 2]| [u[0] * v[0], u[1] * v[0], u[0] * v[1]];
            along.iter().flat_map(|u| across.iter().map(move |v| product(*u, *v))).collect()
        }
    }
}

/// Points and weights on [−1, 1]².
fn quadrature(element: PlaneElement) -> (Vec<[f64; 2]>, Vec<f64>) {
    let rule = match element {
        PlaneElement::P1 => gauss(4),
        PlaneElement::Q(p) => gauss(p + 3),
    };
    let axis: Vec<(f64, f64)> = rule.points.iter().copied().zip(rule.weights.iter().copied()).collect();
    let pairs = axis.iter().flat_map(|u| axis.iter().map(move |v| (*u, *v)));
    match element {
        PlaneElement::Q(_) => pairs.map(|((s, v), (t, w))| ([s, t], v * w)).unzip(),
        // each triangle is a square with one side drawn together
        PlaneElement::P1 => pairs
            .flat_map(|((s, v), (t, w))| {
                let (share, weight) = (0.5 * (1.0 + s), 0.5 * (1.0 + s) * v * w);
                let shorter = share * (1.0 + t) - 1.0;
                [([s, shorter], weight), ([shorter, s], weight)]
            })
            .unzip(),
    }
}

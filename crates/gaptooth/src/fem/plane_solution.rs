//! Piecewise polynomials on a rectangle.

use rayon::prelude::*;

use super::plane::PlaneFunction;
use super::plane_mesh::PlaneMesh;

/// A piecewise polynomial on equal cells of a rectangle.
#[derive(Debug, Clone)]
pub struct PlaneSolution {
    pub(super) mesh: PlaneMesh,
    /// values at the lattice of nodes, both ends of each axis among them, the second coordinate fastest
    pub(super) nodal: Vec<f64>,
}

impl PlaneSolution {
    /// u at any points `[x, y]`. Outside a bounded domain the nearest cell's polynomial goes on; a periodic one repeats.
    pub fn values(&self, points: &[[f64; 2]]) -> Vec<f64> {
        points.par_iter().map(|p| self.at(*p)[0]).collect()
    }

    /// ∇u at any points; on the sides of cells that of the cell to the right and above.
    pub fn gradients(&self, points: &[[f64; 2]]) -> Vec<[f64; 2]> {
        let gradient = |p: &[f64; 2]| {
            let [_, x, y] = self.at(*p);
            [x, y]
        };
        points.par_iter().map(gradient).collect()
    }

    /// ‖u‖ in L².
    pub fn norm(&self) -> f64 {
        self.distance(&|_, _| 0.0)
    }

    /// ‖u − v‖ in L², by Gauss quadrature on the cells of u.
    pub fn distance(&self, v: PlaneFunction<'_>) -> f64 {
        self.integral(&|[x, y], u| (u - v(x, y)).powi(2)).sqrt()
    }

    /// ‖u − v‖ of two solutions, by quadrature on the cells of u.
    pub fn distance_to(&self, v: &PlaneSolution) -> f64 {
        self.distance(&|x, y| v.at([x, y])[0])
    }

    /// Nodes, and so unknowns but for the sides.
    pub fn size(&self) -> usize {
        self.nodal.len()
    }

    /// ∫ f(point, u) over the domain.
    pub(super) fn integral(&self, f: &(dyn Fn([f64; 2], f64) -> f64 + Sync)) -> f64 {
        let half = self.mesh.half();
        let on = |cell: usize| -> f64 {
            let values: Vec<f64> = self.mesh.nodes(cell).map(|node| self.nodal[node]).collect();
            let quadrature = self.mesh.points.iter().zip(&self.mesh.weights).zip(&self.mesh.table);
            let term = |((p, w), shapes): ((&[f64; 2], &f64), &Vec<[f64; 3]>)| {
                let u = shapes.iter().zip(&values).map(|(s, u)| s[0] * u).sum();
                w * f(self.mesh.point(cell, *p), u)
            };
            half[0] * half[1] * quadrature.map(term).sum::<f64>()
        };
        let cells = self.mesh.cells[0] * self.mesh.cells[1];
        let parts: Vec<f64> = (0..cells).into_par_iter().map(on).collect();
        parts.iter().sum()
    }

    /// Value and gradient.
    fn at(&self, point: [f64; 2]) -> [f64; 3] {
        let (cell, shapes) = self.mesh.at(point);
        let nodal = self.mesh.nodes(cell).map(|node| self.nodal[node]);
        shapes.iter().zip(nodal).fold([0.0; 3], |sum, (s, u)| [0, 1, 2].map(|k| sum[k] + s[k] * u))
    }
}

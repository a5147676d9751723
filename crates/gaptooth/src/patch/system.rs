//! A microscale model on coupled patches, as one system of ordinary differential equations.

use super::{
    MicroModel,
    coupling::{Coupling, EdgeWeights},
    grid::PatchGrid,
};
use crate::{Error, Result, linalg::Tridiagonal, ode::OdeSystem};

/// The interior points of all patches as an [`OdeSystem`]: fill the edges by the coupling, then let the
/// model write du/dt patch by patch.
///
/// The state is `[n_patch, n_sub − 2 n_edge]`, row by row. [`PatchSystem::extend`] adds the edges. One
/// right-hand side costs one pass of the model over all points, plus one pass over the coupling weights.
///
/// ```
/// use gaptooth::patch::{coupling::Coupling, grid::*, lattice::LatticeDiffusion, system::PatchSystem};
/// let shape = PatchShape::from_ratio(0.1, 1.0 / 7.0, Source::NextToEdge, 5, 1)?;
/// let grid = PatchGrid::line(PatchAxis::periodic([0.0, 1.0], 7, shape)?);
/// let model = LatticeDiffusion::new(vec![2.0, 0.5, 1.0])?;
/// let coupling = Coupling::Spectral { source: Source::NextToEdge };
/// let system = PatchSystem::new(model, grid, coupling, [0.0, 0.0])?;
/// use gaptooth::ode::OdeSystem;
/// let (u, mut du) = (vec![3.0; system.dim()], vec![1.0; system.dim()]);
/// system.rhs_into(0.0, &u, &mut du);
/// assert!(du.iter().all(|v| v.abs() < 1e-8));
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PatchSystem<M> {
    model: M,
    grid: PatchGrid,
    coupling: Coupling,
    weights: EdgeWeights,
    ends: [f64; 2],
}

impl<M: MicroModel> PatchSystem<M> {
    /// `model` on the patches of `grid`. `ends` are the fixed values at the two ends of a
    /// [`crate::grid::Boundary::Dirichlet`] domain, without effect on others.
    ///
    /// # Errors
    /// As [`Coupling::weights`]; [`Error::Parameter`] for ends that are not finite.
    pub fn new(model: M, grid: PatchGrid, coupling: Coupling, ends: [f64; 2]) -> Result<Self> {
        if ends.iter().any(|e| !e.is_finite()) {
            let found = format!("{ends:?}");
            return Err(Error::parameter("boundary values", found, "two finite numbers", "write [0.0, 0.0]"));
        }
        let weights = coupling.weights(grid.axis(0))?;
        Ok(PatchSystem { model, grid, coupling, weights, ends })
    }

    /// The microscale model.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The patches.
    pub fn grid(&self) -> &PatchGrid {
        &self.grid
    }

    /// The coupling.
    pub fn coupling(&self) -> &Coupling {
        &self.coupling
    }

    /// The coupling's weights.
    pub fn weights(&self) -> &EdgeWeights {
        &self.weights
    }

    /// The positions of the state's points.
    pub fn positions(&self) -> Vec<f64> {
        self.restrict_to_interior(self.grid.axis(0).x())
    }

    /// The state with its edges: `[n_patch, n_sub]`.
    ///
    /// # Panics
    /// If `u` is not as long as [`OdeSystem::dim`].
    pub fn extend(&self, u: &[f64]) -> Vec<f64> {
        self.extend_with(u, self.ends)
    }

    /// The interior of a field `[n_patch, n_sub]`: the inverse of [`PatchSystem::extend`] up to the edges.
    ///
    /// # Panics
    /// If `field` is not as long as the microscale points.
    pub fn restrict_to_interior(&self, field: &[f64]) -> Vec<f64> {
        let shape = self.grid.axis(0).shape();
        assert_eq!(field.len(), self.grid.n_patch() * shape.n_sub(), "field and patches differ");
        field.chunks(shape.n_sub()).flat_map(|u| &u[shape.interior()]).copied().collect()
    }

    fn extend_with(&self, u: &[f64], ends: [f64; 2]) -> Vec<f64> {
        assert_eq!(u.len(), self.dim(), "state and patches differ");
        let shape = self.grid.axis(0).shape();
        let mut full = vec![0.0; self.grid.n_patch() * shape.n_sub()];
        for (full, u) in full.chunks_mut(shape.n_sub()).zip(u.chunks(shape.interior().len())) {
            full[shape.interior()].copy_from_slice(u);
        }
        self.weights.fill(ends, &mut full);
        full
    }

    /// The Jacobian's bands in each patch, before the coupling is put in: one [`Tridiagonal`] per patch,
    /// whose rows are the points 1 … n_sub − 2.
    fn bands(&self, t: f64, u: &[f64]) -> impl Iterator<Item = Tridiagonal> {
        let n_sub = self.grid.axis(0).shape().n_sub();
        let full = self.extend(u);
        (0..self.grid.n_patch()).map(move |index| {
            let mut bands = Tridiagonal::zeros(n_sub - 2);
            let u = &full[index * n_sub..(index + 1) * n_sub];
            self.model.jacobian_into(&self.grid.patch(index), t, u, &mut bands);
            bands
        })
    }
}

impl<M: MicroModel> OdeSystem for PatchSystem<M> {
    fn dim(&self) -> usize {
        self.grid.n_patch() * self.grid.axis(0).shape().interior().len()
    }

    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        let shape = self.grid.axis(0).shape();
        let full = self.extend(u);
        let mut patch_du = vec![0.0; shape.n_sub()];
        let outputs = du.chunks_mut(shape.interior().len());
        for (index, (u, out)) in full.chunks(shape.n_sub()).zip(outputs).enumerate() {
            self.model.rhs_into(&self.grid.patch(index), t, u, &mut patch_du);
            out.copy_from_slice(&patch_du[shape.interior()]);
        }
    }

    fn jvp_into(&self, t: f64, u: &[f64], v: &[f64], jv: &mut [f64]) {
        let shape = self.grid.axis(0).shape();
        let full = self.extend_with(v, [0.0, 0.0]);
        let outputs = jv.chunks_mut(shape.interior().len());
        for ((bands, v), out) in self.bands(t, u).zip(full.chunks(shape.n_sub())).zip(outputs) {
            for (o, i) in out.iter_mut().zip(shape.interior()) {
                *o = bands.lower[i - 1] * (v[i - 1] - v[i])
                    + bands.upper[i - 1] * (v[i + 1] - v[i])
                    + bands.row_sum[i - 1] * v[i];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        grid::Boundary,
        patch::{
            grid::{PatchAxis, PatchShape, Placement, Source},
            lattice::LatticeDiffusion,
        },
    };

    fn systems() -> Vec<PatchSystem<LatticeDiffusion>> {
        let shape = PatchShape::new(7, 1, 0.01).unwrap();
        let periodic = PatchAxis::periodic([0.0, 1.0], 7, shape).unwrap();
        let bounded = |b| PatchAxis::bounded([0.0, 1.0], b, 7, Placement::Equispaced, shape).unwrap();
        let polynomial = Coupling::Polynomial { order: 4, source: Source::NextToEdge };
        let slope = Coupling::Slope { degree: 4, period: 3 };
        let layers = PatchAxis::periodic([0.0, 1.0], 7, PatchShape::new(10, 2, 0.01).unwrap()).unwrap();
        [
            (periodic.clone(), Coupling::Spectral { source: Source::NextToEdge }),
            (periodic, slope),
            (layers, polynomial),
            (bounded(Boundary::Dirichlet), polynomial),
            (bounded(Boundary::Neumann), polynomial),
            (bounded(Boundary::Dirichlet), slope),
            (bounded(Boundary::Neumann), slope),
        ]
        .into_iter()
        .map(|(axis, coupling)| {
            let model = LatticeDiffusion::new(vec![1.0, 0.4, 2.0]).unwrap();
            PatchSystem::new(model, PatchGrid::line(axis), coupling, [0.7, 0.7]).unwrap()
        })
        .collect()
    }

    #[test]
    fn constants_are_equilibria_of_every_coupling_and_boundary() {
        for system in systems() {
            let u = vec![0.7; system.dim()];
            let mut du = vec![1.0; system.dim()];
            system.rhs_into(0.0, &u, &mut du);
            assert!(du.iter().all(|v| v.abs() < 1e-8), "{:?}", system.coupling());
        }
    }

    #[test]
    fn jacobian_product_and_right_hand_side_agree() {
        for system in systems() {
            let n = system.dim();
            let u: Vec<f64> = (0..n).map(|i| (1.7 * i as f64).sin()).collect();
            let v: Vec<f64> = (0..n).map(|i| (0.9 * i as f64).cos()).collect();
            let (mut f0, mut f1, mut jv) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
            system.rhs_into(0.0, &u, &mut f0);
            let moved: Vec<f64> = u.iter().zip(&v).map(|(u, v)| u + v).collect();
            system.rhs_into(0.0, &moved, &mut f1);
            system.jvp_into(0.0, &u, &v, &mut jv);
            // the system is linear, so the difference is exact
            assert!((0..n).all(|i| (f1[i] - f0[i] - jv[i]).abs() < 1e-8), "{:?}", system.coupling());
        }
    }

    #[test]
    fn interior_and_edges_come_apart_and_together() {
        for system in systems() {
            let u: Vec<f64> = (0..system.dim()).map(|i| i as f64).collect();
            assert_eq!(system.restrict_to_interior(&system.extend(&u)), u);
            assert_eq!(system.positions().len(), system.dim());
        }
    }
}

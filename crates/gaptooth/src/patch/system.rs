//! A microscale model on coupled patches, as one system of ordinary differential equations.

use std::sync::Mutex;

use super::{
    MicroModel, Patch,
    coupling::{Coupling, EdgeWeights, Sweep},
    ensemble::Ensemble,
    field::{PatchField, PatchFieldMut, Place, Places},
    grid::PatchGrid,
    sparsity::Pattern,
};
use crate::{Error, Result, grid::points, ode::OdeSystem};

/// A microscale model on all patches of a [`PatchGrid`] at once, in D = 1, 2 or 3 dimensions.
///
/// It writes at interior points and reads as far as the edges reach: n_edge points. Slices hold all patches, so a loop over a slice
/// is a loop over patches.
///
/// ```
/// use gaptooth::patch::{PatchGrid, PatchModel, field::{PatchField, PatchFieldMut}};
/// /// Burgers' equation u_t = u_xx − u u_x by central differences.
/// struct Burgers;
/// impl PatchModel<1> for Burgers {
///     fn rhs_into(&self, grid: &PatchGrid<1>, _t: f64, u: PatchField<'_, 1>, du: &mut PatchFieldMut<'_, 1>) {
///         let d = grid.axis(0).shape().spacing();
///         for [i] in grid.interior() {
///             let (west, here, east) = (u.at(0, [i - 1]), u.at(0, [i]), u.at(0, [i + 1]));
///             for (p, du) in du.at(0, [i]).iter_mut().enumerate() {
///                 *du = (east[p] - 2.0 * here[p] + west[p]) / (d * d) - here[p] * (east[p] - west[p]) / (2.0 * d);
///             }
///         }
///     }
/// }
/// ```
pub trait PatchModel<const D: usize>: Sync {
    /// Writes du/dt at every interior point of `du`.
    fn rhs_into(&self, grid: &PatchGrid<D>, t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>);

    /// Values per microscale point.
    fn fields(&self) -> usize {
        1
    }

    /// Whether the model reads points that are edges in two directions or more, as a mixed derivative does.
    fn reads_corners(&self) -> bool {
        true
    }

    /// Points that it reads beyond an interior point in each direction: patches need as many edge layers.
    fn reach(&self) -> usize {
        1
    }

    /// Whether one end condition may serve every field; fields that alternate in parity about an end need a periodic domain.
    fn fields_alike_at_ends(&self) -> bool {
        true
    }

    /// True when du/dt = L u + g(t): then a Jacobian–vector product is L v.
    fn is_affine(&self) -> bool {
        false
    }
}

/// A model of single patches on a line, [`MicroModel`], as a model of all patches.
#[derive(Debug, Clone)]
pub struct PatchByPatch<M>(pub M);

impl<M: MicroModel> PatchModel<1> for PatchByPatch<M> {
    fn rhs_into(&self, grid: &PatchGrid<1>, t: f64, u: PatchField<'_, 1>, du: &mut PatchFieldMut<'_, 1>) {
        let axis = grid.axis(0);
        let n = axis.shape().n_sub();
        let (mut one, mut slope) = (vec![0.0; n], vec![0.0; n]);
        for index in 0..axis.n_patch() {
            one.iter_mut().enumerate().for_each(|(i, v)| *v = u.at(0, [i])[index]);
            let patch = Patch { index, x: &axis.x()[index * n..(index + 1) * n], spacing: axis.shape().spacing() };
            self.0.rhs_into(&patch, t, &one, &mut slope);
            axis.shape().interior().for_each(|i| du.at(0, [i])[index] = slope[i]);
        }
    }
}

/// The interior points of all patches as an [`OdeSystem`]: fill the edges by the coupling, then let the model write du/dt.
///
/// The state is `[field][interior points …][member][n_patch …]`, the last index fastest (see [`super::field`]).
///
/// ```
/// use gaptooth::{ode::OdeSystem, patch::{Coupling, PatchGrid, PatchSystem, grid::*, lattice::LatticeDiffusion}};
/// let shape = PatchShape::from_ratio(0.1, 1.0 / 7.0, Source::NextToEdge, 5, 1)?;
/// let axis = PatchAxis::periodic([0.0, 1.0], 7, shape)?;
/// let model = LatticeDiffusion::line(vec![2.0, 0.5, 1.0])?;
/// let coupling = Coupling::Spectral { source: Source::NextToEdge };
/// let system = PatchSystem::new(model, PatchGrid::line(axis), coupling)?;
/// let (u, mut du) = (vec![3.0; system.dim()], vec![1.0; system.dim()]);
/// system.rhs_into(0.0, &u, &mut du);
/// assert!(du.iter().all(|v| v.abs() < 1e-8));
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PatchSystem<const D: usize, M> {
    model: M,
    grid: PatchGrid<D>,
    coupling: Coupling,
    weights: [EdgeWeights; D],
    sweeps: [Sweep; D],
    ensemble: Ensemble<D>,
    places: Places<D>,
    ends: [[f64; 2]; D],
    scratch: Scratch,
}

/// Edge buffers for the next right-hand sides: fresh pages would cost as much as a sweep.
#[derive(Debug, Default)]
struct Scratch(Mutex<Vec<Vec<f64>>>);

impl Clone for Scratch {
    fn clone(&self) -> Self {
        Scratch::default()
    }
}

impl Scratch {
    /// A buffer with anything in it.
    fn take(&self) -> Vec<f64> {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).pop().unwrap_or_default()
    }

    fn give_back(&self, buffer: Vec<f64>) {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).push(buffer);
    }
}

impl<const D: usize, M: PatchModel<D>> PatchSystem<D, M> {
    /// `model` on the patches of `grid`, coupled alike in every direction; Dirichlet ends hold zero.
    ///
    /// # Errors
    /// As [`Coupling::weights`]; [`Error::Parameter`] for fewer edge layers than the model reads, and for a bounded domain where the model's
    /// fields need different conditions at an end.
    pub fn new(model: M, grid: PatchGrid<D>, coupling: Coupling) -> Result<Self> {
        let (layers, reach) = ((0..D).map(|d| grid.axis(d).shape().n_edge()).min().unwrap_or(0), model.reach());
        if layers < reach {
            let expected = format!("{reach} edge layers, as far as the model reads");
            return Err(Error::parameter("n_edge", layers, expected, "give the patches more edge layers"));
        }
        if !model.fields_alike_at_ends() && (0..D).any(|d| !grid.axis(d).is_periodic()) {
            let advice = "use a periodic domain, or the second-order form of the equation";
            return Err(Error::parameter("ends", "a bounded domain", "a periodic one for this model", advice));
        }
        let mut weights = Vec::with_capacity(D);
        for d in 0..D {
            weights.push(coupling.weights(grid.axis(d))?);
        }
        let weights: [EdgeWeights; D] = weights.try_into().unwrap_or_else(|_| unreachable!("one per direction"));
        let sweeps = std::array::from_fn(|d| Sweep::new(grid.axis(d), &weights[d]));
        let places = Places::new(&grid, 1);
        Ok(PatchSystem {
            model,
            grid,
            coupling,
            weights,
            sweeps,
            ensemble: Ensemble::SINGLE,
            places,
            ends: [[0.0; 2]; D],
            scratch: Scratch::default(),
        })
    }

    /// The same with the fixed values `ends[direction] = [first, last]` at [`crate::grid::Boundary::Dirichlet`] ends.
    ///
    /// # Errors
    /// [`Error::Parameter`] for values that are not finite.
    pub fn with_ends(mut self, ends: [[f64; 2]; D]) -> Result<Self> {
        if ends.iter().flatten().any(|e| !e.is_finite()) {
            let found = format!("{ends:?}");
            return Err(Error::parameter("boundary values", found, "finite numbers", "write [0.0, 0.0]"));
        }
        self.ends = ends;
        Ok(self)
    }

    /// The same with every phase shift of the medium in one state; the model must know its members' shifts.
    ///
    /// # Errors
    /// [`Error::Parameter`] with [`Coupling::Slope`], which averages over whole periods instead, and for shifts along a bounded
    /// axis of cell-centred patches: their mirror images carry shifts of another medium.
    pub fn with_ensemble(mut self, ensemble: Ensemble<D>) -> Result<Self> {
        let shifted = ensemble.periods().iter().any(|p| *p > 1);
        if shifted && matches!(self.coupling, Coupling::Slope { .. }) {
            let advice = "use the spectral or a polynomial coupling";
            return Err(Error::parameter("ensemble", "with slope coupling", "an interpolating coupling", advice));
        }
        let mirrored = |d: usize| !self.grid.axis(d).is_periodic() && self.grid.axis(d).is_cell_centred();
        if let Some(d) = (0..D).find(|&d| ensemble.periods()[d] > 1 && mirrored(d)) {
            let found = format!("{:?} shifts with mirror images in direction {d}", ensemble.periods());
            let advice = "let the period divide n_sub − 2 n_edge, or place the patches otherwise";
            return Err(Error::parameter("ensemble", found, "one shift in that direction", advice));
        }
        self.places = Places::new(&self.grid, ensemble.len());
        self.ensemble = ensemble;
        Ok(self)
    }

    /// The microscale model.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The patches.
    pub fn grid(&self) -> &PatchGrid<D> {
        &self.grid
    }

    /// The coupling.
    pub fn coupling(&self) -> &Coupling {
        &self.coupling
    }

    /// The coupling's weights in each direction.
    pub fn weights(&self) -> &[EdgeWeights; D] {
        &self.weights
    }

    /// The fixed values at Dirichlet ends.
    pub fn ends(&self) -> [[f64; 2]; D] {
        self.ends
    }

    /// The members of each patch.
    pub fn ensemble(&self) -> &Ensemble<D> {
        &self.ensemble
    }

    /// The state whose value at each point is `value(field, position, member)`.
    pub fn sample(&self, value: impl Fn(usize, [f64; D], usize) -> f64) -> Vec<f64> {
        let mut state = Vec::with_capacity(self.dim());
        for field in 0..self.model.fields() {
            for point in self.grid.interior() {
                let x: [Vec<f64>; D] = std::array::from_fn(|d| self.grid.positions(d, point[d]));
                for member in 0..self.ensemble.len() {
                    for patch in 0..self.grid.n_patch() {
                        state.push(value(field, std::array::from_fn(|d| x[d][patch]), member));
                    }
                }
            }
        }
        state
    }

    /// The state with its edges filled, `[field][n_sub …][member][n_patch …]`; corners that the model does not read are zero.
    ///
    /// # Panics
    /// If `u` is not as long as [`OdeSystem::dim`].
    pub fn extend(&self, u: &[f64]) -> Vec<f64> {
        let edges = self.fill(u, self.ends, Vec::new());
        let field = PatchField { places: &self.places, interior: u, edges: &edges };
        let all = points(self.grid.n_sub().map(|n| 0..n)).collect::<Vec<_>>();
        (0..self.model.fields()).flat_map(|f| all.iter().flat_map(move |&p| field.at(f, p).iter().copied())).collect()
    }

    /// One microscale profile per patch from a field with edges or without: `[n_patch …][points …]`, for one field and one member.
    ///
    /// # Panics
    /// If `values` does not hold a whole number of points of every patch.
    pub fn by_patch(&self, values: &[f64]) -> Vec<Vec<f64>> {
        let n = self.grid.n_patch();
        assert!(values.len().is_multiple_of(n), "values and patches differ");
        (0..n).map(|p| values.chunks(n).map(|lanes| lanes[p]).collect()).collect()
    }

    /// The edges of every field, direction by direction: later ones include the edges that earlier ones filled. Corners that the
    /// model does not read keep what `buffer` held.
    fn fill(&self, u: &[f64], ends: [[f64; 2]; D], buffer: Vec<f64>) -> Vec<f64> {
        assert_eq!(u.len(), self.dim(), "state and patches differ");
        let mut edges = buffer;
        edges.resize(self.model.fields() * self.places.edges_len(), 0.0);
        let inner_len = self.places.interior_len();
        let mut copy = Vec::new();
        for (f, edges) in edges.chunks_exact_mut(self.places.edges_len()).enumerate() {
            let u = &u[f * inner_len..(f + 1) * inner_len];
            for (d, ends) in ends.iter().enumerate() {
                self.sweep(d, *ends, u, edges, &mut copy);
            }
        }
        edges
    }

    fn sweep(&self, d: usize, ends: [f64; 2], u: &[f64], edges: &mut [f64], copy: &mut Vec<f64>) {
        let lanes = self.places.lanes();
        let corners = self.model.reads_corners();
        let mut ranges = std::array::from_fn(|k| {
            let shape = self.grid.axis(k).shape();
            if k < d && corners { 0..shape.n_sub() } else { shape.interior() }
        });
        ranges[d] = 0..1;
        let axes = |r: std::ops::Range<usize>| r.map(|k| self.grid.axis(k).n_patch()).product::<usize>();
        let (outer, n, inner) = (axes(0..d), axes(d..d + 1), axes(d + 1..D));
        let block = n * inner;
        for mut point in points(ranges) {
            for layer in self.sweeps[d].layers() {
                point[d] = layer.edge;
                let Place::Edge(target) = self.places.place(point) else { unreachable!("layers are edges") };
                if layer.sources.is_empty() {
                    edges[target * lanes..][..lanes].fill(0.0);
                }
                for (number, (source, matrix)) in layer.sources.iter().enumerate() {
                    point[d] = *source;
                    let from = match self.places.place(point) {
                        Place::Interior(k) => &u[k * lanes..][..lanes],
                        Place::Edge(k) => {
                            copy.clear();
                            copy.extend_from_slice(&edges[k * lanes..][..lanes]);
                            copy.as_slice()
                        }
                    };
                    let to = &mut edges[target * lanes..][..lanes];
                    if self.ensemble.periods()[d] == 1 {
                        matrix.apply(inner, from, number > 0, to);
                        continue;
                    }
                    for member in 0..self.ensemble.len() {
                        let other = self.ensemble.source(member, d, layer.edge, *source);
                        let (at, other) = (member * outer * block, other * outer * block);
                        let to = &mut to[at..at + outer * block];
                        matrix.apply(inner, &from[other..other + outer * block], number > 0, to);
                    }
                }
                for &(patch, end, weight) in &layer.ends {
                    let to = &mut edges[target * lanes..][..lanes];
                    for line in to.chunks_exact_mut(block) {
                        line[patch * inner..(patch + 1) * inner].iter_mut().for_each(|v| *v += weight * ends[end]);
                    }
                }
            }
        }
    }

    fn apply(&self, t: f64, u: &[f64], ends: [[f64; 2]; D], du: &mut [f64]) {
        self.with_edges(u, ends, du, |u, du| self.model.rhs_into(&self.grid, t, u, du));
    }

    /// Fills the edges of `u` and lets `write` fill `out`, as long as `u`.
    pub(super) fn with_edges(
        &self,
        u: &[f64],
        ends: [[f64; 2]; D],
        out: &mut [f64],
        write: impl FnOnce(PatchField<'_, D>, &mut PatchFieldMut<'_, D>),
    ) {
        let edges = self.fill(u, ends, self.scratch.take());
        let field = PatchField { places: &self.places, interior: u, edges: &edges };
        write(field, &mut PatchFieldMut { places: &self.places, interior: out });
        self.scratch.give_back(edges);
    }
}

impl<const D: usize, M: PatchModel<D>> OdeSystem for PatchSystem<D, M> {
    fn dim(&self) -> usize {
        self.model.fields() * self.places.interior_len()
    }

    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        self.apply(t, u, self.ends, du);
    }

    fn jvp_into(&self, t: f64, u: &[f64], v: &[f64], jv: &mut [f64]) {
        if !self.model.is_affine() {
            return crate::ode::central_difference(self, t, u, v, jv);
        }
        let zero = [[0.0; 2]; D];
        let mut constant = vec![0.0; v.len()];
        self.apply(t, &vec![0.0; v.len()], zero, &mut constant);
        self.apply(t, v, zero, jv);
        jv.iter_mut().zip(&constant).for_each(|(j, c)| *j -= c);
    }
    /// From the coupling's weights and the model's reach: a few points a row with polynomial coupling, a row of patches with spectral.
    fn sparsity(&self) -> Option<Vec<(usize, usize)>> {
        let pattern = Pattern {
            grid: &self.grid,
            weights: &self.weights,
            ensemble: &self.ensemble,
            places: &self.places,
            fields: self.model.fields(),
            reach: self.model.reach(),
            corners: self.model.reads_corners(),
        };
        Some(pattern.entries())
    }
}

//! The state of all patches at once, laid out so that a model's loops run over patches.
//!
//! Every value belongs to a field, a microscale point of a patch (the same in all patches), a member of the ensemble and a
//! patch: `[field][n_sub_1 … n_sub_D][member][n_patch_1 … n_patch_D]`, the last index fastest. The values of one field at one
//! microscale point, over all members and patches, are one contiguous slice: the *lanes*. Interior and edges are kept apart, so
//! that the state of an ODE solver is read where it lies.

use super::PatchGrid;
use crate::grid::points;

/// Where the lanes of each microscale point lie.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Places<const D: usize> {
    n_sub: [usize; D],
    lanes: usize,
    interior: usize,
    edges: usize,
    places: Vec<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// number of an interior point
    Interior(usize),
    /// number of an edge point
    Edge(usize),
}

impl<const D: usize> Places<D> {
    pub(super) fn new(grid: &PatchGrid<D>, members: usize) -> Self {
        let n_sub = grid.n_sub();
        let (mut interior, mut edges) = (0, 0);
        let places = points(n_sub.map(|n| 0..n))
            .map(|point| {
                let inside = (0..D).all(|d| grid.axis(d).shape().interior().contains(&point[d]));
                let count = if inside { &mut interior } else { &mut edges };
                *count += 1;
                if inside { Place::Interior(*count - 1) } else { Place::Edge(*count - 1) }
            })
            .collect();
        Places { n_sub, lanes: members * grid.n_patch(), interior, edges, places }
    }

    pub(super) fn lanes(&self) -> usize {
        self.lanes
    }

    /// Length of the interior of one field.
    pub(super) fn interior_len(&self) -> usize {
        self.interior * self.lanes
    }

    /// Length of the edges of one field.
    pub(super) fn edges_len(&self) -> usize {
        self.edges * self.lanes
    }

    pub(super) fn place(&self, point: [usize; D]) -> Place {
        debug_assert!((0..D).all(|d| point[d] < self.n_sub[d]), "no point {point:?} in a patch of {:?}", self.n_sub);
        self.places[(0..D).fold(0, |index, d| index * self.n_sub[d] + point[d])]
    }
}

/// Values at every point of every patch, edges filled.
#[derive(Debug, Clone, Copy)]
pub struct PatchField<'a, const D: usize> {
    pub(super) places: &'a Places<D>,
    pub(super) interior: &'a [f64],
    pub(super) edges: &'a [f64],
}

impl<'a, const D: usize> PatchField<'a, D> {
    /// The values of `field` at microscale point `point` (0 … n_sub − 1 in each direction), `[member][n_patch …]`.
    ///
    /// # Panics
    /// If there is no such point or field.
    pub fn at(&self, field: usize, point: [usize; D]) -> &'a [f64] {
        let lanes = self.places.lanes;
        match self.places.place(point) {
            Place::Interior(k) => &self.interior[(field * self.places.interior + k) * lanes..][..lanes],
            Place::Edge(k) => &self.edges[(field * self.places.edges + k) * lanes..][..lanes],
        }
    }
}

/// Values at the interior points, to be written.
#[derive(Debug)]
pub struct PatchFieldMut<'a, const D: usize> {
    pub(super) places: &'a Places<D>,
    pub(super) interior: &'a mut [f64],
}

impl<const D: usize> PatchFieldMut<'_, D> {
    /// The values of `field` at the interior point `point`, counted as in [`PatchField::at`].
    ///
    /// # Panics
    /// If the point is an edge, or there is no such point or field.
    pub fn at(&mut self, field: usize, point: [usize; D]) -> &mut [f64] {
        let lanes = self.places.lanes;
        match self.places.place(point) {
            Place::Interior(k) => &mut self.interior[(field * self.places.interior + k) * lanes..][..lanes],
            Place::Edge(_) => panic!("point {point:?} is an edge: the coupling fills it"),
        }
    }
}

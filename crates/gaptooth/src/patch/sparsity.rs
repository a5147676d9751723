//! Where the Jacobian of coupled patches may be non-zero: the coupling's weights followed through the sweeps, then the model's reach.

use super::{
    PatchGrid,
    coupling::EdgeWeights,
    ensemble::Ensemble,
    field::{Place, Places},
};
use crate::grid::points;

/// What the pattern depends on.
pub(super) struct Pattern<'a, const D: usize> {
    pub(super) grid: &'a PatchGrid<D>,
    pub(super) weights: &'a [EdgeWeights; D],
    pub(super) ensemble: &'a Ensemble<D>,
    pub(super) places: &'a Places<D>,
    pub(super) fields: usize,
    pub(super) reach: usize,
    pub(super) corners: bool,
}

/// For every lane of one microscale point, the interior values of a field that its value is made of, ascending.
type Sources = Vec<Vec<usize>>;

impl<const D: usize> Pattern<'_, D> {
    /// The (row, column) pairs: every field of a point may depend on every field within the model's reach.
    pub(super) fn entries(&self) -> Vec<(usize, usize)> {
        let (lanes, length) = (self.places.lanes(), self.places.interior_len());
        let sources = self.sources();
        let mut entries = Vec::new();
        for point in self.grid.interior() {
            let Place::Interior(k) = self.places.place(point) else { unreachable!("interior points") };
            let near: Vec<&Sources> = self.near(point).map(|q| &sources[self.number(q)]).collect();
            for lane in 0..lanes {
                for column in union(near.iter().map(|s| &s[lane])) {
                    for (row, other) in points([0..self.fields, 0..self.fields]).map(|[a, b]| (a, b)) {
                        entries.push((row * length + k * lanes + lane, other * length + column));
                    }
                }
            }
        }
        entries
    }

    /// The points that the model reads for du/dt at `point`: a box, or a star if it reads no corners.
    fn near(&self, point: [usize; D]) -> impl Iterator<Item = [usize; D]> {
        let (reach, corners) = (self.reach, self.corners);
        points(point.map(|i| i - reach..i + reach + 1))
            .filter(move |q| corners || (0..D).filter(|&d| q[d] != point[d]).count() <= 1)
    }

    fn number(&self, point: [usize; D]) -> usize {
        point.iter().zip(self.grid.n_sub()).fold(0, |number, (i, n)| number * n + i)
    }

    /// Interior points are their own source; edges follow direction by direction, as the coupling fills them.
    fn sources(&self) -> Vec<Sources> {
        let lanes = self.places.lanes();
        let all = points(self.grid.n_sub().map(|n| 0..n));
        let own = |point| match self.places.place(point) {
            Place::Interior(k) => (0..lanes).map(|lane| vec![k * lanes + lane]).collect(),
            Place::Edge(_) => vec![Vec::new(); lanes],
        };
        let mut sources: Vec<Sources> = all.map(own).collect();
        for d in 0..D {
            let n_sub = self.grid.n_sub()[d];
            for (e, edge) in self.weights[d].edges().iter().enumerate() {
                let from: Vec<(usize, usize)> =
                    self.weights[d].point_weights(e).iter().map(|(p, _)| (p / n_sub, p % n_sub)).collect();
                self.fill(d, (edge.point / n_sub, edge.point % n_sub), &from, &mut sources);
            }
        }
        sources
    }

    /// The edge `(patch, layer)` of direction `d` in all rows across it.
    fn fill(&self, d: usize, (patch, layer): (usize, usize), from: &[(usize, usize)], sources: &mut [Sources]) {
        let mut ranges = std::array::from_fn(|k| {
            let shape = self.grid.axis(k).shape();
            if k < d && self.corners { 0..shape.n_sub() } else { shape.interior() }
        });
        ranges[d] = layer..layer + 1;
        let patches: [usize; D] = std::array::from_fn(|k| self.grid.axis(k).n_patch());
        let lane = |member: usize, at: [usize; D]| (0..D).fold(member, |lane, k| lane * patches[k] + at[k]);
        let mut across = patches.map(|n| 0..n);
        across[d] = patch..patch + 1;
        for mut point in points(ranges) {
            let target = self.number(point);
            for (member, mut at) in (0..self.ensemble.len()).flat_map(|m| points(across.clone()).map(move |at| (m, at)))
            {
                let to = lane(member, at);
                let found = union(from.iter().map(|&(patch, layer_from)| {
                    (point[d], at[d]) = (layer_from, patch);
                    &sources[self.number(point)][lane(self.ensemble.source(member, d, layer, layer_from), at)]
                }));
                sources[target][to] = found;
            }
        }
    }
}

fn union<'a>(sets: impl Iterator<Item = &'a Vec<usize>>) -> Vec<usize> {
    let mut all: Vec<usize> = sets.flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

//! Which voxels conduct from face to face, and a tree along which a wrong flux can be led away.

use std::collections::VecDeque;

use super::lattice::Lattice;

/// No parent: the voxel does not conduct, or is a root.
pub(super) const NONE: u8 = 6;
/// Conductivities within a factor of two of one another are alike to the tree.
const BUCKETS: usize = 64;

/// A spanning forest of the conducting voxels, joined through faces, along the best conducting of these.
pub(super) struct Forest {
    /// conducting voxels, parents before children
    pub(super) order: Vec<u32>,
    /// the way to the parent: 2·axis for back, 2·axis + 1 for forward
    pub(super) parent: Vec<u8>,
    /// number of the tree of each conducting voxel
    pub(super) tree: Vec<u32>,
    /// along which axes each tree meets its own periodic copies
    pub(super) winds: Vec<[bool; 3]>,
    /// voxels of each tree
    pub(super) sizes: Vec<usize>,
}

impl Forest {
    /// Prim's tree from one voxel after another, by buckets.
    pub(super) fn new(lattice: &Lattice, a: &[f64]) -> Self {
        let largest = a.iter().fold(0.0f64, |m, a| m.max(*a));
        let bucket = |a: f64| ((largest / a).log2().max(0.0) as usize).min(BUCKETS - 1) as u8;
        let class: Vec<u8> = a.iter().map(|a| if *a > 0.0 { bucket(*a) } else { u8::MAX }).collect();
        let n = a.len();
        let mut forest = Forest {
            order: Vec::with_capacity(n),
            parent: vec![NONE; n],
            tree: vec![u32::MAX; n],
            winds: vec![],
            sizes: vec![],
        };
        let mut growth =
            Growth { best: vec![u8::MAX; n], copies: vec![[0; 3]; n], queues: vec![VecDeque::new(); BUCKETS] };
        for root in 0..n {
            if a[root] > 0.0 && forest.tree[root] == u32::MAX {
                forest.grow(lattice, &class, root, &mut growth);
            }
        }
        forest
    }

    fn grow(&mut self, lattice: &Lattice, class: &[u8], root: usize, growth: &mut Growth) {
        let number = self.winds.len() as u32;
        let (mut winds, mut size) = ([false; 3], 0);
        growth.best[root] = 0;
        growth.queues[0].push_back(root as u32);
        while let Some(voxel) = growth.queues.iter_mut().find_map(VecDeque::pop_front) {
            let here = voxel as usize;
            if self.tree[here] != u32::MAX {
                continue;
            }
            self.tree[here] = number;
            self.order.push(voxel);
            size += 1;
            let place = lattice.place(here);
            for way in 0..6u8 {
                let (axis, forward) = (usize::from(way / 2), way % 2 == 1);
                let (other, crosses) = lattice.step(place, axis, forward);
                let there = lattice.index(other);
                if class[there] == u8::MAX {
                    continue;
                }
                let mut copy = growth.copies[here];
                copy[axis] += i16::from(crosses) * if forward { 1 } else { -1 };
                if self.tree[there] != u32::MAX {
                    (0..3).for_each(|d| winds[d] |= copy[d] != growth.copies[there][d]);
                    continue;
                }
                let class = class[here].max(class[there]);
                if class < growth.best[there] {
                    growth.best[there] = class;
                    growth.copies[there] = copy;
                    self.parent[there] = way ^ 1;
                    growth.queues[usize::from(class)].push_back(there as u32);
                }
            }
        }
        self.winds.push(winds);
        self.sizes.push(size);
    }

    /// Whether flux can pass a voxel at all: its tree winds around the cell.
    pub(super) fn carries(&self, voxel: usize) -> bool {
        self.winds.get(self.tree[voxel] as usize).is_some_and(|w| w.contains(&true))
    }

    /// Voxels that belong to what percolates along each axis.
    pub(super) fn percolating(&self) -> [usize; 3] {
        let along = |d: usize| self.winds.iter().zip(&self.sizes).filter(|(w, _)| w[d]).map(|(_, s)| s).sum();
        std::array::from_fn(along)
    }
}

/// What a tree needs while it grows.
struct Growth {
    /// the best class offered to a voxel so far
    best: Vec<u8>,
    /// in which periodic copy of the cell a voxel was reached
    copies: Vec<[i16; 3]>,
    queues: Vec<VecDeque<u32>>,
}

//! A tree along which a wrong flux can be led away.

use std::collections::VecDeque;

use super::lattice::{End, Lattice};

/// No parent: the voxel does not conduct, or is a root.
pub(super) const NONE: u8 = 6;
/// Conductivities within a factor of two of one another are alike to the tree; a bit for each class.
const CLASSES: u32 = u64::BITS;
/// The voxel is in the tree: better than any class.
const DONE: u8 = 0;

/// A spanning forest of the conducting voxels, joined through faces, along the best conducting of these.
///
/// What is outside of plates takes any flux, and is one of the roots.
pub(super) struct Forest {
    /// conducting voxels and their parents, parents before children; a root, or one that lets out through a plate, is its own
    pub(super) order: Vec<[u32; 2]>,
    /// the way to the parent, or through a plate: 2·axis for back, 2·axis + 1 for forward
    pub(super) parent: Vec<u8>,
}

impl Forest {
    /// Prim's tree from one voxel after another, by classes of conductivity.
    pub(super) fn new(lattice: &Lattice, a: &[f64]) -> Self {
        let largest = a.iter().fold(0.0f64, |m, a| m.max(*a));
        let class = |a: f64| 1 + ((largest / a).log2().max(0.0) as u32).min(CLASSES - 1) as u8;
        let class: Vec<u8> = a.iter().map(|a| if *a > 0.0 { class(*a) } else { u8::MAX }).collect();
        let mut forest = Forest { order: Vec::with_capacity(a.len()), parent: vec![NONE; a.len()] };
        let mut best = vec![u8::MAX; a.len()];
        let mut queues = Queues { waiting: 0, voxels: vec![VecDeque::new(); CLASSES as usize] };
        for way in (0..6u8).filter(|way| lattice.ends[usize::from(way / 2)] == End::Plate) {
            forest.seed(lattice, way, &class, &mut best, &mut queues);
        }
        while let Some(voxel) = queues.pop() {
            forest.visit(lattice, voxel, &class, &mut best, &mut queues);
        }
        for root in 0..a.len() {
            if a[root] > 0.0 && best[root] != DONE {
                queues.push(1, root as u32);
                while let Some(voxel) = queues.pop() {
                    forest.visit(lattice, voxel, &class, &mut best, &mut queues);
                }
            }
        }
        forest
    }

    /// Offers the voxels on a plate a way out through it.
    fn seed(&mut self, lattice: &Lattice, way: u8, class: &[u8], best: &mut [u8], queues: &mut Queues) {
        let axis = usize::from(way / 2);
        let across: usize = lattice.n[axis + 1..].iter().product();
        let step = lattice.n[axis] * across;
        let first = if way % 2 == 1 { step - across } else { 0 };
        for start in (first..class.len()).step_by(step) {
            for voxel in start..start + across {
                if class[voxel] < best[voxel] {
                    best[voxel] = class[voxel];
                    self.parent[voxel] = way;
                    queues.push(class[voxel], voxel as u32);
                }
            }
        }
    }

    /// Takes a voxel into the tree, and offers a place in it to its neighbours.
    fn visit(&mut self, lattice: &Lattice, voxel: u32, class: &[u8], best: &mut [u8], queues: &mut Queues) {
        let here = voxel as usize;
        if best[here] == DONE {
            return;
        }
        best[here] = DONE;
        let place = lattice.place(here);
        let way = self.parent[here];
        let parent = if way == NONE { None } else { lattice.step(place, usize::from(way / 2), way % 2 == 1) };
        self.order.push([voxel, parent.map_or(voxel, |parent| lattice.index(parent) as u32)]);
        for way in 0..6u8 {
            let Some(there) = lattice.step(place, usize::from(way / 2), way % 2 == 1) else { continue };
            let there = lattice.index(there);
            let offered = class[here].max(class[there]);
            if class[there] != u8::MAX && offered < best[there] {
                best[there] = offered;
                self.parent[there] = way ^ 1;
                queues.push(offered, there as u32);
            }
        }
    }
}

/// Voxels that wait by class, first come, first served.
struct Queues {
    /// a bit for each class that somebody waits in
    waiting: u64,
    voxels: Vec<VecDeque<u32>>,
}

impl Queues {
    fn push(&mut self, class: u8, voxel: u32) {
        let class = usize::from(class - 1);
        self.waiting |= 1 << class;
        self.voxels[class].push_back(voxel);
    }

    fn pop(&mut self) -> Option<u32> {
        let class = self.waiting.trailing_zeros();
        let queue = self.voxels.get_mut(class as usize)?;
        let voxel = queue.pop_front();
        if queue.is_empty() {
            self.waiting &= !(1 << class);
        }
        voxel
    }
}

//! What conducts from end to end of a cell: bodies joined through faces, and which of them meet their own copies or both ends.

use super::lattice::{End, Lattice};

/// Bodies of conducting voxels, joined through faces, found from runs of voxels along the last axis.
///
/// Each run knows in which periodic copy of the cell it lies relative to its body's root; a body that reaches one of its runs in two
/// copies winds around the cell, and conducts along the axes in which these differ. Along an axis that does not repeat a body
/// conducts when it touches both ends.
pub(super) struct Bodies {
    /// first run of each row, and one more
    rows: Vec<usize>,
    runs: Vec<Run>,
}

#[derive(Clone, Copy)]
struct Run {
    /// where it begins and ends in its row
    start: u32,
    end: u32,
    parent: u32,
    /// the copy it lies in, seen from its parent
    copy: [i32; 3],
    /// of its body, at the root: voxels, a bit for each axis along which it conducts, one for each end that it touches
    voxels: usize,
    winds: u8,
    ends: u8,
}

impl Bodies {
    /// The bodies of a > 0.
    pub(super) fn new(lattice: &Lattice, a: &[f64]) -> Self {
        let [nx, ny, nz] = lattice.n;
        let mut bodies = Bodies { rows: Vec::with_capacity(nx * ny + 1), runs: vec![] };
        for row in a.chunks_exact(nz) {
            bodies.rows.push(bodies.runs.len());
            let mut at = 0;
            while let Some(start) = row[at..].iter().position(|a| *a > 0.0).map(|k| at + k) {
                at = row[start..].iter().position(|a| *a == 0.0).map_or(nz, |k| start + k);
                let (parent, voxels) = (bodies.runs.len() as u32, at - start);
                let (start, end) = (start as u32, at as u32);
                bodies.runs.push(Run { start, end, parent, copy: [0; 3], voxels, winds: 0, ends: 0 });
            }
        }
        bodies.rows.push(bodies.runs.len());
        let repeats = lattice.ends.map(|end| end == End::Periodic);
        for (x, y) in (0..nx).flat_map(|x| (0..ny).map(move |y| (x, y))) {
            let row = x * ny + y;
            if repeats[2] {
                bodies.close(row, nz as u32);
            }
            if repeats[0] || x + 1 < nx {
                bodies.touch(row, (x + 1) % nx * ny + y, [i32::from(x + 1 == nx), 0, 0]);
            }
            if repeats[1] || y + 1 < ny {
                bodies.touch(row, x * ny + (y + 1) % ny, [0, i32::from(y + 1 == ny), 0]);
            }
        }
        bodies.reach(lattice);
        bodies
    }

    /// Finds what touches both ends of an axis that does not repeat.
    fn reach(&mut self, lattice: &Lattice) {
        let [nx, ny, nz] = lattice.n;
        let bounded = |axis: usize| lattice.ends[axis] != End::Periodic;
        // the two ends of an axis that `from` … `to` of its n voxels touch
        let ends = |axis: usize, from: usize, to: usize, n: usize| {
            (u8::from(bounded(axis)) * (u8::from(from == 0) | (u8::from(to == n) << 1))) << (2 * axis)
        };
        for row in 0..nx * ny {
            let (x, y) = (row / ny, row % ny);
            for run in self.rows[row]..self.rows[row + 1] {
                let Run { start, end, .. } = self.runs[run];
                let touched = ends(0, x, x + 1, nx) | ends(1, y, y + 1, ny) | ends(2, start as usize, end as usize, nz);
                let root = self.root(run).0;
                self.runs[root].ends |= touched;
            }
        }
        for run in &mut self.runs {
            (0..3).filter(|d| run.ends >> (2 * d) & 3 == 3).for_each(|d| run.winds |= 1 << d);
        }
    }

    /// Joins the last run of a row to the first one of its next copy.
    fn close(&mut self, row: usize, nz: u32) {
        let (first, end) = (self.rows[row], self.rows[row + 1]);
        if first < end && self.runs[first].start == 0 && self.runs[end - 1].end == nz {
            self.join(end - 1, first, [0, 0, 1]);
        }
    }

    /// Joins the runs of two neighbouring rows that overlap; the second row lies `step` copies on.
    fn touch(&mut self, row: usize, other: usize, step: [i32; 3]) {
        let (mut i, mut j) = (self.rows[row], self.rows[other]);
        while i < self.rows[row + 1] && j < self.rows[other + 1] {
            let (one, two) = (self.runs[i], self.runs[j]);
            if one.start < two.end && two.start < one.end {
                self.join(i, j, step);
            }
            if one.end <= two.end {
                i += 1;
            } else {
                j += 1;
            }
        }
    }

    /// The root of a run, and the copy that the run lies in seen from there; shortens the way.
    fn root(&mut self, mut run: usize) -> (usize, [i32; 3]) {
        let mut copy = [0; 3];
        loop {
            let parent = self.runs[run].parent as usize;
            if parent == run {
                return (run, copy);
            }
            let next = self.runs[parent];
            let own = &mut self.runs[run];
            if next.parent as usize != parent {
                own.parent = next.parent;
                (0..3).for_each(|d| own.copy[d] += next.copy[d]);
            }
            (0..3).for_each(|d| copy[d] += own.copy[d]);
            run = own.parent as usize;
        }
    }

    fn join(&mut self, one: usize, two: usize, step: [i32; 3]) {
        let ((one, from), (two, to)) = (self.root(one), self.root(two));
        let copy: [i32; 3] = std::array::from_fn(|d| from[d] + step[d] - to[d]);
        if one == two {
            (0..3).filter(|d| copy[*d] != 0).for_each(|d| self.runs[one].winds |= 1 << d);
            return;
        }
        let (large, small, sign) =
            if self.runs[one].voxels >= self.runs[two].voxels { (one, two, 1) } else { (two, one, -1) };
        let Run { voxels, winds, .. } = self.runs[small];
        self.runs[large].voxels += voxels;
        self.runs[large].winds |= winds;
        (self.runs[small].parent, self.runs[small].copy) = (large as u32, copy.map(|c| sign * c));
    }

    /// Voxels that belong to what winds along each axis.
    pub(super) fn percolating(&self) -> [usize; 3] {
        let roots = || self.runs.iter().enumerate().filter(|(i, run)| run.parent as usize == *i).map(|(_, run)| run);
        std::array::from_fn(|d| roots().filter(|run| run.winds >> d & 1 == 1).map(|run| run.voxels).sum())
    }

    /// Sets to zero what no flux along any of `axes` can pass.
    pub(super) fn clear_islands(mut self, axes: &[usize], nz: usize, a: &mut [f64]) {
        let along = axes.iter().fold(0, |bits, axis| bits | 1u8 << axis);
        for (row, a) in a.chunks_exact_mut(nz).enumerate() {
            for run in self.rows[row]..self.rows[row + 1] {
                let root = self.root(run).0;
                if self.runs[root].winds & along == 0 {
                    a[self.runs[run].start as usize..self.runs[run].end as usize].fill(0.0);
                }
            }
        }
    }
}

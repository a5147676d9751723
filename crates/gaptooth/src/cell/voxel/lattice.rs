//! The grid of voxels of a cell, what holds at its ends, and what every sweep over it needs.

/// Voxels `[x][y][z]`, the last index fastest; missing axes have one voxel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lattice {
    /// voxels along each axis
    pub(super) n: [usize; 3],
    /// their edges
    pub(super) h: [f64; 3],
    /// what holds at the two ends of each axis
    pub(super) ends: [End; 3],
}

/// What holds at the two faces of a cell across an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// the cell repeats
    Periodic,
    /// no flux passes: potentials are even about the face
    Mirror,
    /// the potential is given: the fluctuation is odd about the face
    Plate,
}

impl Lattice {
    pub(super) fn len(&self) -> usize {
        self.n.iter().product()
    }

    /// Voxels of a plane x = const.
    pub(super) fn plane(&self) -> usize {
        self.n[1] * self.n[2]
    }

    /// Volume of a voxel.
    pub(super) fn volume(&self) -> f64 {
        self.h.iter().product()
    }

    /// Volume of the cell.
    pub(super) fn whole(&self) -> f64 {
        self.volume() * self.len() as f64
    }

    pub(super) fn index(&self, [x, y, z]: [usize; 3]) -> usize {
        (x * self.n[1] + y) * self.n[2] + z
    }

    pub(super) fn place(&self, index: usize) -> [usize; 3] {
        let [_, ny, nz] = self.n;
        [index / (ny * nz), index / nz % ny, index % nz]
    }

    /// Whether the cell repeats along all axes.
    pub(super) fn repeats(&self) -> bool {
        self.ends == [End::Periodic; 3]
    }

    /// The neighbour along `axis` of what is at `at`, and the sign of a potential's value there; beyond an end it is its own image.
    #[inline(always)]
    pub(super) fn beside(&self, axis: usize, at: usize, forward: bool) -> (usize, f64) {
        let n = self.n[axis];
        let (last, next) = if forward { (at + 1 == n, at + 1) } else { (at == 0, at.wrapping_sub(1)) };
        match self.ends[axis] {
            _ if !last => (next, 1.0),
            End::Periodic => (if forward { 0 } else { n - 1 }, 1.0),
            End::Mirror => (at, 1.0),
            End::Plate => (at, -1.0),
        }
    }

    /// Whether the face of voxels at `at` is a plate.
    #[inline(always)]
    pub(super) fn on_plate(&self, axis: usize, at: usize, forward: bool) -> bool {
        self.ends[axis] == End::Plate && at == if forward { self.n[axis] - 1 } else { 0 }
    }

    /// The neighbour of the voxel at `place` along `axis`; none beyond an end.
    #[inline(always)]
    pub(super) fn step(&self, mut place: [usize; 3], axis: usize, forward: bool) -> Option<[usize; 3]> {
        let at = place[axis];
        let outside = if forward { at + 1 == self.n[axis] } else { at == 0 };
        if outside && self.ends[axis] != End::Periodic {
            return None;
        }
        place[axis] = self.beside(axis, at, forward).0;
        Some(place)
    }

    /// The rows of `field` at (x, y) and around it: own, x − 1, x + 1, y − 1, y + 1; beyond an end its own.
    #[inline(always)]
    pub(super) fn rows<'a, T>(&self, field: &'a [T], x: usize, y: usize) -> [&'a [T]; 5] {
        let [_, ny, nz] = self.n;
        let row = |x: usize, y: usize| &field[(x * ny + y) * nz..][..nz];
        let (along_x, along_y) = (|forward| self.beside(0, x, forward).0, |forward| self.beside(1, y, forward).0);
        [row(x, y), row(along_x(false), y), row(along_x(true), y), row(x, along_y(false)), row(x, along_y(true))]
    }

    /// Signs of a potential in the last four of these rows.
    #[inline(always)]
    pub(super) fn signs(&self, x: usize, y: usize) -> [f64; 4] {
        let sign = |axis: usize, at: usize, forward: bool| self.beside(axis, at, forward).1;
        [sign(0, x, false), sign(0, x, true), sign(1, y, false), sign(1, y, true)]
    }
}

/// The two precisions that sweeps run in.
pub(super) trait Real:
    Copy
    + Send
    + Sync
    + Default
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::Neg<Output = Self>
    + std::ops::AddAssign
    + Into<f64>
{
    /// The nearest number of this precision.
    fn of(x: f64) -> Self;
    /// Far below every conductivity of a cell whose largest is 1, and not zero.
    const TINY: Self;
}

impl Real for f32 {
    #[inline(always)]
    fn of(x: f64) -> Self {
        x as f32
    }
    const TINY: Self = 1e-37;
}

impl Real for f64 {
    #[inline(always)]
    fn of(x: f64) -> Self {
        x
    }
    const TINY: Self = 1e-300;
}

//! The grid of voxels of a periodic cell, and what every sweep over it needs.

/// Voxels `[x][y][z]`, the last index fastest; missing axes have one voxel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lattice {
    /// voxels along each axis
    pub(super) n: [usize; 3],
    /// their edges
    pub(super) h: [f64; 3],
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

    /// The neighbour of the voxel at `place` along `axis`.
    #[inline(always)]
    pub(super) fn step(&self, mut place: [usize; 3], axis: usize, forward: bool) -> [usize; 3] {
        let (n, at) = (self.n[axis], place[axis]);
        place[axis] = match forward {
            true => {
                if at + 1 == n {
                    0
                } else {
                    at + 1
                }
            }
            false => {
                if at == 0 {
                    n - 1
                } else {
                    at - 1
                }
            }
        };
        place
    }

    /// The rows of `field` at (x, y) and around it: own, x − 1, x + 1, y − 1, y + 1.
    #[inline(always)]
    pub(super) fn rows<'a, T>(&self, field: &'a [T], x: usize, y: usize) -> [&'a [T]; 5] {
        let [nx, ny, nz] = self.n;
        let row = |x: usize, y: usize| &field[(x * ny + y) * nz..][..nz];
        [row(x, y), row((x + nx - 1) % nx, y), row((x + 1) % nx, y), row(x, (y + ny - 1) % ny), row(x, (y + 1) % ny)]
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

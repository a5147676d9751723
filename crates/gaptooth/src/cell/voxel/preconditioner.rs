//! What conjugate gradients are preconditioned by.

use super::multigrid::Multigrid;
use super::poisson::Poisson;

/// An approximate inverse, symmetric and not negative.
pub(super) enum Preconditioner {
    /// of a homogeneous medium, by transforms
    Poisson(Box<Poisson>),
    /// of the medium itself, on coarser and coarser grids
    Multigrid(Multigrid),
}

impl Preconditioner {
    /// q = P r. `change(r, q)` first makes each plane of r what it is to be; `seen(z, r, q)` sees each plane z of P r before it
    /// takes the place of q; its sums are added up in order.
    pub(super) fn solve<const K: usize>(
        &mut self,
        r: &mut [f32],
        q: &mut [f32],
        change: impl Fn(&mut [f32], &[f32]) + Sync,
        seen: impl Fn(&[f32], &[f32], &[f32]) -> [f64; K] + Sync,
    ) -> [f64; K] {
        let sums = match self {
            Preconditioner::Poisson(poisson) => poisson.solve(r, q, change, seen),
            Preconditioner::Multigrid(multigrid) => multigrid.solve(r, q, change, seen),
        };
        sums.iter().fold([0.0; K], |total, s| std::array::from_fn(|k| total[k] + s[k]))
    }
}

//! Patch schemes: the microscale model runs in small patches only, and their coupling stands for the rest.
//!
//! Knows no learning and no files.

pub mod advection;
pub mod buffered;
pub mod burgers;
pub mod burst;
pub mod coupling;
pub mod dynamics;
pub mod ensemble;
pub mod field;
pub mod fourth_order;
pub mod grid;
pub mod heterogeneous;
pub mod landau_lifshitz;
pub mod lattice;
mod linear_bursts;
pub mod map;
pub mod models;
pub mod propagator;
pub mod second_order;
mod sparsity;
pub mod staggered;
pub mod system;
pub mod tensor;
pub mod wave;
pub mod whole;

pub use coupling::Coupling;
pub use grid::PatchGrid;
pub use system::{PatchModel, PatchSystem};

use crate::linalg::Tridiagonal;

/// Where one patch lies.
#[derive(Debug, Clone, Copy)]
pub struct Patch<'a> {
    /// number of the patch, 0 … n_patch − 1
    pub index: usize,
    /// positions of its microscale points, edges included: `[n_sub]`
    pub x: &'a [f64],
    /// microscale spacing
    pub spacing: f64,
}

/// A microscale model on one patch: the user's simulator, or one of [`models`].
///
/// The state of a patch is `u: [n_sub]`; the first and last points are its edges. A model reads them and
/// never writes them: the coupling, or the burst's boundary condition, does.
pub trait MicroModel: Sync {
    /// Writes du/dt at the interior points 1 … n_sub − 2 into `du[1..n_sub - 1]`; `du` has length n_sub.
    fn rhs_into(&self, patch: &Patch<'_>, t: f64, u: &[f64], du: &mut [f64]);

    /// Writes ∂(du)/∂u at the interior rows (row i − 1 of `jacobian` is point i): off-diagonals and row sums.
    /// The default differences [`MicroModel::rhs_into`] with three colours.
    fn jacobian_into(&self, patch: &Patch<'_>, t: f64, u: &[f64], jacobian: &mut Tridiagonal) {
        difference_jacobian(self, patch, t, u, jacobian);
    }

    /// `Some(group)` when du/dt = J u with a J that depends neither on u nor on t; patches of one group have one
    /// and the same J, so they share factorisations, and the exact response of a burst is computed once for all.
    fn linear_group(&self, _patch: usize) -> Option<usize> {
        None
    }
}

fn difference_jacobian<M: MicroModel + ?Sized>(
    model: &M,
    patch: &Patch<'_>,
    t: f64,
    u: &[f64],
    jacobian: &mut Tridiagonal,
) {
    let n = u.len();
    let mut base = vec![0.0; n];
    let mut moved = vec![0.0; n];
    model.rhs_into(patch, t, u, &mut base);
    for colour in 0..3 {
        let mut v = u.to_vec();
        let step = |x: f64| f64::EPSILON.sqrt() * (1.0 + x.abs());
        for j in (colour..n).step_by(3) {
            v[j] += step(u[j]);
        }
        model.rhs_into(patch, t, &v, &mut moved);
        // The diagonal is added to the row sums here, and the off-diagonals below.
        for i in 1..n - 1 {
            for j in i - 1..=i + 1 {
                if j % 3 == colour {
                    let d = (moved[i] - base[i]) / (v[j] - u[j]);
                    match j + 1 - i {
                        0 => jacobian.lower[i - 1] = d,
                        1 => jacobian.row_sum[i - 1] = d,
                        _ => jacobian.upper[i - 1] = d,
                    }
                }
            }
        }
    }
    for ((sum, lower), upper) in jacobian.row_sum.iter_mut().zip(&jacobian.lower).zip(&jacobian.upper) {
        *sum += lower + upper;
    }
}

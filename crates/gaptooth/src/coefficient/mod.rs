//! Coefficients a(x, y): formulas that the user writes, lattices of bonds, and images of voxels.
//!
//! A microscale law needs a material: positive, bounded, varying slowly in x and fast in y = x/ε. This room reads
//! formulas ([`Formula`]), finds the fast variable in them ([`two_scale`]) and checks them before anything runs
//! ([`ExpressionCoefficient`]; in several dimensions [`FormulaTensor`]). A segmented image ([`VoxelImage`]) becomes a conductivity per voxel with a
//! [`PhaseMap`]. It knows no equation and no grid.

pub mod lattice;

mod cell_tensor;
mod derivative;
mod expression;
mod expression_coefficient;
mod formula;
mod formula_tensor;
mod image;
mod labels;
mod lexer;
mod names;
mod one_period;
mod operators;
mod parser;
mod periodicity;
mod phase_map;
mod program;
mod sample;
mod simplify;
mod two_scale;

pub(crate) use cell_tensor::check_definite;
pub use cell_tensor::{CellTensor, tensor_component};
pub use expression_coefficient::ExpressionCoefficient;
pub use formula::Formula;
pub use formula_tensor::FormulaTensor;
pub use image::{Samples, VoxelImage};
pub use one_period::on_one_period;
pub use phase_map::PhaseMap;
pub use two_scale::{two_scale, two_scale_with};

/// A scalar coefficient a(x, y) > 0 of the slow variable x and the fast variable y = x/ε.
///
/// ```
/// use gaptooth::coefficient::Coefficient;
/// struct Laminate;
/// impl Coefficient for Laminate {
///     fn values_into(&self, _x: &[f64], y: &[f64], out: &mut [f64]) {
///         for (i, a) in out.iter_mut().enumerate() {
///             *a = if y[i.min(y.len() - 1)].rem_euclid(1.0) < 0.5 { 1.0 } else { 9.0 };
///         }
///     }
///     fn text(&self) -> String {
///         "1 | 9".into()
///     }
/// }
/// assert_eq!(Laminate.value(0.0, 3.75), 9.0);
/// ```
pub trait Coefficient: Send + Sync {
    /// a at `out.len()` points. `x` and `y` have that length, or length 1 to hold for all points.
    fn values_into(&self, x: &[f64], y: &[f64], out: &mut [f64]);

    /// How to name it to the user.
    fn text(&self) -> String;

    /// a at one point.
    fn value(&self, x: f64, y: f64) -> f64 {
        let mut out = [0.0];
        self.values_into(&[x], &[y], &mut out);
        out[0]
    }

    /// Its period in y; `None` for a quasi-periodic one.
    fn period(&self) -> Option<f64> {
        Some(1.0)
    }
}

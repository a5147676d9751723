//! One differential equation.

use crate::nn::JetSpec;

/// What must vanish at every point: r(x, jet of u) = 0, of one or several components and fields.
///
/// The jet of a field is its value, its first derivatives and the second-order ones of [`Residual::jets`], in that order. −u″ + u³ = f on a
/// line:
///
/// ```
/// use gaptooth::{nn::JetSpec, pinn::Residual};
/// struct Cubic;
/// impl Residual for Cubic {
///     fn names(&self) -> Vec<String> {
///         vec!["equation".into()]
///     }
///     fn jets(&self) -> JetSpec {
///         JetSpec::laplacian(1)
///     }
///     fn data(&self, x: &[f64]) -> Vec<f64> {
///         vec![x[0].sin() + x[0].sin().powi(3)] // f, once per point
///     }
///     fn residual(&self, data: &[f64], u: &[f64], r: &mut [f64], slope: &mut [f64]) {
///         let [value, _, second] = [u[0], u[1], u[2]];
///         r[0] = -second + value.powi(3) - data[0];
///         slope.copy_from_slice(&[3.0 * value * value, 0.0, -1.0]);
///     }
/// }
/// let (mut r, mut slope) = ([0.0], [0.0; 3]);
/// Cubic.residual(&Cubic.data(&[0.3]), &[0.3f64.sin(), 0.3f64.cos(), -0.3f64.sin()], &mut r, &mut slope);
/// assert!(r[0].abs() < 1e-15);
/// ```
pub trait Residual: Sync {
    /// Names of the components, as the parts of the loss are reported.
    fn names(&self) -> Vec<String>;

    /// Which derivatives it needs.
    fn jets(&self) -> JetSpec;

    /// Number of fields, each an output of the network.
    fn fields(&self) -> usize {
        1
    }

    /// What it needs to know at the point x; asked once.
    fn data(&self, x: &[f64]) -> Vec<f64> {
        x.to_vec()
    }

    /// At one point: r, `[components]`, and ∂r/∂jet, `slope: [components][fields][channels]`, from the fields' jets
    /// `u: [fields][channels]`. Both come zeroed.
    fn residual(&self, data: &[f64], u: &[f64], r: &mut [f64], slope: &mut [f64]);
}

//! What the cell problems in one, two and three dimensions ask of a material.

use faer::{Mat, Side};

use crate::{Error, Result};

/// A coefficient a(y) of the unit cell [0, 1)^D: a scalar or a symmetric D × D tensor, with its first derivatives.
///
/// A tensor has D(D + 1)/2 components, its upper triangle row by row: a₁₁, a₁₂, a₁₃, a₂₂, a₂₃, a₃₃ (see
/// [`tensor_component`]); a scalar has one. Points come as one column per coordinate, `y: [D][points]`.
///
/// ```
/// use gaptooth::coefficient::CellTensor;
/// /// 2 + sin 2πy in one dimension
/// struct Wave;
/// impl CellTensor for Wave {
///     fn dimension(&self) -> usize {
///         1
///     }
///     fn is_scalar(&self) -> bool {
///         true
///     }
///     fn values_into(&self, y: &[&[f64]], out: &mut [Vec<f64>]) {
///         out[0].iter_mut().zip(y[0]).for_each(|(a, y)| *a = 2.0 + (std::f64::consts::TAU * y).sin());
///     }
///     fn derivatives_into(&self, y: &[&[f64]], out: &mut [Vec<Vec<f64>>]) {
///         let tau = std::f64::consts::TAU;
///         out[0][0].iter_mut().zip(y[0]).for_each(|(a, y)| *a = tau * (tau * y).cos());
///     }
///     fn text(&self) -> String {
///         "2 + sin(2*pi*y)".into()
///     }
/// }
/// assert_eq!(Wave.values(&[&[0.25]]), [[3.0]]);
/// ```
pub trait CellTensor: Send + Sync {
    /// D.
    fn dimension(&self) -> usize;

    /// True of a(y) I.
    fn is_scalar(&self) -> bool;

    /// The components at the points `y`: `out: [component][point]`.
    fn values_into(&self, y: &[&[f64]], out: &mut [Vec<f64>]);

    /// ∂/∂y_d of the components: `out: [d][component][point]`.
    fn derivatives_into(&self, y: &[&[f64]], out: &mut [Vec<Vec<f64>>]);

    /// How to name it to the user.
    fn text(&self) -> String;

    /// Number of components.
    fn components(&self) -> usize {
        let d = self.dimension();
        if self.is_scalar() { 1 } else { d * (d + 1) / 2 }
    }

    /// The components at the points `y`, `[component][point]`.
    fn values(&self, y: &[&[f64]]) -> Vec<Vec<f64>> {
        let mut out = vec![vec![0.0; y[0].len()]; self.components()];
        self.values_into(y, &mut out);
        out
    }

    /// The derivatives at the points `y`, `[axis][component][point]`.
    fn derivatives(&self, y: &[&[f64]]) -> Vec<Vec<Vec<f64>>> {
        let mut out = vec![vec![vec![0.0; y[0].len()]; self.components()]; self.dimension()];
        self.derivatives_into(y, &mut out);
        out
    }
}

/// The place of a_ij among the components of a symmetric tensor in `dimension` dimensions.
///
/// ```
/// use gaptooth::coefficient::tensor_component;
/// assert_eq!([(0, 0), (0, 2), (1, 1), (2, 1), (2, 2)].map(|(i, j)| tensor_component(3, i, j)), [0, 2, 3, 4, 5]);
/// ```
pub fn tensor_component(dimension: usize, i: usize, j: usize) -> usize {
    let (i, j) = (i.min(j), i.max(j));
    i * dimension - i * i.saturating_sub(1) / 2 + j - i
}

/// That components at the points `y` are finite and positive definite everywhere.
///
/// # Errors
/// [`Error::Coefficient`] with the worst point, and the value or smallest eigenvalue there.
pub(crate) fn check_definite(tensor: &dyn CellTensor, y: &[&[f64]], values: &[Vec<f64>]) -> Result<()> {
    let d = tensor.dimension();
    let mut worst: Option<(usize, f64)> = None;
    for point in 0..y[0].len() {
        let at = |i: usize, j: usize| values[tensor_component(d, i, j)][point];
        let found = match values.iter().map(|v| v[point]).find(|v| !v.is_finite()) {
            Some(value) => {
                worst = Some((point, value));
                break;
            }
            None if tensor.is_scalar() => values[0][point],
            None if has_cholesky(d, at) => continue,
            None => smallest_eigenvalue(d, at),
        };
        if found <= 0.0 && worst.is_none_or(|(_, value)| found < value) {
            worst = Some((point, found));
        }
    }
    let Some((point, value)) = worst else { return Ok(()) };
    let advice = match (value.is_finite(), tensor.is_scalar()) {
        (false, _) => "Look for a division by zero, or the logarithm or root of a negative number",
        (true, true) => "Add a constant that keeps it above zero",
        (true, false) => "That is its smallest eigenvalue there: enlarge the diagonal",
    };
    let place =
        |k: usize| if d == 1 { format!("y = {}", y[k][point]) } else { format!("y{} = {}", k + 1, y[k][point]) };
    let at = (0..d).map(place).collect::<Vec<_>>().join(", ");
    Err(Error::Coefficient { text: tensor.text(), at, value, advice: advice.into() })
}

fn has_cholesky(d: usize, at: impl Fn(usize, usize) -> f64) -> bool {
    let mut l = [[0.0; 3]; 3];
    for j in 0..d {
        let pivot = at(j, j) - (0..j).map(|k| l[j][k] * l[j][k]).sum::<f64>();
        if pivot <= 0.0 {
            return false;
        }
        l[j][j] = pivot.sqrt();
        for i in j + 1..d {
            l[i][j] = (at(i, j) - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>()) / l[j][j];
        }
    }
    true
}

fn smallest_eigenvalue(d: usize, at: impl Fn(usize, usize) -> f64) -> f64 {
    let values = Mat::from_fn(d, d, at).self_adjoint_eigenvalues(Side::Lower);
    values.map_or(f64::NAN, |v| v[0])
}

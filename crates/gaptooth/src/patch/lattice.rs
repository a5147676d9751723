//! Heterogeneous diffusion on the microscale lattice, the conventions of the Equation-Free Toolbox.

use std::sync::Arc;

use super::{MicroModel, Patch, grid::PatchShape};
use crate::{Error, Result, linalg::Tridiagonal};

/// A forcing f(t, x).
pub type Forcing = Arc<dyn Fn(f64, f64) -> f64 + Send + Sync>;

/// du_j/dt = (c_j (u_{j+1} − u_j) − c_{j−1} (u_j − u_{j−1}))/d² + f(t, x_j).
///
/// `c[0]` multiplies the difference of the first two points of every patch, and the list is repeated
/// from there: all patches see the same phase of the coefficient. Its homogenized diffusivity is the
/// harmonic mean. One phase only: when the period does not divide n_sub − 2 n_edge the coupled system is
/// not self-adjoint, and the ensemble of all phase shifts that would restore it is not built here.
#[derive(Clone)]
pub struct LatticeDiffusion {
    coefficients: Vec<f64>,
    forcing: Option<Forcing>,
}

impl std::fmt::Debug for LatticeDiffusion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LatticeDiffusion")
            .field("coefficients", &self.coefficients)
            .field("forced", &self.forcing.is_some())
            .finish()
    }
}

impl LatticeDiffusion {
    /// Diffusion with the periodic `coefficients`, one per link between neighbouring points.
    ///
    /// ```
    /// let model = gaptooth::patch::lattice::LatticeDiffusion::new(vec![1.0, 0.5])?;
    /// assert!((model.homogenized() - 2.0 / 3.0).abs() < 1e-15);
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] without coefficients; [`Error::Coefficient`] when one is not positive.
    pub fn new(coefficients: Vec<f64>) -> Result<Self> {
        if coefficients.is_empty() {
            return Err(Error::parameter("coefficients", "none", "at least one", "write [1.0] for uniform diffusion"));
        }
        if let Some(j) = coefficients.iter().position(|c| !(c.is_finite() && *c > 0.0)) {
            return Err(Error::Coefficient {
                text: format!("{coefficients:?}"),
                at: format!("link {j}"),
                value: coefficients[j],
                advice: "replace it by a positive number".into(),
            });
        }
        Ok(LatticeDiffusion { coefficients, forcing: None })
    }

    /// The same with the forcing f(t, x) added.
    pub fn with_forcing(mut self, forcing: impl Fn(f64, f64) -> f64 + Send + Sync + 'static) -> Self {
        self.forcing = Some(Arc::new(forcing));
        self
    }

    /// The coefficients rotated until the smallest multiplies the link between the innermost left edge
    /// layer and the interior of a patch of this `shape` (and, when the period divides
    /// n_sub − 2 n_edge, the right one too).
    ///
    /// Accuracy for free: with next-to-edge interpolation of order p, a slow mode k of a patch one period
    /// wide decays too fast by (kH)^p k² (C c_edge (n_sub − 2) − D a*), (C, D) = (1/4, 1/3), (1/18, 1/15),
    /// (1/80, 1/70) for p = 2, 4, 6, in the limit of small patches.
    pub fn with_smallest_on_edge(mut self, shape: &PatchShape) -> Self {
        let n = self.coefficients.len();
        let smallest = (0..n).min_by(|&i, &j| self.coefficients[i].total_cmp(&self.coefficients[j]));
        let edge = (shape.n_edge() - 1) % n;
        self.coefficients.rotate_left((smallest.unwrap_or(0) + n - edge) % n);
        self
    }

    /// One period of coefficients.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The homogenized diffusivity: the harmonic mean of the coefficients.
    pub fn homogenized(&self) -> f64 {
        self.coefficients.len() as f64 / self.coefficients.iter().map(|c| 1.0 / c).sum::<f64>()
    }

    /// The coefficient between the points `link` and `link + 1` of a patch.
    fn link(&self, link: usize) -> f64 {
        self.coefficients[link % self.coefficients.len()]
    }
}

impl MicroModel for LatticeDiffusion {
    fn rhs_into(&self, patch: &Patch<'_>, t: f64, u: &[f64], du: &mut [f64]) {
        let scale = patch.spacing.powi(2).recip();
        let mut left = self.link(0) * (u[1] - u[0]);
        for i in 1..u.len() - 1 {
            let right = self.link(i) * (u[i + 1] - u[i]);
            du[i] = (right - left) * scale;
            left = right;
        }
        if let Some(forcing) = &self.forcing {
            let interior = 1..u.len() - 1;
            for (d, x) in du[interior.clone()].iter_mut().zip(&patch.x[interior]) {
                *d += forcing(t, *x);
            }
        }
    }

    fn jacobian_into(&self, patch: &Patch<'_>, _t: f64, u: &[f64], jacobian: &mut Tridiagonal) {
        let scale = patch.spacing.powi(2).recip();
        for i in 1..u.len() - 1 {
            let (left, right) = (self.link(i - 1) * scale, self.link(i) * scale);
            (jacobian.lower[i - 1], jacobian.upper[i - 1], jacobian.row_sum[i - 1]) = (left, right, 0.0);
        }
    }

    fn linear_group(&self, _patch: usize) -> Option<usize> {
        self.forcing.is_none().then_some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same model with the trait's default Jacobian.
    struct Differenced(LatticeDiffusion);

    impl MicroModel for Differenced {
        fn rhs_into(&self, patch: &Patch<'_>, t: f64, u: &[f64], du: &mut [f64]) {
            self.0.rhs_into(patch, t, u, du);
        }
    }

    #[test]
    fn analytic_jacobian_agrees_with_differences() {
        let model = LatticeDiffusion::new(vec![1.0, 0.4, 2.0]).unwrap().with_forcing(|t, x| t * x);
        let x: Vec<f64> = (0..8).map(|i| 0.1 * i as f64).collect();
        let patch = Patch { index: 0, x: &x, spacing: 0.1 };
        let u: Vec<f64> = x.iter().map(|x| x.sin()).collect();
        let (mut a, mut b) = (Tridiagonal::zeros(6), Tridiagonal::zeros(6));
        model.jacobian_into(&patch, 0.3, &u, &mut a);
        Differenced(model).jacobian_into(&patch, 0.3, &u, &mut b);
        for (a, b) in [(&a.lower, &b.lower), (&a.upper, &b.upper), (&a.row_sum, &b.row_sum)] {
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4 / 0.1f64.powi(2)));
        }
    }

    #[test]
    fn the_smallest_coefficient_moves_to_the_edge() {
        let shape = |e| PatchShape::new(9 + e, e, 0.1).unwrap();
        for e in 1..4 {
            let model = LatticeDiffusion::new(vec![1.0, 3.0, 0.25, 2.0]).unwrap().with_smallest_on_edge(&shape(e));
            assert_eq!(model.link(e - 1), 0.25);
        }
        let model = LatticeDiffusion::new(vec![1.0, 3.0, 0.25, 2.0]).unwrap().with_smallest_on_edge(&shape(1));
        assert_eq!(model.coefficients(), [0.25, 2.0, 1.0, 3.0]);
    }

    #[test]
    fn coefficients_must_be_positive() {
        assert!(LatticeDiffusion::new(vec![]).is_err());
        let text = LatticeDiffusion::new(vec![1.0, -2.0]).unwrap_err().to_string();
        assert!(text.contains("link 1") && text.contains("-2"), "{text}");
    }
}

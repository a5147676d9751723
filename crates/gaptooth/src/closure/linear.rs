//! Linear laws: du/dt = Σ_k c_k f_k(u).

use super::{Card, Closure, FeatureSpec, Features, Tensor, flow::symbol_of};
use crate::{Result, error::check_finite, grid::Grid, nn::check_shape, ode::OdeSystem};

/// u_t = Σ_k c_k f_k with constant coefficients: on derivatives a linear PDE, on neighbours a linear stencil.
///
/// ```
/// use gaptooth::{closure::{FeatureSpec, LinearLaw}, grid::{Boundary, Grid}, ode::OdeSystem, stencil::EdgeRule};
/// let grid = Grid::uniform([0.0, 1.0], 4, Boundary::Dirichlet)?;
/// let spec = FeatureSpec::differences(&[2], 3, EdgeRule::Reflect);
/// let law = LinearLaw::new(spec, &grid, vec![0.5])?;
/// let mut du = vec![0.0; 5];
/// law.rhs_into(0.0, &grid.axes()[0].x.iter().map(|x| x * x).collect::<Vec<_>>(), &mut du);
/// assert_eq!(du, [0.0, 1.0, 1.0, 1.0, 0.0]);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LinearLaw {
    features: Features,
    coefficients: Vec<f64>,
}

impl LinearLaw {
    /// The law with these coefficients, one for each feature of `spec`.
    ///
    /// # Errors
    /// As [`Features::new`]; [`crate::Error::Shape`] and [`crate::Error::NonFinite`] for bad coefficients.
    pub fn new(spec: FeatureSpec, grid: &Grid, coefficients: Vec<f64>) -> Result<Self> {
        let mut law = LinearLaw { features: Features::new(spec, grid)?, coefficients: vec![] };
        law.coefficients = vec![0.0; law.features.len()];
        law.set_parameters(&coefficients)?;
        Ok(law)
    }

    /// The features the coefficients multiply.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// One coefficient for each feature.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The same PDE on another grid; a law on neighbours keeps its weights, which belong to one spacing.
    ///
    /// # Errors
    /// As [`Features::new`].
    pub fn on_grid(&self, grid: &Grid) -> Result<Self> {
        LinearLaw::new(self.features.spec().clone(), grid, self.coefficients.clone())
    }

    /// Σ_k c_k f_k for features `[feature][row]`, added to `out: [row]`.
    pub(super) fn add_into(&self, features: &[f64], out: &mut [f64]) {
        for (c, column) in self.coefficients.iter().zip(features.chunks_exact(out.len())) {
            out.iter_mut().zip(column).for_each(|(o, f)| *o += c * f);
        }
    }
}

impl OdeSystem for LinearLaw {
    fn dim(&self) -> usize {
        self.features.grid().len()
    }

    fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
        let mut out = vec![0.0; self.features.points()];
        self.add_into(&self.features.apply(u), &mut out);
        self.features.scatter(&out, du);
    }

    fn jvp_into(&self, t: f64, _u: &[f64], v: &[f64], jv: &mut [f64]) {
        self.rhs_into(t, v, jv);
    }
}

impl Closure for LinearLaw {
    fn parameters(&self) -> Vec<f64> {
        self.coefficients.clone()
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<()> {
        check_shape("coefficients of the law", &[self.features.len()], &[parameters.len()])?;
        check_finite("coefficients of the law", parameters, None, "fit again")?;
        self.coefficients.copy_from_slice(parameters);
        Ok(())
    }

    fn card(&self) -> Card {
        Card::Linear { grid: self.features.grid().clone(), features: self.features.spec().clone() }
    }

    fn to_tensors(&self) -> Vec<Tensor> {
        vec![("coefficients".into(), vec![self.coefficients.len()], self.coefficients.clone())]
    }

    fn symbol(&self) -> Option<Vec<faer::c64>> {
        symbol_of(self, self.features.grid())
    }
}

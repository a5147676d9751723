//! The contract of every fitted law.

use faer::c64;

use super::{Card, Tensor};
use crate::{Result, ode::OdeSystem};

/// A macroscale law with parameters: du/dt = F(u) on the points of one grid, 0 at fixed ends.
///
/// Every law is autonomous (`t` is ignored) and implements [`OdeSystem::jvp_into`] analytically.
pub trait Closure: OdeSystem {
    /// All parameters as one vector.
    fn parameters(&self) -> Vec<f64>;

    /// Replaces all parameters.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] for the wrong number, [`crate::Error::NonFinite`] for a NaN.
    fn set_parameters(&mut self, parameters: &[f64]) -> Result<()>;

    /// All that is needed to rebuild the law but its numbers.
    fn card(&self) -> Card;

    /// The numbers, by name and shape; with [`Closure::card`] they rebuild the law bit for bit
    /// ([`super::AnyClosure::from_tensors`]).
    fn to_tensors(&self) -> Vec<Tensor>;

    /// The growth rate of every Fourier mode (numbered as [`crate::fourier::Fourier`] does) of a linear law on a periodic grid:
    /// such laws have an exact flow. None for all others.
    fn symbol(&self) -> Option<Vec<c64>> {
        None
    }
}

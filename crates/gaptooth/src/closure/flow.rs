//! Trajectories of a law: exact where it is linear and the same everywhere, by a stiff integrator otherwise.

use faer::c64;

use super::{Card, Closure};
use crate::{
    Error, Result,
    error::check_finite,
    fourier::Fourier,
    grid::Grid,
    nn::{Activation, check_shape},
    observer::Observer,
    ode::{
        OdeSystem,
        stabilised::integrate_stabilised,
        stiff::{StiffOptions, integrate_stiff},
    },
};

/// û_K(t) = e^{λ_K t} û_K(0): the exact flow of a linear, translation-invariant law on a periodic grid.
#[derive(Debug, Clone)]
pub struct PeriodicFlow {
    fourier: Fourier,
    rates: Vec<c64>,
}

impl PeriodicFlow {
    /// The flow whose Fourier mode K (numbered as [`Fourier`] does) grows at `rates[K]`. Real states stay real: the rates of K and −K
    /// must be conjugate, as those of [`Closure::symbol`] are.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a grid that is not periodic; [`Error::Shape`].
    pub fn new(grid: &Grid, rates: Vec<c64>) -> Result<Self> {
        if !grid.is_periodic() {
            return Err(Error::parameter("grid", "bounded", "periodic axes", "integrate in time instead"));
        }
        let fourier = Fourier::new(&grid.shape());
        check_shape("rates", &[fourier.len()], &[rates.len()])?;
        Ok(PeriodicFlow { fourier, rates })
    }

    /// The growth rate of every mode.
    pub fn rates(&self) -> &[c64] {
        &self.rates
    }

    /// (state, slope) at each of `times`, `u0: [point]` being the state at the first of them.
    ///
    /// ```
    /// use gaptooth::{closure::{Closure, FeatureSpec, LinearLaw, MultiIndex, PeriodicFlow}, grid::{Boundary, Grid}};
    /// let grid = Grid::uniform([0.0, std::f64::consts::TAU], 8, Boundary::Periodic)?;
    /// let law = LinearLaw::new(FeatureSpec::Spectral { orders: MultiIndex::line(&[2]) }, &grid, vec![0.5])?;
    /// let flow = PeriodicFlow::new(&grid, law.symbol().unwrap())?;
    /// let u0: Vec<f64> = grid.axes()[0].x.iter().map(|x| (2.0 * x).sin()).collect();
    /// let (u, u_t) = flow.evolve(&u0, &[0.0, 1.0])?.remove(1);
    /// assert!((u[1] / u0[1] - (-2.0f64).exp()).abs() < 1e-14 && (u_t[1] / u[1] + 2.0).abs() < 1e-12);
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::NonFinite`] for a state that is not finite, or a mode that grows beyond all numbers.
    pub fn evolve(&self, u0: &[f64], times: &[f64]) -> Result<Vec<(Vec<f64>, Vec<f64>)>> {
        check_shape("state", &[self.fourier.len()], &[u0.len()])?;
        check_finite("the initial state", u0, times.first().copied(), "check it")?;
        let start = self.fourier.forward_real(u0);
        let i = c64::new(0.0, 1.0);
        let at = |t: &f64| {
            let elapsed = t - times[0];
            // the state is the real part, the slope the imaginary one
            let mode = |(z, rate): (&c64, &c64)| *z * (*rate * elapsed).exp() * (1.0 + i * *rate);
            let mut both: Vec<c64> = start.iter().zip(&self.rates).map(mode).collect();
            self.fourier.inverse(&mut both);
            let (u, u_t): (Vec<f64>, Vec<f64>) = both.into_iter().map(|z| (z.re, z.im)).unzip();
            check_finite("the integrated state", &u, Some(*t), "the law is unstable; choose fewer features")?;
            Ok((u, u_t))
        };
        times.iter().map(at).collect()
    }
}

/// The growth rate of every Fourier mode of a linear, translation-invariant `law` on a periodic grid: the transform of its
/// response to a unit value at the first point.
pub(super) fn symbol_of(law: &dyn OdeSystem, grid: &Grid) -> Option<Vec<c64>> {
    if !grid.is_periodic() {
        return None;
    }
    let (mut unit, mut response) = (vec![0.0; law.dim()], vec![0.0; law.dim()]);
    *unit.first_mut()? = 1.0;
    law.rhs_into(0.0, &unit, &mut response);
    Some(Fourier::new(&grid.shape()).forward_real(&response))
}

/// States of `law` at `times` from `u0` at the first of them: exactly where [`Closure::symbol`] allows, else on a line by BDF
/// with a relative tolerance of 1e-7 of a step, and in the plane and in space, where Jacobians are large, by stabilised explicit
/// steps with 1e-9 (1e-6 for networks with kinks, which smooth error estimates do not fit).
///
/// # Errors
/// Those of [`PeriodicFlow::evolve`], [`integrate_stiff`] and [`integrate_stabilised`].
pub fn integrate(law: &dyn Closure, u0: &[f64], times: &[f64], observer: &dyn Observer) -> Result<Vec<Vec<f64>>> {
    let Some(first) = times.first() else { return Ok(vec![]) };
    if let Some(rates) = law.symbol() {
        let flow = PeriodicFlow::new(law.card().grid(), rates)?;
        return Ok(flow.evolve(u0, times)?.into_iter().map(|(u, _)| u).collect());
    }
    let card = law.card();
    if card.grid().axes().len() == 1 {
        let options = StiffOptions { rtol: 1e-7, ..StiffOptions::default() };
        return Ok(integrate_stiff(law, *first, u0, times, &options, observer)?.u);
    }
    let kinked = matches!(card, Card::Network { activation: Activation::Relu, .. });
    let options = StiffOptions { rtol: if kinked { 1e-6 } else { 1e-9 }, ..StiffOptions::default() };
    Ok(integrate_stabilised(law, *first, u0, times, &options, observer)?.u)
}

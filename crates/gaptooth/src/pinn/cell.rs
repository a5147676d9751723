//! Cell problems by networks that are exactly periodic.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Ansatz, Collocation, Elliptic, Embedding, NeuralField, Plan, Stopped, Training, shifted_grid, solve};
use crate::cell::{CellSolution, certified};
use crate::coefficient::CellTensor;
use crate::nn::{Activation, GaussNewton, LeastSquares, Mlp, Taylor};
use crate::observer::Observer;
use crate::{Error, Result};

/// −∇·(a(e_j + ∇χ_j)) = 0 on the unit cell by one small network for each direction.
///
/// The networks see sin and cos of 2πy (exact periods) and are trained by [`GaussNewton`] at equally spaced points. Their correctors
/// give bounds on the tensor by [`certified`], whatever the training did: the answer's tensor is the upper one. Training ends when these
/// bounds are as close as `tolerance` asks, or when the residual at points between those of the training stagnates.
///
/// ```
/// use gaptooth::{coefficient::FormulaTensor, observer::Silent, pinn::NeuralCell};
/// let a = FormulaTensor::scalar("1.5 + sin(2*pi*y)", 1, &[])?;
/// let found = NeuralCell { hidden: vec![10], ..NeuralCell::new(1) }.solve(&a, &Silent)?;
/// assert!((found.cell.effective.tensor[0][0] - 1.25_f64.sqrt()).abs() < 1e-10);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NeuralCell {
    /// widths of the hidden layers
    pub hidden: Vec<usize>,
    /// training points along each axis
    pub points: usize,
    /// waves sin and cos of 2πk y_i, k = 1 … harmonics, among the inputs
    pub harmonics: usize,
    /// largest distance of the bounds, relative to the tensor's largest entry; 0 trains as long as that helps
    pub tolerance: f64,
    /// when to stop at the latest
    pub plan: Plan,
    /// seed of the first network; that of direction j is `seed + j`
    pub seed: u64,
}

/// What [`NeuralCell::solve`] found.
#[derive(Clone)]
pub struct NeuralCellSolution {
    /// the correctors on a grid, the tensor and its bounds
    pub cell: CellSolution,
    /// the networks
    pub correctors: Vec<NeuralField>,
    /// how each training went
    pub trainings: Vec<Training>,
}

impl NeuralCell {
    /// What suits smooth coefficients of moderate contrast in `dimension` dimensions.
    pub fn new(dimension: usize) -> Self {
        let (hidden, points) = match dimension {
            1 => (vec![16, 16], 64),
            2 => (vec![32, 32], 24),
            _ => (vec![32, 32], 12),
        };
        NeuralCell { hidden, points, harmonics: 1, tolerance: 0.0, plan: Plan::default(), seed: 1 }
    }

    /// The correctors of `tensor` and its effective tensor.
    ///
    /// # Errors
    /// [`Error::Parameter`] for empty layers or fewer than 4 points, [`Error::Coefficient`] where a is not positive definite,
    /// [`Error::NonFinite`], [`Error::Interrupted`].
    pub fn solve(&self, tensor: &dyn CellTensor, observer: &dyn Observer) -> Result<NeuralCellSolution> {
        let d = tensor.dimension();
        if self.points < 4 || self.harmonics == 0 {
            let found = format!("{} with {} harmonics", self.points, self.harmonics);
            return Err(Error::parameter("points", found, "at least 4, and a harmonic", "24 suits two dimensions"));
        }
        if !(self.tolerance >= 0.0 && self.tolerance < 1.0) {
            let advice = "1e-8 is a good start; 0 trains as long as that helps";
            return Err(Error::parameter("tolerance", self.tolerance, "a number from 0 to 1", advice));
        }
        let mut states: Vec<Option<Training>> = vec![None; d];
        // of the first residual; the bounds' distance goes with the square of the corrector's error
        let mut target = self.tolerance.sqrt();
        loop {
            let one = |(j, state): (usize, Option<Training>)| self.until(tensor, j, state, target, observer);
            let found: Vec<_> = states.into_par_iter().enumerate().map(one).collect();
            let (correctors, trainings) = found.into_iter().collect::<Result<(Vec<_>, Vec<_>)>>()?;
            let mut cell = certified(tensor, &|y| Ok(correctors.iter().map(|c| c.values(&rows(y))).collect()))?;
            let effective = &mut cell.effective;
            if effective.converged(self.tolerance) || !trainings.iter().any(|t| t.stopped == Some(Stopped::Target)) {
                effective.iterations = trainings.iter().map(|t| t.iterations).sum();
                effective.method = format!("neural, hidden {:?}, {}", self.hidden, effective.method);
                effective.unknowns = correctors.iter().map(|c| c.net.parameters().len()).sum();
                return Ok(NeuralCellSolution { cell, correctors, trainings });
            }
            target *= 0.3;
            states = trainings.into_iter().map(Some).collect();
        }
    }

    /// χ_j trained, or trained further, until its residual is `target` times that of the start.
    fn until(
        &self,
        tensor: &dyn CellTensor,
        j: usize,
        state: Option<Training>,
        target: f64,
        observer: &dyn Observer,
    ) -> Result<(NeuralField, Training)> {
        let plan = Plan { target, ..self.plan.clone() };
        NeuralCell { plan, ..self.clone() }.corrector(
            tensor,
            j,
            state.map(Training::reopened),
            &mut |_| Ok(()),
            observer,
        )
    }

    /// What is around the networks in `dimension` dimensions: exact periods.
    pub fn ansatz(&self, dimension: usize) -> Ansatz {
        Ansatz::plain(dimension, Embedding::periodic(&vec![1.0; dimension], self.harmonics), 1)
    }

    /// The network of χ_j before training.
    ///
    /// # Errors
    /// [`Error::Parameter`] for empty layers.
    pub fn network(&self, dimension: usize, j: usize) -> Result<Mlp> {
        let widths: Vec<usize> = [&[2 * self.harmonics * dimension], &self.hidden[..], &[1]].concat();
        Mlp::new(&widths, Activation::Tanh, self.seed.wrapping_add(j as u64))
    }

    /// χ_j alone; `on_look` and `resume` as in [`solve`].
    ///
    /// # Errors
    /// As [`NeuralCell::solve`].
    pub fn corrector(
        &self,
        tensor: &dyn CellTensor,
        j: usize,
        resume: Option<Training>,
        on_look: &mut dyn FnMut(&Training) -> Result<()>,
        observer: &dyn Observer,
    ) -> Result<(NeuralField, Training)> {
        let d = tensor.dimension();
        let map = |y: &[f64]| tensor_at(tensor, y);
        let equation = Elliptic::cell(d, &map, tensor.is_scalar(), j);
        let (ansatz, net) = (self.ansatz(d), self.network(d, j)?);
        let spec = super::Residual::jets(&equation);
        let at = |shift: f64| {
            let points = shifted_grid(&vec![[0.0, 1.0]; d], &vec![self.points; d], shift);
            Collocation::new(&ansatz, &net, &spec)?.equation(&equation, &points, 1.0)
        };
        // on no point of a doubled grid
        let (training_points, between) = (at(0.0)?, at(0.382)?);
        let held_out: Option<&dyn LeastSquares> = Some(&between);
        let mut p = net.parameters().to_vec();
        let mut optimizer = GaussNewton::default();
        let training =
            solve(&training_points, held_out, &mut optimizer, &self.plan, &mut p, resume, on_look, observer)?;
        Ok((NeuralField::new(&ansatz, &net, &p), training))
    }
}

/// Columns of coordinates as points.
pub(crate) fn rows(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..columns[0].len()).map(|k| columns.iter().map(|c| c[k]).collect()).collect()
}

/// The components at one point with their derivatives.
pub fn tensor_at(tensor: &dyn CellTensor, y: &[f64]) -> Vec<Taylor> {
    let columns: Vec<&[f64]> = y.iter().map(std::slice::from_ref).collect();
    let (values, slopes) = (tensor.values(&columns), tensor.derivatives(&columns));
    let one = |k: usize| {
        let mut t = Taylor::constant(values[k][0]);
        slopes.iter().enumerate().for_each(|(i, slope)| t.gradient[i] = slope[k][0]);
        t
    };
    (0..values.len()).map(one).collect()
}

//! Network laws: du/dt = N(f_1(u), f_2(u) …) at every point, functional or discretized.

use serde::{Deserialize, Serialize};

use super::{Card, Closure, FeatureSpec, Features, Tensor};
use crate::{
    Error, Result,
    error::check_finite,
    grid::Grid,
    nn::{Mlp, Workspace, check_shape},
    ode::OdeSystem,
};

/// z_k = (f_k − shift_k)/scale_k before the network, y = output_shift + output_scale · N(z) after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standardisation {
    /// `[feature]`
    pub shift: Vec<f64>,
    /// `[feature]`, positive
    pub scale: Vec<f64>,
    /// added to the output
    pub output_shift: f64,
    /// multiplies the output, positive
    pub output_scale: f64,
}

impl Standardisation {
    /// Leaves `n` features and the output as they are: the paper's choice.
    pub fn identity(n: usize) -> Self {
        Standardisation { shift: vec![0.0; n], scale: vec![1.0; n], output_shift: 0.0, output_scale: 1.0 }
    }

    fn numbers(&self) -> Vec<f64> {
        let output = [self.output_shift, self.output_scale];
        self.shift.iter().chain(&self.scale).chain(&output).copied().collect()
    }

    pub(super) fn from_numbers(values: &[f64]) -> Result<Self> {
        if values.len() < 4 || !values.len().is_multiple_of(2) {
            let expected = vec![4];
            return Err(Error::Shape { what: "standardisation".into(), expected, found: vec![values.len()] });
        }
        let n = values.len() / 2 - 1;
        let (shift, scale) = (values[..n].to_vec(), values[n..2 * n].to_vec());
        Ok(Standardisation { shift, scale, output_shift: values[2 * n], output_scale: values[2 * n + 1] })
    }

    fn check(&self, n: usize) -> Result<()> {
        check_shape("input shifts", &[n], &[self.shift.len()])?;
        check_shape("input scales", &[n], &[self.scale.len()])?;
        check_finite("standardisation", &self.numbers(), None, "check the dataset")?;
        match self.scale.iter().chain([&self.output_scale]).find(|s| **s <= 0.0) {
            Some(s) => Err(Error::parameter("scale", s, "positive", "leave out features that do not vary")),
            None => Ok(()),
        }
    }

    /// In place, `[feature][row]`.
    pub(super) fn inputs(&self, features: &mut [f64], rows: usize) {
        for (column, (shift, scale)) in features.chunks_exact_mut(rows).zip(self.shift.iter().zip(&self.scale)) {
            column.iter_mut().for_each(|f| *f = (*f - shift) / scale);
        }
    }

    /// A direction in the features, in place.
    fn directions(&self, features: &mut [f64], rows: usize) {
        for (column, scale) in features.chunks_exact_mut(rows).zip(&self.scale) {
            column.iter_mut().for_each(|f| *f /= scale);
        }
    }
}

/// The paper's closures: the same network at every active point.
///
/// On derivatives it is the functional form F(u, u_x, u_xx …); on neighbours the discretized one
/// G(u_{j−h} … u_{j+h}).
#[derive(Debug, Clone)]
pub struct NetworkLaw {
    features: Features,
    standardisation: Standardisation,
    net: Mlp,
}

impl NetworkLaw {
    /// `net` on the features of `spec`.
    ///
    /// # Errors
    /// As [`Features::new`]; [`Error::Shape`] when the net's inputs are not the features or it has several outputs;
    /// [`Error::Parameter`] for a scale that is not positive.
    pub fn new(spec: FeatureSpec, grid: &Grid, standardisation: Standardisation, net: Mlp) -> Result<Self> {
        let features = Features::new(spec, grid)?;
        check_shape("network inputs and outputs", &[features.len(), 1], &[net.inputs(), net.outputs()])?;
        standardisation.check(features.len())?;
        Ok(NetworkLaw { features, standardisation, net })
    }

    /// The network's inputs.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The network.
    pub fn net(&self) -> &Mlp {
        &self.net
    }

    /// The scaling around the network.
    pub fn standardisation(&self) -> &Standardisation {
        &self.standardisation
    }

    /// The same functional on another grid; a law on neighbours keeps its network, which belongs to one spacing.
    ///
    /// # Errors
    /// As [`Features::new`].
    pub fn on_grid(&self, grid: &Grid) -> Result<Self> {
        NetworkLaw::new(self.features.spec().clone(), grid, self.standardisation.clone(), self.net.clone())
    }

    /// The scaled features of `u`.
    fn inputs(&self, u: &[f64]) -> Vec<f64> {
        let mut z = self.features.apply(u);
        self.standardisation.inputs(&mut z, self.features.points());
        z
    }
}

impl OdeSystem for NetworkLaw {
    fn dim(&self) -> usize {
        self.features.grid().len()
    }

    fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
        let rows = self.features.points();
        let mut work = Workspace::new(&self.net, rows);
        let mut out = self.net.forward(&self.inputs(u), rows, &mut work).to_vec();
        let s = &self.standardisation;
        out.iter_mut().for_each(|o| *o = s.output_shift + s.output_scale * *o);
        self.features.scatter(&out, du);
    }

    fn jvp_into(&self, _t: f64, u: &[f64], v: &[f64], jv: &mut [f64]) {
        let rows = self.features.points();
        let mut work = Workspace::new(&self.net, rows);
        let mut direction = self.features.apply(v);
        self.standardisation.directions(&mut direction, rows);
        let mut out = self.net.jvp(&self.inputs(u), &direction, rows, &mut work).to_vec();
        out.iter_mut().for_each(|o| *o *= self.standardisation.output_scale);
        self.features.scatter(&out, jv);
    }
}

impl Closure for NetworkLaw {
    fn parameters(&self) -> Vec<f64> {
        self.net.parameters().to_vec()
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<()> {
        self.net = Mlp::from_parameters(self.net.widths(), self.net.activation(), parameters.to_vec())?;
        Ok(())
    }

    fn card(&self) -> Card {
        Card::Network {
            grid: self.features.grid().clone(),
            features: self.features.spec().clone(),
            widths: self.net.widths().to_vec(),
            activation: self.net.activation(),
        }
    }

    fn to_tensors(&self) -> Vec<Tensor> {
        let numbers = self.standardisation.numbers();
        let mut tensors = vec![("standardisation".into(), vec![numbers.len()], numbers)];
        tensors.extend(self.net.to_tensors());
        tensors
    }
}

//! A multilayer perceptron as layer widths, a nonlinearity and one flat vector of parameters.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Activation;
use crate::{Error, Result, error::check_finite};

/// x ↦ W_L σ(… σ(W_1 x + b_1) …) + b_L.
///
/// `parameters` holds, layer after layer, the weights `[inputs, outputs]` with the inputs running fastest
/// (weight from i to o at `o * inputs + i`), then the biases `[outputs]`.
///
/// ```
/// use gaptooth::nn::{Activation, Mlp, Workspace};
/// let net = Mlp::new(&[3, 32, 32, 1], Activation::Relu, 7)?;
/// assert_eq!(net.parameters().len(), 1217);
/// let mut work = Workspace::new(&net, 2);
/// let y = net.forward(&[0.1, 0.2, 0.0, 0.0, 1.0, -1.0], 2, &mut work); // two rows, feature-major
/// assert_eq!(y.len(), 2);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mlp {
    widths: Vec<usize>,
    activation: Activation,
    parameters: Vec<f64>,
}

/// Where one layer's parameters lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// number of inputs
    pub inputs: usize,
    /// number of outputs
    pub outputs: usize,
    /// the weights, `[outputs][inputs]` with inputs fastest
    pub weights: Range<usize>,
    /// the biases, `[outputs]`
    pub biases: Range<usize>,
}

impl Mlp {
    /// Name, shape and values of `layer.l.weight` `[outputs][inputs]` and `layer.l.bias` `[outputs]`, l from 0: PyTorch's layout.
    pub fn to_tensors(&self) -> Vec<(String, Vec<usize>, Vec<f64>)> {
        let per_layer = |(l, layer): (usize, Layer)| {
            let p = self.parameters();
            [
                (format!("layer.{l}.weight"), vec![layer.outputs, layer.inputs], p[layer.weights].to_vec()),
                (format!("layer.{l}.bias"), vec![layer.outputs], p[layer.biases].to_vec()),
            ]
        };
        self.layers().into_iter().enumerate().flat_map(per_layer).collect()
    }

    /// Glorot-uniform weights (Glorot & Bengio 2010, eq. 16: ±√(6/(inputs + outputs))) and zero biases: Keras'
    /// default, so the paper's.
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer than two widths or a width of zero.
    pub fn new(widths: &[usize], activation: Activation, seed: u64) -> Result<Self> {
        let mut net = Mlp::from_parameters(widths, activation, vec![0.0; Mlp::count(widths)])?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for layer in net.layers() {
            let bound = (6.0 / (layer.inputs + layer.outputs) as f64).sqrt();
            for w in &mut net.parameters[layer.weights] {
                *w = bound * (2.0 * rng.random::<f64>() - 1.0);
            }
        }
        Ok(net)
    }

    /// A net with given parameters, laid out as in [`Mlp`].
    ///
    /// # Errors
    /// [`Error::Parameter`] for bad widths, [`Error::Shape`] for the wrong number of parameters,
    /// [`Error::NonFinite`] for a NaN among them.
    pub fn from_parameters(widths: &[usize], activation: Activation, parameters: Vec<f64>) -> Result<Self> {
        if widths.len() < 2 || widths.contains(&0) {
            return Err(Error::parameter(
                "widths",
                format!("{widths:?}"),
                "at least an input and an output layer, none empty",
                "the paper's net is [3, 32, 32, 1]",
            ));
        }
        check_shape("network parameters", &[Mlp::count(widths)], &[parameters.len()])?;
        check_finite("network parameters", &parameters, None, "train again with a smaller learning rate")?;
        Ok(Mlp { widths: widths.to_vec(), activation, parameters })
    }

    /// How many parameters those widths need.
    pub fn count(widths: &[usize]) -> usize {
        widths.windows(2).map(|w| (w[0] + 1) * w[1]).sum()
    }

    /// Neurons per layer, inputs first.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.widths[0]
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }

    /// The nonlinearity.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// All weights and biases.
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// All weights and biases, to be changed.
    pub fn parameters_mut(&mut self) -> &mut [f64] {
        &mut self.parameters
    }

    /// The layers, first to last.
    pub fn layers(&self) -> Vec<Layer> {
        let mut start = 0;
        let layer = |w: &[usize]| {
            let weights = start..start + w[0] * w[1];
            let biases = weights.end..weights.end + w[1];
            start = biases.end;
            Layer { inputs: w[0], outputs: w[1], weights, biases }
        };
        self.widths.windows(2).map(layer).collect()
    }
}

pub(crate) fn check_shape(what: &str, expected: &[usize], found: &[usize]) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Shape { what: what.into(), expected: expected.to_vec(), found: found.to_vec() })
}

//! Network laws trained by Adam: the paper's recipe, and the same with scaled inputs.

use serde::{Deserialize, Serialize};

use super::{Dataset, FeatureSpec, Features, NetworkLaw, Rows, Standardisation};
use crate::{
    Result,
    nn::{Activation, AdamSettings, Minibatch, Mlp, Samples, TrainState, train},
    observer::Observer,
};

/// What the network sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// features and u_t as they are: the paper's choice
    #[default]
    Raw,
    /// each feature and u_t less its mean, over its standard deviation
    Standardise,
}

/// What a batch of 64 is 64 of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum BatchOf {
    /// points: each (features, u_t) is drawn on its own, as the paper's text reads
    #[default]
    Points,
    /// snapshots: all points of a snapshot together, as the released code's convolutions do
    Snapshots,
}

/// How a network law is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkRecipe {
    /// inputs of the network
    pub features: FeatureSpec,
    /// neurons of the hidden layers
    pub hidden: Vec<usize>,
    /// nonlinearity
    pub activation: Activation,
    /// raw or standardised
    pub scaling: Scaling,
    /// passes over the data
    pub epochs: usize,
    /// size of a batch
    pub batch: usize,
    /// its unit
    pub batch_of: BatchOf,
    /// the optimiser's constants
    pub adam: AdamSettings,
    /// seed of the initial weights and of the shuffling
    pub seed: u64,
}

impl NetworkRecipe {
    /// The paper: 32-32-1 ReLU on raw inputs, Adam 1e-3, batches of 64. The paper does not say how long; the
    /// released code trains 512 epochs.
    pub fn paper(features: FeatureSpec, seed: u64) -> Self {
        NetworkRecipe {
            features,
            hidden: vec![32, 32],
            activation: Activation::Relu,
            scaling: Scaling::Raw,
            epochs: 512,
            batch: 64,
            batch_of: BatchOf::Points,
            adam: AdamSettings::default(),
            seed,
        }
    }

    /// The released code where it differs: Adam 5e-4, batches of 64 snapshots.
    pub fn released_code(features: FeatureSpec, seed: u64) -> Self {
        let adam = AdamSettings { learning_rate: 5e-4, ..Default::default() };
        NetworkRecipe { adam, batch_of: BatchOf::Snapshots, ..NetworkRecipe::paper(features, seed) }
    }
}

/// A trained law.
#[derive(Debug, Clone)]
pub struct NetworkFit {
    /// the law
    pub law: NetworkLaw,
    /// mean squared error of u_t in each epoch
    pub loss: Vec<f64>,
    /// the state to resume from
    pub state: TrainState,
}

/// Trains a network on (features, u_t) at the active points of `data`, minimising the mean squared error.
///
/// `on_epoch` receives the state after each epoch, to be saved; with `resume` the training goes on from such a
/// state and ends with the same bits as an uninterrupted one.
///
/// # Errors
/// As [`Features::new`] and [`train`].
pub fn fit_network(
    data: &Dataset,
    recipe: &NetworkRecipe,
    resume: Option<TrainState>,
    on_epoch: &mut dyn FnMut(&TrainState) -> Result<()>,
    observer: &dyn Observer,
) -> Result<NetworkFit> {
    let features = Features::new(recipe.features.clone(), &data.grid)?;
    let mut rows = features.rows(data)?;
    let standardisation = match recipe.scaling {
        Scaling::Raw => Standardisation::identity(features.len()),
        Scaling::Standardise => standardise(&rows),
    };
    let n = rows.targets.len();
    standardisation.inputs(&mut rows.inputs, n);
    let (shift, scale) = (standardisation.output_shift, standardisation.output_scale);
    rows.targets.iter_mut().for_each(|y| *y = (*y - shift) / scale);

    let widths = [&[features.len()], &recipe.hidden[..], &[1]].concat();
    let mut net = Mlp::new(&widths, recipe.activation, recipe.seed)?;
    let minibatch = Minibatch {
        batch: recipe.batch,
        group: if recipe.batch_of == BatchOf::Snapshots { rows.per_snapshot } else { 1 },
        epochs: recipe.epochs,
        seed: recipe.seed,
        adam: recipe.adam,
    };
    let samples = Samples { inputs: &rows.inputs, targets: &rows.targets };
    let state = train(&mut net, samples, &minibatch, resume, on_epoch, observer)?;
    let loss = state.loss.iter().map(|l| l * scale * scale).collect();
    let law = NetworkLaw::new(recipe.features.clone(), &data.grid, standardisation, net)?;
    Ok(NetworkFit { law, loss, state })
}

fn standardise(rows: &Rows) -> Standardisation {
    let n = rows.targets.len();
    let moments = |column: &[f64]| {
        let mean = column.iter().sum::<f64>() / n as f64;
        let variance = column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
        // a feature that does not vary stays as it is
        (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
    };
    let (shift, scale) = rows.inputs.chunks_exact(n).map(moments).unzip();
    let (output_shift, output_scale) = moments(&rows.targets);
    Standardisation { shift, scale, output_shift, output_scale }
}

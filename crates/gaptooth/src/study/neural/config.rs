//! What a study file of a neural homogenization may say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::config::BoundConfig;
use crate::pinn::Plan;

/// A multiscale boundary-value problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum EquationConfig {
    /// −∇·(a(x, x/ε)∇u) = f on an interval or a rectangle, u = 0 on the boundary
    Elliptic {
        /// [a, b] for each direction, one or two
        domain: Vec<[f64; 2]>,
        /// ε
        epsilon: f64,
        /// a in y (one dimension, where it may also depend on x) or y1 and y2, periodic with period 1
        coefficient: String,
        /// f in x, or x1 and x2
        source: String,
    },
    /// u_t − D u_xx + (1/ε) r(x/ε) u = f on an interval, u = 0 at both ends
    Reaction {
        /// short name, appended to the names of the checks; the main reading has none
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
        /// [a, b]
        domain: [f64; 2],
        /// ε
        epsilon: f64,
        /// D
        diffusivity: f64,
        /// r in y, of mean zero
        reaction: String,
        /// period of r
        period: f64,
        /// u(x, 0)
        initial: String,
        /// f in x
        source: String,
        /// time T at which errors are taken
        time: f64,
    },
}

/// A network and its training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetRecipe {
    /// widths of the hidden layers
    pub hidden: Vec<usize>,
    /// training points: of a cell along each axis (one number), or along x and y where the coefficient depends on x; of a homogenized
    /// equation along each direction, of a reaction in all of space and time
    pub points: Vec<usize>,
    /// when to stop
    #[serde(default)]
    pub plan: Plan,
}

/// Second-order training of small networks with exact periods and boundaries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OursConfig {
    /// networks of the cell problems
    pub cell: NetRecipe,
    /// networks of the homogenized equation
    pub homogenized: NetRecipe,
}

/// A network and its training by Adam with soft conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdamRecipe {
    /// widths of the hidden layers
    pub hidden: Vec<usize>,
    /// points of the training grid along each direction, its ends among them
    pub points: Vec<usize>,
    /// steps on all points at once
    pub epochs: usize,
    /// step size
    pub learning_rate: f64,
    /// weight of the equation's mean square
    pub weight: f64,
    /// weight of the mean square of boundary or periodic conditions
    pub boundary_weight: f64,
    /// weight of the mean square of the initial condition, in space and time
    #[serde(default = "one")]
    pub initial_weight: f64,
    /// layers of points beyond each face of the cell, matched with their images
    #[serde(default)]
    pub oversampling: usize,
    /// weight of their mean square
    #[serde(default = "one")]
    pub oversampling_weight: f64,
    /// weight of the mean square of normal derivatives' differences on opposite faces of the cell; none leaves them free
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivative_weight: Option<f64>,
}

fn one() -> f64 {
    1.0
}

/// The paper's recipe, and the classical network; of several readings of a reaction the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaperConfig {
    /// networks of the cell problems, one for each of 101 x where the coefficient depends on x; none uses the exact coefficients
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<AdamRecipe>,
    /// network of the homogenized equation
    pub homogenized: AdamRecipe,
    /// network of the multiscale equation itself, also started from the homogenized one
    pub classical: AdamRecipe,
}

/// A network trained on the multiscale equation itself by second order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectRecipe {
    /// widths of the hidden layers
    pub hidden: Vec<usize>,
    /// training points along each direction
    pub points: Vec<usize>,
    /// whether each is anywhere in its cell of a grid; otherwise in the middle
    #[serde(default = "yes")]
    pub jitter: bool,
    /// waves of x/ε among the inputs, with numbers up to this one in each direction; 0 is a plain network of x
    #[serde(default)]
    pub harmonics: usize,
    /// weight of the boundary values' mean square; without it they are exact
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary_weight: Option<f64>,
    /// when to stop; held-out points have no say
    #[serde(default)]
    pub plan: Plan,
}

/// Networks for the multiscale equation itself, without homogenization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectConfig {
    /// whether a run trains them
    #[serde(default = "yes")]
    pub run: bool,
    /// u and its flux in first-order form
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flux: Option<DirectRecipe>,
    /// u(x, x/ε) in second-order form
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_scale: Option<DirectRecipe>,
}

fn yes() -> bool {
    true
}

/// Whose recipe is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// second-order training, exact periods and boundaries
    #[default]
    Ours,
    /// Adam with soft conditions, as published
    Paper,
    /// one after the other
    Both,
}

/// How converged the references are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReferenceConfig {
    /// finite elements of this degree
    pub degree: usize,
    /// cells in each period of the multiscale problem
    pub cells_per_period: f64,
    /// cells along each direction of the homogenized problem
    pub cells: usize,
    /// points along each direction where solutions are compared
    pub points: usize,
}

impl Default for ReferenceConfig {
    fn default() -> Self {
        ReferenceConfig { degree: 6, cells_per_period: 4.0, cells: 24, points: 201 }
    }
}

/// A study of a neural homogenization: cell problems, coefficients and the homogenized equation by networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NeuralStudyConfig {
    /// the study's name
    pub study: String,
    /// heading of the page
    #[serde(default)]
    pub title: String,
    /// a paragraph of explanation
    #[serde(default)]
    pub summary: String,
    /// the one seed of everything random
    pub seed: u64,
    /// whose recipe is run
    #[serde(default)]
    pub recipe: Recipe,
    /// how many networks are trained from different seeds; figures are their median
    #[serde(default = "three")]
    pub repeats: usize,
    /// the problems; the first is the main one
    pub equation: Vec<EquationConfig>,
    /// networks and trainings
    pub ours: OursConfig,
    /// the paper's recipe
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<PaperConfig>,
    /// networks for the multiscale equation itself
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<DirectConfig>,
    /// the finite elements that judge them
    #[serde(default)]
    pub reference: ReferenceConfig,
    /// published figures, by the name of the check
    #[serde(default)]
    pub published: BTreeMap<String, f64>,
    /// figures known otherwise, by the name of the check; `NAME_difference` is then a check too
    #[serde(default)]
    pub known: BTreeMap<String, f64>,
    /// bounds on checks, by name
    #[serde(default)]
    pub checks: BTreeMap<String, BoundConfig>,
}

fn three() -> usize {
    3
}

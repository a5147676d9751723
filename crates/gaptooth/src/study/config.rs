//! What a study file may say. Every key has one meaning, unknown keys are refused, lengths and times are non-dimensional.

use serde::{Deserialize, Serialize};

use crate::{
    closure::{FeatureSpec, MultiIndex},
    grid::Boundary,
    ode::tableau::ExplicitMethod,
    patch::{buffered::LiftingOptions, dynamics::BurstOptions},
    stencil::EdgeRule,
};

/// The microscale problem: u_t = ∂x(a ∂x u − b u) + r on an interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProblemConfig {
    /// the interval [a, b]
    #[serde(default = "unit")]
    pub domain: [f64; 2],
    /// what holds at its ends
    #[serde(default)]
    pub boundary: Boundary,
    /// the small scale ε
    pub epsilon: f64,
    /// diffusivity a, a formula in x, eps (as x/eps), y = x/eps and u
    pub diffusivity: String,
    /// velocity b
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<String>,
    /// reaction rate r
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction: Option<String>,
    /// the exact effective diffusivity where it is known, a formula
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_effective: Option<String>,
}

fn unit() -> [f64; 2] {
    [0.0, 1.0]
}

/// Trajectories from random sums of sines (eq. 23).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrajectoriesConfig {
    /// number used for fitting
    pub train: usize,
    /// number kept unseen
    pub test: usize,
    /// final time
    pub end: f64,
    /// time between records
    pub every: f64,
}

/// The homogenized equation on a fine grid (eq. 22).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TruthConfig {
    /// intervals of the fine grid, a multiple of every patch grid's
    pub intervals: usize,
    /// relative tolerance in time
    #[serde(default = "truth_tolerance")]
    pub tolerance: f64,
}

fn truth_tolerance() -> f64 {
    1e-9
}

impl Default for TruthConfig {
    fn default() -> Self {
        TruthConfig { intervals: 4000, tolerance: truth_tolerance() }
    }
}

/// One patch-dynamics experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchesConfig {
    /// name, used by laws, files and checks
    pub name: String,
    /// macroscale intervals: teeth sit at the grid points that evolve
    pub intervals: usize,
    /// tooth width h
    pub tooth: f64,
    /// patch width H, buffers included
    pub width: f64,
    /// microscale spacing δx
    pub spacing: f64,
    /// the lifting polynomial
    pub lifting: LiftingOptions,
    /// the burst
    pub burst: BurstOptions,
    /// macro-integrator
    pub method: ExplicitMethod,
    /// macro-step Δt
    pub step: f64,
    /// final time of these trajectories (default: the study's)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<f64>,
}

/// The kinds of law.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LawKind {
    /// F(u, u_x, u_xx) by a 3-layer ReLU network and Adam (paper §4, figure 3a)
    FunctionalNet(NetConfig),
    /// G(u_{j−1}, u_j, u_{j+1}) by the same network (paper §4, figure 3b)
    DiscretizedNet(NetConfig),
    /// least squares on the stencil's values
    LinearStencil {
        /// points of the stencil along each axis
        points: usize,
    },
    /// derivatives chosen by held-out trajectories, relative least squares, and a gated smooth residual
    Derivatives {
        /// sets of total derivative orders to choose from: 2 means u_xx, and in the plane u_xx, u_xy and u_yy
        candidates: Vec<Vec<usize>>,
        /// points of each difference stencil; by Fourier transform, which needs a periodic grid, unless given
        #[serde(default, skip_serializing_if = "Option::is_none")]
        points: Option<usize>,
        /// how stencils end
        #[serde(default)]
        edges: EdgeRule,
        /// training trajectories held back for the choice
        validation: usize,
        /// hidden width of the tanh residual; 0 for none
        #[serde(default)]
        residual_width: usize,
    },
    /// named terms with coefficients and standard errors, chosen by held-out trajectories
    Symbolic {
        /// candidates are all derivatives up to this total order …
        highest: usize,
        /// … and, with this, the products of two of them of total order two or less: u², u u_x, u_x² …
        #[serde(default)]
        products: bool,
        /// offer only terms that keep the mean of u: all derivatives but u itself, of the products u u_x and u u_y
        #[serde(default)]
        conserving: bool,
        /// points of each difference stencil; by Fourier transform, which needs a periodic grid, unless given
        #[serde(default, skip_serializing_if = "Option::is_none")]
        points: Option<usize>,
        /// how stencils end
        #[serde(default)]
        edges: EdgeRule,
        /// training trajectories held back for the choice
        validation: usize,
    },
    /// u_t = ⟨a⟩ u_xx: what a user gets who averages the coefficient
    ArithmeticMean,
}

impl LawKind {
    /// What laws of this kind are offered on grids of `dimension` axes; one specification, or one for each candidate.
    pub fn features(&self, dimension: usize) -> Vec<FeatureSpec> {
        let derivatives = |orders: &[usize], points: Option<usize>, edges: EdgeRule| {
            let orders = orders.iter().flat_map(|k| MultiIndex::of_order(dimension, *k)).collect();
            match points {
                Some(points) => FeatureSpec::Derivatives { orders, points, edges },
                None => FeatureSpec::Spectral { orders },
            }
        };
        match self {
            LawKind::FunctionalNet(NetConfig { points: None, .. }) => vec![FeatureSpec::paper_functional(dimension)],
            LawKind::FunctionalNet(NetConfig { points, .. }) => {
                vec![derivatives(&[0, 1, 2], *points, EdgeRule::OneSided)]
            }
            LawKind::DiscretizedNet(NetConfig { points: Some(points), .. }) => {
                vec![FeatureSpec::Neighbours { half: points / 2 }]
            }
            LawKind::DiscretizedNet(_) => vec![FeatureSpec::paper_discretized(dimension)],
            LawKind::LinearStencil { points } => vec![FeatureSpec::Neighbours { half: points / 2 }],
            LawKind::Derivatives { candidates, points, edges, .. } => {
                candidates.iter().map(|orders| derivatives(orders, *points, *edges)).collect()
            }
            LawKind::Symbolic { highest, points, edges, .. } => {
                vec![derivatives(&(0..=*highest).collect::<Vec<_>>(), *points, *edges)]
            }
            LawKind::ArithmeticMean => vec![FeatureSpec::differences(&[2], 3, EdgeRule::OneSided)],
        }
    }

    /// Training trajectories that are held back for a choice.
    pub fn validation(&self) -> Option<usize> {
        match self {
            LawKind::Derivatives { validation, .. } | LawKind::Symbolic { validation, .. } => Some(*validation),
            _ => None,
        }
    }
}

/// The paper's network and training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetConfig {
    /// widths of the two hidden layers
    pub hidden: Vec<usize>,
    /// passes over the data
    pub epochs: usize,
    /// minibatch
    pub batch: usize,
    /// Adam's learning rate
    pub learning_rate: f64,
    /// of a functional net: points of the difference stencils (else three on a line, Fourier transforms in the plane); of a
    /// discretized net: points that it sees along each axis (else three on a line, five in the plane)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<usize>,
}

/// One law to fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LawConfig {
    /// name, used in files and checks (`NAME_rhs_rmse`, `NAME_trajectory_rmse`)
    pub name: String,
    /// which [`PatchesConfig`] its data come from
    pub patches: String,
    /// what it is
    #[serde(flatten)]
    pub kind: LawKind,
    /// published right-hand-side rMSE
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper_rhs_rmse: Option<f64>,
    /// published trajectory rMSE
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper_trajectory_rmse: Option<f64>,
}

/// A bound on a check.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum BoundConfig {
    /// value ≤ bound
    AtMost(f64),
    /// value ≥ bound
    AtLeast(f64),
}

/// The fully resolved problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolvedConfig {
    /// micro-points per period ε
    pub points_per_period: usize,
    /// time to which it runs
    pub time: f64,
    /// also run the general stiff integrator at this tolerance, to check the exact propagator
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub general_tolerance: Option<f64>,
}

/// A study: patches gather data, laws are learned, and the homogenized truth judges them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StudyConfig {
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
    /// the microscale problem
    pub problem: ProblemConfig,
    /// the trajectories
    pub trajectories: TrajectoriesConfig,
    /// the homogenized truth
    #[serde(default)]
    pub truth: TruthConfig,
    /// the fully resolved problem, if wanted
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<ResolvedConfig>,
    /// patch-dynamics experiments; the first is the main one
    #[serde(default)]
    pub patches: Vec<PatchesConfig>,
    /// laws to fit
    #[serde(default)]
    pub laws: Vec<LawConfig>,
    /// bounds on checks, by name
    #[serde(default)]
    pub checks: std::collections::BTreeMap<String, BoundConfig>,
}

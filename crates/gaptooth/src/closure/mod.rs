//! Macroscale laws fitted to patch data: the learner's half of the seam.
//!
//! A [`Dataset`] of (u, u_t) comes in; a [`Closure`] goes out, which is an [`crate::ode::OdeSystem`] like any
//! other, so the integrators that run the truth run the learned law too. Knows nothing of the microscale, of
//! files or of terminals.
//!
//! | law | inputs at a point | made by |
//! |---|---|---|
//! | [`NetworkLaw`], functional | u, u_x, u_xx … | [`fit_network`] (the paper's recipe) |
//! | [`NetworkLaw`], discretized | u_{j−h} … u_{j+h} | [`fit_network`] |
//! | [`LinearLaw`] | either | [`fit_linear`], [`select_linear`] |
//! | [`CompositeLaw`] | linear path + gated network | [`fit_residual`] |
//! | [`SymbolicLaw`] | derivatives and products of them, chosen one by one | [`fit_symbolic`] |

mod any;
mod composite;
mod dataset;
mod features;
mod fit_linear;
mod fit_network;
mod fit_residual;
mod fit_symbolic;
mod flow;
mod initial;
mod law;
mod least_squares;
mod linear;
pub mod metrics;
mod multi_index;
mod network;
mod prediction;
mod selection;
mod symbolic;

pub use any::{AnyClosure, Card, Tensor};
pub use composite::CompositeLaw;
pub use dataset::{Dataset, Provenance, Snapshot};
pub use features::{FeatureSpec, Features, Rows};
pub use fit_linear::{LinearFit, LinearRecipe, Weighting, fit_linear};
pub use fit_network::{BatchOf, NetworkFit, NetworkRecipe, Scaling, fit_network};
pub use fit_residual::{Gate, ResidualFit, ResidualMethod, ResidualRecipe, fit_residual};
pub use fit_symbolic::{Candidate, SymbolicFit, SymbolicRecipe, Trial, fit_symbolic};
pub use flow::{PeriodicFlow, integrate};
pub use initial::{Amplitudes, SineProducts, SineSum, initial_states};
pub use law::Closure;
pub use least_squares::{LeastSquaresSolution, TallLeastSquares, Triangle};
pub use linear::LinearLaw;
pub use multi_index::MultiIndex;
pub use network::{NetworkLaw, Standardisation};
pub use prediction::{Trajectory, predict, predict_by, rhs_error, slopes};
pub use selection::{Integrate, Score, Selection, Validation, ValidationError, select_linear, validate};
pub use symbolic::{SymbolicLaw, Term};

//! Small multilayer perceptrons, their derivatives and their optimisers.
//!
//! Knows no physics: it maps rows of numbers to numbers. What the inputs mean, what must vanish where and
//! which trajectories count belongs to [`crate::closure`].
//!
//! Batches are *feature-major*: feature f of row b lies at `x[f * rows + b]`, so each layer is one matrix
//! product on contiguous columns.
//!
//! Every full-batch optimiser is an [`Optimizer`] of a [`LeastSquares`] problem, which offers what any of them may ask for:
//! residuals, their gradient, their Jacobian. Minibatches ([`train`]) are another matter.

mod activation;
mod adam;
mod gauss_newton;
mod jacobian;
mod jet;
mod jet_kernels;
mod lbfgs;
mod least_squares;
mod levenberg_marquardt;
mod mlp;
mod optimizer;
mod pass;
mod regression;
mod taylor;
mod train;

pub use activation::Activation;
pub use adam::{Adam, AdamSettings};
pub use gauss_newton::{GaussNewton, GaussNewtonSettings};
pub use jet::{JET_ROWS, JetSpec, JetWorkspace};
pub use lbfgs::{Lbfgs, Minimum, Stop};
pub use least_squares::LeastSquares;
pub use levenberg_marquardt::{LevenbergMarquardt, Space};
pub(crate) use mlp::check_shape;
pub use mlp::{Layer, Mlp};
pub use optimizer::{Iteration, LbfgsOptimizer, Optimizer, Work};
pub use pass::Workspace;
pub use regression::Regression;
pub use taylor::{MAX_VARIABLES, Taylor};
pub use train::{Minibatch, Samples, TrainState, train};

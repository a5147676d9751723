//! Small multilayer perceptrons, their derivatives and their optimisers.
//!
//! Knows no physics: it maps rows of numbers to numbers. What the inputs mean, what must vanish where and
//! which trajectories count belongs to [`crate::closure`].
//!
//! Batches are *feature-major*: feature f of row b lies at `x[f * rows + b]`, so each layer is one matrix
//! product on contiguous columns.
//!
//! There is no common optimiser trait: Adam takes a gradient, L-BFGS asks for values along a line, and
//! Levenberg–Marquardt needs the Jacobian of residuals. One signature would hide what each of them needs.

mod activation;
mod adam;
mod jacobian;
mod lbfgs;
mod levenberg_marquardt;
mod mlp;
mod pass;
mod regression;
mod train;

pub use activation::Activation;
pub use adam::{Adam, AdamSettings};
pub use lbfgs::{Lbfgs, Minimum, Stop};
pub use levenberg_marquardt::{LeastSquares, LevenbergMarquardt, Space};
pub(crate) use mlp::check_shape;
pub use mlp::{Layer, Mlp};
pub use pass::Workspace;
pub use regression::Regression;
pub use train::{Minibatch, Samples, TrainState, train};

//! Physics-informed networks: differential equations as sums of squares of small networks' jets.
//!
//! An [`Ansatz`] turns a network into fields (embedded inputs, boundary factors, lifts, extra basis functions), a [`Residual`] says
//! what of their jets must vanish at a point, a [`Collocation`] gathers residuals and boundary conditions at points into
//! one [`crate::nn::LeastSquares`] problem, and [`solve`] drives any [`crate::nn::Optimizer`] on it. Sources: Raissi, Perdikaris &
//! Karniadakis 2019; Leung, Lin & Zhang 2022 (NH-PINN).

mod ansatz;
mod boundary;
mod cell;
mod collocation;
mod equations;
mod field;
mod reaction;
mod residual;
mod sampling;
mod slow;
mod train;

pub use ansatz::{Ansatz, Embedding, Map};
pub use boundary::{corner_functions, dirichlet_factor, quarter_plane, repeated_erfc, start_layer};
pub use cell::{NeuralCell, NeuralCellSolution, tensor_at};
pub use collocation::{Collocation, Condition};
pub use equations::{Elliptic, EllipticFlux, Heat, PointFunction, TensorMap};
pub use field::NeuralField;
pub use reaction::{LineMap, StartLayers, Weighted};
pub use residual::Residual;
pub use sampling::{grid, halton, jittered, shifted_grid};
pub use slow::{SlowCell, SlowCoefficient, SlowCorrector};
pub use train::{Plan, Record, Stopped, Training, solve};

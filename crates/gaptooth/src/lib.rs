//! From a microscale model that nobody can afford to resolve to the macroscopic law that people need.
//!
//! Two tracks and one verdict. Track one never sees the homogenized equation: a [`patch`] scheme runs
//! short bursts of the microscale model in small patches, its restriction gives a
//! [`closure::Dataset`] of (u, u_t), and a [`closure`] is fitted to it. Track two computes the truth: the
//! [`cell`] problem of a [`coefficient`] gives the effective tensor, and [`fem`] resolved references. A [`study`] puts the two side by
//! side in a [`report`].
//!
//! Everything is non-dimensional unless it says otherwise, and `f64`.

pub mod error;
pub mod fourier;
pub mod grid;
mod legendre;
pub mod linalg;
pub mod observer;
pub mod stencil;
pub mod store;
pub mod team;

pub mod coefficient;
pub mod ode;

pub mod nn;
pub mod patch;

pub mod cell;
pub mod closure;
pub mod fem;
pub mod pinn;

pub mod problems;
pub mod report;

pub mod study;

#[cfg(feature = "io")]
pub mod io;
#[cfg(feature = "plot")]
pub mod plot;

pub use error::{Error, Result};

/// The version that reports, models and datasets record.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

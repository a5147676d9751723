//! Boundary-value problems by finite elements: converged references to judge what is learned.
//!
//! A homogenized solution or a network's is compared with the solution of the multiscale problem itself, and a reference that is
//! under-resolved (a few points a period) reports its own error as the method's. So elements here go up to degree 8, systems
//! are solved by sparse Cholesky, time is integrated exactly, and every reference comes with an estimate of its own error
//! ([`Refined`]). This room solves linear problems on intervals and rectangles; it knows no cell problem's theory and no network.

pub mod line;
pub mod plane;
pub mod reaction;

mod basis;
mod plane_mesh;
mod plane_solution;
mod sparse;

use crate::{Error, Result};

/// A solution, and what its distance from one on a coarser mesh says of its error.
#[derive(Debug, Clone)]
pub struct Refined<S> {
    /// the solution on the finer mesh
    pub solution: S,
    /// ‖coarse − fine‖/‖fine‖ in L²: the relative error of the coarser one, so more than that of the finer
    pub error: f64,
}

/// Elements of higher degree are ill conditioned with this quadrature.
const MAX_DEGREE: usize = 8;

fn check_mesh(degree: usize, cells: usize, limit: usize) -> Result<()> {
    if !(1..=MAX_DEGREE).contains(&degree) {
        let advice = "raise the number of cells rather than the degree";
        return Err(Error::parameter("degree", degree, format!("1 to {MAX_DEGREE}"), advice));
    }
    if cells == 0 || cells > limit {
        return Err(Error::parameter("cells", cells, format!("1 to {limit}"), "take a few cells per period"));
    }
    Ok(())
}

fn check_domain(name: &str, [a, b]: [f64; 2]) -> Result<()> {
    if a.is_finite() && b.is_finite() && a < b {
        return Ok(());
    }
    Err(Error::parameter(name, format!("[{a}, {b}]"), "two finite ends, the first smaller", "write [0.0, 1.0]"))
}

fn check_values(what: &str, values: &[f64]) -> Result<()> {
    crate::error::check_finite(what, values, None, "check the functions of the problem for poles inside the domain")
}

//! Finite-difference weights on any nodes, and difference operators on a [`Axis`] with explicit ends.

use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    grid::{Axis, Boundary},
};

/// Weights `w[k][j]` with f^{(k)}(at) ≈ Σ_j `w[k][j] f(nodes[j])`, k = 0 … `max_derivative`, exact on
/// polynomials of degree nodes.len() − 1. Source: Fornberg, Math. Comp. 51 (1988) 699–706.
///
/// ```
/// let w = gaptooth::stencil::fornberg(0.0, &[-1.0, 0.0, 1.0], 2);
/// assert_eq!(w[2], vec![1.0, -2.0, 1.0]);
/// ```
pub fn fornberg(at: f64, nodes: &[f64], max_derivative: usize) -> Vec<Vec<f64>> {
    let n = nodes.len();
    let mut w = vec![vec![0.0; n]; max_derivative + 1];
    w[0][0] = 1.0;
    let mut c1 = 1.0;
    for i in 1..n {
        let mut c2 = 1.0;
        let (previous, current) = (nodes[i - 1] - at, nodes[i] - at);
        for j in 0..i {
            let c3 = nodes[i] - nodes[j];
            c2 *= c3;
            if j == i - 1 {
                for k in (0..=max_derivative.min(i)).rev() {
                    let lower = if k > 0 { k as f64 * w[k - 1][i - 1] } else { 0.0 };
                    w[k][i] = c1 * (lower - previous * w[k][i - 1]) / c2;
                }
            }
            for k in (0..=max_derivative.min(i)).rev() {
                let lower = if k > 0 { k as f64 * w[k - 1][j] } else { 0.0 };
                w[k][j] = (current * w[k][j] - lower) / c3;
            }
        }
        c1 = c2;
    }
    w
}

/// How a centred stencil is completed where it would leave the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum EdgeRule {
    /// Move the window inwards: uncentred, as accurate as its degree. Assumes nothing of the solution.
    #[default]
    OneSided,
    /// Continue by reflection: u − u(end) odd at a Dirichlet end, u even at a Neumann end. Exact for laws
    /// that contain only even derivatives, and keeps the stencil centred.
    Reflect,
}

/// One derivative of one order at every point of a grid, as a banded linear operator.
///
/// Row i holds the weights of a contiguous or wrapped set of columns; values at a reflected ghost
/// point 2·end − x are folded back onto the grid.
#[derive(Debug, Clone)]
pub struct DifferenceOperator {
    /// which derivative
    pub derivative: usize,
    rows: Vec<Vec<(usize, f64)>>,
}

impl DifferenceOperator {
    /// The `derivative`-th derivative from `points` neighbouring points (odd).
    ///
    /// # Errors
    /// [`Error::Parameter`] when `points` is even, not larger than `derivative`, or larger than the grid.
    pub fn new(grid: &Axis, derivative: usize, points: usize, edges: EdgeRule) -> Result<Self> {
        if points.is_multiple_of(2) || points <= derivative || points > grid.len() {
            return Err(Error::parameter(
                "stencil points",
                points,
                format!("an odd number above {derivative} and at most the {} grid points", grid.len()),
                "use a narrower stencil or a finer grid",
            ));
        }
        let rows = (0..grid.len()).map(|i| row(grid, i, derivative, points, edges)).collect();
        Ok(DifferenceOperator { derivative, rows })
    }

    /// The columns and weights of row `i`, columns ascending.
    pub fn row(&self, i: usize) -> &[(usize, f64)] {
        &self.rows[i]
    }

    /// out_i = Σ_j w_ij u_j.
    ///
    /// # Panics
    /// If `u` or `out` is not as long as the grid.
    pub fn apply_into(&self, u: &[f64], out: &mut [f64]) {
        assert_eq!(u.len(), self.rows.len(), "state and grid differ");
        assert_eq!(out.len(), self.rows.len(), "output and grid differ");
        for (i, o) in out.iter_mut().enumerate() {
            *o = self.apply_at(i, u);
        }
    }

    /// Σ_j w_ij u_j of one row.
    ///
    /// # Panics
    /// If there is no row `i`, or `u` is too short for it.
    pub fn apply_at(&self, i: usize, u: &[f64]) -> f64 {
        self.rows[i].iter().map(|&(j, w)| w * u[j]).sum()
    }
}

fn row(grid: &Axis, i: usize, derivative: usize, points: usize, edges: EdgeRule) -> Vec<(usize, f64)> {
    let (n, half, h) = (grid.len() as isize, (points / 2) as isize, grid.spacing());
    let i = i as isize;
    let fits = i - half >= 0 && i + half < n;
    let shift = if fits || grid.boundary == Boundary::Periodic || edges == EdgeRule::Reflect {
        -half
    } else {
        (i - half).clamp(0, n - points as isize) - i
    };
    let offsets: Vec<f64> = (0..points as isize).map(|j| (shift + j) as f64).collect();
    let weights = &fornberg(0.0, &offsets, derivative)[derivative];
    let scale = h.powi(-(derivative as i32));
    let mut dense = std::collections::BTreeMap::<usize, f64>::new();
    for (j, w) in weights.iter().enumerate() {
        for (column, factor) in fold(grid, i + shift + j as isize) {
            *dense.entry(column).or_default() += factor * w * scale;
        }
    }
    dense.into_iter().filter(|&(_, w)| w != 0.0).collect()
}

/// The value at (possibly outside) index `j` as a combination of grid values.
pub(crate) fn fold(grid: &Axis, j: isize) -> Vec<(usize, f64)> {
    let n = grid.len() as isize;
    if (0..n).contains(&j) {
        return vec![(j as usize, 1.0)];
    }
    if grid.boundary == Boundary::Periodic {
        return vec![(j.rem_euclid(n) as usize, 1.0)];
    }
    let end = if j < 0 { 0 } else { n - 1 };
    let mirror = (2 * end - j) as usize;
    match grid.boundary {
        Boundary::Neumann => vec![(mirror, 1.0)],
        _ => vec![(end as usize, 2.0), (mirror, -1.0)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflected_second_derivative_of_a_sine_is_centred_at_the_ends() {
        let grid = Axis::uniform([0.0, 1.0], 40, Boundary::Dirichlet).unwrap();
        let u: Vec<f64> = grid.x.iter().map(|x| 2.0 + (std::f64::consts::PI * x).sin()).collect();
        let d = DifferenceOperator::new(&grid, 2, 9, EdgeRule::Reflect).unwrap();
        let mut out = vec![0.0; grid.len()];
        d.apply_into(&u, &mut out);
        for (o, v) in out.iter().zip(&u) {
            assert!((o + std::f64::consts::PI.powi(2) * (v - 2.0)).abs() < 1e-9);
        }
    }

    #[test]
    fn one_sided_rows_are_exact_on_polynomials() {
        let grid = Axis::uniform([-1.0, 2.0], 12, Boundary::Dirichlet).unwrap();
        let u: Vec<f64> = grid.x.iter().map(|x| x.powi(4) - 2.0 * x).collect();
        let d = DifferenceOperator::new(&grid, 1, 5, EdgeRule::OneSided).unwrap();
        let mut out = vec![0.0; grid.len()];
        d.apply_into(&u, &mut out);
        for (o, x) in out.iter().zip(&grid.x) {
            assert!((o - (4.0 * x.powi(3) - 2.0)).abs() < 1e-10);
        }
    }
}

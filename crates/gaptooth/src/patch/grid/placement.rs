//! How patch centres are spread over a bounded domain.

use serde::{Deserialize, Serialize};

use super::{End, PatchShape};

/// How patch centres are spread over a bounded domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Equal distances. The extreme patches reach the ends: their innermost edge layers lie on an end of
    /// [`End::Dirichlet`], and half a microscale spacing outside one of [`End::Neumann`].
    #[default]
    Equispaced,
    /// As −cos(iπ/N), which tames interpolation of high order; where patches would overlap near the
    /// ends, they abut instead. Extreme patches as for `Equispaced`.
    Chebyshev,
    /// In the middle of N equal cells: X_I = a + (I − ½)H, H = (b − a)/N. An end then lies half-way between a patch
    /// and its mirror image, so that interpolation goes on beyond it, spectral interpolation included, and the
    /// coupled system stays self-adjoint: see [`crate::patch::coupling::mirror`].
    CellCentred,
}

impl Placement {
    /// The centres of `n` patches.
    pub(super) fn centres(self, [a, b]: [f64; 2], ends: [End; 2], n: usize, shape: &PatchShape) -> Vec<f64> {
        let outside = ends.map(|end| match end {
            End::Dirichlet => (shape.n_edge() as f64 - 1.0) * shape.spacing(),
            End::Neumann => (shape.n_edge() as f64 - 0.5) * shape.spacing(),
        });
        let first = a + 0.5 * shape.width() - outside[0];
        let last = b - 0.5 * shape.width() + outside[1];
        match self {
            Placement::CellCentred => cell_centres([a, b], n),
            Placement::Chebyshev => chebyshev(first, last, n, shape.core_width()),
            Placement::Equispaced => {
                let step = (last - first) / (n - 1) as f64;
                (0..n).map(|i| first + i as f64 * step).collect()
            }
        }
    }
}

/// a + (I − ½)H, H = (b − a)/n.
pub(super) fn cell_centres([a, b]: [f64; 2], n: usize) -> Vec<f64> {
    let spacing = (b - a) / n as f64;
    (0..n).map(|i| a + (i as f64 + 0.5) * spacing).collect()
}

/// Chebyshev centres from `first` to `last`, the patches next to an end abutting where they would
/// otherwise overlap: b/2 patches are glued at each end, b the smallest even number that does it.
fn chebyshev(first: f64, last: f64, n: usize, width: f64) -> Vec<f64> {
    use std::f64::consts::PI;
    let mut glued = 0;
    for b in (0..=n - 2).step_by(2) {
        glued = b;
        let gap = 0.5 * (last - first - b as f64 * width) * (1.0 - (PI / (n - b - 1) as f64).cos());
        if gap > width {
            break;
        }
    }
    let (half, free) = (glued / 2, n - glued);
    let (middle, radius) = (0.5 * (first + last), 0.5 * (last - first - glued as f64 * width));
    let left = (0..half).map(|i| first + i as f64 * width);
    let centre = (0..free).map(|i| middle - radius * (PI * i as f64 / (free - 1) as f64).cos());
    let right = (0..half).rev().map(|i| last - i as f64 * width);
    left.chain(centre).chain(right).collect()
}

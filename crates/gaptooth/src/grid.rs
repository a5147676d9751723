//! Macroscale grids in one dimension: the points, and what happens at the two ends.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What holds at the ends of the domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Boundary {
    /// The two end values are fixed in time: u(0, t) = u(0, 0).
    #[default]
    Dirichlet,
    /// No flux: u_x = 0 at both ends.
    Neumann,
    /// The ends are one point; the grid leaves the second out.
    Periodic,
}

/// Equally spaced points x_0 < … < x_{n−1} on [a, b].
///
/// Dirichlet and Neumann grids hold both ends (spacing (b − a)/(n − 1)); periodic ones leave b out
/// (spacing (b − a)/n).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// the points, ascending
    pub x: Vec<f64>,
    /// the interval [a, b]
    pub domain: [f64; 2],
    /// what holds at its ends
    pub boundary: Boundary,
}

impl Grid {
    /// `intervals` equal intervals on `domain`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty domain or fewer than two intervals.
    pub fn uniform(domain: [f64; 2], intervals: usize, boundary: Boundary) -> Result<Self> {
        let [a, b] = domain;
        if !(a.is_finite() && b.is_finite() && b > a) {
            return Err(Error::parameter(
                "domain",
                format!("[{a}, {b}]"),
                "two finite ends, the first smaller",
                "write domain = [0.0, 1.0]",
            ));
        }
        if intervals < 2 {
            return Err(Error::parameter("intervals", intervals, "at least 2", "use more grid points"));
        }
        let n = if boundary == Boundary::Periodic { intervals } else { intervals + 1 };
        let dx = (b - a) / intervals as f64;
        Ok(Grid { x: (0..n).map(|i| if i == intervals { b } else { a + i as f64 * dx }).collect(), domain, boundary })
    }

    /// The spacing.
    pub fn spacing(&self) -> f64 {
        self.x[1] - self.x[0]
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// Never true of a validated grid.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// The points whose value evolves: all but the two ends of a Dirichlet grid.
    pub fn active(&self) -> std::ops::Range<usize> {
        match self.boundary {
            Boundary::Dirichlet => 1..self.len() - 1,
            Boundary::Neumann | Boundary::Periodic => 0..self.len(),
        }
    }
}
/// All points of a box of indices, the last index fastest.
pub fn points<const D: usize>(ranges: [std::ops::Range<usize>; D]) -> impl Iterator<Item = [usize; D]> {
    let count: usize = ranges.iter().map(ExactSizeIterator::len).product();
    (0..count).map(move |mut number| {
        let mut point = [0; D];
        for d in (0..D).rev() {
            point[d] = ranges[d].start + number % ranges[d].len();
            number /= ranges[d].len();
        }
        point
    })
}

//! Macroscale grids: equally spaced axes, what happens at their ends, and their product.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Intervals of an axis: 0.8 GB for one state.
const MOST_INTERVALS: usize = 100_000_000;

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
/// Dirichlet and Neumann axes hold both ends (spacing (b − a)/(n − 1)); periodic ones leave b out
/// (spacing (b − a)/n).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// the points, ascending
    pub x: Vec<f64>,
    /// the interval [a, b]
    pub domain: [f64; 2],
    /// what holds at its ends
    pub boundary: Boundary,
}

impl Axis {
    /// `intervals` equal intervals on `domain`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty domain or fewer than two intervals or more than 10⁸.
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
        if intervals > MOST_INTERVALS {
            let expected = format!("at most {MOST_INTERVALS}");
            return Err(Error::parameter("intervals", intervals, expected, "a state would not fit in memory"));
        }
        let n = if boundary == Boundary::Periodic { intervals } else { intervals + 1 };
        let dx = (b - a) / intervals as f64;
        Ok(Axis { x: (0..n).map(|i| if i == intervals { b } else { a + i as f64 * dx }).collect(), domain, boundary })
    }

    /// The spacing.
    pub fn spacing(&self) -> f64 {
        self.x[1] - self.x[0]
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// Never true of a validated axis.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// The points whose value evolves: all but the two ends of a Dirichlet axis.
    pub fn active(&self) -> std::ops::Range<usize> {
        match self.boundary {
            Boundary::Dirichlet => 1..self.len() - 1,
            Boundary::Neumann | Boundary::Periodic => 0..self.len(),
        }
    }
}

/// The product of one or more axes; its points are numbered with the last axis fastest.
///
/// ```
/// use gaptooth::grid::{Axis, Boundary, Grid};
/// let line = Grid::uniform([0.0, 1.0], 4, Boundary::Dirichlet)?;
/// assert_eq!((line.len(), line.active()), (5, vec![1, 2, 3]));
/// let plane = Grid::new(vec![Axis::uniform([0.0, 1.0], 4, Boundary::Periodic)?; 2])?;
/// assert_eq!((plane.shape(), plane.len(), plane.position(5)), (vec![4, 4], 16, vec![0.25, 0.25]));
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Axis>", into = "Vec<Axis>")]
pub struct Grid {
    axes: Vec<Axis>,
}

impl TryFrom<Vec<Axis>> for Grid {
    type Error = Error;

    fn try_from(axes: Vec<Axis>) -> Result<Self> {
        Grid::new(axes)
    }
}

impl From<Grid> for Vec<Axis> {
    fn from(grid: Grid) -> Self {
        grid.axes
    }
}

impl From<Axis> for Grid {
    fn from(axis: Axis) -> Self {
        Grid { axes: vec![axis] }
    }
}

impl Grid {
    /// The product of `axes`.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless there are one, two or three, of two points or more each.
    pub fn new(axes: Vec<Axis>) -> Result<Self> {
        if !(1..=NAMES.len()).contains(&axes.len()) {
            return Err(Error::parameter("axes", axes.len(), "one, two or three", "give one axis per space dimension"));
        }
        match axes.iter().find(|axis| axis.len() < 2) {
            None => Ok(Grid { axes }),
            Some(axis) => Err(Error::parameter("points of an axis", axis.len(), "at least 2", "use more grid points")),
        }
    }

    /// A line: one axis, [`Axis::uniform`].
    ///
    /// # Errors
    /// As [`Axis::uniform`].
    pub fn uniform(domain: [f64; 2], intervals: usize, boundary: Boundary) -> Result<Self> {
        Ok(Axis::uniform(domain, intervals, boundary)?.into())
    }

    /// The axes.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Points per axis.
    pub fn shape(&self) -> Vec<usize> {
        self.axes.iter().map(Axis::len).collect()
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.axes.iter().map(Axis::len).product()
    }

    /// Never true of a validated grid.
    pub fn is_empty(&self) -> bool {
        self.axes.iter().any(Axis::is_empty)
    }

    /// Whether every axis is periodic.
    pub fn is_periodic(&self) -> bool {
        self.axes.iter().all(|a| a.boundary == Boundary::Periodic)
    }

    /// The place of point `number` along each axis.
    pub fn index(&self, mut number: usize) -> Vec<usize> {
        let mut index = vec![0; self.axes.len()];
        for (i, axis) in index.iter_mut().zip(&self.axes).rev() {
            *i = number % axis.len();
            number /= axis.len();
        }
        index
    }

    /// The number of the point at `index`, one place per axis.
    pub fn number(&self, index: &[usize]) -> usize {
        index.iter().zip(&self.axes).fold(0, |n, (i, axis)| n * axis.len() + i)
    }

    /// The coordinates of point `number`, one per axis.
    pub fn position(&self, number: usize) -> Vec<f64> {
        self.index(number).into_iter().zip(&self.axes).map(|(i, axis)| axis.x[i]).collect()
    }

    /// The coordinates of point `number` as people write them: `x = 0.25, y = 0.5`.
    pub fn place(&self, number: usize) -> String {
        self.position(number).iter().zip(NAMES).map(|(x, name)| format!("{name} = {x}")).collect::<Vec<_>>().join(", ")
    }

    /// The points whose value evolves, ascending: all but the faces of Dirichlet axes.
    pub fn active(&self) -> Vec<usize> {
        let inside = |n: &usize| self.index(*n).iter().zip(&self.axes).all(|(i, axis)| axis.active().contains(i));
        (0..self.len()).filter(inside).collect()
    }
}

/// What axes and coordinates are called.
pub const NAMES: [&str; 3] = ["x", "y", "z"];

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

//! Where the patches lie: centres, spacing and microscale points, checked once and never changed.
//!
//! A [`PatchGrid`] is a product of [`PatchAxis`], one per space dimension, so everything that concerns
//! one direction (placement, coupling weights) is written for an axis.

mod ends;
mod placement;
mod shape;

pub use ends::{End, Ends};
pub use placement::Placement;
pub use shape::{PatchShape, Source};

use serde::Serialize;

use crate::{Error, Result, grid::points};

/// The patches along one axis; immutable and valid by construction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PatchAxis {
    domain: [f64; 2],
    ends: Ends,
    shape: PatchShape,
    centres: Vec<f64>,
    x: Vec<f64>,
}

impl PatchAxis {
    /// `n_patch` patches on a periodic domain [a, b]: X_I = a + (I − ½)H, H = (b − a)/n_patch.
    ///
    /// ```
    /// use gaptooth::patch::grid::{PatchAxis, PatchShape};
    /// let axis = PatchAxis::periodic([0.0, 1.0], 5, PatchShape::new(6, 1, 0.01)?)?;
    /// assert!((axis.centres()[0] - 0.1).abs() < 1e-15 && (axis.spacing() - 0.2).abs() < 1e-15);
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty domain, no patch, or patches that overlap.
    pub fn periodic(domain: [f64; 2], n_patch: usize, shape: PatchShape) -> Result<Self> {
        Self::from_centres(domain, Ends::Periodic, placement::cell_centres(domain, n_patch), shape)
    }

    /// `n_patch` patches on a bounded domain, each end with a condition of its own: give a
    /// [`Boundary`](crate::grid::Boundary) for both or `[End; 2]`.
    ///
    /// ```
    /// use gaptooth::patch::grid::{End, PatchAxis, PatchShape, Placement};
    /// let ends = [End::Dirichlet, End::Neumann];
    /// let shape = PatchShape::new(6, 1, 0.01)?;
    /// let axis = PatchAxis::bounded([0.0, 1.0], ends, 5, Placement::Equispaced, shape)?;
    /// // an edge on the end with a value, one half a spacing beyond the end without flux
    /// assert!(axis.x()[0].abs() < 1e-15 && (axis.x()[29] - 1.005).abs() < 1e-15);
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for periodic ends, fewer than 2 patches, or patches that overlap.
    pub fn bounded(
        domain: [f64; 2],
        ends: impl Into<Ends>,
        n_patch: usize,
        placement: Placement,
        shape: PatchShape,
    ) -> Result<Self> {
        if n_patch < 2 {
            return Err(Error::parameter("n_patch", n_patch, "at least 2", "use more patches"));
        }
        let Ends::Bounded(ends) = ends.into() else {
            let expected = "dirichlet or neumann for a bounded domain";
            return Err(Error::parameter("boundary", "periodic", expected, "use PatchAxis::periodic"));
        };
        let centres = placement.centres(domain, ends, n_patch, &shape);
        Self::from_centres(domain, ends, centres, shape)
    }

    /// Patches about any given centres, for example the interior points of a macroscale grid.
    ///
    /// # Errors
    /// [`Error::Parameter`] when the domain is empty; when centres do not ascend, overlap (closer than
    /// [`PatchShape::core_width`]) or leave the domain; when they are not equispaced on a periodic domain.
    pub fn from_centres(domain: [f64; 2], ends: impl Into<Ends>, centres: Vec<f64>, shape: PatchShape) -> Result<Self> {
        let [a, b] = domain;
        if !(a.is_finite() && b.is_finite() && b > a) {
            let expected = "two finite ends, the first smaller";
            return Err(Error::parameter("domain", format!("[{a}, {b}]"), expected, "write domain = [0.0, 1.0]"));
        }
        if centres.is_empty() {
            return Err(Error::parameter("n_patch", 0, "at least 1", "use more patches"));
        }
        let n = shape.n_sub();
        let middle = 0.5 * (n - 1) as f64;
        let x = centres.iter().flat_map(|c| (0..n).map(move |i| c + (i as f64 - middle) * shape.spacing())).collect();
        let axis = PatchAxis { domain, ends: ends.into(), shape, centres, x };
        axis.check_gaps()?;
        axis.check_ends()?;
        Ok(axis)
    }

    fn check_gaps(&self) -> Result<()> {
        let gaps = self.gaps();
        let width = self.shape.core_width();
        // Patches that abut exactly are the fully resolved problem: allow rounding.
        if let Some((i, gap)) = gaps.iter().enumerate().find(|(_, g)| g.is_nan() || **g < width * (1.0 - 1e-6)) {
            return Err(Error::parameter(
                "patch spacing",
                gap,
                format!("at least the width {width} of a patch (patches {i} and {} overlap)", i + 1),
                format!(
                    "use fewer than {} patches, fewer points per patch, or a smaller microscale spacing",
                    self.centres.len()
                ),
            ));
        }
        let mean = self.spacing();
        if self.is_periodic() && gaps.iter().any(|g| (g - mean).abs() > 1e-9 * mean) {
            return Err(Error::parameter(
                "patch centres",
                format!("{:?}", self.centres),
                "equal distances on a periodic domain",
                "use PatchAxis::periodic",
            ));
        }
        Ok(())
    }

    fn check_ends(&self) -> Result<()> {
        let [a, b] = self.domain;
        let slack = (self.shape.n_edge() as f64 - 0.5) * self.shape.spacing() * (1.0 + 1e-6);
        let outside = if self.is_periodic() {
            self.centres[0] < a || self.centres[self.centres.len() - 1] > b
        } else {
            self.x[0] < a - slack || self.x[self.x.len() - 1] > b + slack
        };
        if outside {
            return Err(Error::parameter(
                "patch centres",
                format!("patches from {} to {}", self.x[0], self.x[self.x.len() - 1]),
                format!("patches inside the domain [{a}, {b}]"),
                "move the extreme centres inwards or make the patches narrower",
            ));
        }
        Ok(())
    }

    /// Distances between neighbouring centres, the one across a periodic end included.
    fn gaps(&self) -> Vec<f64> {
        let mut gaps: Vec<f64> = self.centres.windows(2).map(|w| w[1] - w[0]).collect();
        if self.is_periodic() {
            gaps.push(self.centres[0] + self.length() - self.centres[self.centres.len() - 1]);
        }
        gaps
    }

    /// The interval that the patches sample.
    pub fn domain(&self) -> [f64; 2] {
        self.domain
    }

    /// Length of the domain.
    pub fn length(&self) -> f64 {
        self.domain[1] - self.domain[0]
    }

    /// What holds at the ends.
    pub fn ends(&self) -> Ends {
        self.ends
    }

    /// Whether the two ends are one point.
    pub fn is_periodic(&self) -> bool {
        self.ends == Ends::Periodic
    }

    /// Whether the centres lie in the middle of equal cells, as those of a periodic axis and of
    /// [`Placement::CellCentred`] do.
    pub fn is_cell_centred(&self) -> bool {
        let cells = placement::cell_centres(self.domain, self.n_patch());
        let slack = 1e-9 * self.length() / self.n_patch() as f64;
        self.centres.iter().zip(cells).all(|(centre, cell)| (centre - cell).abs() < slack)
    }

    /// The microscale points of a patch.
    pub fn shape(&self) -> &PatchShape {
        &self.shape
    }

    /// Number of patches.
    pub fn n_patch(&self) -> usize {
        self.centres.len()
    }

    /// Patch centres X_I, ascending: `[n_patch]`.
    pub fn centres(&self) -> &[f64] {
        &self.centres
    }

    /// Mean distance H between centres.
    pub fn spacing(&self) -> f64 {
        let n = self.centres.len();
        if self.is_periodic() || n == 1 {
            self.length() / n as f64
        } else {
            (self.centres[n - 1] - self.centres[0]) / (n - 1) as f64
        }
    }

    /// Positions of the microscale points: `[n_patch, n_sub]`, row by row.
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// Fraction of the domain that the patches' interiors cover.
    pub fn space_fraction(&self) -> f64 {
        self.n_patch() as f64 * self.shape.core_width() / self.length()
    }
}

/// The product of `D` patch axes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PatchGrid<const D: usize = 1> {
    #[serde(serialize_with = "serialize_axes")]
    axes: [PatchAxis; D],
}

fn serialize_axes<S: serde::Serializer, const D: usize>(
    axes: &[PatchAxis; D],
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    axes.as_slice().serialize(serializer)
}

impl<const D: usize> PatchGrid<D> {
    /// Patches at the products of the axes' positions.
    pub fn new(axes: [PatchAxis; D]) -> Self {
        PatchGrid { axes }
    }

    /// The axis in direction `direction`.
    ///
    /// # Panics
    /// If `direction` is not below `D`.
    pub fn axis(&self, direction: usize) -> &PatchAxis {
        &self.axes[direction]
    }

    /// Number of patches, over all directions.
    pub fn n_patch(&self) -> usize {
        self.axes.iter().map(PatchAxis::n_patch).product()
    }

    /// Microscale points of a patch in each direction, edges included.
    pub fn n_sub(&self) -> [usize; D] {
        std::array::from_fn(|d| self.axes[d].shape().n_sub())
    }

    /// The interior points of a patch, the last index fastest.
    pub fn interior(&self) -> impl Iterator<Item = [usize; D]> + use<D> {
        points(std::array::from_fn(|d| self.axes[d].shape().interior()))
    }

    /// The coordinate `direction` of microscale point `layer` in every patch: `[n_patch …]`, the last direction fastest.
    pub fn positions(&self, direction: usize, layer: usize) -> Vec<f64> {
        let axis = &self.axes[direction];
        let n_sub = axis.shape().n_sub();
        let inner: usize = self.axes[direction + 1..].iter().map(PatchAxis::n_patch).product();
        (0..self.n_patch()).map(|patch| axis.x()[patch / inner % axis.n_patch() * n_sub + layer]).collect()
    }

    /// Fraction of the domain that the patches' interiors cover.
    pub fn space_fraction(&self) -> f64 {
        self.axes.iter().map(PatchAxis::space_fraction).product()
    }
}

impl PatchGrid<1> {
    /// Patches on a line.
    pub fn line(axis: PatchAxis) -> Self {
        PatchGrid { axes: [axis] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Boundary;

    fn shape(n_sub: usize, spacing: f64) -> PatchShape {
        PatchShape::new(n_sub, 1, spacing).unwrap()
    }

    #[test]
    fn patches_may_abut_but_not_overlap() {
        let axis = |ratio| {
            let shape = PatchShape::from_ratio(ratio, 0.125, Source::NextToEdge, 7, 1).unwrap();
            PatchAxis::periodic([0.0, 1.0], 8, shape)
        };
        assert!(axis(1.0).is_ok() && axis(1.01).is_err());
    }

    #[test]
    fn extreme_points_sit_at_the_ends() {
        for placement in [Placement::Equispaced, Placement::Chebyshev] {
            let d = 0.01;
            let axis = PatchAxis::bounded([-1.0, 1.0], Boundary::Dirichlet, 9, placement, shape(8, d)).unwrap();
            assert!((axis.x()[0] + 1.0).abs() < 1e-14 && (axis.x()[71] - 1.0).abs() < 1e-14);
            let axis = PatchAxis::bounded([-1.0, 1.0], Boundary::Neumann, 9, placement, shape(8, d)).unwrap();
            assert!((axis.x()[0] + 1.0 + 0.5 * d).abs() < 1e-14);
            assert!((axis.x()[71] - 1.0 - 0.5 * d).abs() < 1e-14);
        }
    }

    #[test]
    fn chebyshev_centres_ascend_symmetrically_and_never_overlap() {
        for n in 2..30 {
            let s = shape(6, 0.004);
            let axis = PatchAxis::bounded([0.0, 1.0], Boundary::Dirichlet, n, Placement::Chebyshev, s).unwrap();
            assert_eq!(axis.n_patch(), n);
            for (c, m) in axis.centres().iter().zip(axis.centres().iter().rev()) {
                assert!((c + m - 1.0).abs() < 1e-12);
            }
            assert!(axis.gaps().iter().all(|g| *g > s.core_width() * (1.0 - 1e-9)), "n = {n}");
        }
    }

    #[test]
    fn refusals_name_the_numbers() {
        let text = |r: Result<PatchAxis>| r.unwrap_err().to_string();
        let overlap = text(PatchAxis::periodic([0.0, 1.0], 10, shape(12, 0.02)));
        assert!(overlap.contains("0.2") && overlap.contains("fewer"), "{overlap}");
        let outside = text(PatchAxis::from_centres([0.0, 1.0], Boundary::Dirichlet, vec![0.0, 0.5], shape(5, 0.01)));
        assert!(outside.contains("-0.02"), "{outside}");
        assert!(text(PatchAxis::periodic([1.0, 1.0], 3, shape(5, 0.01))).contains("domain"));
        let uneven = vec![0.1, 0.5, 0.7];
        assert!(PatchAxis::from_centres([0.0, 1.0], Boundary::Periodic, uneven, shape(5, 0.01)).is_err());
    }
}

//! The microscale points of one patch along one axis.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Which microscale values of the patches the coupling interpolates to the patch edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The opposite next-to-edge values ("edgy" interpolation): the coupled system stays self-adjoint on
    /// a periodic domain. Bunder, Kevrekidis, Roberts, Numer. Math. 149 (2021) 229-272.
    #[default]
    NextToEdge,
    /// The value in the middle of the patch, for both edges (the classic scheme).
    MidPatch,
    /// The value in the middle of every second patch: patches, like their points, carry two kinds of values in turn (depth
    /// and velocity of a wave), and an edge value comes from the patches with its kind in the middle. Staggered patches
    /// on a periodic domain: see [`crate::patch::coupling::staggered`].
    Staggered,
}

/// The microscale points of a patch along one axis: `n_sub` points, `spacing` apart, of which the outer
/// `n_edge` on each side are filled by the coupling.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PatchShape {
    n_sub: usize,
    n_edge: usize,
    spacing: f64,
}

impl PatchShape {
    /// A patch of `n_sub` points, `n_edge` of them edges on each side, `spacing` apart.
    ///
    /// # Errors
    /// [`Error::Parameter`] without an edge, with fewer than 3 `n_edge` points or with a spacing that is
    /// not positive.
    pub fn new(n_sub: usize, n_edge: usize, spacing: f64) -> Result<Self> {
        if n_edge == 0 {
            return Err(Error::parameter("n_edge", n_edge, "at least 1", "a nearest-neighbour model needs 1"));
        }
        if n_sub < 3 * n_edge {
            return Err(Error::parameter(
                "n_sub",
                n_sub,
                format!("at least 3 n_edge = {}", 3 * n_edge),
                "give the patch more microscale points, or fewer edge layers",
            ));
        }
        if !(spacing.is_finite() && spacing > 0.0) {
            return Err(Error::parameter(
                "microscale spacing",
                spacing,
                "a positive finite number",
                "use the microscale model's grid spacing",
            ));
        }
        Ok(PatchShape { n_sub, n_edge, spacing })
    }

    /// The shape that fills the fraction `ratio` of the distance `macro_spacing` between centres:
    /// d = ratio H/(n_sub − 2 n_edge) when next-to-edge values couple the patches, and
    /// d = 2 ratio H/(n_sub − n_edge) (`ratio` is then half a width) when values in the middle of patches do.
    ///
    /// # Errors
    /// As [`PatchShape::new`].
    pub fn from_ratio(ratio: f64, macro_spacing: f64, source: Source, n_sub: usize, n_edge: usize) -> Result<Self> {
        PatchShape::new(n_sub, n_edge, 1.0)?;
        let spacing = match source {
            Source::NextToEdge => ratio * macro_spacing / (n_sub - 2 * n_edge) as f64,
            Source::MidPatch | Source::Staggered => 2.0 * ratio * macro_spacing / (n_sub - n_edge) as f64,
        };
        PatchShape::new(n_sub, n_edge, spacing)
    }

    /// Points of a patch, edges included.
    pub fn n_sub(&self) -> usize {
        self.n_sub
    }

    /// Edge layers on each side.
    pub fn n_edge(&self) -> usize {
        self.n_edge
    }

    /// Microscale spacing d.
    pub fn spacing(&self) -> f64 {
        self.spacing
    }

    /// The points that evolve: all but the edges.
    pub fn interior(&self) -> std::ops::Range<usize> {
        self.n_edge..self.n_sub - self.n_edge
    }

    /// Width of the interior cells, (n_sub − 2 n_edge) d: patches tile the domain when the spacing of
    /// their centres equals it.
    pub fn core_width(&self) -> f64 {
        (self.n_sub - 2 * self.n_edge) as f64 * self.spacing
    }

    /// Distance from the first to the last point, (n_sub − 1) d.
    pub fn width(&self) -> f64 {
        (self.n_sub - 1) as f64 * self.spacing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_one_makes_patches_abut() {
        let h = 0.125;
        let edgy = PatchShape::from_ratio(1.0, h, Source::NextToEdge, 7, 1).unwrap();
        assert!((edgy.core_width() - h).abs() < 1e-15);
        let centred = PatchShape::from_ratio(0.5, h, Source::MidPatch, 7, 1).unwrap();
        assert!((centred.width() - h).abs() < 1e-15);
    }

    #[test]
    fn shapes_without_interior_are_refused() {
        assert!(PatchShape::new(5, 2, 0.1).is_err() && PatchShape::new(5, 0, 0.1).is_err());
        assert!(PatchShape::new(5, 1, f64::NAN).is_err() && PatchShape::new(5, 1, 0.0).is_err());
        assert!(PatchShape::from_ratio(0.1, 1.0, Source::MidPatch, 1, 1).is_err());
    }
}

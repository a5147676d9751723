//! What holds at the ends of an axis, each end by itself.

use serde::{Deserialize, Serialize};

use crate::grid::Boundary;

/// What holds at one end of a bounded axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// A given value: see [`crate::patch::PatchSystem::with_ends`].
    #[default]
    Dirichlet,
    /// No flux.
    Neumann,
}

impl End {
    /// What a field is multiplied by in its mirror image about this end: even about no flux, odd about the value zero.
    pub fn parity(self) -> f64 {
        match self {
            End::Dirichlet => -1.0,
            End::Neumann => 1.0,
        }
    }
}

/// What holds at the two ends of an axis.
///
/// ```
/// use gaptooth::{grid::Boundary, patch::grid::{End, Ends}};
/// assert_eq!(Ends::from(Boundary::Neumann), Ends::Bounded([End::Neumann; 2]));
/// let mixed = Ends::from([End::Dirichlet, End::Neumann]);
/// assert_eq!((mixed.get(0), mixed.get(1)), (Some(End::Dirichlet), Some(End::Neumann)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// They are one point.
    Periodic,
    /// The first and the last end.
    Bounded([End; 2]),
}

impl Ends {
    /// The first (0) or last (1) end; `None` when periodic.
    ///
    /// # Panics
    /// For a third end.
    pub fn get(self, end: usize) -> Option<End> {
        match self {
            Ends::Periodic => None,
            Ends::Bounded(ends) => Some(ends[end]),
        }
    }
}

impl From<Boundary> for Ends {
    fn from(boundary: Boundary) -> Self {
        match boundary {
            Boundary::Dirichlet => Ends::Bounded([End::Dirichlet; 2]),
            Boundary::Neumann => Ends::Bounded([End::Neumann; 2]),
            Boundary::Periodic => Ends::Periodic,
        }
    }
}

impl From<[End; 2]> for Ends {
    fn from(ends: [End; 2]) -> Self {
        Ends::Bounded(ends)
    }
}

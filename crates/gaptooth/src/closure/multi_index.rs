//! Which derivative: the order of differentiation along each axis.

use serde::{Deserialize, Serialize};

use crate::grid::NAMES;

/// Orders of differentiation, one per axis: `[2, 1]` is u_xxy, `[0, 0]` is u itself.
///
/// ```
/// use gaptooth::closure::MultiIndex;
/// let second: Vec<String> = MultiIndex::of_order(2, 2).iter().map(MultiIndex::name).collect();
/// assert_eq!(second, ["u_xx", "u_xy", "u_yy"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct MultiIndex(pub Vec<usize>);

impl MultiIndex {
    /// Derivatives along a single axis, one for each order.
    pub fn line(orders: &[usize]) -> Vec<Self> {
        orders.iter().map(|&k| MultiIndex(vec![k])).collect()
    }

    /// All derivatives of total order `order` in `dimension` dimensions, x before y before z.
    pub fn of_order(dimension: usize, order: usize) -> Vec<Self> {
        if dimension == 0 {
            return if order == 0 { vec![MultiIndex(vec![])] } else { vec![] };
        }
        let first = |k: usize| {
            let rest = MultiIndex::of_order(dimension - 1, order - k);
            rest.into_iter().map(move |r| MultiIndex([vec![k], r.0].concat()))
        };
        (0..=order).rev().flat_map(first).collect()
    }

    /// Total order.
    pub fn order(&self) -> usize {
        self.0.iter().sum()
    }

    /// `u`, `u_x`, `u_xxy` …
    pub fn name(&self) -> String {
        let letters: String = self.0.iter().zip(NAMES).map(|(k, name)| name.repeat(*k)).collect();
        if letters.is_empty() { "u".into() } else { format!("u_{letters}") }
    }
}

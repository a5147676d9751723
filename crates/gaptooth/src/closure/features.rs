//! What a law sees at a point: derivatives of the state, or the state at neighbouring points.

use serde::{Deserialize, Serialize};

use super::{Dataset, Snapshot};
use crate::{
    Error, Result,
    grid::{Boundary, Grid},
    stencil::{DifferenceOperator, EdgeRule, fold},
};

/// Which features, independent of the grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum FeatureSpec {
    /// ∂^k u for each order k (0 is u itself), by differences on `points` points
    Derivatives {
        /// orders of the derivatives
        orders: Vec<usize>,
        /// points of every stencil: odd, above the largest order
        points: usize,
        /// how the stencil is completed at the ends
        edges: EdgeRule,
    },
    /// u_{j−half} … u_{j+half}; beyond an end the state is continued by reflection ([`EdgeRule::Reflect`])
    Neighbours {
        /// points on either side
        half: usize,
    },
}

impl FeatureSpec {
    /// u, u_x, u_xx from three points: the paper's functional form.
    pub fn paper_functional() -> Self {
        FeatureSpec::Derivatives { orders: vec![0, 1, 2], points: 3, edges: EdgeRule::OneSided }
    }

    /// u_{j−1}, u_j, u_{j+1}: the paper's discretized form.
    pub fn paper_discretized() -> Self {
        FeatureSpec::Neighbours { half: 1 }
    }

    /// One name for each feature: `u`, `u_x`, `d4u` …, or `u[-1]`, `u[+0]`, `u[+1]`.
    pub fn names(&self) -> Vec<String> {
        let derivative = |k: &usize| match k {
            0 => "u".into(),
            1 => "u_x".into(),
            2 => "u_xx".into(),
            k => format!("d{k}u"),
        };
        match self {
            FeatureSpec::Derivatives { orders, .. } => orders.iter().map(derivative).collect(),
            FeatureSpec::Neighbours { half } => {
                let half = *half as isize;
                (-half..=half).map(|o| format!("u[{o:+}]")).collect()
            }
        }
    }
}

/// (column, weight) of the entries that are not zero.
type SparseRow = Vec<(usize, f64)>;

/// The features of a [`FeatureSpec`] on one grid: a linear map from the state `[point]` to
/// `[feature][active point]`, where the active points are those that evolve ([`Grid::active`]).
#[derive(Debug, Clone)]
pub struct Features {
    spec: FeatureSpec,
    grid: Grid,
    /// `[feature][active point]`
    rows: Vec<Vec<SparseRow>>,
}

/// Every active point of every snapshot of a dataset as a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// `[feature][row]`
    pub inputs: Vec<f64>,
    /// u_t, `[row]`
    pub targets: Vec<f64>,
    /// rows of one snapshot, which follow one another
    pub per_snapshot: usize,
}

impl Features {
    /// The features of `spec` on `grid`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no orders, a stencil that is even, too narrow or wider than the grid.
    pub fn new(spec: FeatureSpec, grid: &Grid) -> Result<Self> {
        let active = grid.active();
        let rows = match &spec {
            FeatureSpec::Derivatives { orders, points, edges } => {
                let mut seen = std::collections::BTreeSet::new();
                if orders.is_empty() || !orders.iter().all(|k| seen.insert(*k)) {
                    let expected = "one or more orders, each once";
                    return Err(Error::parameter("orders", format!("{orders:?}"), expected, "try [2] or [2, 4]"));
                }
                let operator = |k: &usize| {
                    let d = DifferenceOperator::new(grid, *k, *points, *edges)?;
                    Ok(active.clone().map(|i| d.row(i).to_vec()).collect())
                };
                orders.iter().map(operator).collect::<Result<_>>()?
            }
            FeatureSpec::Neighbours { half } => neighbours(grid, *half)?,
        };
        Ok(Features { spec, grid: grid.clone(), rows })
    }

    /// What they were made from.
    pub fn spec(&self) -> &FeatureSpec {
        &self.spec
    }

    /// The grid they live on.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Never true of validated features.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of active points.
    pub fn points(&self) -> usize {
        self.rows[0].len()
    }

    /// Writes the features of the state `u: [point]` into `out: [feature][active point]`.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn apply_into(&self, u: &[f64], out: &mut [f64]) {
        assert_eq!(u.len(), self.grid.len(), "state and grid differ");
        assert_eq!(out.len(), self.len() * self.points(), "output and features differ");
        for (column, rows) in out.chunks_exact_mut(self.points()).zip(&self.rows) {
            for (o, row) in column.iter_mut().zip(rows) {
                *o = row.iter().map(|&(j, w)| w * u[j]).sum();
            }
        }
    }

    /// The features as a new vector, `[feature][active point]`.
    ///
    /// # Panics
    /// If `u` has another length than the grid.
    pub fn apply(&self, u: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.len() * self.points()];
        self.apply_into(u, &mut out);
        out
    }

    /// Puts the values at the active points into `du: [point]`, 0 at fixed ends.
    pub(super) fn scatter(&self, values: &[f64], du: &mut [f64]) {
        du.fill(0.0);
        du[self.grid.active()].copy_from_slice(values);
    }

    /// All rows of `data`, snapshot after snapshot.
    ///
    /// # Errors
    /// [`Error::Shape`] when the dataset lives on another grid.
    pub fn rows(&self, data: &Dataset) -> Result<Rows> {
        if data.grid != self.grid {
            let (expected, found) = (vec![self.grid.len()], vec![data.grid.len()]);
            return Err(Error::Shape { what: "the grid of the dataset".into(), expected, found });
        }
        let snapshots: Vec<Snapshot<'_>> = data.snapshots().collect();
        let (per, n) = (self.points(), self.points() * snapshots.len());
        let mut rows = Rows { inputs: vec![0.0; self.len() * n], targets: vec![0.0; n], per_snapshot: per };
        let mut out = vec![0.0; self.len() * per];
        for (s, snapshot) in snapshots.iter().enumerate() {
            self.apply_into(snapshot.u, &mut out);
            for (f, column) in out.chunks_exact(per).enumerate() {
                rows.inputs[f * n + s * per..f * n + (s + 1) * per].copy_from_slice(column);
            }
            rows.targets[s * per..(s + 1) * per].copy_from_slice(&snapshot.u_t[self.grid.active()]);
        }
        Ok(rows)
    }
}

fn neighbours(grid: &Grid, half: usize) -> Result<Vec<Vec<SparseRow>>> {
    let reach = if grid.boundary == Boundary::Periodic { 2 * half } else { half };
    if reach >= grid.len() {
        let expected = format!("a stencil within the {} grid points", grid.len());
        return Err(Error::parameter("half", half, expected, "use a narrower stencil or a finer grid"));
    }
    let half = half as isize;
    let at = |offset: isize| grid.active().map(|i| fold(grid, i as isize + offset)).collect();
    Ok((-half..=half).map(at).collect())
}

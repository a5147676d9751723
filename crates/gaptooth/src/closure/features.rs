//! What a law sees at a point: derivatives of the state, or the state at neighbouring points.

use faer::c64;
use serde::{Deserialize, Serialize};

use super::{Dataset, MultiIndex, Snapshot};
use crate::{
    Error, Result,
    fourier::Fourier,
    grid::{Axis, Boundary, Grid},
    stencil::{DifferenceOperator, EdgeRule, fold},
};

/// Which features, independent of the grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum FeatureSpec {
    /// derivatives of u by differences on `points` points; mixed ones are products of one per axis
    Derivatives {
        /// which derivatives
        orders: Vec<MultiIndex>,
        /// points of every stencil along an axis: odd, above the largest order
        points: usize,
        /// how the stencil is completed at the ends
        edges: EdgeRule,
    },
    /// derivatives of the trigonometric polynomial through the points of a periodic grid
    Spectral {
        /// which derivatives
        orders: Vec<MultiIndex>,
    },
    /// all points within `half` along every axis; beyond an end the state is continued by reflection
    /// ([`EdgeRule::Reflect`])
    Neighbours {
        /// points on either side
        half: usize,
    },
}

impl FeatureSpec {
    /// The paper's functional form. On a line u, u_x, u_xx from three points; in the plane and in space u and all its first and
    /// second derivatives by Fourier transform (§5.2).
    pub fn paper_functional(dimension: usize) -> Self {
        let orders = (0..=2).flat_map(|k| MultiIndex::of_order(dimension, k)).collect();
        match dimension {
            1 => FeatureSpec::Derivatives { orders, points: 3, edges: EdgeRule::OneSided },
            _ => FeatureSpec::Spectral { orders },
        }
    }

    /// The paper's discretized form: three points on a line, 5 × 5 in the plane, as its released code has it.
    pub fn paper_discretized(dimension: usize) -> Self {
        FeatureSpec::Neighbours { half: if dimension == 1 { 1 } else { 2 } }
    }

    /// Derivatives along a line by differences.
    pub fn differences(orders: &[usize], points: usize, edges: EdgeRule) -> Self {
        FeatureSpec::Derivatives { orders: MultiIndex::line(orders), points, edges }
    }

    /// The derivatives, unless these are neighbours.
    pub fn orders(&self) -> Option<&[MultiIndex]> {
        match self {
            FeatureSpec::Derivatives { orders, .. } | FeatureSpec::Spectral { orders } => Some(orders),
            FeatureSpec::Neighbours { .. } => None,
        }
    }

    /// One name for each feature on `dimension` axes: `u`, `u_xx`, `u_xxy` …, or `u[-1]`, `u[+0,+1]` …
    pub fn names(&self, dimension: usize) -> Vec<String> {
        if let FeatureSpec::Neighbours { half } = self {
            let name = |o: Vec<isize>| o.iter().map(|o| format!("{o:+}")).collect::<Vec<_>>().join(",");
            return offsets(*half, dimension).into_iter().map(|o| format!("u[{}]", name(o))).collect();
        }
        self.orders().unwrap_or(&[]).iter().map(MultiIndex::name).collect()
    }
}

/// All offsets within `half` along every axis, the last axis fastest.
fn offsets(half: usize, dimension: usize) -> Vec<Vec<isize>> {
    let side = 2 * half + 1;
    let at = |n: usize, d: usize| (n / side.pow((dimension - 1 - d) as u32) % side) as isize - half as isize;
    (0..side.pow(dimension as u32)).map(|n| (0..dimension).map(|d| at(n, d)).collect()).collect()
}

/// (column, weight) of the entries that are not zero.
type SparseRow = Vec<(usize, f64)>;

/// The features of a [`FeatureSpec`] on one grid: a linear map from the state `[point]` to
/// `[feature][active point]`, where the active points are those that evolve ([`Grid::active`]).
#[derive(Debug, Clone)]
pub struct Features {
    spec: FeatureSpec,
    grid: Grid,
    active: Vec<usize>,
    map: Map,
}

#[derive(Debug, Clone)]
enum Map {
    /// `[feature][active point]`
    Sparse(Vec<Vec<SparseRow>>),
    /// the factor of every Fourier mode, `[feature][mode]`
    Spectral(Fourier, Vec<Vec<c64>>),
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
    /// [`Error::Parameter`] for no orders, orders for another number of axes, a stencil that is even, too narrow or wider than
    /// the grid, spectral derivatives on a bounded grid.
    pub fn new(spec: FeatureSpec, grid: &Grid) -> Result<Self> {
        let active = grid.active();
        check_orders(&spec, grid)?;
        let map = match &spec {
            FeatureSpec::Derivatives { orders, points, edges } => {
                let rows = |k: &MultiIndex| differences(grid, &active, k, *points, *edges);
                Map::Sparse(orders.iter().map(rows).collect::<Result<_>>()?)
            }
            FeatureSpec::Spectral { orders } => {
                if !grid.is_periodic() {
                    let advice = "use differences on bounded axes";
                    return Err(Error::parameter("spectral features", "a bounded grid", "periodic axes", advice));
                }
                let fourier = Fourier::new(&grid.shape());
                let factors = orders.iter().map(|k| symbol(grid, &fourier, k)).collect();
                Map::Spectral(fourier, factors)
            }
            FeatureSpec::Neighbours { half } => Map::Sparse(neighbours(grid, &active, *half)?),
        };
        Ok(Features { spec, grid: grid.clone(), active, map })
    }

    /// What they were made from.
    pub fn spec(&self) -> &FeatureSpec {
        &self.spec
    }

    /// The grid they live on.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// One name for each feature.
    pub fn names(&self) -> Vec<String> {
        self.spec.names(self.grid.axes().len())
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        match &self.map {
            Map::Sparse(rows) => rows.len(),
            Map::Spectral(_, factors) => factors.len(),
        }
    }

    /// Never true of validated features.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of active points.
    pub fn points(&self) -> usize {
        self.active.len()
    }

    /// Writes the features of the state `u: [point]` into `out: [feature][active point]`.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn apply_into(&self, u: &[f64], out: &mut [f64]) {
        assert_eq!(u.len(), self.grid.len(), "state and grid differ");
        assert_eq!(out.len(), self.len() * self.points(), "output and features differ");
        match &self.map {
            Map::Sparse(rows) => {
                for (column, rows) in out.chunks_exact_mut(self.points()).zip(rows) {
                    for (o, row) in column.iter_mut().zip(rows) {
                        *o = row.iter().map(|&(j, w)| w * u[j]).sum();
                    }
                }
            }
            Map::Spectral(fourier, factors) => differentiate(fourier, factors, u, out),
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
        self.active.iter().zip(values).for_each(|(i, v)| du[*i] = *v);
    }

    /// All rows of `data`, snapshot after snapshot.
    ///
    /// # Errors
    /// [`Error::Shape`] when the dataset lives on another grid.
    pub fn rows(&self, data: &Dataset) -> Result<Rows> {
        self.rows_of(data, 0..data.trajectories())
    }

    /// The rows of some trajectories.
    pub(super) fn rows_of(&self, data: &Dataset, trajectories: std::ops::Range<usize>) -> Result<Rows> {
        if data.grid != self.grid {
            let (expected, found) = (self.grid.shape(), data.grid.shape());
            return Err(Error::Shape { what: "the grid of the dataset".into(), expected, found });
        }
        let all = trajectories.flat_map(|i| (0..data.times.len()).map(move |k| data.snapshot(i, k)));
        let snapshots: Vec<Snapshot<'_>> = all.collect();
        let (per, n) = (self.points(), self.points() * snapshots.len());
        let mut rows = Rows { inputs: vec![0.0; self.len() * n], targets: vec![0.0; n], per_snapshot: per };
        let mut out = vec![0.0; self.len() * per];
        for (s, snapshot) in snapshots.iter().enumerate() {
            self.apply_into(snapshot.u, &mut out);
            for (f, column) in out.chunks_exact(per).enumerate() {
                rows.inputs[f * n + s * per..f * n + (s + 1) * per].copy_from_slice(column);
            }
            let targets = &mut rows.targets[s * per..(s + 1) * per];
            targets.iter_mut().zip(&self.active).for_each(|(t, i)| *t = snapshot.u_t[*i]);
        }
        Ok(rows)
    }
}

fn check_orders(spec: &FeatureSpec, grid: &Grid) -> Result<()> {
    let Some(orders) = spec.orders() else { return Ok(()) };
    let mut seen = std::collections::BTreeSet::new();
    let axes = grid.axes().len();
    if orders.is_empty() || !orders.iter().all(|k| k.0.len() == axes && seen.insert(k)) {
        let found = format!("{:?}", orders.iter().map(|k| &k.0).collect::<Vec<_>>());
        let expected = format!("one or more derivatives, each once, with an order for each of {axes} axes");
        return Err(Error::parameter("orders", found, expected, "try those of total order 2, or 2 and 4"));
    }
    Ok(())
}

/// Rows of a mixed derivative: the product of one difference along each axis.
fn differences(
    grid: &Grid,
    active: &[usize],
    orders: &MultiIndex,
    points: usize,
    edges: EdgeRule,
) -> Result<Vec<SparseRow>> {
    let along = |(axis, k): (&Axis, &usize)| DifferenceOperator::new(axis, *k, points, edges);
    let operators: Vec<_> = grid.axes().iter().zip(&orders.0).map(along).collect::<Result<_>>()?;
    let row = |&i: &usize| {
        let per_axis: Vec<&[(usize, f64)]> = grid.index(i).iter().zip(&operators).map(|(j, d)| d.row(*j)).collect();
        product(grid, &per_axis)
    };
    Ok(active.iter().map(row).collect())
}

/// Entries of a product of one row per axis.
fn product(grid: &Grid, rows: &[&[(usize, f64)]]) -> SparseRow {
    let mut entries = vec![(0, 1.0)];
    for (axis, row) in grid.axes().iter().zip(rows) {
        let extend = |&(n, w): &(usize, f64)| row.iter().map(move |&(j, v)| (n * axis.len() + j, w * v));
        entries = entries.iter().flat_map(extend).collect();
    }
    entries
}

/// Π_d (2πi K_d/L_d)^{k_d}; an odd derivative of the Nyquist wave, which has two signs at once, is zero.
fn symbol(grid: &Grid, fourier: &Fourier, orders: &MultiIndex) -> Vec<c64> {
    let factor = |number: usize| {
        let mut product = c64::new(1.0, 0.0);
        for ((&k, &order), axis) in fourier.wavevector(number).iter().zip(&orders.0).zip(grid.axes()) {
            let nyquist = 2 * k.unsigned_abs() == axis.len();
            let wave = std::f64::consts::TAU * k as f64 / (axis.domain[1] - axis.domain[0]);
            let power = wave.powi(order as i32);
            product *= match order % 4 {
                _ if nyquist && order % 2 == 1 => c64::new(0.0, 0.0),
                0 => c64::new(power, 0.0),
                1 => c64::new(0.0, power),
                2 => c64::new(-power, 0.0),
                _ => c64::new(0.0, -power),
            };
        }
        product
    };
    (0..fourier.len()).map(factor).collect()
}

/// One transform there, and one back for every two real derivatives: one as its real, one as its imaginary part.
fn differentiate(fourier: &Fourier, factors: &[Vec<c64>], u: &[f64], out: &mut [f64]) {
    let spectrum = fourier.forward_real(u);
    let i = c64::new(0.0, 1.0);
    let mut both = Vec::with_capacity(factors.len().div_ceil(2) * u.len());
    for pair in factors.chunks(2) {
        both.extend((0..u.len()).map(|k| match pair {
            [a, b] => (a[k] + i * b[k]) * spectrum[k],
            one => one[0][k] * spectrum[k],
        }));
    }
    fourier.inverse(&mut both);
    for (out, both) in out.chunks_mut(2 * u.len()).zip(both.chunks_exact(u.len())) {
        for (f, column) in out.chunks_exact_mut(u.len()).enumerate() {
            column.iter_mut().zip(both).for_each(|(o, z)| *o = if f == 0 { z.re } else { z.im });
        }
    }
}

fn neighbours(grid: &Grid, active: &[usize], half: usize) -> Result<Vec<Vec<SparseRow>>> {
    for axis in grid.axes() {
        let reach = if axis.boundary == Boundary::Periodic { 2 * half } else { half };
        if reach >= axis.len() {
            let expected = format!("a stencil within the {} grid points of each axis", axis.len());
            return Err(Error::parameter("points", 2 * half + 1, expected, "use a narrower stencil or a finer grid"));
        }
    }
    let at = |offset: &Vec<isize>| {
        let row = |&i: &usize| {
            let moved = grid.index(i).into_iter().zip(offset).zip(grid.axes());
            let rows: Vec<SparseRow> = moved.map(|((i, o), axis)| fold(axis, i as isize + o)).collect();
            product(grid, &rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        active.iter().map(row).collect()
    };
    Ok(offsets(half, grid.axes().len()).iter().map(at).collect())
}

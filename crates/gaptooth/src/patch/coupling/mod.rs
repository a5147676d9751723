//! The coupling that fills patch edges from neighbouring patches: the patches' only contact.
//!
//! Every coupling is linear in the microscale values, so it is a sparse list of weights
//! ([`EdgeWeights`]), built once per axis: [`interpolation`] for couplings of values, beyond bounded ends by [`mirror`]
//! images and between [`staggered`] patches, and [`slope`] for the gap-tooth coupling of slopes. [`sweep`] applies them to all
//! lanes. Nothing here knows the microscale model.

pub mod interpolation;
pub mod mirror;
pub mod slope;
pub mod staggered;
pub mod sweep;

pub use sweep::Sweep;

use serde::{Deserialize, Serialize};

use super::grid::{End, PatchAxis, Source};
use crate::{Error, Result};

/// How the patches' edges follow from the other patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Coupling {
    /// The trigonometric polynomial through all patches of a periodic domain, or of a bounded one whose patches are
    /// cell-centred. With next-to-edge sources and an odd number of patches the slow modes are exactly those of the
    /// whole lattice, provided that the coefficient's period divides n_sub − 2 n_edge.
    Spectral {
        /// which values are interpolated
        #[serde(default)]
        source: Source,
    },
    /// The polynomial of even degree `order` through `order + 1` consecutive patches. Near bounded ends it includes
    /// mirror images if the patches are cell-centred ([`mirror`]: self-adjoint), and is one-sided otherwise. Slow modes
    /// converge at `order` in the spacing H.
    Polynomial {
        /// even, at least 2; below the number of patches where it is one-sided
        order: usize,
        /// which values are interpolated
        #[serde(default)]
        source: Source,
    },
    /// Gap-tooth slopes: the mean slope over one microscale period at each edge is that of the polynomial
    /// p of even `degree` with the box averages of the neighbouring teeth. Arbabi et al. 2024, eq. 7-9.
    /// Slow modes converge at `degree` in the spacing H. See [`slope`].
    Slope {
        /// even, at least 2, below the number of patches
        degree: usize,
        /// microscale points per period of the coefficient; two or more whole periods make n_sub − n_edge
        period: usize,
    },
}

impl Coupling {
    /// Order of accuracy in the spacing H; `None` for the spectral coupling.
    pub fn order(&self) -> Option<usize> {
        match *self {
            Coupling::Spectral { .. } => None,
            Coupling::Polynomial { order, .. } => Some(order),
            Coupling::Slope { degree, .. } => Some(degree),
        }
    }

    /// The weights of every edge point of `axis`.
    ///
    /// The outermost edges of a bounded domain whose patches are not cell-centred are not coupled by
    /// [`Coupling::Polynomial`]: they hold the boundary value ([`End::Dirichlet`]) or mirror the interior about the
    /// domain's end ([`End::Neumann`]). [`Coupling::Slope`] uses the boundary condition as one more datum of the
    /// polynomial.
    ///
    /// ```
    /// use gaptooth::patch::{coupling::Coupling, grid::{PatchAxis, PatchShape, Source}};
    /// let axis = PatchAxis::periodic([0.0, 1.0], 7, PatchShape::new(6, 1, 0.01)?)?;
    /// let coupling = Coupling::Polynomial { order: 4, source: Source::NextToEdge };
    /// let mut u = vec![2.5; 7 * 6];
    /// (u[0], u[5]) = (0.0, 0.0);
    /// coupling.weights(&axis)?.fill([0.0, 0.0], &mut u);
    /// assert!(u.iter().all(|v| (v - 2.5).abs() < 1e-14));
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for an odd order, too few patches for the order, spectral coupling on a bounded domain that is
    /// not cell-centred, mid-patch sources without a middle point, staggered patches that do not fit, a period that
    /// does not fit the patch.
    pub fn weights(&self, axis: &PatchAxis) -> Result<EdgeWeights> {
        let edges = match *self {
            Coupling::Spectral { source } => interpolation::spectral(axis, source)?,
            Coupling::Polynomial { order, source } => {
                // Where the row of patches goes on for ever the stencil may wrap.
                let wraps = mirror::period(axis).is_some();
                check_order("coupling order", order, if wraps { HIGHEST + 1 } else { axis.n_patch() })?;
                interpolation::polynomial(axis, order, source)?
            }
            Coupling::Slope { degree, period } => {
                check_order("coupling degree", degree, axis.n_patch())?;
                slope::slope(axis, degree, period)?
            }
        };
        Ok(EdgeWeights::new(axis, edges))
    }
}

/// Beyond this the interpolation of rounding errors outweighs what an order gains.
const HIGHEST: usize = 30;

fn check_order(name: &str, order: usize, n_patch: usize) -> Result<()> {
    if order < 2 || !order.is_multiple_of(2) {
        return Err(Error::parameter(name, order, "an even number, at least 2", "use 2, 4 or 6"));
    }
    if order > HIGHEST {
        return Err(Error::parameter(
            name,
            order,
            format!("at most {HIGHEST}"),
            "use 2, 4 or 6, or the spectral coupling",
        ));
    }
    if order >= n_patch {
        return Err(Error::parameter(
            name,
            order,
            format!("below the number of patches, {n_patch}"),
            format!("use at least {} patches, or a lower order", order + 1),
        ));
    }
    Ok(())
}

/// One term that an edge value is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeSource {
    /// a microscale value; index into the state `[n_patch, n_sub]`, always an interior point
    Point(usize),
    /// the mean of a patch's interior values
    Average(usize),
    /// the boundary value at the left (0) or right (1) end of the domain
    End(usize),
}

/// One edge point and the weights of its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// index of the edge point in the state `[n_patch, n_sub]`
    pub point: usize,
    /// the value is Σ weight · source
    pub sources: Vec<(EdgeSource, f64)>,
}

/// Every edge point of an axis as a weighted sum of interior values: the coupling as a sparse matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeWeights {
    n_sub: usize,
    interior: std::ops::Range<usize>,
    n_patch: usize,
    edges: Vec<Edge>,
    averages: bool,
}

impl EdgeWeights {
    fn new(axis: &PatchAxis, mut edges: Vec<Edge>) -> Self {
        edges.sort_by_key(|e| e.point);
        let averages = edges.iter().flat_map(|e| &e.sources).any(|(s, _)| matches!(s, EdgeSource::Average(_)));
        let shape = axis.shape();
        EdgeWeights { n_sub: shape.n_sub(), interior: shape.interior(), n_patch: axis.n_patch(), edges, averages }
    }

    /// The edges in the order of their points: 2 n_edge per patch.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Fills the edges of the state `u: [n_patch, n_sub]` from its interior and the values `ends` at the
    /// two ends of the domain (without effect unless the end is [`End::Dirichlet`]).
    ///
    /// # Panics
    /// If `u` has another length.
    pub fn fill(&self, ends: [f64; 2], u: &mut [f64]) {
        assert_eq!(u.len(), self.n_patch * self.n_sub, "state and patches differ");
        let averages: Vec<f64> = match self.averages {
            true => u.chunks(self.n_sub).map(|v| mean(&v[self.interior.clone()])).collect(),
            false => Vec::new(),
        };
        // Sources are interior points only, so writing edges in place disturbs no later edge.
        for edge in &self.edges {
            let term = |&(source, weight): &(EdgeSource, f64)| match source {
                EdgeSource::Point(i) => weight * u[i],
                EdgeSource::Average(patch) => weight * averages[patch],
                EdgeSource::End(end) => weight * ends[end],
            };
            u[edge.point] = edge.sources.iter().map(term).sum();
        }
    }

    /// The weights of the edge at `edge` (its place in [`EdgeWeights::edges`]) on microscale points, with
    /// averages written out; boundary values are constants and left out.
    pub fn point_weights(&self, edge: usize) -> Vec<(usize, f64)> {
        let mut weights = Vec::new();
        for &(source, weight) in &self.edges[edge].sources {
            match source {
                EdgeSource::Point(i) => weights.push((i, weight)),
                EdgeSource::End(_) => {}
                EdgeSource::Average(patch) => {
                    let each = weight / self.interior.len() as f64;
                    weights.extend(self.interior.clone().map(|i| (patch * self.n_sub + i, each)));
                }
            }
        }
        weights
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The two edges of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Side {
    const BOTH: [Side; 2] = [Side::Left, Side::Right];

    /// The edge point of layer `layer` (counted in the direction of x) within the patch.
    fn edge_point(self, axis: &PatchAxis, layer: usize) -> usize {
        let shape = axis.shape();
        match self {
            Side::Left => layer,
            Side::Right => shape.n_sub() - shape.n_edge() + layer,
        }
    }

    /// Whether this side of patch `patch` is an end of a bounded domain; which one, and what holds there.
    fn end(self, axis: &PatchAxis, patch: usize) -> Option<(usize, End)> {
        let (number, extreme) = match self {
            Side::Left => (0, patch == 0),
            Side::Right => (1, patch + 1 == axis.n_patch()),
        };
        axis.ends().get(number).filter(|_| extreme).map(|end| (number, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{grid::Boundary, patch::grid::PatchShape};

    #[test]
    fn refusals_advise() {
        let axis = |n| PatchAxis::periodic([0.0, 1.0], n, PatchShape::new(8, 1, 0.01).unwrap()).unwrap();
        let text = |c: Coupling, n| c.weights(&axis(n)).unwrap_err().to_string();
        let few = text(Coupling::Slope { degree: 6, period: 7 }, 5);
        assert!(few.contains("at least 7 patches"), "{few}");
        assert!(text(Coupling::Polynomial { order: 3, source: Source::NextToEdge }, 5).contains("even"));
        assert!(text(Coupling::Spectral { source: Source::MidPatch }, 5).contains("odd"));
        let phase = text(Coupling::Slope { degree: 2, period: 3 }, 5);
        assert!(phase.contains("n_sub = 8") && phase.contains("use n_sub = 7"), "{phase}");
        assert!(text(Coupling::Slope { degree: 2, period: 7 }, 5).contains("use n_sub = 15"));
        let line =
            PatchAxis::bounded([0.0, 1.0], Boundary::Dirichlet, 5, Default::default(), *axis(5).shape()).unwrap();
        let spectral = Coupling::Spectral { source: Source::NextToEdge };
        assert!(spectral.weights(&line).unwrap_err().to_string().contains("periodic"));
        let few = Coupling::Polynomial { order: 6, source: Source::NextToEdge }.weights(&line).unwrap_err().to_string();
        assert!(few.contains("at least 7 patches"), "{few}");
    }

    #[test]
    fn every_edge_is_filled_once_from_interior_points_only() {
        for n_edge in [1, 2] {
            let axis = PatchAxis::periodic([0.0, 1.0], 7, PatchShape::new(10, n_edge, 0.01).unwrap()).unwrap();
            for coupling in [
                Coupling::Spectral { source: Source::NextToEdge },
                Coupling::Polynomial { order: 4, source: Source::NextToEdge },
                Coupling::Slope { degree: 4, period: (10 - n_edge) / (4 - n_edge) },
            ] {
                let weights = coupling.weights(&axis).unwrap();
                let points: Vec<usize> = weights.edges().iter().map(|e| e.point).collect();
                let interior = axis.shape().interior();
                let expected: Vec<usize> = (0..70).filter(|p| !interior.contains(&(p % 10))).collect();
                assert_eq!(points, expected);
                for e in 0..points.len() {
                    assert!(weights.point_weights(e).iter().all(|(p, _)| interior.contains(&(p % 10))));
                }
            }
        }
    }
}

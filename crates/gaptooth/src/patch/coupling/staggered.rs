//! Staggered patches: each kind of value from the patches that have it in the middle.
//!
//! On a staggered lattice points carry two kinds of values in turn: depth h and velocity u of a wave, say. Staggered patches
//! repeat that on the macroscale: the patches of even number have h in their middle, those of odd number u. A point i of patch I
//! carries h when i − c + I is even, c = (n_sub − 1)/2, and an edge value is interpolated from the middles of the patches of its kind,
//! which are 2H apart. Fourier modes of each kind with fewer than n_patch/4 waves are shifted exactly by the spectral coupling.
//!
//! Sources: Cao & Roberts, IMA J. Appl. Math. 81 (2016) 228–254; Divahar, Roberts, Mattner, Bunder & Kevrekidis, arXiv:2210.15823.

use super::{Edge, EdgeSource, interpolation::trigonometric_weight};
use crate::{Error, Result, patch::grid::PatchAxis, stencil::fornberg};

/// Trigonometric interpolation over all patches with the edge's kind of value in the middle.
///
/// # Errors
/// [`Error::Parameter`] on a bounded domain, for an odd number of patches, and for an n_sub that puts one kind of value both in the middle
/// and on the innermost edge layers.
pub fn spectral(axis: &PatchAxis) -> Result<Vec<Edge>> {
    let half = axis.n_patch() / 2;
    let distances = move |first: isize| (0..half as isize).map(|m| first + 2 * m).collect();
    staggered(axis, distances, |at, nodes| nodes.iter().map(|s| trigonometric_weight(half, 0.5 * (at - s))).collect())
}

/// Lagrange interpolation through the nearest patches with the edge's kind in the middle: `order` of them, half on each
/// side; or `order + 1` where the patch itself is one.
///
/// # Errors
/// As [`spectral`].
pub fn polynomial(axis: &PatchAxis, order: usize) -> Result<Vec<Edge>> {
    let reach = order as isize;
    let distances = move |first: isize| (-reach..=reach).filter(|m| (m - first) % 2 == 0).collect();
    staggered(axis, distances, |at, nodes| fornberg(at, nodes, 0).swap_remove(0))
}

/// `distances(first)` lists patches J − I ≡ first modulo 2; `weights(at, nodes)` are those of values at `nodes` in the value at `at`, both
/// in units of H.
fn staggered(
    axis: &PatchAxis,
    distances: impl Fn(isize) -> Vec<isize>,
    weights: impl Fn(f64, &[f64]) -> Vec<f64>,
) -> Result<Vec<Edge>> {
    check(axis)?;
    let (n, shape) = (axis.n_patch(), axis.shape());
    let middle = shape.n_sub() / 2;
    let mut edges = Vec::with_capacity(2 * n * shape.n_edge());
    for layer in (0..shape.n_sub()).filter(|i| !shape.interior().contains(i)) {
        let offset = layer as f64 - middle as f64;
        let distances = distances((layer + middle) as isize % 2);
        let nodes: Vec<f64> = distances.iter().map(|m| *m as f64).collect();
        let weights = weights(offset * shape.spacing() / axis.spacing(), &nodes);
        for patch in 0..n {
            let from = |m: &isize| (patch as isize + m).rem_euclid(n as isize) as usize * shape.n_sub() + middle;
            let sources = distances.iter().map(|m| EdgeSource::Point(from(m))).zip(weights.iter().copied()).collect();
            edges.push(Edge { point: patch * shape.n_sub() + layer, sources });
        }
    }
    Ok(edges)
}

fn check(axis: &PatchAxis) -> Result<()> {
    let (n_sub, n_edge) = (axis.shape().n_sub(), axis.shape().n_edge());
    if !axis.is_periodic() {
        let advice = "use PatchAxis::periodic";
        return Err(Error::parameter("boundary", "bounded", "a periodic domain for staggered patches", advice));
    }
    if !axis.n_patch().is_multiple_of(2) {
        let expected = "an even number: patches of two kinds in turn";
        return Err(Error::parameter("n_patch", axis.n_patch(), expected, "use one patch more"));
    }
    if n_sub.is_multiple_of(2) || (n_sub / 2 + n_edge) % 2 != 0 {
        let expected = format!("{} or 4, 8 … more: the other kind on the innermost edges", 2 * n_edge + 1);
        return Err(Error::parameter("n_sub", n_sub, expected, "staggered patches need a middle point"));
    }
    Ok(())
}

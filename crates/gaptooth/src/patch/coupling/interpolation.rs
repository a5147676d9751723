//! Edge values interpolated from the values of other patches.
//!
//! Right edges are (S₊ u_source)_I and left edges (S₋ u_source)_I, where S± shifts by the fraction r of
//! the spacing H over the patch index I. On a periodic domain both are circulant and S₋ = S₊ᵀ, bit for
//! bit: that is what keeps the scheme self-adjoint. [`super::mirror`] continues that beyond bounded ends.

use std::{collections::BTreeMap, f64::consts::PI};

use super::{Edge, EdgeSource, Side, mirror, staggered};
use crate::{
    Error, Result,
    patch::grid::{End, PatchAxis, Source},
    stencil::fornberg,
};

/// Trigonometric interpolation over all patches: Fourier mode k is multiplied by exp(±2πi k r/N); for
/// even N the zig-zag mode, whose sign of k is open, by its real part cos πr. On a bounded, cell-centred axis
/// it is the sine or cosine polynomial through the patches.
///
/// # Errors
/// [`Error::Parameter`] on a bounded axis that is not cell-centred, without a middle point for mid-patch sources;
/// those of [`staggered::spectral`].
pub fn spectral(axis: &PatchAxis, source: Source) -> Result<Vec<Edge>> {
    if source == Source::Staggered {
        return staggered::spectral(axis);
    }
    let Some(period) = mirror::period(axis) else {
        return Err(Error::parameter(
            "coupling",
            "spectral",
            "a periodic domain, or a bounded one with centres in the middle of equal cells",
            "use Placement::CellCentred, or a polynomial coupling of order 4 or 6",
        ));
    };
    uniform(axis, source, |r| (0..period as isize).map(|m| (m, trigonometric_weight(period, r + m as f64))).collect())
}

/// (1/N) Σ_k cos(2πk s/N), over |k| < N/2 and, for even N, cos(πs) once, split over ±N/2.
///
/// `s` is the distance from source to target in units of H; for even N the zig-zag mode multiplies
/// cos πr by the sign (−1)^m of the whole distance m, which cos(π(r + m)) equals.
pub(super) fn trigonometric_weight(n: usize, s: f64) -> f64 {
    let mode = |k: usize| (2.0 * PI * k as f64 * s / n as f64).cos();
    let pairs: f64 = (1..n.div_ceil(2)).map(|k| 2.0 * mode(k)).sum();
    let zigzag = if n.is_multiple_of(2) { mode(n / 2) } else { 0.0 };
    (1.0 + pairs + zigzag) / n as f64
}

/// Lagrange interpolation of degree `order` through `order + 1` consecutive patches. On uniform patches
/// the centred formula is the order-2m series
/// S± = 1 + Σ_{k<m} [±(Π_k/r)/(2k+1)! μδ^{2k+1} + Π_k/(2k+2)! δ^{2k+2}], Π_k = Π_{j≤k}(r² − j²) (Stirling).
///
/// # Errors
/// [`Error::Parameter`] without a middle point for mid-patch sources; those of [`staggered::polynomial`].
pub fn polynomial(axis: &PatchAxis, order: usize, source: Source) -> Result<Vec<Edge>> {
    if source == Source::Staggered {
        return staggered::polynomial(axis, order);
    }
    if mirror::period(axis).is_none() {
        return clamped(axis, order, source);
    }
    let half = (order / 2) as isize;
    let nodes: Vec<f64> = (-half..=half).map(|j| j as f64).collect();
    uniform(axis, source, |r| {
        let weights = &fornberg(r, &nodes, 0)[0];
        (-half..=half).zip(weights).map(|(j, w)| (-j, *w)).collect()
    })
}

/// Edges of an equispaced row that goes on for ever. `kernel(r)` gives (m, weight): how much of patch I − m enters the right
/// edge of patch I. The left edge takes the mirror image.
fn uniform(axis: &PatchAxis, source: Source, kernel: impl Fn(f64) -> Vec<(isize, f64)>) -> Result<Vec<Edge>> {
    let (n_sub, n_edge) = (axis.shape().n_sub(), axis.shape().n_edge());
    let steps = source_point(axis, source, Side::Right, 0).map(|s| n_sub - n_edge - s)?;
    let weights = kernel(steps as f64 * axis.shape().spacing() / axis.spacing());
    let mut edges = Vec::new();
    for (patch, side) in patch_sides(axis) {
        for layer in 0..n_edge {
            let from = source_point(axis, source, side, layer)?;
            let sign = if side == Side::Right { -1 } else { 1 };
            let terms = weights.iter().map(|(m, w)| {
                let image = mirror::image(axis, patch as isize + sign * m);
                let from = if image.mirrored { n_sub - 1 - from } else { from };
                (image.patch * n_sub + from, image.sign * w)
            });
            let point = patch * n_sub + side.edge_point(axis, layer);
            let sources = if axis.is_periodic() {
                terms.map(|(p, w)| (EdgeSource::Point(p), w)).collect()
            } else {
                folded(axis, point, terms)
            };
            edges.push(Edge { point, sources });
        }
    }
    Ok(edges)
}

/// Terms of the same point added up, and what the values at the ends contribute.
fn folded(axis: &PatchAxis, point: usize, terms: impl Iterator<Item = (usize, f64)>) -> Vec<(EdgeSource, f64)> {
    let mut points = BTreeMap::<usize, f64>::new();
    terms.for_each(|(p, w)| *points.entry(p).or_default() += w);
    let lift = |p: usize, end: usize| mirror::lift(axis, axis.x()[p])[end];
    let ends: Vec<_> = (0..2)
        .filter(|&end| axis.ends().get(end) == Some(End::Dirichlet))
        .map(|end| {
            (EdgeSource::End(end), lift(point, end) - points.iter().map(|(p, w)| w * lift(*p, end)).sum::<f64>())
        })
        .collect();
    points.into_iter().map(|(p, w)| (EdgeSource::Point(p), w)).chain(ends).collect()
}

/// Edges of a bounded axis without images: windows of patches clamped at the ends, and the extreme edges from the
/// boundary condition. This loses self-adjointness, near the ends only.
fn clamped(axis: &PatchAxis, order: usize, source: Source) -> Result<Vec<Edge>> {
    let (n, n_sub, n_edge) = (axis.n_patch(), axis.shape().n_sub(), axis.shape().n_edge());
    let (x, scale) = (axis.x(), axis.spacing());
    let mut edges = Vec::new();
    for (patch, side) in patch_sides(axis) {
        let start = patch.saturating_sub(order / 2).min(n - order - 1);
        for layer in 0..n_edge {
            let point = patch * n_sub + side.edge_point(axis, layer);
            let sources = match side.end(axis, patch) {
                Some((number, end)) => vec![at_the_end(axis, side, patch, layer, number, end)],
                None => {
                    let from = source_point(axis, source, side, layer)?;
                    let points: Vec<usize> = (start..=start + order).map(|j| j * n_sub + from).collect();
                    let nodes: Vec<f64> = points.iter().map(|&p| (x[p] - x[point]) / scale).collect();
                    let weights = fornberg(0.0, &nodes, 0).swap_remove(0);
                    points.into_iter().map(EdgeSource::Point).zip(weights).collect()
                }
            };
            edges.push(Edge { point, sources });
        }
    }
    Ok(edges)
}

/// The outermost edges: the boundary value, or the mirror image about the domain's end, which lies half
/// a microscale spacing inside the innermost edge layer.
fn at_the_end(axis: &PatchAxis, side: Side, patch: usize, layer: usize, number: usize, end: End) -> (EdgeSource, f64) {
    if end == End::Dirichlet {
        return (EdgeSource::End(number), 1.0);
    }
    let (n_sub, n_edge) = (axis.shape().n_sub(), axis.shape().n_edge());
    let mirror = match side {
        Side::Left => 2 * n_edge - 1 - layer,
        Side::Right => n_sub - n_edge - 1 - layer,
    };
    (EdgeSource::Point(patch * n_sub + mirror), 1.0)
}

fn patch_sides(axis: &PatchAxis) -> impl Iterator<Item = (usize, Side)> {
    (0..axis.n_patch()).flat_map(|patch| Side::BOTH.map(|side| (patch, side)))
}

/// The point of each patch whose values are interpolated to layer `layer` of its edge `side`.
fn source_point(axis: &PatchAxis, source: Source, side: Side, layer: usize) -> Result<usize> {
    let (n_sub, n_edge) = (axis.shape().n_sub(), axis.shape().n_edge());
    match source {
        Source::NextToEdge => Ok(match side {
            Side::Left => layer + n_sub - 2 * n_edge,
            Side::Right => layer + n_edge,
        }),
        // With several layers the patch folds into n_sub/n_edge groups of n_edge points.
        Source::MidPatch if n_sub.is_multiple_of(n_edge) && !(n_sub / n_edge).is_multiple_of(2) => {
            Ok((n_sub - n_edge) / 2 + layer)
        }
        Source::MidPatch => Err(Error::parameter(
            "n_sub",
            n_sub,
            format!("an odd multiple of n_edge = {n_edge}, so that the patch has a middle"),
            "add one microscale point, or couple next-to-edge values",
        )),
        Source::Staggered => unreachable!("staggered patches have a module of their own"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        grid::Boundary,
        patch::{coupling::Coupling, grid::PatchShape, grid::Placement},
    };

    fn sources() -> impl Strategy<Value = Source> {
        prop_oneof![Just(Source::NextToEdge), Just(Source::MidPatch)]
    }

    /// Fills the edges of a sampled field and returns the largest error there, extreme edges left out.
    fn edge_error(axis: &PatchAxis, coupling: Coupling, field: impl Fn(f64) -> f64) -> f64 {
        let weights = coupling.weights(axis).unwrap();
        let exact: Vec<f64> = axis.x().iter().map(|x| field(*x)).collect();
        let mut u = exact.clone();
        for e in weights.edges() {
            u[e.point] = f64::NAN;
        }
        weights.fill([field(axis.domain()[0]), field(axis.domain()[1])], &mut u);
        u.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn bounded_coupling_is_exact_on_polynomials(
            half in 1usize..4, extra in 0usize..5, source in sources(), cheb in any::<bool>(),
            c in prop::collection::vec(-1.0f64..1.0, 9),
        ) {
            let order = 2 * half;
            let n_patch = order + 1 + extra;
            let placement = if cheb { Placement::Chebyshev } else { Placement::Equispaced };
            let shape = PatchShape::new(7, 1, 0.04 / n_patch as f64).unwrap();
            let axis = PatchAxis::bounded([-1.0, 1.0], Boundary::Dirichlet, n_patch, placement, shape).unwrap();
            let field = |x: f64| c[..=order].iter().rev().fold(0.0, |s, a| s * x + a);
            let error = edge_error(&axis, Coupling::Polynomial { order, source }, field);
            prop_assert!(error < 1e-10, "{error}");
        }

        #[test]
        fn spectral_coupling_is_exact_on_resolved_waves(
            n in 3usize..16, k in 0usize..7, source in sources(), phase in 0.0f64..6.0, ratio in 0.01f64..0.45,
        ) {
            prop_assume!(2 * k < n);
            let shape = PatchShape::from_ratio(ratio, 1.0 / n as f64, source, 9, 1).unwrap();
            let axis = PatchAxis::periodic([0.0, 1.0], n, shape).unwrap();
            let field = |x: f64| (2.0 * PI * k as f64 * x + phase).cos();
            let error = edge_error(&axis, Coupling::Spectral { source }, field);
            prop_assert!(error < 1e-12, "{error}");
        }

        #[test]
        fn shift_left_is_the_transpose_of_shift_right(
            n in 7usize..14, half in 0usize..4, source in sources(), ratio in 0.05f64..0.45,
        ) {
            let shape = PatchShape::from_ratio(ratio, 1.0 / n as f64, source, 9, 1).unwrap();
            let axis = PatchAxis::periodic([0.0, 1.0], n, shape).unwrap();
            let coupling = match half {
                0 => Coupling::Spectral { source },
                half => Coupling::Polynomial { order: 2 * half, source },
            };
            let weights = coupling.weights(&axis).unwrap();
            let mut shift = [vec![0.0; n * n], vec![0.0; n * n]];
            for (e, edge) in weights.edges().iter().enumerate() {
                let patch = edge.point / 9;
                for (p, w) in weights.point_weights(e) {
                    shift[usize::from(edge.point % 9 == 8)][patch * n + p / 9] += w;
                }
            }
            for i in 0..n {
                for j in 0..n {
                    prop_assert_eq!(shift[0][i * n + j], shift[1][j * n + i]);
                }
                let sum: f64 = shift[1][i * n..(i + 1) * n].iter().sum();
                prop_assert!((sum - 1.0).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn neumann_ends_mirror_an_even_field() {
        let shape = PatchShape::new(8, 1, 0.01).unwrap();
        let axis = PatchAxis::bounded([0.0, 1.0], Boundary::Neumann, 9, Placement::Equispaced, shape).unwrap();
        let coupling = Coupling::Polynomial { order: 2, source: Source::NextToEdge };
        let weights = coupling.weights(&axis).unwrap();
        let field = |x: f64| (PI * x).cos();
        let mut u: Vec<f64> = axis.x().iter().map(|x| field(*x)).collect();
        weights.fill([7.0, 7.0], &mut u);
        assert!((u[0] - field(axis.x()[0])).abs() < 1e-14);
        assert!((u[71] - field(axis.x()[71])).abs() < 1e-14);
    }
}

//! The gap-tooth coupling: edges whose mean slope is that of a macroscale polynomial.
//!
//! In tooth i the macroscale field is the polynomial p_i of even degree k that has the box averages (the
//! means over the interior points) of the teeth i − k/2 … i + k/2. The edge then satisfies
//!
//! > u(x_e) = u(x_e ∓ ε) + p_i(x_e) − p_i(x_e ∓ ε),
//!
//! the condition that the mean slope over the microscale period ε next to the edge be that of p_i:
//! over a whole period the microscale oscillation drops out, and what is left is macroscopic. The two
//! edges must see the same phase of the oscillation, so n_sub − n_edge has to be a whole number of
//! periods; otherwise the difference of the fluxes, hence the effective diffusivity, is off by O(d/h) for
//! every H (6.6 % for two periods of ten points and one point more). Arbabi et al. 2024, eq. 7-9. The
//! paper's eq. 9 integrates over a window 2ε wide and divides by ε: that is twice
//! the mean slope, a slip; the mean is meant.
//!
//! Near a bounded end the window of teeth is clamped, and the boundary condition is one more datum of
//! the polynomial: its value (Dirichlet) or its slope, zero (Neumann), at the domain's end.

use faer::{Mat, linalg::solvers::Solve};

use super::{Edge, EdgeSource, Side};
use crate::{
    Error, Result,
    patch::grid::{End, PatchAxis},
};

/// The edges of the gap-tooth coupling of even `degree` with `period` microscale points per period.
///
/// # Errors
/// [`Error::Parameter`] when n_sub − n_edge is not two or more whole periods; [`Error::Solver`] when the
/// polynomial is not determined (a tooth centred on a boundary, say).
pub fn slope(axis: &PatchAxis, degree: usize, period: usize) -> Result<Vec<Edge>> {
    let shape = axis.shape();
    let (n_sub, n_edge) = (shape.n_sub(), shape.n_edge());
    if period < n_edge {
        let expected = format!("at least the {n_edge} edge layers, in microscale points per period");
        return Err(Error::parameter("period", period, expected, "count several periods as one"));
    }
    if !(n_sub - n_edge).is_multiple_of(period) || n_sub - n_edge < 2 * period {
        let periods = ((n_sub - n_edge) as f64 / period as f64).round().max(2.0) as usize;
        return Err(Error::parameter(
            "n_sub",
            n_sub,
            format!("{n_edge} more than a whole number, at least 2, of periods of {period} points"),
            format!("use n_sub = {}", periods * period + n_edge),
        ));
    }
    let mut edges = Vec::new();
    for patch in 0..axis.n_patch() {
        let window = window(axis, patch, degree);
        let mut rises = Vec::new();
        for side in Side::BOTH {
            for layer in 0..n_edge {
                let edge = side.edge_point(axis, layer);
                let inner = if side == Side::Left { edge + period } else { edge - period };
                rises.push((edge, inner));
            }
        }
        for ((edge, inner), weights) in rises.iter().zip(rise_weights(axis, patch, &window, &rises)?) {
            let mut sources = vec![(EdgeSource::Point(patch * n_sub + inner), 1.0)];
            for (datum, weight) in window.iter().zip(weights) {
                sources.extend(datum.source.map(|source| (source, weight)));
            }
            edges.push(Edge { point: patch * n_sub + edge, sources });
        }
    }
    Ok(edges)
}

/// A linear functional of the polynomial whose value is known.
struct Datum {
    kind: Kind,
    /// where the value comes from; `None` when it is zero
    source: Option<EdgeSource>,
}

enum Kind {
    /// the mean over the interior points of a tooth centred here
    BoxAverage(f64),
    /// the value here
    Value(f64),
    /// the slope here
    Slope(f64),
}

impl Datum {
    /// The functional applied to ((x − centre)/scale)^power.
    fn of_monomial(&self, axis: &PatchAxis, centre: f64, scale: f64, power: i32) -> f64 {
        match self.kind {
            Kind::Value(at) => ((at - centre) / scale).powi(power),
            // The factor 1/scale of the chain rule is left out: the datum is zero.
            Kind::Slope(_) if power == 0 => 0.0,
            Kind::Slope(at) => power as f64 * ((at - centre) / scale).powi(power - 1),
            Kind::BoxAverage(at) => {
                let (interior, d) = (axis.shape().interior(), axis.shape().spacing());
                let middle = 0.5 * (axis.shape().n_sub() - 1) as f64;
                let count = interior.len() as f64;
                let value = |i: usize| ((at - centre + (i as f64 - middle) * d) / scale).powi(power);
                interior.map(value).sum::<f64>() / count
            }
        }
    }
}

/// The `degree + 1` data of patch `patch`'s polynomial: consecutive items of the list
/// (left end, tooth 0, …, tooth N − 1, right end), centred where possible; wrapped when periodic.
fn window(axis: &PatchAxis, patch: usize, degree: usize) -> Vec<Datum> {
    let n = axis.n_patch() as isize;
    let centred = patch as isize - (degree / 2) as isize;
    let start = if axis.is_periodic() { centred } else { centred.clamp(-1, n - degree as isize) };
    (start..=start + degree as isize).map(|item| datum(axis, item)).collect()
}

fn datum(axis: &PatchAxis, item: isize) -> Datum {
    let n = axis.n_patch() as isize;
    let (turn, tooth) = (item.div_euclid(n), item.rem_euclid(n) as usize);
    let number = usize::from(item >= n);
    let at = axis.domain()[number];
    match axis.ends().get(number).filter(|_| turn != 0) {
        None => {
            let centre = axis.centres()[tooth] + turn as f64 * axis.length();
            Datum { kind: Kind::BoxAverage(centre), source: Some(EdgeSource::Average(tooth)) }
        }
        Some(End::Dirichlet) => Datum { kind: Kind::Value(at), source: Some(EdgeSource::End(number)) },
        Some(End::Neumann) => Datum { kind: Kind::Slope(at), source: None },
    }
}

/// For each pair of points (edge, inner) of a tooth, the weights of the data in p(edge) − p(inner).
///
/// With M_dj the datum d of the monomial j, the polynomial's coefficients are M⁻¹ data, so the weights
/// of a row functional e are M⁻ᵀ e.
fn rise_weights(axis: &PatchAxis, patch: usize, window: &[Datum], rises: &[(usize, usize)]) -> Result<Vec<Vec<f64>>> {
    let (size, centre, scale) = (window.len(), axis.centres()[patch], axis.spacing());
    let middle = 0.5 * (axis.shape().n_sub() - 1) as f64;
    let at = |i: usize| (i as f64 - middle) * axis.shape().spacing() / scale;
    let transposed = Mat::from_fn(size, size, |j, d| window[d].of_monomial(axis, centre, scale, j as i32));
    let rows = Mat::from_fn(size, rises.len(), |j, r| at(rises[r].0).powi(j as i32) - at(rises[r].1).powi(j as i32));
    let solution = transposed.partial_piv_lu().solve(&rows);
    let weights: Vec<Vec<f64>> = (0..rises.len()).map(|r| (0..size).map(|d| solution[(d, r)]).collect()).collect();
    if weights.iter().flatten().any(|w| !w.is_finite()) {
        return Err(Error::Solver {
            solver: "gap-tooth polynomial",
            message: format!("the polynomial of degree {} in tooth {patch} is not determined", size - 1),
            advice: "keep teeth apart from each other and from the ends of the domain".into(),
        });
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        grid::Boundary,
        patch::{
            coupling::Coupling,
            grid::{PatchShape, Placement},
        },
    };

    fn teeth(boundary: Boundary, n: usize) -> PatchAxis {
        let shape = PatchShape::new(9, 1, 0.03 / n as f64).unwrap();
        let centres = (1..=n).map(|i| i as f64 / (n + 1) as f64).collect();
        PatchAxis::from_centres([0.0, 1.0], boundary, centres, shape).unwrap()
    }

    fn edge_error(axis: &PatchAxis, degree: usize, field: impl Fn(f64) -> f64) -> f64 {
        let weights = Coupling::Slope { degree, period: 4 }.weights(axis).unwrap();
        let exact: Vec<f64> = axis.x().iter().map(|x| field(*x)).collect();
        let mut u = exact.clone();
        for e in weights.edges() {
            u[e.point] = f64::NAN;
        }
        weights.fill([field(0.0), field(1.0)], &mut u);
        u.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn exact_on_polynomials_up_to_the_degree_with_dirichlet_ends(
            half in 1usize..4, extra in 0usize..4, c in prop::collection::vec(-1.0f64..1.0, 7),
        ) {
            let axis = teeth(Boundary::Dirichlet, 2 * half + 1 + extra);
            let field = |x: f64| c[..=2 * half].iter().rev().fold(0.0, |s, a| s * x + a);
            let error = edge_error(&axis, 2 * half, field);
            prop_assert!(error < 1e-11, "{error}");
        }

        #[test]
        fn exact_on_flat_ended_polynomials_with_neumann_ends(half in 2usize..4, extra in 0usize..4, c in -2.0f64..2.0) {
            let axis = teeth(Boundary::Neumann, 2 * half + 1 + extra);
            let field = |x: f64| c + x * x * (3.0 - 2.0 * x) + c * (x * (1.0 - x)).powi(2);
            let error = edge_error(&axis, 2 * half, field);
            prop_assert!(error < 1e-11, "{error}");
        }
    }

    #[test]
    fn periodic_slopes_converge_at_the_degree() {
        for degree in [2, 4, 6] {
            let error = |n: usize| {
                let shape = PatchShape::new(9, 1, 0.1 / 9.0 / n as f64).unwrap();
                let axis = PatchAxis::periodic([0.0, 1.0], n, shape).unwrap();
                // divide by the period, which shrinks with H here
                edge_error(&axis, degree, |x| (2.0 * std::f64::consts::PI * x).sin()) * n as f64
            };
            let order = (error(16) / error(32)).log2();
            assert!((order - degree as f64).abs() < 0.15, "degree {degree}: {order}");
        }
    }

    #[test]
    fn a_chebyshev_row_of_teeth_keeps_constants() {
        let shape = PatchShape::new(9, 1, 1e-3).unwrap();
        let axis = PatchAxis::bounded([0.0, 1.0], Boundary::Neumann, 12, Placement::Chebyshev, shape).unwrap();
        assert!(edge_error(&axis, 4, |_| 3.0) < 1e-12);
    }
}

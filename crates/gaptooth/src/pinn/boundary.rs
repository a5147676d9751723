//! Known functions that a network need not learn: boundary factors, corner functions, layers at the start.

use std::f64::consts::PI;

use crate::nn::Taylor;

/// Π_i (x_i − a_i)(b_i − x_i) over a box, 1 in the middle: times it a function vanishes on the faces, exactly.
///
/// ```
/// use gaptooth::{nn::Taylor, pinn::dirichlet_factor};
/// let b = dirichlet_factor(&[[0.0, 2.0]]);
/// assert_eq!((b(&[Taylor::variable(0, 1.0)]).value, b(&[Taylor::variable(0, 2.0)]).value), (1.0, 0.0));
/// ```
pub fn dirichlet_factor(domain: &[[f64; 2]]) -> impl Fn(&[Taylor]) -> Taylor + Send + Sync + 'static {
    let domain = domain.to_vec();
    move |x| {
        let one = |(x, [a, b]): (&Taylor, &[f64; 2])| (*x - *a) * (*b - *x) * (4.0 / (b - a).powi(2));
        x.iter().zip(&domain).map(one).fold(Taylor::constant(1.0), |p, f| p * f)
    }
}

/// S with ΔS = −1 in the quarter-plane and S = 0 on both axes: −y²/2 − (2xy ln r + (x² − y²) θ)/π.
///
/// At a corner where the source f does not vanish, a solution of −a Δu = f that is zero on both sides behaves as (f/a) S: its second
/// derivatives jump with the angle and have a logarithm.
pub fn quarter_plane(x: Taylor, y: Taylor) -> Taylor {
    let square = x * x + y * y;
    if square.value < 1e-300 {
        return Taylor::constant(0.0);
    }
    -0.5 * (y * y) - (x * y * square.ln() + (x * x - y * y) * y.atan2(x)) * (1.0 / PI)
}

/// The corner functions of −∇·(diag(`diagonal`)∇u) = f on a rectangle with u = 0 on its sides: Σ over corners of f there times
/// [`quarter_plane`] in coordinates scaled by the root of the coefficients, each cut off by 1 − s⁴ towards the sides across.
pub fn corner_functions(
    domain: [[f64; 2]; 2],
    diagonal: [f64; 2],
    source: impl Fn(&[f64]) -> f64,
) -> impl Fn(&[Taylor]) -> Taylor + Send + Sync + 'static {
    let corners: Vec<([usize; 2], f64)> =
        [[0, 0], [0, 1], [1, 0], [1, 1]].map(|c| (c, source(&[domain[0][c[0]], domain[1][c[1]]]))).to_vec();
    move |x| {
        corners.iter().fold(Taylor::constant(0.0), |sum, (corner, f)| {
            // distances from the corner, and their shares of the sides
            let away = |i: usize| if corner[i] == 0 { x[i] - domain[i][0] } else { domain[i][1] - x[i] };
            let cut = |i: usize| 1.0 - (away(i) / (domain[i][1] - domain[i][0])).powi(4);
            let scaled = |i: usize| away(i) / diagonal[i].sqrt();
            sum + quarter_plane(scaled(0), scaled(1)) * cut(0) * cut(1) * *f
        })
    }
}

/// iⁿerfc(x), the n-fold integral of the complementary error function, for x ≥ 0 and n from −1; absolute error below 1e-14.
///
/// Source: Abramowitz & Stegun 7.2.
///
/// ```
/// use gaptooth::pinn::repeated_erfc;
/// assert!((repeated_erfc(2, 0.0) - 0.25).abs() < 1e-15);
/// assert!((repeated_erfc(0, 1.0) - 0.157299207050285131).abs() < 1e-15);
/// ```
pub fn repeated_erfc(n: i32, x: f64) -> f64 {
    let (mut before, mut value) = (2.0 / PI.sqrt() * (-x * x).exp(), erfc(x));
    if n < 0 {
        return before;
    }
    for k in 1..=n {
        (before, value) = (value, (0.5 * before - x * value) / f64::from(k));
    }
    value.max(0.0)
}

/// erfc for x ≥ 0: its series below 2.5, its continued fraction above.
fn erfc(x: f64) -> f64 {
    if x < 2.5 {
        let (mut sum, mut term, mut n) = (0.0, x, 0.0);
        while f64::abs(term) > 1e-18 {
            sum += term / (2.0 * n + 1.0);
            n += 1.0;
            term *= -x * x / n;
        }
        return 1.0 - 2.0 / PI.sqrt() * sum;
    }
    let fraction = (1..=80).rev().fold(0.0, |f, k| f64::from(k) / 2.0 / (x + f));
    (-x * x).exp() / PI.sqrt() / (x + fraction)
}

/// 4ⁿ n! i²ⁿerfc(d/√(4Dt)), n from 1: tⁿ times it solves w_t = D w_dd on d > 0 with w = tⁿ at d = 0 and w = 0 at t = 0.
///
/// # Panics
/// If n is below 1.
pub fn start_layer(n: i32, distance: Taylor, time: Taylor, diffusivity: f64) -> Taylor {
    assert!(n >= 1, "layers are numbered from 1");
    let factor: f64 = (1..=n).map(|k| 4.0 * f64::from(k)).product();
    let eta = distance / (time * (4.0 * diffusivity)).sqrt();
    let [value, first, second] = [0, 1, 2].map(|k| repeated_erfc(2 * n - k, eta.value));
    eta.chain(value, -first, second) * factor
}

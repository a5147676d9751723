//! The coefficients of a stabilised explicit Runge–Kutta method of order 4 with any number s ≥ 5 of stages.
//!
//! On the negative real axis it is stable to |z| = 0.35 s² − 3, where a method of the same cost without stabilisation reaches 0.7 s. Its
//! stability function is w(z) P(z): P has degree s − 4 and is orthogonal on the interval with weight w²/√(1 − x²), so that it
//! is evaluated by a three-term recurrence, one right-hand side a term, and w, of degree 4, makes the order. P depends on w through the
//! weight and w on P through the order: four equations, solved by Newton's method. The four stages that realise w come first, and are
//! chosen so that the whole method satisfies all eight conditions of order 4, nonlinear ones included. (They could come last; but w is
//! as large as 0.01 z⁴, and would leave the rounding of P magnified by that. As it is, P damps the rounding of w.)
//! Nothing is tabulated; tests hold the order conditions and the stability of each method.
//!
//! Source: the idea and the name of the family, ROCK4, are Abdulle's (SIAM J. Sci. Comput. 23 (2002) 2041–2054), whose tables are not used and whose order of the two factors is the other.

use faer::{Mat, linalg::solvers::Solve};

/// Fewest stages.
pub(super) const LEAST: usize = 5;

/// One method of the family.
#[derive(Debug, Clone, PartialEq)]
pub struct Chebyshev4 {
    /// the four first stages, u + dt Σ_j a_ij k_j
    pub(super) a: [[f64; 3]; 4],
    /// their times, in units of the step
    pub(super) c: [f64; 4],
    /// g_0 = u + dt Σ_i b_i k_i
    pub(super) b: [f64; 4],
    /// g_{j+1} = μ_j dt f(g_j) + (1 + ν_j) g_j − ν_j g_{j−1}: (μ_j, ν_j) for j = 0 … s − 5; the last g is u(t + dt)
    pub(super) recurrence: Vec<[f64; 2]>,
    /// times of g_0 … g_{s−4}
    pub(super) nodes: Vec<f64>,
}

/// z of the left end of the interval of stability with `stages` stages.
pub fn stability(stages: usize) -> f64 {
    0.35 * (stages * stages) as f64 - 3.0
}

/// The fewest stages that are stable at −`z` ≤ 0, no fewer than 5.
pub fn stages_for(z: f64) -> usize {
    (((z + 3.0) / 0.35).max(0.0).sqrt().ceil() as usize).max(LEAST)
}

/// w(z) − 1 in powers 1 … 4 of z.
type Finish = [f64; 4];

/// Where Newton's method begins: w as a polynomial in 1/s².
const START: [[f64; 4]; 4] = [
    [0.6738, 2.157, 19.32, 392.8],
    [0.23235, 1.826, 15.08, 318.9],
    [0.05438, 0.7407, 5.663, 144.7],
    [0.009684, 0.1968, 1.473, 45.95],
];

/// z = 0 lies at x = 1 + 2/s², z = −[`stability`] at x = −1: the further from 1, the stronger the damping.
#[derive(Clone, Copy)]
struct Interval {
    stages: usize,
    origin: f64,
    /// dx/dz
    scale: f64,
}

impl Interval {
    fn new(stages: usize) -> Self {
        let origin = 1.0 + 2.0 / (stages * stages) as f64;
        Interval { stages, origin, scale: (1.0 + origin) / stability(stages) }
    }

    /// The recurrence of P, normalised to 1 at z = 0, by the discrete Stieltjes procedure at Chebyshev's nodes: exact.
    fn recurrence(&self, w: &Finish) -> Vec<[f64; 2]> {
        let (terms, count) = (self.stages - 4, self.stages + 2);
        let x: Vec<f64> = (0..count).map(|i| ((i as f64 + 0.5) * std::f64::consts::PI / count as f64).cos()).collect();
        let weight = |x: &f64| {
            let z = (x - self.origin) / self.scale;
            (1.0 + z * (w[0] + z * (w[1] + z * (w[2] + z * w[3])))).powi(2)
        };
        let weights: Vec<f64> = x.iter().map(weight).collect();
        let (mut old, mut now) = (vec![0.0; count], vec![1.0; count]);
        let (mut old_norm, mut growth) = (1.0, 0.0);
        let mut recurrence = Vec::with_capacity(terms);
        for _ in 0..terms {
            let (mut norm, mut mean) = (0.0, 0.0);
            for i in 0..count {
                let square = weights[i] * now[i] * now[i];
                norm += square;
                mean += x[i] * square;
            }
            let alpha = mean / norm;
            // of monic polynomials: β_j = |p_j|²/|p_{j−1}|², written for those that are 1 at the origin
            let beta = if growth == 0.0 { 0.0 } else { norm / (old_norm * growth) };
            let ratio = self.origin - alpha - beta;
            recurrence.push([self.scale / ratio, beta / ratio]);
            for i in 0..count {
                let next = ((x[i] - alpha) * now[i] - beta * old[i]) / ratio;
                (old[i], now[i]) = (now[i], next);
            }
            (old_norm, growth) = (norm, 1.0 / ratio);
        }
        recurrence
    }

    /// w such that w P = eᶻ to fourth order.
    fn finish(&self) -> Finish {
        let t = 1.0 / (self.stages * self.stages) as f64;
        let mut w: Finish = START.map(|c| c[0] + t * (c[1] + t * (c[2] + t * c[3])));
        let residual = |w: &Finish| {
            let wanted = quotient(&taylor(&self.recurrence(w)));
            std::array::from_fn::<f64, 4, _>(|k| w[k] - wanted[k])
        };
        for _ in 0..8 {
            let now = residual(&w);
            let mut jacobian = Mat::zeros(4, 4);
            for j in 0..4 {
                let mut moved = w;
                let step = 1e-6 * w[j];
                moved[j] += step;
                let next = residual(&moved);
                (0..4).for_each(|i| jacobian[(i, j)] = (next[i] - now[i]) / step);
            }
            let change = jacobian.partial_piv_lu().solve(Mat::from_fn(4, 1, |i, _| -now[i]));
            (0..4).for_each(|i| w[i] += change[(i, 0)]);
            if (0..4).all(|i| change[(i, 0)].abs() < 1e-13 * w[i].abs()) {
                break;
            }
        }
        w
    }
}

/// P(z) in powers 0 … 4 of z.
fn taylor(recurrence: &[[f64; 2]]) -> [f64; 5] {
    let (mut old, mut now) = ([0.0; 5], [1.0, 0.0, 0.0, 0.0, 0.0]);
    for [mu, nu] in recurrence {
        let next: [f64; 5] =
            std::array::from_fn(|k| (1.0 + nu) * now[k] - nu * old[k] + if k == 0 { 0.0 } else { mu * now[k - 1] });
        (old, now) = (now, next);
    }
    now
}

/// eᶻ/P(z) in powers 1 … 4 of z.
fn quotient(p: &[f64; 5]) -> Finish {
    let mut w = [1.0, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0];
    for k in 1..5 {
        w[k] -= (1..=k).map(|i| p[i] * w[k - i]).sum::<f64>();
    }
    [w[1], w[2], w[3], w[4]]
}

/// Elementary weights of a stage: c, Ac, Ac², AAc, Ac³, A(c·Ac), AAc², AAAc.
type Trees = [f64; 8];

/// Those of the exact solution at the step's end: the eight conditions of order 4.
const EXACT: Trees = [1.0, 0.5, 1.0 / 3.0, 1.0 / 6.0, 0.25, 0.125, 1.0 / 12.0, 1.0 / 24.0];

/// The weights of dt f(stage) from those of the stage.
fn slope(v: &Trees) -> Trees {
    [1.0, v[0], v[0] * v[0], v[1], v[0].powi(3), v[0] * v[1], v[2], v[3]]
}

/// All stages of the recurrence from a first one with the weights `start`.
fn trees(recurrence: &[[f64; 2]], start: &Trees) -> Vec<Trees> {
    let mut all = vec![*start];
    for (j, [mu, nu]) in recurrence.iter().enumerate() {
        let (now, old, f) = (all[j], if j == 0 { [0.0; 8] } else { all[j - 1] }, slope(&all[j]));
        all.push(std::array::from_fn(|k| (1.0 + nu) * now[k] - nu * old[k] + mu * f[k]));
    }
    all
}

/// What the recurrence must start with to end at [`EXACT`]: each weight depends on those before it, and on itself by a shift.
fn start(recurrence: &[[f64; 2]]) -> Trees {
    let mut start = [0.0; 8];
    for k in 0..8 {
        start[k] = EXACT[k] - trees(recurrence, &start)[recurrence.len()][k];
    }
    start
}

/// Four stages whose sum has the weights `q`, the last one at `last`; and what its condition b·AAc = q₇ lacks.
fn four_stages(q: &Trees, last: f64) -> (Chebyshev4, f64) {
    let c = [0.0, 0.25 * q[0], 0.5 * q[0], last];
    let solve = |rows: &[&[f64]], right: &[f64]| -> Vec<f64> {
        let n = right.len();
        let x = Mat::from_fn(n, n, |i, j| rows[i][j]).partial_piv_lu().solve(Mat::from_fn(n, 1, |i, _| right[i]));
        (0..n).map(|i| x[(i, 0)]).collect()
    };
    let power = |k: i32| c.map(|c| c.powi(k));
    let b = solve(&[&power(0), &power(1), &power(2), &power(3)], &[q[0], q[1], q[2], q[4]]);
    // (Ac) of the last two stages from b·Ac and b·(c Ac), then (Ac²) of the last one from b·Ac²
    let ac = solve(&[&[b[2], b[3]], &[b[2] * c[2], b[3] * c[3]]], &[q[3], q[5]]);
    let a32 = ac[0] / c[1];
    let square = (q[6] - b[2] * a32 * c[1] * c[1]) / b[3];
    let a4 = solve(&[&[c[1], c[2]], &[c[1] * c[1], c[2] * c[2]]], &[ac[1], square]);
    let a = [[0.0; 3], [c[1], 0.0, 0.0], [c[2] - a32, a32, 0.0], [c[3] - a4[0] - a4[1], a4[0], a4[1]]];
    let lack = q[7] - b[3] * a4[1] * ac[0];
    (Chebyshev4 { a, c, b: [b[0], b[1], b[2], b[3]], recurrence: Vec::new(), nodes: Vec::new() }, lack)
}

impl Chebyshev4 {
    /// The method with `stages` stages; O(s²) operations.
    ///
    /// # Panics
    /// With fewer than 5 stages.
    pub fn new(stages: usize) -> Self {
        assert!(stages >= LEAST, "{stages} stages");
        let interval = Interval::new(stages);
        let recurrence = interval.recurrence(&interval.finish());
        let q = start(&recurrence);
        // the last condition fixes the time of the fourth stage
        let (mut low, mut high) = (1.1 * q[0], 1.35 * q[0]);
        let sign = four_stages(&q, low).1.signum();
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if four_stages(&q, middle).1.signum() == sign { low = middle } else { high = middle }
        }
        let (method, _) = four_stages(&q, 0.5 * (low + high));
        Chebyshev4 { nodes: trees(&recurrence, &q).iter().map(|v| v[0]).collect(), recurrence, ..method }
    }

    /// Stages, each one right-hand side.
    pub fn stages(&self) -> usize {
        self.recurrence.len() + 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every method of up to 39 stages, and some up to the most, satisfies the eight conditions of order 4.
    #[test]
    fn the_order_conditions_hold() {
        for stages in (5..40).chain([52, 75, 108, 156, 224]) {
            let method = Chebyshev4::new(stages);
            let mut stage: Vec<Trees> = Vec::new();
            for i in 0..4 {
                let mut v = [0.0; 8];
                for j in 0..i {
                    let f = slope(&stage[j]);
                    (0..8).for_each(|k| v[k] += method.a[i][j] * f[k]);
                }
                assert!((v[0] - method.c[i]).abs() < 1e-12);
                stage.push(v);
            }
            let mut opening = [0.0; 8];
            for (b, v) in method.b.iter().zip(&stage) {
                let f = slope(v);
                (0..8).for_each(|k| opening[k] += b * f[k]);
            }
            let end = trees(&method.recurrence, &opening)[method.recurrence.len()];
            for k in 0..8 {
                let off = end[k] - EXACT[k];
                assert!(off.abs() < 1e-11, "{stages} stages, condition {k}: {off:e}");
            }
        }
    }

    /// |w P| < 1 on the whole interval, and below 0.97 to the left of the first zero or minimum.
    #[test]
    fn the_interval_is_as_long_as_stated() {
        for stages in (5..40).chain([52, 75, 108, 156, 224]) {
            let interval = Interval::new(stages);
            let w = interval.finish();
            let recurrence = interval.recurrence(&w);
            let value = |z: f64| {
                let (mut old, mut now) = (0.0, 1.0);
                for [mu, nu] in &recurrence {
                    (old, now) = (now, (1.0 + nu + mu * z) * now - nu * old);
                }
                now * (1.0 + z * (w[0] + z * (w[1] + z * (w[2] + z * w[3]))))
            };
            for i in 1..=20 * stages {
                let z =
                    0.5 * stability(stages) * ((std::f64::consts::PI * i as f64 / (20 * stages) as f64).cos() - 1.0);
                let bound = if z < -1.0 { 0.97 } else { 1.0 };
                assert!(value(z).abs() < bound, "{stages} stages: {} at {z}", value(z));
            }
            assert!(value(-1.2 * stability(stages)).abs() > 1.0, "{stages} stages: stable beyond what is stated");
        }
    }

    #[test]
    fn stages_follow_from_the_stiffness() {
        assert_eq!((stages_for(0.0), stages_for(5.75), stages_for(5.76)), (5, 5, 6));
        assert!(stages_for(1e4) == 170 && stability(170) >= 1e4 && stability(169) < 1e4);
    }
}

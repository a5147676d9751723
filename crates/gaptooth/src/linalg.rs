//! Tridiagonal systems, real and complex. Everything else is faer's.

use std::sync::Once;

use faer::{Par, c64};

use crate::{Error, Result};

/// From now on faer works in sequence, in the whole process: it would cut its work by the number of threads, and another cut has other
/// last bits. What runs in parallel here is cut by the problem.
pub(crate) fn in_sequence() {
    static SET: Once = Once::new();
    SET.call_once(|| faer::set_global_parallelism(Par::Seq));
}

/// A tridiagonal matrix with n rows in difference form: row i is
/// `lower[i] (u_{i-1} − u_i) + upper[i] (u_{i+1} − u_i) + row_sum[i] u_i`.
///
/// Diffusion has row sums of exactly zero. Were its diagonal stored, rounding would act as a reaction of rate up to
/// 1e-16 ‖A‖; in this form elimination subtracts nothing and is accurate row by row. Source: Alfa, Xue & Ye, Math. Comp. 71 (2002) 217–236.
///
/// `lower[0]` and `upper[n-1]` reach outside: they multiply the two boundary values, which are zero in solves.
#[derive(Debug, Clone, PartialEq)]
pub struct Tridiagonal {
    /// sub-diagonal, `[n]`
    pub lower: Vec<f64>,
    /// super-diagonal, `[n]`
    pub upper: Vec<f64>,
    /// sum of each row, its outside entries included, `[n]`
    pub row_sum: Vec<f64>,
}

impl Tridiagonal {
    /// n rows of zeros.
    pub fn zeros(n: usize) -> Self {
        Tridiagonal { lower: vec![0.0; n], upper: vec![0.0; n], row_sum: vec![0.0; n] }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.row_sum.len()
    }

    /// True for no rows.
    pub fn is_empty(&self) -> bool {
        self.row_sum.is_empty()
    }

    /// y += A x, boundary values zero.
    pub fn multiply_add(&self, x: &[f64], y: &mut [f64]) {
        let n = self.len();
        for i in 0..n {
            let left = if i == 0 { 0.0 } else { x[i - 1] };
            let right = if i + 1 == n { 0.0 } else { x[i + 1] };
            y[i] += self.lower[i] * (left - x[i]) + self.upper[i] * (right - x[i]) + self.row_sum[i] * x[i];
        }
    }

    /// Upper bounds of Re λ and |Im λ| over the spectrum, by Gershgorin's circles and by the skew part: the first is the largest row sum
    /// and the second zero where no off-diagonal is negative.
    pub fn spectrum_bounds(&self) -> [f64; 2] {
        let (mut growth, mut turn) = (f64::NEG_INFINITY, 0.0f64);
        let n = self.len();
        for i in 0..n {
            growth = growth.max(self.row_sum[i] - 2.0 * self.lower[i].min(0.0) - 2.0 * self.upper[i].min(0.0));
            if i + 1 < n {
                turn = turn.max(-self.upper[i] * self.lower[i + 1]);
            }
        }
        [growth, 2.0 * turn.sqrt()]
    }

    /// Factors `alpha I + beta A` without pivoting (stable for the diagonally dominant and the symmetric
    /// definite matrices that implicit diffusion steps make).
    ///
    /// # Errors
    /// [`Error::Solver`] when a pivot is zero or not finite.
    pub fn factor(&self, alpha: f64, beta: f64) -> Result<TridiagonalFactor> {
        let n = self.len();
        let mut factor = TridiagonalFactor { multiplier: vec![0.0; n], inverse: vec![0.0; n], upper: vec![0.0; n] };
        // Row i without its upper entry over its pivot: 1 + upper/pivot, without the subtraction.
        let mut ratio = 1.0;
        for i in 0..n {
            let previous = if i == 0 { 0.0 } else { factor.inverse[i - 1] };
            let rest = alpha + beta * self.row_sum[i] - beta * self.lower[i] * ratio;
            let upper = beta * self.upper[i];
            let pivot = rest - upper;
            if pivot == 0.0 || !pivot.is_finite() {
                return Err(singular(i, pivot));
            }
            let inverse = 1.0 / pivot;
            ratio = rest * inverse;
            factor.multiplier[i] = beta * self.lower[i] * previous;
            factor.inverse[i] = inverse;
            factor.upper[i] = upper * inverse;
        }
        Ok(factor)
    }

    /// Solves `(z I − A) w = b` for complex z and several real right-hand sides, `b: [k][n]`.
    ///
    /// # Errors
    /// [`Error::Solver`] when a pivot vanishes: z is an eigenvalue.
    pub fn solve_resolvent(&self, z: c64, right: &[&[f64]]) -> Result<Vec<Vec<c64>>> {
        let n = self.len();
        let mut upper = vec![c64::new(0.0, 0.0); n];
        let mut w: Vec<Vec<c64>> = right.iter().map(|_| vec![c64::new(0.0, 0.0); n]).collect();
        let mut ratio = c64::new(1.0, 0.0);
        for i in 0..n {
            let rest = z - self.row_sum[i] + ratio * self.lower[i];
            let pivot = rest + self.upper[i];
            if pivot.norm_sqr() == 0.0 || !pivot.norm_sqr().is_finite() {
                return Err(singular(i, pivot.re));
            }
            let inverse = pivot.inv();
            ratio = rest * inverse;
            upper[i] = inverse * -self.upper[i];
            for (w, b) in w.iter_mut().zip(right) {
                let known = if i == 0 { c64::new(b[i], 0.0) } else { w[i - 1] * self.lower[i] + b[i] };
                w[i] = known * inverse;
            }
        }
        for w in &mut w {
            for i in (0..n.saturating_sub(1)).rev() {
                w[i] = w[i] - upper[i] * w[i + 1];
            }
        }
        Ok(w)
    }
}

fn singular(row: usize, pivot: f64) -> Error {
    Error::Solver {
        solver: "tridiagonal solve",
        message: format!("pivot {pivot} in row {row}"),
        advice: "check the model's Jacobian for NaN, or take a smaller step".into(),
    }
}

/// A factored tridiagonal matrix; see [`Tridiagonal::factor`].
#[derive(Debug, Clone)]
pub struct TridiagonalFactor {
    multiplier: Vec<f64>,
    inverse: Vec<f64>,
    upper: Vec<f64>,
}

impl TridiagonalFactor {
    /// Overwrites `b`, `[n]`, with the solution.
    pub fn solve(&self, b: &mut [f64]) {
        let n = self.inverse.len();
        let (multiplier, inverse, upper) = (&self.multiplier[..n], &self.inverse[..n], &self.upper[..n]);
        let b = &mut b[..n];
        let mut carried = 0.0;
        for i in 0..n {
            carried = b[i] - multiplier[i] * carried;
            b[i] = carried * inverse[i];
        }
        let mut carried = 0.0;
        for i in (0..n).rev() {
            carried = b[i] - upper[i] * carried;
            b[i] = carried;
        }
    }
}

/// A matrix factored from the top down and from the bottom up, for many solves in a row: a sweep that ends one solve in
/// one direction begins the next in the same direction, so each solve reads memory once.
#[derive(Debug, Clone)]
pub(crate) struct TwoWayFactor {
    down: TridiagonalFactor,
    /// of the matrix with rows and columns reversed, stored in natural order
    up: TridiagonalFactor,
}

impl TwoWayFactor {
    /// Factors `alpha I + beta A` both ways.
    pub(crate) fn new(a: &Tridiagonal, alpha: f64, beta: f64) -> Result<Self> {
        let reversed = |v: &[f64]| v.iter().rev().copied().collect::<Vec<_>>();
        let mirror =
            Tridiagonal { lower: reversed(&a.upper), upper: reversed(&a.lower), row_sum: reversed(&a.row_sum) };
        let (down, up) = rayon::join(|| a.factor(alpha, beta), || mirror.factor(alpha, beta));
        let mut up = up?;
        for v in [&mut up.multiplier, &mut up.inverse, &mut up.upper] {
            v.reverse();
        }
        Ok(TwoWayFactor { down: down?, up })
    }

    /// Begins the first solve, of `columns`, from the top down; lanes lie interleaved in `w`.
    pub(crate) fn begin<const L: usize>(&self, columns: [&[f64]; L], w: &mut [[f64; L]]) {
        let n = self.down.inverse.len();
        let (multiplier, inverse) = (&self.down.multiplier[..n], &self.down.inverse[..n]);
        let (columns, w) = (columns.map(|c| &c[..n]), &mut w[..n]);
        let mut y = [0.0; L];
        for i in 0..n {
            for l in 0..L {
                y[l] = columns[l][i] - multiplier[i] * y[l];
                w[i][l] = y[l] * inverse[i];
            }
        }
    }

    /// Ends a solve and begins the next, from the bottom up if `upwards`: `next(i, x)` takes row i of the solution
    /// that ends and gives that of the right-hand side that begins.
    pub(crate) fn turn<const L: usize>(
        &self,
        upwards: bool,
        w: &mut [[f64; L]],
        mut next: impl FnMut(usize, [f64; L]) -> [f64; L],
    ) {
        let n = self.down.inverse.len();
        let (old, new) = if upwards { (&self.down, &self.up) } else { (&self.up, &self.down) };
        let (upper, multiplier, inverse) = (&old.upper[..n], &new.multiplier[..n], &new.inverse[..n]);
        let w = &mut w[..n];
        let (mut x, mut y) = ([0.0; L], [0.0; L]);
        let mut step = |i: usize| {
            x = std::array::from_fn(|l| w[i][l] - upper[i] * x[l]);
            let right = next(i, x);
            for l in 0..L {
                y[l] = right[l] - multiplier[i] * y[l];
                w[i][l] = y[l] * inverse[i];
            }
        };
        if upwards { (0..n).rev().for_each(&mut step) } else { (0..n).for_each(&mut step) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(n: usize) -> Tridiagonal {
        let mut a = Tridiagonal::zeros(n);
        for i in 0..n {
            let c = 1.1 + (i as f64).sin();
            let d = 1.1 + (i as f64 + 1.0).sin();
            (a.lower[i], a.upper[i], a.row_sum[i]) = (c, d, -0.1 * (i % 3) as f64);
        }
        a
    }

    fn apply(a: &Tridiagonal, x: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; x.len()];
        a.multiply_add(x, &mut y);
        y
    }

    #[test]
    fn the_factor_solves() {
        let (n, h) = (57, 30.0);
        let a = example(n);
        let b: Vec<f64> = (0..n).map(|i| (i as f64).cos()).collect();
        let mut x = b.clone();
        a.factor(1.0, -h).unwrap().solve(&mut x);
        let ax = apply(&a, &x);
        assert!((0..n).all(|i| (x[i] - h * ax[i] - b[i]).abs() < 1e-11));
    }

    #[test]
    fn stiffness_does_not_lose_the_conservation() {
        let n = 2000;
        let mut a = example(n);
        a.row_sum.fill(0.0);
        (a.lower[0], a.upper[n - 1]) = (0.0, 0.0);
        // (I − h A) 1 = 1 for every h.
        let mut x = vec![1.0; n];
        a.factor(1.0, -1e14).unwrap().solve(&mut x);
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-9));
        let z = c64::new(0.0, 1e-14);
        let w = a.solve_resolvent(z, &[&vec![1.0; n]]).unwrap().remove(0);
        assert!(w.iter().all(|w| (w * z - 1.0).norm_sqr().sqrt() < 1e-9));
    }

    #[test]
    fn solves_in_a_row_turn_at_the_ends() {
        let (n, h) = (41, 0.7);
        let a = example(n);
        let two = TwoWayFactor::new(&a, 1.0, -h).unwrap();
        let start = [0, 1].map(|l| (0..n).map(|i| ((l * n + i) as f64).cos()).collect::<Vec<f64>>());
        let mut w = vec![[0.0; 2]; n];
        let mut expected = start.clone();
        two.begin(start.each_ref().map(Vec::as_slice), &mut w);
        for solve in 0..4 {
            let mut found = vec![[0.0; 2]; n];
            two.turn(solve % 2 == 0, &mut w, |i, x| {
                found[i] = x;
                x.map(|x| 0.5 * x)
            });
            for (l, expected) in expected.iter_mut().enumerate() {
                two.down.solve(expected);
                for i in 0..n {
                    assert!((found[i][l] - expected[i]).abs() < 1e-13);
                    expected[i] *= 0.5;
                }
            }
        }
    }

    #[test]
    fn the_resolvent_solves() {
        let n = 40;
        let a = example(n);
        let b: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
        let z = c64::new(-2.0, 1.5);
        let w = a.solve_resolvent(z, &[&b]).unwrap().remove(0);
        let (re, im): (Vec<f64>, Vec<f64>) = w.iter().map(|w| (w.re, w.im)).unzip();
        let (re, im) = (apply(&a, &re), apply(&a, &im));
        for i in 0..n {
            let r = z * w[i] - c64::new(re[i], im[i]) - b[i];
            assert!(r.norm_sqr().sqrt() < 1e-12);
        }
    }

    #[test]
    fn a_singular_matrix_is_an_error() {
        let a = Tridiagonal { lower: vec![0.0; 2], upper: vec![0.0; 2], row_sum: vec![1.0, 0.0] };
        assert!(matches!(a.factor(0.0, 1.0), Err(Error::Solver { .. })));
    }
}

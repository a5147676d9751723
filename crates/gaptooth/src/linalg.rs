//! Tridiagonal systems, real and complex, for many right-hand sides. Everything else is faer's.

use faer::c64;

use crate::{Error, Result};

/// The three bands of a tridiagonal matrix with n rows: row i is
/// `lower[i] u_{i-1} + diagonal[i] u_i + upper[i] u_{i+1}`.
///
/// `lower[0]` and `upper[n-1]` reach outside: they multiply the two boundary values.
#[derive(Debug, Clone, PartialEq)]
pub struct Tridiagonal {
    /// sub-diagonal, `[n]`
    pub lower: Vec<f64>,
    /// diagonal, `[n]`
    pub diagonal: Vec<f64>,
    /// super-diagonal, `[n]`
    pub upper: Vec<f64>,
}

impl Tridiagonal {
    /// n rows of zeros.
    pub fn zeros(n: usize) -> Self {
        Tridiagonal { lower: vec![0.0; n], diagonal: vec![0.0; n], upper: vec![0.0; n] }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.diagonal.len()
    }

    /// True for no rows.
    pub fn is_empty(&self) -> bool {
        self.diagonal.is_empty()
    }
}

impl Tridiagonal {
    /// Factors `alpha I + beta A` without pivoting (stable for the diagonally dominant and the symmetric
    /// definite matrices that implicit diffusion steps make).
    ///
    /// # Errors
    /// [`Error::Solver`] when a pivot is zero or not finite.
    pub fn factor(&self, alpha: f64, beta: f64) -> Result<TridiagonalFactor> {
        let n = self.len();
        let mut factor = TridiagonalFactor { multiplier: vec![0.0; n], inverse: vec![0.0; n], upper: vec![0.0; n] };
        let mut carried = 0.0;
        for i in 0..n {
            let previous = if i == 0 { 0.0 } else { factor.inverse[i - 1] };
            let multiplier = beta * self.lower[i] * previous;
            let pivot = alpha + beta * self.diagonal[i] - multiplier * carried;
            if pivot == 0.0 || !pivot.is_finite() {
                return Err(singular(i, pivot));
            }
            carried = beta * self.upper[i];
            factor.multiplier[i] = multiplier;
            factor.inverse[i] = 1.0 / pivot;
            factor.upper[i] = carried / pivot;
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
        for i in 0..n {
            let coupling = if i == 0 { c64::new(0.0, 0.0) } else { upper[i - 1] * self.lower[i] };
            let pivot = z - self.diagonal[i] + coupling;
            if pivot.norm_sqr() == 0.0 || !pivot.norm_sqr().is_finite() {
                return Err(singular(i, pivot.re));
            }
            let inverse = pivot.inv();
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
    /// Overwrites each column, `[n]`, with its solution. Columns are swept four at a time: the recurrence
    /// is bound by latency, so four cost little more than one.
    pub fn solve(&self, columns: &mut [&mut [f64]]) {
        for chunk in columns.chunks_mut(4) {
            match chunk {
                [a, b, c, d] => self.sweep([a, b, c, d]),
                [a, b, c] => self.sweep([a, b, c]),
                [a, b] => self.sweep([a, b]),
                [a] => self.sweep([a]),
                _ => {}
            }
        }
    }

    fn sweep<const L: usize>(&self, columns: [&mut [f64]; L]) {
        let n = self.inverse.len();
        let (multiplier, inverse, upper) = (&self.multiplier[..n], &self.inverse[..n], &self.upper[..n]);
        let columns = columns.map(|c| &mut c[..n]);
        let mut carried = [0.0; L];
        for i in 0..n {
            for l in 0..L {
                carried[l] = columns[l][i] - multiplier[i] * carried[l];
                columns[l][i] = carried[l] * inverse[i];
            }
        }
        let mut carried = [0.0; L];
        for i in (0..n).rev() {
            for l in 0..L {
                carried[l] = columns[l][i] - upper[i] * carried[l];
                columns[l][i] = carried[l];
            }
        }
    }
}

/// A matrix factored from the top down and from the bottom up, for many solves in a row with A w⁺ = w + h g: a sweep that
/// ends one solve in one direction begins the next in the same direction, so each solve reads memory once.
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
            Tridiagonal { lower: reversed(&a.upper), diagonal: reversed(&a.diagonal), upper: reversed(&a.lower) };
        let (down, up) = rayon::join(|| a.factor(alpha, beta), || mirror.factor(alpha, beta));
        let mut up = up?;
        for v in [&mut up.multiplier, &mut up.inverse, &mut up.upper] {
            v.reverse();
        }
        Ok(TwoWayFactor { down: down?, up })
    }

    /// The one-way factor.
    pub(crate) fn down(&self) -> &TridiagonalFactor {
        &self.down
    }

    /// Begins the first solve from `start`: eliminates from the top down.
    pub(crate) fn begin<const L: usize>(&self, start: &[[f64; L]], g: &[[f64; L]], h: f64, w: &mut [[f64; L]]) {
        let f = &self.down;
        let mut y = [0.0; L];
        for ((((w, s), g), m), inverse) in w.iter_mut().zip(start).zip(g).zip(&f.multiplier).zip(&f.inverse) {
            for l in 0..L {
                y[l] = (s[l] + h * g[l]) - m * y[l];
                w[l] = y[l] * inverse;
            }
        }
    }

    /// Ends a solve and begins the next, from the bottom up if `upwards`.
    pub(crate) fn turn<const L: usize>(&self, upwards: bool, g: &[[f64; L]], h: f64, w: &mut [[f64; L]]) {
        let n = self.down.inverse.len();
        let (old, new) = if upwards { (&self.down, &self.up) } else { (&self.up, &self.down) };
        let (upper, multiplier, inverse) = (&old.upper[..n], &new.multiplier[..n], &new.inverse[..n]);
        let (g, w) = (&g[..n], &mut w[..n]);
        let (mut x, mut y) = ([0.0; L], [0.0; L]);
        let step = |i: usize| {
            for l in 0..L {
                x[l] = w[i][l] - upper[i] * x[l];
                y[l] = (x[l] + h * g[i][l]) - multiplier[i] * y[l];
                w[i][l] = y[l] * inverse[i];
            }
        };
        if upwards { (0..n).rev().for_each(step) } else { (0..n).for_each(step) }
    }

    /// Ends the last solve and adds sums[k]·(w⁺ − start) to two accumulators.
    pub(crate) fn end<const L: usize>(
        &self,
        upwards: bool,
        w: &[[f64; L]],
        start: &[[f64; L]],
        sums: [f64; 2],
        [best, gap]: [&mut [[f64; L]]; 2],
    ) {
        let n = self.down.inverse.len();
        let upper = if upwards { &self.down.upper[..n] } else { &self.up.upper[..n] };
        let (w, start, best, gap) = (&w[..n], &start[..n], &mut best[..n], &mut gap[..n]);
        let mut x = [0.0; L];
        let step = |i: usize| {
            for l in 0..L {
                x[l] = w[i][l] - upper[i] * x[l];
                let increment = x[l] - start[i][l];
                best[i][l] += sums[0] * increment;
                gap[i][l] += sums[1] * increment;
            }
        };
        if upwards { (0..n).rev().for_each(step) } else { (0..n).for_each(step) }
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
            (a.lower[i], a.diagonal[i], a.upper[i]) = (c, -c - d, d);
        }
        a
    }

    fn apply(a: &Tridiagonal, x: &[f64], i: usize) -> f64 {
        let left = if i == 0 { 0.0 } else { a.lower[i] * x[i - 1] };
        let right = if i + 1 == x.len() { 0.0 } else { a.upper[i] * x[i + 1] };
        left + a.diagonal[i] * x[i] + right
    }

    #[test]
    fn every_lane_count_solves() {
        let (n, h) = (57, 30.0);
        let a = example(n);
        let factor = a.factor(1.0, -h).unwrap();
        for lanes in 1..=6 {
            let b: Vec<Vec<f64>> = (0..lanes).map(|l| (0..n).map(|i| ((i * (l + 1)) as f64).cos()).collect()).collect();
            let mut x = b.clone();
            let mut columns: Vec<&mut [f64]> = x.iter_mut().map(Vec::as_mut_slice).collect();
            factor.solve(&mut columns);
            for (x, b) in x.iter().zip(&b) {
                for i in 0..n {
                    assert!((x[i] - h * apply(&a, x, i) - b[i]).abs() < 1e-11);
                }
            }
        }
    }

    #[test]
    fn solves_in_a_row_turn_at_the_ends() {
        let (n, h) = (41, 0.7);
        let a = example(n);
        let two = TwoWayFactor::new(&a, 1.0, -h).unwrap();
        let start: Vec<[f64; 2]> = (0..n).map(|i| [(i as f64).cos(), 1.0]).collect();
        let g: Vec<[f64; 2]> = (0..n).map(|i| [0.3, (i as f64).sin()]).collect();
        for count in 1..=4 {
            let (mut w, mut sums) = (start.clone(), [vec![[0.0; 2]; n], vec![[0.0; 2]; n]]);
            two.begin(&start, &g, h, &mut w);
            (1..count).for_each(|k| two.turn(k % 2 == 1, &g, h, &mut w));
            let [best, gap] = &mut sums;
            two.end(count % 2 == 1, &w, &start, [1.0, 2.0], [best, gap]);
            for l in 0..2 {
                let mut x: Vec<f64> = start.iter().map(|s| s[l]).collect();
                for _ in 0..count {
                    x.iter_mut().zip(&g).for_each(|(x, g)| *x += h * g[l]);
                    two.down().solve(&mut [&mut x[..]]);
                }
                for i in 0..n {
                    assert!((start[i][l] + sums[0][i][l] - x[i]).abs() < 1e-13);
                    assert!((start[i][l] + 0.5 * sums[1][i][l] - x[i]).abs() < 1e-13);
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
        for i in 0..n {
            let r = z * w[i] - c64::new(apply(&a, &re, i), apply(&a, &im, i)) - b[i];
            assert!(r.norm_sqr().sqrt() < 1e-12);
        }
    }

    #[test]
    fn a_singular_matrix_is_an_error() {
        let a = Tridiagonal { lower: vec![0.0; 2], diagonal: vec![1.0, 0.0], upper: vec![0.0; 2] };
        assert!(matches!(a.factor(0.0, 1.0), Err(Error::Solver { .. })));
    }
}

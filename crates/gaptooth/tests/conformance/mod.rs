//! What every implementor of a trait must do; each test file that has one runs it.
#![allow(dead_code, reason = "a test file uses what it has implementors for")]

use gaptooth::nn::LeastSquares;

/// A sixth-order central difference of `f` along a line.
pub(crate) fn difference(f: &dyn Fn(f64) -> Vec<f64>, h: f64) -> Vec<f64> {
    let at = |k: i32| f(f64::from(k) * h);
    let pairs = [(at(1), at(-1), 0.75), (at(2), at(-2), -0.15), (at(3), at(-3), 1.0 / 60.0)];
    (0..pairs[0].0.len()).map(|i| pairs.iter().map(|(p, m, w)| w * (p[i] - m[i]) / h).sum()).collect()
}

/// Cost, residuals, Jacobian and gradient tell of the same function.
pub(crate) fn least_squares(problem: &dyn LeastSquares, p: &[f64]) {
    let (n, blocks) = (problem.parameters(), problem.blocks());
    assert_eq!(p.len(), n);
    let residuals = problem.residuals(p);
    assert_eq!((residuals.len(), problem.rows()), (blocks.iter().sum(), residuals.len()));
    let cost = 0.5 * residuals.iter().map(|r| r * r).sum::<f64>();
    assert!((problem.cost(p) - cost).abs() <= 1e-12 * cost);
    let parts: f64 = problem.parts(&residuals).iter().map(|(_, v)| v).sum();
    assert!((parts - cost).abs() <= 1e-12 * cost, "the parts add up to the cost");
    // a direction in all parameters
    let along: Vec<f64> = (0..n).map(|k| (1.0 + 1.7 * k as f64).sin()).collect();
    let moved = |s: f64| problem.residuals(&p.iter().zip(&along).map(|(p, q)| p + s * q).collect::<Vec<_>>());
    let slope = difference(&moved, 3e-3);
    let mut wanted = vec![0.0; n];
    let mut start = 0;
    for (block, rows) in blocks.into_iter().enumerate() {
        let stride = rows + 3;
        let (mut r, mut j) = (vec![f64::NAN; rows], vec![f64::NAN; stride * n]);
        problem.jacobian_into(p, block, &mut r, &mut j, stride);
        for row in 0..rows {
            assert!((r[row] - residuals[start + row]).abs() <= 1e-12 * (1.0 + r[row].abs()));
            let own: f64 = along.iter().enumerate().map(|(k, q)| q * j[k * stride + row]).sum();
            let size: f64 = along.iter().enumerate().map(|(k, q)| (q * j[k * stride + row]).abs()).sum();
            assert!(
                (own - slope[start + row]).abs() <= 1e-9 * (1.0 + size),
                "row {row} of block {block}: {own} {}",
                slope[start + row]
            );
            wanted.iter_mut().enumerate().for_each(|(k, g)| *g += r[row] * j[k * stride + row]);
        }
        start += rows;
    }
    let mut gradient = vec![f64::NAN; n];
    let found = problem.cost_gradient_into(p, &mut gradient);
    assert!((found - cost).abs() <= 1e-12 * cost);
    let size = wanted.iter().fold(0.0f64, |m, g| m.max(g.abs()));
    for (found, wanted) in gradient.iter().zip(&wanted) {
        assert!((found - wanted).abs() <= 1e-11 * size, "gradient {found}, from the Jacobian {wanted}");
    }
}

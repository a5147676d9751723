//! Where residuals are asked to vanish.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A tensor grid of `counts` points over a box, the last coordinate fastest. `ends` tells whether the box's faces are among them
/// (as for a mesh) or the points are the centres of equal cells.
///
/// ```
/// use gaptooth::pinn::grid;
/// assert_eq!(grid(&[[0.0, 1.0]], &[3], true), [[0.0], [0.5], [1.0]]);
/// assert_eq!(grid(&[[0.0, 1.0]], &[2], false), [[0.25], [0.75]]);
/// assert_eq!(grid(&[[0.2, 0.9]], &[11], true)[10], [0.9]);
/// ```
pub fn grid(domain: &[[f64; 2]], counts: &[usize], ends: bool) -> Vec<Vec<f64>> {
    let place = |i: usize, n: usize| match ends {
        true => i as f64 / (n.max(2) - 1) as f64,
        false => (i as f64 + 0.5) / n as f64,
    };
    product(domain, counts, &|_, i, n| place(i, n))
}

/// The points j/n + `shift`/n of equal cells, for periodic boxes.
pub fn shifted_grid(domain: &[[f64; 2]], counts: &[usize], shift: f64) -> Vec<Vec<f64>> {
    product(domain, counts, &|_, i, n| (i as f64 + shift) / n as f64)
}

/// Points `skip + 1` … `skip + count` of Halton's sequence in a box: equally dense, on no grid.
///
/// # Panics
/// If the box has more than four directions.
pub fn halton(domain: &[[f64; 2]], count: usize, skip: usize) -> Vec<Vec<f64>> {
    let inverse = |mut i: usize, base: usize| {
        let (mut digit, mut sum) = (1.0, 0.0);
        while i > 0 {
            digit /= base as f64;
            sum += digit * (i % base) as f64;
            i /= base;
        }
        sum
    };
    let bases = [2, 3, 5, 7];
    assert!(domain.len() <= bases.len(), "Halton points in at most four directions");
    let point = |i: usize| domain.iter().zip(bases).map(|([a, b], base)| a + (b - a) * inverse(i, base)).collect();
    (skip + 1..=skip + count).map(point).collect()
}

/// One random point in each of `counts` equal cells.
///
/// ```
/// let points = gaptooth::pinn::jittered(&[[0.0, 1.0]], &[4], 7);
/// assert!(points.iter().enumerate().all(|(k, x)| (4.0 * x[0]).floor() as usize == k));
/// ```
pub fn jittered(domain: &[[f64; 2]], counts: &[usize], seed: u64) -> Vec<Vec<f64>> {
    let mut points = product(domain, counts, &|_, i, n| i as f64 / n as f64);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for point in &mut points {
        for ((x, [a, b]), n) in point.iter_mut().zip(domain).zip(counts) {
            *x += rng.random::<f64>() * (b - a) / *n as f64;
        }
    }
    points
}

fn product(domain: &[[f64; 2]], counts: &[usize], place: &dyn Fn(usize, usize, usize) -> f64) -> Vec<Vec<f64>> {
    let mut points = vec![vec![]];
    for (d, ([a, b], n)) in domain.iter().zip(counts).enumerate() {
        let along: Vec<f64> = (0..*n).map(|i| place(d, i, *n)).map(|s| a * (1.0 - s) + b * s).collect(); // exact at both ends
        points = points.iter().flat_map(|p: &Vec<f64>| along.iter().map(|x| [&p[..], &[*x]].concat())).collect();
    }
    points
}

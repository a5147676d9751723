//! Lagrange polynomials at Gauss–Lobatto points.

use crate::legendre::lobatto_points;

/// The polynomials of one degree on [−1, 1].
#[derive(Debug, Clone)]
pub(super) struct Basis {
    pub(super) nodes: Vec<f64>,
    /// 1/Π(t_j − t_m)
    weights: Vec<f64>,
}

impl Basis {
    pub(super) fn new(degree: usize) -> Self {
        let nodes = lobatto_points(degree);
        let others = |j: usize| (0..nodes.len()).filter(move |m| *m != j);
        let weights = (0..nodes.len()).map(|j| 1.0 / others(j).map(|m| nodes[j] - nodes[m]).product::<f64>()).collect();
        Basis { nodes, weights }
    }

    pub(super) fn degree(&self) -> usize {
        self.nodes.len() - 1
    }

    /// [value, slope] of every polynomial at t, by products from both ends: exact at the nodes, too.
    pub(super) fn at(&self, t: f64) -> Vec<[f64; 2]> {
        let mut found: Vec<[f64; 2]> = self.weights.iter().map(|w| [*w, 0.0]).collect();
        let n = found.len();
        let mut sweep = |order: &mut dyn Iterator<Item = usize>| {
            let [mut product, mut slope] = [1.0, 0.0];
            for j in order {
                let [value, rise] = found[j];
                found[j] = [value * product, rise * product + value * slope];
                let factor = t - self.nodes[j];
                slope = slope * factor + product;
                product *= factor;
            }
        };
        sweep(&mut (0..n));
        sweep(&mut (0..n).rev());
        found
    }
}

/// The cell of `cells` equal ones on [a, b] that holds x, and x on its [−1, 1]. Outside it is the nearest one.
pub(super) fn locate([a, b]: [f64; 2], cells: usize, x: f64) -> (usize, f64) {
    let place = (x - a) / (b - a) * cells as f64;
    let cell = place.floor().clamp(0.0, (cells - 1) as f64);
    (cell as usize, 2.0 * (place - cell) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_interpolated_and_differentiated() {
        for degree in 1..=8 {
            let basis = Basis::new(degree);
            for t in [-1.0, -0.3, basis.nodes[degree / 2], 0.8, 1.0] {
                for power in 0..=degree as i32 {
                    let found = basis
                        .at(t)
                        .iter()
                        .zip(&basis.nodes)
                        .fold([0.0; 2], |[v, s], (b, x)| [v + b[0] * x.powi(power), s + b[1] * x.powi(power)]);
                    let slope = if power == 0 { 0.0 } else { f64::from(power) * t.powi(power - 1) };
                    assert!((found[0] - t.powi(power)).abs() < 1e-13 && (found[1] - slope).abs() < 1e-11);
                }
            }
        }
    }
}

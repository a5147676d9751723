//! Newton's form of the interpolation polynomial at Leja points, of the function that [`super::shift_invert`] needs.
//!
//! G(y) = (exp((1 − 1/y)/γ) − 1)/(y − 1) on [0, 1]. Leja points: Caliari, Vianello & Bergamaschi, J. Comput. Appl. Math. 172
//! (2004) 79–99.

use std::sync::OnceLock;

/// The pole is at z = 1/γ. One value serves every tolerance: the best one for 1e-2 saves three terms, that for 1e-13 one.
pub(super) const GAMMA: f64 = 0.07;

/// Terms after which a step is split: more than rounding allows where the spectrum is real and negative.
pub(super) const MAX_TERMS: usize = 48;

/// Leja points y_k on [0, 1] that begin with 1 and 0, and the divided differences d_k of G.
pub(super) struct Series {
    pub(super) nodes: Vec<f64>,
    pub(super) differences: Vec<f64>,
}

/// G(y), with its limits G(0) = 1 and G(1) = 1/γ.
pub(super) fn target(y: f64) -> f64 {
    if y == 1.0 { 1.0 / GAMMA } else { ((1.0 - 1.0 / y) / GAMMA).exp_m1() / (y - 1.0) }
}

/// The series, computed once.
pub(super) fn series() -> &'static Series {
    static SERIES: OnceLock<Series> = OnceLock::new();
    SERIES.get_or_init(|| {
        const CANDIDATES: usize = 4000;
        let candidate = |i: usize| 0.5 * (1.0 - (std::f64::consts::PI * i as f64 / CANDIDATES as f64).cos());
        let mut nodes = vec![1.0, 0.0];
        let mut log_product: Vec<f64> = (0..=CANDIDATES)
            .map(candidate)
            .map(|y| nodes.iter().map(|node: &f64| (y - node).abs().ln()).sum())
            .collect();
        while nodes.len() < MAX_TERMS + 2 {
            let best = (0..=CANDIDATES).max_by(|&i, &j| log_product[i].total_cmp(&log_product[j])).unwrap_or(0);
            nodes.push(candidate(best));
            for (i, log) in log_product.iter_mut().enumerate() {
                *log += (candidate(i) - candidate(best)).abs().ln();
            }
        }
        let mut differences: Vec<f64> = nodes.iter().map(|&y| target(y)).collect();
        for k in 1..nodes.len() {
            for i in (k..nodes.len()).rev() {
                differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - k]);
            }
        }
        Series { nodes, differences }
    })
}

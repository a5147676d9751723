//! What the shares of the conductivities say without any geometry.

/// Means and bounds of a mixture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixture {
    /// the arithmetic mean ⟨a⟩, above every a* (Voigt)
    pub voigt: f64,
    /// the harmonic mean 1/⟨1/a⟩, below every a* (Reuss); 0 if a is 0 anywhere
    pub reuss: f64,
    /// Hashin and Shtrikman's bounds (1962) on a* of isotropic mixtures
    pub hashin_shtrikman: [f64; 2],
}

impl Mixture {
    /// Of conductivities `largest`·a, a within [0, 1], in d dimensions.
    pub(super) fn new(d: usize, a: &[f64], largest: f64) -> Self {
        let n = a.len() as f64;
        let mean = |f: &dyn Fn(f64) -> f64| a.iter().map(|a| f(*a)).sum::<f64>() / n;
        let smallest = a.iter().fold(f64::INFINITY, |m, a| m.min(*a));
        let highest = a.iter().fold(0.0f64, |m, a| m.max(*a));
        // 1/⟨1/(a + (d−1) b)⟩ − (d−1) b with b the smallest and the largest conductivity
        let bound = |b: f64| {
            let shift = (d as f64 - 1.0) * b;
            let inverse = mean(&|a| 1.0 / (a + shift));
            if inverse.is_finite() { 1.0 / inverse - shift } else { 0.0 }
        };
        let reuss = mean(&|a| 1.0 / a);
        Mixture {
            voigt: largest * mean(&|a| a),
            reuss: if reuss.is_finite() { largest / reuss } else { 0.0 },
            hashin_shtrikman: [largest * bound(smallest), largest * bound(highest)],
        }
    }
}

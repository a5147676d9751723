//! Random initial states of the paper's eq. 23.

use std::f64::consts::TAU;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Which amplitudes are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Amplitudes {
    /// a_j ∈ U[−1, 1], as printed in the paper
    #[default]
    Paper,
    /// a_j ∈ U[−1/2, 1/2] and a shift that makes the state positive, as in the released code
    Code,
}

/// u(x, 0) = shift + Σ_j a_j sin(2π l_j x + φ_j): a function, so the same state can be sampled on any grid.
///
/// ```
/// use gaptooth::closure::{Amplitudes, SineSum};
/// let state = SineSum::random(7, 0, Amplitudes::Paper);
/// assert_eq!(state.terms.len(), 20);
/// assert_eq!(state.eval(0.3), SineSum::random(7, 0, Amplitudes::Paper).eval(0.3));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SineSum {
    /// (a_j, l_j, φ_j): amplitude, wave number in periods per unit length, phase
    pub terms: Vec<[f64; 3]>,
    /// added everywhere
    pub shift: f64,
}

impl SineSum {
    /// The `index`-th state of `seed`: 20 terms, l_j ∈ U[0, 4], φ_j ∈ U[0, 2π], a_j as `amplitudes` says.
    ///
    /// Each index has a random stream of its own: a state does not depend on how many are drawn.
    pub fn random(seed: u64, index: u64, amplitudes: Amplitudes) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index);
        let mut term = || {
            let [a, l, phase] = [rng.random::<f64>(), rng.random::<f64>(), rng.random::<f64>()];
            let a = if amplitudes == Amplitudes::Paper { 2.0 * a - 1.0 } else { a - 0.5 };
            [a, 4.0 * l, TAU * phase]
        };
        let mut state = SineSum { terms: (0..20).map(|_| term()).collect(), shift: 0.0 };
        if amplitudes == Amplitudes::Code {
            state.shift = state.positivity_shift();
        }
        state
    }

    /// The value at `x`.
    pub fn eval(&self, x: f64) -> f64 {
        self.shift + self.terms.iter().map(|[a, l, phase]| a * (TAU * l * x + phase).sin()).sum::<f64>()
    }

    /// The values at every point of `x`.
    pub fn sample(&self, x: &[f64]) -> Vec<f64> {
        x.iter().map(|x| self.eval(*x)).collect()
    }

    /// The released code's rule (`get_random_IC`): with the minimum r of 128 samples on [0, 2π] below 0.05, add
    /// |r| + 0.1.
    fn positivity_shift(&self) -> f64 {
        let least = (0..128).map(|i| self.eval(TAU * f64::from(i) / 127.0)).fold(f64::INFINITY, f64::min);
        if least < 0.05 { least.abs() + 0.1 } else { 0.0 }
    }
}

/// The first `n` states of `seed` on the points `x`, amplitudes as in the paper: `[n][x.len()]`.
pub fn initial_states(seed: u64, n: usize, x: &[f64]) -> Vec<Vec<f64>> {
    (0..n as u64).map(|i| SineSum::random(seed, i, Amplitudes::Paper).sample(x)).collect()
}

/// u(x, y) = Σ_j a_j sin(2π l_j x + φ_j) sin(2π m_j y + ψ_j) on the unit square (eq. 28).
///
/// ```
/// use gaptooth::closure::SineProducts;
/// let state = SineProducts::random(7, 0, 10, 5);
/// assert_eq!(state.terms.len(), 10);
/// assert!((state.eval([0.1, 0.2]) - state.eval([1.1, 0.2])).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SineProducts {
    /// (a_j, l_j, φ_j, m_j, ψ_j)
    pub terms: Vec<[f64; 5]>,
}

impl SineProducts {
    /// The `index`-th state of `seed`: a_j ∈ U[−1, 1], whole l_j, m_j ∈ 1 … `highest`, φ_j, ψ_j ∈ U[0, 2π].
    ///
    /// Each index has a random stream of its own: a state does not depend on how many are drawn.
    pub fn random(seed: u64, index: u64, terms: usize, highest: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index);
        let mut term = |_| {
            let mut wave = || {
                let number = 1 + (rng.random::<f64>() * highest as f64) as usize;
                [number.min(highest.max(1)) as f64, TAU * rng.random::<f64>()]
            };
            let [[l, phi], [m, psi]] = [wave(), wave()];
            [2.0 * rng.random::<f64>() - 1.0, l, phi, m, psi]
        };
        SineProducts { terms: (0..terms).map(&mut term).collect() }
    }

    /// The value at (x, y), both in parts of the square's side.
    pub fn eval(&self, [x, y]: [f64; 2]) -> f64 {
        let term = |[a, l, phi, m, psi]: &[f64; 5]| a * (TAU * l * x + phi).sin() * (TAU * m * y + psi).sin();
        self.terms.iter().map(term).sum()
    }
}

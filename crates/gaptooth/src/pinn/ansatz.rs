//! What is built around a network so that a solution is easy for it, or exact at the boundary.

use std::f64::consts::TAU;
use std::sync::Arc;

use crate::nn::Taylor;

/// A known function of the coordinates with its derivatives.
pub type Map = Arc<dyn Fn(&[Taylor]) -> Taylor + Send + Sync>;

/// Several of them.
type Maps = Arc<dyn Fn(&[Taylor]) -> Vec<Taylor> + Send + Sync>;

/// Functions of the coordinates as inputs of a network.
#[derive(Clone)]
pub struct Embedding {
    inputs: usize,
    map: Maps,
}

impl Embedding {
    /// Any `inputs` functions of the coordinates.
    pub fn new(inputs: usize, map: impl Fn(&[Taylor]) -> Vec<Taylor> + Send + Sync + 'static) -> Self {
        Embedding { inputs, map: Arc::new(map) }
    }

    /// The coordinates as they are.
    pub fn coordinates(variables: usize) -> Self {
        Embedding::new(variables, |x| x.to_vec())
    }

    /// The coordinates of a box, each mapped onto [−1, 1].
    pub fn scaled(domain: &[[f64; 2]]) -> Self {
        let domain = domain.to_vec();
        Embedding::new(domain.len(), move |x| {
            let one = |(x, [a, b]): (&Taylor, &[f64; 2])| (*x - 0.5 * (a + b)) * (2.0 / (b - a));
            x.iter().zip(&domain).map(one).collect()
        })
    }

    /// sin and cos of 2πk x_i/P_i for k = 1 … `harmonics`: every function of them is exactly periodic.
    ///
    /// ```
    /// use gaptooth::{nn::Taylor, pinn::Embedding};
    /// let embedding = Embedding::periodic(&[1.0], 1);
    /// let at = |x: f64| embedding.apply(&[Taylor::variable(0, x)]);
    /// assert!((at(0.25)[0].value - 1.0).abs() < 1e-15);
    /// assert!((at(0.0)[0].gradient[0] - std::f64::consts::TAU).abs() < 1e-14);
    /// ```
    pub fn periodic(periods: &[f64], harmonics: usize) -> Self {
        let periods = periods.to_vec();
        Embedding::new(2 * harmonics * periods.len(), move |x| waves(x, &periods, harmonics))
    }

    /// The coordinates of a box mapped onto [−1, 1], and sin and cos of 2πk·x/ε for every k ≠ 0 with |k_i| ≤ `harmonics`, one of each ±k:
    /// slow and fast scales side by side.
    ///
    /// The waves come times ε/|k| in units of half the shortest side. So all inputs are equally steep, and a network that is smooth in
    /// them starts as u = A(x) + ε B(x, x/ε) + O(ε²), the form of a homogenized solution with its corrector.
    ///
    /// ```
    /// use gaptooth::{nn::Taylor, pinn::Embedding};
    /// let embedding = Embedding::two_scale(&[[-1.0, 1.0]], 0.01, 1);
    /// let at = embedding.apply(&[Taylor::variable(0, 0.0)]);
    /// assert_eq!((at[0].gradient[0], at[2].value), (1.0, 0.01)); // x, then sin and cos
    /// assert!((at[1].gradient[0] - std::f64::consts::TAU).abs() < 1e-12);
    /// ```
    pub fn two_scale(domain: &[[f64; 2]], epsilon: f64, harmonics: usize) -> Self {
        let (waves, unit) = (wave_vectors(domain.len(), harmonics), half(domain));
        let size = |k: &Vec<f64>| k.iter().map(|k| k * k).sum::<f64>().sqrt();
        let sizes: Vec<f64> = waves.iter().map(|k| epsilon / unit / size(k)).collect();
        let steep: Vec<Vec<f64>> = waves.iter().map(|k| k.iter().map(|k| k * TAU / epsilon).collect()).collect();
        let (slow, fast) = (Embedding::scaled(domain), Embedding::fourier(&steep));
        Embedding::new(slow.inputs + fast.inputs, move |x| {
            let waves = fast.apply(x).into_iter().enumerate().map(|(i, wave)| wave * sizes[i / 2]);
            slow.apply(x).into_iter().chain(waves).collect()
        })
    }

    /// Layers of width ε/2π at the sides of a rectangle: e^{−2πs/ε} times 1, sin and cos of 2πt/ε with s the distance from a side and t the
    /// other coordinate, scaled as in [`Embedding::two_scale`]. Where u vanishes at a side and ε χ·∇u₀ does not, the
    /// difference decays so.
    pub fn boundary_layers(domain: [[f64; 2]; 2], epsilon: f64) -> Self {
        let (rate, size) = (TAU / epsilon, epsilon / half(&domain));
        Embedding::new(12, move |x| {
            let side = |k: usize| {
                let ([a, b], along, phase) = (domain[k / 2], x[k / 2], x[1 - k / 2] * rate);
                let distance = if k.is_multiple_of(2) { along - a } else { b - along };
                let layer = (distance * -rate).exp() * size;
                [layer, layer * phase.sin(), layer * phase.cos()]
            };
            (0..4).flat_map(side).collect()
        })
    }

    /// The inputs of both.
    #[must_use]
    pub fn and(self, other: Embedding) -> Self {
        Embedding::new(self.inputs + other.inputs, move |x| [self.apply(x), other.apply(x)].concat())
    }

    /// sin and cos of b·x for each wave vector b (Tancik et al. 2020).
    ///
    /// ```
    /// use gaptooth::{nn::Taylor, pinn::Embedding};
    /// let inputs = Embedding::fourier(&[vec![2.0, 0.0]]).apply(&Taylor::variables(&[0.3, 9.0]));
    /// assert_eq!((inputs[0].value, inputs[0].gradient[0]), (0.6f64.sin(), 2.0 * 0.6f64.cos()));
    /// ```
    pub fn fourier(waves: &[Vec<f64>]) -> Self {
        let waves = waves.to_vec();
        Embedding::new(2 * waves.len(), move |x| {
            let phase = |b: &Vec<f64>| x.iter().zip(b).fold(Taylor::constant(0.0), |s, (x, b)| s + *x * *b);
            waves.iter().flat_map(|b| [phase(b).sin(), phase(b).cos()]).collect()
        })
    }

    /// Number of inputs of the network.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The inputs at a point.
    ///
    /// # Panics
    /// If the map gives another number of them.
    pub fn apply(&self, x: &[Taylor]) -> Vec<Taylor> {
        let out = (self.map)(x);
        assert_eq!(out.len(), self.inputs, "inputs of an embedding");
        out
    }
}

/// Half the shortest side.
fn half(domain: &[[f64; 2]]) -> f64 {
    0.5 * domain.iter().map(|[a, b]| b - a).fold(f64::INFINITY, f64::min)
}

/// Every k ≠ 0 with |k_i| ≤ `harmonics`, the first entry that is not 0 positive.
fn wave_vectors(dimension: usize, harmonics: usize) -> Vec<Vec<f64>> {
    let range = || (0..=2 * harmonics).map(|k| k as f64 - harmonics as f64);
    let more = |all: Vec<Vec<f64>>, _| {
        all.iter().flat_map(|k: &Vec<f64>| range().map(|next| [&k[..], &[next]].concat()).collect::<Vec<_>>()).collect()
    };
    let all: Vec<Vec<f64>> = (0..dimension).fold(vec![vec![]], more);
    all.into_iter().filter(|k| k.iter().find(|k| **k != 0.0).is_some_and(|first| *first > 0.0)).collect()
}

fn waves(x: &[Taylor], periods: &[f64], harmonics: usize) -> Vec<Taylor> {
    let pairs = x.iter().zip(periods).flat_map(|(x, p)| (1..=harmonics).map(move |k| *x * (TAU * k as f64 / p)));
    pairs.flat_map(|phase| [phase.sin(), phase.cos()]).collect()
}

/// u_f(x) = g_f(x) + B_f(x) N_f(φ(x)) + Σ_k c_k S_k(x) for each field f: a lift g, a factor B that vanishes where u is
/// known, an embedding φ, and extra functions S_k of one field each whose c_k are trained with the network.
#[derive(Clone)]
pub struct Ansatz {
    /// number of coordinates
    pub variables: usize,
    /// φ
    pub embedding: Embedding,
    /// B of each field; none is 1
    pub factors: Vec<Option<Map>>,
    /// g of each field; none is 0
    pub lifts: Vec<Option<Map>>,
    /// S_k with the field it belongs to
    pub basis: Vec<(usize, Map)>,
}

impl Ansatz {
    /// `fields` fields that are the network's outputs themselves.
    pub fn plain(variables: usize, embedding: Embedding, fields: usize) -> Self {
        Ansatz { variables, embedding, factors: vec![None; fields], lifts: vec![None; fields], basis: vec![] }
    }

    /// Multiplies field 0 by a function that vanishes at the boundary.
    #[must_use]
    pub fn with_factor(mut self, factor: impl Fn(&[Taylor]) -> Taylor + Send + Sync + 'static) -> Self {
        self.factors[0] = Some(Arc::new(factor));
        self
    }

    /// Adds a known function to field 0.
    #[must_use]
    pub fn with_lift(mut self, lift: impl Fn(&[Taylor]) -> Taylor + Send + Sync + 'static) -> Self {
        self.lifts[0] = Some(Arc::new(lift));
        self
    }

    /// Adds a function with a coefficient to be found to field 0.
    #[must_use]
    pub fn with_basis(mut self, function: impl Fn(&[Taylor]) -> Taylor + Send + Sync + 'static) -> Self {
        self.basis.push((0, Arc::new(function)));
        self
    }

    /// Number of fields.
    pub fn fields(&self) -> usize {
        self.factors.len()
    }
}

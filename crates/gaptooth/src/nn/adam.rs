//! Adam (Kingma & Ba 2015), in Keras' form.

use serde::{Deserialize, Serialize};

/// The constants of Adam. The default is the paper's: learning rate 1e-3 and Keras' other values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdamSettings {
    /// step size α
    pub learning_rate: f64,
    /// decay β₁ of the mean of the gradient
    pub beta1: f64,
    /// decay β₂ of the mean of its square
    pub beta2: f64,
    /// added to √v
    pub epsilon: f64,
}

impl Default for AdamSettings {
    fn default() -> Self {
        AdamSettings { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }
    }
}

/// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², p ← p − α √(1−β₂ᵗ)/(1−β₁ᵗ) · m/(√v + ε).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    /// the constants
    pub settings: AdamSettings,
    /// first moments, `[parameters]`
    pub m: Vec<f64>,
    /// second moments, `[parameters]`
    pub v: Vec<f64>,
    /// steps taken
    pub step: u64,
}

impl Adam {
    /// At rest, for `n` parameters.
    pub fn new(settings: AdamSettings, n: usize) -> Self {
        Adam { settings, m: vec![0.0; n], v: vec![0.0; n], step: 0 }
    }

    /// One step along `gradient`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn step(&mut self, parameters: &mut [f64], gradient: &[f64]) {
        let n = self.m.len();
        assert!(parameters.len() == n && gradient.len() == n, "parameters and optimiser differ");
        self.step += 1;
        let AdamSettings { learning_rate, beta1, beta2, epsilon } = self.settings;
        let t = self.step as f64;
        let rate = learning_rate * (1.0 - beta2.powf(t)).sqrt() / (1.0 - beta1.powf(t));
        for (((p, g), m), v) in parameters.iter_mut().zip(gradient).zip(&mut self.m).zip(&mut self.v) {
            *m += (1.0 - beta1) * (g - *m);
            *v += (1.0 - beta2) * (g * g - *v);
            *p -= rate * *m / (v.sqrt() + epsilon);
        }
    }
}

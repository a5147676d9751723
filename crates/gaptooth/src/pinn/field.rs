//! A trained network as a function of the coordinates.

use rayon::prelude::*;

use super::{Ansatz, collocation::embedded};
use crate::nn::{JET_ROWS, JetSpec, JetWorkspace, Mlp, Taylor};

/// The fields of an [`Ansatz`] with a network and coefficients.
#[derive(Clone)]
pub struct NeuralField {
    /// what is around the network
    pub ansatz: Ansatz,
    /// the network
    pub net: Mlp,
    /// coefficients of the extra functions
    pub coefficients: Vec<f64>,
}

impl NeuralField {
    /// From the parameters of a training: the network's, then the coefficients.
    ///
    /// # Panics
    /// If there are fewer than the network and the ansatz need.
    pub fn new(ansatz: &Ansatz, shape: &Mlp, p: &[f64]) -> Self {
        let mut net = shape.clone();
        let n = net.parameters().len();
        net.parameters_mut().copy_from_slice(&p[..n]);
        NeuralField { ansatz: ansatz.clone(), net, coefficients: p[n..n + ansatz.basis.len()].to_vec() }
    }

    /// The jets of all fields at points, `[points][fields][channels]`.
    pub fn jets(&self, points: &[Vec<f64>], spec: &JetSpec) -> Vec<Vec<f64>> {
        let one = |chunk: &[Vec<f64>]| self.block(chunk, spec);
        points.par_chunks(JET_ROWS).map(one).collect::<Vec<_>>().concat()
    }

    fn block(&self, points: &[Vec<f64>], spec: &JetSpec) -> Vec<Vec<f64>> {
        let (channels, n) = (spec.channels(), points.len());
        let mut work = JetWorkspace::new(&self.net, spec);
        let input = embedded(&self.ansatz, spec, points);
        let jets = self.net.jets(&input, n, &mut work);
        let at = |(r, x): (usize, &Vec<f64>)| {
            let x = Taylor::variables(x);
            let mut u = vec![];
            for f in 0..self.ansatz.fields() {
                let own: Vec<f64> = (0..channels).map(|c| jets[(f * channels + c) * n + r]).collect();
                let mut field = own.clone();
                if let Some(b) = &self.ansatz.factors[f] {
                    spec.product_into(&spec.of(&b(&x)), &own, &mut field);
                }
                if let Some(g) = &self.ansatz.lifts[f] {
                    field.iter_mut().zip(spec.of(&g(&x))).for_each(|(u, g)| *u += g);
                }
                for ((_, s), k) in self.ansatz.basis.iter().zip(&self.coefficients).filter(|((of, _), _)| *of == f) {
                    field.iter_mut().zip(spec.of(&s(&x))).for_each(|(u, s)| *u += k * s);
                }
                u.extend(field);
            }
            u
        };
        points.iter().enumerate().map(at).collect()
    }

    /// Field 0 at points.
    pub fn values(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let spec = JetSpec::new(self.ansatz.variables, &[]);
        self.jets(points, &spec).iter().map(|u| u[0]).collect()
    }

    /// Field 0 with its gradient at points, `[points][1 + variables]`.
    pub fn gradients(&self, points: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let spec = JetSpec::gradient(self.ansatz.variables);
        let mut jets = self.jets(points, &spec);
        jets.iter_mut().for_each(|u| u.truncate(spec.channels()));
        jets
    }
}

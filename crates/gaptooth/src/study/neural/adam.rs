//! One training of a plain network by Adam with soft conditions, as the paper has it.

use super::config::AdamRecipe;
use super::scores::{Trained, trained};
use crate::{
    Result,
    nn::{Activation, Adam, AdamSettings, Mlp},
    pinn::{Ansatz, Collocation, Condition, Embedding, NeuralField, Plan, Residual, Training, grid, solve},
    study::Context,
};

/// What is trained: an equation at points with conditions, each with its name and weight.
pub(super) struct AdamTask<'a> {
    pub(super) name: String,
    pub(super) recipe: &'a AdamRecipe,
    pub(super) equation: &'a dyn Residual,
    pub(super) points: Vec<Vec<f64>>,
    pub(super) conditions: Vec<(&'static str, Vec<Condition>, f64)>,
    /// the network to start from, rather than one of the seed
    pub(super) start: Option<Mlp>,
    /// how often its error is looked at
    pub(super) looks: usize,
}

impl AdamTask<'_> {
    pub(super) fn train(
        &self,
        seed: u64,
        errors: &dyn Fn(&NeuralField) -> Vec<f64>,
        context: &Context<'_>,
    ) -> Result<(NeuralField, Trained)> {
        let jets = self.equation.jets();
        let d = jets.variables();
        let ansatz = Ansatz::plain(d, Embedding::coordinates(d), 1);
        let net = match &self.start {
            Some(net) => net.clone(),
            None => Mlp::new(&[&[d], &self.recipe.hidden[..], &[1]].concat(), Activation::Tanh, seed)?,
        };
        let mut sum = Collocation::new(&ansatz, &net, &jets)?;
        sum = sum.equation(self.equation, &self.points, self.recipe.weight)?;
        for (name, conditions, weight) in &self.conditions {
            sum = sum.conditions(name, conditions, *weight)?;
        }
        let plan = Plan {
            iterations: self.recipe.epochs,
            look: (self.recipe.epochs / self.looks).max(1),
            patience: 0,
            gain: 0.0,
            ..Plan::default()
        };
        trained(context, &self.name, seed, errors, |resume, look, observer| {
            let mut p = net.parameters().to_vec();
            let mut on_look = |t: &Training| look(&NeuralField::new(&ansatz, &net, &t.parameters), t);
            // PyTorch's constants
            let settings =
                AdamSettings { learning_rate: self.recipe.learning_rate, epsilon: 1e-8, ..AdamSettings::default() };
            let mut adam = Adam::new(settings, p.len());
            let training = solve(&sum, None, &mut adam, &plan, &mut p, resume, &mut on_look, observer)?;
            Ok((NeuralField::new(&ansatz, &net, &p), training))
        })
    }
}

/// Equal values on opposite faces of the cell [0, `period`]^d, equal normal derivatives if these have a weight, and on `layers` layers of grid points beyond each face and their images inside
/// (section 4.1), for jets of value, gradient and one operator.
pub(super) fn periods(
    d: usize,
    period: f64,
    recipe: &AdamRecipe,
    layers: usize,
) -> Vec<(&'static str, Vec<Condition>, f64)> {
    let channels = d + 2;
    let n = recipe.points.clone();
    let spacing = |i: usize| period / (n[i] - 1) as f64;
    let (mut faces, mut normals, mut beyond) = (vec![], vec![], vec![]);
    for i in 0..d {
        // the points of the face x_i = 0
        let counts: Vec<usize> = (0..d).map(|k| if k == i { 1 } else { n[k] }).collect();
        for face in grid(&vec![[0.0, period]; d], &counts, true) {
            let place = |s: f64| {
                let mut x = face.clone();
                x[i] = s;
                x
            };
            faces.push(Condition::equal(&place(0.0), &place(period), 0, channels));
            normals.push(Condition::equal(&place(0.0), &place(period), 1 + i, channels));
            for layer in 1..=layers {
                let s = layer as f64 * spacing(i);
                beyond.push(Condition::equal(&place(-s), &place(period - s), 0, channels));
                beyond.push(Condition::equal(&place(period + s), &place(s), 0, channels));
            }
        }
    }
    let mut all = vec![("period", faces, recipe.boundary_weight)];
    if let Some(weight) = recipe.derivative_weight {
        all.push(("derivatives", normals, weight));
    }
    if layers > 0 {
        all.push(("oversampling", beyond, recipe.oversampling_weight));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periodic_functions_meet_all_conditions_and_others_the_first_only() {
        let recipe = AdamRecipe {
            hidden: vec![4],
            points: vec![9, 9],
            epochs: 1,
            learning_rate: 1e-3,
            weight: 1.0,
            boundary_weight: 1.0,
            initial_weight: 1.0,
            oversampling: 2,
            oversampling_weight: 1.0,
            derivative_weight: Some(1.0),
        };
        let all = periods(2, 2.0, &recipe, recipe.oversampling);
        assert_eq!(
            all.iter().map(|(name, c, _)| (*name, c.len())).collect::<Vec<_>>(),
            [("period", 18), ("derivatives", 18), ("oversampling", 72)]
        );
        // value, ∂₁, ∂₂, an operator
        let wave = |x: &[f64]| {
            let (s, c) = (std::f64::consts::PI * (x[0] - x[1])).sin_cos();
            [s, std::f64::consts::PI * c, -std::f64::consts::PI * c, 0.0]
        };
        // the same values on opposite faces, other slopes
        let bump = |x: &[f64]| {
            let [a, b] = [x[0] * (2.0 - x[0]), x[1] * (2.0 - x[1])];
            [a * b, (2.0 - 2.0 * x[0]) * b, a * (2.0 - 2.0 * x[1]), 0.0]
        };
        let worst = |conditions: &[Condition], u: &dyn Fn(&[f64]) -> [f64; 4]| {
            let one = |c: &Condition| {
                let terms = c.points.iter().zip(&c.weights);
                let sum: f64 = terms.map(|(x, w)| w.iter().zip(u(x)).map(|(w, u)| w * u).sum::<f64>()).sum();
                (sum - c.target).abs()
            };
            conditions.iter().map(one).fold(0.0, f64::max)
        };
        for (name, conditions, _) in &all {
            assert!(worst(conditions, &wave) < 1e-12, "{name}");
            assert_eq!(worst(conditions, &bump) < 1e-12, *name == "period", "{name}");
        }
    }
}

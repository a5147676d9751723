//! A slowly varying coefficient by the paper's recipe: one network for the corrector at each x.

use super::adam::{AdamTask, periods};
use super::config::AdamRecipe;
use super::elliptic::{EllipticProblem, relative};
use super::paper::PaperRepeat;
use super::scores::{Curve, Trained};
use crate::{
    Result,
    pinn::{Elliptic, NeuralField, grid, shifted_grid},
    study::Context,
};

/// Networks, at equally spaced x.
const NETWORKS: usize = 101;

/// a*(x) and its slope at equally spaced x.
pub(super) struct Nodes {
    domain: [f64; 2],
    values: Vec<[f64; 2]>,
}

impl Nodes {
    /// The cubic of values and slopes at both neighbours.
    pub(super) fn at(&self, x: f64) -> [f64; 2] {
        let [a, b] = self.domain;
        let h = (b - a) / (self.values.len() - 1) as f64;
        let k = (((x - a) / h) as usize).min(self.values.len() - 2);
        let s = (x - a) / h - k as f64;
        let ([p, dp], [q, dq]) = (self.values[k], self.values[k + 1]);
        let (dp, dq, rise) = (h * dp, h * dq, q - p);
        let (second, third) = (3.0 * rise - 2.0 * dp - dq, dp + dq - 2.0 * rise);
        let value = p + s * (dp + s * (second + s * third));
        [value, (dp + s * (2.0 * second + s * 3.0 * third)) / h]
    }
}

/// a*(x) = ⟨a(1 + χ′)⟩ and, since the energy is stationary at the corrector, da*/dx = ⟨∂_x a (1 + χ′)²⟩.
pub(super) fn slow_cells(
    problem: &EllipticProblem,
    recipe: &AdamRecipe,
    seed: u64,
    context: &Context<'_>,
    out: &mut PaperRepeat,
) -> Result<Nodes> {
    let domain = problem.domain[0];
    let fine = shifted_grid(&[[0.0, 1.0]], &[256], 0.5);
    let law = |field: &NeuralField, x: f64| {
        let mut mean = [0.0; 2];
        for (y, jet) in fine.iter().zip(field.gradients(&fine)) {
            let (a, strain) = (problem.slow(x, y[0]), 1.0 + jet[1]);
            mean[0] += a.value * strain / fine.len() as f64;
            mean[1] += a.gradient[1] * strain * strain / fine.len() as f64;
        }
        mean
    };
    let (mut values, mut all) = (vec![], vec![]);
    for (k, x) in grid(&[domain], &[NETWORKS], true).into_iter().enumerate() {
        let x = x[0];
        let map = |y: &[f64]| {
            let mut a = problem.slow(x, y[0]);
            a.gradient[1..].fill(0.0);
            vec![a]
        };
        let equation = Elliptic::cell(1, &map, true, 0);
        let task = AdamTask {
            name: format!("paper-chi-{k}"),
            recipe,
            equation: &equation,
            points: grid(&[[0.0, 1.0]], &recipe.points, true),
            conditions: periods(1, 1.0, recipe, recipe.oversampling),
            start: None,
            looks: 20,
        };
        let exact = problem.effective(x)[0];
        let error = |field: &NeuralField| vec![(law(field, x)[0] / exact - 1.0).abs()];
        let (field, trained) = task.train(seed.wrapping_add(k as u64), &error, context)?;
        values.push(law(&field, x));
        all.push(trained);
    }
    let exact: Vec<[f64; 2]> = grid(&[domain], &[NETWORKS], true).iter().map(|x| problem.effective(x[0])).collect();
    let column = |v: &[[f64; 2]], c: usize| v.iter().map(|a| a[c]).collect::<Vec<_>>();
    out.scores.add("paper_ea", relative(&column(&values, 0), &column(&exact, 0)));
    out.scores.add("paper_ea_slope", relative(&column(&values, 1), &column(&exact, 1)));
    out.trained.extend(together(seed, all, &column(&exact, 0)));
    Ok(Nodes { domain, values })
}

/// All networks as one training, with the error of a*(x) over their looks.
fn together(seed: u64, all: Vec<Trained>, exact: &[f64]) -> Option<Trained> {
    let looks = all.iter().map(|t| t.curve.seconds.len()).min()?;
    let at = |k: usize| {
        let off: f64 = all.iter().zip(exact).map(|(t, a)| (t.curve.errors[0][k] * a).powi(2)).sum();
        (off / exact.iter().map(|a| a * a).sum::<f64>()).sqrt()
    };
    let curve = Curve {
        iterations: all[0].curve.iterations[..looks].to_vec(),
        seconds: (0..looks).map(|k| all.iter().map(|t| t.curve.seconds[k]).sum()).collect(),
        errors: vec![(0..looks).map(at).collect()],
    };
    let mut training = all.last()?.training.clone();
    training.work.gradients = all.iter().map(|t| t.training.work.gradients).sum();
    training.work.residuals = all.iter().map(|t| t.training.work.residuals).sum();
    Some(Trained { name: format!("paper-chi, {NETWORKS} networks"), seed, training, curve })
}

#[cfg(test)]
mod tests {
    use super::Nodes;

    #[test]
    fn between_nodes_a_cubic_is_exact() {
        let f = |x: f64| [1.0 + x * (2.0 - x * x), 2.0 - 3.0 * x * x];
        let nodes = Nodes { domain: [-1.0, 2.0], values: (0..4).map(|k| f(f64::from(k) - 1.0)).collect() };
        for k in 0..=30 {
            let x = -1.0 + 0.1 * f64::from(k);
            let (found, exact) = (nodes.at(x), f(x));
            assert!((0..2).all(|c| (found[c] - exact[c]).abs() < 1e-12), "{x}: {found:?} {exact:?}");
        }
    }
}

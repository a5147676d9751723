//! The reaction problem by the paper's recipe.

use super::adam::{AdamTask, periods};
use super::config::{AdamRecipe, NeuralStudyConfig, PaperConfig};
use super::elliptic::relative;
use super::elliptic_nets::centred;
use super::paper::PaperRepeat;
use super::reaction::{Reaction, Truth, at_end};
use super::scores::Scores;
use crate::{
    Result,
    nn::{Mlp, Taylor},
    pinn::{Condition, Elliptic, Heat, NeuralField, Residual, grid},
    study::Context,
};

/// N with soft periods, with and without oversampling; the homogenized equation in space and time with soft boundary and initial values; the
/// multiscale equation itself by the same network, from scratch and from the homogenized network.
pub(super) fn repeat(
    config: &NeuralStudyConfig,
    paper: &PaperConfig,
    problem: &Reaction,
    truth: &Truth,
    seed: u64,
    context: &Context<'_>,
) -> Result<PaperRepeat> {
    let mut out = PaperRepeat { scores: Scores::default(), trained: vec![], solutions: vec![] };
    let effective = match &paper.cell {
        Some(recipe) => corrector(problem, truth, recipe, seed, context, &mut out)?,
        None => truth.effective,
    };
    let (w, _) = problem.homogenized(effective, config, &truth.points)?;
    let u = &truth.multiscale;
    let few: Vec<usize> = (0..truth.points.len()).step_by(10).collect();
    let ends = at_end(problem, &few.iter().map(|k| truth.points[*k].clone()).collect::<Vec<_>>());
    let source = |x: f64| problem.source.eval(&[x]);
    let run = |name: &str,
               recipe: &AdamRecipe,
               reaction: &(dyn Fn(f64) -> f64 + Sync),
               start: Option<Mlp>,
               against: &[&[f64]]| {
        let equation = Heat { diffusivity: problem.diffusivity, reaction, source: &source };
        let points = grid(&[problem.domain, [0.0, problem.time]], &recipe.points, true);
        let channels = equation.jets().channels();
        let at = |keep: &dyn Fn(&[f64]) -> Option<f64>| -> Vec<Condition> {
            points.iter().filter_map(|x| keep(x).map(|u| Condition::value(x, u, channels))).collect()
        };
        let ends_of_line = at(&|x| problem.domain.contains(&x[0]).then_some(0.0));
        let start_of_time = at(&|x| (x[1] == 0.0).then(|| problem.initial.eval(&[x[0]])));
        let task = AdamTask {
            name: format!("{name}{}", problem.suffix),
            recipe,
            equation: &equation,
            conditions: vec![
                ("boundary", ends_of_line, recipe.boundary_weight),
                ("initial", start_of_time, recipe.initial_weight),
            ],
            points: points.clone(),
            start,
            looks: 100,
        };
        let against: Vec<Vec<f64>> = against.iter().map(|v| few.iter().map(|k| v[*k]).collect()).collect();
        let errors = |field: &NeuralField| {
            let p = field.values(&ends);
            against.iter().map(|v| relative(&p, v)).collect()
        };
        let (field, trained) = task.train(seed.wrapping_add(100), &errors, context)?;
        Ok::<_, crate::Error>((field.values(&at_end(problem, &truth.points)), field.net, trained))
    };
    let mut add = |name: &str, value: f64| out.scores.add(&format!("{name}{}", problem.suffix), value);
    let micro = |x: f64| problem.reaction.eval(&[x / problem.epsilon]) / problem.epsilon;
    let (p, net, first) = run("paper-homogenized", &paper.homogenized, &|_| effective, None, &[&w, u])?;
    add("paper_e1", relative(&p, u));
    add("paper_e2", relative(&w, u));
    add("paper_e3", relative(&p, &w));
    let (classical, plain, second) = run("classical", &paper.classical, &micro, None, &[u])?;
    add("classical_error", relative(&classical, u));
    out.trained.extend([first, second]);
    out.solutions.extend([("NH-PINN", p), ("classical", classical)]);
    if net.widths() == plain.widths() {
        let (transfer, _, third) = run("transfer", &paper.classical, &micro, Some(net), &[u])?;
        out.scores.add(&format!("transfer_error{}", problem.suffix), relative(&transfer, u));
        out.trained.push(third);
        out.solutions.push(("transfer", transfer));
    }
    Ok(out)
}

/// N with oversampling and without; r* = ⟨rN⟩ of the former, as printed.
fn corrector(
    problem: &Reaction,
    truth: &Truth,
    recipe: &AdamRecipe,
    seed: u64,
    context: &Context<'_>,
    out: &mut PaperRepeat,
) -> Result<f64> {
    let tensor = |_: &[f64]| vec![Taylor::constant(problem.diffusivity)];
    let source = |y: &[f64]| -problem.reaction.eval(y);
    let equation = Elliptic::boundary_value(1, &tensor, true, &source);
    let columns: Vec<Vec<f64>> = problem.cell_points().into_iter().map(|y| vec![y]).collect();
    let errors = |field: &NeuralField| vec![relative(&centred(field.values(&columns)), &truth.corrector)];
    let mut one = |layers: usize, kind: &str| {
        let task = AdamTask {
            name: format!("paper-N{kind}{}", problem.suffix),
            recipe,
            equation: &equation,
            points: grid(&[[0.0, problem.period]], &recipe.points, true),
            conditions: periods(1, problem.period, recipe, layers),
            start: None,
            looks: 100,
        };
        let (field, trained) = task.train(seed, &errors, context)?;
        let n = centred(field.values(&columns));
        let name = format!("paper_n{}_rel_error{}", kind.replace('-', "_"), problem.suffix);
        out.scores.add(&name, relative(&n, &truth.corrector));
        out.trained.push(trained);
        Ok::<_, crate::Error>(n)
    };
    let n = one(recipe.oversampling, "")?;
    if recipe.oversampling > 0 {
        one(0, "-plain")?;
    }
    let effective = n.iter().zip(problem.cell_values()).map(|(n, r)| n * r).sum::<f64>() / n.len() as f64;
    out.scores.add(&format!("paper_r_star_error{}", problem.suffix), (effective - truth.effective).abs());
    Ok(effective)
}

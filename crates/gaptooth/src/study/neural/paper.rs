//! The paper's own recipe, and why the classical network fails.

use faer::{Mat, Side, linalg::solvers::Solve};
use rayon::prelude::*;

use super::adam::{AdamTask, periods};
use super::config::{AdamRecipe, NeuralStudyConfig, PaperConfig};
use super::elliptic::{EllipticProblem, Law, Material, relative};
use super::elliptic_nets::{Truth, centred};
use super::paper_slow::slow_cells;
use super::scores::{Scores, Trained};
use crate::{
    Error, Result,
    nn::{Mlp, Taylor},
    pinn::{Condition, Elliptic, NeuralField, TensorMap, grid, shifted_grid, tensor_at},
    study::Context,
};

/// What one seed gave by the paper's recipe.
pub(super) struct PaperRepeat {
    pub(super) scores: Scores,
    pub(super) trained: Vec<Trained>,
    /// fields at the points of comparison, by the name of their network
    pub(super) solutions: Vec<(&'static str, Vec<f64>)>,
}

/// What became of the paper's claims, a sentence each.
pub(super) fn claims(scores: &Scores, suffix: &str) -> Vec<String> {
    let median = |name: &str| scores.get(&format!("{name}{suffix}")).map(super::scores::Score::median);
    let verdict = |holds: bool| if holds { "holds here" } else { "does not hold here" };
    let mut all = vec![];
    for what in ["chi1", "chi2", "n"] {
        let with = median(&format!("paper_{what}_rel_error"));
        if let (Some(with), Some(plain)) = (with, median(&format!("paper_{what}_plain_rel_error"))) {
            all.push(format!(
                "claim of the paper, oversampling makes the error of {what} at least 3 times smaller: {} ({plain:.3e} without, {with:.3e} \
                 with, a factor of {:.1})",
                verdict(plain >= 3.0 * with),
                plain / with
            ));
        }
    }
    if let Some(error) = median("classical_error") {
        let holds = verdict(error >= 0.75);
        all.push(format!(
            "claim of the paper, the classical network fails with an error of 0.75 or more: {holds} ({error:.4})"
        ));
    }
    if let (Some(before), Some(after)) = (median("paper_e1"), median("transfer_error")) {
        let holds = verdict(after > before);
        all.push(format!(
            "claim of the paper, training the homogenized network on the multiscale equation makes it worse: {holds} ({before:.4} before, \
             {after:.4} after)"
        ));
    }
    all
}

/// Cell problems with soft periods, with and without oversampling; the homogenized equation with soft boundary values; the multiscale equation
/// itself by the same network, from scratch and from the homogenized network.
pub(super) fn repeat(
    config: &NeuralStudyConfig,
    paper: &PaperConfig,
    problem: &EllipticProblem,
    truth: &Truth,
    seed: u64,
    context: &Context<'_>,
) -> Result<PaperRepeat> {
    let mut out = PaperRepeat { scores: Scores::default(), trained: vec![], solutions: vec![] };
    let (mut tensor, mut nodes) = (None, None);
    match (&problem.material, &paper.cell) {
        (Material::Cell(_), Some(recipe)) => tensor = cells(problem, truth, recipe, seed, context, &mut out)?,
        (Material::Slow(..), Some(recipe)) => nodes = Some(slow_cells(problem, recipe, seed, context, &mut out)?),
        _ => (),
    }
    let effective = |x: f64| nodes.as_ref().map_or_else(|| problem.effective(x), |nodes| nodes.at(x));
    let law = match (&tensor, &truth.cell) {
        (Some(tensor), _) => Law::Constant(tensor.clone()),
        (None, Some(cell)) => Law::Constant(cell.effective.tensor.clone()),
        (None, None) => Law::Slow(&effective),
    };
    let w = problem.homogenized(&law, &config.reference, &truth.points)?;
    let d = problem.dimension();
    let macroscopic = |x: &[f64]| match &law {
        Law::Constant(a) if d == 1 => vec![Taylor::constant(a[0][0])],
        Law::Constant(a) => [a[0][0], a[0][1], a[1][1]].map(Taylor::constant).to_vec(),
        Law::Slow(a) => {
            let [value, slope] = a(x[0]);
            let mut t = Taylor::constant(value);
            t.gradient[0] = slope;
            vec![t]
        }
    };
    let micro = |x: &[f64]| vec![problem.micro(x)];
    let source = |x: &[f64]| problem.source(x);
    let run =
        |name: &str, recipe: &AdamRecipe, a: TensorMap<'_>, scalar: bool, start: Option<Mlp>, against: &[&[f64]]| {
            let equation = Elliptic::boundary_value(d, a, scalar, &source);
            let task = AdamTask {
                name: name.into(),
                recipe,
                equation: &equation,
                points: grid(&problem.domain, &recipe.points, true),
                conditions: vec![("boundary", boundary(problem, recipe, channels(d, scalar)), recipe.boundary_weight)],
                start,
                looks: 100,
            };
            let few: Vec<usize> = (0..truth.points.len()).step_by(if d == 1 { 10 } else { 7 }).collect();
            let points: Vec<Vec<f64>> = few.iter().map(|k| truth.points[*k].clone()).collect();
            let against: Vec<Vec<f64>> = against.iter().map(|v| few.iter().map(|k| v[*k]).collect()).collect();
            let errors = |field: &NeuralField| {
                let p = field.values(&points);
                against.iter().map(|v| relative(&p, v)).collect()
            };
            task.train(seed, &errors, context)
        };
    let u = &truth.multiscale.values;
    let distance = |a: &[f64], b: &[f64]| problem.relative(&truth.points, a, b);
    let (field, t) = run("paper-homogenized", &paper.homogenized, &macroscopic, d == 1, None, &[&w.values, u])?;
    let p = field.values(&truth.points);
    out.trained.push(t);
    out.scores.add("paper_e1", distance(&p, u));
    out.scores.add("paper_e2", distance(&w.values, u));
    out.scores.add("paper_e3", distance(&p, &w.values));
    out.solutions.push(("NH-PINN", p));
    let mut multiscale = |name: &'static str, start: Option<Mlp>| -> Result<Vec<usize>> {
        let (field, t) = run(name, &paper.classical, &micro, true, start, &[u])?;
        let values = field.values(&truth.points);
        out.trained.push(t);
        out.scores.add(&format!("{name}_error"), distance(&values, u));
        out.solutions.push((name, values));
        Ok(field.net.widths().to_vec())
    };
    if multiscale("classical", None)? == field.net.widths() {
        multiscale("transfer", Some(field.net))?;
    }
    Ok(out)
}

fn channels(dimension: usize, scalar: bool) -> usize {
    1 + dimension + if scalar { 1 } else { dimension * (dimension + 1) / 2 }
}

/// u = 0 at the points of the training grid on the boundary.
fn boundary(problem: &EllipticProblem, recipe: &AdamRecipe, channels: usize) -> Vec<Condition> {
    let on = |x: &Vec<f64>| x.iter().zip(&problem.domain).any(|(x, d)| d.contains(x));
    let all = grid(&problem.domain, &recipe.points, true).into_iter().filter(on);
    all.map(|x| Condition::value(&x, 0.0, channels)).collect()
}

/// The correctors with oversampling and without; the tensor ⟨a(δ_ij + ∂_iχ_j)⟩ of the former.
fn cells(
    problem: &EllipticProblem,
    truth: &Truth,
    recipe: &AdamRecipe,
    seed: u64,
    context: &Context<'_>,
    out: &mut PaperRepeat,
) -> Result<Option<Vec<Vec<f64>>>> {
    let (Material::Cell(material), Some(exact)) = (&problem.material, &truth.cell) else { return Ok(None) };
    let d = problem.dimension();
    let map = |y: &[f64]| tensor_at(material, y);
    let at = shifted_grid(&vec![[0.0, 1.0]; d], &exact.points, 0.0);
    let one = |j: usize, layers: usize| {
        let equation = Elliptic::cell(d, &map, true, j);
        let task = AdamTask {
            name: format!("paper-chi{}{}", j + 1, if layers == 0 { "-plain" } else { "" }),
            recipe,
            equation: &equation,
            points: grid(&vec![[0.0, 1.0]; d], &recipe.points, true),
            conditions: periods(d, 1.0, recipe, layers),
            start: None,
            looks: 100,
        };
        let errors = |field: &NeuralField| vec![corrector_error(field, &at, &exact.correctors[j])];
        task.train(seed.wrapping_add(j as u64), &errors, context)
    };
    let mut fields = vec![];
    for j in 0..d {
        let mut add = |field: &NeuralField, kind: &str| {
            let error = corrector_error(field, &at, &exact.correctors[j]);
            out.scores.add(&format!("paper_chi{}_{kind}", j + 1), error);
        };
        let (field, t) = one(j, recipe.oversampling)?;
        add(&field, "rel_error");
        fields.push(field);
        out.trained.push(t);
        if recipe.oversampling > 0 {
            let (plain, t) = one(j, 0)?;
            add(&plain, "plain_rel_error");
            out.trained.push(t);
        }
    }
    let fine = shifted_grid(&vec![[0.0, 1.0]; d], &vec![64; d], 0.5);
    let a: Vec<f64> = fine.iter().map(|y| map(y)[0].value).collect();
    let gradients: Vec<Vec<Vec<f64>>> = fields.iter().map(|f| f.gradients(&fine)).collect();
    let entry = |i: usize, j: usize| {
        let one = |(a, g): (&f64, &Vec<f64>)| a * (f64::from(u8::from(i == j)) + g[1 + i]);
        a.iter().zip(&gradients[j]).map(one).sum::<f64>() / a.len() as f64
    };
    // as printed; its skew part is an error of the networks
    let tensor: Vec<Vec<f64>> = (0..d).map(|i| (0..d).map(|j| 0.5 * (entry(i, j) + entry(j, i))).collect()).collect();
    let off = tensor.iter().flatten().zip(exact.effective.tensor.iter().flatten()).map(|(a, b)| (a - b).abs());
    out.scores.add("paper_a_star_error", off.max_by(f64::total_cmp).unwrap_or(f64::NAN));
    Ok(Some(tensor))
}

fn corrector_error(field: &NeuralField, at: &[Vec<f64>], exact: &[f64]) -> f64 {
    relative(&centred(field.values(at)), exact)
}

/// The relative error of the least-squares minimum itself: of all u = Σ c_k Π sin(k_i π (x_i − a_i)/L_i), k ≤ `modes`, the one with the
/// smallest mean square of −∇·(a∇u) − f, against u_ε.
///
/// A smooth network that minimises the strong form can do no better than the minimum over smooth functions, and that minimum is not
/// near u_ε: ∇a is of size 1/ε, so the sum is least near u = 0. No optimiser mends it.
///
/// The sum is over the points at which the classical network is trained, where there is one and they tell the sines apart; else over a
/// grid that resolves ε.
pub(super) fn smooth_minimum(
    config: &NeuralStudyConfig,
    problem: &EllipticProblem,
    truth: &Truth,
    modes: usize,
) -> Result<f64> {
    let d = problem.dimension();
    let trained = config.paper.as_ref().map(|p| &p.classical.points).filter(|n| n.iter().all(|n| *n > 2 * modes));
    let per_period = if d == 1 { 64.0 } else { 24.0 };
    let resolving = |[a, b]: &[f64; 2]| ((b - a) / problem.epsilon * per_period).ceil() as usize;
    let points = match trained {
        Some(counts) => grid(&problem.domain, counts, true),
        None => grid(&problem.domain, &problem.domain.iter().map(resolving).collect::<Vec<_>>(), false),
    };
    let n = modes.pow(d as u32);
    // normal equations over the parts of a grid, summed in order
    let part = |points: &[Vec<f64>]| {
        let (mut matrix, mut right) = (Mat::<f64>::zeros(n, n), Mat::<f64>::zeros(n, 1));
        for x in points {
            let (a, f) = (problem.micro(x), problem.source(x));
            // −aΔu − ∇a·∇u
            let rows = sines(&problem.domain, modes, x, |k, s| {
                let (mut laplacian, mut drift) = (0.0, 0.0);
                for i in 0..d {
                    let others: f64 = (0..d).filter(|j| *j != i).map(|j| s[j][k[j]][0]).product();
                    laplacian += s[i][k[i]][2] * others;
                    drift += a.gradient[i] * s[i][k[i]][1] * others;
                }
                -a.value * laplacian - drift
            });
            for i in 0..n {
                right[(i, 0)] += rows[i] * f;
                for j in 0..=i {
                    matrix[(i, j)] += rows[i] * rows[j];
                }
            }
        }
        (matrix, right)
    };
    let parts: Vec<_> = points.par_chunks(1024).map(part).collect();
    let (mut matrix, mut right) = (Mat::<f64>::zeros(n, n), Mat::<f64>::zeros(n, 1));
    for (m, r) in &parts {
        matrix += m;
        right += r;
    }
    let factor = matrix.llt(Side::Lower).map_err(|e| Error::Solver {
        solver: "least-squares minimum",
        message: format!("{e:?}"),
        advice: "use fewer modes".into(),
    })?;
    let c = factor.solve(&right);
    let value = |x: &Vec<f64>| {
        let waves = sines(&problem.domain, modes, x, |k, s| (0..d).map(|i| s[i][k[i]][0]).product());
        waves.iter().enumerate().map(|(k, wave)| c[(k, 0)] * wave).sum::<f64>()
    };
    let u: Vec<f64> = truth.points.par_iter().map(value).collect();
    Ok(problem.relative(&truth.points, &u, &truth.multiscale.values))
}

/// `one(k, s)` of every product of sines, with s the sines of each direction: value, first and second derivative of each mode.
fn sines(domain: &[[f64; 2]], modes: usize, x: &[f64], one: impl Fn(&[usize], &[Vec<[f64; 3]>]) -> f64) -> Vec<f64> {
    let along = |(x, [a, b]): (&f64, &[f64; 2])| -> Vec<[f64; 3]> {
        let mode = |k: usize| {
            let rate = std::f64::consts::PI * k as f64 / (b - a);
            let (sin, cos) = ((x - a) * rate).sin_cos();
            [sin, rate * cos, -rate * rate * sin]
        };
        (1..=modes).map(mode).collect()
    };
    let s: Vec<Vec<[f64; 3]>> = x.iter().zip(domain).map(along).collect();
    let index = |k: usize| [k / modes, k % modes];
    match x.len() {
        1 => (0..modes).map(|k| one(&[k], &s)).collect(),
        _ => (0..modes * modes).map(|k| one(&index(k), &s)).collect(),
    }
}

//! The three steps with networks: cell problems, coefficients, homogenized equation.

use rayon::prelude::*;

use super::config::NeuralStudyConfig;
use super::elliptic::{EllipticProblem, Law, Material, Reference, relative};
use super::files;
use super::scores::{Scores, Trained, trained};
use crate::{
    Result,
    cell::{CellSolution, certified},
    nn::{Activation, GaussNewton, LeastSquares, Mlp, Taylor},
    pinn::{
        Ansatz, Collocation, Elliptic, Embedding, NeuralCell, NeuralField, Residual, SlowCell, SlowCorrector,
        corner_functions, dirichlet_factor, grid, shifted_grid, solve,
    },
    study::{Context, Network},
};

/// The references of one elliptic study.
pub(super) struct Truth {
    pub(super) points: Vec<Vec<f64>>,
    pub(super) multiscale: Reference,
    pub(super) homogenized: Reference,
    pub(super) corrected: Vec<f64>,
    /// none where a depends on x
    pub(super) cell: Option<CellSolution>,
}

/// What one seed gave.
pub(super) struct Repeat {
    pub(super) scores: Scores,
    pub(super) trained: Vec<Trained>,
    /// p at the points
    pub(super) solution: Vec<f64>,
    /// a*(x) and its slope at 101 points, where a depends on x
    pub(super) slow: Vec<[f64; 2]>,
    /// χ_j at the points of the exact ones, of zero mean
    pub(super) correctors: Vec<Vec<f64>>,
    pub(super) networks: Vec<(String, Network)>,
}

/// Networks for the correctors.
enum Correctors {
    Cell(Vec<NeuralField>, Vec<Vec<f64>>),
    Slow(SlowCorrector),
}

impl Truth {
    pub(super) fn new(config: &NeuralStudyConfig, problem: &EllipticProblem) -> Result<Self> {
        let points = problem.points(&config.reference);
        let cell = problem.cell()?;
        let effective = |x: f64| problem.effective(x);
        let law = cell.as_ref().map_or(Law::Slow(&effective), |c| Law::Constant(c.effective.tensor.clone()));
        let (multiscale, homogenized) = rayon::join(
            || problem.multiscale(&config.reference, &points),
            || problem.homogenized(&law, &config.reference, &points),
        );
        let (multiscale, homogenized) = (multiscale?, homogenized?);
        let chi = match &cell {
            Some(cell) => {
                // correctors repeat: points that are the same in the cell are looked up once
                let y: Vec<Vec<f64>> = (0..problem.dimension())
                    .map(|d| points.iter().map(|x| (x[d] / problem.epsilon).rem_euclid(1.0)).collect())
                    .collect();
                let columns: Vec<&[f64]> = y.iter().map(Vec::as_slice).collect();
                (0..problem.dimension()).map(|j| interpolated(cell, j, &columns)).collect()
            }
            None => vec![problem.slow_corrector(&pairs(problem, &points))?],
        };
        let corrected = problem.corrected(&points, &homogenized.values, &homogenized.gradients, &chi);
        Ok(Truth { points, multiscale, homogenized, corrected, cell })
    }
}

/// χ_j at points of the cell, each different point once.
fn interpolated(cell: &CellSolution, j: usize, y: &[&[f64]]) -> Vec<f64> {
    let key = |k: usize| y.iter().map(|c| (c[k] * 1e12).round() as i64).collect::<Vec<_>>();
    let mut places = std::collections::HashMap::new();
    let mut unique: Vec<Vec<f64>> = vec![vec![]; y.len()];
    let index: Vec<usize> = (0..y[0].len())
        .map(|k| {
            *places.entry(key(k)).or_insert_with(|| {
                unique.iter_mut().zip(y).for_each(|(u, c)| u.push(c[k]));
                unique[0].len() - 1
            })
        })
        .collect();
    let values = cell.values(j, &unique.iter().map(Vec::as_slice).collect::<Vec<_>>());
    index.into_iter().map(|i| values[i]).collect()
}

/// (x, x/ε) on a line.
fn pairs(problem: &EllipticProblem, points: &[Vec<f64>]) -> Vec<[f64; 2]> {
    points.iter().map(|x| [x[0], (x[0] / problem.epsilon).rem_euclid(1.0)]).collect()
}

/// All three steps from one seed.
pub(super) fn repeat(
    config: &NeuralStudyConfig,
    problem: &EllipticProblem,
    truth: &Truth,
    seed: u64,
    context: &Context<'_>,
) -> Result<Repeat> {
    let mut scores = Scores::default();
    let mut all = vec![];
    let correctors = match &problem.material {
        Material::Cell(_) => cells(config, problem, truth, seed, context, &mut scores, &mut all)?,
        Material::Slow(..) => slow(config, problem, seed, context, &mut scores, &mut all)?,
    };
    let coefficient = |x: f64, y: f64| problem.slow(x, y);
    let slow_law = |x: f64| match &correctors {
        Correctors::Slow(c) => c.effective(&coefficient, &[x])[0],
        Correctors::Cell(_, tensor) => [tensor[0][0], 0.0],
    };
    let law = match &correctors {
        Correctors::Cell(_, tensor) => Law::Constant(tensor.clone()),
        Correctors::Slow(_) => Law::Slow(&slow_law),
    };
    let w = problem.homogenized(&law, &config.reference, &truth.points)?;
    let (field, trained) = homogenized(config, problem, &law, &w, truth, seed, context)?;
    all.push(trained);
    let jets = field.gradients(&truth.points);
    let p: Vec<f64> = jets.iter().map(|u| u[0]).collect();
    let u = &truth.multiscale.values;
    let distance = |a: &[f64], b: &[f64]| problem.relative(&truth.points, a, b);
    scores.add("e1", distance(&p, u));
    scores.add("e2", distance(&w.values, u));
    scores.add("e3", distance(&p, &w.values));
    let gradients: Vec<Vec<f64>> = jets.iter().map(|u| u[1..].to_vec()).collect();
    let chi = match &correctors {
        Correctors::Cell(fields, _) => {
            let y: Vec<Vec<f64>> =
                truth.points.iter().map(|x| x.iter().map(|x| x / problem.epsilon).collect()).collect();
            let cell = shifted_grid(&vec![[0.0, 1.0]; problem.dimension()], &vec![32; problem.dimension()], 0.0);
            let centred = |field: &NeuralField| {
                let mean = field.values(&cell).iter().sum::<f64>() / cell.len() as f64;
                field.values(&y).iter().map(|c| c - mean).collect()
            };
            fields.iter().map(centred).collect()
        }
        Correctors::Slow(c) => vec![c.values(&pairs(problem, &truth.points))],
    };
    scores.add("corrector_error", distance(&problem.corrected(&truth.points, &p, &gradients, &chi), u));
    let slow = match &correctors {
        Correctors::Slow(c) => c.effective(&coefficient, &grid(&problem.domain, &[101], true).concat()),
        Correctors::Cell(..) => vec![],
    };
    let (x, y) = (files::names("x", problem.dimension()), files::names("y", problem.dimension()));
    let (x, y): (Vec<&str>, Vec<&str>) =
        (x.iter().map(String::as_str).collect(), y.iter().map(String::as_str).collect());
    let mut networks = vec![];
    let mut add = |name: &str, field: &NeuralField, inputs: &[String], meaning: &str| {
        networks.push((format!("{name}-{seed}"), files::network(field, seed, inputs, meaning)));
    };
    let slow_inputs = [files::waves(&["y"], 1.0), files::scaled(&["x"], &problem.domain[..1])].concat();
    let centred = match (&correctors, &truth.cell) {
        (Correctors::Cell(fields, _), Some(exact)) => {
            let at = shifted_grid(&vec![[0.0, 1.0]; problem.dimension()], &exact.points, 0.0);
            for (j, field) in fields.iter().enumerate() {
                add(&format!("chi{}", j + 1), field, &files::waves(&y, 1.0), "chi = N, but for its mean over the cell");
            }
            fields.iter().map(|field| centred(field.values(&at))).collect()
        }
        (Correctors::Slow(c), _) => {
            add("chi", &c.field, &slow_inputs, "chi = N, but for its mean over y");
            vec![]
        }
        _ => vec![],
    };
    let meaning = match problem.dimension() {
        1 => "u_0 = N 4(x - a)(b - x)/(b - a)^2 on [a, b]",
        _ => "u_0 = N times 4(x - a)(b - x)/(b - a)^2 in each direction, plus the corner functions of the source",
    };
    add("homogenized", &field, &files::scaled(&x, &problem.domain), meaning);
    Ok(Repeat { scores, trained: all, solution: p, slow, correctors: centred, networks })
}

/// Values less their mean.
pub(super) fn centred(mut values: Vec<f64>) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|v| *v -= mean);
    values
}

/// One network for each corrector of a(y).
fn cells(
    config: &NeuralStudyConfig,
    problem: &EllipticProblem,
    truth: &Truth,
    seed: u64,
    context: &Context<'_>,
    scores: &mut Scores,
    all: &mut Vec<Trained>,
) -> Result<Correctors> {
    let (Material::Cell(tensor), Some(exact)) = (&problem.material, &truth.cell) else {
        return Err(crate::Error::Config { path: "equation.0".into(), message: "no cell problem".into() });
    };
    let recipe = &config.ours.cell;
    let d = problem.dimension();
    let points = recipe.points[0];
    let solver =
        NeuralCell { hidden: recipe.hidden.clone(), points, plan: recipe.plan.clone(), seed, ..NeuralCell::new(d) };
    let at = shifted_grid(&vec![[0.0, 1.0]; d], &exact.points, 0.0);
    let error = |field: &NeuralField, j: usize| relative(&centred(field.values(&at)), &exact.correctors[j]);
    let one = |j: usize| {
        let name = format!("chi{}", j + 1);
        trained(context, &name, seed, &|field: &NeuralField| vec![error(field, j)], |resume, look, observer| {
            let probe = solver.ansatz(d);
            let mut on_look = |t: &crate::pinn::Training| {
                let field = NeuralField::new(&probe, &solver.network(d, j)?, &t.parameters);
                look(&field, t)
            };
            solver.corrector(tensor, j, resume, &mut on_look, observer)
        })
    };
    let found: Vec<Result<(NeuralField, Trained)>> = (0..d).into_par_iter().map(one).collect();
    let (fields, trained) = found.into_iter().collect::<Result<(Vec<_>, Vec<_>)>>()?;
    for (j, field) in fields.iter().enumerate() {
        scores.add(&format!("chi{}_rel_error", j + 1), error(field, j));
    }
    all.extend(trained);
    let rows = |y: &[Vec<f64>]| (0..y[0].len()).map(|k| y.iter().map(|c| c[k]).collect()).collect::<Vec<Vec<f64>>>();
    let bounds = certified(tensor, &|y| Ok(fields.iter().map(|f| f.values(&rows(y))).collect()))?.effective;
    let largest = |a: &[Vec<f64>], b: &[Vec<f64>]| {
        a.iter()
            .flatten()
            .zip(b.iter().flatten())
            .map(|(a, b)| (a - b).abs())
            .max_by(f64::total_cmp)
            .unwrap_or(f64::NAN)
    };
    let (lower, upper) = (bounds.lower.unwrap_or_default(), bounds.upper.unwrap_or_default());
    scores.add("a_star_11", bounds.tensor[0][0]);
    scores.add("a_star_error", largest(&bounds.tensor, &exact.effective.tensor));
    scores.add("a_star_certified_width", largest(&upper, &lower));
    Ok(Correctors::Cell(fields, bounds.tensor))
}

/// One network for the correctors of all slow points.
fn slow(
    config: &NeuralStudyConfig,
    problem: &EllipticProblem,
    seed: u64,
    context: &Context<'_>,
    scores: &mut Scores,
    all: &mut Vec<Trained>,
) -> Result<Correctors> {
    let recipe = &config.ours.cell;
    let points = [recipe.points[0], recipe.points[recipe.points.len() - 1]];
    let solver = SlowCell { hidden: recipe.hidden.clone(), points, plan: recipe.plan.clone(), seed };
    let coefficient = |x: f64, y: f64| problem.slow(x, y);
    let x = grid(&problem.domain, &[101], true).concat();
    let exact: Vec<[f64; 2]> = x.iter().map(|x| problem.effective(*x)).collect();
    let errors = |c: &SlowCorrector| {
        let found = c.effective(&coefficient, &x);
        let column = |all: &[[f64; 2]], k: usize| all.iter().map(|a| a[k]).collect::<Vec<f64>>();
        (0..2).map(|k| relative(&column(&found, k), &column(&exact, k))).collect::<Vec<f64>>()
    };
    let (corrector, trained) = trained(context, "chi", seed, &errors, |resume, look, observer| {
        solver.solve(&coefficient, problem.domain[0], resume, look, observer)
    })?;
    let found = errors(&corrector);
    scores.add("ea", found[0]);
    scores.add("ea_slope", found[1]);
    all.push(trained);
    Ok(Correctors::Slow(corrector))
}

/// −∇·(a*∇u) = f with exact boundary values and, in the plane, the corner functions.
fn homogenized(
    config: &NeuralStudyConfig,
    problem: &EllipticProblem,
    law: &Law<'_>,
    w: &Reference,
    truth: &Truth,
    seed: u64,
    context: &Context<'_>,
) -> Result<(NeuralField, Trained)> {
    let recipe = &config.ours.homogenized;
    let d = problem.dimension();
    let scalar = d == 1;
    let tensor = |x: &[f64]| match law {
        Law::Constant(a) if scalar => vec![Taylor::constant(a[0][0])],
        Law::Constant(a) => [a[0][0], a[0][1], a[1][1]].map(Taylor::constant).to_vec(),
        Law::Slow(a) => {
            let [value, slope] = a(x[0]);
            let mut t = Taylor::constant(value);
            t.gradient[0] = slope;
            vec![t]
        }
    };
    let source = |x: &[f64]| problem.source(x);
    let equation = Elliptic::boundary_value(d, &tensor, scalar, &source);
    let mut ansatz =
        Ansatz::plain(d, Embedding::scaled(&problem.domain), 1).with_factor(dirichlet_factor(&problem.domain));
    if let ([a, b], Law::Constant(tensor)) = (&problem.domain[..], law) {
        ansatz = ansatz.with_lift(corner_functions([*a, *b], [tensor[0][0], tensor[1][1]], source));
    }
    let net = Mlp::new(&[&[d], &recipe.hidden[..], &[1]].concat(), Activation::Tanh, seed.wrapping_add(100))?;
    let spec = equation.jets();
    let at = |extra: usize| {
        let counts: Vec<usize> = (0..d).map(|i| recipe.points[i % recipe.points.len()] + extra).collect();
        let points = grid(&problem.domain, &counts, false);
        Collocation::new(&ansatz, &net, &spec)?.equation(&equation, &points, 1.0)
    };
    let (training_points, between) = (at(0)?, at(3)?);
    let held_out: Option<&dyn LeastSquares> = Some(&between);
    // a part of the points is enough for a curve
    let few: Vec<usize> = (0..truth.points.len()).step_by(if d == 1 { 10 } else { 7 }).collect();
    let pick = |v: &[f64]| few.iter().map(|k| v[*k]).collect::<Vec<f64>>();
    let (points, against) = (few.iter().map(|k| truth.points[*k].clone()).collect::<Vec<_>>(), pick(&w.values));
    let multiscale = pick(&truth.multiscale.values);
    let errors = |field: &NeuralField| {
        let p = field.values(&points);
        vec![relative(&p, &against), relative(&p, &multiscale)]
    };
    trained(context, "homogenized", seed, &errors, |resume, look, observer| {
        let mut p = net.parameters().to_vec();
        let mut on_look = |t: &crate::pinn::Training| look(&NeuralField::new(&ansatz, &net, &t.parameters), t);
        let mut optimizer = GaussNewton::default();
        let plan = &recipe.plan;
        let training = solve(&training_points, held_out, &mut optimizer, plan, &mut p, resume, &mut on_look, observer)?;
        Ok((NeuralField::new(&ansatz, &net, &p), training))
    })
}

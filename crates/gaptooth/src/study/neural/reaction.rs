//! The reaction problem: references, the corrector's network, the solution's network.

use std::sync::Arc;

use super::config::{EquationConfig, NeuralStudyConfig};
use super::elliptic::relative;
use super::elliptic_nets::centred;
use super::files;
use super::scores::{Scores, Trained, trained};
use crate::{
    Error, Result,
    coefficient::Formula,
    fem::reaction::ReactionProblem,
    fourier::Fourier,
    nn::{Activation, GaussNewton, LeastSquares, Mlp, Taylor},
    pinn::{
        Ansatz, Collocation, Elliptic, Embedding, Heat, LineMap, NeuralField, Residual, StartLayers, Training,
        Weighted, grid, halton, shifted_grid, solve,
    },
    study::{Context, Network},
};

/// u_t − D u_xx + (1/ε) r(x/ε) u = f with its formulas read.
pub(super) struct Reaction {
    /// appended to the names of checks
    pub(super) suffix: String,
    pub(super) domain: [f64; 2],
    pub(super) epsilon: f64,
    pub(super) diffusivity: f64,
    pub(super) reaction: Formula,
    pub(super) period: f64,
    pub(super) initial: Formula,
    pub(super) source: Formula,
    pub(super) time: f64,
}

/// Points of the Fourier solution of the cell problem.
const CELL: usize = 256;

/// The references of one reading.
pub(super) struct Truth {
    pub(super) points: Vec<Vec<f64>>,
    /// N at [`CELL`] points, of zero mean
    pub(super) corrector: Vec<f64>,
    pub(super) effective: f64,
    /// at the time T
    pub(super) multiscale: Vec<f64>,
    pub(super) homogenized: Vec<f64>,
    pub(super) corrected: Vec<f64>,
    /// relative errors that refinement shows, of u_ε and u₀
    pub(super) errors: [f64; 2],
}

/// What one seed gave.
pub(super) struct Repeat {
    pub(super) scores: Scores,
    pub(super) trained: Vec<Trained>,
    pub(super) solution: Vec<f64>,
    /// N of the network at [`CELL`] points
    pub(super) corrector: Vec<f64>,
    pub(super) networks: Vec<(String, Network)>,
}

impl Reaction {
    pub(super) fn new(config: &EquationConfig, k: usize) -> Result<Self> {
        let EquationConfig::Reaction { name, domain, epsilon, diffusivity, reaction, period, initial, source, time } =
            config
        else {
            return Err(Error::Config { path: format!("equation.{k}.kind"), message: "expected reaction".into() });
        };
        let refuse = |key: &str, message: String| Err(Error::Config { path: format!("equation.{k}.{key}"), message });
        for (key, found) in [("epsilon", epsilon), ("diffusivity", diffusivity), ("period", period), ("time", time)] {
            if !(found.is_finite() && *found > 0.0) {
                return refuse(key, format!("found {found}; expected a positive number"));
            }
        }
        if !(domain[0].is_finite() && domain[1].is_finite() && domain[0] < domain[1]) {
            return refuse("domain", format!("found {domain:?}; expected two finite ends, the first smaller"));
        }
        let all = Reaction {
            suffix: if name.is_empty() { String::new() } else { format!("_{name}") },
            domain: *domain,
            epsilon: *epsilon,
            diffusivity: *diffusivity,
            reaction: Formula::parse(reaction, &["y"], &[])?,
            period: *period,
            initial: Formula::parse(initial, &["x"], &[])?,
            source: Formula::parse(source, &["x"], &[])?,
            time: *time,
        };
        let r = all.cell_values();
        let (mean, size) = (r.iter().sum::<f64>() / CELL as f64, r.iter().fold(0.0f64, |m, r| m.max(r.abs())));
        if !(size.is_finite() && mean.abs() <= 1e-12 * size.max(1.0)) {
            return refuse("reaction", format!("found the mean {mean} over a period; expected 0, or u grows as 1/ε"));
        }
        let repeats =
            |y: &f64| (all.reaction.eval(&[*y]) - all.reaction.eval(&[y + period])).abs() <= 1e-9 * (1.0 + size);
        if !all.cell_points().iter().all(repeats) {
            return refuse("period", format!("found {period}, but `{reaction}` does not repeat with it"));
        }
        if let Some(end) = domain.iter().find(|x| all.initial.eval(&[**x]).abs() > 1e-9) {
            return refuse(
                "initial",
                format!("found {} at x = {end}; expected 0 at both ends", all.initial.eval(&[*end])),
            );
        }
        Ok(all)
    }

    pub(super) fn cell_points(&self) -> Vec<f64> {
        (0..CELL).map(|k| self.period * k as f64 / CELL as f64).collect()
    }

    pub(super) fn cell_values(&self) -> Vec<f64> {
        self.cell_points().iter().map(|y| self.reaction.eval(&[*y])).collect()
    }

    /// N with D N″ = r and zero mean, and r* = ⟨rN⟩ (Leung et al. 2022, A.2).
    fn corrector(&self) -> (Vec<f64>, f64) {
        let fourier = Fourier::new(&[CELL]);
        let r = self.cell_values();
        let mut spectrum = fourier.forward_real(&r);
        for (k, c) in spectrum.iter_mut().enumerate() {
            let k = if 2 * k > CELL { k as f64 - CELL as f64 } else { k as f64 } * std::f64::consts::TAU / self.period;
            *c *= if k == 0.0 { 0.0 } else { -1.0 / (self.diffusivity * k * k) };
        }
        let n = fourier.inverse_real(spectrum);
        let effective = n.iter().zip(&r).map(|(n, r)| n * r).sum::<f64>() / CELL as f64;
        (n, effective)
    }

    /// True when everything is odd about the middle, so that half the domain tells all.
    fn is_odd(&self) -> bool {
        let middle = 0.5 * (self.domain[0] + self.domain[1]);
        let half = 0.5 * (self.domain[1] - self.domain[0]);
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + a.abs());
        let micro = |x: f64| self.reaction.eval(&[x / self.epsilon]);
        (0..97).map(|k| half * f64::from(k) / 97.0).all(|d| {
            let (l, r) = (middle - d, middle + d);
            near(micro(l), micro(r))
                && near(self.source.eval(&[l]), -self.source.eval(&[r]))
                && near(self.initial.eval(&[l]), -self.initial.eval(&[r]))
        })
    }

    /// Values at `points` at the last time, of the problem with the reaction `c`, and the error that refinement shows.
    fn reference(
        &self,
        c: &(dyn Fn(f64) -> f64 + Sync),
        degree: usize,
        cells: usize,
        points: &[Vec<f64>],
    ) -> Result<(Vec<f64>, f64)> {
        let odd = self.is_odd();
        let [a, b] = self.domain;
        let middle = 0.5 * (a + b);
        let (source, initial) = (|x: f64| self.source.eval(&[x]), |x: f64| self.initial.eval(&[x]));
        let problem = ReactionProblem {
            domain: if odd { [middle, b] } else { self.domain },
            diffusivity: self.diffusivity,
            reaction: c,
            source: &source,
            initial: &initial,
        };
        let found = problem.refined(degree, if odd { cells.div_ceil(2) } else { cells }, self.time)?;
        let place = |x: f64| if odd && x < middle { 2.0 * middle - x } else { x };
        let values = found.solution.at(self.time).values(&points.iter().map(|x| place(x[0])).collect::<Vec<_>>());
        let sign = |x: f64| if odd && x < middle { -1.0 } else { 1.0 };
        Ok((values.iter().zip(points).map(|(u, x)| sign(x[0]) * u).collect(), found.error))
    }

    pub(super) fn homogenized(
        &self,
        effective: f64,
        config: &NeuralStudyConfig,
        points: &[Vec<f64>],
    ) -> Result<(Vec<f64>, f64)> {
        self.reference(&|_| effective, config.reference.degree, config.reference.cells, points)
    }

    /// u₀ + ε N(x/ε) u₀, from N at [`CELL`] points.
    fn corrected(&self, points: &[Vec<f64>], u: &[f64], corrector: &[f64]) -> Vec<f64> {
        let fourier = Fourier::new(&[CELL]);
        let spectrum = fourier.forward_real(corrector);
        let at = |y: f64| -> f64 {
            let wave = |k: usize| {
                let (s, c) = (std::f64::consts::TAU * k as f64 * y / self.period).sin_cos();
                2.0 * (spectrum[k].re * c - spectrum[k].im * s) / CELL as f64
            };
            spectrum[0].re / CELL as f64 + (1..CELL / 2).map(wave).sum::<f64>()
        };
        points
            .iter()
            .zip(u)
            .map(|(x, u)| u * (1.0 + self.epsilon * at((x[0] / self.epsilon).rem_euclid(self.period))))
            .collect()
    }
}

impl Truth {
    pub(super) fn new(config: &NeuralStudyConfig, problem: &Reaction) -> Result<Self> {
        let points = grid(&[problem.domain], &[20 * (config.reference.points - 1) + 1], true);
        let (corrector, effective) = problem.corrector();
        let periods = (problem.domain[1] - problem.domain[0]) / (problem.epsilon * problem.period);
        let cells = ((periods * config.reference.cells_per_period).ceil() as usize).max(config.reference.cells);
        let micro = |x: f64| problem.reaction.eval(&[(x / problem.epsilon)]) / problem.epsilon;
        let (multiscale, first) = problem.reference(&micro, config.reference.degree, cells, &points)?;
        let (homogenized, second) = problem.homogenized(effective, config, &points)?;
        let corrected = problem.corrected(&points, &homogenized, &corrector);
        Ok(Truth { points, corrector, effective, multiscale, homogenized, corrected, errors: [first, second] })
    }
}

/// All three steps from one seed.
pub(super) fn repeat(
    config: &NeuralStudyConfig,
    problem: &Reaction,
    truth: &Truth,
    seed: u64,
    context: &Context<'_>,
) -> Result<Repeat> {
    let mut scores = Scores::default();
    let (n, first) = corrector(config, problem, truth, seed, context)?;
    let columns: Vec<Vec<f64>> = problem.cell_points().into_iter().map(|y| vec![y]).collect();
    let gradients = n.gradients(&columns);
    let mean = gradients.iter().map(|g| g[0]).sum::<f64>() / CELL as f64;
    let values: Vec<f64> = gradients.iter().map(|g| g[0] - mean).collect();
    // D⟨N′²⟩ + 2⟨rN⟩ is least at the corrector, where it is ⟨rN⟩: its error is the square of N's
    let energy = |(g, (v, r)): (&Vec<f64>, (&f64, f64))| problem.diffusivity * g[1] * g[1] + 2.0 * r * v;
    let terms = gradients.iter().zip(values.iter().zip(problem.cell_values()));
    let effective = terms.map(energy).sum::<f64>() / CELL as f64;
    let add = |scores: &mut Scores, name: &str, value: f64| scores.add(&format!("{name}{}", problem.suffix), value);
    add(&mut scores, "n_rel_error", relative(&values, &truth.corrector));
    add(&mut scores, "r_star", effective);
    add(&mut scores, "r_star_error", (effective - truth.effective).abs());
    let (w, _) = problem.homogenized(effective, config, &truth.points)?;
    let (field, second) = solution(config, problem, effective, &w, truth, seed, context)?;
    let p = field.values(&at_end(problem, &truth.points));
    add(&mut scores, "e1", relative(&p, &truth.multiscale));
    add(&mut scores, "e2", relative(&w, &truth.multiscale));
    add(&mut scores, "e3", relative(&p, &w));
    add(&mut scores, "corrector_error", relative(&problem.corrected(&truth.points, &p, &values), &truth.multiscale));
    let name = |what: &str| format!("{what}{}-{seed}", problem.suffix);
    let start = "u_0 = N 4(x - a)(b - x) t/((b - a)^2 T) plus the lift of start values and layers, with coefficients of further layers";
    let inputs = files::scaled(&["x", "t"], &[problem.domain, [0.0, problem.time]]);
    let waves = files::waves(&["y"], problem.period);
    let networks = vec![
        (name("N"), files::network(&n, seed, &waves, "N = the network, but for its mean over the period")),
        (name("homogenized"), files::network(&field, seed, &inputs, start)),
    ];
    Ok(Repeat { scores, trained: vec![first, second], solution: p, corrector: values, networks })
}

pub(super) fn at_end(problem: &Reaction, points: &[Vec<f64>]) -> Vec<Vec<f64>> {
    points.iter().map(|x| vec![x[0], problem.time]).collect()
}

/// The network of N.
fn corrector(
    config: &NeuralStudyConfig,
    problem: &Reaction,
    truth: &Truth,
    seed: u64,
    context: &Context<'_>,
) -> Result<(NeuralField, Trained)> {
    let recipe = &config.ours.cell;
    let tensor = |_: &[f64]| vec![Taylor::constant(problem.diffusivity)];
    let source = |y: &[f64]| -problem.reaction.eval(y);
    let equation = Elliptic::boundary_value(1, &tensor, true, &source);
    let ansatz = Ansatz::plain(1, Embedding::periodic(&[problem.period], 1), 1);
    let net = Mlp::new(&[&[2], &recipe.hidden[..], &[1]].concat(), Activation::Tanh, seed)?;
    let at = |shift: f64| {
        let points = shifted_grid(&[[0.0, problem.period]], &[recipe.points[0]], shift);
        Collocation::new(&ansatz, &net, &equation.jets())?.equation(&equation, &points, 1.0)
    };
    let (points, between) = (at(0.0)?, at(0.382)?);
    let columns: Vec<Vec<f64>> = problem.cell_points().into_iter().map(|y| vec![y]).collect();
    let errors = |field: &NeuralField| vec![relative(&centred(field.values(&columns)), &truth.corrector)];
    let name = format!("N{}", problem.suffix);
    trained(context, &name, seed, &errors, |resume, look, observer| {
        let mut p = net.parameters().to_vec();
        let mut on_look = |t: &Training| look(&NeuralField::new(&ansatz, &net, &t.parameters), t);
        let held_out: Option<&dyn LeastSquares> = Some(&between);
        let mut optimizer = GaussNewton::default();
        let training = solve(&points, held_out, &mut optimizer, &recipe.plan, &mut p, resume, &mut on_look, observer)?;
        Ok((NeuralField::new(&ansatz, &net, &p), training))
    })
}

/// A formula with its derivatives as a function of a Taylor number.
fn mapped(formula: &Formula) -> LineMap {
    let [f, first] = [formula.clone(), formula.derivative("x")];
    let second = first.derivative("x");
    Arc::new(move |x: Taylor| x.chain(f.eval(&[x.value]), first.eval(&[x.value]), second.eval(&[x.value])))
}

/// −D ∫f f″/∫f² + c: how fast the equation forgets f, exactly so if f is an eigenfunction; none where f vanishes.
fn rate(formula: &Formula, problem: &Reaction, c: f64) -> Option<f64> {
    let second = formula.derivative("x").derivative("x");
    let points = grid(&[problem.domain], &[1001], true);
    let mean = |g: &Formula| points.iter().map(|x| formula.eval(x) * g.eval(x)).sum::<f64>();
    let size = mean(formula);
    let lowest = problem.diffusivity * (std::f64::consts::PI / (problem.domain[1] - problem.domain[0])).powi(2);
    (size > 0.0).then(|| (c - problem.diffusivity * mean(&second) / size).max(lowest))
}

/// The network of the homogenized solution in space and time.
fn solution(
    config: &NeuralStudyConfig,
    problem: &Reaction,
    effective: f64,
    w: &[f64],
    truth: &Truth,
    seed: u64,
    context: &Context<'_>,
) -> Result<(NeuralField, Trained)> {
    let recipe = &config.ours.homogenized;
    let decay = rate(&problem.initial, problem, effective);
    let (i, f) = (&problem.initial, &problem.source);
    let text = format!(
        "({f}) + ({:e})*({}) - ({:e})*({i})",
        problem.diffusivity,
        i.derivative("x").derivative("x"),
        effective - decay.unwrap_or(0.0)
    );
    let drive = Formula::parse(&text, &["x"], &[])?;
    let saturation = rate(&drive, problem, effective).unwrap_or(1.0);
    let ansatz = StartLayers {
        domain: problem.domain,
        time: problem.time,
        diffusivity: problem.diffusivity,
        initial: decay.map(|rate| (mapped(i), rate)),
        drive: (mapped(&drive), saturation),
        layers: 3,
    }
    .ansatz();
    let (reaction, source) = (|_: f64| effective, |x: f64| f.eval(&[x]));
    let heat = Heat { diffusivity: problem.diffusivity, reaction: &reaction, source: &source };
    // points gather at the start, t = T s²; the weight makes the sum an integral again
    let weight = |x: &[f64]| (x[1] / problem.time).powf(0.25);
    let equation = Weighted { residual: &heat, weight: &weight };
    let net = Mlp::new(&[&[2], &recipe.hidden[..], &[1]].concat(), Activation::Tanh, seed.wrapping_add(100))?;
    let at = |skip: usize| {
        let mut points = halton(&[problem.domain, [0.0, 1.0]], recipe.points.iter().product(), skip);
        points.iter_mut().for_each(|x| x[1] = problem.time * x[1] * x[1]);
        Collocation::new(&ansatz, &net, &equation.jets())?.equation(&equation, &points, 1.0)
    };
    let (points, between) = (at(0)?, at(100_000)?);
    let few: Vec<usize> = (0..truth.points.len()).step_by(10).collect();
    let pick = |v: &[f64]| few.iter().map(|k| v[*k]).collect::<Vec<f64>>();
    let ends = at_end(problem, &few.iter().map(|k| truth.points[*k].clone()).collect::<Vec<_>>());
    let (against, multiscale) = (pick(w), pick(&truth.multiscale));
    let errors = |field: &NeuralField| {
        let p = field.values(&ends);
        vec![relative(&p, &against), relative(&p, &multiscale)]
    };
    let name = format!("homogenized{}", problem.suffix);
    trained(context, &name, seed, &errors, |resume, look, observer| {
        let mut p = net.parameters().to_vec();
        p.extend(ansatz.basis.iter().map(|_| 0.0));
        let mut on_look = |t: &Training| look(&NeuralField::new(&ansatz, &net, &t.parameters), t);
        let held_out: Option<&dyn LeastSquares> = Some(&between);
        let mut optimizer = GaussNewton::default();
        let training = solve(&points, held_out, &mut optimizer, &recipe.plan, &mut p, resume, &mut on_look, observer)?;
        Ok((NeuralField::new(&ansatz, &net, &p), training))
    })
}

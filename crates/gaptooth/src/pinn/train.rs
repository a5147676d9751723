//! The loop around an optimiser: stop rules, held-out residuals, records.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::nn::{Iteration, LeastSquares, Optimizer, Work};
use crate::{
    Result,
    observer::{Observer, check_interrupt},
};

/// How long to train and when to stop before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// most iterations
    pub iterations: usize,
    /// the held-out residual is looked at every so many iterations
    pub look: usize,
    /// stop when it, or the cost without one, has gained less than `gain` over so many iterations; 0 never stops
    pub patience: usize,
    /// relative decrease that counts as a gain
    pub gain: f64,
    /// stop when the residual √Σ r² (held-out, or at the training points without any) is so many times that of the start; 0 never stops
    pub target: f64,
    /// of parameters whose held-out sums of squares are within this factor of the lowest, the latest are kept; 1 keeps the lowest
    pub alike: f64,
}

impl Default for Plan {
    fn default() -> Self {
        Plan { iterations: 300, look: 5, patience: 30, gain: 0.03, target: 0.0, alike: 1.0 }
    }
}

/// Why a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// all iterations were made
    Iterations,
    /// the plan's target was reached
    Target,
    /// no gain over the plan's patience
    Stagnation,
    /// the optimiser found no lower cost
    Converged,
}

/// What is known after some iterations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// iterations made
    pub iteration: usize,
    /// ½ Σ r² at the training points
    pub cost: f64,
    /// ½ Σ r² at the held-out points
    pub held_out: Option<f64>,
}

/// How a training went; with it and the optimiser's state it can go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// iterations made
    pub iterations: usize,
    /// at every look, the start first
    pub history: Vec<Record>,
    /// the parts of the last cost by name
    pub parts: Vec<(String, f64)>,
    /// what the optimiser asked for
    pub work: Work,
    /// why it ended; none while it goes on
    pub stopped: Option<Stopped>,
    /// the parameters now
    pub parameters: Vec<f64>,
    /// the parameters to keep so far
    best: Vec<f64>,
    /// the optimiser's state
    optimizer: Value,
}

impl Training {
    /// √Σ r² at the last look: at held-out points, or at the training points without any.
    pub fn residual(&self) -> f64 {
        (2.0 * score(self.history.last())).sqrt()
    }

    /// One that ended at its plan's target may go on to another.
    pub(super) fn reopened(mut self) -> Self {
        self.stopped = self.stopped.filter(|s| *s != Stopped::Target);
        self
    }
}

/// Trains from `p`, or goes on from `resume`; afterwards `p` are the parameters with the lowest residual at held-out points, or at the
/// training points without any (see [`Plan::alike`]).
///
/// `on_look` hears of every look, with the state that a later call can go on from.
///
/// # Errors
/// Those of the optimiser and of `on_look`; [`crate::Error::Interrupted`].
#[allow(clippy::too_many_arguments)]
pub fn solve(
    problem: &dyn LeastSquares,
    held_out: Option<&dyn LeastSquares>,
    optimizer: &mut dyn Optimizer,
    plan: &Plan,
    p: &mut [f64],
    resume: Option<Training>,
    on_look: &mut dyn FnMut(&Training) -> Result<()>,
    observer: &dyn Observer,
) -> Result<Training> {
    let mut state = match resume {
        Some(state) => {
            optimizer.restore(&state.optimizer)?;
            state
        }
        None => start(problem, held_out, optimizer, p),
    };
    while state.iterations < plan.iterations && state.stopped.is_none() {
        check_interrupt(observer, "training")?;
        let outcome = optimizer.iterate(problem, &mut state.parameters, &mut state.work)?;
        state.iterations += 1;
        let done = matches!(outcome, Iteration::Done(_));
        let looking = state.iterations.is_multiple_of(plan.look.max(1)) || done || state.iterations == plan.iterations;
        if !looking {
            continue;
        }
        // Adam's cost is that before its step
        let cost = if held_out.is_none() { problem.cost(&state.parameters) } else { outcome.cost() };
        look(&mut state, held_out, cost, plan);
        if done {
            state.stopped = Some(Stopped::Converged);
        } else if state.stopped.is_none() && state.iterations == plan.iterations {
            state.stopped = Some(Stopped::Iterations);
        }
        state.optimizer = optimizer.save();
        on_look(&state)?;
        let detail = format!("residual {:.1e}", state.residual());
        observer.progress("training", state.iterations as u64, plan.iterations as u64, &detail);
    }
    state.parameters.clone_from(&state.best);
    p.copy_from_slice(&state.best);
    state.parts = problem.parts(&problem.residuals(p));
    Ok(state)
}

fn start(
    problem: &dyn LeastSquares,
    held_out: Option<&dyn LeastSquares>,
    optimizer: &dyn Optimizer,
    p: &[f64],
) -> Training {
    let first = Record { iteration: 0, cost: problem.cost(p), held_out: held_out.map(|h| h.cost(p)) };
    Training {
        iterations: 0,
        history: vec![first],
        parts: vec![],
        work: Work::default(),
        stopped: None,
        parameters: p.to_vec(),
        best: p.to_vec(),
        optimizer: optimizer.save(),
    }
}

/// What a record is judged by.
fn score(record: Option<&Record>) -> f64 {
    record.map_or(f64::NAN, |r| r.held_out.unwrap_or(r.cost))
}

fn look(state: &mut Training, held_out: Option<&dyn LeastSquares>, cost: f64, plan: &Plan) {
    let lowest = |history: &[Record]| history.iter().map(|r| score(Some(r))).fold(f64::INFINITY, f64::min);
    let before = lowest(&state.history);
    let held_out = held_out.map(|h| h.cost(&state.parameters));
    state.history.push(Record { iteration: state.iterations, cost, held_out });
    if score(state.history.last()) < plan.alike * before {
        state.best.clone_from(&state.parameters);
    }
    let start = (2.0 * score(state.history.first())).sqrt();
    if state.residual() < plan.target * start {
        state.stopped = Some(Stopped::Target);
        return;
    }
    let since = state.iterations.saturating_sub(plan.patience);
    let early = state.history.partition_point(|r| r.iteration <= since);
    if plan.patience > 0 && state.iterations >= plan.patience {
        let (early, all) = (lowest(&state.history[..early]), lowest(&state.history));
        if all > (1.0 - plan.gain) * early {
            state.stopped = Some(Stopped::Stagnation);
        }
    }
}

//! Minibatch training with Adam that can be stopped, saved and resumed bit for bit.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Adam, AdamSettings, Mlp, Workspace, mlp::check_shape};
use crate::{
    Error, Result,
    error::check_finite,
    observer::{Observer, check_interrupt},
};

/// Rows to learn from, feature-major.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a> {
    /// `[inputs][rows]`
    pub inputs: &'a [f64],
    /// `[rows]`
    pub targets: &'a [f64],
}

/// How rows are drawn and how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Minibatch {
    /// groups of rows in one gradient
    pub batch: usize,
    /// consecutive rows that are always drawn together (1: every row on its own)
    pub group: usize,
    /// passes over all rows
    pub epochs: usize,
    /// seed of the shuffling
    pub seed: u64,
    /// the optimiser's constants
    pub adam: AdamSettings,
}

/// Everything a training needs to go on after epoch `epoch`.
///
/// The order of the rows in an epoch is a function of the seed and the epoch alone, so the epoch is the random
/// generator's position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainState {
    /// weights and biases
    pub parameters: Vec<f64>,
    /// Adam's first moments
    pub m: Vec<f64>,
    /// Adam's second moments
    pub v: Vec<f64>,
    /// Adam's steps
    pub step: u64,
    /// epochs finished
    pub epoch: usize,
    /// seed of the shuffling
    pub seed: u64,
    /// mean squared error of each finished epoch, averaged over its batches as they were seen
    pub loss: Vec<f64>,
}

/// Interruption is asked for about every this many rows: a few milliseconds of work.
const ROWS_PER_CHECK: usize = 4096;

/// Trains `net` (one output) on the mean squared error, from the start or from `resume`.
///
/// `on_epoch` receives the state after each epoch, and once more the last one when an interrupt falls into the next; a later call with
/// that state gives the same bits as an uninterrupted run. A short last batch is used as it is.
///
/// # Errors
/// [`Error::Shape`] and [`Error::Parameter`] for samples, recipe or state that do not fit the net,
/// [`Error::NonFinite`] when the loss leaves the finite numbers, [`Error::Interrupted`], and whatever `on_epoch`
/// returns.
pub fn train(
    net: &mut Mlp,
    samples: Samples<'_>,
    recipe: &Minibatch,
    resume: Option<TrainState>,
    on_epoch: &mut dyn FnMut(&TrainState) -> Result<()>,
    observer: &dyn Observer,
) -> Result<TrainState> {
    check(net, samples, recipe)?;
    let mut state = resume.unwrap_or_else(|| TrainState {
        parameters: net.parameters().to_vec(),
        m: vec![0.0; net.parameters().len()],
        v: vec![0.0; net.parameters().len()],
        step: 0,
        epoch: 0,
        seed: recipe.seed,
        loss: vec![],
    });
    check_state(net, recipe, &state)?;
    net.parameters_mut().copy_from_slice(&state.parameters);
    let rows_per_batch = recipe.batch * recipe.group;
    let mut buffers = Buffers::new(net, rows_per_batch, samples.targets.len() / recipe.group);
    let mut adam = Adam { settings: recipe.adam, m: state.m.clone(), v: state.v.clone(), step: state.step };
    while state.epoch < recipe.epochs {
        let loss = match epoch(net, samples, recipe, state.epoch, &mut adam, &mut buffers, observer) {
            Err(interrupted @ Error::Interrupted { .. }) => {
                on_epoch(&state)?;
                return Err(interrupted);
            }
            loss => loss?,
        };
        state.epoch += 1;
        check_finite(
            "the training loss",
            &[loss],
            Some(state.epoch as f64),
            "use a smaller learning rate or scale the inputs",
        )?;
        state.loss.push(loss);
        state.parameters.copy_from_slice(net.parameters());
        state.m.copy_from_slice(&adam.m);
        state.v.copy_from_slice(&adam.v);
        state.step = adam.step;
        on_epoch(&state)?;
        observer.progress("training", state.epoch as u64, recipe.epochs as u64, &format!("loss {loss:.2e}"));
    }
    Ok(state)
}

struct Buffers {
    order: Vec<u32>,
    x: Vec<f64>,
    y: Vec<f64>,
    gradient: Vec<f64>,
    work: Workspace,
}

impl Buffers {
    fn new(net: &Mlp, rows: usize, groups: usize) -> Self {
        Buffers {
            order: (0..groups as u32).collect(),
            x: vec![0.0; net.inputs() * rows],
            y: vec![0.0; rows],
            gradient: vec![0.0; net.parameters().len()],
            work: Workspace::new(net, rows),
        }
    }
}

fn epoch(
    net: &mut Mlp,
    samples: Samples<'_>,
    recipe: &Minibatch,
    epoch: usize,
    adam: &mut Adam,
    buffers: &mut Buffers,
    observer: &dyn Observer,
) -> Result<f64> {
    let Buffers { order, x, y, gradient, work } = buffers;
    shuffle(order, recipe.seed, epoch);
    let (mut sum, mut unchecked) = (0.0, usize::MAX);
    for groups in order.chunks(recipe.batch) {
        let rows = groups.len() * recipe.group;
        if unchecked >= ROWS_PER_CHECK {
            check_interrupt(observer, "training")?;
            unchecked = 0;
        }
        unchecked += rows;
        let (x, y) = (&mut x[..net.inputs() * rows], &mut y[..rows]);
        gather(samples, groups, recipe.group, x, y);
        sum += rows as f64 * net.mse_gradient_into(x, y, rows, work, gradient);
        adam.step(net.parameters_mut(), gradient);
    }
    Ok(sum / samples.targets.len() as f64)
}

/// The order of epoch `epoch`: a stream of its own, so that no earlier epoch need be replayed.
fn shuffle(order: &mut [u32], seed: u64, epoch: usize) {
    for (i, o) in order.iter_mut().enumerate() {
        *o = i as u32;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(epoch as u64 + 1);
    order.shuffle(&mut rng);
}

fn gather(samples: Samples<'_>, groups: &[u32], group: usize, x: &mut [f64], y: &mut [f64]) {
    let (rows, n) = (y.len(), samples.targets.len());
    let columns = x.chunks_exact_mut(rows).zip(samples.inputs.chunks_exact(n));
    for (to, from) in columns.chain([(y, samples.targets)]) {
        if group == 1 {
            // a copy of one number at a time would cost a call each
            to.iter_mut().zip(groups).for_each(|(to, g)| *to = from[*g as usize]);
            continue;
        }
        for (to, g) in to.chunks_exact_mut(group).zip(groups) {
            let start = *g as usize * group;
            to.copy_from_slice(&from[start..start + group]);
        }
    }
}

fn check(net: &Mlp, samples: Samples<'_>, recipe: &Minibatch) -> Result<()> {
    let rows = samples.targets.len();
    check_shape("training inputs", &[net.inputs() * rows], &[samples.inputs.len()])?;
    check_shape("network outputs", &[1], &[net.outputs()])?;
    if recipe.batch == 0 || recipe.group == 0 || rows == 0 || !rows.is_multiple_of(recipe.group) {
        return Err(Error::parameter(
            "batch",
            format!("{} groups of {} rows, of {rows} rows", recipe.batch, recipe.group),
            "at least one group, and whole groups",
            "the paper's batch is 64",
        ));
    }
    if u32::try_from(rows / recipe.group).is_err() {
        return Err(Error::parameter("rows", rows, "fewer than 2^32 groups of rows", "draw rows in larger groups"));
    }
    check_finite("training inputs", samples.inputs, None, "check the dataset")?;
    check_finite("training targets", samples.targets, None, "check the dataset")
}

fn check_state(net: &Mlp, recipe: &Minibatch, state: &TrainState) -> Result<()> {
    let n = net.parameters().len();
    for (what, v) in [("saved parameters", &state.parameters), ("saved moments", &state.m), ("saved moments", &state.v)]
    {
        check_shape(what, &[n], &[v.len()])?;
    }
    if state.seed != recipe.seed {
        let advice = "resume with the seed of the run that was stopped";
        return Err(Error::parameter("seed", recipe.seed, format!("{} as in the saved state", state.seed), advice));
    }
    Ok(())
}

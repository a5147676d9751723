//! What several seeds found: medians and worst cases.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    observer::Observer,
    pinn::Training,
    report::{Check, Timing},
    study::Context,
};

/// One figure over the seeds, in their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Score {
    pub(super) name: String,
    pub(super) values: Vec<f64>,
}

impl Score {
    pub(super) fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        if sorted[n - 1].is_nan() { f64::NAN } else { 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]) }
    }

    pub(super) fn worst(&self) -> f64 {
        // NaN is the worst of all
        self.values.iter().copied().max_by(f64::total_cmp).unwrap_or(f64::NAN)
    }
}

/// Figures by name, in the order in which they were first given.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Scores(pub(super) Vec<Score>);

impl Scores {
    pub(super) fn add(&mut self, name: &str, value: f64) {
        match self.0.iter_mut().find(|s| s.name == name) {
            Some(score) => score.values.push(value),
            None => self.0.push(Score { name: name.into(), values: vec![value] }),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Score> {
        self.0.iter().find(|s| s.name == name)
    }

    /// The medians under their names and the worst cases as `NAME_worst`.
    pub(super) fn checks(&self) -> Vec<Check> {
        let both = |s: &Score| {
            let worst = (s.values.len() > 1).then(|| Check::figure(&format!("{}_worst", s.name), s.worst()));
            std::iter::once(Check::figure(&s.name, s.median())).chain(worst)
        };
        self.0.iter().flat_map(both).collect()
    }
}

/// The error of one training as it went: iteration, seconds, relative errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub(super) struct Curve {
    pub(super) iterations: Vec<f64>,
    pub(super) seconds: Vec<f64>,
    /// `[kind][look]`
    pub(super) errors: Vec<Vec<f64>>,
}

/// A training and its curve under one name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Trained {
    pub(super) name: String,
    pub(super) seed: u64,
    pub(super) training: Training,
    pub(super) curve: Curve,
}

impl Trained {
    /// A row of the report's timings.
    pub(super) fn timing(&self) -> Timing {
        let w = self.training.work;
        let work = [
            ("iterations", self.training.iterations as u64),
            ("residuals", w.residuals),
            ("gradients", w.gradients),
            ("jacobians", w.jacobians),
            ("factorisations", w.factorisations),
        ];
        let seconds = self.curve.seconds.last().copied().unwrap_or(0.0);
        let work = work.into_iter().filter(|(_, n)| *n > 0).map(|(k, n)| (k.to_string(), n)).collect();
        Timing { name: format!("{}, seed {}", self.name, self.seed), seconds, work }
    }
}

/// Seconds of training that a kill may cost.
const SAVE_EVERY: f64 = 2.0;

/// What a training is given: the state to go on from, and whom to tell of every look.
pub(super) type Look<'a, F> = &'a mut dyn FnMut(&F, &Training) -> Result<()>;

/// Several networks train at once: each reports under its own name, with the error it has come to.
struct Named<'a> {
    stage: String,
    /// bits of the number
    error: AtomicU64,
    inner: &'a dyn Observer,
}

impl Observer for Named<'_> {
    fn progress(&self, _stage: &str, done: u64, total: u64, detail: &str) {
        let error = f64::from_bits(self.error.load(Ordering::Relaxed));
        self.inner.progress(&self.stage, done, total, &format!("{detail}, error {error:.1e}"));
    }

    fn interrupted(&self) -> bool {
        self.inner.interrupted()
    }

    fn note(&self, message: &str) {
        self.inner.note(message);
    }
}

/// Trains with a curve of errors, from a saved state if there is one, saving as it goes and when interrupted.
///
/// `run(resume, look, observer)` trains; `errors(field)` judges what it has so far, the first of them shown as it goes.
pub(super) fn trained<F>(
    context: &Context<'_>,
    name: &str,
    seed: u64,
    errors: &dyn Fn(&F) -> Vec<f64>,
    run: impl FnOnce(Option<Training>, Look<'_, F>, &dyn Observer) -> Result<(F, Training)>,
) -> Result<(F, Trained)> {
    let stage = format!("{name}-{seed}");
    let kept: Option<Trained> = context.load(&stage)?;
    let (resume, mut curve) = kept.map_or((None, Curve::default()), |k| (Some(k.training), k.curve));
    let before = curve.seconds.last().copied().unwrap_or(0.0);
    // judging and saving is not training
    let (started, mut aside) = (Instant::now(), 0.0);
    let (mut saved, mut unsaved) = (Instant::now(), None);
    // of many such as paper-chi-17 each reports as paper-chi
    let shown =
        name.rsplit_once('-').filter(|(_, k)| k.bytes().all(|b| b.is_ascii_digit())).map_or(name, |(all, _)| all);
    let named = Named { stage: format!("training {shown}-{seed}"), error: AtomicU64::new(0), inner: context.observer };
    let mut look = |field: &F, training: &Training| {
        let paused = Instant::now();
        curve.iterations.push(training.iterations as f64);
        curve.seconds.push(before + started.elapsed().as_secs_f64() - aside);
        let found = errors(field);
        named.error.store(found.first().copied().unwrap_or(f64::NAN).to_bits(), Ordering::Relaxed);
        curve.errors.resize(found.len(), vec![]);
        curve.errors.iter_mut().zip(found).for_each(|(all, e)| all.push(e));
        let trained = Trained { name: name.into(), seed, training: training.clone(), curve: curve.clone() };
        // a file for every look of a short training costs more than the training
        if training.stopped.is_some() || saved.elapsed().as_secs_f64() > SAVE_EVERY {
            context.save(&stage, &trained)?;
            (saved, unsaved) = (Instant::now(), None);
        } else {
            unsaved = Some(trained);
        }
        aside += paused.elapsed().as_secs_f64();
        Ok(())
    };
    let done = run(resume, &mut look, &named);
    if let (Err(crate::Error::Interrupted { .. }), Some(trained)) = (&done, &unsaved) {
        context.save(&stage, trained)?;
    }
    let (field, training) = done?;
    Ok((field, Trained { name: name.into(), seed, training, curve }))
}

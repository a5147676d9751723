//! A study of any kind, as a file holds it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    BoundConfig, Context, LatticeStudyConfig, LawConfig, NeuralStudyConfig, Outcome, StudyConfig, check, lattice,
    neural, run,
};
use crate::{Error, Result};

/// A study of any kind; a file with the key `lattice` is one of a lattice, one with `equation` of a neural homogenization.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum AnyStudy {
    /// of an oscillating coefficient on a line
    Line(Box<StudyConfig>),
    /// of a periodic lattice in the plane
    Lattice(Box<LatticeStudyConfig>),
    /// of a multiscale boundary-value problem by networks
    Neural(Box<NeuralStudyConfig>),
}

impl AnyStudy {
    /// The study's name.
    pub fn name(&self) -> &str {
        match self {
            AnyStudy::Line(c) => &c.study,
            AnyStudy::Lattice(c) => &c.study,
            AnyStudy::Neural(c) => &c.study,
        }
    }

    /// Heading of its page.
    pub fn title(&self) -> &str {
        match self {
            AnyStudy::Line(c) => &c.title,
            AnyStudy::Lattice(c) => &c.title,
            AnyStudy::Neural(c) => &c.title,
        }
    }

    /// The one seed of everything random.
    pub fn seed(&self) -> u64 {
        match self {
            AnyStudy::Line(c) => c.seed,
            AnyStudy::Lattice(c) => c.seed,
            AnyStudy::Neural(c) => c.seed,
        }
    }

    /// Replaces the seed.
    pub fn set_seed(&mut self, seed: u64) {
        match self {
            AnyStudy::Line(c) => c.seed = seed,
            AnyStudy::Lattice(c) => c.seed = seed,
            AnyStudy::Neural(c) => c.seed = seed,
        }
    }

    /// The laws to fit.
    pub fn laws(&self) -> &[LawConfig] {
        match self {
            AnyStudy::Line(c) => &c.laws,
            AnyStudy::Lattice(c) => &c.laws,
            AnyStudy::Neural(_) => &[],
        }
    }

    /// Bounds on checks, by name.
    pub fn bounds(&self) -> &BTreeMap<String, BoundConfig> {
        match self {
            AnyStudy::Line(c) => &c.checks,
            AnyStudy::Lattice(c) => &c.checks,
            AnyStudy::Neural(c) => &c.checks,
        }
    }

    /// What can be said against it before anything is computed.
    ///
    /// # Errors
    /// As [`check()`].
    pub fn check(&self) -> Result<()> {
        let all = serde_json::to_value(self).unwrap_or_default();
        check_sizes(&all, "")?;
        match self {
            AnyStudy::Line(c) => check(c),
            AnyStudy::Lattice(c) => lattice::check(c),
            AnyStudy::Neural(c) => neural::check(c),
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// As [`run()`].
    pub fn run(&self, context: &Context<'_>) -> Result<Outcome> {
        match self {
            AnyStudy::Line(c) => run(c, context),
            AnyStudy::Lattice(c) => lattice::run(c, context),
            AnyStudy::Neural(c) => neural::run(c, context),
        }
    }
}

/// No count of anything is larger than this: past it lie slips of the keyboard and products that overflow.
const LARGEST_COUNT: i64 = 1_000_000_000;

/// Whole numbers that are no seeds.
fn check_sizes(value: &serde_json::Value, path: &str) -> Result<()> {
    let below = |name: &str| if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
    match value {
        serde_json::Value::Object(table) => {
            table.iter().filter(|(key, _)| *key != "seed").try_for_each(|(key, one)| check_sizes(one, &below(key)))
        }
        serde_json::Value::Array(list) => {
            list.iter().enumerate().try_for_each(|(k, one)| check_sizes(one, &below(&k.to_string())))
        }
        serde_json::Value::Number(n) if n.is_u64() && n.as_i64().is_none_or(|n| n > LARGEST_COUNT) => {
            let message = format!("found {n}; expected at most {LARGEST_COUNT}");
            Err(Error::Config { path: path.into(), message })
        }
        _ => Ok(()),
    }
}

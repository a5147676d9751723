//! A study of any kind, as a file holds it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    BoundConfig, Context, LatticeStudyConfig, LawConfig, NeuralStudyConfig, Outcome, StudyConfig, check, lattice,
    neural, run,
};
use crate::Result;

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

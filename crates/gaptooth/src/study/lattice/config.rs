//! What a study file of a lattice may say.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::super::config::{BoundConfig, LawConfig, TrajectoriesConfig};
use crate::{
    Result,
    closure::MultiIndex,
    coefficient::lattice::{Bond, BondLattice},
};

/// The microscale problem: a periodic lattice of bonds on a doubly periodic square (eq. 25).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatticeConfig {
    /// the interval [a, b] of both directions
    #[serde(default = "circle")]
    pub domain: [f64; 2],
    /// conductances of the bonds along x, `[x][y]` over one period
    pub kx: Vec<Vec<f64>>,
    /// conductances of the bonds along y, `[x][y]`
    pub ky: Vec<Vec<f64>>,
    /// whether an entry is the bond to the left or to the right of its point
    pub bond: Bond,
    /// coefficients of u_xx, u_xy and u_yy in the published homogenized equation, to be compared
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<[f64; 3]>,
}

fn circle() -> [f64; 2] {
    [0.0, TAU]
}

impl LatticeConfig {
    /// The lattice.
    ///
    /// # Errors
    /// As [`BondLattice::new`], and for rows of different lengths.
    pub fn lattice(&self) -> Result<BondLattice<2>> {
        let periods = [self.kx.len(), self.kx.first().map_or(0, Vec::len)];
        let ragged = |table: &[Vec<f64>]| table.len() != periods[0] || table.iter().any(|row| row.len() != periods[1]);
        for (name, table) in [("kx", &self.kx), ("ky", &self.ky)] {
            if ragged(table) {
                let lengths: Vec<usize> = table.iter().map(Vec::len).collect();
                let message =
                    format!("found rows of {lengths:?} entries; expected {} rows of {}", periods[0], periods[1]);
                return Err(crate::Error::Config { path: format!("lattice.{name}"), message });
            }
        }
        for (name, table) in [("kx", &self.kx), ("ky", &self.ky)] {
            if let Some(c) = table.iter().flatten().find(|c| !(c.is_finite() && **c > 0.0)) {
                let message = format!("found {c}; expected conductances that are positive and finite");
                return Err(crate::Error::Config { path: format!("lattice.{name}"), message });
            }
        }
        BondLattice::new(periods, [self.kx.concat(), self.ky.concat()], self.bond)
    }

    /// Length of the square's side.
    pub fn length(&self) -> f64 {
        self.domain[1] - self.domain[0]
    }
}

/// Random initial states Σ_j a_j sin(2π l_j x/L + φ_j) sin(2π m_j y/L + ψ_j) (eq. 28).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InitialConfig {
    /// terms of a sum
    pub terms: usize,
    /// wave numbers are 1 … highest
    pub highest: usize,
}

impl Default for InitialConfig {
    fn default() -> Self {
        InitialConfig { terms: 10, highest: 5 }
    }
}

/// One gap-tooth experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatticePatchesConfig {
    /// name, used by laws, files and checks
    pub name: String,
    /// patches along each direction
    pub patches: usize,
    /// interior points of a patch along each direction
    pub interior: usize,
    /// width of a patch, the interior points, over the distance of patches
    pub ratio: f64,
    /// time of the first record; 0 keeps the initial states, which have not healed onto the slow manifold
    pub from: f64,
}

/// A study of a lattice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatticeStudyConfig {
    /// the study's name
    pub study: String,
    /// heading of the page
    #[serde(default)]
    pub title: String,
    /// a paragraph of explanation
    #[serde(default)]
    pub summary: String,
    /// the one seed of everything random
    pub seed: u64,
    /// the microscale problem
    pub lattice: LatticeConfig,
    /// the trajectories
    pub trajectories: TrajectoriesConfig,
    /// their initial states
    #[serde(default)]
    pub initial: InitialConfig,
    /// time to which every law must stay bounded; the trajectories' end at least
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon: Option<f64>,
    /// gap-tooth experiments; the first is the main one, which judges all laws
    pub patches: Vec<LatticePatchesConfig>,
    /// laws to fit
    #[serde(default)]
    pub laws: Vec<LawConfig>,
    /// bounds on checks, by name
    #[serde(default)]
    pub checks: std::collections::BTreeMap<String, BoundConfig>,
}

/// u_xx, u_xy and u_yy.
pub(super) fn second_derivatives() -> Vec<MultiIndex> {
    MultiIndex::of_order(2, 2)
}

//! A study = problem + method + checks → report: patches gather data, laws are learned, the homogenized truth judges them.
//!
//! Writes no files: the [`Outcome`] holds the datasets, the models and the report, and adapters write them. What takes
//! long is handed to a [`Store`] as it goes, so that a run that was stopped can go on.

mod any;
mod builtin;
mod check;
mod config;
mod figures;
mod lattice;
mod laws;
mod learning;
mod neural;
mod patches;
mod problem;
mod resolved;
mod run;
mod tables;
mod verdict;

pub use any::AnyStudy;
pub use builtin::{BUILTIN, builtin};
pub use check::{check, check_patches};
pub use config::*;
pub use lattice::{
    InitialConfig, LatticeConfig, LatticeExperiment, LatticePatchesConfig, LatticeStudyConfig, gather_lattice,
};
pub use laws::{FittedLaw, fit_law};
pub use learning::{LawChoice, LawForm, fit_and_judge, held_out_by_default, learning_fingerprint};
pub use neural::{
    AdamRecipe, DirectConfig, DirectRecipe, EquationConfig, NetRecipe, NeuralStudyConfig, OursConfig, PaperConfig,
    Recipe, ReferenceConfig,
};
pub use patches::{PatchExperiment, gather};
pub use problem::Problem;
pub use run::run;

use crate::{
    Result,
    closure::{AnyClosure, Dataset, Tensor},
    observer::Observer,
    report::Report,
    store::Store,
    team::Team,
};

/// What a run is given from outside.
pub struct Context<'a> {
    /// hears progress, asks for interruption
    pub observer: &'a dyn Observer,
    /// keeps the states of long computations; of a team's first process
    pub store: Option<&'a dyn Store>,
    /// who gathers data together
    pub team: &'a dyn Team,
}

impl Context<'_> {
    /// The saved state of `stage`; one that does not read counts as none.
    fn load<T: serde::de::DeserializeOwned>(&self, stage: &str) -> Result<Option<T>> {
        let Some(store) = self.store else { return Ok(None) };
        Ok(store.load(stage)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// What the team's first process has saved, at every process.
    fn load_together<T: serde::de::DeserializeOwned>(&self, stage: &str) -> Result<Option<T>> {
        if self.team.size() == 1 {
            return self.load(stage);
        }
        Ok(serde_json::from_slice(&self.bytes_together(stage)?).ok())
    }

    /// The same in bytes; none if there is nothing.
    fn bytes_together(&self, stage: &str) -> Result<Vec<u8>> {
        let own = match self.store.filter(|_| self.team.rank() == 0) {
            Some(store) => store.load(stage)?.unwrap_or_default(),
            None => vec![],
        };
        Ok(self.team.exchange(&own)?.swap_remove(0))
    }

    fn save<T: serde::Serialize>(&self, stage: &str, value: &T) -> Result<()> {
        let Some(store) = self.store else { return Ok(()) };
        serde_json::to_vec(value).map_or(Ok(()), |bytes| store.save(stage, &[&bytes]))
    }

    /// Whether what grows is worth saving now.
    fn is_due(&self) -> bool {
        self.store.is_some_and(Store::is_due)
    }
}

/// Everything a run found.
pub struct Outcome {
    /// the verdict, with the data of its figures
    pub report: Report,
    /// datasets by name
    pub datasets: Vec<(String, Dataset)>,
    /// fitted laws by name
    pub models: Vec<(String, AnyClosure)>,
    /// solutions, correctors and coefficients by name
    pub fields: Vec<(String, Fields)>,
    /// trained networks by name
    pub networks: Vec<(String, Network)>,
}

/// Functions on a grid.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    /// name and values of each coordinate
    pub coordinates: Vec<(String, Vec<f64>)>,
    /// the functions
    pub arrays: Vec<FieldArray>,
}

/// One function of some of the coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldArray {
    /// its name
    pub name: String,
    /// names of its coordinates, outermost first
    pub dims: Vec<String>,
    /// its values, the last coordinate fastest
    pub data: Vec<f64>,
    /// what it is, in words
    pub long_name: String,
}

/// A trained network: name, shape and values of its tensors, and what its inputs and outputs are.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// weights and biases, and coefficients of known functions beside the network
    pub tensors: Vec<Tensor>,
    /// activation, inputs and meaning
    pub card: serde_json::Value,
}

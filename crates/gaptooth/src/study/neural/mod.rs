//! Studies of neural homogenization (Leung, Lin & Zhang 2022): cell problems, coefficients and the homogenized equation by networks,
//! judged by converged finite elements.

mod adam;
mod check;
mod config;
mod direct;
mod elliptic;
mod elliptic_nets;
mod figures;
mod files;
mod paper;
mod paper_reaction;
mod paper_slow;
mod reaction;
mod run;
mod scores;
mod tables;

pub use config::{
    AdamRecipe, DirectConfig, DirectRecipe, EquationConfig, NetRecipe, NeuralStudyConfig, OursConfig, PaperConfig,
    Recipe, ReferenceConfig,
};

pub(in crate::study) use check::check;
pub(in crate::study) use run::run;

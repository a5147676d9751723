//! Studies of a periodic lattice in the plane: gap-tooth patches gather data, laws are learned, the gap-tooth itself, the exact
//! homogenized equation and the published one judge them (Arbabi et al. 2020, §5.2).

mod check;
mod config;
mod figures;
mod gather;
mod run;
mod tables;
mod verdict;

pub(super) use check::check;
pub use config::{InitialConfig, LatticeConfig, LatticePatchesConfig, LatticeStudyConfig};
pub use gather::{LatticeExperiment, gather_lattice};
pub(super) use run::run;

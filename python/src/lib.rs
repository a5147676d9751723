//! The Python package's engine: converts arrays, calls the library, maps its errors. No numerics.

mod callback;
mod effective;
mod error;
mod gap_tooth;
mod job;
mod learn;

mod patch_dynamics;
mod patch_grid;
mod study;

use pyo3::prelude::*;

/// What `import gaptooth` is built on; people use the package, not this.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::effective::{effective_formula, effective_image, image_memory, mixture_bounds};
    #[pymodule_export]
    use super::error::GaptoothError;
    #[pymodule_export]
    use super::gap_tooth::{GapTooth, patch_means};
    #[pymodule_export]
    use super::job::forked;
    #[pymodule_export]
    use super::learn::{Data, Law, learn, load_law};
    #[pymodule_export]
    use super::patch_dynamics::PatchDynamics;
    #[pymodule_export]
    use super::patch_grid::Patches;
    #[pymodule_export]
    use super::study::{run_study, studies};

    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = gaptooth::VERSION;
}

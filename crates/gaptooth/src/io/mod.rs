//! Files: studies, zarr datasets, safetensors models, voxel images, VTK, a run's directory. The only room, with `plot`, that
//! touches a disk.
//!
//! Everything is written whole or not at all ([`atomic`]): a reader never meets half a file, and a run that is stopped
//! or runs out of disk leaves what was there before.

pub mod atomic;
pub mod checkpoint;
pub mod closure;
pub mod dataset;
pub mod image_file;
pub mod outcome;
pub mod run_directory;
pub mod safetensors;
pub mod source;
pub mod vtk;
pub mod zarr;

pub use checkpoint::{Checkpoints, Occasional};
pub use closure::{load_closure, save_closure};
pub use dataset::{dataset_from, read_dataset, states_from, write_dataset, write_fields};
pub use image_file::read_image;
pub use outcome::write_outcome;
pub use run_directory::RunDirectory;
pub use safetensors::{Model, NamedTensor, load_model, save_model};
pub use source::{Place, Refusal, Setting, Source, effective_text};
pub use vtk::{CellArray, VtkImage, write_vti};
pub use zarr::{ArrayGroup, NamedArray, read_group, write_group};

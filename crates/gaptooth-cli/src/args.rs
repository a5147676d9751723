//! What may be typed, as plain values.

use std::path::PathBuf;

use clap::{Args as ArgGroup, Parser, Subcommand, ValueEnum};

/// From the microscale model to the macroscopic law.
#[derive(Debug, Parser)]
#[command(name = "gaptooth", version, about, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Threads [default: all cores]; the numbers do not depend on it
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the built-in studies, a line each
    Studies,
    /// Run a study: patches gather data, laws are learned, the homogenized truth judges them
    Run(RunArgs),
    /// The effective coefficient of a cell problem
    Effective(EffectiveArgs),
    /// Run only the patch experiments of a study file: datasets, and no truth needed
    Simulate(RunArgs),
    /// Run a study for every combination of some settings: a table, a figure, one line of CSV a point
    Sweep(SweepArgs),
    /// Learn a law from a dataset
    Learn(LearnArgs),
    /// Integrate a learned law from the dataset's initial states
    Predict(PredictArgs),
    /// Build figures and page again from what a run wrote
    Report(ReportArgs),
    /// The JSON Schema of study files
    Schema,
}

/// `run` and `simulate`
#[derive(Debug, ArgGroup)]
pub(crate) struct RunArgs {
    /// A built-in study's name (see `gaptooth studies`) or a TOML file
    pub(crate) study: String,
    /// Where results go [default: runs/NAME, for `simulate` runs/NAME-simulated]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) how: HowArgs,
}

/// How studies are run, by any command
#[derive(Debug, ArgGroup)]
pub(crate) struct HowArgs {
    /// The one seed of everything random, in place of the study's
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub(crate) seed: Option<u64>,
    /// Change a key of the study: `laws.best.points=7`, `laws.*.epochs=4`, `patches.0.step=1e-4`, `problem.epsilon=1e-3`
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// Go on from where a run or a sweep into the same directory was stopped
    #[arg(long)]
    pub(crate) resume: bool,
    /// Print the report as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// `sweep`
#[derive(Debug, ArgGroup)]
pub(crate) struct SweepArgs {
    /// A built-in study's name (see `gaptooth studies`) or a TOML file; or images (npy, png, tiff), whose effective tensors are found
    #[arg(required = true, value_name = "STUDY|IMAGE")]
    pub(crate) subjects: Vec<String>,
    /// A key of the study and its values: `problem.epsilon=1e-3,1e-4`; repeat for more keys, every combination is a point
    #[arg(long, value_name = "PATH=V,V…", allow_hyphen_values = true)]
    pub(crate) vary: Vec<String>,
    /// Conductivities of the images' labels, as in `gaptooth effective`; repeat to take every image with each
    #[arg(long, value_name = "L=V,…", allow_hyphen_values = true)]
    pub(crate) map: Vec<String>,
    /// Edges of the images' voxels along x, y and z [default: 1]
    #[arg(long, value_name = "DX,DY,DZ")]
    pub(crate) voxel_size: Option<String>,
    /// What holds at the images' faces [default: periodic]
    #[arg(long, value_enum)]
    pub(crate) conditions: Option<Conditions>,
    /// Relative tolerance of images [default: 1e-10]
    #[arg(long, value_name = "T")]
    pub(crate) tolerance: Option<f64>,
    /// Bounds on the tensors of images, too
    #[arg(long)]
    pub(crate) bounds: bool,
    /// Where results go: sweep.csv, report.html and, of a study, a run's directory for each point [default: runs/NAME-sweep]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) how: HowArgs,
}

/// `effective`
#[derive(Debug, Default, ArgGroup)]
pub(crate) struct EffectiveArgs {
    /// Dimensions, 1 to 3 [default: 1; of a tensor or a lattice as many as it has]
    #[arg(long, value_name = "D")]
    pub(crate) dim: Option<u8>,
    /// The coefficient a(y), y in [0, 1): `1.1 + sin(2*pi*y)`, or a(y1, y2): `2 + sin(2*pi*y1)*cos(2*pi*y2)`; may also depend on
    /// x, see --slow
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub(crate) coefficient: Option<String>,
    /// Slow points at which the coefficient is taken: `x=0.5`, or several: `x=0.1,x=0.2`
    #[arg(long, value_name = "x=V,…", allow_hyphen_values = true)]
    pub(crate) slow: Vec<String>,
    /// quadrature (default in one dimension), fem (one dimension), fft (smooth coefficients; default in two and three) or neural; of an
    /// image multigrid (default) or fft
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<String>,
    /// Relative tolerance [default: 1e-12; of an image 1e-10]
    #[arg(long, value_name = "T")]
    pub(crate) tolerance: Option<f64>,
    /// Add a lower and an upper bound, from finite elements or by fft
    #[arg(long)]
    pub(crate) bounds: bool,
    /// Points per axis in place of refinement (with --method fem: a fixed mesh of that many nodes)
    #[arg(long, value_name = "N[,N,N]")]
    pub(crate) resolution: Option<String>,
    /// A symmetric tensor of expressions, `[[2, 0.1*sin(2*pi*y1)], [0.1*sin(2*pi*y1), 1]]`
    #[arg(long, value_name = "[[E,E],[E,E]]", allow_hyphen_values = true)]
    pub(crate) tensor: Option<String>,
    /// A periodic lattice: kx, ky, kz as nested lists [x][y][z], and bond = "right" or "left"
    /// (entry j lies right or left of point j)
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) lattice: Option<PathBuf>,
    /// An image of the microstructure, a cell that repeats: npy ([x][y] or [x][y][z]), png, or a TIFF stack (pages, rows, columns
    /// are z, y, x)
    #[arg(long, value_name = "FILE")]
    pub(crate) image: Option<PathBuf>,
    /// Conductivities of the image's labels: `0=1.0,255=0`; `*=V` for all others. An npy of floats without a map holds conductivities
    #[arg(long, value_name = "L=V,…", allow_hyphen_values = true)]
    pub(crate) map: Option<String>,
    /// Edges of the image's voxels along x, y and z [default: 1]
    #[arg(long, value_name = "DX,DY,DZ")]
    pub(crate) voxel_size: Option<String>,
    /// What holds at the image's faces: `periodic` (it is a cell that repeats) or `faces` (a sample between two plates: given
    /// potentials on the two faces across each axis, no flux through the others)
    #[arg(long, value_enum)]
    pub(crate) conditions: Option<Conditions>,
    /// A part of the image, voxels counted from 0, the end not in it: `0:64,0:64,10:74`; `:` is all of an axis
    #[arg(long, value_name = "A:B,A:B,A:B")]
    pub(crate) part: Option<String>,
    /// Cubes of these edges (voxels) cut from the image side by side, each with its bounds, into subvolumes.csv and a plot of
    /// the interval against size: how large a part stands for the whole
    #[arg(long, value_name = "N,N…", conflicts_with = "refine")]
    pub(crate) batch: Option<String>,
    /// The image with each voxel's edges cut into so many parts, with bounds, into refinement.csv and a plot: what the voxels leave open
    #[arg(long, value_name = "K,K…")]
    pub(crate) refine: Option<String>,
    /// Where correctors and fluxes of an image go (fields.vti for ParaView, data/fields.zarr), or the results of --batch or --refine
    /// [default: no fields; runs/IMAGE-batch; runs/IMAGE-refined]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Where what is solved of a large image is kept until it is done, about 90 bytes a voxel at most [default: with --out, beside the results]
    #[arg(long, value_name = "DIR")]
    pub(crate) checkpoints: Option<PathBuf>,
    /// Go on from where the computation of an image into the same directory was stopped
    #[arg(long)]
    pub(crate) resume: bool,
    /// Seed of the networks of --method neural
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

impl EffectiveArgs {
    /// Asked for, or the default.
    pub(crate) fn tolerance(&self) -> f64 {
        self.tolerance.unwrap_or(if self.image.is_some() { 1e-10 } else { 1e-12 })
    }
}

/// Conditions at the faces of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Conditions {
    /// The image is a cell that repeats
    Periodic,
    /// The image is a sample between two plates
    Faces,
}

/// The kinds of law that `learn` fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClosureKind {
    /// F(u, u_x, u_xx) by the paper's network
    Functional,
    /// G(u_{j-1}, u_j, u_{j+1}) by the paper's network
    Discretized,
    /// Linear least squares on the stencil's values
    Stencil,
    /// Derivatives chosen by held-out trajectories, relative least squares
    Derivatives,
    /// Named terms, products among them if asked for, chosen one by one by held-out trajectories, with standard errors
    Symbolic,
}

/// `learn`
#[derive(Debug, ArgGroup)]
pub(crate) struct LearnArgs {
    /// A dataset: a zarr directory
    pub(crate) dataset: PathBuf,
    /// The kind of law
    #[arg(long, value_enum, default_value_t = ClosureKind::Derivatives)]
    pub(crate) closure: ClosureKind,
    /// Points of the stencils along an axis, odd [default: 3 for stencil; for derivatives Fourier transforms on a periodic grid,
    /// else 9, fewer on a small grid]
    #[arg(long, value_name = "N")]
    pub(crate) points: Option<usize>,
    /// A set of derivative orders to choose from, `2,4`; repeat for more sets [default: five sets up to order 6]
    #[arg(long, value_name = "K,K…")]
    pub(crate) orders: Vec<String>,
    /// Highest total order of derivative among a symbolic law's candidates [default: 6, lower on a small bounded grid]
    #[arg(long, value_name = "K")]
    pub(crate) highest: Option<usize>,
    /// Offer a symbolic law products, too: u², u u_x, u_x² …
    #[arg(long)]
    pub(crate) products: bool,
    /// Offer a symbolic law only terms that keep the mean of u
    #[arg(long)]
    pub(crate) conserving: bool,
    /// Passes over the data, for networks
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub(crate) epochs: usize,
    /// Seed of the networks
    #[arg(long, value_name = "N", default_value_t = 2020)]
    pub(crate) seed: u64,
    /// Trajectories kept out of the fit, to judge it [default: a fifth of them]
    #[arg(long, value_name = "N")]
    pub(crate) held_out: Option<usize>,
    /// Name of the model's file [default: DATASET-CLOSURE]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Where `models/NAME.safetensors` goes [default: runs/DATASET-learned]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on from where the training of a network into the same directory was stopped
    #[arg(long)]
    pub(crate) resume: bool,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// `predict`
#[derive(Debug, ArgGroup)]
pub(crate) struct PredictArgs {
    /// A model: `….safetensors`
    pub(crate) model: PathBuf,
    /// A dataset: its initial states and times are taken, and the prediction is compared with it
    pub(crate) dataset: PathBuf,
    /// Where `data/NAME.zarr` goes [default: runs/MODEL-predicted]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// `report`
#[derive(Debug, ArgGroup)]
pub(crate) struct ReportArgs {
    /// The directory of a run
    pub(crate) directory: PathBuf,
    /// Print the report as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

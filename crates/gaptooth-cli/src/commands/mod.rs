//! One file a command: plain values in, library calls, results out.

mod effective;
pub(crate) mod lattice;
mod learn;
mod predict;
mod report;
mod run;
mod schema;
mod simulate;
mod studies;
mod sweep;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gaptooth::{
    Error,
    closure::Dataset,
    io::{RunDirectory, read_dataset},
    team::Team,
};

use crate::args::{Args, Command};
use crate::failure::{Failure, WRONG_INPUT};

/// Runs one command; the code is 0, or 1 when a check did not pass.
pub(crate) fn dispatch(args: &Args, team: &dyn Team) -> Result<ExitCode, Failure> {
    use_threads(args.threads)?;
    match &args.command {
        Command::Run(args) => run::run(args, team),
        Command::Simulate(args) => simulate::simulate(args, team),
        Command::Sweep(args) => sweep::sweep(args, team),
        // what is not shared is done once
        _ if team.rank() > 0 => Ok(ExitCode::SUCCESS),
        Command::Studies => studies::studies(),
        Command::Effective(args) => effective::effective(args),
        Command::Learn(args) => learn::learn(args),
        Command::Predict(args) => predict::predict(args),
        Command::Report(args) => report::report(args),
        Command::Schema => schema::schema(),
    }
}

/// The directory for results, found writable before anything is computed.
pub(crate) fn output_directory(path: &Path) -> Result<RunDirectory, Failure> {
    let refuse = |error: Error| Failure { code: WRONG_INPUT, ..Failure::from(error) };
    let advice = "choose another directory with --out, or move what is in the way";
    if let Some(file) = RunDirectory::in_the_way(path) {
        let message = format!("{} is a file where a folder of results goes", file.display());
        return Err(Failure::wrong_input(message).help(advice));
    }
    RunDirectory::create(path).map_err(|e| refuse(e).help(advice))
}

/// `runs/STEM` + `ending` for a file `….EXT`
fn default_directory(file: &Path, ending: &str) -> PathBuf {
    Path::new("runs").join(format!("{}{ending}", stem(file)))
}

/// The file's name without its folder and ending.
fn stem(file: &Path) -> String {
    file.file_stem().map_or_else(|| "unnamed".into(), |s| s.to_string_lossy().into_owned())
}

/// A dataset that the user names: whatever is wrong with it is wrong input.
fn dataset(path: &Path) -> Result<Dataset, Failure> {
    read_dataset(path).map_err(|e| Failure { code: WRONG_INPUT, ..Failure::from(e) })
}

/// As many threads as asked for; 0 is not.
fn use_threads(threads: Option<u16>) -> Result<(), Failure> {
    let Some(n) = threads else { return Ok(()) };
    rayon::ThreadPoolBuilder::new()
        .num_threads(usize::from(n))
        .build_global()
        .map_err(|e| Failure::failed(format!("cannot start {n} threads: {e}")))
}

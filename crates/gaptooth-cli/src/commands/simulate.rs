//! `gaptooth simulate`

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use gaptooth::{
    VERSION,
    closure::{Amplitudes, Dataset, SineSum},
    io::{RunDirectory, effective_text, write_dataset},
    observer::Silent,
    study::{self, AnyStudy, Context, LatticeExperiment, PatchExperiment, Problem, StudyConfig},
    team::Team,
};
use serde_json::{Value, json};

use super::{output_directory, run};
use crate::{
    args::RunArgs,
    config::{self, Study},
    failure::Failure,
    interrupt, output,
    progress::Terminal,
};

/// Runs only the patch experiments, of models without a truth too.
pub(super) fn simulate(args: &RunArgs, team: &dyn Team) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let study = config::load(&args.study, &args.how.set, args.how.seed)?;
    if let AnyStudy::Neural(config) = &study.config {
        return Err(Failure::wrong_input(format!("{} has no patches to simulate", config.study))
            .help("a neural homogenization is run as a whole: gaptooth run"));
    }
    let checked = match &study.config {
        AnyStudy::Line(config) => study::check_patches(config),
        AnyStudy::Lattice(_) | AnyStudy::Neural(_) => study.config.check(),
    };
    checked.map_err(|e| study.explain(e))?;
    let text = effective_text(&study.config)?;
    if team.rank() > 0 {
        gather(&study, &Context { observer: &Silent, store: None, team })?;
        return Ok(ExitCode::SUCCESS);
    }
    let name = study.config.name();
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(format!("{name}-simulated")));
    let directory = output_directory(&out)?;
    let store = run::store(&directory, &format!("simulate\n{text}"), args.how.resume)?;
    let terminal = Terminal::new();
    interrupt::listen(&terminal, true)?;
    let experiments = gather(&study, &Context { observer: &*terminal, store: Some(&store), team });
    terminal.finish();
    let experiments = experiments?;
    directory.replace(|beside| {
        beside.write("run.toml", text.as_bytes())?;
        experiments.iter().try_for_each(|e| write_dataset(&beside.dataset(&e.name), &e.data))
    })?;
    store.clear()?;
    let datasets: Vec<Value> = experiments.iter().map(|e| summary(e, &directory)).collect();
    for experiment in &experiments {
        output::say(&sentence(experiment, &directory));
    }
    if args.how.json {
        let (study, seed) = (study.config.name(), study.config.seed());
        let files: Vec<&Value> = datasets.iter().map(|d| &d["file"]).chain([&Value::Null]).collect();
        let files: Vec<Value> =
            files.into_iter().filter(|f| f.is_string()).cloned().chain([json!("run.toml")]).collect();
        output::json(&json!({
            "study": study, "version": VERSION, "seed": seed, "threads": rayon::current_num_threads(),
            "wall_seconds": started.elapsed().as_secs_f64(), "datasets": datasets, "files": files,
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A dataset and what there is to say of it.
pub(super) struct Gathered {
    name: String,
    data: Dataset,
    seconds: f64,
    /// how it was simulated
    path: String,
    /// more for `--json`
    details: Value,
}

pub(super) fn gather(study: &Study, context: &Context<'_>) -> Result<Vec<Gathered>, Failure> {
    let gathered = match &study.config {
        AnyStudy::Line(config) => gather_line(config, context),
        AnyStudy::Lattice(config) => {
            config.patches.iter().map(|p| study::gather_lattice(config, p, context).map(of_lattice)).collect()
        }
        AnyStudy::Neural(_) => Ok(vec![]),
    };
    gathered.map_err(|e| study.explain(e))
}

fn gather_line(config: &StudyConfig, context: &Context<'_>) -> gaptooth::Result<Vec<Gathered>> {
    let problem = Problem::new(&config.problem)?;
    let count = (config.trajectories.train + config.trajectories.test) as u64;
    let states: Vec<SineSum> = (0..count).map(|k| SineSum::random(config.seed, k, Amplitudes::Paper)).collect();
    let one = |patches| study::gather(&problem, &config.trajectories, patches, &states, context);
    config.patches.iter().map(|patches| one(patches).map(of_line)).collect()
}

fn of_line(experiment: PatchExperiment) -> Gathered {
    let path = experiment.estimator.path();
    Gathered {
        details: json!({
            "micro_path": path, "bursts": experiment.bursts,
            "space_fraction": experiment.space_fraction, "time_fraction": experiment.time_fraction,
        }),
        path: format!("{} bursts by the {path} path", experiment.bursts),
        name: experiment.config.name,
        data: experiment.data,
        seconds: experiment.seconds,
    }
}

fn of_lattice(experiment: LatticeExperiment) -> Gathered {
    Gathered {
        details: json!({"micro_path": "exact", "space_fraction": experiment.system.grid().space_fraction()}),
        path: "the exact flow of the patches".into(),
        name: experiment.config.name,
        data: experiment.data,
        seconds: experiment.seconds,
    }
}

fn summary(gathered: &Gathered, directory: &RunDirectory) -> Value {
    let data = &gathered.data;
    let range = |v: &[f64]| v.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |r, &x| [r[0].min(x), r[1].max(x)]);
    let file = format!("data/{}.zarr", gathered.name);
    debug_assert!(directory.path(&file) == directory.dataset(&gathered.name));
    let mut summary = json!({
        "name": gathered.name, "file": file, "trajectories": data.trajectories(), "times": data.times.len(),
        "points": data.grid.len(), "u_range": range(&data.u), "u_t_range": range(&data.u_t), "seconds": gathered.seconds,
    });
    if let (Some(summary), Some(details)) = (summary.as_object_mut(), gathered.details.as_object()) {
        summary.extend(details.clone());
    }
    summary
}

fn sentence(gathered: &Gathered, directory: &RunDirectory) -> String {
    let data = &gathered.data;
    format!(
        "{}: {} trajectories × {} times × {} points, {} in {:.1} s",
        directory.dataset(&gathered.name).display(),
        data.trajectories(),
        data.times.len(),
        data.grid.len(),
        gathered.path,
        gathered.seconds
    )
}

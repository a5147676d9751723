//! `gaptooth simulate`

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use gaptooth::{
    VERSION,
    closure::{Amplitudes, SineSum},
    io::{RunDirectory, write_dataset},
    study::{self, Context, PatchExperiment, Problem, StudyConfig},
};
use serde_json::{Value, json};

use super::{output_directory, use_threads};
use crate::{
    args::RunArgs,
    config::{self, Study, effective_text},
    failure::Failure,
    interrupt, output,
    progress::Terminal,
    store::CheckpointStore,
};

/// Runs only the patch experiments, of models without a truth too.
pub(super) fn simulate(args: &RunArgs) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let study = config::load(&args.study, &args.set, args.seed)?;
    study::check_patches(&study.config).map_err(|e| study.explain(e))?;
    let text = effective_text(&study.config)?;
    use_threads(args.threads)?;
    let name = &study.config.study;
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(format!("{name}-simulated")));
    let directory = output_directory(&out)?;
    let store = CheckpointStore(directory.checkpoints(format!("{VERSION} simulate\n{text}")));
    if !args.resume {
        store.0.clear()?;
    }
    let terminal = Terminal::new();
    interrupt::listen(&terminal, true)?;
    let experiments = gather(&study, &Context { observer: &*terminal, store: Some(&store) });
    terminal.finish();
    let experiments = experiments?;
    directory.write("run.toml", text.as_bytes())?;
    for experiment in &experiments {
        write_dataset(&directory.dataset(&experiment.config.name), &experiment.data)?;
    }
    store.0.clear()?;
    let datasets: Vec<Value> = experiments.iter().map(|e| summary(e, &directory)).collect();
    for experiment in &experiments {
        output::say(&sentence(experiment, &directory));
    }
    if args.json {
        let StudyConfig { study, seed, .. } = &study.config;
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

fn gather(study: &Study, context: &Context<'_>) -> Result<Vec<PatchExperiment>, Failure> {
    let config = &study.config;
    let problem = Problem::new(&config.problem).map_err(|e| study.explain(e))?;
    let count = (config.trajectories.train + config.trajectories.test) as u64;
    let states: Vec<SineSum> = (0..count).map(|k| SineSum::random(config.seed, k, Amplitudes::Paper)).collect();
    let one = |patches| study::gather(&problem, &config.trajectories, patches, &states, context);
    config.patches.iter().map(|patches| one(patches).map_err(|e| study.explain(e))).collect()
}

fn summary(experiment: &PatchExperiment, directory: &RunDirectory) -> Value {
    let data = &experiment.data;
    let range = |v: &[f64]| v.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |r, &x| [r[0].min(x), r[1].max(x)]);
    let file = format!("data/{}.zarr", experiment.config.name);
    debug_assert!(directory.path(&file) == directory.dataset(&experiment.config.name));
    json!({
        "name": experiment.config.name, "file": file, "trajectories": data.trajectories(), "times": data.times.len(),
        "points": data.grid.len(), "u_range": range(&data.u), "u_t_range": range(&data.u_t),
        "micro_path": experiment.estimator.path(), "bursts": experiment.bursts,
        "space_fraction": experiment.space_fraction, "time_fraction": experiment.time_fraction,
        "seconds": experiment.seconds,
    })
}

fn sentence(experiment: &PatchExperiment, directory: &RunDirectory) -> String {
    let data = &experiment.data;
    format!(
        "{}: {} trajectories × {} times × {} points, {} bursts by the {} path in {:.1} s",
        directory.dataset(&experiment.config.name).display(),
        data.trajectories(),
        data.times.len(),
        data.grid.len(),
        experiment.bursts,
        experiment.estimator.path(),
        experiment.seconds
    )
}

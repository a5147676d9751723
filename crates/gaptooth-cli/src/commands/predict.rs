//! `gaptooth predict`

use std::process::ExitCode;

use gaptooth::{
    Error, VERSION,
    closure::{
        AnyClosure, Dataset, Provenance, metrics::relative_mean_squared_error, predict as trajectories, rhs_error,
    },
    grid::Grid,
    io::{load_closure, write_dataset},
};
use serde_json::{Value, json};

use super::{dataset, default_directory, output_directory, stem};
use crate::{
    args::PredictArgs,
    failure::{Failure, WRONG_INPUT},
    interrupt, output,
    progress::Terminal,
};

/// Integrates a law from the dataset's initial states at its times, writes that and compares.
pub(super) fn predict(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let (law, _) = load_closure(&args.model).map_err(|e| Failure { code: WRONG_INPUT, ..Failure::from(e) })?;
    let data = dataset(&args.dataset)?;
    let law = on_grid(&law, &data.grid)?;
    let out = args.out.clone().unwrap_or_else(|| default_directory(&args.model, "-predicted"));
    let directory = output_directory(&out)?;
    let terminal = Terminal::new();
    interrupt::listen(&terminal, false)?;
    let predicted = integrate(&law, &data, args, &terminal);
    terminal.finish();
    let predicted = predicted?;
    let name = format!("{}-{}", stem(&args.dataset), stem(&args.model));
    write_dataset(&directory.dataset(&name), &predicted)?;
    let errors = errors(&law, &data, &predicted);
    output::say(&format!("against {}:", args.dataset.display()));
    for (what, error) in [("trajectory rMSE (eq. 24)", errors[0]), ("right-hand-side rMSE", errors[1])] {
        output::say(&format!("  {what}: {}", error.map_or("the data do not vary".into(), |e| format!("{e:.3e}"))));
    }
    output::say(&format!("prediction: {}", directory.dataset(&name).display()));
    if args.json {
        output::json(&json!({
            "model": args.model.display().to_string(), "dataset": args.dataset.display().to_string(),
            "prediction": directory.dataset(&name).display().to_string(), "version": VERSION,
            "trajectories": data.trajectories(), "times": data.times.len(), "points": data.grid.len(),
            "trajectory_rmse": errors[0], "rhs_rmse": errors[1], "files": [format!("data/{name}.zarr")],
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The law on the dataset's grid: as it is, or moved there, which only laws on derivatives can be.
fn on_grid(law: &AnyClosure, grid: &Grid) -> Result<AnyClosure, Failure> {
    law.moved_to(grid).map_err(|error| match error {
        Error::Parameter { name, found, expected, .. } if name == "space dimensions" => {
            Failure::wrong_input(format!("the dataset has {found} space dimensions, the law {expected}"))
        }
        Error::Parameter { name, found, expected, advice } if name == "spacing" => {
            let message = format!("the dataset's points are {found} apart, the law's {expected}");
            Failure::wrong_input(message).help(advice)
        }
        other => other.into(),
    })
}

fn integrate(law: &AnyClosure, data: &Dataset, args: &PredictArgs, terminal: &Terminal) -> Result<Dataset, Error> {
    let mut provenance = Provenance::new();
    provenance.insert("source".into(), "a learned law, integrated in time".into());
    provenance.insert("model".into(), Value::String(args.model.display().to_string()));
    provenance.insert("initial_states".into(), Value::String(args.dataset.display().to_string()));
    provenance.insert("version".into(), VERSION.into());
    trajectories(law, &data.initial_states(), &data.times, provenance, terminal)
}

/// eq. 24 of the trajectories, and of the law's slopes at the dataset's states; none when the data do not vary.
fn errors(law: &AnyClosure, data: &Dataset, predicted: &Dataset) -> [Option<f64>; 2] {
    [relative_mean_squared_error(&predicted.u, &data.u).ok(), rhs_error(law, data).ok()]
}

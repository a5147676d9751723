//! `gaptooth predict`

use std::process::ExitCode;

use gaptooth::{
    Error, VERSION,
    closure::{
        AnyClosure, Closure, Dataset, FeatureSpec, Provenance, integrate as trajectory,
        metrics::relative_mean_squared_error,
    },
    grid::{Axis, Grid},
    io::{load_closure, write_dataset},
    ode::OdeSystem,
};
use rayon::prelude::*;
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
    let law = on_grid(law, &data.grid)?;
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
fn on_grid(law: AnyClosure, grid: &Grid) -> Result<AnyClosure, Failure> {
    let card = law.card();
    let own = card.grid();
    if own == grid {
        return Ok(law);
    }
    let spacings = |grid: &Grid| grid.axes().iter().map(Axis::spacing).collect::<Vec<_>>();
    let (here, there) = (spacings(grid), spacings(own));
    if here.len() != there.len() {
        let message = format!("the dataset has {} space dimensions, the law {}", here.len(), there.len());
        return Err(Failure::wrong_input(message));
    }
    let same_spacing = here.iter().zip(&there).all(|(a, b)| (a - b).abs() <= 1e-9 * a);
    if matches!(card.features(), FeatureSpec::Neighbours { .. }) && !same_spacing {
        let message = format!("the dataset's points are {here:?} apart, the law's {there:?}");
        return Err(Failure::wrong_input(message).help(
            "a law on neighbouring points belongs to the spacing that it was fitted on; laws on derivatives move",
        ));
    }
    Ok(law.on_grid(grid)?)
}

fn integrate(law: &AnyClosure, data: &Dataset, args: &PredictArgs, terminal: &Terminal) -> Result<Dataset, Failure> {
    let one = |k: usize| trajectory(law, data.snapshot(k, 0).u, &data.times, terminal);
    let states: Vec<Result<Vec<Vec<f64>>, Error>> = (0..data.trajectories()).into_par_iter().map(one).collect();
    let states: Vec<Vec<f64>> = states.into_iter().collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect();
    let mut slopes = vec![0.0; states.len() * data.grid.len()];
    for (u, du) in states.iter().zip(slopes.chunks_exact_mut(data.grid.len())) {
        law.rhs_into(0.0, u, du);
    }
    let mut provenance = Provenance::new();
    provenance.insert("source".into(), "a learned law, integrated in time".into());
    provenance.insert("model".into(), Value::String(args.model.display().to_string()));
    provenance.insert("initial_states".into(), Value::String(args.dataset.display().to_string()));
    provenance.insert("version".into(), VERSION.into());
    Ok(Dataset::new(data.grid.clone(), data.times.clone(), states.concat(), slopes, provenance)?)
}

/// eq. 24 of the trajectories, and of the law's slopes at the dataset's states; none when the data do not vary.
fn errors(law: &AnyClosure, data: &Dataset, predicted: &Dataset) -> [Option<f64>; 2] {
    let mut slopes = vec![0.0; data.u.len()];
    let n = data.grid.len();
    for (u, du) in data.u.chunks_exact(n).zip(slopes.chunks_exact_mut(n)) {
        law.rhs_into(0.0, u, du);
    }
    [relative_mean_squared_error(&predicted.u, &data.u).ok(), relative_mean_squared_error(&slopes, &data.u_t).ok()]
}

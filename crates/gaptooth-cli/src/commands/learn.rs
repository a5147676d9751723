//! `gaptooth learn`

use std::process::ExitCode;

use gaptooth::{
    VERSION,
    closure::{Dataset, ValidationError},
    io::{Checkpoints, save_closure},
    study::{
        Context, FittedLaw, LawChoice, LawConfig, LawForm, fit_and_judge, held_out_by_default, learning_fingerprint,
    },
    team::Alone,
};
use serde_json::json;

use super::{dataset, default_directory, output_directory, stem};
use crate::{
    args::{ClosureKind, LearnArgs},
    failure::Failure,
    interrupt, output,
    progress::Terminal,
};

/// Fits a law to a dataset, judges it on trajectories that it has not seen, saves it.
pub(super) fn learn(args: &LearnArgs) -> Result<ExitCode, Failure> {
    let data = dataset(&args.dataset)?;
    let held_out = args.held_out.unwrap_or_else(|| held_out_by_default(data.trajectories()));
    let (training, unseen) = data.split(held_out).map_err(|e| {
        Failure::from(e).help("a law is judged on whole trajectories that it has not seen: a dataset needs two or more")
    })?;
    let name = args.name.clone().unwrap_or_else(|| format!("{}-{}", stem(&args.dataset), form(args.closure).name()));
    if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
        return Err(Failure::wrong_input(format!("--name {name}: expected a plain file name")));
    }
    let config = law_config(args, &name, &training)?;
    let out = args.out.clone().unwrap_or_else(|| default_directory(&args.dataset, "-learned"));
    let directory = output_directory(&out)?;
    let about = learning_fingerprint(&config, &data, args.seed, held_out);
    let store = Checkpoints::apart(directory.path("checkpoints"), about);
    if !args.resume {
        store.clear()?;
    }
    let terminal = Terminal::new();
    interrupt::listen(&terminal, true)?;
    let context = Context { observer: &*terminal, store: Some(&store), team: &Alone };
    let judged = fit_and_judge(&config, &training, &unseen, args.seed, &context);
    terminal.finish();
    let (fitted, error) = judged?;
    let about = json!({
        "dataset": args.dataset.display().to_string(), "seed": args.seed, "held_out": held_out, "law": config,
        "held_out_error": error, "notes": fitted.notes,
    });
    save_closure(&directory.model(&name), &fitted.law, &about)?;
    store.clear()?;
    show(&fitted, &error, held_out);
    output::say(&format!("model: {}", directory.model(&name).display()));
    if args.json {
        output::json(&json!({
            "model": directory.model(&name).display().to_string(), "name": name, "closure": form(args.closure).name(),
            "dataset": args.dataset.display().to_string(), "version": VERSION, "seed": args.seed,
            "trajectories": data.trajectories(), "held_out": held_out, "held_out_error": error,
            "notes": fitted.notes, "loss": fitted.loss.last(), "fit_seconds": fitted.seconds,
            "files": [format!("models/{name}.safetensors"), format!("models/{name}.json")],
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(fitted: &FittedLaw, error: &ValidationError, held_out: usize) {
    for note in &fitted.notes {
        output::say(note);
    }
    if let Some(loss) = fitted.loss.last() {
        output::say(&format!("last training loss {loss:.3e}"));
    }
    output::say(&format!(
        "{held_out} held-out trajectories: relative error {:.3e} (worst {:.3e}), rMSE (eq. 24) {:.3e}",
        error.relative, error.worst, error.relative_mean_squared
    ));
}

fn form(kind: ClosureKind) -> LawForm {
    match kind {
        ClosureKind::Functional => LawForm::Functional,
        ClosureKind::Discretized => LawForm::Discretized,
        ClosureKind::Stencil => LawForm::Stencil,
        ClosureKind::Derivatives => LawForm::Derivatives,
        ClosureKind::Symbolic => LawForm::Symbolic,
    }
}

/// What the library would refuse is refused here first, in the words of the command line.
fn law_config(args: &LearnArgs, name: &str, training: &Dataset) -> Result<LawConfig, Failure> {
    let form = form(args.closure);
    if form != LawForm::Derivatives && !args.orders.is_empty() {
        return Err(Failure::wrong_input("--orders belongs to --closure derivatives"));
    }
    if form != LawForm::Symbolic && (args.highest.is_some() || args.products || args.conserving) {
        return Err(Failure::wrong_input("--highest, --products and --conserving belong to --closure symbolic"));
    }
    if let Some(points) = args.points.filter(|p| p % 2 == 0) {
        return Err(Failure::wrong_input(format!("--points {points}: expected an odd number")));
    }
    if form.chooses() && training.trajectories() < 2 {
        return Err(Failure::wrong_input("only one trajectory is left to fit to; choosing derivatives needs two")
            .help("simulate more trajectories, hold out fewer, or use --closure stencil"));
    }
    let choice = LawChoice {
        form,
        points: args.points,
        orders: orders(&args.orders)?,
        highest: args.highest,
        products: args.products,
        conserving: args.conserving,
        epochs: args.epochs,
    };
    let (kind, patches) = (choice.kind(training)?, args.dataset.display().to_string());
    Ok(LawConfig { name: name.into(), patches, kind, paper_rhs_rmse: None, paper_trajectory_rmse: None })
}

/// Sets of orders, each as `2,4`.
fn orders(sets: &[String]) -> Result<Vec<Vec<usize>>, Failure> {
    let set = |text: &String| {
        let orders: Result<Vec<usize>, _> = text.split(',').map(|k| k.trim().parse::<usize>()).collect();
        orders.map_err(|_| Failure::wrong_input(format!("--orders {text}: expected whole numbers such as 2,4")))
    };
    sets.iter().map(set).collect()
}

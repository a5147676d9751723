//! `gaptooth learn`

use std::process::ExitCode;

use gaptooth::{
    VERSION,
    closure::{Closure, Dataset, Validation, ValidationError, integrate, validate},
    io::save_closure,
    observer::Observer,
    stencil::EdgeRule,
    study::{Context, FittedLaw, LawConfig, LawKind, NetConfig, fit_law},
};
use serde_json::json;

use super::{dataset, default_directory, output_directory, stem};
use crate::{
    args::{ClosureKind, LearnArgs},
    failure::Failure,
    interrupt, output,
    progress::Terminal,
};

/// Orders to choose from unless others are given; those that the stencil is too narrow for are left out.
const ORDERS: [&[usize]; 5] = [&[2], &[1, 2], &[2, 4], &[1, 2, 4], &[2, 4, 6]];

/// What has decayed below this share of the initial state counts as that.
const FLOOR: f64 = 1e-6;

/// Fits a law to a dataset, judges it on trajectories that it has not seen, saves it.
pub(super) fn learn(args: &LearnArgs) -> Result<ExitCode, Failure> {
    let data = dataset(&args.dataset)?;
    let held_out = args.held_out.unwrap_or((data.trajectories() / 5).max(1));
    let (training, unseen) = data.split(held_out).map_err(|e| {
        Failure::from(e).help("a law is judged on whole trajectories that it has not seen: a dataset needs two or more")
    })?;
    let name = args.name.clone().unwrap_or_else(|| format!("{}-{}", stem(&args.dataset), kind_name(args.closure)));
    if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
        return Err(Failure::wrong_input(format!("--name {name}: expected a plain file name")));
    }
    let config = law_config(args, &name, &training)?;
    let out = args.out.clone().unwrap_or_else(|| default_directory(&args.dataset, "-learned"));
    let directory = output_directory(&out)?;
    let terminal = Terminal::new();
    interrupt::listen(&terminal, false)?;
    let judged = fit_and_judge(&config, &training, &unseen, args.seed, &*terminal);
    terminal.finish();
    let (fitted, error) = judged?;
    let about = json!({
        "dataset": args.dataset.display().to_string(), "seed": args.seed, "held_out": held_out, "law": config,
        "held_out_error": error, "notes": fitted.notes,
    });
    save_closure(&directory.model(&name), &fitted.law, &about)?;
    show(&fitted, &error, held_out);
    output::say(&format!("model: {}", directory.model(&name).display()));
    if args.json {
        output::json(&json!({
            "model": directory.model(&name).display().to_string(), "name": name, "closure": kind_name(args.closure),
            "dataset": args.dataset.display().to_string(), "version": VERSION, "seed": args.seed,
            "trajectories": data.trajectories(), "held_out": held_out, "held_out_error": error,
            "notes": fitted.notes, "loss": fitted.loss.last(), "fit_seconds": fitted.seconds,
            "files": [format!("models/{name}.safetensors"), format!("models/{name}.json")],
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn fit_and_judge(
    config: &LawConfig,
    training: &Dataset,
    unseen: &Dataset,
    seed: u64,
    observer: &dyn Observer,
) -> gaptooth::Result<(FittedLaw, ValidationError)> {
    let fitted = fit_law(config, training, None, seed, &Context { observer, store: None })?;
    let integrate = |law: &dyn Closure, u0: &[f64], times: &[f64]| integrate(law, u0, times, observer);
    let error = validate(&fitted.law, &Validation { data: unseen, integrate: &integrate, floor: FLOOR })?;
    Ok((fitted, error))
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

fn kind_name(kind: ClosureKind) -> &'static str {
    match kind {
        ClosureKind::Functional => "functional",
        ClosureKind::Discretized => "discretized",
        ClosureKind::Stencil => "stencil",
        ClosureKind::Derivatives => "derivatives",
        ClosureKind::Symbolic => "symbolic",
    }
}

fn law_config(args: &LearnArgs, name: &str, training: &Dataset) -> Result<LawConfig, Failure> {
    if args.closure != ClosureKind::Derivatives && !args.orders.is_empty() {
        return Err(Failure::wrong_input("--orders belongs to --closure derivatives"));
    }
    if args.closure != ClosureKind::Symbolic && (args.highest.is_some() || args.products || args.conserving) {
        return Err(Failure::wrong_input("--highest, --products and --conserving belong to --closure symbolic"));
    }
    if let Some(points) = args.points.filter(|p| p % 2 == 0) {
        return Err(Failure::wrong_input(format!("--points {points}: expected an odd number")));
    }
    let plane = training.grid.axes().len() > 1;
    let differences = (plane && !training.grid.is_periodic() && args.closure == ClosureKind::Functional).then_some(3);
    let net = NetConfig {
        hidden: vec![32, 32],
        epochs: args.epochs,
        batch: 64,
        learning_rate: 1e-3,
        points: args.points.or(differences),
    };
    let kind = match args.closure {
        ClosureKind::Functional => LawKind::FunctionalNet(net),
        ClosureKind::Discretized => LawKind::DiscretizedNet(net),
        ClosureKind::Stencil => LawKind::LinearStencil { points: args.points.unwrap_or(3) },
        ClosureKind::Derivatives => derivatives(args, training)?,
        ClosureKind::Symbolic => symbolic(args, training)?,
    };
    let patches = args.dataset.display().to_string();
    Ok(LawConfig { name: name.into(), patches, kind, paper_rhs_rmse: None, paper_trajectory_rmse: None })
}

/// Training trajectories held back for a choice, and the points of difference stencils (none: Fourier transforms).
fn choice(args: &LearnArgs, training: &Dataset) -> Result<(usize, Option<usize>), Failure> {
    if training.trajectories() < 2 {
        return Err(Failure::wrong_input("only one trajectory is left to fit to; choosing derivatives needs two")
            .help("simulate more trajectories, hold out fewer, or use --closure stencil"));
    }
    let least = training.grid.shape().into_iter().min().unwrap_or(1);
    let widest = (least - 1) / 2 * 2 + 1;
    let differences = (!training.grid.is_periodic()).then_some(widest.min(9));
    Ok(((training.trajectories() / 4).max(1), args.points.or(differences)))
}

fn derivatives(args: &LearnArgs, training: &Dataset) -> Result<LawKind, Failure> {
    let (validation, points) = choice(args, training)?;
    let mut candidates = vec![];
    for text in &args.orders {
        let orders: Result<Vec<usize>, _> = text.split(',').map(|k| k.trim().parse::<usize>()).collect();
        let refuse = |_| Failure::wrong_input(format!("--orders {text}: expected whole numbers such as 2,4"));
        candidates.push(orders.map_err(refuse)?);
    }
    if candidates.is_empty() {
        let fits = |orders: &&&[usize]| points.is_none_or(|points| orders.iter().all(|k| *k < points));
        candidates = ORDERS.iter().filter(fits).map(|o| o.to_vec()).collect();
    }
    Ok(LawKind::Derivatives { candidates, points, edges: EdgeRule::default(), validation, residual_width: 0 })
}

fn symbolic(args: &LearnArgs, training: &Dataset) -> Result<LawKind, Failure> {
    let (validation, points) = choice(args, training)?;
    let highest = args.highest.unwrap_or(points.map_or(6, |points| (points - 1).min(6)));
    Ok(LawKind::Symbolic {
        highest,
        products: args.products,
        conserving: args.conserving,
        points,
        edges: EdgeRule::default(),
        validation,
    })
}

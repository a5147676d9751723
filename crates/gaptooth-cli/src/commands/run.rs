//! `gaptooth run`

use std::path::Path;
use std::process::ExitCode;

use gaptooth::{
    io::{Occasional, RunDirectory, atomic, effective_text, write_outcome},
    observer::Silent,
    plot::render_report,
    report::Report,
    study::{AnyStudy, BoundConfig, Context},
    team::Team,
};

use super::{output_directory, simulate};
use crate::{
    args::RunArgs,
    config::{self, Study},
    failure::{FAILED, Failure},
    interrupt, output,
    progress::Terminal,
};

/// Runs a study, writes its directory, shows its checks.
pub(super) fn run(args: &RunArgs, team: &dyn Team) -> Result<ExitCode, Failure> {
    let study = config::load(&args.study, &args.how.set, args.how.seed)?;
    study.config.check().map_err(|e| study.explain(e))?;
    let text = effective_text(&study.config)?;
    if team.rank() > 0 {
        // the first process does what is not shared, and writes
        simulate::gather(&study, &Context { observer: &Silent, store: None, team })?;
        return Ok(ExitCode::SUCCESS);
    }
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(study.config.name()));
    let directory = output_directory(&out)?;
    let terminal = Terminal::new();
    let store = store(&directory, &text, args.how.resume)?;
    interrupt::listen(&terminal, true)?;
    let report = into_directory(&study, &text, &directory, (&store, team), &terminal)?;
    output::say(&verdict(&report, &study.config));
    output::say(&format!("open {}", directory.report_html().display()));
    if args.how.json {
        print_report_json(&directory)?;
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Where the states of a run of this configuration are kept; empty unless it is to go on.
pub(super) fn store(directory: &RunDirectory, text: &str, resume: bool) -> Result<Occasional, Failure> {
    let store = directory.states(text);
    if !resume {
        store.clear()?;
    }
    Ok(store)
}

/// Runs a study and puts its results into `directory`.
pub(super) fn into_directory(
    study: &Study,
    text: &str,
    directory: &RunDirectory,
    (store, team): (&Occasional, &dyn Team),
    terminal: &Terminal,
) -> Result<Report, Failure> {
    let outcome = study.config.run(&Context { observer: terminal, store: Some(store), team });
    terminal.finish();
    let outcome = outcome.map_err(|e| study.explain(e))?;
    terminal.say("writing results …");
    let report = directory.replace(|beside| {
        write_outcome(&outcome, &study.config, text, beside)?;
        render_report(&outcome.report, beside)
    })?;
    store.clear()?;
    Ok(report)
}

/// `report.json` as it lies there.
pub(super) fn print_report_json(directory: &RunDirectory) -> Result<(), Failure> {
    output::line(&atomic::read_text(&directory.report_json())?)
}

/// Each check with its value, bound and the published figure; then what failed, and the time.
fn verdict(report: &Report, config: &AnyStudy) -> String {
    let mut rows = vec![["check", "value", "bound", "paper", ""].map(String::from).to_vec()];
    for check in &report.checks {
        let sign = match config.bounds().get(&check.name) {
            Some(BoundConfig::AtLeast(_)) => "≥",
            _ => "≤",
        };
        let optional = |v: Option<f64>, sign: &str| v.map_or(String::new(), |v| format!("{sign}{}", output::number(v)));
        rows.push(vec![
            check.name.clone(),
            output::number(check.value),
            optional(check.bound, &format!("{sign} ")),
            optional(check.paper, ""),
            if check.passed { "ok" } else { "FAILED" }.into(),
        ]);
    }
    let failed: Vec<&str> = report.checks.iter().filter(|c| !c.passed).map(|c| c.name.as_str()).collect();
    let last = match failed[..] {
        [] => format!("all {} checks passed", report.checks.len()),
        _ => format!("FAILED: {}", failed.join(", ")),
    };
    format!("{}{last}; {:.1} s, seed {}\n", output::columns(&rows), report.wall_seconds, report.seed)
}

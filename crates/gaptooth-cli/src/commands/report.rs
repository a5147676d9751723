//! `gaptooth report`

use std::process::ExitCode;

use gaptooth::{io::RunDirectory, plot::render::rebuild_report};

use super::run::print_report_json;
use crate::args::ReportArgs;
use crate::failure::{Failure, WRONG_INPUT};
use crate::output;

/// Builds figures and page again from what a run left.
pub(super) fn report(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let directory = RunDirectory::open(&args.directory)?;
    if !directory.report_json().exists() {
        let message = format!("{} holds no report.json: it is not the directory of a run", args.directory.display());
        return Err(Failure { code: WRONG_INPUT, ..Failure::failed(message) });
    }
    rebuild_report(&directory)?;
    output::say(&format!("open {}", directory.report_html().display()));
    if args.json {
        print_report_json(&directory)?;
    }
    Ok(ExitCode::SUCCESS)
}

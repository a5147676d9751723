//! `gaptooth studies`

use std::process::ExitCode;

use gaptooth::study::BUILTIN;

use crate::{config, failure::Failure, output};

/// The built-in studies, a line each.
pub(super) fn studies() -> Result<ExitCode, Failure> {
    for (name, _) in BUILTIN {
        let study = config::load(name, &[], None)?;
        output::line(&format!("{name}: {}", study.config.title()))?;
    }
    Ok(ExitCode::SUCCESS)
}

//! `gaptooth schema`

use std::process::ExitCode;

use gaptooth::study::AnyStudy;

use crate::{failure::Failure, output};

/// The JSON Schema of study files.
pub(super) fn schema() -> Result<ExitCode, Failure> {
    output::json(&schemars::schema_for!(AnyStudy).to_value())?;
    Ok(ExitCode::SUCCESS)
}

//! `gaptooth`: the command line of the library of the same name.
//!
//! Glue only. [`args`] holds plain values as typed, [`config`] turns a study's text and those values into the library's
//! types, [`commands`] call the library, [`progress`] shows how far it is, and [`failure`] says what went wrong, pointing at
//! the line of the TOML. Nothing is computed here.
//!
//! Standard output holds results (with `--json` one JSON object and nothing else); everything else goes to standard
//! error. Exit codes: 0 done, 1 a run failed or a check did not pass, 2 the call or the input is wrong, 130 stopped
//! by Ctrl-C.

mod args;
mod commands;
mod commas;
mod config;
mod failure;
#[cfg(test)]
mod hostile;
mod interrupt;
mod output;
mod progress;
mod team;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let shown = |failure: failure::Failure| {
        failure.show();
        ExitCode::from(failure.code)
    };
    // what talks to the other processes lives as long as they may
    let (team, _talk) = match team::join() {
        Ok(joined) => joined,
        Err(failure) => return shown(failure),
    };
    match commands::dispatch(&args, &*team) {
        Ok(code) => {
            if let Some(summary) = team.summary().filter(|_| team.rank() == 0) {
                output::say(&summary);
            }
            code
        }
        Err(failure) => {
            let code = failure.code;
            let exit = shown(failure);
            team::end(&*team, code);
            exit
        }
    }
}

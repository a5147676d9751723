//! What ends a command early: a message, an exit code, and the place in the user's text where there is one.

use std::io::{IsTerminal, Write};
use std::ops::Range;

use gaptooth::Error;
use gaptooth::io::{Place, Refusal, Source};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

/// Exit code of a run that failed.
pub(crate) const FAILED: u8 = 1;
/// Exit code of a wrong call or input.
pub(crate) const WRONG_INPUT: u8 = 2;
/// Exit code after Ctrl-C, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a command ends without its result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) place: Option<Place>,
}

impl Failure {
    /// The call or the input is wrong.
    pub(crate) fn wrong_input(message: impl Into<String>) -> Self {
        Failure { code: WRONG_INPUT, message: message.into(), help: None, place: None }
    }

    /// The run failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Failure { code: FAILED, ..Failure::wrong_input(message) }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn at(mut self, source: &Source, span: Option<Range<usize>>) -> Self {
        self.place = span.map(|span| Place::new(source, span));
        self
    }

    /// The message with its place, drawn for a terminal.
    fn drawn(&self, colour: bool) -> String {
        let mut diagnostic = MietteDiagnostic::new(self.message.clone());
        if let Some(help) = &self.help {
            diagnostic = diagnostic.with_help(help.clone());
        }
        if let Some(place) = &self.place {
            diagnostic = diagnostic.with_label(LabeledSpan::new_with_span(Some("here".into()), place.span.clone()));
        }
        let mut report = Report::new(diagnostic);
        if let Some(Place { source, .. }) = &self.place {
            report = report.with_source_code(NamedSource::new(&source.name, source.text.clone()).with_language("TOML"));
        }
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_wrap_lines(colour).with_width(100);
        let mut text = String::new();
        match handler.render_report(&mut text, report.as_ref()) {
            Ok(()) => text,
            Err(_) => format!("{}\n", self.message),
        }
    }

    /// To standard error.
    pub(crate) fn show(&self) {
        let stderr = std::io::stderr();
        let colour = stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        // Without a place to write to there is nobody to tell.
        let _ = write!(stderr.lock(), "{}", self.drawn(colour));
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let Refusal { message, help, place } = refusal;
        Failure { code: WRONG_INPUT, message, help, place }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Interrupted { .. } => INTERRUPTED,
            Error::Expression { .. }
            | Error::Coefficient { .. }
            | Error::Parameter { .. }
            | Error::Shape { .. }
            | Error::Config { .. }
            | Error::Format { .. }
            | Error::Io { action: "read" | "open", .. } => WRONG_INPUT,
            _ => FAILED,
        };
        Failure { code, message: error.to_string(), help: None, place: None }
    }
}

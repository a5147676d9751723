//! Studies as people write them: a built-in name or a TOML file, changes of single keys, and what is wrong with it where.

mod find;
mod keys;
mod setting;

pub use setting::Setting;

use std::ops::Range;

use toml::Table;

use crate::study::AnyStudy;
use crate::{Error, VERSION};
use keys::Keys;

/// A text that the user wrote, and what to call it.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// a file's name, or words
    pub name: String,
    /// the text itself
    pub text: String,
}

/// A place in a [`Source`].
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// the text
    pub source: Source,
    /// where in it, in bytes
    pub span: Range<usize>,
}

impl Place {
    /// `span` as far as it lies inside the text.
    pub fn new(source: &Source, span: Range<usize>) -> Self {
        let end = span.end.min(source.text.len());
        Place { source: source.clone(), span: span.start.min(end)..end }
    }

    /// Its line, from 1.
    pub fn line(&self) -> usize {
        1 + self.source.text.bytes().take(self.span.start).filter(|b| *b == b'\n').count()
    }
}

/// Why a text is no study.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// what was found, what was expected
    pub message: String,
    /// what to try
    pub help: Option<String>,
    /// where it stands
    pub place: Option<Place>,
}

impl Refusal {
    fn new(message: impl Into<String>) -> Self {
        Refusal { message: message.into(), help: None, place: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::new(error.to_string())
    }
}

impl Source {
    /// The text of the study called `name`, a built-in one or a file.
    ///
    /// # Errors
    /// With the nearest name when there is neither, and for a file that cannot be read.
    pub fn find(name: &str) -> Result<Self, Refusal> {
        find::find(name)
    }

    /// The text with `settings` applied, each beside how the user said it; what their keys mean is for the reading afterwards
    /// to judge. `by` is what changes it, such as `--set`. Without settings the text stays as it is.
    ///
    /// ```
    /// use gaptooth::io::{Setting, Source};
    /// let source = Source::find("diffusion-1d")?;
    /// let epochs = ("--set laws.*.epochs=4".to_string(), Setting::typed("laws.*.epochs=4"));
    /// let study = source.changed("--set", [epochs])?.study()?;
    /// assert_eq!(study.name(), "diffusion-1d");
    /// # Ok::<(), gaptooth::io::Refusal>(())
    /// ```
    ///
    /// # Errors
    /// For a text that is no TOML, and for a setting that has no place in it.
    pub fn changed(
        mut self,
        by: &str,
        settings: impl IntoIterator<Item = (String, Result<Setting, Refusal>)>,
    ) -> Result<Self, Refusal> {
        let mut settings = settings.into_iter().peekable();
        if settings.peek().is_none() {
            return Ok(self);
        }
        let mut table: Table = toml::from_str(&self.text).map_err(|e| self.misread(&e))?;
        for (said, setting) in settings {
            setting.and_then(|setting| setting.apply(&mut table)).map_err(|why| why.about(&said))?;
        }
        self.text = toml::to_string_pretty(&table).map_err(|e| Refusal::new(e.to_string()).about(by))?;
        self.name += &format!(" (as changed by {by})");
        Ok(self)
    }

    /// The study, of the kind that its keys say: one with `lattice` is of a lattice, one with `equation` a neural homogenization.
    ///
    /// # Errors
    /// For a text that is no study.
    pub fn study(&self) -> Result<AnyStudy, Refusal> {
        read(&self.text).map_err(|e| self.misread(&e))
    }

    /// What the reader of TOML has against this text, with the dotted path of the key and its place.
    pub fn misread(&self, error: &toml::de::Error) -> Refusal {
        let keys = Keys::of(&self.text);
        let mut span = error.span();
        let unknown = error.message().strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        if let Some(name) = unknown {
            span = keys.unknown(name, &span.unwrap_or(0..self.text.len()));
        }
        // Of a law's keys the reader gives the place of the whole law only, but says what it found there.
        let whole = span.clone().filter(|s| self.text[s.clone()].starts_with('['));
        if let (Some(whole), Some(found)) = (whole, quoted(error.message())) {
            span = keys.reading(found, whole.start).or(span);
        }
        let path = span.as_ref().and_then(|s| keys.path_of(s));
        let refusal = Refusal::new(error.message().trim_end());
        let refusal = match path {
            Some(path) => refusal.about(&path),
            None => refusal,
        };
        Refusal { place: span.map(|span| Place::new(self, span)), ..refusal }
    }

    /// The key or the formula that `error` is about.
    pub fn place_of(&self, error: &Error) -> Option<Place> {
        let keys = Keys::of(&self.text);
        let span = match error {
            Error::Config { path, .. } => keys.at(path),
            Error::Parameter { name, found, .. } => keys.named(name, found),
            Error::Coefficient { text, .. } => keys.string(text),
            Error::Expression { text, position, .. } => {
                keys.string(text).map(|value| character(&self.text, value, text, *position))
            }
            _ => None,
        };
        span.map(|span| Place::new(self, span))
    }
}

fn read(text: &str) -> Result<AnyStudy, toml::de::Error> {
    let table: Table = toml::from_str(text)?;
    let has = |key: &str| table.contains_key(key);
    Ok(match (has("lattice"), has("equation")) {
        (true, _) => AnyStudy::Lattice(toml::from_str(text)?),
        (_, true) => AnyStudy::Neural(toml::from_str(text)?),
        _ => AnyStudy::Line(toml::from_str(text)?),
    })
}

/// The text of `run.toml`: every key as it was used.
///
/// # Errors
/// For values that TOML cannot hold.
pub fn effective_text(study: &AnyStudy) -> Result<String, Refusal> {
    let body = toml::to_string(study)
        .map_err(|e| Refusal::new(format!("this configuration cannot be written as TOML: {e}")))?;
    Ok(format!(
        "# The whole configuration of a run of gaptooth {VERSION}; `gaptooth run` with this file repeats it.\n{body}"
    ))
}

/// The character `position` of the formula `text`, whose TOML string lies at `value`.
fn character(source: &str, value: Range<usize>, text: &str, position: usize) -> Range<usize> {
    let quoted = source.get(value.start + 1..).is_some_and(|rest| rest.starts_with(text));
    if !quoted {
        return value;
    }
    let width = |c: char| c.len_utf8();
    let before: usize = text.chars().take(position).map(width).sum();
    let at = value.start + 1 + before;
    at..at + text.chars().nth(position).map_or(1, width)
}

/// What stands in the first quotes of a message.
fn quoted(message: &str) -> Option<&str> {
    let quote = ['`', '"'];
    let start = message.find(quote)? + 1;
    message[start..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::BUILTIN;

    #[test]
    fn built_in_studies_read_and_their_text_reads_back() {
        for (name, _) in BUILTIN {
            let mut study = Source::find(name).unwrap().study().unwrap();
            study.set_seed(5);
            let again = read(&effective_text(&study).unwrap()).unwrap();
            assert_eq!(again, study);
            again.check().unwrap();
        }
    }

    #[test]
    fn a_refusal_names_the_key_and_its_line() {
        let mut source = Source::find("diffusion-1d").unwrap();
        source.text = source.text.replace("tooth = 1e-4\nwidth", "thooth = 1e-4\nwidth");
        let line = 1 + source.text.lines().position(|l| l.starts_with("thooth")).unwrap();
        let refusal = source.study().unwrap_err();
        assert!(refusal.message.starts_with("patches.fine.thooth: unknown field"), "{refusal}");
        assert_eq!(refusal.place.map(|p| p.line()), Some(line));
    }
}

//! From a study's name or file, and what `--set` and `--seed` change in it, to the library's [`AnyStudy`].

use gaptooth::{
    Error,
    io::{Setting, Source},
    study::AnyStudy,
};

use crate::failure::Failure;

/// A study and the text it was read from.
#[derive(Debug)]
pub(crate) struct Study {
    pub(crate) config: AnyStudy,
    pub(crate) source: Source,
}

/// Reads the study called `name`, a built-in one or a file, with `set` (`PATH=VALUE` each) and `seed` applied.
pub(crate) fn load(name: &str, set: &[String], seed: Option<u64>) -> Result<Study, Failure> {
    let settings = set.iter().map(|one| (format!("--set {one}"), Setting::typed(one)));
    let source = Source::find(name)?.changed("--set", settings)?;
    let mut config = source.study()?;
    if let Some(seed) = seed {
        config.set_seed(seed);
    }
    Ok(Study { config, source })
}

impl Study {
    /// The library's error, with the line of the key it is about.
    pub(crate) fn explain(&self, error: Error) -> Failure {
        let place = self.source.place_of(&error);
        Failure { place, ..Failure::from(error) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use gaptooth::io::effective_text;

    /// Whatever the text, a study that checks and reads back, or a failure with a message.
    pub(crate) fn read_hostile(text: &str) {
        let source = Source { name: "hostile.toml".into(), text: text.into() };
        let study = match source.study() {
            Err(refusal) => return assert!(!refusal.message.is_empty()),
            Ok(config) => Study { config, source },
        };
        match study.config.check() {
            Err(error) => assert!(!study.explain(error).message.is_empty()),
            Ok(()) => {
                let text = effective_text(&study.config).unwrap();
                assert!(Source { name: "run.toml".into(), text }.study().is_ok());
            }
        }
    }
}

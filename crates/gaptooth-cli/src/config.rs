//! From a study's name or file, and what `--set` and `--seed` change in it, to the library's [`AnyStudy`].

use std::ops::Range;
use std::path::Path;

use gaptooth::{
    Error, VERSION,
    study::{AnyStudy, BUILTIN, builtin},
};
use toml::{Table, Value};

use crate::failure::{Failure, Source};
use crate::locate::Keys;

/// A study and the text it was read from.
#[derive(Debug)]
pub(crate) struct Study {
    pub(crate) config: AnyStudy,
    pub(crate) source: Source,
}

/// Reads the study called `name`, a built-in one or a file, with `set` (`PATH=VALUE` each) and `seed` applied.
pub(crate) fn load(name: &str, set: &[String], seed: Option<u64>) -> Result<Study, Failure> {
    let mut source = find(name)?;
    if !set.is_empty() {
        let mut table: Table = toml::from_str(&source.text).map_err(|e| misread(&source, &e))?;
        for one in set {
            apply(&mut table, one)?;
        }
        source.text = toml::to_string_pretty(&table).map_err(|e| Failure::wrong_input(format!("--set: {e}")))?;
        source.name += " (as changed by --set)";
    }
    let mut config = read(&source.text).map_err(|e| misread(&source, &e))?;
    if let Some(seed) = seed {
        config.set_seed(seed);
    }
    Ok(Study { config, source })
}

/// A study of the kind that its keys say: one with `lattice` is of a lattice, one with `equation` a neural homogenization.
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
pub(crate) fn effective_text(config: &AnyStudy) -> Result<String, Failure> {
    let body = toml::to_string(config)
        .map_err(|e| Failure::wrong_input(format!("this configuration cannot be written as TOML: {e}")))?;
    Ok(format!(
        "# The whole configuration of a run of gaptooth {VERSION}; `gaptooth run` with this file repeats it.\n{body}"
    ))
}

impl Study {
    /// The library's error, with the line of the key it is about.
    pub(crate) fn explain(&self, error: Error) -> Failure {
        let keys = Keys::of(&self.source.text);
        let span = match &error {
            Error::Config { path, .. } => keys.at(path),
            Error::Parameter { name, found, .. } => keys.named(name, found),
            Error::Coefficient { text, .. } => keys.string(text),
            Error::Expression { text, position, .. } => {
                keys.string(text).map(|value| character(&self.source.text, value, text, *position))
            }
            _ => None,
        };
        Failure::from(error).at(&self.source, span)
    }
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

fn find(name: &str) -> Result<Source, Failure> {
    if let Some(text) = builtin(name) {
        return Ok(Source { name: format!("built-in study {name}"), text: text.into() });
    }
    let path = Path::new(name);
    let is_path = path.extension().is_some_and(|e| e == "toml") || name.contains(['/', '\\']) || path.exists();
    if !is_path {
        return Err(unknown_study(name));
    }
    let text = gaptooth::io::atomic::read_text(path)?;
    Ok(Source { name: name.into(), text })
}

fn unknown_study(name: &str) -> Failure {
    let names: Vec<&str> = BUILTIN.iter().map(|(n, _)| *n).collect();
    let nearest = names.iter().map(|n| (distance(name, n), *n)).min();
    let failure =
        Failure::wrong_input(format!("there is no study called `{name}`; the built-in ones are: {}", names.join(", ")));
    match nearest {
        Some((d, n)) if d <= 1 + n.len() / 3 => failure.help(format!("did you mean `{n}`?")),
        _ => failure.help("a file of your own ends in .toml; `gaptooth schema` says what it may hold"),
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// A text that is no study, with its line and the dotted path of the key.
pub(crate) fn misread(source: &Source, error: &toml::de::Error) -> Failure {
    let keys = Keys::of(&source.text);
    let mut span = error.span();
    let unknown = error.message().strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    if let Some(name) = unknown {
        span = keys.unknown(name, &span.unwrap_or(0..source.text.len()));
    }
    // Of a law's keys the reader gives the place of the whole law only, but says what it found there.
    let whole = span.clone().filter(|s| source.text[s.clone()].starts_with('['));
    if let (Some(whole), Some(found)) = (whole, quoted(error.message())) {
        span = keys.reading(found, whole.start).or(span);
    }
    let path = span.as_ref().and_then(|s| keys.path_of(s));
    let message = error.message().trim_end();
    let message = path.map_or_else(|| message.to_string(), |path| format!("{path}: {message}"));
    Failure::wrong_input(message).at(source, span)
}

/// What stands in the first quotes of a message.
fn quoted(message: &str) -> Option<&str> {
    let quote = ['`', '"'];
    let start = message.find(quote)? + 1;
    message[start..].split(quote).next()
}

/// Sets one `PATH=VALUE` in `table`. What the keys mean is for the reading afterwards to judge.
///
/// `*` stands for every element of a list that has the key: `laws.*.epochs=4` changes all networks.
fn apply(table: &mut Table, one: &str) -> Result<(), Failure> {
    let refuse = |why: String| Failure::wrong_input(format!("--set {one}: {why}"));
    let Some((path, text)) = one.split_once('=') else {
        return Err(refuse("expected PATH=VALUE, such as laws.best.points=7".into()));
    };
    let segments: Vec<&str> = path.trim().split('.').collect();
    if segments.iter().any(|s| s.is_empty()) {
        return Err(refuse("the path has an empty part".into()));
    }
    let Some(star) = segments.iter().position(|s| *s == "*") else {
        return assign(table, &segments, text.trim()).map_err(refuse);
    };
    let (list, key) = (&segments[..star], &segments[star + 1..]);
    let elements =
        list.iter().try_fold(&Value::Table(table.clone()), |v, s| v.get(*s)).and_then(Value::as_array).cloned();
    let having = |v: &Value| key.iter().try_fold(v, |v, s| v.get(*s)).is_some();
    let places: Vec<usize> = elements.iter().flatten().enumerate().filter(|(_, v)| having(v)).map(|(i, _)| i).collect();
    if places.is_empty() {
        return Err(refuse(format!("`{}` has no element with `{}`", list.join("."), key.join("."))));
    }
    places.into_iter().try_for_each(|i| {
        let number = i.to_string();
        assign(table, &[list, &[number.as_str()], key].concat(), text.trim()).map_err(refuse)
    })
}

fn assign(table: &mut Table, segments: &[&str], text: &str) -> Result<(), String> {
    let (last, above) = segments.split_last().ok_or("the path is empty")?;
    let mut place = Place::Table(table);
    for (k, segment) in above.iter().enumerate() {
        place = place.enter(segment, &above[..k].join("."))?;
    }
    match place {
        Place::Table(table) => {
            let keeps_text = matches!(table.get(*last), Some(Value::String(_)));
            table.insert(last.to_string(), value(text, keeps_text));
        }
        Place::Array(array) => {
            let i = element(array, last, &above.join("."))?;
            array[i] = value(text, matches!(array[i], Value::String(_)));
        }
    }
    Ok(())
}

/// VALUE as TOML, else as a string; where a string stood, only quotes make it TOML.
fn value(text: &str, keeps_text: bool) -> Value {
    let parsed = toml::from_str::<Table>(&format!("v = {text}")).ok().and_then(|mut t| t.remove("v"));
    match parsed {
        Some(parsed) if !keeps_text || parsed.is_str() => parsed,
        _ => Value::String(text.into()),
    }
}

enum Place<'a> {
    Table(&'a mut Table),
    Array(&'a mut Vec<Value>),
}

impl<'a> Place<'a> {
    /// The table or array called `segment`; a table that is not there yet is made.
    fn enter(self, segment: &str, here: &str) -> Result<Place<'a>, String> {
        let value = match self {
            Place::Table(table) => table.entry(segment.to_string()).or_insert_with(|| Value::Table(Table::new())),
            Place::Array(array) => {
                let i = element(array, segment, here)?;
                &mut array[i]
            }
        };
        match value {
            Value::Table(table) => Ok(Place::Table(table)),
            Value::Array(array) => Ok(Place::Array(array)),
            other => Err(format!("`{segment}` is {}, which has no keys", other.type_str())),
        }
    }
}

/// The element of `array` with that name or number.
fn element(array: &[Value], segment: &str, here: &str) -> Result<usize, String> {
    let name = |v: &Value| v.get("name").and_then(Value::as_str).map(String::from);
    let by_name = array.iter().position(|v| name(v).as_deref() == Some(segment));
    let by_number = segment.parse::<usize>().ok().filter(|i| *i < array.len());
    by_name.or(by_number).ok_or_else(|| {
        let names: Vec<String> = array.iter().enumerate().map(|(i, v)| name(v).unwrap_or(i.to_string())).collect();
        format!("`{here}` has no `{segment}`; it has: {}", names.join(", "))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Whatever the text, a study that checks and reads back, or a failure with a message.
    pub(crate) fn read_hostile(text: &str) {
        let source = Source { name: "hostile.toml".into(), text: text.into() };
        let study = match read(text) {
            Err(error) => return assert!(!misread(&source, &error).message.is_empty()),
            Ok(config) => Study { config, source },
        };
        match study.config.check() {
            Err(error) => assert!(!study.explain(error).message.is_empty()),
            Ok(()) => assert!(read(&effective_text(&study.config).unwrap()).is_ok()),
        }
    }

    #[test]
    fn set_reaches_tables_arrays_and_new_tables() {
        let text =
            "seed = 1\n[problem]\ndiffusivity = \"2\"\ndomain = [0.0, 1.0]\n[[laws]]\nname = \"a\"\npoints = 3\n";
        let mut table: Table = toml::from_str(text).unwrap();
        let sets = ["seed=7", "laws.a.points=5", "laws.0.kind=x", "problem.diffusivity=3", "problem.domain.1=2.5"];
        for one in sets.iter().chain(&["resolved.time=0.5"]) {
            apply(&mut table, one).unwrap();
        }
        assert_eq!(table["seed"].as_integer(), Some(7));
        assert_eq!(table["laws"][0]["points"].as_integer(), Some(5));
        assert_eq!(table["laws"][0]["kind"].as_str(), Some("x"));
        assert_eq!(table["problem"]["diffusivity"].as_str(), Some("3"));
        assert_eq!(table["problem"]["domain"][1].as_float(), Some(2.5));
        assert_eq!(table["resolved"]["time"].as_float(), Some(0.5));
        apply(&mut table, "laws.*.points=9").unwrap();
        assert_eq!(table["laws"][0]["points"].as_integer(), Some(9));
        let message = |one: &str| apply(&mut table.clone(), one).unwrap_err().message;
        assert!(message("laws.b.points=5").contains("it has: a"));
        assert!(message("seed.x=5").contains("integer"));
        assert!(message("seed").contains("PATH=VALUE"));
        assert!(message("a..b=1").contains("empty part"));
        assert!(message("laws.*.epochs=1").contains("no element with `epochs`"));
        assert!(message("patches.*.step=1").contains("no element with `step`"));
    }

    #[test]
    fn distances_are_levenshteins() {
        assert_eq!((distance("kitten", "sitting"), distance("", "ab"), distance("a", "a")), (3, 2, 0));
    }

    #[test]
    fn built_in_studies_read_and_their_text_reads_back() {
        for (name, _) in BUILTIN {
            let study = load(name, &[], Some(5)).unwrap();
            let again = read(&effective_text(&study.config).unwrap()).unwrap();
            assert_eq!(again, study.config);
            again.check().unwrap();
        }
    }
}

//! A study by its name.

use std::path::Path;

use super::{Refusal, Source};
use crate::io::atomic::read_text;
use crate::study::{BUILTIN, builtin};

pub(super) fn find(name: &str) -> Result<Source, Refusal> {
    if let Some(text) = builtin(name) {
        return Ok(Source { name: format!("built-in study {name}"), text: text.into() });
    }
    let path = Path::new(name);
    let is_path = path.extension().is_some_and(|e| e == "toml") || name.contains(['/', '\\']) || path.exists();
    if !is_path {
        return Err(unknown(name));
    }
    Ok(Source { name: name.into(), text: read_text(path)? })
}

fn unknown(name: &str) -> Refusal {
    let names: Vec<&str> = BUILTIN.iter().map(|(n, _)| *n).collect();
    let nearest = names.iter().map(|n| (distance(name, n), *n)).min();
    let refusal =
        Refusal::new(format!("there is no study called `{name}`; the built-in ones are: {}", names.join(", ")));
    match nearest {
        Some((d, n)) if d <= 1 + n.len() / 3 => refusal.help(format!("did you mean `{n}`?")),
        _ => refusal.help("a file of your own ends in .toml; `gaptooth schema` says what it may hold"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshteins() {
        assert_eq!((distance("kitten", "sitting"), distance("", "ab"), distance("a", "a")), (3, 2, 0));
    }
}

//! Which conductivity each label of a segmented image stands for, as the user writes it: `0=1.0,255=10.0,*=0`.

use std::str::FromStr;

use crate::{Error, Result};

/// Conductivities by label: `0=1.0,255=10.0`, and with `*=…` one for every label that is not named.
///
/// Labels are finite numbers, also negative or broken ones; conductivities are finite and not negative. Blanks do not
/// count. Integer labels of more than 53 bits are the same as the nearest `f64`.
///
/// ```
/// use gaptooth::coefficient::PhaseMap;
/// let map: PhaseMap = "0 = 1.0, 255 = 10.0, * = 0".parse()?;
/// assert_eq!((map.conductivity(255.0), map.conductivity(7.0)), (Some(10.0), Some(0.0)));
/// assert!("0=1.0,0=2.0".parse::<PhaseMap>().unwrap_err().to_string().contains("twice"));
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseMap {
    /// (label, conductivity), labels ascending
    entries: Vec<(f64, f64)>,
    rest: Option<f64>,
}

impl PhaseMap {
    /// The map that `text` writes out; [`str::parse`] does the same.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming `map` for an empty text, an item that is not `label=conductivity`, a label that is no
    /// finite number or comes twice, a conductivity that is negative or not finite.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Err(wrong(text, "at least one `label=conductivity`"));
        }
        let mut map = PhaseMap { entries: Vec::new(), rest: None };
        for item in text.split(',') {
            map.add(item.trim()).map_err(|expected| wrong(text, expected))?;
        }
        map.entries.sort_by(|a, b| a.0.total_cmp(&b.0));
        match map.entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            None => Ok(map),
            Some(pair) => Err(wrong(text, format!("each label once, found {} twice", pair[0].0))),
        }
    }

    fn add(&mut self, item: &str) -> std::result::Result<(), String> {
        let (label, conductivity) =
            item.split_once('=').ok_or_else(|| format!("items like `0=1.0` between the commas, found `{item}`"))?;
        let value = number(conductivity).filter(|v| *v >= 0.0);
        let value = value.ok_or_else(|| format!("a conductivity that is finite and not negative in `{item}`"))?;
        if label.trim() != "*" {
            let label = number(label).ok_or_else(|| format!("a finite number or `*` as the label in `{item}`"))?;
            self.entries.push((label, value));
        } else if self.rest.replace(value).is_some() {
            return Err("each label once, found `*` twice".into());
        }
        Ok(())
    }

    /// (label, conductivity) with the labels ascending.
    pub fn entries(&self) -> &[(f64, f64)] {
        &self.entries
    }

    /// The conductivity of labels that are not named.
    pub fn rest(&self) -> Option<f64> {
        self.rest
    }

    /// The conductivity of `label`; `None` when it is not named and there is no `*`.
    pub fn conductivity(&self, label: f64) -> Option<f64> {
        let label = label + 0.0;
        let found = self.entries.binary_search_by(|entry| entry.0.total_cmp(&label));
        found.map_or(self.rest, |i| Some(self.entries[i].1))
    }
}

impl FromStr for PhaseMap {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        PhaseMap::parse(text)
    }
}

impl std::fmt::Display for PhaseMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = self.entries.iter().map(|(label, value)| format!("{label}={value}"));
        let items: Vec<String> = named.chain(self.rest.map(|value| format!("*={value}"))).collect();
        f.write_str(&items.join(","))
    }
}

/// A finite number; minus zero becomes zero, so that equal labels have equal bits.
fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|v| v.is_finite()).map(|v| v + 0.0)
}

fn wrong(text: &str, expected: impl Into<String>) -> Error {
    let advice = "Write for instance `0=1.0,255=10.0`, with `*=1.0` for all other labels";
    Error::parameter("map", format!("`{text}`"), expected, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_but_meant_texts_are_read() {
        let map = PhaseMap::parse(" 2 = 0 ,-1.5=1e-3,* =4,-0=7").unwrap();
        assert_eq!(map.entries(), [(-1.5, 1e-3), (0.0, 7.0), (2.0, 0.0)]);
        assert_eq!(
            (map.rest(), map.conductivity(-0.0), map.conductivity(f64::INFINITY)),
            (Some(4.0), Some(7.0), Some(4.0))
        );
        assert_eq!(map.to_string(), "-1.5=0.001,0=7,2=0,*=4");
        assert_eq!(PhaseMap::parse(&map.to_string()).unwrap(), map);
        assert_eq!(PhaseMap::parse("1=2").unwrap().conductivity(3.0), None);
    }

    #[test]
    fn wrong_texts_are_refused_by_name() {
        let twice = ["0=1,-0=2", "1=1,1.0=1", "*=1,*=2"];
        let broken = ["", "  ", "0", "0=", "=1", "0=1,", "0=-1", "0=nan", "0=inf", "nan=1", "inf=1", "a=1", "0=1=2"];
        for text in twice.iter().chain(&broken) {
            let error = PhaseMap::parse(text).unwrap_err();
            assert!(matches!(&error, Error::Parameter { name, .. } if name == "map"), "{text}: {error}");
            assert_eq!(error.to_string().contains("twice"), twice.contains(text), "{text}: {error}");
        }
    }
}

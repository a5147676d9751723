//! Where a key stands in a TOML text, so that an error can point at its line.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// One key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// keys from the root, elements of arrays left out: `patches`, `step`
    keys: Vec<String>,
    /// the same with elements by their `name` or number: `patches`, `fine`, `step`
    path: Vec<String>,
    /// the number of each element where there is one, else as in `path`
    numbered: Vec<String>,
    key: Range<usize>,
    value: Range<usize>,
    /// the value, if it is a string or a number
    text: Option<String>,
}

/// Every key of a TOML text; none if it does not parse.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<Entry>);

impl Keys {
    pub(super) fn of(text: &str) -> Self {
        let mut keys = Keys::default();
        if let Ok(table) = DeTable::parse(text) {
            let start = Entry { keys: vec![], path: vec![], numbered: vec![], key: 0..0, value: 0..0, text: None };
            keys.table(table.get_ref(), &start);
        }
        keys
    }

    fn table(&mut self, table: &DeTable<'_>, above: &Entry) {
        for (key, value) in table {
            let name = key.get_ref().to_string();
            let mut entry = above.clone();
            entry.keys.push(name.clone());
            entry.path.push(name.clone());
            entry.numbered.push(name);
            (entry.key, entry.value, entry.text) = (key.span(), value.span(), scalar(value.get_ref()));
            self.0.push(entry.clone());
            self.below(value.get_ref(), &entry);
        }
    }

    fn below(&mut self, value: &DeValue<'_>, entry: &Entry) {
        match value {
            DeValue::Table(table) => self.table(table, entry),
            DeValue::Array(array) => {
                for (i, element) in array.iter().enumerate() {
                    if let DeValue::Table(table) = element.get_ref() {
                        let named = table.iter().find(|(k, _)| k.get_ref() == "name");
                        let name = named.and_then(|(_, v)| scalar(v.get_ref()));
                        let mut inner = entry.clone();
                        inner.path.push(name.unwrap_or_else(|| i.to_string()));
                        inner.numbered.push(i.to_string());
                        self.table(table, &inner);
                    }
                }
            }
            _ => {}
        }
    }

    /// The key at the dotted `path`, or the nearest one above it, which of an array's element is its first key; elements
    /// by name, by number, or left out.
    pub(super) fn at(&self, path: &str) -> Option<Range<usize>> {
        let wanted: Vec<&str> = path.split('.').collect();
        (1..=wanted.len()).rev().find_map(|n| {
            let begins = |p: &Vec<String>| p.len() >= n && p[..n] == wanted[..n];
            let fits = |e: &&Entry| [&e.path, &e.numbered, &e.keys].into_iter().any(begins);
            let first = self.0.iter().filter(fits).min_by_key(|e| (e.path.len(), e.key.start));
            first.map(|e| e.key.clone())
        })
    }

    /// The key whose dotted path ends in `name`; where several do, the one whose value reads `found`.
    pub(super) fn named(&self, name: &str, found: &str) -> Option<Range<usize>> {
        let wanted: Vec<&str> = name.split('.').collect();
        let fits: Vec<&Entry> = self.0.iter().filter(|e| e.keys.ends_with_all(&wanted)).collect();
        match fits[..] {
            [] => None,
            [only] => Some(only.key.clone()),
            _ => fits.iter().find(|e| e.reads(found)).map(|e| e.key.clone()),
        }
    }

    /// The string value that reads `text`.
    pub(super) fn string(&self, text: &str) -> Option<Range<usize>> {
        self.0.iter().find(|e| e.text.as_deref() == Some(text)).map(|e| e.value.clone())
    }

    /// The first value from `start` on that reads `found`.
    pub(super) fn reading(&self, found: &str, start: usize) -> Option<Range<usize>> {
        let after = self.0.iter().filter(|e| e.key.start >= start && e.reads(found));
        after.min_by_key(|e| e.key.start).map(|e| e.value.clone())
    }

    /// The key called `name` inside the part `within` of the text.
    pub(super) fn unknown(&self, name: &str, within: &Range<usize>) -> Option<Range<usize>> {
        let called = |e: &&Entry| e.keys.last().is_some_and(|k| k == name);
        let inside = self.0.iter().filter(called).find(|e| within.start <= e.key.start && e.key.end <= within.end);
        inside.or_else(|| self.0.iter().find(called)).map(|e| e.key.clone())
    }

    /// The dotted path of the innermost key whose name or value lies at `span`.
    pub(super) fn path_of(&self, span: &Range<usize>) -> Option<String> {
        let holds = |r: &Range<usize>| r.start <= span.start && span.end <= r.end;
        let around = self.0.iter().filter(|e| holds(&e.key) || holds(&e.value));
        around.max_by_key(|e| e.path.len()).map(|e| e.path.join("."))
    }
}

impl Entry {
    fn reads(&self, found: &str) -> bool {
        let Some(text) = self.text.as_deref() else { return false };
        text == found || matches!((text.parse::<f64>(), found.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
    }
}

trait EndsWith {
    fn ends_with_all(&self, tail: &[&str]) -> bool;
}

impl EndsWith for Vec<String> {
    fn ends_with_all(&self, tail: &[&str]) -> bool {
        self.len() >= tail.len() && self[self.len() - tail.len()..] == *tail
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(s) => Some(s.to_string()),
        DeValue::Integer(i) => Some(i.to_string()),
        DeValue::Float(f) => Some(f.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "seed = 1\n[problem]\ndiffusivity = \"2+\"\n[[laws]]\nname = \"a\"\npoints = 3\n[[laws]]\nname = \"b\"\npoints = 5\nburst = { length = 1e-6 }\n";

    fn line(span: Option<Range<usize>>) -> Option<usize> {
        span.map(|s| 1 + TEXT[..s.start].matches('\n').count())
    }

    #[test]
    fn keys_are_found_by_path_by_tail_and_by_value() {
        let keys = Keys::of(TEXT);
        assert_eq!(line(keys.at("seed")), Some(1));
        assert_eq!(line(keys.at("laws.b.points")), Some(9));
        assert_eq!(line(keys.at("laws.1.points")), Some(9));
        assert_eq!((line(keys.at("laws.b.missing")), line(keys.at("laws.c.missing"))), (Some(8), Some(4)));
        assert_eq!(line(keys.named("points", "5")), Some(9));
        assert_eq!(line(keys.named("points", "4")), None);
        assert_eq!(line(keys.named("burst.length", "0.000001")), Some(10));
        assert_eq!(line(keys.string("2+")), Some(3));
        let seed = TEXT.find("1e-6").unwrap();
        assert_eq!(keys.path_of(&(seed..seed + 4)).as_deref(), Some("laws.b.burst.length"));
        assert_eq!(Keys::of("a = [").at("a"), None);
    }
}

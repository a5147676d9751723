//! Texts that nobody would write: the readers of TOML answer or refuse, and never panic.
//!
//! `GAPTOOTH_FUZZ=500 cargo test --release …` runs so many times as many cases.

use gaptooth::study::BUILTIN;
use proptest::prelude::*;

use crate::commands::lattice;
use crate::config;

const LATTICE: &str = "bond = \"left\"\nkx = [[1.0, 2.0], [0.5, 3.0]]\nky = [[2.0, 2.0], [1.5, 1.0]]\n";

/// What stands where another value is expected.
const VALUES: [&str; 29] = [
    "-1",
    "0",
    "1",
    "2",
    "3.7",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1e-308",
    "-0.0",
    "1000",
    "123456789",
    "1e-9",
    "9223372036854775807",
    "18446744073709551616",
    "\"\"",
    "\"x\"",
    "\"sin(\"",
    "\"1/0\"",
    "\"sqrt(-1)\"",
    "[]",
    "[1, \"a\"]",
    "[0.0, 1.0]",
    "[[1.0], [2.0, 3.0]]",
    "{}",
    "{ a = 1 }",
    "true",
    "1979-05-27",
];

fn cases(usual: u32) -> ProptestConfig {
    let factor = std::env::var("GAPTOOTH_FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(usual.saturating_mul(factor)) }
}

/// What may be done to a text.
#[derive(Debug, Clone)]
enum Damage {
    /// the value of a line is another
    Value(prop::sample::Index, usize),
    Delete(prop::sample::Index),
    Repeat(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Byte(prop::sample::Index, u8),
    Cut(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        6 => (at(), 0..VALUES.len()).prop_map(|(line, value)| Damage::Value(line, value)),
        2 => at().prop_map(Damage::Delete),
        1 => at().prop_map(Damage::Repeat),
        1 => (at(), at()).prop_map(|(one, two)| Damage::Swap(one, two)),
        2 => (at(), any::<u8>()).prop_map(|(place, byte)| Damage::Byte(place, byte)),
        1 => at().prop_map(Damage::Cut),
    ]
}

fn damaged(text: &str, all: &[Damage]) -> String {
    let mut text = text.to_string();
    for one in all {
        let mut lines: Vec<String> = text.lines().map(String::from).collect();
        if lines.is_empty() || text.is_empty() {
            break;
        }
        match one {
            Damage::Value(line, value) => {
                let line = &mut lines[line.index(text.lines().count())];
                if let Some((key, _)) = line.clone().split_once('=') {
                    *line = format!("{key}= {}", VALUES[*value]);
                }
            }
            Damage::Delete(line) => drop(lines.remove(line.index(lines.len()))),
            Damage::Repeat(line) => lines.insert(0, lines[line.index(lines.len())].clone()),
            Damage::Swap(one, two) => lines.swap(one.index(text.lines().count()), two.index(text.lines().count())),
            Damage::Byte(place, byte) => {
                let mut bytes = text.into_bytes();
                let at = place.index(bytes.len());
                bytes[at] = *byte;
                text = String::from_utf8_lossy(&bytes).into_owned();
                continue;
            }
            Damage::Cut(place) => {
                let mut bytes = text.into_bytes();
                bytes.truncate(place.index(bytes.len()));
                text = String::from_utf8_lossy(&bytes).into_owned();
                continue;
            }
        }
        text = lines.join("\n");
    }
    text
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn studies(which in 0..BUILTIN.len(), changes in prop::collection::vec(damage(), 1..5)) {
        config::tests::read_hostile(&damaged(BUILTIN[which].1, &changes));
    }

    #[test]
    fn lattices(changes in prop::collection::vec(damage(), 1..4)) {
        lattice::tests::read_hostile(&damaged(LATTICE, &changes));
    }
}

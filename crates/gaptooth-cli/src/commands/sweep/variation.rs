//! What a sweep varies.

use crate::commas::split;
use crate::failure::Failure;

/// Most points of a sweep: past this lie slips of the keyboard.
const MOST: usize = 10_000;

/// A key of the study and its values, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variation {
    pub(super) path: String,
    pub(super) values: Vec<String>,
}

impl Variation {
    /// `PATH=V,V…`
    pub(super) fn typed(text: &str) -> Result<Self, Failure> {
        let refuse = |what: &str| {
            let message = format!("--vary {text}: {what}");
            Err(Failure::wrong_input(message).help("write a key and its values: --vary problem.epsilon=1e-3,1e-4"))
        };
        let Some((path, values)) = text.split_once('=') else { return refuse("expected PATH=VALUE,VALUE…") };
        let values: Vec<String> = split(values).into_iter().map(|value| value.trim().to_string()).collect();
        if path.trim().is_empty() || values.iter().any(String::is_empty) {
            return refuse("a key or a value is empty");
        }
        if let Some(k) = (1..values.len()).find(|&k| values[..k].contains(&values[k])) {
            return refuse(&format!("the value {} stands twice", values[k]));
        }
        Ok(Variation { path: path.trim().into(), values })
    }

    /// Values by another name than a key.
    pub(super) fn of(name: &str, values: &[String]) -> Self {
        Variation { path: name.into(), values: values.to_vec() }
    }

    /// The value as a number, if it is one.
    pub(super) fn number(value: &str) -> Option<f64> {
        value.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
    }
}

/// Every combination of the values, the last key fastest.
pub(super) fn combinations(variations: &[Variation]) -> Result<Vec<Vec<String>>, Failure> {
    for (k, variation) in variations.iter().enumerate() {
        if variations[..k].iter().any(|other| other.path == variation.path) {
            let message = format!("--vary {}: this key is varied twice", variation.path);
            return Err(Failure::wrong_input(message).help("give all its values at once"));
        }
    }
    let count = variations.iter().fold(1usize, |count, v| count.saturating_mul(v.values.len()));
    if count > MOST {
        let message = format!("{count} points, expected at most {MOST}");
        return Err(Failure::wrong_input(message).help("vary fewer keys, or part the sweep"));
    }
    let mut points = vec![vec![]];
    for variation in variations {
        let with = |point: &Vec<String>| {
            variation.values.iter().map(|v| [point.as_slice(), std::slice::from_ref(v)].concat()).collect::<Vec<_>>()
        };
        points = points.iter().flat_map(with).collect();
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_combinations() {
        let typed = ["a.b=1,2", "c=[1,2],\"x,y\""].map(|text| Variation::typed(text).unwrap());
        let points = combinations(&typed).unwrap();
        assert_eq!(points, [["1", "[1,2]"], ["1", "\"x,y\""], ["2", "[1,2]"], ["2", "\"x,y\""]]);
        for wrong in ["a", "=1", "a=1,,2", "a=1,1"] {
            assert!(Variation::typed(wrong).is_err(), "{wrong}");
        }
        assert!(combinations(&[typed[0].clone(), typed[0].clone()]).is_err());
    }
}

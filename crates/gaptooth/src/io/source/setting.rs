//! One key of a TOML table, changed.

use toml::{Table, Value};

use super::Refusal;

/// What the key at a dotted path is to be.
///
/// A list's elements go by their `name` or number; `*` stands for every element that has the key: `laws.*.epochs` changes all
/// networks. A key that is not there yet is made. Where a string stands, a number becomes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    path: Vec<String>,
    given: Given,
}

#[derive(Debug, Clone, PartialEq)]
enum Given {
    /// as typed: TOML, else a string
    Text(String),
    Value(Value),
}

impl Setting {
    /// `PATH=VALUE` as people type it; VALUE is TOML, else a string.
    ///
    /// # Errors
    /// Without `=`, and for a path with an empty part.
    pub fn typed(text: &str) -> Result<Self, Refusal> {
        let Some((path, value)) = text.split_once('=') else {
            return Err(Refusal::new("expected PATH=VALUE, such as laws.best.points=7"));
        };
        Ok(Setting { path: segments(path)?, given: Given::Text(value.trim().into()) })
    }

    /// The value itself.
    ///
    /// # Errors
    /// For a path with an empty part.
    pub fn new(path: &str, value: Value) -> Result<Self, Refusal> {
        Ok(Setting { path: segments(path)?, given: Given::Value(value) })
    }

    /// Sets it in `table`.
    ///
    /// # Errors
    /// When a list has no such element, or a value on the way has no keys.
    pub(super) fn apply(&self, table: &mut Table) -> Result<(), Refusal> {
        let segments: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let Some(star) = segments.iter().position(|s| *s == "*") else {
            return assign(table, &segments, &self.given).map_err(Refusal::new);
        };
        let (list, key) = (&segments[..star], &segments[star + 1..]);
        let elements =
            list.iter().try_fold(&Value::Table(table.clone()), |v, s| v.get(*s)).and_then(Value::as_array).cloned();
        let having = |v: &Value| key.iter().try_fold(v, |v, s| v.get(*s)).is_some();
        let places: Vec<usize> =
            elements.iter().flatten().enumerate().filter(|(_, v)| having(v)).map(|(i, _)| i).collect();
        if places.is_empty() {
            return Err(Refusal::new(format!("`{}` has no element with `{}`", list.join("."), key.join("."))));
        }
        places.into_iter().try_for_each(|i| {
            let number = i.to_string();
            assign(table, &[list, &[number.as_str()], key].concat(), &self.given).map_err(Refusal::new)
        })
    }
}

fn segments(path: &str) -> Result<Vec<String>, Refusal> {
    let segments: Vec<String> = path.trim().split('.').map(String::from).collect();
    match segments.iter().any(String::is_empty) {
        true => Err(Refusal::new("the path has an empty part")),
        false => Ok(segments),
    }
}

fn assign(table: &mut Table, segments: &[&str], given: &Given) -> Result<(), String> {
    let (last, above) = segments.split_last().ok_or("the path is empty")?;
    let mut place = Place::Table(table);
    for (k, segment) in above.iter().enumerate() {
        place = place.enter(segment, &above[..k].join("."))?;
    }
    match place {
        Place::Table(table) => {
            let value = given.instead_of(table.get(*last));
            table.insert(last.to_string(), value);
        }
        Place::Array(array) => {
            let i = element(array, last, &above.join("."))?;
            array[i] = given.instead_of(Some(&array[i]));
        }
    }
    Ok(())
}

impl Given {
    /// Where a string stood, a string; of a text only quotes make it TOML there.
    fn instead_of(&self, before: Option<&Value>) -> Value {
        let keeps_text = matches!(before, Some(Value::String(_)));
        match self {
            Given::Text(text) => {
                let parsed = toml::from_str::<Table>(&format!("v = {text}")).ok().and_then(|mut t| t.remove("v"));
                match parsed {
                    Some(parsed) if !keeps_text || parsed.is_str() => parsed,
                    _ => Value::String(text.clone()),
                }
            }
            Given::Value(number @ (Value::Integer(_) | Value::Float(_))) if keeps_text => {
                Value::String(number.to_string())
            }
            Given::Value(value) => value.clone(),
        }
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
mod tests {
    use super::*;

    fn apply(table: &mut Table, one: &str) -> Result<(), Refusal> {
        Setting::typed(one)?.apply(table)
    }

    #[test]
    fn settings_reach_tables_arrays_and_new_tables() {
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
    fn a_value_is_itself_but_where_a_string_stands() {
        let mut table: Table = toml::from_str("seed = 1\ndiffusivity = \"2\"\n").unwrap();
        for (path, value) in [("seed", Value::from("7")), ("diffusivity", Value::from(0.5)), ("new", Value::from("3"))]
        {
            Setting::new(path, value).unwrap().apply(&mut table).unwrap();
        }
        let text = |key: &str| table[key].as_str();
        assert_eq!((text("seed"), text("diffusivity"), text("new")), (Some("7"), Some("0.5"), Some("3")));
    }
}

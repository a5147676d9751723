//! Reading the cases.

use serde_json::Value;

/// A case of `data/patches.json`.
pub(crate) struct Case(Value);

impl Case {
    pub(crate) fn load(id: &str) -> Case {
        let file: Value = serde_json::from_str(include_str!("../data/patches.json")).unwrap();
        let case = file["cases"].as_array().unwrap().iter().find(|c| c["id"] == id);
        Case(case.unwrap_or_else(|| panic!("no case {id}")).clone())
    }

    pub(crate) fn at(&self, part: &str, key: &str) -> &Value {
        let value = &self.0[part][key];
        assert!(!value.is_null(), "no {part}.{key}");
        value
    }

    pub(crate) fn number(&self, key: &str) -> f64 {
        self.at("inputs", key).as_f64().unwrap()
    }

    pub(crate) fn count(&self, key: &str) -> usize {
        self.at("inputs", key).as_u64().unwrap() as usize
    }

    pub(crate) fn list(&self, key: &str) -> Vec<f64> {
        numbers(self.at("inputs", key))
    }

    pub(crate) fn domain(&self) -> [f64; 2] {
        self.list("domain").try_into().unwrap()
    }

    pub(crate) fn expected(&self, key: &str) -> Vec<f64> {
        numbers(self.at("expected", key))
    }

    pub(crate) fn expected_number(&self, key: &str) -> f64 {
        self.at("expected", key).as_f64().unwrap()
    }

    pub(crate) fn tolerance(&self) -> f64 {
        self.0["tolerance"].as_f64().unwrap()
    }
}

/// Numbers of a list or of a list of lists, row by row.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    let rows = value.as_array().unwrap();
    rows.iter().flat_map(|v| v.as_f64().map_or_else(|| numbers(v), |x| vec![x])).collect()
}

pub(crate) fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= tolerance, "{what}[{i}]: {f} against {e}");
    }
}

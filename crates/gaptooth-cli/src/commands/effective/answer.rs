//! What `gaptooth effective` prints.

use std::time::Instant;

use gaptooth::{VERSION, cell::EffectiveTensor};
use serde_json::{Map, Value, json};

use crate::args::EffectiveArgs;
use crate::failure::Failure;
use crate::output;

pub(super) type Matrix = Vec<Vec<f64>>;

/// One answer.
pub(super) struct Answer {
    tensor: EffectiveTensor,
    bounds: Option<[Matrix; 2]>,
    seconds: f64,
    warnings: Vec<String>,
    /// further keys of the JSON object
    beside: Map<String, Value>,
}

impl Answer {
    /// `enclosing` has the bounds, if they are wanted.
    pub(super) fn new(
        tensor: EffectiveTensor,
        enclosing: Option<&EffectiveTensor>,
        tolerance: f64,
        started: Instant,
    ) -> Self {
        let bounds = enclosing.map(|e| tensor.enclosure(e));
        Answer::enclosed(tensor, bounds, tolerance, started)
    }

    /// With bounds that hold as they are.
    pub(super) fn enclosed(
        tensor: EffectiveTensor,
        bounds: Option<[Matrix; 2]>,
        tolerance: f64,
        started: Instant,
    ) -> Self {
        let mut warnings = vec![];
        if !tensor.converged(tolerance) {
            let r = tensor.residual;
            warnings.push(format!("the estimated error {r:.1e} misses the tolerance {tolerance:.1e}"));
        }
        Answer { tensor, bounds, seconds: started.elapsed().as_secs_f64(), warnings, beside: Map::new() }
    }

    /// Adds keys to the JSON object.
    pub(super) fn add(&mut self, keys: Map<String, Value>) {
        self.beside.extend(keys);
    }

    /// Adds a warning.
    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// The JSON object.
    pub(super) fn describe(&self, method: &str, tolerance: f64, slow: Option<f64>) -> Value {
        let [lower, upper] = [0, 1].map(|k| self.bounds.as_ref().map(|b| b[k].clone()));
        let average = |[lower, upper]: &[Matrix; 2]| -> Matrix {
            let rows = lower.iter().zip(upper);
            rows.map(|(l, u)| l.iter().zip(u).map(|(l, u)| 0.5 * (l + u)).collect()).collect()
        };
        let mut object = json!({
            "tensor": self.tensor.tensor,
            "lower": lower,
            "upper": upper,
            "midpoint": self.bounds.as_ref().map(average),
            "method": method,
            "details": self.tensor.method,
            "iterations": self.tensor.iterations,
            "residual": self.tensor.residual,
            "tolerance": tolerance,
            "unknowns": self.tensor.unknowns,
            "wall_seconds": self.seconds,
            "version": VERSION,
            "warnings": self.warnings,
            "slow": slow.map(|x| json!({"x": x})),
        });
        if let Some(object) = object.as_object_mut() {
            object.extend(self.beside.clone());
        }
        object
    }
}

/// Prints the answers at the slow points `x`; without `--slow` there is one.
pub(super) fn show(answers: &[Answer], method: &str, slow: &[f64], args: &EffectiveArgs) -> Result<(), Failure> {
    let x = |k: usize| slow.get(k).copied();
    for (k, answer) in answers.iter().enumerate() {
        let place = x(k).map_or(String::new(), |x| format!("x = {x}: "));
        answer.warnings.iter().for_each(|warning| output::say(&format!("warning: {place}{warning}")));
    }
    let all: Vec<Value> = answers.iter().enumerate().map(|(k, a)| a.describe(method, args.tolerance(), x(k))).collect();
    match (args.json, &all[..]) {
        (true, [one]) => output::json(one),
        (true, _) => output::json(&json!({ "answers": all })),
        (false, _) => output::line(&table(answers, slow)),
    }
}

/// A row for each answer, and in several dimensions for each entry of the upper triangle.
fn table(answers: &[Answer], slow: &[f64]) -> String {
    let mut rows = vec![["x", "entry", "a*", "lower", "upper", "error", "unknowns"].map(String::from).to_vec()];
    for (k, answer) in answers.iter().enumerate() {
        let d = answer.tensor.tensor.len();
        for (i, j) in (0..d).flat_map(|i| (i..d).map(move |j| (i, j))) {
            let bound = |k: usize| answer.bounds.as_ref().map_or("—".into(), |b| format!("{:.15}", b[k][i][j]));
            rows.push(vec![
                slow.get(k).copied().unwrap_or(0.0).to_string(),
                format!("{},{}", i + 1, j + 1),
                format!("{:.15}", answer.tensor.tensor[i][j]),
                bound(0),
                bound(1),
                format!("{:.1e}", answer.tensor.residual),
                answer.tensor.unknowns.to_string(),
            ]);
        }
    }
    // one dimension has one entry
    if answers.iter().all(|a| a.tensor.tensor.len() == 1) {
        rows.iter_mut().for_each(|row| drop(row.remove(1)));
    }
    let method = answers.first().map_or("", |a| a.tensor.method.as_str());
    format!("{}by {method}", output::columns(&rows))
}

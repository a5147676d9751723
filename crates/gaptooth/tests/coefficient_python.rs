//! Formulas mean what Python means by them: 10 000 random ones, generated and evaluated by `data/formulas.py`. Without python3 on
//! the machine, the 300 of `data/formulas_sample.txt` (the same script's output under CPython 3.11.7, x86-64 glibc).

use std::path::Path;
use std::process::Command;

use gaptooth::coefficient::Formula;

const COUNT: usize = 10_000;
const SEED: &str = "20260118";

/// The reference and how many lines it must have.
fn reference() -> (String, usize) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    match Command::new("python3").arg(data.join("formulas.py")).args([&COUNT.to_string(), SEED]).output() {
        Ok(done) => {
            assert!(done.status.success(), "formulas.py failed: {}", String::from_utf8_lossy(&done.stderr));
            (String::from_utf8(done.stdout).unwrap(), COUNT)
        }
        Err(why) => {
            eprintln!("python3 does not start ({why}): the checked-in sample it is");
            (std::fs::read_to_string(data.join("formulas_sample.txt")).unwrap(), 300)
        }
    }
}

fn disagreement(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [text, x, y, value] = fields.as_slice() else { return Some(format!("not four fields: {line}")) };
    let [x, y, value]: [f64; 3] = [x, y, value].map(|number| number.parse().unwrap());
    let formula = match Formula::parse(text, &["x", "y"], &[("k", 0.75)]) {
        Ok(formula) => formula,
        Err(why) => return Some(why.to_string()),
    };
    let ours = formula.eval(&[x, y]);
    // where Python raises, the script says what IEEE arithmetic gives, so NaN and infinities are compared as they are
    let same = ours == value || (ours.is_nan() && value.is_nan()) || (ours - value).abs() <= 1e-12 * value.abs();
    (!same).then(|| format!("`{text}` at x = {x}, y = {y}: {ours:e}, Python {value:e}"))
}

#[test]
fn formulas_have_the_values_that_python_gives() {
    let (reference, count) = reference();
    assert_eq!(reference.lines().count(), count);
    let wrong: Vec<String> = reference.lines().filter_map(disagreement).collect();
    assert!(
        wrong.is_empty(),
        "{} of {count} differ, among them\n{}",
        wrong.len(),
        wrong[..wrong.len().min(10)].join("\n")
    );
    // the sample is worth something only if it is mostly numbers, and not only numbers
    let finite =
        reference.lines().filter(|l| l.rsplit('\t').next().unwrap().parse::<f64>().unwrap().is_finite()).count();
    assert!(finite > count * 4 / 5 && finite < count, "{finite} finite values");
}

#[test]
fn the_checked_in_sample_agrees_too() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formulas_sample.txt");
    let sample = std::fs::read_to_string(data).unwrap();
    assert_eq!(sample.lines().count(), 300);
    let wrong: Vec<String> = sample.lines().filter_map(disagreement).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_value_is_noticed() {
    assert!(disagreement("-x^2\t3.0\t0.0\t9.0").is_some());
    assert!(disagreement("2^3^2\t0.0\t0.0\t64.0").is_some());
    assert!(disagreement("-x^2\t3.0\t0.0\t-9.0").is_none());
}

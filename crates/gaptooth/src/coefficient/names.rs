//! What to say of a name that is not known.

use super::operators::FUNCTIONS;
use super::parser::Scope;

/// Names from elsewhere that people try, and what they are called here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("π", "pi"),
    ("ln", "log"),
    ("arcsin", "asin"),
    ("arccos", "acos"),
    ("arctan", "atan"),
    ("arctan2", "atan2"),
    ("fabs", "abs"),
    ("power", "pow"),
    ("mod", "% (a % b)"),
    ("fmod", "% (a % b)"),
    ("minimum", "min"),
    ("maximum", "max"),
    ("sgn", "sign"),
    ("step", "heaviside"),
    ("epsilon", "eps"),
    ("ε", "eps"),
    ("if", "where"),
    ("select", "where"),
    ("piecewise", "where"),
];

/// For a name that stands alone.
pub(super) fn unknown(name: &str, scope: Scope<'_>) -> String {
    if FUNCTIONS.iter().any(|(f, _)| *f == name) {
        return format!("`{name}` is a function: write {name}(...)");
    }
    if ["np", "numpy", "math"].contains(&name) {
        return format!("write function names without `{name}.` in front");
    }
    let values = values(scope);
    format!("unknown name `{name}`{}; known names are {}", hint(name, &all(scope)), values.join(", "))
}

/// For a name in front of a parenthesis.
pub(super) fn not_a_function(name: &str, scope: Scope<'_>) -> String {
    if values(scope).contains(&name) {
        return format!("`{name}` is not a function; write {name}*(...) to multiply");
    }
    let functions: Vec<&str> = FUNCTIONS.iter().map(|(f, _)| *f).collect();
    format!("unknown function `{name}`{}; known functions are {}", hint(name, &functions), functions.join(", "))
}

fn values<'a>(scope: Scope<'a>) -> Vec<&'a str> {
    let variables = scope.variables.iter().map(String::as_str);
    variables.chain(scope.constants.iter().map(|(c, _)| c.as_str())).collect()
}

fn all<'a>(scope: Scope<'a>) -> Vec<&'a str> {
    values(scope).into_iter().chain(FUNCTIONS.iter().map(|(f, _)| *f)).collect()
}

fn hint(name: &str, known: &[&str]) -> String {
    let lower = name.to_lowercase();
    let same = known.iter().copied().find(|k| k.to_lowercase() == lower);
    let alias = || {
        let found = ELSEWHERE.iter().find(|(theirs, _)| *theirs == lower).map(|(_, ours)| *ours);
        found.filter(|ours| known.iter().any(|k| k == ours) || ours.starts_with('%'))
    };
    // one wrong letter in a one-letter name is just another name
    let near = || known.iter().copied().find(|k| k.len() > 1 && name.len() > 1 && distance(&lower, k) == 1);
    match same.or_else(alias).or_else(near) {
        Some(meant) => format!(" (did you mean `{meant}`?)"),
        None => String::new(),
    }
}

/// Number of single-character insertions, deletions and replacements from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

//! Results, to standard output.

use std::io::Write;

use crate::failure::Failure;

/// A line of results; a closed pipe is no failure of ours to report twice, but the command did not deliver.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", text.trim_end_matches('\n'))
        .and_then(|()| stdout.flush())
        .map_err(|e| Failure::failed(format!("cannot write to standard output: {e}")))
}

/// One JSON object.
pub(crate) fn json(value: &serde_json::Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::failed(format!("not JSON: {e}")))?;
    line(&text)
}

/// A line for people, to standard error; nobody may be there to read it.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end_matches('\n'));
}

/// Rows with columns padded to the widest cell; the first column to the left, the rest to the right.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let width = |k: usize| rows.iter().filter_map(|r| r.get(k)).map(|c| c.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        let mut padded = String::new();
        for (k, cell) in row.iter().enumerate() {
            let pad = " ".repeat(width(k) - cell.chars().count());
            padded += &if k == 0 { format!("{cell}{pad}") } else { format!("  {pad}{cell}") };
        }
        text += padded.trim_end();
        text.push('\n');
    }
    text
}

/// A number for people: six digits, an exponent where it helps.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() || (1e-3..1e5).contains(&size) {
        let text = format!("{value:.6}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
    } else {
        format!("{value:.3e}")
    }
}

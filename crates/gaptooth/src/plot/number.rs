//! Numbers as people read them: `1.57e-2`, `0.4583`, `12 345`.

/// Narrow no-break space, between groups of three digits.
const GROUP: char = '\u{202f}';

/// Three or four significant digits, no trailing zeros; whole numbers in full with groups of three.
///
/// ```
/// use gaptooth::plot::number::number;
/// assert_eq!(number(0.0157), "1.57e-2");
/// assert_eq!(number(0.458_257_569), "0.4583");
/// assert_eq!(number(12_345.0), "12\u{202f}345");
/// assert_eq!(number(-3.0e-13), "-3e-13");
/// ```
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "not a number".into()
    } else if value.is_infinite() {
        if value > 0.0 { "∞".into() } else { "-∞".into() }
    } else if value == 0.0 {
        "0".into()
    } else if value.fract() == 0.0 && size < 1e12 {
        whole(value)
    } else if (0.1..99_999.5).contains(&size) {
        let decimals = (3 - size.log10().floor() as i32).max(0) as usize;
        let text = format!("{value:.decimals$}");
        if decimals == 0 { whole(text.parse().unwrap_or(value)) } else { trim(&text).to_string() }
    } else {
        let text = format!("{value:.2e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        match trim(mantissa) {
            // One digit is shorter without the exponent: 0.07.
            digit if exponent == "-2" && !digit.contains('.') => format!("{value:.2}"),
            mantissa => format!("{mantissa}e{exponent}"),
        }
    }
}

/// Seconds as `340 ms`, `12.3 s`, `2 min 5 s`, `1 h 4 min`.
///
/// ```
/// assert_eq!(gaptooth::plot::number::duration(125.2), "2 min 5 s");
/// ```
pub fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).floor();
    if !seconds.is_finite() || seconds < 0.0 {
        format!("{} s", number(seconds))
    } else if seconds < 1e-3 {
        format!("{} µs", number((seconds * 1e7).round() / 10.0))
    } else if seconds < 0.9995 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 99.95 {
        format!("{seconds:.1} s")
    } else if seconds < 3600.0 {
        format!("{minutes} min {:.0} s", (seconds - 60.0 * minutes).floor())
    } else {
        let hours = (minutes / 60.0).floor();
        format!("{hours} h {:.0} min", minutes - 60.0 * hours)
    }
}

fn whole(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    if value < 0.0 {
        text.push('-');
    }
    for (i, c) in digits.chars().enumerate() {
        // Four digits stay together: 1024, but 12 345.
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            text.push(GROUP);
        }
        text.push(c);
    }
    text
}

fn trim(decimal: &str) -> &str {
    if decimal.contains('.') { decimal.trim_end_matches('0').trim_end_matches('.') } else { decimal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (1024.0, "1024"),
            (-1_234_567.0, "-1\u{202f}234\u{202f}567"),
            (0.1, "0.1"),
            (0.099_99, "1e-1"),
            (0.07, "0.07"),
            (-0.01, "-0.01"),
            (0.001, "1e-3"),
            (2.345_67, "2.346"),
            (99_999.4, "99\u{202f}999"),
            (123_456.7, "1.23e5"),
            (1e-12, "1e-12"),
            (-4.26e-7, "-4.26e-7"),
            (f64::NAN, "not a number"),
            (f64::INFINITY, "∞"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn durations_read_well() {
        for (seconds, text) in [
            (4.2e-6, "4.2 µs"),
            (0.034, "34 ms"),
            (0.9999, "1.0 s"),
            (59.96, "60.0 s"),
            (119.99, "1 min 59 s"),
            (3899.0, "1 h 4 min"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}

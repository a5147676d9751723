//! Formulas on one cell: what is written for y in [0, 1), repeated.

/// `text` with every y1, y2, y3 and y taken modulo 1.
///
/// ```
/// use gaptooth::coefficient::on_one_period;
/// assert_eq!(on_one_period("1 + 9*(y1 < 0.3)"), "1 + 9*((y1%1) < 0.3)");
/// ```
pub fn on_one_period(text: &str) -> String {
    ["y1", "y2", "y3", "y"].iter().fold(text.to_string(), |text, y| replace_word(&text, y, &format!("({y}%1)")))
}

/// `word` replaced where it is a name of its own.
pub(super) fn replace_word(text: &str, word: &str, by: &str) -> String {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let before = rest[..at].chars().next_back().or(result.chars().next_back());
        let after = rest[at + word.len()..].chars().next();
        result += &rest[..at];
        result += if before.is_some_and(part) || after.is_some_and(part) { word } else { by };
        rest = &rest[at + word.len()..];
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_are_replaced() {
        assert_eq!(replace_word("y1+sin(y1)*xy1+y12", "y1", "y "), "y +sin(y )*xy1+y12");
        assert_eq!(replace_word("y1", "y1", "y "), "y ");
    }
}

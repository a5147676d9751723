//! Lists as people type them.

/// The parts between commas that stand in no brackets and no quotes.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start, mut quote) = (vec![], 0, 0, None);
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_brackets_and_quotes_belong_to_a_part() {
        assert_eq!(split("1, [2,3],max(4,5)"), ["1", " [2,3]", "max(4,5)"]);
        assert_eq!(split(r#""a,b",'c,"d',{ x = 1, y = 2 }"#), [r#""a,b""#, r#"'c,"d'"#, "{ x = 1, y = 2 }"]);
        assert_eq!(split(""), [""]);
    }
}

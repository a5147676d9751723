//! A formula as tokens with their positions, in characters from 0.

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Name(String),
    /// an operator, a bracket or a comma
    Symbol(&'static str),
    End,
}

/// A token and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) position: usize,
}

/// Longest first, so that `**` is not read as two `*`.
const SYMBOLS: &[&str] =
    &["**", "//", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%", "^", "<", ">", "(", ")", ",", "="];

/// Splits `text`; the error is a position and a message.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, (usize, String)> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let position = at;
        let c = chars[at];
        let token = if c.is_whitespace() {
            at += 1;
            continue;
        } else if c.is_ascii_digit() || (c == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit)) {
            at = number_end(&chars, at);
            let digits: String = chars[position..at].iter().collect();
            Token::Number(digits.parse().map_err(|_| (position, format!("`{digits}` is not a number")))?)
        } else if c.is_alphabetic() || c == '_' {
            while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                at += 1;
            }
            Token::Name(chars[position..at].iter().collect())
        } else {
            let symbol = symbol_at(&chars, at).ok_or_else(|| (position, unexpected(c)))?;
            at += symbol.len();
            Token::Symbol(symbol)
        };
        found.push(Placed { token, position });
    }
    found.push(Placed { token: Token::End, position: chars.len() });
    Ok(found)
}

fn symbol_at(chars: &[char], at: usize) -> Option<&'static str> {
    SYMBOLS.iter().copied().find(|s| s.chars().enumerate().all(|(k, c)| chars.get(at + k) == Some(&c)))
}

/// Digits, a point, digits, and an exponent only where digits follow it.
fn number_end(chars: &[char], start: usize) -> usize {
    let digits = |mut at: usize| {
        while chars.get(at).is_some_and(char::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut at = digits(start);
    if chars.get(at) == Some(&'.') {
        at = digits(at + 1);
    }
    if matches!(chars.get(at), Some('e' | 'E')) {
        let sign = usize::from(matches!(chars.get(at + 1), Some('+' | '-')));
        let end = digits(at + 1 + sign);
        if end > at + 1 + sign {
            at = end;
        }
    }
    at
}

fn unexpected(c: char) -> String {
    match c {
        '.' => "unexpected `.`: write function names without a module in front (sin, not np.sin)".into(),
        '&' => "unexpected `&`: write `and`".into(),
        '|' => "unexpected `|`: write `or`, or abs(...)".into(),
        '!' => "unexpected `!`: write `not`, or `!=`".into(),
        '[' | ']' | '{' | '}' => format!("unexpected `{c}`: use round brackets"),
        '×' | '·' | '−' | '÷' => format!("unexpected `{c}`: use the plain keys + - * /"),
        _ => format!("unexpected character `{}`", c.escape_debug()),
    }
}

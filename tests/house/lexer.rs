//! Just enough of Rust's lexical structure to tell code from comments and literals.

/// `text` with comments, strings and character literals replaced by spaces and everything from
/// the first test module on removed. Line breaks stay.
pub(crate) fn code(text: &str) -> String {
    let blanked = blank(text);
    match blanked.find("#[cfg(test)]") {
        Some(at) => blanked[..at].to_owned(),
        None => blanked,
    }
}

fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        match end {
            Some(end) => {
                out.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
                at = end;
            }
            None => {
                out.push(chars[at]);
                at += 1;
            }
        }
    }
    out
}

/// Where the comment or literal that starts at `at` ends; `None` if none starts there.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => Some(find(chars, at, &['\n'])),
        '/' if next == Some('*') => Some(block_comment_end(chars, at)),
        '"' => Some(string_end(chars, at)),
        'r' if !in_word(chars, at) => raw_string_end(chars, at),
        '\'' => char_end(chars, at),
        _ => None,
    }
}

fn find(chars: &[char], from: usize, what: &[char]) -> usize {
    let found = chars[from..].windows(what.len()).position(|w| w == what);
    found.map_or(chars.len(), |k| from + k)
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut k) = (0, at);
    while k + 1 < chars.len() {
        match (chars[k], chars[k + 1]) {
            ('/', '*') => (depth, k) = (depth + 1, k + 2),
            ('*', '/') => (depth, k) = (depth - 1, k + 2),
            _ => k += 1,
        }
        if depth == 0 {
            return k;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut k = at + 1;
    while k < chars.len() && chars[k] != '"' {
        k += if chars[k] == '\\' { 2 } else { 1 };
    }
    (k + 1).min(chars.len())
}

fn in_word(chars: &[char], at: usize) -> bool {
    // `br"..."` is a raw literal too.
    let before = |n: usize| at.checked_sub(n).map(|k| chars[k]);
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if before(1) == Some('b') { word(before(2)) } else { word(before(1)) }
}

fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return None;
    }
    let mut close = vec!['"'];
    close.extend(std::iter::repeat_n('#', hashes));
    Some((find(chars, at + 2 + hashes, &close) + close.len()).min(chars.len()))
}

/// A character literal, not a lifetime.
fn char_end(chars: &[char], at: usize) -> Option<usize> {
    match (chars.get(at + 1)?, chars.get(at + 2)?) {
        ('\\', _) => Some((find(chars, at + 3, &['\'']) + 1).min(chars.len())),
        (_, '\'') => Some(at + 3),
        _ => None,
    }
}

#[test]
fn comments_and_literals_are_blanked() {
    let text = "let a = \"x.unwrap()\"; // b\nlet c = 'd'; /* e /* f */ g */ h::<'i>(r#\"j\"k\"#);\n#[cfg(test)]\nl";
    let code = code(text);
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words, ["let", "a", "=", ";", "let", "c", "=", ";", "h::<'i>(", ");"]);
    assert_eq!(code.lines().count(), 2);
}

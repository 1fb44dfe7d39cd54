//! Checks by name and pattern.

use super::ValidateError;
use crate::theory::{CHECKS, Check};

/// The checks whose names match any of the patterns, in the order of the list; all without
/// patterns. `*` stands for any text and `?` for one letter.
///
/// # Errors
/// [`ValidateError::NoMatch`] for a pattern that matches nothing.
pub fn select(patterns: &[String]) -> Result<Vec<Check>, ValidateError> {
    for pattern in patterns {
        if !CHECKS.iter().any(|check| matches(pattern, check.id)) {
            return Err(ValidateError::NoMatch {
                pattern: pattern.clone(),
                nearest: nearest(pattern),
            });
        }
    }
    let wanted =
        |check: &&Check| patterns.is_empty() || patterns.iter().any(|p| matches(p, check.id));
    Ok(CHECKS.iter().filter(wanted).copied().collect())
}

/// The name that differs least from `word`, unless it differs in more than a third of its letters.
fn nearest(word: &str) -> Option<&'static str> {
    let distance = |check: &&Check| strsim::damerau_levenshtein(word, check.id);
    let nearest = CHECKS.iter().min_by_key(distance)?;
    (3 * distance(&nearest) <= nearest.id.len()).then_some(nearest.id)
}

/// Whether `pattern` matches all of `text`.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star is, and up to where it has matched so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((at, matched)) = star {
            star = Some((at, matched + 1));
            (p, t) = (at + 1, matched + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match() {
        assert!(matches("theorem-?-*", "theorem-1-growth"));
        assert!(matches("*", "tikhonov"));
        assert!(matches("*-lm", "tangent-lm"));
        assert!(matches("*a*-*m", "tangent-lm"));
        assert!(!matches("theorem-?", "theorem-1-growth"));
        assert!(!matches("", "tikhonov"));
    }

    #[test]
    fn selections_keep_the_order_of_the_list_and_name_the_nearest() {
        let ids = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
            select(&patterns).map(|checks| checks.iter().map(|c| c.id).collect::<Vec<_>>())
        };
        assert_eq!(ids(&["tikhonov", "push-*"]).unwrap(), ["push-through", "tikhonov"]);
        assert_eq!(ids(&[]).unwrap().len(), CHECKS.len());
        match ids(&["push-trough"]) {
            Err(ValidateError::NoMatch { nearest, .. }) => {
                assert_eq!(nearest, Some("push-through"))
            }
            other => panic!("{other:?}"),
        }
    }
}

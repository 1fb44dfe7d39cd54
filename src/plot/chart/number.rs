//! Numbers as people write them.

/// Typographic minus.
const MINUS: char = '\u{2212}';

/// With `decimals` digits after the point.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().any(|c| (b'1'..=b'9').contains(&c)) => {
            format!("{MINUS}{digits}")
        }
        Some(digits) => digits.to_owned(),
        None => text,
    }
}

/// `10^{k}`.
pub(crate) fn power(exponent: i32) -> String {
    format!("10^{{{}}}", fixed(f64::from(exponent), 0))
}

/// To three significant digits, with a power of ten where that is shorter.
pub(crate) fn plain(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return fixed(value, 0);
    }
    // Rounding first: 9.999 becomes 10.0.
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    let exponent = rounded.abs().log10().floor() as i32;
    if !(-3..5).contains(&exponent) {
        let mantissa = trimmed(&fixed(rounded / 10f64.powi(exponent), 2));
        return format!("{mantissa} \u{b7} {}", power(exponent));
    }
    trimmed(&fixed(rounded, (2 - exponent).max(0) as usize))
}

fn trimmed(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

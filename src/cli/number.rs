//! Numbers for people: significant digits, durations, sizes.

/// Digits shown for measured values in tables.
pub const DIGITS: usize = 5;

/// Decimal exponent below which plain notation becomes a row of zeros.
const SMALLEST_PLAIN_EXPONENT: i32 = -4;

/// Decimal exponent from which plain notation is replaced by scientific notation.
const LARGEST_PLAIN_EXPONENT: i32 = 6;

/// `x` rounded to `digits` significant digits, without trailing zeros: `0.0123`, `1500`,
/// `1.23e-7`, `nan`, `-inf`. Digits before the decimal point are never rounded away.
#[must_use]
pub fn significant(x: f64, digits: usize) -> String {
    if x == 0.0 {
        return "0".into();
    }
    if !x.is_finite() {
        return if x.is_nan() { "nan".into() } else { x.to_string() };
    }
    let digits = digits.max(1);
    // The formatted exponent already accounts for rounding: 9.9999 with 3 digits is 1.00e1.
    let scientific = format!("{x:.*e}", digits - 1);
    let (mantissa, exponent) =
        scientific.split_once('e').expect("LowerExp always writes an exponent");
    let exponent: i32 = exponent.parse().expect("LowerExp writes an integer exponent");
    if (SMALLEST_PLAIN_EXPONENT..LARGEST_PLAIN_EXPONENT).contains(&exponent) {
        let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
        return trim(&format!("{x:.decimals$}")).into();
    }
    format!("{}e{exponent}", trim(mantissa))
}

/// A duration in seconds with the unit that suits it: `830 us`, `12.3 ms`, `4.56 s`, `2 min 5 s`,
/// `3 h 12 min`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return significant(seconds, 3);
    }
    match seconds {
        0.0 => "0 s".into(),
        s if s < 1e-3 => format!("{} us", significant(s * 1e6, 3)),
        s if s < 1.0 => format!("{} ms", significant(s * 1e3, 3)),
        s if s < 59.95 => format!("{} s", significant(s, 3)),
        s if s < 3599.5 => {
            let whole = s.round() as u64;
            format!("{} min {} s", whole / 60, whole % 60)
        }
        s => {
            let minutes = (s / 60.0).round() as u64;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

/// A number of bytes in decimal units: `512 B`, `1.2 MB`, `22.4 GB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = count as f64;
    let mut unit = 0;
    // 999.5 would be shown as 1000.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{} {}", significant(value, 3), UNITS[unit])
}

/// Drops trailing zeros after a decimal point, and the point if nothing is left.
fn trim(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

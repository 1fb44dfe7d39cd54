//! Evenly and geometrically spaced values as people write them.
//!
//! `0.1` and `0.2` are decimal numbers to whoever writes them, so the points between them are
//! computed in decimal arithmetic and rounded once: the fourth point of `0, 0.1, ..., 1` is the
//! float nearest to 0.3, not `3 * 0.1`. End points are exactly those given.

/// A decimal number `mantissa * 10^exponent`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Decimal {
    mantissa: i128,
    exponent: i32,
}

impl Decimal {
    /// The shortest decimal number that reads back as `x`.
    fn from_float(x: f64) -> Option<Self> {
        let text = format!("{x:e}");
        let (digits, exponent) = text.split_once('e')?;
        let fraction = digits.split_once('.').map_or(0, |(_, f)| f.len());
        let mantissa = digits.replace('.', "").parse().ok()?;
        let exponent = exponent.parse::<i32>().ok()? - i32::try_from(fraction).ok()?;
        Some(Self { mantissa, exponent })
    }

    /// The mantissa at a smaller exponent.
    fn mantissa_at(self, exponent: i32) -> Option<i128> {
        let shift = u32::try_from(self.exponent - exponent).ok()?;
        self.mantissa.checked_mul(10i128.checked_pow(shift)?)
    }

    fn to_float(self) -> f64 {
        format!("{}e{}", self.mantissa, self.exponent).parse().expect("a decimal number is a float")
    }
}

/// Brings numbers to a common exponent.
fn common<const N: usize>(values: [f64; N]) -> Option<([i128; N], i32)> {
    let mut decimals = [Decimal { mantissa: 0, exponent: 0 }; N];
    for (decimal, x) in decimals.iter_mut().zip(values) {
        *decimal = Decimal::from_float(x)?;
    }
    let nonzero = decimals.iter().filter(|d| d.mantissa != 0);
    let exponent = nonzero.map(|d| d.exponent).min().unwrap_or(0);
    let mut mantissas = [0; N];
    for (mantissa, decimal) in mantissas.iter_mut().zip(decimals) {
        if decimal.mantissa != 0 {
            *mantissa = decimal.mantissa_at(exponent)?;
        }
    }
    Some((mantissas, exponent))
}

/// `numerator / denominator * 10^exponent`, rounded to the nearest float.
fn quotient(numerator: i128, denominator: i128, exponent: i32) -> f64 {
    /// Digits after the point of the quotient; more than enough to round 53 bits correctly.
    const DIGITS: usize = 40;
    let sign = if (numerator < 0) == (denominator < 0) { "" } else { "-" };
    let (n, d) = (numerator.unsigned_abs(), denominator.unsigned_abs());
    let mut text = format!("{sign}{}.", n / d);
    let mut rest = n % d;
    for _ in 0..DIGITS {
        let Some(tenfold) = rest.checked_mul(10) else { break };
        text.push(char::from(b'0' + (tenfold / d) as u8));
        rest = tenfold % d;
    }
    format!("{text}e{exponent}").parse().expect("a decimal number is a float")
}

/// Point `k` of `count` evenly spaced points from `from` to `to`, both included.
#[must_use]
pub fn linear(from: f64, to: f64, count: usize, k: usize) -> f64 {
    if k == 0 || count < 2 {
        return from;
    }
    let last = count - 1;
    if k >= last {
        return to;
    }
    let exact = || {
        let ([a, b], exponent) = common([from, to])?;
        let (n, i) = (last as i128, k as i128);
        let numerator = a.checked_mul(n - i)?.checked_add(b.checked_mul(i)?)?;
        Some(quotient(numerator, n, exponent))
    };
    exact().unwrap_or_else(|| {
        let s = k as f64 / last as f64;
        from * (1.0 - s) + to * s
    })
}

/// Number of points of `from, from + step, ...` up to and including `to`; 0 when the step is zero
/// or leads away from `to`.
#[must_use]
pub fn range_len(from: f64, to: f64, step: f64) -> usize {
    if !(from.is_finite() && to.is_finite() && step.is_finite()) || step == 0.0 {
        return 0;
    }
    if from == to {
        return 1;
    }
    if (to > from) != (step > 0.0) {
        return 0;
    }
    let steps = match common([from, to, step]) {
        Some(([a, b, s], _)) => ((b - a) / s) as f64,
        // Numbers of very different size: a rounded quotient decides.
        None => ((to - from) / step * (1.0 + 2.0 * f64::EPSILON)).floor(),
    };
    steps.min(usize::MAX as f64 / 2.0) as usize + 1
}

/// Point `k` of `from, from + step, ...`.
#[must_use]
pub fn range(from: f64, step: f64, k: usize) -> f64 {
    let exact = || {
        let ([a, s], exponent) = common([from, step])?;
        let mantissa = a.checked_add(s.checked_mul(k as i128)?)?;
        Some(Decimal { mantissa, exponent }.to_float())
    };
    exact().unwrap_or(from + k as f64 * step)
}

/// Point `k` of `count` geometrically spaced points from `from` to `to`, both included and of the
/// same sign.
#[must_use]
pub fn log(from: f64, to: f64, count: usize, k: usize) -> f64 {
    if k == 0 || count < 2 {
        return from;
    }
    if k >= count - 1 {
        return to;
    }
    let (a, b) = (from.abs().log10(), to.abs().log10());
    let exponent = a + (b - a) * (k as f64 / (count - 1) as f64);
    let value = 10f64.powf(exponent);
    // Logarithm and power lose a few units in the last place, more for large exponents; a value
    // within that distance of a short decimal number is meant to be that number.
    let short: f64 = format!("{value:.11e}").parse().expect("a decimal number is a float");
    let lost = 8.0 * f64::EPSILON * (1.0 + exponent.abs());
    let value = if ((short - value) / value).abs() <= lost { short } else { value };
    value.copysign(from)
}

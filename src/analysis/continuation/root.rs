//! A root between two values of opposite sign.

/// Cap on evaluations: bisection alone needs 53 for every bit of the bracket.
const MAX_EVALUATIONS: usize = 100;

/// The root of a continuous function between `a` and `b`, where it has values of opposite sign, to
/// within `tolerance`; the value belonging to it comes with it.
///
/// The Illinois variant of the rule of false position, with bisection where three steps did not
/// halve the bracket. The function returns the value and something to keep.
pub(super) fn bracketed_root<T, E>(
    (mut a, mut value_a): (f64, f64),
    (mut b, mut value_b): (f64, f64),
    tolerance: f64,
    mut function: impl FnMut(f64) -> Result<(f64, T), E>,
) -> Result<Option<(f64, T)>, E> {
    let mut kept: Option<(f64, f64, T)> = None;
    let mut width = (b - a).abs();
    for count in 1..=MAX_EVALUATIONS {
        if (b - a).abs() <= tolerance && kept.is_some() {
            break;
        }
        let mut x = (a * value_b - b * value_a) / (value_b - value_a);
        if count % 3 == 0 {
            if (b - a).abs() > 0.5 * width {
                x = 0.5 * (a + b);
            }
            width = (b - a).abs();
        }
        if !(x > a.min(b) && x < a.max(b)) {
            x = 0.5 * (a + b);
        }
        let (value, item) = function(x)?;
        if kept.as_ref().is_none_or(|(_, best, _)| value.abs() <= *best) {
            kept = Some((x, value.abs(), item));
        }
        if value == 0.0 || x == a || x == b {
            break;
        }
        if (value > 0.0) == (value_b > 0.0) {
            (b, value_b) = (x, value);
            value_a *= 0.5;
        } else {
            (a, value_a) = (b, value_b);
            (b, value_b) = (x, value);
        }
    }
    Ok(kept.map(|(x, _, item)| (x, item)))
}

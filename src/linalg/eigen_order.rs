//! The order in which eigenvalues are listed.

use nalgebra::Complex;

/// Real parts closer than this times the norm count as equal, so that the order of modes of equal
/// decay does not hang on rounding.
const TIE: f64 = 1e-10;

/// Indices in descending order of real part, ties in descending order of frequency, the positive
/// imaginary part of a pair first. Conjugate pairs must be adjacent, positive part first.
pub(super) fn descending_order(values: &[Complex<f64>], norm: f64) -> Vec<usize> {
    // A unit is a real eigenvalue or a pair, named by its first index.
    let mut units: Vec<usize> = Vec::with_capacity(values.len());
    let mut k = 0;
    while k < values.len() {
        units.push(k);
        k += if values[k].im == 0.0 { 1 } else { 2 };
    }
    // The sort is stable, so equal eigenvalues keep the order of the Schur form.
    units.sort_by(|&a, &b| values[b].re.total_cmp(&values[a].re));
    let mut start = 0;
    while start < units.len() {
        let first = values[units[start]].re;
        let mut end = start + 1;
        while end < units.len() && first - values[units[end]].re <= TIE * norm {
            end += 1;
        }
        units[start..end].sort_by(|&a, &b| values[b].im.total_cmp(&values[a].im));
        start = end;
    }
    let mut order = Vec::with_capacity(values.len());
    for unit in units {
        order.push(unit);
        if values[unit].im != 0.0 {
            order.push(unit + 1);
        }
    }
    order
}

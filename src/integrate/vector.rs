//! Vector operations of the stepping loop.

/// `out = y + h sum_j a_j k_j`, where stage `j` is the `j`-th chunk of `stages`.
pub(crate) fn linear_combination(
    y: &[f64],
    h: f64,
    coefficients: &[f64],
    stages: &[f64],
    out: &mut [f64],
) {
    out.copy_from_slice(y);
    accumulate(h, coefficients, stages, out);
}

/// `out = h sum_j a_j k_j`.
pub(crate) fn weighted_sum(h: f64, coefficients: &[f64], stages: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    accumulate(h, coefficients, stages, out);
}

fn accumulate(h: f64, coefficients: &[f64], stages: &[f64], out: &mut [f64]) {
    let n = out.len();
    for (j, a) in coefficients.iter().enumerate().filter(|(_, a)| **a != 0.0) {
        let factor = h * a;
        for (o, k) in out.iter_mut().zip(&stages[j * n..(j + 1) * n]) {
            *o += factor * k;
        }
    }
}

/// `sum_i (e_i / (atol + rtol max(|y0_i|, |y1_i|)))^2`.
pub(crate) fn weighted_square_sum(e: &[f64], y0: &[f64], y1: &[f64], atol: f64, rtol: f64) -> f64 {
    let mut sum = 0.0;
    for ((e, y0), y1) in e.iter().zip(y0).zip(y1) {
        if *e != 0.0 || !(y0 + y1).is_finite() {
            let scaled = e / (atol + rtol * y0.abs().max(y1.abs()));
            sum += scaled * scaled + 0.0 * (y0 + y1);
        }
    }
    sum
}

/// Whether every entry is finite.
pub(crate) fn all_finite(x: &[f64]) -> bool {
    x.iter().all(|x| x.is_finite())
}

/// Euclidean norm of `x - y`.
pub(crate) fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

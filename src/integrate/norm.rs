//! The norm of local errors.

use std::ops::Range;

use super::tolerance::Tolerances;
use super::vector::weighted_square_sum;
use crate::dynamics::VectorField;

/// A run of components with one column and one absolute tolerance.
struct Segment {
    range: Range<usize>,
    column: usize,
    atol: f64,
}

/// Root mean square over the components of each target, largest over targets, each component in
/// units of `atol_i + rtol max(|y0_i|, |y1_i|)`.
pub(crate) struct ErrorNorm {
    rtol: f64,
    segments: Vec<Segment>,
    /// Components per column.
    counts: Vec<f64>,
    sums: Vec<f64>,
    second_sums: Vec<f64>,
}

impl ErrorNorm {
    pub(crate) fn new(field: &dyn VectorField, tolerances: &Tolerances) -> Self {
        let columns = field.columns().max(1);
        let mut counts = vec![0.0; columns];
        let mut segments: Vec<Segment> = Vec::new();
        for i in 0..field.dim() {
            let column = if columns == 1 { 0 } else { field.column_of(i) };
            let atol = tolerances.atol.at(i);
            counts[column] += 1.0;
            match segments.last_mut() {
                Some(s) if s.column == column && s.atol == atol => s.range.end = i + 1,
                _ => segments.push(Segment { range: i..i + 1, column, atol }),
            }
        }
        let zeros = vec![0.0; columns];
        Self { rtol: tolerances.rtol, segments, counts, sums: zeros.clone(), second_sums: zeros }
    }

    /// The norm of `e` over a step from `y0` to `y1`. NaN when anything is NaN.
    pub(crate) fn of(&mut self, e: &[f64], y0: &[f64], y1: &[f64]) -> f64 {
        accumulate(&self.segments, self.rtol, e, y0, y1, &mut self.sums);
        let means = self.sums.iter().zip(&self.counts).map(|(sum, count)| (sum / count).sqrt());
        largest(means)
    }

    /// The combined estimate of a method with two embedded ones,
    /// `|e5|^2 / sqrt(|e5|^2 + 0.01 |e3|^2)` per target (Hairer, Nørsett & Wanner, Solving ODEs I,
    /// II.10): the third-order estimate guards against an accidentally small fifth-order one.
    pub(crate) fn of_pair(&mut self, e5: &[f64], e3: &[f64], y0: &[f64], y1: &[f64]) -> f64 {
        accumulate(&self.segments, self.rtol, e5, y0, y1, &mut self.sums);
        accumulate(&self.segments, self.rtol, e3, y0, y1, &mut self.second_sums);
        let sums = self.sums.iter().zip(&self.second_sums).zip(&self.counts);
        largest(sums.map(|((&five, &three), &count)| {
            let denominator = five + 0.01 * three;
            if denominator == 0.0 { 0.0 } else { five / (denominator * count).sqrt() }
        }))
    }

    /// The component with the largest scaled entry of `e`, the first NaN if there is one.
    pub(crate) fn worst(&self, e: &[f64], y0: &[f64], y1: &[f64]) -> usize {
        let mut worst = (0, f64::NEG_INFINITY);
        for segment in &self.segments {
            for i in segment.range.clone() {
                let scale = segment.atol + self.rtol * y0[i].abs().max(y1[i].abs());
                let scaled = if e[i] == 0.0 { 0.0 } else { (e[i] / scale).abs() };
                if scaled.is_nan() {
                    return i;
                }
                if scaled > worst.1 {
                    worst = (i, scaled);
                }
            }
        }
        worst.0
    }
}

fn accumulate(
    segments: &[Segment],
    rtol: f64,
    e: &[f64],
    y0: &[f64],
    y1: &[f64],
    sums: &mut [f64],
) {
    sums.fill(0.0);
    for s in segments {
        let r = s.range.clone();
        sums[s.column] += weighted_square_sum(&e[r.clone()], &y0[r.clone()], &y1[r], s.atol, rtol);
    }
}

/// The largest value, NaN if any is NaN.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |largest, x| if x > largest || x.is_nan() { x } else { largest })
}

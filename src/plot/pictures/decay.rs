//! The decay that the spectrum at the equilibrium predicts for the end of a run.

use crate::plot::chart::{Extent, Mark, Panel, Sample, Scale, plain};
use crate::plot::drawing::{INK, Point, Stroke};
use crate::plot::series::scalar;
use crate::results::{Attribute, ResultError, ResultReader, Value};

/// How the names of the solvers for noise end.
const NOISY: &str = "euler-maruyama";

/// The line is made of so many pieces: straight on the log axis, its ends may leave the range of
/// numbers, and those pieces survive that can be placed.
const PIECES: usize = 64;

/// Adds a line with the predicted slope over the times `span`, through a point late in the decay.
/// `suffix` tells the loops of a cascade apart.
pub(super) fn predict(
    reader: &ResultReader,
    suffix: &str,
    (span, anchor): (Extent, Option<Point>),
    panel: &mut Panel,
) -> Result<(), ResultError> {
    let Some((t0, value)) = anchor.filter(|_| panel.y.scale == Scale::Log) else { return Ok(()) };
    // Noise keeps a run from ever decaying.
    if span.low == span.high || is_noisy(reader) {
        return Ok(());
    }
    let mut rate = None;
    for place in ["stability", "equilibrium"] {
        let path = format!("{place}{suffix}/spectral_abscissa");
        rate = rate.or(scalar(reader, &path)?);
    }
    let Some(rate) = rate.filter(|rate| rate.is_finite()) else { return Ok(()) };
    // A little above the curve, which it would hide.
    let value = value * (panel.y.high / panel.y.low).powf(0.03);
    let points = (0..=PIECES)
        .map(|k| span.low + (span.high - span.low) * k as f64 / PIECES as f64)
        .map(|t| (t, value * (rate * (t - t0)).exp()))
        .collect();
    let stroke = Stroke::new(INK, 1.2).dashed(5.0, 4.0);
    panel.marks.push(Mark::Lines { pieces: vec![points], stroke });
    let label = format!("predicted decay exp({} t)", plain(rate));
    panel.legend.push((Sample::Line(stroke), label));
    Ok(())
}

fn is_noisy(reader: &ResultReader) -> bool {
    let solver = reader.group_attributes("solver").unwrap_or_default();
    let names_noise = |a: &Attribute| matches!(&a.value, Value::Text(t) if t.ends_with(NOISY));
    solver.iter().any(names_noise)
}

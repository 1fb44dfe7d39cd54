//! The spectral abscissa of the Jacobian along a trajectory, each instant frozen.

use super::Picture;
use super::places::places;
use crate::error::Error;
use crate::plot::PlotOptions;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row, Sample};
use crate::plot::drawing::{AXIS, CATEGORIES, Stroke};
use crate::results::ResultReader;

pub(super) const FROZEN_TIME: Picture = Picture {
    name: "frozen-time",
    summary: "spectral abscissa along the trajectory, each instant frozen",
    needs: "stability/time and stability/frozen_time_spectral_abscissa",
    holds: |reader| !places(reader, "frozen_time_spectral_abscissa").is_empty(),
    draw,
};

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let panel = |(group, prefix): &(String, String)| one(reader, group, prefix);
    let places = places(reader, "frozen_time_spectral_abscissa");
    Ok(vec![places.iter().map(panel).collect::<Result<_, _>>()?])
}

fn one(reader: &ResultReader, group: &str, prefix: &str) -> Result<Panel, Error> {
    let path = format!("{group}/frozen_time_spectral_abscissa");
    let abscissa = reader.f64s(&path)?;
    let times = reader.f64s(&format!("{group}/time"))?;
    let lines = lines(&times, &abscissa);
    let span = Extent::of(times.iter().copied());
    // The boundary of stability is always in the picture.
    let extent = Extent::of(abscissa.iter().copied().chain([0.0]));
    let x = Axis::tight("time (s)", span, 6);
    let y = Axis::loose("spectral abscissa (1/s)", extent, 6);
    let mut panel = Panel::new(&format!("{prefix}spectrum along the trajectory"), x, y);
    let zero = vec![vec![(panel.x.low, 0.0), (panel.x.high, 0.0)]];
    panel.marks.push(Mark::Lines { pieces: zero, stroke: Stroke::new(AXIS, 1.0) });
    let count = lines.len();
    for (k, line) in lines.into_iter().enumerate() {
        let stroke = Stroke::new(CATEGORIES[k % CATEGORIES.len()], 1.8);
        panel.marks.push(Mark::Lines { pieces: vec![line], stroke });
        if (2..=CATEGORIES.len()).contains(&count) {
            panel.legend.push((Sample::Line(stroke), format!("target {k}")));
        }
    }
    panel.remark("each instant frozen: no proof of stability");
    Ok(panel)
}

/// One line per target of values stored row by row in time.
pub(super) fn lines(times: &[f64], values: &[f64]) -> Vec<Vec<(f64, f64)>> {
    let targets = values.len() / times.len().max(1);
    let line = |target: usize| {
        times.iter().enumerate().map(|(row, t)| (*t, values[row * targets + target])).collect()
    };
    (0..targets).map(line).collect()
}

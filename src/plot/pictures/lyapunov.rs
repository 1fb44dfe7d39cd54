//! The Lyapunov function of the global certificate along a trajectory.

use super::Picture;
use super::places::places;
use crate::error::Error;
use crate::plot::PlotOptions;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row, Sample};
use crate::plot::drawing::{CATEGORIES, Stroke};
use crate::results::ResultReader;

pub(super) const LYAPUNOV: Picture = Picture {
    name: "lyapunov",
    summary: "Lyapunov function of the global certificate along the trajectory",
    needs: "stability/time and stability/lyapunov",
    holds: |reader| !places(reader, "lyapunov").is_empty(),
    draw,
};

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let panel = |(group, prefix): &(String, String)| one(reader, group, prefix);
    let places = places(reader, "lyapunov");
    Ok(vec![places.iter().map(panel).collect::<Result<_, _>>()?])
}

fn one(reader: &ResultReader, group: &str, prefix: &str) -> Result<Panel, Error> {
    let values = reader.f64s(&format!("{group}/lyapunov"))?;
    let times = reader.f64s(&format!("{group}/time"))?;
    let lines = super::frozen_time::lines(&times, &values);
    let extent = Extent::of(values.iter().copied());
    // Rounding leaves V at 1e-33 or so near rest: sixteen digits below its largest value say nothing.
    let floor = extent.high * f64::EPSILON;
    let shown = Extent::of(values.iter().copied().filter(|v| *v >= floor));
    let y = Axis::log("V", shown, 6);
    let x = Axis::tight("time (s)", Extent::of(times.iter().copied()), 6);
    let mut panel = Panel::new(&format!("{prefix}Lyapunov function"), x, y);
    let count = lines.len();
    for (k, line) in lines.into_iter().enumerate() {
        let stroke = Stroke::new(CATEGORIES[k % CATEGORIES.len()], 1.8);
        if (2..=CATEGORIES.len()).contains(&count) {
            panel.legend.push((Sample::Line(stroke), format!("target {k}")));
        }
        let pieces = line.split(|p| p.1 < floor || !p.1.is_finite()).map(<[_]>::to_vec);
        panel.marks.push(Mark::Lines { pieces: pieces.collect(), stroke });
    }
    panel.remark("falls along every trajectory: the loop is globally stable");
    Ok(panel)
}

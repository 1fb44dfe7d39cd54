//! The spectral abscissa over two parameters, with the boundary of stability.

use super::Picture;
use super::places::{Field, cell_axis, field};
use crate::error::Error;
use crate::plot::PlotOptions;
use crate::plot::chart::{Axis, ColorBar, Extent, Grid, Mark, Panel, Row, Sample};
use crate::plot::drawing::{INK, LIGHT, Stroke, diverging};
use crate::results::ResultReader;

pub(super) const STABILITY_MAP: Picture = Picture {
    name: "stability-map",
    summary: "spectral abscissa over two parameters, with the boundary of stability",
    needs: "x, y and abscissa in the group stability/map",
    holds: |reader| ["x", "y", "abscissa"].iter().all(|n| reader.contains(&format!("{GROUP}/{n}"))),
    draw,
};

const GROUP: &str = "stability/map";

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let Field { x, y, values } = field(reader, GROUP, ("abscissa", "x", "y"))?;
    let label = |name: &str| {
        let info = reader.info(&format!("{GROUP}/{name}"))?;
        Ok::<String, Error>(info.attribute_text("long_name").unwrap_or(name).to_owned())
    };
    let mut panel = Panel::new(
        "spectral abscissa",
        cell_axis(&label("x")?, &x, 6),
        cell_axis(&label("y")?, &y, 6),
    );
    let extent = Extent::of(values.iter().copied());
    let reach = if extent.is_empty() { 1.0 } else { extent.low.abs().max(extent.high.abs()) };
    let reach = if reach > 0.0 { reach } else { 1.0 };
    // Equal colours for equal distances from the boundary, whichever side.
    let color = |value: f64| {
        if value.is_finite() { diverging(0.5 + 0.5 * value / reach).rgb } else { LIGHT.rgb }
    };
    let rows = values.chunks_exact(x.len()).rev();
    let cells = rows.flatten().map(|value| color(*value)).collect();
    panel.marks.push(Mark::Cells { columns: x.len(), cells });
    let stroke = Stroke::new(INK, 1.6);
    let pieces = Grid { x: &x, y: &y, values: &values }.contour(0.0);
    if pieces.is_empty() {
        let side = if extent.high < 0.0 { "stable" } else { "unstable" };
        panel.remark(format!("{side} everywhere"));
    } else {
        panel.legend.push((Sample::Line(stroke), "boundary of stability".to_owned()));
        panel.marks.push(Mark::Lines { pieces, stroke });
    }
    let bar = Axis::linear("1/s", -reach, reach, 5);
    panel.bar = Some(ColorBar { axis: bar, map: diverging });
    Ok(vec![vec![panel]])
}

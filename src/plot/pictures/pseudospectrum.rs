//! Pseudospectrum: contours of the smallest singular value of zI - J.

use super::Picture;
use super::places::{Field, cell_axis, complex, field, places};
use crate::error::Error;
use crate::plot::PlotOptions;
use crate::plot::chart::{Axis, ColorBar, Extent, Grid, Mark, Panel, Row, Sample};
use crate::plot::drawing::{AXIS, INK, Stroke, viridis};
use crate::results::ResultReader;

pub(super) const PSEUDOSPECTRUM: Picture = Picture {
    name: "pseudospectrum",
    summary: "contours of the smallest singular value of zI - J, with the eigenvalues",
    needs: "stability/sigma_min, stability/pseudospectrum_re and stability/pseudospectrum_im",
    holds: |reader| !places(reader, "sigma_min").is_empty(),
    draw,
};

/// Most contour lines.
const LEVELS: usize = 9;

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let panel = |(group, prefix): &(String, String)| one(reader, group, prefix);
    let places = places(reader, "sigma_min");
    Ok(vec![places.iter().map(panel).collect::<Result<_, _>>()?])
}

fn one(reader: &ResultReader, group: &str, prefix: &str) -> Result<Panel, Error> {
    let Field { x, y, values } =
        field(reader, group, ("sigma_min", "pseudospectrum_re", "pseudospectrum_im"))?;
    let extent = Extent::of(values.iter().copied());
    let mut panel = Panel::new(
        &format!("{prefix}pseudospectrum"),
        cell_axis("real part (1/s)", &x, 6),
        cell_axis("imaginary part (1/s)", &y, 6),
    );
    let (low, high) = (panel.y.low, panel.y.high);
    let axis = vec![vec![(0.0, low), (0.0, high)]];
    panel.marks.push(Mark::Lines { pieces: axis, stroke: Stroke::new(AXIS, 1.0) });
    let logs: Vec<f64> = values.iter().map(|sigma| sigma.log10()).collect();
    let bar = Axis::log("\u{3b5} (1/s)", extent, 6);
    for level in levels(&bar) {
        let pieces = Grid { x: &x, y: &y, values: &logs }.contour(level);
        let color = viridis(0.9 * bar.place(10f64.powf(level)));
        panel.marks.push(Mark::Lines { pieces, stroke: Stroke::new(color, 1.3) });
    }
    panel.bar = Some(ColorBar { axis: bar, map: |s| viridis(0.9 * s) });
    if reader.contains(&format!("{group}/eigenvalue_re")) {
        let centres = complex(reader, group, "eigenvalue")?;
        panel.legend.push((Sample::Disc(INK), "eigenvalues".to_owned()));
        panel.marks.push(Mark::Discs { centres, radius: 2.2, color: INK });
    }
    Ok(panel)
}

/// Decimal logarithms of the levels: decades, or halves and quarters of them.
fn levels(bar: &Axis) -> Vec<f64> {
    let (low, high) = (bar.low.log10(), bar.high.log10());
    let steps = [0.125, 0.25, 0.5, 1.0, 2.0, 5.0];
    let step = steps.into_iter().find(|step| (high - low) / step <= LEVELS as f64).unwrap_or(10.0);
    let first = (low / step).ceil() as i64;
    (first..).map(|k| k as f64 * step).take_while(|level| *level <= high).collect()
}

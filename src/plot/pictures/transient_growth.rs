//! Transient growth: the norm of the matrix exponential of the Jacobian.

use super::Picture;
use super::places::{companion, places};
use crate::error::Error;
use crate::plot::PlotOptions;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row, Sample, plain};
use crate::plot::drawing::{CATEGORIES, GREY, Stroke};
use crate::plot::series::scalar;
use crate::results::ResultReader;

pub(super) const TRANSIENT_GROWTH: Picture = Picture {
    name: "transient-growth",
    summary: "norm of exp(Jt) against time, with the decay of the slowest mode",
    needs: "stability/transient_growth and stability/transient_growth_time",
    holds: |reader| !places(reader, "transient_growth").is_empty(),
    draw,
};

/// Growth over this ratio is drawn on a log axis.
const LOG_RATIO: f64 = 50.0;

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let panel = |(group, prefix): &(String, String)| one(reader, group, prefix);
    let places = places(reader, "transient_growth");
    Ok(vec![places.iter().map(panel).collect::<Result<_, _>>()?])
}

fn one(reader: &ResultReader, group: &str, prefix: &str) -> Result<Panel, Error> {
    let path = format!("{group}/transient_growth");
    let growth = reader.f64s(&path)?;
    let times = companion(reader, &format!("{group}/transient_growth_time"), &path)?;
    let extent = Extent::of(growth.iter().copied());
    let span = Extent::of(times.iter().copied());
    let label = "\u{2016}exp(Jt)\u{2016}_{2}";
    let y = if extent.high > LOG_RATIO * extent.positive {
        Axis::log(label, extent, 6)
    } else {
        Axis::loose(label, extent.union(Extent::of([0.0])), 6)
    };
    let x = Axis::tight("time (s)", span, 6);
    let mut panel = Panel::new(&format!("{prefix}transient growth"), x, y);
    let stroke = Stroke::new(CATEGORIES[0], 1.8);
    let line: Vec<(f64, f64)> = times.iter().copied().zip(growth.iter().copied()).collect();
    let highest = line.iter().filter(|p| p.1.is_finite()).max_by(|a, b| a.1.total_cmp(&b.1));
    let highest = highest.copied();
    panel.marks.push(Mark::Lines { pieces: vec![line], stroke });
    if let Some(abscissa) = scalar(reader, &format!("{group}/spectral_abscissa"))? {
        let dashed = Stroke::new(GREY, 1.2).dashed(5.0, 4.0);
        let decay = times.iter().map(|t| (*t, (abscissa * t).exp())).collect();
        panel.marks.push(Mark::Lines { pieces: vec![decay], stroke: dashed });
        let label = format!("slowest mode, exp({} t)", plain(abscissa));
        panel.legend.push((Sample::Line(dashed), label));
    }
    if let Some((t, value)) = highest {
        let color = CATEGORIES[1];
        panel.marks.push(Mark::Discs { centres: vec![(t, value)], radius: 3.5, color });
        let label = format!("largest: {} at {} s", plain(value), plain(t));
        panel.legend.push((Sample::Disc(color), label));
    }
    Ok(panel)
}

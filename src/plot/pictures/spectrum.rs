//! Eigenvalues of the Jacobian in the complex plane, with the imaginary axis.

use super::Picture;
use super::places::{complex, places};
use crate::error::Error;
use crate::plot::PlotOptions;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row, Sample, plain};
use crate::plot::drawing::{AXIS, CATEGORIES, Stroke};
use crate::plot::series::scalar;
use crate::results::ResultReader;

pub(super) const SPECTRUM: Picture = Picture {
    name: "spectrum",
    summary: "eigenvalues of the Jacobian and the imaginary axis",
    needs: "stability/eigenvalue_re and stability/eigenvalue_im",
    holds: |reader| !places(reader, "eigenvalue_re").is_empty(),
    draw,
};

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let panel = |(group, prefix): &(String, String)| one(reader, group, prefix);
    Ok(vec![places(reader, "eigenvalue_re").iter().map(panel).collect::<Result<_, _>>()?])
}

fn one(reader: &ResultReader, group: &str, prefix: &str) -> Result<Panel, Error> {
    let eigenvalues = complex(reader, group, "eigenvalue")?;
    // The imaginary axis is always in the picture.
    let re = Extent::of(eigenvalues.iter().map(|z| z.0).chain([0.0]));
    let im = Extent::of(eigenvalues.iter().map(|z| z.1).chain([0.0]));
    let x = Axis::loose("real part (1/s)", re, 6);
    let y = Axis::loose("imaginary part (1/s)", im, 6);
    let mut panel = Panel::new(&format!("{prefix}eigenvalues of the Jacobian"), x, y);
    let (low, high) = (panel.y.low, panel.y.high);
    let right = panel.x.high;
    let unstable = vec![(0.0, low), (right, low), (right, high), (0.0, high)];
    panel.marks.push(Mark::Area { outline: unstable, color: CATEGORIES[1].fade(0.10) });
    let axis = vec![vec![(0.0, low), (0.0, high)]];
    panel.marks.push(Mark::Lines { pieces: axis, stroke: Stroke::new(AXIS, 1.0) });
    let (growing, decaying): (Vec<_>, Vec<_>) = eigenvalues.iter().partition(|z| z.0 >= 0.0);
    let radius = if eigenvalues.len() <= 200 { 3.2 } else { 2.2 };
    for (centres, color, label) in
        [(decaying, CATEGORIES[0], "decaying"), (growing, CATEGORIES[1], "not decaying")]
    {
        if !centres.is_empty() {
            panel.legend.push((Sample::Disc(color), format!("{} {label}", centres.len())));
            panel.marks.push(Mark::Discs { centres, radius, color: color.fade(0.75) });
        }
    }
    if let Some(abscissa) = scalar(reader, &format!("{group}/spectral_abscissa"))? {
        panel.remark(format!("spectral abscissa {} 1/s", plain(abscissa)));
    }
    Ok(panel)
}

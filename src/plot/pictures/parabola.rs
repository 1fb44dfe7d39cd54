//! The eigenvalues mu of W G B against the parabola that bounds the stable ones:
//!
//! ```text
//! Re mu < leak - tau_state tau_controller (Im mu)^2 / (tau_controller + leak tau_state)^2
//! ```
//!
//! (`docs/theory.md`, stability of a layer loop.)

use super::Picture;
use super::places::{complex, places};
use crate::error::Error;
use crate::plot::PlotOptions;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row, Sample};
use crate::plot::drawing::{CATEGORIES, INK, Stroke};
use crate::results::ResultReader;

pub(super) const PARABOLA: Picture = Picture {
    name: "parabola",
    summary: "eigenvalues of W G B against the parabola of stability",
    needs: "product_eigenvalue_re, product_eigenvalue_im, leak, tau_state and tau_controller in \
            the group stability",
    holds: |reader| !loops(reader).is_empty(),
    draw,
};

fn loops(reader: &ResultReader) -> Vec<(String, String)> {
    let mut found = places(reader, "product_eigenvalue_re");
    let parameters = ["leak", "tau_state", "tau_controller"];
    found.retain(|(group, _)| parameters.iter().all(|p| reader.contains(&format!("{group}/{p}"))));
    found
}

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let panel = |(group, prefix): &(String, String)| one(reader, group, prefix);
    Ok(vec![loops(reader).iter().map(panel).collect::<Result<_, _>>()?])
}

fn one(reader: &ResultReader, group: &str, prefix: &str) -> Result<Panel, Error> {
    let mu = complex(reader, group, "product_eigenvalue")?;
    let number = |name: &str| {
        let values = reader.f64s(&format!("{group}/{name}"))?;
        Ok::<f64, Error>(values.first().copied().unwrap_or(f64::NAN))
    };
    let (leak, tau_state, tau_controller) =
        (number("leak")?, number("tau_state")?, number("tau_controller")?);
    let curvature = tau_state * tau_controller / (tau_controller + leak * tau_state).powi(2);
    let boundary = |im: f64| leak - curvature * im * im;

    let im = Extent::of(mu.iter().map(|z| z.1));
    let reach = im.high.abs().max(im.low.abs());
    let reach = if reach > 0.0 && reach.is_finite() { reach } else { 1.0 };
    let re = Extent::of(mu.iter().map(|z| z.0).chain([leak, 0.0]));
    let x = Axis::loose("Re \u{3bc}", re, 5);
    let y = Axis::loose("Im \u{3bc}", Extent::of([-reach, reach]), 5);
    let mut panel = Panel::new(&format!("{prefix}eigenvalues \u{3bc} of W G B"), x, y);

    const POINTS: usize = 200;
    let (low, high) = (panel.y.low, panel.y.high);
    let curve: Vec<(f64, f64)> = (0..=POINTS)
        .map(|k| low + (high - low) * k as f64 / POINTS as f64)
        .map(|im| (boundary(im), im))
        .collect();
    let mut outline = curve.clone();
    outline.extend([(panel.x.low, high), (panel.x.low, low)]);
    let region = CATEGORIES[2].fade(0.14);
    panel.marks.push(Mark::Area { outline, color: region });
    let stroke = Stroke::new(INK, 1.2);
    panel.marks.push(Mark::Lines { pieces: vec![curve], stroke });
    panel.legend.push((Sample::Patch(region), "stable".to_owned()));
    panel.legend.push((Sample::Line(stroke), "boundary".to_owned()));
    let (inside, outside): (Vec<_>, Vec<_>) = mu.iter().partition(|z| z.0 < boundary(z.1));
    for (centres, color, label) in
        [(inside, CATEGORIES[0], "inside"), (outside, CATEGORIES[1], "outside")]
    {
        if !centres.is_empty() {
            panel.legend.push((Sample::Disc(color), format!("{} {label}", centres.len())));
            panel.marks.push(Mark::Discs { centres, radius: 3.0, color: color.fade(0.8) });
        }
    }
    Ok(panel)
}

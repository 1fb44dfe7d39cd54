//! The eigenvalues mu of W G B against the parabola that bounds the stable ones:
//!
//! ```text
//! Re mu < leak - tau_state tau_controller (Im mu)^2 / (tau_controller + leak tau_state)^2
//! ```
//!
//! which is the condition for both roots of the characteristic quadratic
//! `tau_state tau_controller x^2 + (tau_controller + leak tau_state) x + leak - mu = 0` to lie left
//! of the imaginary axis.

use super::Picture;
use super::places::{complex, places};
use crate::error::Error;
use crate::plot::PlotOptions;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row, Sample};
use crate::plot::drawing::{CATEGORIES, INK, Stroke};
use crate::plot::series::scalar;
use crate::results::ResultReader;

pub(super) const PARABOLA: Picture = Picture {
    name: "parabola",
    summary: "eigenvalues of W G B against the parabola of stability",
    needs: "stability/loop_eigenvalue_re, stability/loop_eigenvalue_im and a model of layer loops",
    holds: |reader| !loops(reader).is_empty(),
    draw,
};

/// The groups with their titles and parameters.
fn loops(reader: &ResultReader) -> Vec<(String, String, Loop)> {
    let found = places(reader, "loop_eigenvalue_re").into_iter();
    found
        .filter_map(|(group, prefix)| Loop::read(reader, &group).map(|l| (group, prefix, l)))
        .collect()
}

/// The parameters of a layer loop.
struct Loop {
    leak: f64,
    tau_state: f64,
    tau_controller: f64,
}

impl Loop {
    /// From the group, or from the model the file was computed with.
    fn read(reader: &ResultReader, group: &str) -> Option<Self> {
        let model = reader.text("provenance/resolved_model").ok();
        let model: Option<toml::Table> = model.and_then(|text| text.parse().ok());
        let section = match &model {
            Some(model) => Some(layer_loop(model)?),
            None => None,
        };
        let number = |name: &str| {
            let stored = scalar(reader, &format!("{group}/{name}")).ok().flatten();
            stored.or_else(|| match section?.get(name)? {
                toml::Value::Float(value) => Some(*value),
                toml::Value::Integer(value) => Some(*value as f64),
                _ => None,
            })
        };
        Some(Self {
            leak: number("leak")?,
            tau_state: number("tau_state")?,
            tau_controller: number("tau_controller")?,
        })
    }

    /// The real part of mu at which the loop loses stability.
    fn boundary(&self, im: f64) -> f64 {
        let Self { leak, tau_state, tau_controller } = *self;
        leak - tau_state * tau_controller * (im / (tau_controller + leak * tau_state)).powi(2)
    }
}

/// The section of the dynamics, if the parabola holds for it.
fn layer_loop(model: &toml::Table) -> Option<&toml::Table> {
    let dynamics = model.get("dynamics")?.as_table()?;
    ["layerwise-inversion", "concurrent-inversion"]
        .iter()
        .find_map(|name| dynamics.get(*name)?.as_table())
}

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let mut row = Vec::new();
    for (group, prefix, parameters) in &loops(reader) {
        row.push(one(reader, group, prefix, parameters)?);
    }
    Ok(vec![row])
}

fn one(
    reader: &ResultReader,
    group: &str,
    prefix: &str,
    parameters: &Loop,
) -> Result<Panel, Error> {
    let mu = complex(reader, group, "loop_eigenvalue")?;
    let boundary = |im: f64| parameters.boundary(im);
    let im = Extent::of(mu.iter().map(|z| z.1));
    let reach = im.high.abs().max(im.low.abs());
    let reach = if reach > 0.0 && reach.is_finite() { reach } else { 1.0 };
    let re = Extent::of(mu.iter().map(|z| z.0).chain([parameters.leak, 0.0]));
    let x = Axis::loose("Re \u{3bc}", re, 6);
    let y = Axis::loose("Im \u{3bc}", Extent::of([-reach, reach]), 6);
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

//! Spectra along training: abscissa of every loop against the number of updates, and the spectral
//! radius of the published Euler scheme.

use super::Picture;
use crate::error::Error;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row, Sample};
use crate::plot::drawing::{AXIS, CATEGORIES, Stroke};
use crate::plot::{PlotError, PlotOptions};
use crate::results::{Data, ResultReader};

pub(super) const CHECKPOINTS: Picture = Picture {
    name: "checkpoints",
    summary: "spectra of the loops along training, the weights of each checkpoint frozen",
    needs: "step, rule, layer and spectral_abscissa in the group stability/checkpoints",
    holds: |reader| {
        ["step", "rule", "layer", "spectral_abscissa"]
            .iter()
            .all(|name| reader.contains(&format!("{GROUP}/{name}")))
    },
    draw,
};

const GROUP: &str = "stability/checkpoints";

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let whole = |name: &str| -> Result<Vec<f64>, Error> {
        Ok(match reader.variable(&format!("{GROUP}/{name}"))?.data {
            Data::I64(values) => values.into_iter().map(|x| x as f64).collect(),
            Data::F64(values) => values,
            _ => Vec::new(),
        })
    };
    let steps = whole("step")?;
    let layers = whole("layer")?;
    let Data::Text(rules) = reader.variable(&format!("{GROUP}/rule"))?.data else {
        return Ok(Vec::new());
    };
    let labels: Vec<String> =
        rules.iter().zip(&layers).map(|(rule, layer)| format!("{rule}, layer {layer}")).collect();
    let wanted = [
        ("spectral_abscissa", "spectral abscissa (1/s)", "spectra along training", 0.0),
        ("euler_spectral_radius", "spectral radius", "published Euler scheme along training", 1.0),
    ];
    let mut panels = Vec::new();
    for (name, axis, title, boundary) in wanted {
        let path = format!("{GROUP}/{name}");
        if !reader.contains(&path) {
            continue;
        }
        let values = reader.f64s(&path)?;
        if values.len() != steps.len() * labels.len() {
            let path_of_file = reader.path().to_owned();
            let expected = "one value per checkpoint and loop";
            let found = vec![values.len()];
            return Err(
                PlotError::Shape { path: path_of_file, variable: path, found, expected }.into()
            );
        }
        panels.push(one(&steps, &labels, &values, (title, axis, boundary)));
    }
    Ok(vec![panels])
}

fn one(
    steps: &[f64],
    labels: &[String],
    values: &[f64],
    (title, label, boundary): (&str, &str, f64),
) -> Panel {
    let x = Axis::tight("updates", Extent::of(steps.iter().copied()), 6);
    // The boundary of stability is always in the picture.
    let y = Axis::loose(label, Extent::of(values.iter().copied().chain([boundary])), 6);
    let mut panel = Panel::new(title, x, y);
    let line = vec![vec![(panel.x.low, boundary), (panel.x.high, boundary)]];
    panel.marks.push(Mark::Lines { pieces: line, stroke: Stroke::new(AXIS, 1.0) });
    let width = labels.len();
    for (k, label) in labels.iter().enumerate() {
        let color = CATEGORIES[k % CATEGORIES.len()];
        let solid = Stroke::new(color, 1.8);
        // Beyond the last colour, dashes tell loops apart.
        let stroke = if k < CATEGORIES.len() { solid } else { solid.dashed(5.0, 3.0) };
        let points: Vec<(f64, f64)> =
            steps.iter().enumerate().map(|(row, step)| (*step, values[row * width + k])).collect();
        panel.marks.push(Mark::Discs { centres: points.clone(), radius: 2.5, color });
        panel.marks.push(Mark::Lines { pieces: vec![points], stroke });
        panel.legend.push((Sample::Line(stroke), label.clone()));
    }
    panel.remark("weights of each checkpoint frozen");
    panel
}

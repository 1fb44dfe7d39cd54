//! Rules beside each other: angles to second-order directions, the loss along updates, and the leak
//! of dynamic inversion against damping.

use super::Picture;
use crate::error::Error;
use crate::plot::PlotOptions;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row, Sample};
use crate::plot::drawing::{CATEGORIES, Stroke};
use crate::results::{Data, ResultReader};

pub(super) const INVERSION: Picture = Picture {
    name: "inversion",
    summary: "every rule's angle to the gradient and to Gauss-Newton steps, and the loss along its update",
    needs: "invert/angle and invert/relative_loss",
    holds: |reader| reader.contains("invert/angle") && reader.contains("invert/relative_loss"),
    draw,
};

/// Directions whose angles are drawn layer by layer.
const DIRECTIONS: [(&str, &str); 3] = [
    ("gradient", "errors: angle to the gradient"),
    ("gauss-newton", "errors: angle to full Gauss-Newton"),
    ("gauss-newton-block", "errors: angle to block Gauss-Newton"),
];

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let rules = names(reader, "invert/rule_name")?;
    let references = names(reader, "invert/reference_name")?;
    let angles = reader.f64s("invert/angle")?;
    if rules.is_empty() || references.is_empty() || angles.is_empty() {
        return Ok(Vec::new());
    }
    let layers = angles.len() / rules.len() / references.len();
    let mut first = Row::new();
    for (name, title) in DIRECTIONS {
        let Some(place) = references.iter().position(|r| r == name) else { continue };
        let lines = (0..rules.len()).map(|rule| {
            let from = (rule * references.len() + place) * layers;
            (1..=layers).map(|l| l as f64).zip(angles[from..from + layers].iter().copied())
        });
        let lines: Vec<Vec<(f64, f64)>> = lines.map(Iterator::collect).collect();
        first.push(by_layer(title, layers, lines));
    }
    // One legend is enough: colours mean the same everywhere.
    if let Some(panel) = first.first_mut() {
        panel.legend.extend(legend(&rules));
    }
    let mut second = vec![damped(reader, &rules, &references)?, losses(reader)?];
    second.extend(leaks(reader, layers)?);
    Ok(vec![first, second])
}

/// A list of texts; empty where the variable holds something else.
fn names(reader: &ResultReader, path: &str) -> Result<Vec<String>, Error> {
    Ok(match reader.variable(path)?.data {
        Data::Text(names) => names,
        _ => Vec::new(),
    })
}

/// The stroke of one rule: a colour each, dashed from the second round of colours on.
fn stroke(rule: usize) -> Stroke {
    let stroke = Stroke::new(CATEGORIES[rule % CATEGORIES.len()], 1.8);
    match rule / CATEGORIES.len() {
        0 => stroke,
        1 => stroke.dashed(5.0, 3.0),
        _ => stroke.dashed(2.0, 3.0),
    }
}

fn legend(names: &[String]) -> impl Iterator<Item = (Sample, String)> {
    names.iter().enumerate().map(|(k, name)| (Sample::Line(stroke(k)), name.clone()))
}

fn add_lines(panel: &mut Panel, lines: Vec<Vec<(f64, f64)>>) {
    for (k, line) in lines.into_iter().enumerate() {
        let centres: Vec<_> = line.iter().copied().filter(|p| p.1.is_finite()).collect();
        if centres.len() <= 12 {
            let color = CATEGORIES[k % CATEGORIES.len()];
            panel.marks.push(Mark::Discs { centres, radius: 2.6, color });
        }
        panel.marks.push(Mark::Lines { pieces: vec![line], stroke: stroke(k) });
    }
}

/// An axis of degrees that starts at 0.
fn degrees(lines: &[Vec<(f64, f64)>]) -> Axis {
    let largest = lines.iter().flatten().map(|p| p.1).filter(|x| x.is_finite());
    let high = largest.fold(10.0, f64::max);
    Axis::linear("angle (degrees)", -0.04 * high, 1.04 * high, 6)
}

fn by_layer(title: &str, layers: usize, lines: Vec<Vec<(f64, f64)>>) -> Panel {
    let mut x = Axis::linear("layer", 0.8, layers as f64 + 0.2, layers);
    x.ticks = (1..=layers).map(|l| (l as f64, l.to_string())).collect();
    let mut panel = Panel::new(title, x, degrees(&lines));
    add_lines(&mut panel, lines);
    panel
}

/// Angles of whole updates to Levenberg-Marquardt steps against their damping.
fn damped(reader: &ResultReader, rules: &[String], references: &[String]) -> Result<Panel, Error> {
    let angles = reader.f64s("invert/total_angle")?;
    let damping = |name: &String| name.strip_prefix("levenberg-marquardt ")?.parse::<f64>().ok();
    let mut places: Vec<(usize, f64)> =
        references.iter().enumerate().filter_map(|(k, name)| Some((k, damping(name)?))).collect();
    places.retain(|(_, d)| *d > 0.0);
    places.sort_by(|a, b| a.1.total_cmp(&b.1));
    let line = |rule: usize| {
        places.iter().map(|(k, d)| (*d, angles[rule * references.len() + k])).collect()
    };
    let lines: Vec<Vec<(f64, f64)>> = (0..rules.len()).map(line).collect();
    let x = Axis::log("damping", Extent::of(places.iter().map(|p| p.1)), 6);
    let mut panel = Panel::new("updates: angle to Levenberg-Marquardt", x, degrees(&lines));
    add_lines(&mut panel, lines);
    Ok(panel)
}

/// The loss along every update.
fn losses(reader: &ResultReader) -> Result<Panel, Error> {
    let steps = reader.f64s("invert/step")?;
    let losses = reader.f64s("invert/relative_loss")?;
    let lines: Vec<Vec<(f64, f64)>> = losses
        .chunks(steps.len().max(1))
        .map(|one| {
            steps
                .iter()
                .copied()
                .zip(one.iter().copied())
                .filter(|p| p.0 >= 1e-4 && p.1 < 1.5)
                .collect()
        })
        .collect();
    let shown = Extent::of(lines.iter().flatten().map(|p| p.0));
    let x = Axis::log("multiple of the update", shown, 6);
    let y = Axis::linear("loss relative to the start", 0.0, 1.2, 6);
    let mut panel = Panel::new("loss along the update", x, y);
    add_lines(&mut panel, lines);
    Ok(panel)
}

/// Loops at rest against damped steps of single layers.
fn leaks(reader: &ResultReader, layers: usize) -> Result<Option<Panel>, Error> {
    let dampings = reader.f64s("invert/damping")?;
    let angles = reader.f64s("invert/leak_angle")?;
    let hidden = layers - 1;
    let mut order: Vec<usize> = (0..dampings.len()).filter(|k| dampings[*k] > 0.0).collect();
    if order.is_empty() {
        return Ok(None);
    }
    order.sort_by(|a, b| dampings[*a].total_cmp(&dampings[*b]));
    let line = |l: usize| order.iter().map(|k| (dampings[*k], angles[k * hidden + l])).collect();
    let lines: Vec<Vec<(f64, f64)>> = (0..hidden).map(line).collect();
    let names: Vec<String> = (1..=hidden).map(|l| format!("layer {l}")).collect();
    let x = Axis::log("leak = damping", Extent::of(order.iter().map(|k| dampings[*k])), 6);
    let title = "dynamic inversion against damped steps";
    let mut panel = Panel::new(title, x, degrees(&lines));
    panel.legend.extend(legend(&names));
    add_lines(&mut panel, lines);
    Ok(Some(panel))
}

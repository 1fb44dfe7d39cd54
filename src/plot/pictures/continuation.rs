//! Branches of equilibria in one parameter: stable parts solid, unstable ones dotted, bifurcations
//! marked.

use super::Picture;
use super::places::companion;
use crate::error::Error;
use crate::plot::PlotOptions;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row, Sample};
use crate::plot::drawing::{CATEGORIES, INK, Stroke};
use crate::results::{Data, ResultReader};

pub(super) const CONTINUATION: Picture = Picture {
    name: "continuation",
    summary: "branch of equilibria: stable solid, unstable dotted, Hopf and fold points marked",
    needs: "parameter, state_norm and abscissa in the group stability/continuation",
    holds: |reader| {
        ["parameter", "state_norm", "abscissa"]
            .iter()
            .all(|name| reader.contains(&format!("{GROUP}/{name}")))
    },
    draw,
};

const GROUP: &str = "stability/continuation";

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let path = format!("{GROUP}/parameter");
    let parameter = reader.f64s(&path)?;
    let norm = companion(reader, &format!("{GROUP}/state_norm"), &path)?;
    let abscissa = companion(reader, &format!("{GROUP}/abscissa"), &path)?;
    let name = reader.info(&path)?.attribute_text("long_name").unwrap_or("parameter").to_owned();
    let x = Axis::tight(&name, Extent::of(parameter.iter().copied()), 6);
    let y = Axis::loose("norm of the equilibrium", Extent::of(norm.iter().copied()), 6);
    let mut panel = Panel::new("equilibria", x, y);

    let color = CATEGORIES[0];
    let solid = Stroke::new(color, 2.0);
    let dotted = Stroke::new(color, 1.8).dashed(0.1, 4.0);
    let points: Vec<(f64, f64)> = parameter.iter().copied().zip(norm).collect();
    for (is_stable, stroke, label) in [(true, solid, "stable"), (false, dotted, "unstable")] {
        let pieces = parts(&points, &abscissa, is_stable);
        if !pieces.is_empty() {
            panel.marks.push(Mark::Lines { pieces, stroke });
            panel.legend.push((Sample::Line(stroke), label.to_owned()));
        }
    }
    mark_bifurcations(reader, &mut panel)?;
    let mut row = vec![panel];
    row.extend(cycles(reader, &name, Extent::of(parameter.iter().copied()))?);
    Ok(vec![row])
}

/// Amplitude and period of the limit cycles, over the range of the branch.
fn cycles(reader: &ResultReader, name: &str, range: Extent) -> Result<Vec<Panel>, Error> {
    let path = format!("{GROUP}/cycle_parameter");
    if !reader.contains(&path) {
        return Ok(Vec::new());
    }
    let parameter = reader.f64s(&path)?;
    let Data::I64(origin) = reader.variable(&format!("{GROUP}/cycle_bifurcation"))?.data else {
        return Ok(Vec::new());
    };
    let starts = reader.f64s(&format!("{GROUP}/bifurcation_parameter"))?;
    let frequency = reader.f64s(&format!("{GROUP}/bifurcation_frequency"))?;
    let mut panels = Vec::new();
    for (variable, label, title) in [
        ("cycle_amplitude", "amplitude", "limit cycles: amplitude"),
        ("cycle_period", "period (s)", "limit cycles: period"),
    ] {
        let values = companion(reader, &format!("{GROUP}/{variable}"), &path)?;
        let is_amplitude = variable == "cycle_amplitude";
        let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
        for (k, (start, frequency)) in starts.iter().zip(&frequency).enumerate() {
            let of_point = origin.iter().zip(parameter.iter().zip(&values));
            let cycles = of_point.filter(|(o, _)| **o == k as i64).map(|(_, (p, v))| (*p, *v));
            let cycles: Vec<(f64, f64)> = cycles.collect();
            if !cycles.is_empty() {
                // A cycle is born with no amplitude and the period of the pair.
                let birth = if is_amplitude { 0.0 } else { std::f64::consts::TAU / frequency };
                lines.push(std::iter::once((*start, birth)).chain(cycles).collect());
            }
        }
        let all = lines.iter().flatten().map(|p| p.1);
        let zero = is_amplitude.then_some(0.0);
        let extent = Extent::of(all.chain(zero));
        let mut panel =
            Panel::new(title, Axis::tight(name, range, 6), Axis::loose(label, extent, 6));
        for line in lines {
            let (birth, cycles) = (vec![line[0]], line[1..].to_vec());
            let stroke = Stroke::new(CATEGORIES[2], 1.8);
            panel.marks.push(Mark::Lines { pieces: vec![line], stroke });
            panel.marks.push(Mark::Discs { centres: cycles, radius: 3.0, color: INK });
            panel.marks.push(Mark::Discs { centres: birth, radius: 4.5, color: CATEGORIES[1] });
        }
        panel.legend.push((Sample::Disc(CATEGORIES[1]), "Hopf".to_owned()));
        panel.legend.push((Sample::Disc(INK), "integrated".to_owned()));
        panels.push(panel);
    }
    Ok(panels)
}

/// The stretches of the branch that are stable, or those that are not; each begins at the end of
/// the stretch before, so that the branch has no gaps.
fn parts(points: &[(f64, f64)], abscissa: &[f64], is_stable: bool) -> Vec<Vec<(f64, f64)>> {
    let mut parts: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut open = false;
    for k in 0..points.len() {
        let wanted = (abscissa[k] < 0.0) == is_stable;
        if wanted && !open {
            parts.push(points[k.saturating_sub(1)..k].to_vec());
        }
        if let Some(part) = parts.last_mut().filter(|_| wanted) {
            part.push(points[k]);
        }
        open = wanted;
    }
    parts
}

fn mark_bifurcations(reader: &ResultReader, panel: &mut Panel) -> Result<(), Error> {
    let path = format!("{GROUP}/bifurcation_parameter");
    if !reader.contains(&path) {
        return Ok(());
    }
    let parameter = reader.f64s(&path)?;
    let norm = companion(reader, &format!("{GROUP}/bifurcation_state_norm"), &path)?;
    let Data::Text(kinds) = reader.variable(&format!("{GROUP}/bifurcation"))?.data else {
        return Ok(());
    };
    let known = [
        ("hopf", "Hopf", CATEGORIES[1]),
        ("fold", "fold", INK),
        ("branch-point", "branch point", CATEGORIES[2]),
    ];
    for (kind, label, color) in known {
        let of_kind = kinds.iter().zip(parameter.iter().zip(&norm)).filter(|(k, _)| *k == kind);
        let centres: Vec<(f64, f64)> = of_kind.map(|(_, (p, n))| (*p, *n)).collect();
        if !centres.is_empty() {
            panel.legend.push((Sample::Disc(color), label.to_owned()));
            panel.marks.push(Mark::Discs { centres, radius: 4.5, color });
        }
    }
    Ok(())
}

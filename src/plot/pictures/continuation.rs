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
    Ok(vec![vec![panel]])
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

//! Theory against measurement: every instance of every check of `dinv validate`.

use super::{Picture, shared_rows};
use crate::error::Error;
use crate::plot::PlotOptions;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row, Sample};
use crate::plot::drawing::{AXIS, CATEGORIES, Point, Stroke};
use crate::results::{Data, ResultReader};

pub(super) const THEORY: Picture = Picture {
    name: "theory",
    summary: "what was measured against what every claim predicts, on all instances",
    needs: "theory/id",
    holds: |reader| reader.contains("theory/id"),
    draw,
};

/// Verdicts by their code in the file.
const VERDICTS: [&str; 3] = ["pass", "fail", "inconclusive"];

/// Points drawn per measurement; of more, these many spread evenly.
const SHOWN: usize = 2000;

/// Positive numbers that differ by more than this factor are drawn on log axes.
const WIDE: f64 = 100.0;

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let Data::Text(ids) = reader.variable("theory/id")?.data else { return Ok(Vec::new()) };
    let verdicts = match reader.variable("theory/verdict")?.data {
        Data::U8(codes) => codes,
        _ => Vec::new(),
    };
    let mut panels = Vec::with_capacity(ids.len());
    for (k, id) in ids.iter().enumerate() {
        let code = verdicts.get(k).map(|code| usize::from(*code));
        let verdict = code.and_then(|code| VERDICTS.get(code)).copied().unwrap_or("unknown");
        panels.push(one(&format!("{id}: {verdict}"), &measurements(reader, id)?));
    }
    Ok(shared_rows(panels))
}

/// Pairs of predicted and measured numbers by the names of the measurements.
fn measurements(reader: &ResultReader, id: &str) -> Result<Vec<(String, Vec<Point>)>, Error> {
    let group = format!("theory/{}", id.replace('-', "_"));
    let mut found = Vec::new();
    for variable in reader.variables(&group)? {
        let Some(name) = variable.name().strip_suffix("_predicted") else { continue };
        let measured = format!("{group}/{name}_measured");
        if !reader.contains(&measured) {
            continue;
        }
        let (predicted, measured) = (reader.f64s(&variable.path)?, reader.f64s(&measured)?);
        let stride = predicted.len().div_ceil(SHOWN).max(1);
        let points = predicted.into_iter().zip(measured).step_by(stride).collect();
        found.push((name.replace('_', " "), points));
    }
    Ok(found)
}

fn one(title: &str, measurements: &[(String, Vec<Point>)]) -> Panel {
    let (votes, numbers): (Vec<_>, Vec<_>) =
        measurements.iter().partition(|(_, points)| points.iter().all(is_vote));
    let all = || numbers.iter().flat_map(|(_, points)| points);
    let extent = Extent::of(all().flat_map(|(x, y)| [*x, *y]));
    let is_log = extent.low > 0.0 && extent.high > WIDE * extent.low;
    let axis = |label: &str| match is_log {
        true => Axis::log(label, extent, 5),
        false => Axis::loose(label, extent, 5),
    };
    let mut panel = Panel::new(title, axis("predicted"), axis("measured"));
    let (low, high) = (panel.x.low, panel.x.high);
    let diagonal = Stroke::new(AXIS, 1.0).dashed(4.0, 3.0);
    panel
        .marks
        .push(Mark::Lines { pieces: vec![vec![(low, low), (high, high)]], stroke: diagonal });
    for (k, (name, points)) in numbers.into_iter().enumerate() {
        let color = CATEGORIES[k % CATEGORIES.len()];
        let centres = points.iter().copied().filter(|(x, y)| (x + y).is_finite()).collect();
        panel.marks.push(Mark::Discs { centres, radius: 2.2, color });
        panel.legend.push((Sample::Disc(color), name.clone()));
    }
    for (name, points) in votes {
        let agree = points.iter().filter(|(predicted, measured)| predicted == measured).count();
        panel.remark(format!("{name}: {agree} of {} agree", points.len()));
    }
    panel
}

/// Whether a measurement says yes or no.
fn is_vote((predicted, measured): &Point) -> bool {
    [predicted, measured].iter().all(|x| **x == 0.0 || **x == 1.0)
}

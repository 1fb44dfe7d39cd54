//! Fields over one axis: a line for every value of the other, bands over seeds.

use super::cube::{Cube, Field, STABLE, Swept};
use super::scale::{Scale, label};
use crate::plot::chart::{Axis, Extent, Mark, Panel, Sample};
use crate::plot::drawing::{AXIS, CATEGORIES, Stroke};

/// Values on a linear axis unless they are positive and span more than this factor.
const LOG_FROM: f64 = 1e3;

/// One panel: `field` over `x`, a line for every value of `group`. `index` finds a point from the
/// positions along `x` and `group`.
pub(super) fn panel(
    cube: &Cube,
    field: &Field,
    x: &Swept,
    group: Option<&Swept>,
    index: impl Fn(usize, usize) -> usize,
) -> Panel {
    let scale = Scale::line(x);
    let count = group.map_or(1, |g| g.length);
    let at = |k: usize, g: usize| index(scale.order[k], g);
    let points = || (0..count).flat_map(|g| (0..x.length).map(move |k| (k, g)));
    let mut extent = Extent::of(points().map(|(k, g)| field.median[at(k, g)]));
    for band in field.bands.iter().filter(|band| !band.is_empty()) {
        points().map(|(k, g)| band[at(k, g)]).for_each(|(low, high)| {
            extent.add(low);
            extent.add(high);
        });
    }
    let name = label(&field.name);
    let mut panel = Panel::new(&name, scale.axis.clone(), value_axis(&name, extent));
    if panel.y.low < 0.0 && panel.y.high > 0.0 {
        let zero = vec![vec![(panel.x.low, 0.0), (panel.x.high, 0.0)]];
        panel.marks.push(Mark::Lines { pieces: zero, stroke: Stroke::new(AXIS, 1.0) });
    }
    for g in 0..count {
        let color = CATEGORIES[g % CATEGORIES.len()];
        for (band, opacity) in field.bands.iter().zip([0.15, 0.25]) {
            if band.is_empty() {
                continue;
            }
            let points = (0..x.length).map(|k| (scale.places[k], band[at(k, g)]));
            let points = points.map(|(x, (low, high))| (x, low, high)).collect();
            panel.marks.push(Mark::Band { points, color: color.fade(opacity) });
        }
        let line: Vec<(f64, f64)> =
            (0..x.length).map(|k| (scale.places[k], field.median[at(k, g)])).collect();
        let stroke = Stroke::new(color, 1.8);
        if line.len() <= MARKED || x.values.is_none() {
            panel.marks.push(Mark::Discs { centres: line.clone(), radius: 2.6, color });
        }
        panel.marks.push(Mark::Lines { pieces: vec![line], stroke });
        if let Some(group) = group {
            let text = format!("{} {}", label(&group.name), group.words[g]);
            panel.legend.push((Sample::Line(stroke), text));
        }
    }
    if cube.chances > 1 && field.name != STABLE {
        panel.remark(format!("median, 25\u{2013}75 % and 5\u{2013}95 % of {}", cube.chances));
    }
    panel
}

/// Lines of so few points show them.
const MARKED: usize = 30;

fn value_axis(name: &str, extent: Extent) -> Axis {
    let is_wide = extent.low > 0.0 && extent.high > LOG_FROM * extent.low;
    if is_wide { Axis::log(name, extent, 6) } else { Axis::loose(name, extent, 6) }
}

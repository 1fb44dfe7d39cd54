//! Fields over two axes: cells of colour with the boundary of stability.

use super::cube::{ABSCISSA, Cube, Field, STABLE, Swept};
use super::scale::{Scale, label};
use crate::plot::chart::{Axis, ColorBar, Extent, Grid, Mark, Panel, Sample};
use crate::plot::drawing::{INK, LIGHT, Stroke, diverging, viridis};

/// One panel: `field` over `x` and `y`; `index` finds a point from the positions along both.
pub(super) fn panel(
    cube: &Cube,
    field: &Field,
    (x, y): (&Swept, &Swept),
    extra: &str,
    index: impl Fn(usize, usize) -> usize,
) -> Panel {
    let (across, up) = (Scale::cells(x), Scale::cells(y));
    let over = |values: &[f64]| -> Vec<f64> {
        let row = |j: &usize| {
            let j = *j;
            across.order.iter().map(|i| values[index(*i, j)]).collect::<Vec<f64>>()
        };
        up.order.iter().flat_map(row).collect()
    };
    let values = over(&field.median);
    let name = label(&field.name);
    let title = if extra.is_empty() { name.clone() } else { format!("{name}, {extra}") };
    let mut panel = Panel::new(&title, across.axis.clone(), up.axis.clone());
    let extent = Extent::of(values.iter().copied());
    let (bar, fraction) = colors(field, extent, &name);
    let color =
        |value: f64| if value.is_finite() { (bar.map)(fraction(value)).rgb } else { LIGHT.rgb };
    let rows = values.chunks_exact(across.places.len()).rev();
    let cells = rows.flatten().map(|value| color(*value)).collect();
    panel.marks.push(Mark::Cells { columns: across.places.len(), cells });
    panel.bar = Some(bar);
    if let Some((decides, level)) = boundary(cube) {
        let values = over(&decides.median);
        let grid = Grid { x: &across.places, y: &up.places, values: &values };
        let pieces = grid.contour(level);
        let stroke = Stroke::new(INK, 1.8);
        if !pieces.is_empty() {
            let text = if decides.name == STABLE {
                "half of the points stable"
            } else {
                "boundary of stability"
            };
            panel.legend.push((Sample::Line(stroke), text.to_owned()));
            panel.marks.push(Mark::Lines { pieces, stroke });
        } else if field.name == decides.name {
            let stable =
                values.iter().filter(|v| v.is_finite()).all(|v| (*v < level) != (level > 0.0));
            panel.remark(if stable { "stable everywhere" } else { "stable nowhere" });
        }
    }
    if cube.chances > 1 && field.name != STABLE {
        panel.remark(format!("median of {}", cube.chances));
    }
    panel
}

/// The field whose level is the boundary of stability: with several seeds the share of stable
/// ones, else the spectral abscissa.
fn boundary(cube: &Cube) -> Option<(&Field, f64)> {
    let share = cube.field(STABLE).map(|field| (field, 0.5));
    let abscissa = cube.field(ABSCISSA).map(|field| (field, 0.0));
    if cube.chances > 1 { share.or(abscissa) } else { abscissa.or(share) }
}

/// Values on a linear scale of colours unless they are positive and span more than this factor.
const LOG_FROM: f64 = 1e3;

type Fraction = Box<dyn Fn(f64) -> f64>;

/// The scale of colours, and where on it a value lies.
fn colors(field: &Field, extent: Extent, name: &str) -> (ColorBar, Fraction) {
    if field.name == ABSCISSA {
        // Equal colours for equal distances from the boundary, whichever side.
        let reach = if extent.is_empty() { 1.0 } else { extent.low.abs().max(extent.high.abs()) };
        let reach = if reach > 0.0 { reach } else { 1.0 };
        let bar = ColorBar { axis: Axis::linear("1/s", -reach, reach, 5), map: diverging };
        return (bar, Box::new(move |x| 0.5 + 0.5 * x / reach));
    }
    let is_log = extent.low > 0.0 && extent.high > LOG_FROM * extent.low;
    let axis = if is_log {
        Axis::decades(name, extent.low, extent.high, 5)
    } else {
        let shown = if field.name == STABLE { Extent::of([0.0, 1.0]) } else { extent };
        Axis::tight(name, shown, 5)
    };
    let places = axis.clone();
    (ColorBar { axis, map: viridis }, Box::new(move |x| places.place(x)))
}

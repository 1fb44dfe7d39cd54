//! Sweeps: lines over one axis, cells of colour over two, quantiles over seeds.

mod cube;
mod heat;
mod lines;
mod scale;

use super::{Picture, shared_rows};
use crate::error::Error;
use crate::plot::chart::{Panel, Row};
use crate::plot::{PlotError, PlotOptions};
use crate::results::ResultReader;
use cube::{ABSCISSA, Cube, Field, STABLE, Swept};
use scale::label;

pub(super) const SWEEP: Picture = Picture {
    name: "sweep",
    summary: "collected fields over the swept keys: lines, heat maps, quantiles over seeds",
    needs: "status over swept keys at the root of the file",
    holds: |reader| {
        reader.attribute("command").is_ok()
            && reader.info("status").is_ok_and(|info| !info.dims.is_empty())
    },
    draw,
};

/// Most panels on a page.
const PANELS: usize = 9;

/// An axis of so few values, or of words, becomes one line per value.
const FEW: usize = 6;

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let cube = Cube::read(reader)?;
    let nothing = |reason: &str| PlotError::Nothing {
        path: reader.path().to_owned(),
        reason: reason.to_owned(),
    };
    if cube.fields.is_empty() {
        return Err(nothing("no collected field has a number").into());
    }
    let mut axes: Vec<usize> = (0..cube.axes.len()).collect();
    // Numbers before words, long axes before short ones; the sort keeps the order of equals.
    axes.sort_by_key(|k| {
        let axis = &cube.axes[*k];
        (axis.values.is_none(), axis.length <= FEW)
    });
    let mut panels = match axes.as_slice() {
        [] => return Err(nothing("no axis has more than one value but that of seeds").into()),
        [x] => fields(&cube).map(|f| over_one(&cube, f, *x, None)).collect(),
        [x, group] if is_short(&cube.axes[*group]) => {
            fields(&cube).map(|f| over_one(&cube, f, *x, Some(*group))).collect()
        }
        [x, y, others @ ..] => maps(&cube, (*x, *y), others),
    };
    if let Some(first) = panels.first_mut().filter(|_| cube.gaps > 0) {
        first.remark(format!("{} points failed or are missing", cube.gaps));
    }
    Ok(shared_rows(panels))
}

fn is_short(axis: &Swept) -> bool {
    axis.length <= FEW
}

/// Fields that fit on the page; those that vary come first.
fn fields(cube: &Cube) -> impl Iterator<Item = &Field> {
    let varies = |field: &&Field| {
        let mut finite = field.median.iter().filter(|x| x.is_finite());
        let first = finite.next();
        finite.any(|x| Some(x) != first)
    };
    // With one point per cell the sign of the abscissa says the same.
    let tells =
        |field: &&Field| field.name != STABLE || cube.chances > 1 || cube.field(ABSCISSA).is_none();
    let (vary, constant): (Vec<_>, Vec<_>) = cube.fields.iter().filter(tells).partition(varies);
    vary.into_iter().chain(constant).take(PANELS)
}

/// The number of a point from positions along two axes, and along the others in `rest`.
fn strides(cube: &Cube) -> Vec<usize> {
    let mut stride = 1;
    let mut strides = vec![0; cube.axes.len()];
    for (k, axis) in cube.axes.iter().enumerate().rev() {
        strides[k] = stride;
        stride *= axis.length;
    }
    strides
}

fn over_one(cube: &Cube, field: &Field, x: usize, group: Option<usize>) -> Panel {
    let strides = strides(cube);
    let of_group = group.map_or(0, |g| strides[g]);
    let index = |i: usize, g: usize| i * strides[x] + g * of_group;
    lines::panel(cube, field, &cube.axes[x], group.map(|g| &cube.axes[g]), index)
}

/// A map of every field; with more axes, of the first field at each of their values.
fn maps(cube: &Cube, (x, y): (usize, usize), others: &[usize]) -> Vec<Panel> {
    let strides = strides(cube);
    let slices: usize = others.iter().map(|k| cube.axes[*k].length).product();
    let each = if slices == 1 { PANELS } else { (PANELS / slices.min(PANELS)).max(1) };
    let mut panels = Vec::new();
    for field in fields(cube).take(each) {
        for slice in 0..slices.min(PANELS) {
            let (mut rest, mut base, mut words) = (slice, 0, Vec::new());
            for k in others.iter().rev() {
                let axis = &cube.axes[*k];
                let at = rest % axis.length;
                rest /= axis.length;
                base += at * strides[*k];
                words.insert(0, format!("{} {}", label(&axis.name), axis.words[at]));
            }
            let index = |i: usize, j: usize| base + i * strides[x] + j * strides[y];
            let extra = words.join(", ");
            let pair = (&cube.axes[x], &cube.axes[y]);
            panels.push(heat::panel(cube, field, pair, &extra, index));
        }
    }
    if slices > PANELS
        && let Some(last) = panels.last_mut()
    {
        last.remark(format!("the first {PANELS} of {slices} slices"));
    }
    panels
}

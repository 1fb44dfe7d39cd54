//! Images and what the autoencoder of every rule makes of them, a row per rule.

use super::Picture;
use crate::error::Error;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row};
use crate::plot::{PlotError, PlotOptions};
use crate::results::ResultReader;

pub(super) const RECONSTRUCTIONS: Picture = Picture {
    name: "reconstructions",
    summary: "images of the test set and the reconstructions of every rule, as a grid",
    needs: "original in the group reconstructions",
    holds: |reader| reader.contains(ORIGINAL),
    draw,
};

const ORIGINAL: &str = "reconstructions/original";
/// Images side by side.
const IMAGES: usize = 12;
/// White pixels between images.
const GAP: usize = 2;
const WHITE: [u8; 3] = [255; 3];

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let dims: Vec<usize> = reader.info(ORIGINAL)?.dims.iter().map(|d| d.length).collect();
    let [count, height, width] = dims[..] else { return Err(shape(reader, ORIGINAL, dims)) };
    let mut rows = vec![("original".to_owned(), reader.f64s(ORIGINAL)?)];
    for variable in reader.variables("reconstructions")? {
        if !variable.name().starts_with("reconstruction_") {
            continue;
        }
        let values = reader.f64s(&variable.path)?;
        if values.len() != count * height * width {
            let found = variable.dims.iter().map(|d| d.length).collect();
            return Err(shape(reader, &variable.path, found));
        }
        let long = variable.attribute_text("long_name").unwrap_or(variable.name());
        rows.push((long.trim_start_matches("reconstruction by ").to_owned(), values));
    }
    let images = count.min(IMAGES);
    let grid = Grid { images, height, width };
    let cells = rows.iter().flat_map(|(_, values)| grid.row(values)).collect();
    let mut panel = Panel::new("reconstructions of test images", blank(), names(&rows));
    panel.x.label = "images of the test set".to_owned();
    panel.aspect = Some(grid.columns() as f64 / (rows.len() * (height + GAP)) as f64);
    panel.marks.push(Mark::Cells { columns: grid.columns(), cells });
    Ok(vec![vec![panel]])
}

fn shape(reader: &ResultReader, variable: &str, found: Vec<usize>) -> Error {
    let (path, variable) = (reader.path().to_owned(), variable.to_owned());
    PlotError::Shape { path, variable, found, expected: "images of one size" }.into()
}

fn blank() -> Axis {
    Axis { ticks: Vec::new(), ..Axis::tight("", Extent::of([0.0, 1.0]), 1) }
}

/// The names of the rows, from the top, where their middles are.
fn names(rows: &[(String, Vec<f64>)]) -> Axis {
    let count = rows.len() as f64;
    let place = |(k, (name, _)): (usize, &(String, _))| (count - k as f64 - 0.5, name.clone());
    let ticks = rows.iter().enumerate().map(place).collect();
    Axis { low: 0.0, high: count, ticks, ..blank() }
}

struct Grid {
    images: usize,
    height: usize,
    width: usize,
}

impl Grid {
    fn columns(&self) -> usize {
        self.images * (self.width + GAP)
    }

    /// Images side by side, dark on white; gaps are beside and below them.
    fn row(&self, values: &[f64]) -> Vec<[u8; 3]> {
        let size = self.height * self.width;
        let mut cells = Vec::with_capacity((self.height + GAP) * self.columns());
        for y in 0..self.height {
            for image in values.chunks_exact(size).take(self.images) {
                let line = &image[y * self.width..(y + 1) * self.width];
                cells.extend(line.iter().map(|v| {
                    let ink = if v.is_finite() { v.clamp(0.0, 1.0) } else { 0.0 };
                    [(255.0 * (1.0 - ink)).round() as u8; 3]
                }));
                cells.extend([WHITE; GAP]);
            }
        }
        cells.resize((self.height + GAP) * self.columns(), WHITE);
        cells
    }
}

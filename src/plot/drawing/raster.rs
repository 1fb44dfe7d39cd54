//! A page as pixels, with exact coverage at edges.

use super::font::{self, run_width, runs};
use super::{Anchor, Color, Point, Scene, Shape, Stroke};

/// Pixels per unit of the page.
const RESOLUTION: f64 = 2.0;

/// Glyphs are drawn this much larger and averaged, which places them between pixels.
const GLYPH_OVERSAMPLING: i32 = 4;

/// Horizontal lines per pixel along which the coverage of an area is measured.
const SCAN_LINES: usize = 4;

/// The width of the image in pixels, and its RGB bytes.
pub(crate) fn render(scene: &Scene) -> (usize, Vec<u8>) {
    let mut canvas = Canvas::new(scene);
    for shape in &scene.shapes {
        canvas.draw(shape);
    }
    (canvas.width, canvas.pixels.iter().map(|x| x.round() as u8).collect())
}

struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<f32>,
    /// Coverage of the shape being drawn: where its parts overlap it counts once.
    mask: Vec<f32>,
    /// Pixels of the mask that are not zero.
    touched: Vec<usize>,
}

impl Canvas {
    fn new(scene: &Scene) -> Self {
        let width = (scene.width * RESOLUTION).round() as usize;
        let height = (scene.height * RESOLUTION).round() as usize;
        let (pixels, mask) = (vec![255.0; 3 * width * height], vec![0.0; width * height]);
        Self { width, height, pixels, mask, touched: Vec::new() }
    }

    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Lines { pieces, stroke } => self.lines(pieces, stroke),
            Shape::Area { outline, color } => {
                self.area(&scaled(outline));
                self.blend(*color);
            }
            Shape::Discs { centres, radius, color } => {
                for (x, y) in scaled(centres) {
                    self.segment((x, y), (x, y), radius * RESOLUTION);
                }
                self.blend(*color);
            }
            Shape::Cells { corner, size, columns, cells } => {
                self.cells(*corner, *size, *columns, cells);
            }
            Shape::Text { at, text, size, anchor, color, upwards } => {
                self.text(*at, text, *size, (*anchor, *upwards));
                self.blend(*color);
            }
        }
    }

    fn lines(&mut self, pieces: &[Vec<Point>], stroke: &Stroke) {
        let radius = stroke.width * RESOLUTION / 2.0;
        for piece in pieces {
            let piece = scaled(piece);
            let dashes = match stroke.dash {
                Some((dash, gap)) => dashed(&piece, dash * RESOLUTION, gap * RESOLUTION),
                None => vec![piece],
            };
            for dash in &dashes {
                if let [only] = dash.as_slice() {
                    self.segment(*only, *only, radius);
                }
                for pair in dash.windows(2) {
                    self.segment(pair[0], pair[1], radius);
                }
            }
        }
        self.blend(stroke.color);
    }

    /// Covers what is within `radius` of the segment.
    fn segment(&mut self, a: Point, b: Point, radius: f64) {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = dx.hypot(dy);
        let reach = radius + 1.0;
        let rows = bounded(a.1.min(b.1) - reach, a.1.max(b.1) + reach, self.height);
        for row in rows {
            let y = row as f64 + 0.5;
            // The columns near the segment in this row: within reach of it, measured along x.
            let (mut left, mut right) = (a.0.min(b.0) - reach, a.0.max(b.0) + reach);
            if dy.abs() > 1e-9 {
                let centre = a.0 + (y - a.1) / dy * dx;
                let spread = reach * length / dy.abs();
                (left, right) = (left.max(centre - spread), right.min(centre + spread));
            }
            for column in bounded(left, right, self.width) {
                let x = column as f64 + 0.5;
                let along = ((x - a.0) * dx + (y - a.1) * dy) / (length * length).max(1e-12);
                let s = along.clamp(0.0, 1.0);
                let distance = (x - a.0 - s * dx).hypot(y - a.1 - s * dy);
                self.cover(row, column, coverage(radius, distance));
            }
        }
    }

    /// Covers the inside of a polygon, by the even-odd rule.
    fn area(&mut self, outline: &[Point]) {
        let top = outline.iter().fold(f64::INFINITY, |y, p| y.min(p.1));
        let bottom = outline.iter().fold(f64::NEG_INFINITY, |y, p| y.max(p.1));
        let mut crossings = Vec::new();
        for row in bounded(top, bottom, self.height) {
            let mut line = vec![0.0_f32; self.width];
            for scan in 0..SCAN_LINES {
                let y = row as f64 + (scan as f64 + 0.5) / SCAN_LINES as f64;
                crossings.clear();
                let edges = outline.iter().zip(outline.iter().cycle().skip(1));
                crossings.extend(
                    edges
                        .filter(|(a, b)| (a.1 <= y) != (b.1 <= y))
                        .map(|(a, b)| a.0 + (y - a.1) / (b.1 - a.1) * (b.0 - a.0)),
                );
                crossings.sort_by(f64::total_cmp);
                for pair in crossings.chunks_exact(2) {
                    for column in bounded(pair[0], pair[1], self.width) {
                        let x = column as f64;
                        let inside = pair[1].min(x + 1.0) - pair[0].max(x);
                        line[column] += inside.max(0.0) as f32 / SCAN_LINES as f32;
                    }
                }
            }
            for (column, &covered) in line.iter().enumerate().filter(|(_, c)| **c > 0.0) {
                self.cover(row, column, covered);
            }
        }
    }

    fn cells(&mut self, corner: Point, size: Point, columns: usize, cells: &[[u8; 3]]) {
        let rows = cells.len() / columns.max(1);
        let (x0, y0) = (corner.0 * RESOLUTION, corner.1 * RESOLUTION);
        let (w, h) = (size.0 * RESOLUTION, size.1 * RESOLUTION);
        for row in bounded(y0.round(), (y0 + h).round() - 1.0, self.height) {
            let j = ((row as f64 + 0.5 - y0) / h * rows as f64).clamp(0.0, rows as f64 - 1.0);
            for column in bounded(x0.round(), (x0 + w).round() - 1.0, self.width) {
                let i = (column as f64 + 0.5 - x0) / w * columns as f64;
                let i = i.clamp(0.0, columns as f64 - 1.0) as usize;
                let at = 3 * (row * self.width + column);
                for (pixel, value) in
                    self.pixels[at..at + 3].iter_mut().zip(cells[j as usize * columns + i])
                {
                    *pixel = f32::from(value);
                }
            }
        }
    }

    fn text(&mut self, at: Point, text: &str, size: f64, (anchor, upwards): (Anchor, bool)) {
        let fine = RESOLUTION * f64::from(GLYPH_OVERSAMPLING);
        let mut along = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -font::width(text, size) / 2.0,
            Anchor::End => -font::width(text, size),
        };
        let share = 1.0 / (GLYPH_OVERSAMPLING * GLYPH_OVERSAMPLING) as f32;
        for run in runs(text) {
            let (x, y) = if upwards {
                (at.0 - run.rise * size, at.1 - along)
            } else {
                (at.0 + along, at.1 - run.rise * size)
            };
            let (x, y) = ((x * fine).round() as i32, (y * fine).round() as i32);
            font::draw(&run.text, size * run.scale * fine, |dx, dy, part| {
                let (x, y) = if upwards { (x + dy, y - dx) } else { (x + dx, y + dy) };
                let (x, y) = (x.div_euclid(GLYPH_OVERSAMPLING), y.div_euclid(GLYPH_OVERSAMPLING));
                if let (Ok(column), Ok(row)) = (usize::try_from(x), usize::try_from(y))
                    && column < self.width
                    && row < self.height
                {
                    let covered = self.mask[row * self.width + column];
                    self.cover(row, column, (covered + part * share).min(1.0));
                }
            });
            along += run_width(&run, size);
        }
    }

    fn cover(&mut self, row: usize, column: usize, coverage: f32) {
        let at = row * self.width + column;
        if coverage > self.mask[at] {
            if self.mask[at] == 0.0 {
                self.touched.push(at);
            }
            self.mask[at] = coverage.min(1.0);
        }
    }

    /// Paints what is covered and starts the next shape.
    fn blend(&mut self, color: Color) {
        for at in self.touched.drain(..) {
            let weight = std::mem::take(&mut self.mask[at]) * color.opacity as f32;
            for (pixel, value) in self.pixels[3 * at..3 * at + 3].iter_mut().zip(color.rgb) {
                *pixel += weight * (f32::from(value) - *pixel);
            }
        }
    }
}

fn scaled(points: &[Point]) -> Vec<Point> {
    points.iter().map(|p| (p.0 * RESOLUTION, p.1 * RESOLUTION)).collect()
}

/// The share of a pixel at `distance` from the middle of a line: a pixel's width of transition,
/// and no more than the line's own width for lines thinner than a pixel.
fn coverage(radius: f64, distance: f64) -> f32 {
    ((radius + 0.5 - distance).clamp(0.0, 1.0) * (2.0 * radius).min(1.0)) as f32
}

/// Whole pixels that meet the interval from `low` to `high`, within `0..limit`.
fn bounded(low: f64, high: f64, limit: usize) -> std::ops::Range<usize> {
    let first = low.floor().max(0.0) as usize;
    let last = (high.floor() + 1.0).clamp(0.0, limit as f64) as usize;
    first..last.max(first)
}

/// A line cut into dashes.
fn dashed(line: &[Point], dash: f64, gap: f64) -> Vec<Vec<Point>> {
    let mut dashes = Vec::new();
    let mut current = line.first().map(|p| vec![*p]).unwrap_or_default();
    let (mut left, mut drawing) = (dash, true);
    for pair in line.windows(2) {
        let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        let length = dx.hypot(dy);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let place = (pair[0].0 + done / length * dx, pair[0].1 + done / length * dy);
            if drawing {
                current.push(place);
                dashes.push(std::mem::take(&mut current));
            } else {
                current = vec![place];
            }
            drawing = !drawing;
            left = if drawing { dash } else { gap };
        }
        left -= length - done;
        if drawing {
            current.push(pair[1]);
        }
    }
    if drawing && !current.is_empty() {
        dashes.push(current);
    }
    dashes
}

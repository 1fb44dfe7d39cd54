//! One chart: a frame with axes, marks inside, a title and a legend above.

use super::Axis;
use crate::plot::drawing::{
    AXIS, Anchor, Color, GREY, INK, LIGHT, Point, Scene, Shape, Stroke, clip_line, width,
};

/// Something drawn in the coordinates of the data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    /// Lines; they break at points that have no place.
    Lines { pieces: Vec<Vec<Point>>, stroke: Stroke },
    /// The area between two curves: x, low, high.
    Band { points: Vec<(f64, f64, f64)>, color: Color },
    /// Discs of one radius in pixels.
    Discs { centres: Vec<Point>, radius: f64, color: Color },
    /// The inside of a polygon.
    Area { outline: Vec<Point>, color: Color },
    /// Equal cells over the whole frame, row by row from the top.
    Cells { columns: usize, cells: Vec<[u8; 3]> },
}

/// Radius of the disc that stands for a line of one point, pixels: a dot as wide as a line would be
/// overlooked.
const LONE_RADIUS: f64 = 2.5;

/// What stands before a label of the legend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sample {
    Line(Stroke),
    Patch(Color),
    Disc(Color),
    /// A remark.
    None,
}

/// A scale of colours beside the frame; `map` gives the colours from 0 to 1 along its axis.
#[derive(Debug, Clone)]
pub(crate) struct ColorBar {
    pub(crate) axis: Axis,
    pub(crate) map: fn(f64) -> Color,
}

/// A chart.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) marks: Vec<Mark>,
    pub(crate) legend: Vec<(Sample, String)>,
    pub(crate) bar: Option<ColorBar>,
    /// Width over height of the frame, for a panel in a row of its own.
    pub(crate) aspect: Option<f64>,
}

const TITLE: f64 = 13.0;
const LABEL: f64 = 12.0;
const TICK: f64 = 11.0;
/// From the base line of the title to that of the first line of the legend, and between its lines.
const LINE: f64 = 16.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 14.0;
const BAR: f64 = 64.0;
const BOTTOM: f64 = 46.0;

impl Panel {
    pub(crate) fn new(title: &str, x: Axis, y: Axis) -> Self {
        let title = title.to_owned();
        Self { title, x, y, marks: Vec::new(), legend: Vec::new(), bar: None, aspect: None }
    }

    pub(crate) fn remark(&mut self, text: impl Into<String>) {
        self.legend.push((Sample::None, text.into()));
    }

    /// Height above the frame when the panel is `wide` pixels wide.
    pub(crate) fn head(&self, wide: f64) -> f64 {
        TITLE + 10.0 + LINE * self.lines(wide - LEFT - RIGHT).len() as f64
    }

    /// Height of a frame of the wanted shape with its lower axis, when the panel is `wide` pixels
    /// wide.
    pub(crate) fn frame(&self, wide: f64) -> Option<f64> {
        self.aspect.map(|aspect| (wide - LEFT - RIGHT) / aspect + BOTTOM)
    }

    /// Draws the panel into a box with `head` pixels above the frame.
    pub(crate) fn draw(&self, scene: &mut Scene, corner: Point, size: Point, head: f64) {
        let right = if self.bar.is_some() { BAR } else { RIGHT };
        let low = (corner.0 + LEFT, corner.1 + head);
        let high = (corner.0 + size.0 - right, corner.1 + size.1 - BOTTOM);
        let frame = Frame { low, high, x: &self.x, y: &self.y };
        scene.text((low.0, corner.1 + TITLE), &self.title, TITLE, Anchor::Start, INK);
        self.draw_legend(scene, (low.0, corner.1 + TITLE + LINE), size.0 - LEFT - RIGHT);
        let cells = |m: &&Mark| matches!(m, Mark::Cells { .. });
        self.marks.iter().filter(cells).for_each(|mark| frame.mark(scene, mark));
        if !self.marks.iter().any(|m| matches!(m, Mark::Cells { .. })) {
            frame.grid(scene);
        }
        self.marks.iter().filter(|m| !cells(m)).for_each(|mark| frame.mark(scene, mark));
        frame.axes(scene);
        if let Some(bar) = &self.bar {
            draw_bar(scene, bar, (high.0 + 12.0, low.1), (10.0, high.1 - low.1));
        }
    }

    /// The legend broken into lines.
    fn lines(&self, room: f64) -> Vec<Vec<(Sample, &str)>> {
        let mut lines: Vec<Vec<(Sample, &str)>> = Vec::new();
        let mut used = f64::INFINITY;
        for (sample, label) in &self.legend {
            let needed = entry_width(*sample, label);
            // A remark starts a line of its own.
            if used + needed > room || *sample == Sample::None {
                lines.push(Vec::new());
                used = 0.0;
            }
            used += needed;
            if let Some(line) = lines.last_mut() {
                line.push((*sample, label));
            }
        }
        lines
    }

    fn draw_legend(&self, scene: &mut Scene, start: Point, room: f64) {
        for (k, line) in self.lines(room).iter().enumerate() {
            let (mut x, y) = (start.0, start.1 + LINE * k as f64);
            for (sample, label) in line {
                let from = x + sample_width(*sample);
                match *sample {
                    Sample::Line(stroke) => {
                        scene.line(&[(x, y - 4.0), (x + 16.0, y - 4.0)], stroke);
                    }
                    Sample::Patch(color) => {
                        let (a, b) = ((x, y - 9.0), (x + 12.0, y + 1.0));
                        let outline = vec![a, (b.0, a.1), b, (a.0, b.1)];
                        scene.push(Shape::Area { outline, color });
                    }
                    Sample::Disc(color) => {
                        let centres = vec![(x + 4.0, y - 4.0)];
                        scene.push(Shape::Discs { centres, radius: 3.0, color });
                    }
                    Sample::None => {}
                }
                let color = if *sample == Sample::None { GREY } else { AXIS };
                scene.text((from, y), label, TICK, Anchor::Start, color);
                x += entry_width(*sample, label);
            }
        }
    }
}

fn sample_width(sample: Sample) -> f64 {
    match sample {
        Sample::Line(_) => 21.0,
        Sample::Patch(_) => 16.0,
        Sample::Disc(_) => 12.0,
        Sample::None => 0.0,
    }
}

fn entry_width(sample: Sample, label: &str) -> f64 {
    sample_width(sample) + width(label, TICK) + 12.0
}

/// The rectangle of the data, from its top left to its bottom right corner.
struct Frame<'a> {
    low: Point,
    high: Point,
    x: &'a Axis,
    y: &'a Axis,
}

impl Frame<'_> {
    fn x_at(&self, value: f64) -> f64 {
        self.low.0 + self.x.place(value) * (self.high.0 - self.low.0)
    }

    fn y_at(&self, value: f64) -> f64 {
        self.high.1 - self.y.place(value) * (self.high.1 - self.low.1)
    }

    /// As [`y_at`](Self::y_at), held inside the frame.
    fn y_inside(&self, value: f64) -> f64 {
        let y = self.y_at(value);
        if y.is_nan() { self.high.1 } else { y.clamp(self.low.1, self.high.1) }
    }

    fn grid(&self, scene: &mut Scene) {
        let stroke = Stroke::new(LIGHT, 0.7);
        for (value, _) in &self.y.ticks {
            let y = self.y_at(*value);
            scene.line(&[(self.low.0, y), (self.high.0, y)], stroke);
        }
    }

    fn mark(&self, scene: &mut Scene, mark: &Mark) {
        match mark {
            Mark::Lines { pieces, stroke } => {
                let all = pieces.iter().flat_map(|piece| self.pieces(piece));
                let (lone, pieces): (Vec<_>, Vec<_>) = all.partition(|piece| piece.len() == 1);
                if !pieces.is_empty() {
                    scene.push(Shape::Lines { pieces, stroke: *stroke });
                }
                let centres: Vec<Point> = lone.into_iter().flatten().collect();
                if !centres.is_empty() {
                    let radius = LONE_RADIUS.max(0.5 * stroke.width);
                    scene.push(Shape::Discs { centres, radius, color: stroke.color });
                }
            }
            Mark::Band { points, color } => {
                let gap =
                    |p: &(f64, f64, f64)| !(p.0.is_finite() && p.1.is_finite() && p.2.is_finite());
                for part in points.split(gap).filter(|part| part.len() > 1) {
                    let upper = part.iter().map(|p| (self.x_at(p.0), self.y_inside(p.2)));
                    let lower = part.iter().rev().map(|p| (self.x_at(p.0), self.y_inside(p.1)));
                    let outline = upper.chain(lower).collect();
                    scene.push(Shape::Area { outline, color: *color });
                }
            }
            Mark::Area { outline, color } => {
                let outline = outline.iter().map(|p| self.inside(*p)).collect();
                scene.push(Shape::Area { outline, color: *color });
            }
            Mark::Discs { centres, radius, color } => {
                let places = centres.iter().map(|p| (self.x_at(p.0), self.y_at(p.1)));
                let centres: Vec<Point> = places.filter(|p| self.contains(*p)).collect();
                if !centres.is_empty() {
                    scene.push(Shape::Discs { centres, radius: *radius, color: *color });
                }
            }
            Mark::Cells { columns, cells } => scene.push(Shape::Cells {
                corner: self.low,
                size: (self.high.0 - self.low.0, self.high.1 - self.low.1),
                columns: *columns,
                cells: cells.clone(),
            }),
        }
    }

    fn inside(&self, (x, y): Point) -> Point {
        (self.x_at(x).clamp(self.low.0, self.high.0), self.y_inside(y))
    }

    fn contains(&self, (x, y): Point) -> bool {
        let inside = |v: f64, low: f64, high: f64| v >= low - 0.5 && v <= high + 0.5;
        inside(x, self.low.0, self.high.0) && inside(y, self.low.1, self.high.1)
    }

    /// A line in pixels, cut at gaps and at the frame.
    fn pieces(&self, line: &[Point]) -> Vec<Vec<Point>> {
        let places: Vec<Point> = line.iter().map(|p| (self.x_at(p.0), self.y_at(p.1))).collect();
        places
            .split(|p| !(p.0.is_finite() && p.1.is_finite()))
            .filter(|part| !part.is_empty())
            .flat_map(|part| {
                clip_line(
                    part,
                    (self.low.0 - 0.5, self.low.1 - 0.5),
                    (self.high.0 + 0.5, self.high.1 + 0.5),
                )
            })
            .collect()
    }

    fn axes(&self, scene: &mut Scene) {
        let stroke = Stroke::new(AXIS, 0.8);
        let (left, top) = self.low;
        let (right, bottom) = self.high;
        scene.line(&[(left, top), (left, bottom), (right, bottom)], stroke);
        for (value, label) in &self.x.ticks {
            let x = self.x_at(*value);
            scene.line(&[(x, bottom), (x, bottom + 4.0)], stroke);
            scene.text((x, bottom + 16.0), label, TICK, Anchor::Middle, AXIS);
        }
        for value in &self.x.minor {
            let x = self.x_at(*value);
            scene.line(&[(x, bottom), (x, bottom + 2.0)], stroke);
        }
        for (value, label) in &self.y.ticks {
            let y = self.y_at(*value);
            scene.line(&[(left - 4.0, y), (left, y)], stroke);
            scene.text((left - 7.0, y + 4.0), label, TICK, Anchor::End, AXIS);
        }
        for value in &self.y.minor {
            let y = self.y_at(*value);
            scene.line(&[(left - 2.0, y), (left, y)], stroke);
        }
        let middle = left / 2.0 + right / 2.0;
        let label = with_factor(self.x);
        scene.text((middle, bottom + 33.0), &label, LABEL, Anchor::Middle, INK);
        scene.push(Shape::Text {
            at: (left - 50.0, top / 2.0 + bottom / 2.0),
            text: with_factor(self.y),
            size: LABEL,
            anchor: Anchor::Middle,
            color: INK,
            upwards: true,
        });
    }
}

fn with_factor(axis: &Axis) -> String {
    if axis.factor.is_empty() {
        axis.label.clone()
    } else {
        format!("{}   ({})", axis.label, axis.factor)
    }
}

fn draw_bar(scene: &mut Scene, bar: &ColorBar, corner: Point, size: Point) {
    const STEPS: usize = 64;
    let cells = (0..STEPS).map(|k| (bar.map)(1.0 - (k as f64 + 0.5) / STEPS as f64).rgb).collect();
    scene.push(Shape::Cells { corner, size, columns: 1, cells });
    for (value, label) in &bar.axis.ticks {
        let y = corner.1 + size.1 * (1.0 - bar.axis.place(*value));
        let x = corner.0 + size.0;
        scene.line(&[(x, y), (x + 3.0, y)], Stroke::new(AXIS, 0.8));
        scene.text((x + 6.0, y + 4.0), label, TICK, Anchor::Start, AXIS);
    }
    let label = with_factor(&bar.axis);
    scene.text((corner.0 + size.0 + 40.0, corner.1 - 8.0), &label, TICK, Anchor::End, AXIS);
}

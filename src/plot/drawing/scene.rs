//! A page of shapes.

use super::Color;

/// A place on the page: right and down from its top left corner.
pub(crate) type Point = (f64, f64);

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stroke {
    pub(crate) color: Color,
    pub(crate) width: f64,
    /// Lengths of dash and gap.
    pub(crate) dash: Option<(f64, f64)>,
}

impl Stroke {
    pub(crate) const fn new(color: Color, width: f64) -> Self {
        Self { color, width, dash: None }
    }

    pub(crate) const fn dashed(self, dash: f64, gap: f64) -> Self {
        Self { dash: Some((dash, gap)), ..self }
    }
}

/// Which end of a text lies at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Something on the page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// Lines with round ends; a piece of one point is a dot.
    Lines { pieces: Vec<Vec<Point>>, stroke: Stroke },
    /// A filled polygon.
    Area { outline: Vec<Point>, color: Color },
    /// Filled discs.
    Discs { centres: Vec<Point>, radius: f64, color: Color },
    /// A grid of equal cells, row by row from the top left.
    Cells { corner: Point, size: Point, columns: usize, cells: Vec<[u8; 3]> },
    /// One line of text, `^{..}` and `_{..}` raised and lowered. `at` lies on the base line.
    Text { at: Point, text: String, size: f64, anchor: Anchor, color: Color, upwards: bool },
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scene {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) shapes: Vec<Shape>,
}

impl Scene {
    pub(crate) fn push(&mut self, shape: Shape) {
        self.shapes.push(shape);
    }

    pub(crate) fn line(&mut self, points: &[Point], stroke: Stroke) {
        self.push(Shape::Lines { pieces: vec![points.to_vec()], stroke });
    }

    pub(crate) fn text(&mut self, at: Point, text: &str, size: f64, anchor: Anchor, color: Color) {
        let text = text.to_owned();
        self.push(Shape::Text { at, text, size, anchor, color, upwards: false });
    }
}

//! Cutting lines to a rectangle.

use super::Point;

/// The pieces of a line that lie within the rectangle from `low` to `high`. A line of one point
/// stays if it lies inside.
pub(crate) fn clip_line(points: &[Point], low: Point, high: Point) -> Vec<Vec<Point>> {
    let inside = |p: Point| p.0 >= low.0 && p.0 <= high.0 && p.1 >= low.1 && p.1 <= high.1;
    if let [only] = points {
        return if inside(*only) { vec![vec![*only]] } else { Vec::new() };
    }
    let mut pieces: Vec<Vec<Point>> = Vec::new();
    let mut open = false;
    for pair in points.windows(2) {
        let Some((start, end)) = clip_segment(pair[0], pair[1], low, high) else {
            open = false;
            continue;
        };
        match pieces.last_mut().filter(|_| open) {
            Some(piece) => piece.push(end),
            None => pieces.push(vec![start, end]),
        }
        open = end == pair[1];
    }
    pieces
}

/// The part of a segment inside the rectangle (Liang & Barsky 1984).
fn clip_segment(a: Point, b: Point, low: Point, high: Point) -> Option<(Point, Point)> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut first, mut last) = (0.0_f64, 1.0_f64);
    let borders = [(-dx, a.0 - low.0), (dx, high.0 - a.0), (-dy, a.1 - low.1), (dy, high.1 - a.1)];
    for (slope, distance) in borders {
        if slope == 0.0 {
            if distance < 0.0 {
                return None;
            }
        } else if slope < 0.0 {
            first = first.max(distance / slope);
        } else {
            last = last.min(distance / slope);
        }
    }
    if first > last || first.is_nan() || last.is_nan() {
        return None;
    }
    let at = |s: f64| (a.0 + s * dx, a.1 + s * dy);
    Some((if first == 0.0 { a } else { at(first) }, if last == 1.0 { b } else { at(last) }))
}

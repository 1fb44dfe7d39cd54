//! Contour lines of values on a grid (marching squares).

use crate::plot::drawing::Point;

/// Values on a grid, row by row; columns along `x`, rows along `y`.
pub(crate) struct Grid<'a> {
    pub(crate) x: &'a [f64],
    pub(crate) y: &'a [f64],
    pub(crate) values: &'a [f64],
}

impl Grid<'_> {
    fn at(&self, i: usize, j: usize) -> (f64, f64, f64) {
        (self.x[i], self.y[j], self.values[j * self.x.len() + i])
    }

    /// Segments along which the values, interpolated linearly on cell edges, equal `level`.
    /// Cells with a value that is not finite have none.
    pub(crate) fn contour(&self, level: f64) -> Vec<Vec<Point>> {
        let mut segments = Vec::new();
        for j in 1..self.y.len() {
            for i in 1..self.x.len() {
                let corners =
                    [self.at(i - 1, j - 1), self.at(i, j - 1), self.at(i, j), self.at(i - 1, j)];
                if corners.iter().all(|c| c.2.is_finite()) {
                    cell(&corners, level, &mut segments);
                }
            }
        }
        segments
    }
}

fn cell(corners: &[(f64, f64, f64); 4], level: f64, segments: &mut Vec<Vec<Point>>) {
    let above = corners.map(|c| c.2 >= level);
    let crossing = |k: usize| {
        let (a, b) = (corners[k], corners[(k + 1) % 4]);
        let s = (level - a.2) / (b.2 - a.2);
        (a.0 + s * (b.0 - a.0), a.1 + s * (b.1 - a.1))
    };
    let crossed: Vec<usize> = (0..4).filter(|&k| above[k] != above[(k + 1) % 4]).collect();
    match crossed.as_slice() {
        [a, b] => segments.push(vec![crossing(*a), crossing(*b)]),
        [_, _, _, _] => {
            // A saddle: the middle decides which corners are joined.
            let middle = corners.iter().map(|c| c.2 / 4.0).sum::<f64>() >= level;
            let pairs = if middle == above[0] { [(0, 1), (2, 3)] } else { [(3, 0), (1, 2)] };
            segments.extend(pairs.map(|(a, b)| vec![crossing(a), crossing(b)]));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_closed_and_has_its_radius() {
        let axis: Vec<f64> = (0..41).map(|k| f64::from(k) * 0.1 - 2.0).collect();
        let values: Vec<f64> =
            axis.iter().flat_map(|y| axis.iter().map(move |x| x.hypot(*y))).collect();
        let segments = Grid { x: &axis, y: &axis, values: &values }.contour(1.03);
        let length: f64 = segments.iter().map(|s| (s[0].0 - s[1].0).hypot(s[0].1 - s[1].1)).sum();
        assert!((length - 1.03 * std::f64::consts::TAU).abs() < 0.02, "{length}");
        assert!(segments.iter().flatten().all(|p| (p.0.hypot(p.1) - 1.03).abs() < 2e-3));
    }

    #[test]
    fn gaps_have_no_contour() {
        let values = [0.0, 1.0, f64::NAN, 1.0];
        assert!(Grid { x: &[0.0, 1.0], y: &[0.0, 1.0], values: &values }.contour(0.5).is_empty());
    }
}

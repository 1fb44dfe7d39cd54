//! The extended system `f(y, p) = 0` with one more condition.

use nalgebra::{DMatrix, DVector};

use super::{ContinuationError, Family};
use crate::dynamics::VectorField;
use crate::linalg::LinalgError;
use crate::linalg::eigen::{Spectrum, eigenvalues};
use crate::linalg::lu::Lu;

/// Cap on Newton's method.
const MAX_ITERATIONS: usize = 12;
/// Newton has converged when a step is this small relative to the point: the next one would be
/// its square.
const LAST_STEP: f64 = 1e-10;
/// Step of the differences in the parameter, relative: the cube root of the rounding unit.
const DIFFERENCE: f64 = 6e-6;

/// A state and a parameter, or a direction in their space.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub y: DVector<f64>,
    pub p: f64,
}

impl Point {
    /// `self + length direction`.
    pub(super) fn along(&self, direction: &Self, length: f64) -> Self {
        Self { y: &self.y + &direction.y * length, p: self.p + direction.p * length }
    }

    /// `other - self`.
    pub(super) fn to(&self, other: &Self) -> Self {
        Self { y: &other.y - &self.y, p: other.p - self.p }
    }
}

/// Why a Newton iteration gave no point; the caller tries a shorter step.
pub(super) enum NoPoint {
    /// The field cannot be built there.
    Failed(ContinuationError),
    /// No convergence.
    Diverged {
        /// Iterations done.
        iterations: usize,
        /// Largest `|f_i|` at the end.
        residual: f64,
    },
}

impl From<ContinuationError> for NoPoint {
    fn from(error: ContinuationError) -> Self {
        Self::Failed(error)
    }
}

/// The family with the metric of its branch.
pub(super) struct System<'a> {
    family: &'a Family<'a>,
    dim: usize,
    /// Weight of squared state differences against squared parameter differences.
    weight: f64,
    width: f64,
}

impl<'a> System<'a> {
    /// `width` is the range of the parameter; a change of the state by its own size counts as much.
    pub(super) fn new(family: &'a Family<'a>, start: &[f64], width: f64) -> Self {
        let dim = start.len();
        let size = start.iter().fold(1.0f64, |m, y| m.max(y.abs()));
        let weight = (width / size).powi(2) / dim.max(1) as f64;
        Self { family, dim, weight, width }
    }

    pub(super) fn field(&self, p: f64) -> Result<Box<dyn VectorField>, ContinuationError> {
        let field =
            (self.family)(p).map_err(|source| ContinuationError::Build { parameter: p, source })?;
        if field.dim() != self.dim {
            let (expected, found) = (self.dim, field.dim());
            return Err(ContinuationError::Dimension { parameter: p, expected, found });
        }
        Ok(field)
    }

    pub(super) fn dot(&self, a: &Point, b: &Point) -> f64 {
        self.weight * a.y.dot(&b.y) + a.p * b.p
    }

    pub(super) fn norm(&self, a: &Point) -> f64 {
        self.dot(a, a).sqrt()
    }

    /// The direction of the parameter axis.
    pub(super) fn parameter_axis(&self, sign: f64) -> Point {
        Point { y: DVector::zeros(self.dim), p: sign }
    }

    /// Newton's method from `guess` in the plane through it across `normal`. Returns the point and
    /// the number of iterations.
    pub(super) fn correct(&self, guess: &Point, normal: &Point) -> Result<(Point, usize), NoPoint> {
        let mut point = guess.clone();
        let mut last = f64::INFINITY;
        let mut residual = f64::INFINITY;
        for iteration in 1..=MAX_ITERATIONS {
            let field = self.field(point.p)?;
            let f = evaluate(&*field, &point.y);
            residual = f.amax();
            if !residual.is_finite() {
                return Err(NoPoint::Diverged { iterations: iteration, residual });
            }
            let matrix = self.bordered(&*field, &point, normal)?;
            let mut right = f.push(self.dot(normal, &guess.to(&point)));
            right.neg_mut();
            if right.amax() == 0.0 {
                // Solved exactly; where branches cross the matrix is singular.
                return Ok((point, iteration));
            }
            let diverged = NoPoint::Diverged { iterations: iteration, residual };
            let Ok(lu) = Lu::without_condition(&matrix) else { return Err(diverged) };
            let solution = lu.solve(&right);
            let step = Point { y: solution.rows(0, self.dim).into_owned(), p: solution[self.dim] };
            let size = self.norm(&step);
            if !size.is_finite() || (iteration > 2 && size > 2.0 * last) {
                return Err(diverged);
            }
            point = point.along(&step, 1.0);
            let scale = self.width + self.norm(&point);
            if size <= LAST_STEP * scale {
                return Ok((point, iteration));
            }
            last = size;
        }
        Err(NoPoint::Diverged { iterations: MAX_ITERATIONS, residual })
    }

    /// The unit tangent at a point of the branch that agrees with `forward`.
    pub(super) fn tangent(
        &self,
        point: &Point,
        forward: &Point,
    ) -> Result<Point, ContinuationError> {
        let field = self.field(point.p)?;
        let matrix = self.bordered(&*field, point, forward)?;
        let lu = Lu::without_condition(&matrix).map_err(|e| self.linalg(point.p, e))?;
        let mut right = DVector::zeros(self.dim + 1);
        right[self.dim] = 1.0;
        let solution = lu.solve(&right);
        let mut tangent =
            Point { y: solution.rows(0, self.dim).into_owned(), p: solution[self.dim] };
        let norm = self.norm(&tangent);
        if !(norm > 0.0 && norm.is_finite()) {
            let singular = LinalgError::Singular { size: self.dim + 1, reciprocal_condition: 0.0 };
            return Err(self.linalg(point.p, singular));
        }
        tangent.y /= norm;
        tangent.p /= norm;
        Ok(tangent)
    }

    pub(super) fn spectrum(&self, point: &Point) -> Result<Spectrum, ContinuationError> {
        let field = self.field(point.p)?;
        eigenvalues(&jacobian(&*field, &point.y)).map_err(|e| self.linalg(point.p, e))
    }

    fn linalg(&self, parameter: f64, source: LinalgError) -> ContinuationError {
        ContinuationError::Linalg { parameter, source }
    }

    /// `[[J, f_p], [weight normal_y^T, normal_p]]`.
    fn bordered(
        &self,
        field: &dyn VectorField,
        point: &Point,
        normal: &Point,
    ) -> Result<DMatrix<f64>, ContinuationError> {
        let n = self.dim;
        let mut matrix = jacobian(field, &point.y).insert_column(n, 0.0).insert_row(n, 0.0);
        let derivative = self.parameter_derivative(field, point)?;
        matrix.view_mut((0, n), (n, 1)).copy_from(&derivative);
        for i in 0..n {
            matrix[(n, i)] = self.weight * normal.y[i];
        }
        matrix[(n, n)] = normal.p;
        Ok(matrix)
    }

    /// `df/dp` by differences: central where the field exists on both sides. Its error only slows
    /// Newton's method down a little; the points themselves do not depend on it.
    fn parameter_derivative(
        &self,
        field: &dyn VectorField,
        point: &Point,
    ) -> Result<DVector<f64>, ContinuationError> {
        let h = DIFFERENCE * point.p.abs().max(1e-3 * self.width);
        let (up, down) = (self.field(point.p + h), self.field(point.p - h));
        let here = || evaluate(field, &point.y);
        Ok(match (up, down) {
            (Ok(up), Ok(down)) => {
                (evaluate(&*up, &point.y) - evaluate(&*down, &point.y)) / (2.0 * h)
            }
            (Ok(up), Err(_)) => (evaluate(&*up, &point.y) - here()) / h,
            (Err(_), Ok(down)) => (here() - evaluate(&*down, &point.y)) / h,
            (Err(error), Err(_)) => return Err(error),
        })
    }
}

/// `f(y)`.
pub(super) fn evaluate(field: &dyn VectorField, y: &DVector<f64>) -> DVector<f64> {
    let mut f = DVector::zeros(y.len());
    field.eval(0.0, y.as_slice(), f.as_mut_slice());
    f
}

/// `df/dy`.
pub(super) fn jacobian(field: &dyn VectorField, y: &DVector<f64>) -> DMatrix<f64> {
    let mut jacobian = DMatrix::zeros(y.len(), y.len());
    field.jacobian(0.0, y.as_slice(), &mut jacobian);
    jacobian
}

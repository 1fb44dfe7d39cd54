//! The vector field: what solvers see.

use std::cell::RefCell;
use std::ops::Range;

use nalgebra::{DMatrix, DVector};

use crate::linalg::lu::Lu;

/// An ordinary differential equation `dy/dt = f(t, y)`.
///
/// Implementations are pure: the same arguments give the same bits and nothing is cached between
/// calls. [`eval`](Self::eval), [`eval_range`](Self::eval_range) and [`jvp`](Self::jvp) do not
/// allocate (the default `jvp` does). Scratch space, where one is needed, is the output slice itself or
/// a thread-local buffer, so a field can be shared between threads.
pub trait VectorField: Send + Sync {
    /// Number of state components.
    fn dim(&self) -> usize;

    /// Writes `f(t, y)` to `dy`. Both slices have length [`dim`](Self::dim).
    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64]);

    /// Writes the analytic Jacobian `df/dy` at `(t, y)`; every entry of `jac` is set.
    fn jacobian(&self, t: f64, y: &[f64], jac: &mut DMatrix<f64>);

    /// Writes the product of the Jacobian at `(t, y)` with `v` to `out`.
    fn jvp(&self, t: f64, y: &[f64], v: &[f64], out: &mut [f64]) {
        let n = self.dim();
        let mut jac = DMatrix::zeros(n, n);
        self.jacobian(t, y, &mut jac);
        let product = jac * DVector::from_column_slice(v);
        out.copy_from_slice(product.as_slice());
    }

    /// A solver for `(I - shift J(t, y)) x = b`, the linear system of implicit steps.
    ///
    /// The default forms the Jacobian and factorises it densely; fields with block structure
    /// override it.
    fn shifted_solver<'a>(&'a self) -> Box<dyn ShiftedSolver + 'a> {
        Box::new(DenseShifted::new(self))
    }

    /// The order in which a semi-implicit Euler step updates the state: each range is advanced
    /// with the new values of the ranges before it. The default is one range, which makes the
    /// step explicit.
    fn update_order(&self) -> Vec<Range<usize>> {
        std::iter::once(0..self.dim()).collect()
    }

    /// Writes `f(t, y)` for the components in `range` to `dy[range]`; other entries of `dy` may
    /// be overwritten with anything. Overridden where a part costs less than the whole.
    fn eval_range(&self, t: f64, y: &[f64], range: Range<usize>, dy: &mut [f64]) {
        let _ = range;
        self.eval(t, y, dy);
    }

    /// Where a step from `y0` to `y1` first meets a kink of the field, such as the corner of a
    /// rectifier: as a fraction of the step, to first order. Error estimates mean little across a
    /// kink, so solvers step onto it where it matters. `None` where the field is smooth in between.
    fn first_kink(&self, y0: &[f64], y1: &[f64]) -> Option<f64> {
        let _ = (y0, y1);
        None
    }

    /// Number of independent targets stacked in the state (see [`super::StateLayout::columns`]).
    ///
    /// Error norms are taken per column, so no target hides behind the others.
    fn columns(&self) -> usize {
        1
    }

    /// The column that state component `index` belongs to.
    fn column_of(&self, index: usize) -> usize {
        let _ = index;
        0
    }

    /// A name for state component `index`, for messages such as `controller[3] became NaN`.
    fn component_name(&self, index: usize) -> String {
        format!("y[{index}]")
    }
}

/// Solves `(I - shift J) x = b` for a Jacobian frozen at one point.
pub trait ShiftedSolver {
    /// Prepares the system for the Jacobian at `(t, y)`.
    ///
    /// # Errors
    /// [`SingularShift`] when the matrix cannot be factorised or holds a non-finite entry.
    fn factor(&mut self, t: f64, y: &[f64], shift: f64) -> Result<(), SingularShift>;

    /// Keeps the Jacobian of the last [`factor`](Self::factor) but changes the shift.
    ///
    /// # Errors
    /// As [`factor`](Self::factor).
    fn reshift(&mut self, shift: f64) -> Result<(), SingularShift>;

    /// Replaces `b` by the solution. Call after a successful [`factor`](Self::factor).
    fn solve(&self, b: &mut [f64]);

    /// Rough costs, by which the `auto` solver weighs implicit against explicit steps. A count of
    /// operations, never a measured time: runs are reproducible. The default suits solvers that
    /// use block structure.
    fn cost(&self) -> SolveCost {
        SolveCost { solve: 2.5, reshift: 10.0, factor: 30.0 }
    }
}

/// Costs of a [`ShiftedSolver`] in evaluations of the vector field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SolveCost {
    /// One [`ShiftedSolver::solve`].
    pub solve: f64,
    /// One [`ShiftedSolver::reshift`].
    pub reshift: f64,
    /// One [`ShiftedSolver::factor`].
    pub factor: f64,
}

/// The shifted Jacobian `I - shift J` could not be factorised.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("I - {shift:e} J is singular or not finite at t = {t}")]
pub struct SingularShift {
    /// Time of the Jacobian.
    pub t: f64,
    /// The shift (step size times the method's coefficient).
    pub shift: f64,
}

/// The default [`ShiftedSolver`]: dense LU with partial pivoting.
///
/// Its matrices are allocated by the first factorisation.
pub struct DenseShifted<'a, F: VectorField + ?Sized> {
    field: &'a F,
    t: f64,
    jacobian: DMatrix<f64>,
    shifted: DMatrix<f64>,
    lu: Option<Lu>,
    is_factored: bool,
    scratch: RefCell<Vec<f64>>,
}

impl<'a, F: VectorField + ?Sized> DenseShifted<'a, F> {
    /// A solver for `field` with nothing factorised yet.
    pub fn new(field: &'a F) -> Self {
        Self {
            field,
            t: f64::NAN,
            jacobian: DMatrix::zeros(0, 0),
            shifted: DMatrix::zeros(0, 0),
            lu: None,
            is_factored: false,
            scratch: RefCell::new(vec![0.0; field.dim()]),
        }
    }
}

impl<F: VectorField + ?Sized> ShiftedSolver for DenseShifted<'_, F> {
    fn factor(&mut self, t: f64, y: &[f64], shift: f64) -> Result<(), SingularShift> {
        let n = self.field.dim();
        if self.jacobian.nrows() != n {
            self.jacobian = DMatrix::zeros(n, n);
            self.shifted = DMatrix::zeros(n, n);
        }
        self.t = t;
        self.field.jacobian(t, y, &mut self.jacobian);
        self.reshift(shift)
    }

    fn reshift(&mut self, shift: f64) -> Result<(), SingularShift> {
        self.shifted.copy_from(&self.jacobian);
        self.shifted *= -shift;
        for i in 0..self.shifted.nrows() {
            self.shifted[(i, i)] += 1.0;
        }
        self.is_factored = match &mut self.lu {
            Some(lu) => lu.refactor(&self.shifted).is_ok(),
            None => {
                self.lu = Lu::without_condition(&self.shifted).ok();
                self.lu.is_some()
            }
        };
        if self.is_factored { Ok(()) } else { Err(SingularShift { t: self.t, shift }) }
    }

    fn solve(&self, b: &mut [f64]) {
        let lu = self.lu.as_ref().filter(|_| self.is_factored).expect("factor before solve");
        lu.solve_in_place(b, &mut self.scratch.borrow_mut());
    }

    /// A vector field of `n` components costs about `2 n^2` operations when it is dense, a
    /// factorisation `2/3 n^3`, a solution as much as the field.
    fn cost(&self) -> SolveCost {
        let factor = 1.0 + self.field.dim() as f64 / 3.0;
        SolveCost { solve: 1.0, reshift: factor, factor: 1.0 + factor }
    }
}

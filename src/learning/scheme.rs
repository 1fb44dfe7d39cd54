//! How a rule runs its loops: the map whose stability decides whether they end anywhere.

use nalgebra::{Complex, DMatrix};

use super::trajectory::Run;
use crate::integrate::{EULER, RK4, SEMI_IMPLICIT_EULER};

/// The map that takes a loop through time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scheme {
    /// The differential equation itself, or a method that controls its error.
    Exact,
    /// Semi-implicit Euler, controller first.
    SemiImplicit {
        /// s.
        step: f64,
    },
    /// An explicit Runge-Kutta method of order 1 or 4 with as many stages: one step multiplies a
    /// mode of rate `x` by the first terms of `exp(step x)`.
    Explicit {
        /// s.
        step: f64,
        /// Terms after the first.
        order: u32,
    },
}

impl Scheme {
    /// The scheme of a run.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let Run::Steps { method, options, .. } = run else { return Self::Exact };
        match options.step {
            Some(step) if **method == SEMI_IMPLICIT_EULER => Self::SemiImplicit { step },
            Some(step) if **method == EULER => Self::Explicit { step, order: 1 },
            Some(step) if **method == RK4 => Self::Explicit { step, order: 4 },
            _ => Self::Exact,
        }
    }

    /// The rate at which a lone real mode of rate `x` grows.
    pub(super) fn growth(self, x: f64) -> f64 {
        self.growth_of(Complex::new(x, 0.0))
    }

    /// The rate at which a mode of rate `x` grows; for [`Scheme::SemiImplicit`] a mode that is
    /// coupled to no other.
    pub(super) fn growth_of(self, x: Complex<f64>) -> f64 {
        let (step, order) = match self {
            Self::Exact => return x.re,
            Self::SemiImplicit { step } => (step, 1),
            Self::Explicit { step, order } => (step, order),
        };
        let (mut factor, mut term) = (Complex::new(1.0, 0.0), Complex::new(1.0, 0.0));
        for k in 1..=order {
            term *= x * (step / f64::from(k));
            factor += term;
        }
        factor.norm().ln() / step
    }
}

/// One step of semi-implicit Euler for `y' = J y` in `stages + 1` blocks of equal size, the last
/// one first, as a matrix.
pub(super) fn stage_step(jacobian: &DMatrix<f64>, stages: usize, step: f64) -> DMatrix<f64> {
    let size = jacobian.nrows();
    let n = size / (stages + 1);
    let mut flow = DMatrix::identity(size, size);
    for block in std::iter::once(stages).chain(0..stages) {
        let rates = jacobian.rows(block * n, n) * &flow;
        let mut rows = flow.rows_mut(block * n, n);
        rows += rates * step;
    }
    flow
}

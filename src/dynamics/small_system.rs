//! Small dense systems: the one place where dynamics factorise a matrix.

use nalgebra::{DMatrix, DVector, Dyn, LU, MatrixViewMut};

/// An LU factorisation with partial pivoting.
pub(crate) struct SmallSystem {
    lu: LU<f64, Dyn, Dyn>,
    norm: f64,
}

impl SmallSystem {
    /// Factorises `matrix`; `None` when it is exactly singular or holds an entry that is not finite.
    pub(crate) fn new(matrix: DMatrix<f64>) -> Option<Self> {
        let norm = one_norm(&matrix);
        if !norm.is_finite() {
            return None;
        }
        let lu = matrix.lu();
        lu.is_invertible().then_some(Self { lu, norm })
    }

    /// Replaces the columns stored in `b` by the solutions.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        let n = self.lu.lu_internal().nrows();
        let columns = b.len() / n;
        self.lu.solve_mut(&mut MatrixViewMut::<f64, Dyn, Dyn>::from_slice(b, n, columns));
    }

    /// Reciprocal condition number in the 1-norm (Hager 1984, doi:10.1137/0905023: a lower bound
    /// of the norm of the inverse, rarely off by more than a factor of 3).
    pub(crate) fn reciprocal_condition(&self) -> f64 {
        let (l, u) = (self.lu.l(), self.lu.u());
        let n = l.nrows();
        let mut x = DVector::from_element(n, 1.0 / n as f64);
        let mut inverse_norm: f64 = 0.0;
        // Hager's ascent ends after two or three rounds; five is LAPACK's cap.
        for _ in 0..5 {
            self.lu.solve_mut(&mut x);
            let estimate = x.lp_norm(1);
            if !estimate.is_finite() {
                return 0.0;
            }
            if estimate <= inverse_norm {
                break;
            }
            inverse_norm = estimate;
            let mut z = x.map(f64::signum);
            u.tr_solve_upper_triangular_mut(&mut z);
            l.tr_solve_lower_triangular_mut(&mut z);
            self.lu.p().inv_permute_rows(&mut z);
            let j = z.iamax();
            x.fill(0.0);
            x[j] = 1.0;
        }
        1.0 / (self.norm * inverse_norm)
    }
}

fn one_norm(matrix: &DMatrix<f64>) -> f64 {
    // `f64::max` drops NaN, so NaN is caught by the sum before it.
    matrix
        .column_iter()
        .map(|c| c.lp_norm(1))
        .fold(0.0, |a: f64, b| if b > a || b.is_nan() { b } else { a })
}

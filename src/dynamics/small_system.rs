//! Small dense systems: the one place where dynamics factorise a matrix.

use nalgebra::{DMatrix, DVector, Dyn, LU, MatrixViewMut};
use rayon::prelude::*;

use super::NoClosedForm;

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

/// `diagonal I + factor P_k` for products `P_k`, factorised: one for all targets or one for each.
#[derive(Default)]
pub(crate) struct TargetSystems {
    systems: Vec<SmallSystem>,
}

impl TargetSystems {
    /// `None` when a system is singular or not finite.
    pub(crate) fn new(products: &[DMatrix<f64>], diagonal: f64, factor: f64) -> Option<Self> {
        let systems = for_each_system(products.len(), |k| {
            let mut matrix = &products[k] * factor;
            for i in 0..matrix.nrows() {
                matrix[(i, i)] += diagonal;
            }
            SmallSystem::new(matrix)
        });
        systems.into_iter().collect::<Option<_>>().map(|systems| Self { systems })
    }

    /// Replaces the columns stored in `b`, one per target, by the solutions.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        if let [shared] = self.systems.as_slice() {
            shared.solve(b);
        } else {
            let rows = b.len() / self.systems.len();
            for (system, b) in self.systems.iter().zip(b.chunks_exact_mut(rows)) {
                system.solve(b);
            }
        }
    }

    /// Smallest reciprocal condition number among the systems.
    pub(crate) fn reciprocal_condition(&self) -> f64 {
        self.systems.iter().map(SmallSystem::reciprocal_condition).fold(1.0, f64::min)
    }
}

/// `work(0..count)` in order of the index; in parallel only where there is something to share.
pub(crate) fn for_each_system<T: Send>(
    count: usize,
    work: impl Fn(usize) -> T + Send + Sync,
) -> Vec<T> {
    if count == 1 { vec![work(0)] } else { (0..count).into_par_iter().map(work).collect() }
}

/// Refuses an equilibrium system of `unknowns` unknowns whose reciprocal condition number is at
/// the level of rounding.
pub(crate) fn require_regular(
    system: &str,
    unknowns: usize,
    reciprocal_condition: f64,
) -> Result<(), NoClosedForm> {
    // The same threshold as numerical rank: unknowns times the rounding unit.
    if reciprocal_condition > unknowns as f64 * f64::EPSILON {
        return Ok(());
    }
    Err(NoClosedForm::Singular { system: system.to_owned(), reciprocal_condition })
}

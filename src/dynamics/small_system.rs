//! Small dense systems shared by the targets of a loop.

use std::cell::RefCell;

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::NoClosedForm;
use crate::linalg::lu::Lu;

/// From this many right-hand sides on, the blocked solve pays for the copy it makes.
const BLOCKED_COLUMNS: usize = 8;

/// `diagonal I + factor P_k` for products `P_k`, factorised: one for all targets or one for each.
pub(crate) struct TargetSystems {
    systems: Vec<Lu>,
    scratch: RefCell<Vec<f64>>,
}

impl TargetSystems {
    /// `None` when a system is singular or not finite.
    pub(crate) fn new(products: &[DMatrix<f64>], diagonal: f64, factor: f64) -> Option<Self> {
        let systems = for_each_system(products.len(), |k| {
            let mut matrix = &products[k] * factor;
            for i in 0..matrix.nrows() {
                matrix[(i, i)] += diagonal;
            }
            Lu::without_condition(&matrix).ok()
        });
        let scratch = RefCell::new(vec![0.0; products[0].nrows()]);
        systems.into_iter().collect::<Option<_>>().map(|systems| Self { systems, scratch })
    }

    /// Replaces the columns stored in `b`, one per target, by the solutions.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        let mut scratch = self.scratch.borrow_mut();
        let rows = scratch.len();
        let shared = self.systems.len() == 1;
        if shared && b.len() / rows >= BLOCKED_COLUMNS {
            let columns = DMatrix::from_column_slice(rows, b.len() / rows, b);
            b.copy_from_slice(self.systems[0].solve_columns(&columns).as_slice());
            return;
        }
        for (k, b) in b.chunks_exact_mut(rows).enumerate() {
            self.systems[if shared { 0 } else { k }].solve_in_place(b, &mut scratch);
        }
    }

    /// Smallest reciprocal condition number among the systems.
    pub(crate) fn reciprocal_condition(&self) -> f64 {
        self.systems.iter().map(Lu::rcond).fold(1.0, f64::min)
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

//! Linear systems of implicit steps: one per target, or one for all where they share it.

use std::cell::RefCell;

use nalgebra::DMatrix;

use super::PredictiveCoding;
use crate::dynamics::Dynamics;
use crate::dynamics::field::{ShiftedSolver, SingularShift, SolveCost};
use crate::dynamics::small_system::for_each_system;
use crate::linalg::lu::Lu;

/// Solves the systems of the targets one by one: the Jacobian has no entries between them.
pub(super) struct ColumnsSolver<'a> {
    dynamics: &'a PredictiveCoding,
    t: f64,
    jacobians: Vec<DMatrix<f64>>,
    systems: Vec<Lu>,
    scratch: RefCell<(Vec<f64>, Vec<f64>)>,
}

impl<'a> ColumnsSolver<'a> {
    pub(super) fn new(dynamics: &'a PredictiveCoding) -> Self {
        let units = dynamics.layout.blocks().iter().map(|b| b.rows).sum();
        let scratch = RefCell::new((vec![0.0; units], vec![0.0; units]));
        Self { dynamics, t: f64::NAN, jacobians: Vec::new(), systems: Vec::new(), scratch }
    }

    fn units(&self) -> usize {
        self.scratch.borrow().0.len()
    }
}

impl ShiftedSolver for ColumnsSolver<'_> {
    fn factor(&mut self, t: f64, y: &[f64], shift: f64) -> Result<(), SingularShift> {
        self.t = t;
        let count =
            if self.dynamics.shares_jacobian() { 1 } else { self.dynamics.layout.columns() };
        self.jacobians = for_each_system(count, |column| self.dynamics.column_jacobian(y, column));
        self.reshift(shift)
    }

    fn reshift(&mut self, shift: f64) -> Result<(), SingularShift> {
        let jacobians = &self.jacobians;
        let systems = for_each_system(jacobians.len(), |k| {
            let mut system = &jacobians[k] * -shift;
            for i in 0..system.nrows() {
                system[(i, i)] += 1.0;
            }
            Lu::without_condition(&system).ok()
        });
        self.systems = systems.into_iter().flatten().collect();
        let regular = self.systems.len() == self.jacobians.len();
        if regular { Ok(()) } else { Err(SingularShift { t: self.t, shift }) }
    }

    fn solve(&self, b: &mut [f64]) {
        let mut scratch = self.scratch.borrow_mut();
        let (state, work) = &mut *scratch;
        let layout = &self.dynamics.layout;
        for column in 0..layout.columns() {
            let mut from = 0;
            for block in layout.blocks() {
                state[from..from + block.rows].copy_from_slice(&b[block.column_range(column)]);
                from += block.rows;
            }
            let system = if self.systems.len() == 1 { 0 } else { column };
            self.systems[system].solve_in_place(state, work);
            layout.set_column_state(column, state, b);
        }
    }

    /// One evaluation passes through the weights twice, about `4 sum n_l n_{l+1}` operations per
    /// target; a solution takes `2 n^2`, a factorisation `2/3 n^3` with `n` hidden units.
    fn cost(&self) -> SolveCost {
        let n = self.units() as f64;
        let layers = &self.dynamics.network.layers()[1..];
        let eval = 4.0 * layers.iter().map(|l| l.weights.len() as f64).sum::<f64>();
        let targets = self.dynamics.layout.columns() as f64;
        let shared = if self.dynamics.shares_jacobian() { targets } else { 1.0 };
        let factor = 1.0 + 2.0 / 3.0 * n.powi(3) / eval / shared;
        SolveCost { solve: 1.0 + 2.0 * n * n / eval, reshift: factor, factor: 2.0 * factor }
    }
}

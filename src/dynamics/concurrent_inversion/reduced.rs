//! The equilibrium equations of all loops in their controllers alone.

use std::ops::Range;

use nalgebra::DMatrix;

use super::ConcurrentInversion;
use crate::dynamics::layer_loop::{LoopEquation, LoopReduction};
use crate::dynamics::reduction::ReducedEquilibrium;

/// The loops at rest in their controllers alone, top first:
/// `W_l phi(B_l u_l) - leak u_l - B_{l+1} u_{l+1} = 0`.
pub(super) struct LoopsReduction<'a> {
    dynamics: &'a ConcurrentInversion,
    column: usize,
}

impl<'a> LoopsReduction<'a> {
    pub(super) fn new(dynamics: &'a ConcurrentInversion, column: usize) -> Self {
        Self { dynamics, column }
    }

    /// Calls `visit` with every loop's reduction, its unknowns' position and their values.
    fn each_loop(&self, z: &[f64], mut visit: impl FnMut(&LoopReduction, Range<usize>, &[f64])) {
        let top = self.dynamics.target.column(self.column);
        let mut target = top.as_slice().to_vec();
        let mut start = 0;
        for equation in &self.dynamics.loops {
            let range = start..start + equation.controller_units();
            let reduction = LoopReduction::in_controller(equation, self.column, &target);
            visit(&reduction, range.clone(), &z[range.clone()]);
            target = reduction.state_of(&z[range.clone()]);
            start = range.end;
        }
    }
}

impl ReducedEquilibrium for LoopsReduction<'_> {
    fn dim(&self) -> usize {
        self.dynamics.loops.iter().map(LoopEquation::controller_units).sum()
    }

    fn residual(&self, z: &[f64], out: &mut [f64]) {
        self.each_loop(z, |reduction, range, u| reduction.residual(u, &mut out[range]));
    }

    fn jacobian(&self, z: &[f64], out: &mut DMatrix<f64>) {
        out.fill(0.0);
        let mut above: Option<(Range<usize>, DMatrix<f64>)> = None;
        let mut loops = self.dynamics.loops.iter();
        self.each_loop(z, |reduction, range, u| {
            let mut block = DMatrix::zeros(u.len(), u.len());
            reduction.jacobian(u, &mut block);
            out.view_mut((range.start, range.start), (u.len(), u.len())).copy_from(&block);
            if let Some((columns, feedback)) = above.take() {
                out.view_mut((range.start, columns.start), (u.len(), columns.len()))
                    .copy_from(&(-feedback));
            }
            let equation = loops.next().expect("each_loop visits every loop once");
            above = Some((range, equation.feedback.matrix(&equation.weights)));
        });
    }

    fn lift(&self, z: &[f64]) -> Vec<f64> {
        let mut state = Vec::new();
        self.each_loop(z, |reduction, _, u| state.extend(reduction.lift(u)));
        state
    }
}

//! The equilibrium equation of a layer loop in the controller or the state alone.

use std::cell::OnceCell;

use nalgebra::DMatrix;

use super::equation::LoopEquation;
use super::solver::{feedback_times_weights, scale_columns, weights_times_feedback};
use crate::dynamics::reduction::ReducedEquilibrium;
use crate::linalg::kernels;

/// One target's loop at rest: `r = B u` and `leak u = W phi(r) - target`.
///
/// In the controller: `W phi(B u) - leak u - target = 0`. In the state, when that is smaller and
/// the leak is not 0: `B (W phi(r) - target) - leak r = 0`.
pub(crate) struct LoopReduction<'a> {
    equation: &'a LoopEquation,
    column: usize,
    target: &'a [f64],
    keeps_state: bool,
    /// `B W`, needed only when the state is kept.
    feedback_times_weights: OnceCell<DMatrix<f64>>,
}

impl<'a> LoopReduction<'a> {
    /// The reduction of target `column`, whose target vector is `target`.
    pub(crate) fn new(equation: &'a LoopEquation, column: usize, target: &'a [f64]) -> Self {
        let smaller = equation.state_units() < equation.controller_units();
        let keeps_state = smaller && equation.parameters.leak != 0.0;
        Self { equation, column, target, keeps_state, feedback_times_weights: OnceCell::new() }
    }

    /// `B x` of one column.
    fn feedback(&self, x: &[f64], out: &mut [f64]) {
        let factor = self.equation.feedback.product(&self.equation.weights, x, out);
        out.iter_mut().for_each(|out| *out *= factor);
    }

    /// `W phi(r) - target`.
    fn mismatch(&self, r: &[f64]) -> Vec<f64> {
        let mut phi = vec![0.0; r.len()];
        self.equation.map.apply_column(self.column, r, &mut phi);
        let mut out = vec![0.0; self.target.len()];
        kernels::gemv(&self.equation.weights, &phi, &mut out);
        out.iter_mut().zip(self.target).for_each(|(out, target)| *out -= target);
        out
    }

    fn state_of(&self, u: &[f64]) -> Vec<f64> {
        let mut r = vec![0.0; self.equation.state_units()];
        self.feedback(u, &mut r);
        r
    }
}

impl ReducedEquilibrium for LoopReduction<'_> {
    fn dim(&self) -> usize {
        if self.keeps_state {
            self.equation.state_units()
        } else {
            self.equation.controller_units()
        }
    }

    fn residual(&self, z: &[f64], out: &mut [f64]) {
        if self.keeps_state {
            self.feedback(&self.mismatch(z), out);
        } else {
            out.copy_from_slice(&self.mismatch(&self.state_of(z)));
        }
        let leak = self.equation.parameters.leak;
        out.iter_mut().zip(z).for_each(|(out, z)| *out -= leak * z);
    }

    fn jacobian(&self, z: &[f64], out: &mut DMatrix<f64>) {
        let mut slope = vec![0.0; self.equation.state_units()];
        if self.keeps_state {
            self.equation.map.slope_column(self.column, z, &mut slope);
            let product =
                self.feedback_times_weights.get_or_init(|| feedback_times_weights(self.equation));
            *out = scale_columns(product, &slope);
        } else {
            self.equation.map.slope_column(self.column, &self.state_of(z), &mut slope);
            *out = weights_times_feedback(self.equation, &slope);
        }
        for i in 0..out.nrows() {
            out[(i, i)] -= self.equation.parameters.leak;
        }
    }

    fn lift(&self, z: &[f64]) -> Vec<f64> {
        let (mut r, u) = if self.keeps_state {
            let leak = self.equation.parameters.leak;
            let u: Vec<_> = self.mismatch(z).into_iter().map(|e| e / leak).collect();
            (z.to_vec(), u)
        } else {
            (self.state_of(z), z.to_vec())
        };
        r.extend(u);
        r
    }
}

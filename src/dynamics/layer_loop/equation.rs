//! The right-hand side of a layer loop and its derivatives.

use std::sync::Arc;

use nalgebra::DMatrix;

use crate::dynamics::error::{
    DynamicsError, require_finite, require_finite_number, require_positive,
};
use crate::dynamics::feedback::Feedback;
use crate::dynamics::scratch::with_scratch;
use crate::dynamics::state_map::StateMap;
use crate::dynamics::structure::{LayerLoop, SlopeForm, SlopeUnit};
use crate::dynamics::transfer::Transfer;
use crate::linalg::kernels;

/// Leak and time constants of a loop, named as in model files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoopParameters {
    /// Leak of the controller, dimensionless. Theory asks for `leak >= 0`; any finite value runs.
    pub leak: f64,
    /// Time constant of the state, s.
    pub tau_state: f64,
    /// Time constant of the controller, s.
    pub tau_controller: f64,
}

impl LoopParameters {
    /// Both time constants 1 s.
    #[must_use]
    pub fn with_leak(leak: f64) -> Self {
        Self { leak, tau_state: 1.0, tau_controller: 1.0 }
    }

    /// `|F - target|` of every target of `units` units, from the controller `u` and its part `du` of
    /// the right-hand side.
    pub(crate) fn inversion_errors(&self, units: usize, u: &[f64], du: &[f64], out: &mut [f64]) {
        for ((du, u), out) in du.chunks_exact(units).zip(u.chunks_exact(units)).zip(out) {
            let mismatch = du.iter().zip(u).map(|(du, u)| self.tau_controller * du + self.leak * u);
            *out = mismatch.map(|e| e * e).sum::<f64>().sqrt();
        }
    }

    pub(crate) fn check(&self) -> Result<(), DynamicsError> {
        require_finite_number("leak", self.leak)?;
        require_positive("tau_state", self.tau_state)?;
        require_positive("tau_controller", self.tau_controller)
    }
}

/// Read-only slices of one loop's part of a state vector, all targets.
#[derive(Clone, Copy)]
pub(crate) struct LoopState<'a> {
    /// State, `state_units x columns`.
    pub(crate) r: &'a [f64],
    /// Controller, `controller_units x columns`.
    pub(crate) u: &'a [f64],
}

/// `tau_state r' = -r + B u`, `tau_controller u' = -leak u + W phi(r) - target`, for many targets.
#[derive(Debug, Clone)]
pub(crate) struct LoopEquation {
    pub(crate) weights: Arc<DMatrix<f64>>,
    pub(crate) feedback: Feedback,
    pub(crate) transfer: Transfer,
    pub(crate) map: StateMap,
    pub(crate) parameters: LoopParameters,
    pub(crate) columns: usize,
}

impl LoopEquation {
    /// Checks that the parts fit and are finite.
    pub(crate) fn new(
        weights: Arc<DMatrix<f64>>,
        feedback: Feedback,
        transfer: Transfer,
        parameters: LoopParameters,
        columns: usize,
    ) -> Result<Self, DynamicsError> {
        if weights.is_empty() {
            return Err(DynamicsError::Empty { what: "weights".to_owned() });
        }
        if columns == 0 {
            return Err(DynamicsError::Empty { what: "target".to_owned() });
        }
        require_finite("weights", &weights)?;
        feedback.check(&weights)?;
        parameters.check()?;
        let map = StateMap::new(&transfer, weights.ncols(), columns)?;
        Ok(Self { weights, feedback, transfer, map, parameters, columns })
    }

    /// Units of the state (the layer below).
    pub(crate) fn state_units(&self) -> usize {
        self.weights.ncols()
    }

    /// Units of the controller (the inverted layer).
    pub(crate) fn controller_units(&self) -> usize {
        self.weights.nrows()
    }

    /// Length of the state block.
    pub(crate) fn state_len(&self) -> usize {
        self.state_units() * self.columns
    }

    /// Length of both blocks.
    pub(crate) fn len(&self) -> usize {
        (self.state_units() + self.controller_units()) * self.columns
    }

    /// The loop's two blocks of `y`, a slice of length [`len`](Self::len).
    pub(crate) fn split<'a>(&self, y: &'a [f64]) -> LoopState<'a> {
        let (r, u) = y.split_at(self.state_len());
        LoopState { r, u }
    }

    /// The right-hand side; `dr` serves as scratch for `phi(r)`.
    pub(crate) fn eval(&self, y: LoopState, target: &[f64], dr: &mut [f64], du: &mut [f64]) {
        self.map.apply(y.r, dr);
        let factor = self.products(y.u, dr, du);
        self.finish_state(factor, y.r, dr);
        self.finish_controller(y.u, target, du);
    }

    /// `r'` alone: one product with `B`.
    pub(crate) fn eval_state(&self, y: LoopState, dr: &mut [f64]) {
        let factor = self.feedback.product(&self.weights, y.u, dr);
        self.finish_state(factor, y.r, dr);
    }

    /// `u'` alone: one product with `W`; `dr` serves as scratch.
    pub(crate) fn eval_controller(
        &self,
        y: LoopState,
        target: &[f64],
        dr: &mut [f64],
        du: &mut [f64],
    ) {
        self.map.apply(y.r, dr);
        kernels::gemm(&self.weights, dr, du);
        self.finish_controller(y.u, target, du);
    }

    /// The directional derivative of [`eval`](Self::eval) along `v`, with the target moving along
    /// `target_direction` where it moves.
    pub(crate) fn jvp(
        &self,
        r: &[f64],
        v: LoopState,
        target_direction: Option<&[f64]>,
        out_r: &mut [f64],
        out_u: &mut [f64],
    ) {
        self.map.slope(r, out_r);
        for (out, v) in out_r.iter_mut().zip(v.r) {
            *out *= v;
        }
        let factor = self.products(v.u, out_r, out_u);
        self.finish_state(factor, v.r, out_r);
        let (leak, rate) = (self.parameters.leak, 1.0 / self.parameters.tau_controller);
        match target_direction {
            Some(direction) => self.finish_controller(v.u, direction, out_u),
            None => out_u.iter_mut().zip(v.u).for_each(|(out, v)| *out = rate * (*out - leak * v)),
        }
    }

    /// `W x` into `wx` and `B u` up to the returned factor into `x`: one pass over `W` when `B` is
    /// tied to it.
    fn products(&self, u: &[f64], x: &mut [f64], wx: &mut [f64]) -> f64 {
        if let (Feedback::Tied { scale }, 1) = (&self.feedback, self.columns) {
            kernels::product_pair(&self.weights, u, x, wx);
            return -scale;
        }
        kernels::gemm(&self.weights, x, wx);
        self.feedback.product(&self.weights, u, x)
    }

    fn finish_state(&self, factor: f64, r: &[f64], dr: &mut [f64]) {
        let rate = 1.0 / self.parameters.tau_state;
        for (dr, r) in dr.iter_mut().zip(r) {
            *dr = rate * (factor * *dr - r);
        }
    }

    fn finish_controller(&self, u: &[f64], target: &[f64], du: &mut [f64]) {
        let (leak, rate) = (self.parameters.leak, 1.0 / self.parameters.tau_controller);
        for ((du, u), target) in du.iter_mut().zip(u).zip(target) {
            *du = rate * (*du - leak * u - target);
        }
    }

    /// Writes the nonzero entries of the loop's diagonal block, whose first row and column is
    /// `offset` (the rest of the block is taken to be 0 already).
    pub(crate) fn write_jacobian(&self, r: &[f64], offset: usize, jac: &mut DMatrix<f64>) {
        let (n, m) = (self.state_units(), self.controller_units());
        let LoopParameters { leak, tau_state, tau_controller } = self.parameters;
        let feedback = self.feedback.matrix(&self.weights) / tau_state;
        with_scratch(self.state_len(), |slope| {
            self.map.slope(r, slope);
            for column in 0..self.columns {
                let state = offset + column * n;
                let controller = offset + self.state_len() + column * m;
                for i in 0..n {
                    jac[(state + i, state + i)] = -1.0 / tau_state;
                    let scale = slope[column * n + i] / tau_controller;
                    let mut below = jac.view_mut((controller, state + i), (m, 1));
                    below.copy_from(&self.weights.column(i));
                    below *= scale;
                }
                jac.view_mut((state, controller), (n, m)).copy_from(&feedback);
                for j in 0..m {
                    jac[(controller + j, controller + j)] = -leak / tau_controller;
                }
            }
        });
    }

    /// The linearised loop of target `column` at state `r` (that target's column).
    pub(crate) fn linearised(&self, r: &[f64], column: usize) -> LayerLoop {
        let mut forward = self.weights.as_ref().clone();
        with_scratch(self.state_units(), |slope| {
            self.map.slope_column(column, r, slope);
            for (mut column, s) in forward.column_iter_mut().zip(slope.iter()) {
                column *= *s;
            }
        });
        LayerLoop {
            forward,
            feedback: self.feedback.matrix(&self.weights),
            leak: self.parameters.leak,
            tau_state: self.parameters.tau_state,
            tau_controller: self.parameters.tau_controller,
        }
    }

    /// The Jacobian of one target as a function of slopes; without units where they are constant.
    pub(crate) fn slope_form(&self, column: usize) -> SlopeForm {
        let (n, m) = (self.state_units(), self.controller_units());
        let LoopParameters { leak, tau_state, tau_controller } = self.parameters;
        let mut constant = DMatrix::zeros(n + m, n + m);
        for i in 0..n + m {
            constant[(i, i)] = if i < n { -1.0 / tau_state } else { -leak / tau_controller };
        }
        let feedback = self.feedback.matrix(&self.weights) / tau_state;
        constant.view_mut((0, n), (n, m)).copy_from(&feedback);
        let units: Vec<SlopeUnit> = (0..n).filter_map(|i| self.map.slope_unit(i, column)).collect();
        if units.is_empty() {
            let forward = self.linearised(&vec![0.0; n], column).forward / tau_controller;
            constant.view_mut((n, 0), (m, n)).copy_from(&forward);
        }
        let mut left = DMatrix::zeros(n + m, units.len());
        let mut right = DMatrix::zeros(units.len(), n + m);
        for i in 0..units.len() {
            left.view_mut((n, i), (m, 1)).copy_from(&(self.weights.column(i) / tau_controller));
            right[(i, i)] = 1.0;
        }
        SlopeForm { constant, left, right, units }
    }
}

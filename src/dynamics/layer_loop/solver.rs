//! Linear systems shaped by a layer loop.

use std::cell::RefCell;

use nalgebra::DMatrix;

use super::equation::LoopEquation;
use crate::dynamics::NoClosedForm;
use crate::dynamics::small_system::{TargetSystems, for_each_system, require_regular};
use crate::linalg::kernels;

/// Solves `(base I - shift J) x = b` for the Jacobian `J` of a layer loop at a frozen state.
///
/// With `p = base + shift/tau_state`, `q = base + shift leak/tau_controller`,
/// `c = shift^2/(tau_state tau_controller)` and `M = W phi'(r)`, eliminating the state leaves
/// `(p q I - c M B) x_u = p b_u + (shift/tau_controller) M b_r`, eliminating the controller leaves
/// `(p q I - c B M) x_r = q b_r + (shift/tau_state) B b_u`: the smaller one is factorised. One
/// factorisation serves all targets when they share a constant slope.
///
/// `base = 1` is the system of implicit steps, `base = 0, shift = 1` that of an equilibrium.
pub(crate) struct LoopSolver<'a> {
    equation: &'a LoopEquation,
    /// `phi'(r)`, one column per distinct factorisation.
    slope: DMatrix<f64>,
    /// `M B` or `B M`, one per distinct factorisation.
    loop_products: Vec<DMatrix<f64>>,
    /// `W^T W` or `B W`, which carry any slope when the controller is eliminated.
    slope_free_product: Option<DMatrix<f64>>,
    systems: Option<TargetSystems>,
    base: f64,
    shift: f64,
    scratch: RefCell<Vec<f64>>,
}

impl<'a> LoopSolver<'a> {
    pub(crate) fn new(equation: &'a LoopEquation) -> Self {
        let distinct = if equation.map.has_shared_slope() { 1 } else { equation.columns };
        Self {
            equation,
            slope: DMatrix::zeros(equation.state_units(), distinct),
            loop_products: Vec::new(),
            slope_free_product: None,
            systems: None,
            base: f64::NAN,
            shift: f64::NAN,
            scratch: RefCell::new(vec![0.0; equation.len()]),
        }
    }

    /// Whether the controller is eliminated rather than the state.
    fn keeps_state(&self) -> bool {
        self.equation.state_units() < self.equation.controller_units()
    }

    /// The matrix that is factorised, for messages.
    fn system_name(&self) -> &'static str {
        if self.keeps_state() { "B M - leak I" } else { "M B - leak I" }
    }

    /// Moves the Jacobian to the state `r`.
    pub(crate) fn linearise(&mut self, r: &[f64]) {
        if self.equation.map.has_constant_slope() && !self.loop_products.is_empty() {
            return;
        }
        let units = self.equation.state_units();
        let distinct = self.slope.ncols();
        self.equation.map.slope(&r[..units * distinct], self.slope.as_mut_slice());
        self.loop_products = if self.keeps_state() {
            let product = self
                .slope_free_product
                .get_or_insert_with(|| feedback_times_weights(self.equation));
            self.slope.column_iter().map(|slope| scale_columns(product, slope.as_slice())).collect()
        } else {
            let (equation, slope) = (self.equation, &self.slope);
            for_each_system(distinct, |c| {
                weights_times_feedback(equation, slope.column(c).as_slice())
            })
        };
    }

    /// Factorises for `base` and `shift`; `false` when the system is singular or not finite.
    #[must_use]
    pub(crate) fn factor(&mut self, base: f64, shift: f64) -> bool {
        (self.base, self.shift) = (base, shift);
        let (p, q) = self.diagonal();
        let eliminated = if self.keeps_state() { q } else { p };
        if eliminated == 0.0 || !eliminated.is_finite() {
            return false;
        }
        let parameters = self.equation.parameters;
        let coupling = shift / parameters.tau_state * (shift / parameters.tau_controller);
        self.systems = TargetSystems::new(&self.loop_products, p * q, -coupling);
        self.systems.is_some()
    }

    /// Factorises `-J` of a loop with constant slope, for its equilibrium.
    pub(crate) fn factor_at_rest(&mut self) -> Result<(), NoClosedForm> {
        let equation = self.equation;
        self.linearise(&vec![0.0; equation.state_len()]);
        let regular = self.factor(0.0, 1.0);
        let systems = self.systems.as_ref().filter(|_| regular);
        let unknowns = equation.state_units().min(equation.controller_units());
        let reciprocal_condition = systems.map_or(0.0, TargetSystems::reciprocal_condition);
        require_regular(self.system_name(), unknowns, reciprocal_condition)
    }

    /// Replaces the right-hand side `(b_r, b_u)` by the solution.
    pub(crate) fn solve(&self, b_r: &mut [f64], b_u: &mut [f64]) {
        let LoopSolver { equation, .. } = self;
        let (p, q) = self.diagonal();
        let to_state = self.shift / equation.parameters.tau_state;
        let to_controller = self.shift / equation.parameters.tau_controller;
        let mut scratch = self.scratch.borrow_mut();
        let (state, controller) = scratch.split_at_mut(b_r.len());
        if self.keeps_state() {
            let factor = to_state * equation.feedback.product(&equation.weights, b_u, state);
            combine(q, b_r, factor, state);
            self.solve_systems(b_r);
            self.forward(b_r, state, controller);
            combine(1.0 / q, b_u, to_controller / q, controller);
        } else {
            self.forward(b_r, state, controller);
            combine(p, b_u, to_controller, controller);
            self.solve_systems(b_u);
            let factor = to_state * equation.feedback.product(&equation.weights, b_u, state);
            combine(1.0 / p, b_r, factor / p, state);
        }
    }

    fn diagonal(&self) -> (f64, f64) {
        let parameters = self.equation.parameters;
        (
            self.base + self.shift / parameters.tau_state,
            self.base + self.shift * parameters.leak / parameters.tau_controller,
        )
    }

    /// `M x` into `out`, with `scaled` as scratch for `phi'(r) * x`.
    fn forward(&self, x: &[f64], scaled: &mut [f64], out: &mut [f64]) {
        times_slope(&self.slope, x, scaled);
        kernels::gemm(&self.equation.weights, scaled, out);
    }

    fn solve_systems(&self, b: &mut [f64]) {
        self.systems.as_ref().expect("solve is called after a successful factor").solve(b);
    }
}

/// `slope * x` for every column of `x`, with one column of slopes for all or one each.
pub(crate) fn times_slope(slope: &DMatrix<f64>, x: &[f64], out: &mut [f64]) {
    let units = slope.nrows();
    for (column, (x, out)) in x.chunks_exact(units).zip(out.chunks_exact_mut(units)).enumerate() {
        let slope = slope.column(column.min(slope.ncols() - 1));
        for ((out, x), s) in out.iter_mut().zip(x).zip(slope.iter()) {
            *out = s * x;
        }
    }
}

/// `y = scale_y y + scale_x x`.
pub(crate) fn combine(scale_y: f64, y: &mut [f64], scale_x: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = scale_y * *y + scale_x * x;
    }
}

/// `W diag(slope) B`, controller units square.
pub(super) fn weights_times_feedback(equation: &LoopEquation, slope: &[f64]) -> DMatrix<f64> {
    let mut right = equation.feedback.matrix(&equation.weights);
    for mut column in right.column_iter_mut() {
        for (b, s) in column.iter_mut().zip(slope) {
            *b *= s;
        }
    }
    let m = equation.controller_units();
    let mut out = DMatrix::zeros(m, m);
    kernels::gemm(&equation.weights, right.as_slice(), out.as_mut_slice());
    out
}

/// `B W`, state units square.
pub(super) fn feedback_times_weights(equation: &LoopEquation) -> DMatrix<f64> {
    let n = equation.state_units();
    let mut out = DMatrix::zeros(n, n);
    let factor = equation.feedback.product(
        &equation.weights,
        equation.weights.as_slice(),
        out.as_mut_slice(),
    );
    out * factor
}

pub(super) fn scale_columns(matrix: &DMatrix<f64>, scales: &[f64]) -> DMatrix<f64> {
    let mut out = matrix.clone();
    for (mut column, s) in out.column_iter_mut().zip(scales) {
        column *= *s;
    }
    out
}

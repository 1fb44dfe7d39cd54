//! Voltages that follow their input at once.

use nalgebra::{DMatrix, DVector};

use super::DeepFeedbackControl;
use super::feedback::ControlFeedback;
use super::parameters::NoiseSite;
use crate::linalg::gemm::matmul_tn;
use crate::linalg::lu::Lu;

/// Trials of the Newton iteration for an algebraic control signal.
const MAX_TRIALS: usize = 200;
/// Newton steps this small relative to the control signal are rounding.
const SMALL_STEP: f64 = 1e-15;
/// A stalled iteration counts as solved when its residual is this small relative to its terms.
const SMALL_RESIDUAL: f64 = 1e-11;
/// Smallest damping factor.
const SMALLEST_FACTOR: f64 = 1e-10;

impl DeepFeedbackControl {
    /// The voltages and rates of the state `y`; `work` is as long as the stack. Voltages become NaN
    /// where the algebraic equation of the control signal has no solution in reach.
    pub(super) fn voltages(&self, y: &[f64], v: &mut [f64], r: &mut [f64], work: &mut [f64]) {
        if let Some(range) = &self.places.voltages {
            v.copy_from_slice(&y[range.clone()]);
            return self.plant.rates(v, r);
        }
        if self.parameters.has_algebraic_loop() {
            return self.solve_loop(y, v, r, work);
        }
        match &self.places.apical {
            Some(range) => work.copy_from_slice(&y[range.clone()]),
            None => {
                // Without a loop this signal does not depend on the error; `r` and `v` are free.
                let m = self.target.len();
                v[..m].fill(0.0);
                self.control_signal(y, &v[..m], &mut r[..m]);
                self.feedback.product(&self.plant, &r[..m], work);
            }
        }
        self.add_noise(y, work);
        self.plant.climb(work, v, r);
    }

    /// The change of the voltages when the state changes by `dy`; `work` is as long as the stack.
    pub(super) fn voltage_change(
        &self,
        dy: &[f64],
        slopes: &[f64],
        r: &[f64],
        dv: &mut [f64],
        work: &mut [f64],
    ) {
        let m = self.target.len();
        if let Some(range) = &self.places.apical {
            dv.copy_from_slice(&dy[range.clone()]);
        } else if self.parameters.has_algebraic_loop() {
            let du = self.loop_change(dy, slopes, r, dv, work);
            self.feedback.product(&self.plant, du.as_slice(), dv);
        } else {
            dv[..m].fill(0.0);
            self.control_signal(dy, &dv[..m], &mut work[..m]);
            self.feedback.product(&self.plant, &work[..m], dv);
        }
        self.add_noise(dy, dv);
        self.plant.climb_linear(slopes, 1.0, dv, work);
    }

    /// The change of the control signal from `(I + k_p S M) du = dw - k_p S alpha`, with `alpha` the
    /// response of the voltages to the noise alone.
    fn loop_change(
        &self,
        dy: &[f64],
        slopes: &[f64],
        r: &[f64],
        dv: &mut [f64],
        work: &mut [f64],
    ) -> DMatrix<f64> {
        let mut de = DMatrix::zeros(self.target.nrows(), self.target.ncols());
        dv.fill(0.0);
        self.add_noise(dy, dv);
        self.plant.climb_linear(slopes, 1.0, dv, work);
        self.error_change(slopes, r, dv, de.as_mut_slice());
        let mut du = de.clone();
        self.control_signal(dy, de.as_slice(), du.as_mut_slice());
        self.divide_by_loop(slopes, r, &mut du);
        du
    }

    fn add_noise(&self, y: &[f64], d: &mut [f64]) {
        if let Some(range) = self.noise_input(NoiseSite::Somatic) {
            d.iter_mut().zip(&y[range]).for_each(|(d, xi)| *d += xi);
        }
    }

    /// `sum_l J_l Q_l` of one target, one term per layer, from `J_l^T` of the targets side by side.
    pub(super) fn loop_gains(
        &self,
        transposes: &[DMatrix<f64>],
        target: usize,
    ) -> Vec<DMatrix<f64>> {
        let m = self.plant.outputs();
        let term = |(l, jt): (usize, &DMatrix<f64>)| {
            let jt = jt.columns(target * m, m).into_owned();
            let q = match &self.feedback {
                ControlFeedback::Recomputed { scale } => &jt * *scale,
                fixed => {
                    let entries =
                        fixed.matrix(l, target).expect("only recomputed feedback has none");
                    DMatrix::from_column_slice(jt.nrows(), m, entries)
                }
            };
            matmul_tn(&jt, &q)
        };
        transposes.iter().enumerate().map(term).collect()
    }

    /// `I + k_p S M` of one target, factorised.
    fn loop_matrix(&self, transposes: &[DMatrix<f64>], target: usize) -> Option<Lu> {
        let m = self.plant.outputs();
        let gains = self.loop_gains(transposes, target);
        let total = gains.into_iter().fold(DMatrix::zeros(m, m), |sum, g| sum + g);
        Lu::without_condition(&(DMatrix::identity(m, m) + total * self.parameters.k_p)).ok()
    }

    fn divide_by_loop(&self, slopes: &[f64], r: &[f64], x: &mut DMatrix<f64>) {
        let transposes = self.plant.jacobian_transposes(slopes, r, self.plant.columns);
        for c in 0..x.ncols() {
            let column = x.column(c).into_owned();
            match self.loop_matrix(&transposes, c) {
                Some(lu) => x.set_column(c, &lu.solve(&column)),
                None => x.column_mut(c).fill(f64::NAN),
            }
        }
    }

    /// Solves `u = w + k_p (target - r_L(u))` for every target by damped Newton steps from `u = w`.
    fn solve_loop(&self, y: &[f64], v: &mut [f64], r: &mut [f64], d: &mut [f64]) {
        let (m, k_p) = (self.plant.outputs(), self.parameters.k_p);
        let w = &y[self.places.u_int.clone()];
        let mut columns: Vec<_> = w.chunks_exact(m).map(Trial::new).collect();
        let mut u = w.to_vec();
        let mut slopes = vec![0.0; v.len()];
        for _ in 0..MAX_TRIALS {
            self.feedback.product(&self.plant, &u, d);
            self.add_noise(y, d);
            self.plant.climb(d, v, r);
            if columns.iter().all(|c| c.is_done) {
                break;
            }
            self.plant.slopes(v, &mut slopes);
            let transposes = self.plant.jacobian_transposes(&slopes, r, self.plant.columns);
            let output = &r[self.plant.output_range()];
            for (c, column) in columns.iter_mut().enumerate().filter(|(_, c)| !c.is_done) {
                let part = c * m..(c + 1) * m;
                let target = &self.target.as_slice()[part.clone()];
                let (w, output) = (&w[part.clone()], &output[part.clone()]);
                let f =
                    DVector::from_fn(m, |i, _| column.u[i] - w[i] - k_p * (target[i] - output[i]));
                let scale =
                    column.u.amax() + k_p * target.iter().fold(1.0, |s: f64, t| s.max(t.abs()));
                column.next(f, scale, || self.loop_matrix(&transposes, c));
                u[part].copy_from_slice(column.u.as_slice());
            }
        }
        for (c, _) in columns.iter().enumerate().filter(|(_, c)| !(c.is_done && c.is_solved)) {
            self.fill_column(c, f64::NAN, v);
            self.fill_column(c, f64::NAN, r);
        }
    }

    fn fill_column(&self, c: usize, value: f64, stack: &mut [f64]) {
        for l in 0..self.plant.depth() {
            let (start, n) = (self.plant.range(l).start, self.plant.units(l));
            stack[start + c * n..start + (c + 1) * n].fill(value);
        }
    }
}

/// One target's Newton iteration.
struct Trial {
    u: DVector<f64>,
    base: DVector<f64>,
    step: DVector<f64>,
    factor: f64,
    norm: f64,
    is_done: bool,
    is_solved: bool,
}

impl Trial {
    fn new(start: &[f64]) -> Self {
        let u = DVector::from_column_slice(start);
        let step = DVector::zeros(u.len());
        let (base, norm) = (u.clone(), f64::INFINITY);
        Self { u, base, step, factor: 1.0, norm, is_done: false, is_solved: false }
    }

    fn finish(&mut self, is_solved: bool) {
        (self.is_done, self.is_solved) = (true, is_solved);
    }

    /// Goes on after the residual `f` at `u`.
    fn next(&mut self, f: DVector<f64>, scale: f64, matrix: impl FnOnce() -> Option<Lu>) {
        let norm = f.norm();
        if norm == 0.0 {
            return self.finish(true);
        }
        if norm < (1.0 - 1e-4 * self.factor) * self.norm {
            let Some(lu) = matrix() else { return self.finish(false) };
            self.step = lu.solve(&f);
            (self.base, self.norm, self.factor) = (self.u.clone(), norm, 1.0);
            if self.step.amax() <= SMALL_STEP * scale {
                return self.finish(true);
            }
        } else {
            self.factor *= 0.5;
            let is_small = self.norm <= SMALL_RESIDUAL * scale;
            if is_small || self.factor < SMALLEST_FACTOR {
                self.u.copy_from(&self.base);
                return self.finish(is_small);
            }
        }
        self.u = &self.base - &self.step * self.factor;
    }
}

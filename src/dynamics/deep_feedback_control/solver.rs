//! Linear systems of implicit steps, by eliminating everything but the output error.

use std::cell::RefCell;

use nalgebra::DMatrix;

use super::DeepFeedbackControl;
use super::parameters::{LeakOn, NoiseSite};
use crate::dynamics::NoClosedForm;
use crate::dynamics::field::{ShiftedSolver, SingularShift};
use crate::dynamics::small_system::{for_each_system, require_regular};
use crate::linalg::lu::Lu;

/// Solves `(base I - shift J) x = b` for the Jacobian `J` of fixed feedback at a frozen state.
///
/// Controller, filters and apical compartments are scalar in every unit, so they are eliminated by
/// hand: the control signal is `du = c + k y` and the error `de = e_0 + p y` with numbers `k`, `p`
/// and one unknown vector `y` per target. With `q` the share of a stage's input that reaches its
/// voltage, the voltages answer a control signal by `dv_L = sum_l q^(L-l+1) (..) Q_l du`, which
/// leaves `(p I + k sum_l q^(L-l+1) J_l Q_l) y = ..` in `n_L` unknowns: one sweep up the network for
/// the right-hand side, one for the solution.
pub(super) struct ControlSolver<'a> {
    control: &'a DeepFeedbackControl,
    t: f64,
    slopes: Vec<f64>,
    rates: Vec<f64>,
    /// `J_l Q_l` per distinct factorisation and layer.
    gains: Vec<Vec<DMatrix<f64>>>,
    /// `sum_l q^(L-l+1) J_l Q_l` with the share of the apical compartment.
    responses: Vec<DMatrix<f64>>,
    systems: Vec<Lu>,
    coefficients: Coefficients,
    scratch: RefCell<Scratch>,
}

/// What the scalar equations become at one `base` and `shift`.
#[derive(Debug, Clone, Copy, Default)]
struct Coefficients {
    /// Of `b_v` and of the input in a voltage.
    voltage: (f64, f64),
    apical: (f64, f64),
    noise: f64,
    error: (f64, f64),
    control: (f64, f64),
    filtered: (f64, f64),
    /// `pw dw - pe de_c = b_w`.
    pw: f64,
    pe: f64,
    /// `du = c + gain y`.
    gain: f64,
}

struct Scratch {
    dv: Vec<f64>,
    work: Vec<f64>,
    de: Vec<f64>,
    du: Vec<f64>,
    small: Vec<f64>,
}

impl Coefficients {
    fn new(control: &DeepFeedbackControl, base: f64, shift: f64) -> Self {
        let p = &control.parameters;
        // x (base + shift/tau) - (shift/tau) input = b.
        let lag = |tau: Option<f64>| {
            tau.map_or((0.0, 1.0), |tau| {
                let inverse = 1.0 / (base + shift / tau);
                (inverse, shift / tau * inverse)
            })
        };
        let (error, control_filter) = (lag(p.filters.tau_error), lag(p.filters.tau_controller));
        let direct = match p.leak_on {
            LeakOn::U => 1.0 - p.leak * p.k_p,
            LeakOn::W => 1.0,
        };
        let (pw, pe) = (base + shift * p.leak / p.tau_u, shift / p.tau_u * direct);
        Self {
            voltage: lag((!p.instantaneous).then_some(p.tau_v)),
            apical: lag(p.tau_apical),
            noise: lag(p.noise.and_then(|n| n.correlation_time())).0,
            error,
            control: control_filter,
            filtered: lag(p.filters.tau_voltage),
            pw,
            pe,
            gain: control_filter.1 * (pe * error.1 + p.k_p * error.1 * pw),
        }
    }

    fn is_finite(&self) -> bool {
        let Self { voltage, apical, noise, error, control, filtered, pw, pe, gain } = *self;
        let pairs = [voltage, apical, error, control, filtered];
        pairs.iter().all(|(a, b)| a.is_finite() && b.is_finite())
            && [noise, pw, pe, gain].iter().all(|x| x.is_finite())
    }
}

impl<'a> ControlSolver<'a> {
    pub(super) fn new(control: &'a DeepFeedbackControl) -> Self {
        let (n, m) = (control.plant.len(), control.target.len());
        let scratch = Scratch {
            dv: vec![0.0; n],
            work: vec![0.0; n],
            de: vec![0.0; m],
            du: vec![0.0; m],
            small: vec![0.0; control.plant.outputs()],
        };
        Self {
            control,
            t: f64::NAN,
            slopes: vec![0.0; n],
            rates: vec![0.0; n],
            gains: Vec::new(),
            responses: Vec::new(),
            systems: Vec::new(),
            coefficients: Coefficients::default(),
            scratch: RefCell::new(scratch),
        }
    }

    /// Moves the Jacobian to the state `y`.
    pub(super) fn linearise(&mut self, y: &[f64]) {
        let control = self.control;
        let mut v = vec![0.0; self.slopes.len()];
        let mut work = vec![0.0; self.slopes.len()];
        control.voltages(y, &mut v, &mut self.rates, &mut work);
        control.plant.slopes(&v, &mut self.slopes);
        let targets = if control.shares_slopes() { 1 } else { control.plant.columns };
        let transposes = control.plant.jacobian_transposes(&self.slopes, &self.rates, targets);
        self.gains = for_each_system(targets, |c| control.loop_gains(&transposes, c));
    }

    /// Factorises for `base` and `shift`; `false` when the system is singular or not finite.
    #[must_use]
    pub(super) fn factor(&mut self, base: f64, shift: f64) -> bool {
        self.coefficients = Coefficients::new(self.control, base, shift);
        if !self.coefficients.is_finite() {
            return false;
        }
        let (k, m) = (self.coefficients, self.control.plant.outputs());
        let response = |gains: &Vec<DMatrix<f64>>| {
            // Horner in q: the term of layer l passes through L - l + 1 stages.
            gains.iter().fold(DMatrix::zeros(m, m), |sum, g| (sum + g) * k.voltage.1) * k.apical.1
        };
        self.responses = self.gains.iter().map(response).collect();
        let systems: Option<Vec<_>> = self
            .responses
            .iter()
            .map(|r| Lu::without_condition(&(DMatrix::identity(m, m) * k.pw + r * k.gain)).ok())
            .collect();
        self.systems = systems.unwrap_or_default();
        !self.systems.is_empty()
    }

    /// Factorises `-J` of a linear plant, for its equilibrium.
    pub(super) fn factor_at_rest(&mut self) -> Result<(), NoClosedForm> {
        self.linearise(&self.control.initial);
        let regular = self.factor(0.0, 1.0);
        let rcond =
            if regular { self.systems.iter().map(Lu::rcond).fold(1.0, f64::min) } else { 0.0 };
        require_regular("J Q + a I", self.control.plant.outputs(), rcond)
    }

    /// Voltages that answer what is known and the control signal `du`.
    fn sweep(&self, b: &[f64], du: Option<&[f64]>, dv: &mut [f64], work: &mut [f64]) {
        let (c, k, places) = (self.control, &self.coefficients, &self.control.places);
        match du {
            Some(du) => c.feedback.product(&c.plant, du, dv),
            None => dv.fill(0.0),
        }
        if let Some(range) = c.noise_input(NoiseSite::Apical) {
            dv.iter_mut().zip(&b[range]).for_each(|(d, b)| *d += k.noise * b);
        }
        if let Some(range) = places.apical.clone() {
            dv.iter_mut().zip(&b[range]).for_each(|(d, b)| *d = k.apical.1 * *d + k.apical.0 * b);
        }
        if let Some(range) = c.noise_input(NoiseSite::Somatic) {
            dv.iter_mut().zip(&b[range]).for_each(|(d, b)| *d += k.noise * b);
        }
        dv.iter_mut().for_each(|d| *d *= k.voltage.1);
        if let Some(range) = places.voltages.clone() {
            dv.iter_mut().zip(&b[range]).for_each(|(d, b)| *d += k.voltage.0 * b);
        }
        c.plant.climb_linear(&self.slopes, k.voltage.1, dv, work);
    }

    /// Replaces the right-hand side by the solution.
    pub(super) fn solve(&self, b: &mut [f64]) {
        let (c, k, places) = (self.control, &self.coefficients, &self.control.places);
        let Scratch { dv, work, de, du, small } = &mut *self.scratch.borrow_mut();
        self.sweep(b, None, dv, work);
        c.error_change(&self.slopes, &self.rates, dv, de);
        let m = c.plant.outputs();
        let shared = self.systems.len() == 1;
        // Known parts: of the seen error, the integral, the error and the control signal.
        let known = |b: &[f64], i: usize| {
            let seen = places.error.as_ref().map_or(0.0, |r| k.error.0 * b[r.start + i]);
            let rest = b[places.u_int.start + i] + k.pe * seen;
            // A leak of 0 at rest leaves the error, not the integral, to carry the constant.
            let (w, e) = if k.pw.abs() >= (k.pe * k.error.1).abs() {
                (rest / k.pw, 0.0)
            } else {
                (0.0, -rest / (k.pe * k.error.1))
            };
            let signal = w + c.parameters.k_p * (seen + k.error.1 * e);
            let filtered = places.control.as_ref().map_or(0.0, |r| k.control.0 * b[r.start + i]);
            (seen, w, e, filtered + k.control.1 * signal)
        };
        for column in 0..c.plant.columns {
            let part = column * m..(column + 1) * m;
            let system = if shared { 0 } else { column };
            for i in part.clone() {
                du[i] = known(b, i).3;
            }
            let response = &self.responses[system];
            for (row, i) in part.clone().enumerate() {
                let answered: f64 =
                    response.row(row).iter().zip(&du[part.clone()]).map(|(r, u)| r * u).sum();
                de[i] -= answered + known(b, i).2;
            }
            self.systems[system].solve_in_place(&mut de[part.clone()], small);
            for i in part {
                du[i] += k.gain * de[i];
            }
        }
        // `de` holds y from here on.
        self.sweep(b, Some(du), dv, work);
        self.write_controller(b, de, known);
        self.write_compartments(b, du, dv, work);
    }

    fn write_controller(
        &self,
        b: &mut [f64],
        y: &[f64],
        known: impl Fn(&[f64], usize) -> (f64, f64, f64, f64),
    ) {
        let (k, places) = (&self.coefficients, &self.control.places);
        for (i, y) in y.iter().enumerate() {
            let (seen, w, e, signal) = known(b, i);
            b[places.u_int.start + i] = w + k.pe * k.error.1 * y;
            if let Some(range) = &places.error {
                b[range.start + i] = seen + k.error.1 * (e + k.pw * y);
            }
            if let Some(range) = &places.control {
                b[range.start + i] = signal + k.gain * y;
            }
        }
    }

    fn write_compartments(&self, b: &mut [f64], du: &[f64], dv: &[f64], work: &mut [f64]) {
        let (c, k, places) = (self.control, &self.coefficients, &self.control.places);
        if let Some(range) = places.noise.clone() {
            b[range].iter_mut().for_each(|b| *b *= k.noise);
        }
        if let Some(range) = places.apical.clone() {
            c.feedback.product(&c.plant, du, work);
            if let Some(noise) = c.noise_input(NoiseSite::Apical) {
                work.iter_mut().zip(&b[noise]).for_each(|(x, xi)| *x += xi);
            }
            let parts = b[range].iter_mut().zip(work.iter());
            parts.for_each(|(b, x)| *b = k.apical.0 * *b + k.apical.1 * x);
        }
        if let Some(range) = places.voltages.clone() {
            b[range].copy_from_slice(dv);
        }
        if let Some(range) = places.filtered.clone() {
            let parts = b[range].iter_mut().zip(dv);
            parts.for_each(|(b, v)| *b = k.filtered.0 * *b + k.filtered.1 * v);
        }
    }
}

impl ShiftedSolver for ControlSolver<'_> {
    fn factor(&mut self, t: f64, y: &[f64], shift: f64) -> Result<(), SingularShift> {
        self.t = t;
        self.linearise(y);
        self.reshift(shift)
    }

    fn reshift(&mut self, shift: f64) -> Result<(), SingularShift> {
        let t = self.t;
        if Self::factor(self, 1.0, shift) { Ok(()) } else { Err(SingularShift { t, shift }) }
    }

    fn solve(&self, b: &mut [f64]) {
        Self::solve(self, b);
    }
}

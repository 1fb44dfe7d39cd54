//! The right-hand side and its directional derivative.
//!
//! Everything but the network itself is linear, so one set of functions serves values and changes.

use super::DeepFeedbackControl;
use super::feedback::ControlFeedback;
use super::parameters::{LeakOn, NoiseSite};
use super::plant::{Change, Point};
use crate::dynamics::scratch::with_scratch;

/// Splits `buffer` into consecutive pieces of these lengths.
pub(super) fn pieces<const N: usize>(
    mut buffer: &mut [f64],
    lengths: [usize; N],
) -> [&mut [f64]; N] {
    lengths.map(|len| {
        let (piece, rest) = std::mem::take(&mut buffer).split_at_mut(len);
        buffer = rest;
        piece
    })
}

impl DeepFeedbackControl {
    /// Writes `f(y)`.
    pub(super) fn right_hand_side(&self, y: &[f64], dy: &mut [f64]) {
        let (n, m) = (self.plant.len(), self.target.len());
        let lengths = [n, n, n, n, m, m];
        with_scratch(lengths.iter().sum(), |buffer| {
            let [v, r, q, work, e, u] = pieces(buffer, lengths);
            self.voltages(y, v, r, q);
            self.output_error(r, e);
            self.control_signal(y, e, u);
            self.control_rates(y, e, dy);
            match self.feedback {
                ControlFeedback::Recomputed { scale } => {
                    self.plant.slopes(v, work);
                    self.plant.pull_back(work, r, u, q);
                    q.iter_mut().for_each(|q| *q *= scale);
                }
                _ => self.feedback.product(&self.plant, u, q),
            }
            if let Some(range) = self.places.voltages.clone() {
                self.plant.input(r, &mut dy[range]);
            }
            self.compartments(y, v, q, dy);
        });
    }

    /// Writes the directional derivative of `f` at `y` along `dy` to `out`.
    pub(super) fn directional_derivative(&self, y: &[f64], dy: &[f64], out: &mut [f64]) {
        let (n, m) = (self.plant.len(), self.target.len());
        let lengths = [n, n, n, n, n, n, 2 * n, m, m, m, m];
        with_scratch(lengths.iter().sum(), |buffer| {
            let [v, r, slopes, q, dv, dq, work, u, du, e, de] = pieces(buffer, lengths);
            self.voltages(y, v, r, q);
            self.plant.slopes(v, slopes);
            match &self.places.voltages {
                Some(range) => dv.copy_from_slice(&dy[range.clone()]),
                None => self.voltage_change(dy, slopes, r, dv, q),
            }
            self.error_change(slopes, r, dv, de);
            self.control_signal(dy, de, du);
            self.control_rates(dy, de, out);
            if let ControlFeedback::Recomputed { scale } = self.feedback {
                self.output_error(r, e);
                self.control_signal(y, e, u);
                self.plant.pull_back(slopes, r, u, q);
                let at = Point { v, slopes, rates: r, u, q };
                self.plant.pull_back_change(&at, &Change { dv, du }, dq, work);
                dq.iter_mut().for_each(|q| *q *= scale);
            } else {
                self.feedback.product(&self.plant, du, dq);
            }
            if let Some(range) = self.places.voltages.clone() {
                self.tangent_input(slopes, dv, &mut out[range], &mut work[..n]);
            }
            self.compartments(dy, dv, dq, out);
        });
    }

    /// `e = target - r_L`.
    pub(super) fn output_error(&self, r: &[f64], e: &mut [f64]) {
        let output = &r[self.plant.output_range()];
        for ((e, target), r) in e.iter_mut().zip(self.target.as_slice()).zip(output) {
            *e = target - r;
        }
    }

    /// `-S dv_L`, the change of the error.
    pub(super) fn error_change(&self, slopes: &[f64], r: &[f64], dv: &[f64], de: &mut [f64]) {
        let last = self.plant.output_range();
        de.copy_from_slice(&dv[last.clone()]);
        self.plant.output_slope(&slopes[last.clone()], &r[last], de);
        de.iter_mut().for_each(|x| *x = -*x);
    }

    /// The error that the controller sees, for unit `i`.
    fn seen_error(&self, y: &[f64], e: &[f64], i: usize) -> f64 {
        self.places.error.as_ref().map_or(e[i], |range| y[range.start + i])
    }

    /// `u` before its filter, for unit `i`.
    fn raw_control(&self, y: &[f64], e: &[f64], i: usize) -> f64 {
        y[self.places.u_int.start + i] + self.parameters.k_p * self.seen_error(y, e, i)
    }

    /// The control signal that reaches the layers.
    pub(super) fn control_signal(&self, y: &[f64], e: &[f64], u: &mut [f64]) {
        match &self.places.control {
            Some(range) => u.copy_from_slice(&y[range.clone()]),
            None => u.iter_mut().enumerate().for_each(|(i, u)| *u = self.raw_control(y, e, i)),
        }
    }

    /// The derivatives of the integral and of the filters of error and control signal.
    fn control_rates(&self, y: &[f64], e: &[f64], dy: &mut [f64]) {
        let p = &self.parameters;
        for i in 0..e.len() {
            let (w, u) = (self.places.u_int.start + i, self.raw_control(y, e, i));
            let leaking = match p.leak_on {
                LeakOn::U => u,
                LeakOn::W => y[w],
            };
            dy[w] = (self.seen_error(y, e, i) - p.leak * leaking) / p.tau_u;
            if let (Some(range), Some(tau)) = (&self.places.error, p.filters.tau_error) {
                dy[range.start + i] = (e[i] - y[range.start + i]) / tau;
            }
            if let (Some(range), Some(tau)) = (&self.places.control, p.filters.tau_controller) {
                dy[range.start + i] = (u - y[range.start + i]) / tau;
            }
        }
    }

    /// The derivatives of voltages (whose input from below is in `dy` already), apical compartments,
    /// noise and filtered voltages, from the voltages `v` and the feedback current `q`.
    fn compartments(&self, y: &[f64], v: &[f64], q: &[f64], dy: &mut [f64]) {
        let (p, places) = (&self.parameters, &self.places);
        let noise = |site| self.noise_input(site).map(|range| &y[range]);
        if let Some(range) = &places.noise {
            let tau = p.noise.and_then(|n| n.correlation_time()).expect("the noise has a block");
            dy[range.clone()].iter_mut().zip(&y[range.clone()]).for_each(|(d, y)| *d = -y / tau);
        }
        let mut current = q;
        if let (Some(range), Some(tau)) = (&places.apical, p.tau_apical) {
            let a = &y[range.clone()];
            let xi = noise(NoiseSite::Apical);
            for (i, d) in dy[range.clone()].iter_mut().enumerate() {
                *d = (q[i] - a[i] + xi.map_or(0.0, |xi| xi[i])) / tau;
            }
            current = a;
        }
        if let Some(range) = &places.voltages {
            let xi = noise(NoiseSite::Somatic);
            for (i, d) in dy[range.clone()].iter_mut().enumerate() {
                *d = (*d - v[i] + current[i] + xi.map_or(0.0, |xi| xi[i])) / p.tau_v;
            }
        }
        if let (Some(range), Some(tau)) = (&places.filtered, p.filters.tau_voltage) {
            let filtered = &y[range.clone()];
            for (i, d) in dy[range.clone()].iter_mut().enumerate() {
                *d = (v[i] - filtered[i]) / tau;
            }
        }
    }

    /// Where the coloured noise of this compartment is, if there is one.
    pub(super) fn noise_input(&self, site: NoiseSite) -> Option<std::ops::Range<usize>> {
        let range = self.places.noise.clone()?;
        self.parameters.noise.filter(|noise| noise.site() == site).map(|_| range)
    }

    /// `W_l D_{l-1} dv_{l-1}` of every layer.
    fn tangent_input(&self, slopes: &[f64], dv: &[f64], out: &mut [f64], work: &mut [f64]) {
        work.iter_mut().zip(slopes).zip(dv).for_each(|((x, s), v)| *x = s * v);
        out[self.plant.range(0)].fill(0.0);
        for l in 1..self.plant.depth() {
            let range = self.plant.range(l);
            self.plant.propagate(l, &work[self.plant.range(l - 1)], &mut out[range]);
        }
    }
}

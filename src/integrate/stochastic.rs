//! Euler-Maruyama steps, plain and with each component's own decay solved exactly.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::method::Law;
use super::noise::Noise;
use super::scheme::{Env, Interval, Scheme, Trial};
use super::vector::all_finite;
use crate::dynamics::{NoiseInput, VectorField};
use crate::network::random::{generator, streams};

/// `y <- y + h f + sum of noise`, or with `lambda` the decay of a component
/// `y <- y + h phi(lambda h) f + noise`, `phi(z) = (1 - e^-z)/z`, whose noise
/// `int e^(-lambda (h - s)) intensity dB` is drawn with its exact variance.
pub(crate) struct EulerMaruyama {
    inputs: Vec<NoiseInput>,
    /// Decay per component; empty for the plain method.
    decay: Vec<f64>,
    draws: u32,
    generators: Vec<ChaCha8Rng>,
    derivative: Vec<f64>,
    end: Vec<f64>,
    end_known: bool,
}

impl EulerMaruyama {
    pub(crate) fn new(
        field: &dyn VectorField,
        noise: Option<&Noise>,
        is_exponential: bool,
    ) -> Self {
        let (n, columns) = (field.dim(), field.columns());
        let seed = noise.map_or(0, |noise| noise.seed);
        let stream = |c: usize| generator(seed, streams::NOISE + c as u64);
        Self {
            inputs: noise.map_or_else(Vec::new, |noise| noise.inputs.clone()),
            decay: noise.filter(|_| is_exponential).map_or_else(Vec::new, |n| n.decay.clone()),
            draws: noise.map_or(1, |noise| noise.draws.max(1)),
            generators: (0..columns).map(stream).collect(),
            derivative: vec![0.0; n],
            end: vec![0.0; n],
            end_known: false,
        }
    }

    /// The rate of component `i`.
    fn rate(&self, i: usize) -> f64 {
        self.decay.get(i).copied().unwrap_or(0.0)
    }

    /// Adds the noise of a step of size `h`, part by part so that finer steps see the same path.
    fn add_noise(&mut self, field: &dyn VectorField, h: f64, y: &mut [f64]) {
        let part = h / f64::from(self.draws);
        for draw in 1..=self.draws {
            let left = h - part * f64::from(draw);
            for k in 0..self.inputs.len() {
                let NoiseInput { range, intensity } = self.inputs[k].clone();
                for i in range {
                    let rate = self.rate(i);
                    let deviation = (part * decayed(2.0 * rate * part)).sqrt();
                    let normal: f64 =
                        StandardNormal.sample(&mut self.generators[field.column_of(i)]);
                    y[i] += intensity * deviation * (-rate * left).exp() * normal;
                }
            }
        }
    }
}

/// `(1 - e^-z)/z`.
fn decayed(z: f64) -> f64 {
    if z == 0.0 { 1.0 } else { -(-z).exp_m1() / z }
}

impl Scheme for EulerMaruyama {
    fn begin(&mut self, f: &[f64]) {
        self.derivative.copy_from_slice(f);
    }

    fn trial(&mut self, env: &mut Env<'_>, step: Interval<'_>, y1: &mut [f64]) -> Trial {
        for (i, y) in y1.iter_mut().enumerate() {
            let reach = step.h * decayed(self.rate(i) * step.h);
            *y = step.y0[i] + reach * self.derivative[i];
        }
        self.add_noise(env.field, step.h, y1);
        self.end.copy_from_slice(y1);
        self.end_known = false;
        if !all_finite(y1) {
            return Trial::Done(f64::NAN);
        }
        env.eval(step.t1, y1, &mut self.derivative);
        self.end_known = true;
        Trial::Done(if all_finite(&self.derivative) { 0.0 } else { f64::NAN })
    }

    fn advance(&mut self) {}

    fn end_derivative(&mut self, _env: &mut Env<'_>, _t1: f64, _y1: &[f64]) -> &[f64] {
        debug_assert!(self.end_known, "an accepted step has its end derivative");
        &self.derivative
    }

    fn interpolate(&mut self, _env: &mut Env<'_>, step: Interval<'_>, theta: f64, out: &mut [f64]) {
        for ((out, y0), y1) in out.iter_mut().zip(step.y0).zip(&self.end) {
            *out = y0 + theta * (y1 - y0);
        }
    }

    fn law(&self) -> Option<Law> {
        None
    }

    fn error(&self) -> &[f64] {
        &self.derivative
    }

    fn first_non_finite(&self) -> Option<usize> {
        let broken = |x: &Vec<f64>| x.iter().position(|x| !x.is_finite());
        broken(&self.end).or_else(|| broken(&self.derivative))
    }
}

//! The units of a rate network.

use std::ops::Range;

use nalgebra::DMatrix;

use crate::dynamics::error::{
    DynamicsError, require_finite, require_finite_number, require_positive, require_shape,
};
use crate::dynamics::state_map::first_zero;
use crate::dynamics::structure::SlopeUnit;
use crate::network::Activation;

/// What defines the units, named as in model files. Where a list says "one or n", a single entry
/// serves all units.
#[derive(Debug, Clone, PartialEq)]
pub struct RateParameters {
    /// Recurrent weights, n x n.
    pub w: DMatrix<f64>,
    /// Activation `g`, one or n.
    pub activation: Vec<Activation>,
    /// Factor inside the activation: the rates are `g(gain x)`.
    pub gain: f64,
    /// Leak of the state, one or n.
    pub leak: Vec<f64>,
    /// Time constant of the state, s, one or n.
    pub tau: Vec<f64>,
    /// Constant input, one or n.
    pub input: Vec<f64>,
}

impl RateParameters {
    /// Gain, leak and time constant 1, no input.
    #[must_use]
    pub fn new(w: DMatrix<f64>, activation: Activation) -> Self {
        Self {
            w,
            activation: vec![activation],
            gain: 1.0,
            leak: vec![1.0],
            tau: vec![1.0],
            input: vec![0.0],
        }
    }
}

/// Checked parameters, every list of length n.
#[derive(Debug, Clone)]
pub(super) struct Population {
    pub(super) w: DMatrix<f64>,
    pub(super) leak: Vec<f64>,
    gain: f64,
    pub(super) tau: Vec<f64>,
    input: Vec<f64>,
    /// Runs of neighbouring units with the same activation.
    runs: Vec<(Activation, Range<usize>)>,
}

impl Population {
    pub(super) fn new(parameters: RateParameters) -> Result<Self, DynamicsError> {
        let RateParameters { w, activation, gain, leak, tau, input } = parameters;
        let n = w.nrows();
        if n == 0 {
            return Err(DynamicsError::Empty { what: "w".to_owned() });
        }
        require_shape("w", &w, (n, n))?;
        require_finite("w", &w)?;
        require_finite_number("gain", gain)?;
        let leak = per_unit("leak", leak, n)?;
        let tau = per_unit("tau", tau, n)?;
        let input = per_unit("input", input, n)?;
        for (i, (leak, input)) in leak.iter().zip(&input).enumerate() {
            require_finite_number(&format!("leak[{i}]"), *leak)?;
            require_finite_number(&format!("input[{i}]"), *input)?;
        }
        for (i, tau) in tau.iter().enumerate() {
            require_positive(&format!("tau[{i}]"), *tau)?;
        }
        let mut runs: Vec<(Activation, Range<usize>)> = Vec::new();
        for (i, g) in per_unit("activation", activation, n)?.into_iter().enumerate() {
            match runs.last_mut() {
                Some((last, range)) if *last == g => range.end = i + 1,
                _ => runs.push((g, i..i + 1)),
            }
        }
        Ok(Self { w, leak, gain, tau, input, runs })
    }

    pub(super) fn units(&self) -> usize {
        self.w.nrows()
    }

    /// The first activation that is not linear.
    pub(super) fn nonlinearity(&self) -> Option<Activation> {
        self.runs.iter().map(|(g, _)| *g).find(|g| *g != Activation::Linear)
    }

    /// Writes `g(gain x)` to `rates`; `scaled` is scratch.
    pub(super) fn rates(&self, x: &[f64], scaled: &mut [f64], rates: &mut [f64]) {
        self.scale(x, scaled);
        for (g, range) in &self.runs {
            g.apply(&scaled[range.clone()], &mut rates[range.clone()]);
        }
    }

    /// Writes `gain g'(gain x)` to `slopes`; `scaled` is scratch.
    pub(super) fn slopes(&self, x: &[f64], scaled: &mut [f64], slopes: &mut [f64]) {
        self.scale(x, scaled);
        for (g, range) in &self.runs {
            g.slope(&scaled[range.clone()], &mut slopes[range.clone()]);
        }
        slopes.iter_mut().for_each(|s| *s *= self.gain);
    }

    /// Where the units, moving from `x0` to `x1`, first meet a kink, as a fraction of the way.
    pub(super) fn first_kink(&self, x0: &[f64], x1: &[f64]) -> Option<f64> {
        let kinked = self.runs.iter().filter(|(g, _)| g.has_kink() && self.gain != 0.0);
        let ends = kinked.flat_map(|(_, range)| range.clone().map(|i| (x0[i], x1[i])));
        first_zero(ends)
    }

    /// The units as parts of a slope form.
    pub(super) fn slope_units(&self) -> Vec<SlopeUnit> {
        let unit = |activation| SlopeUnit { activation, offset: 0.0, gain: self.gain };
        self.runs.iter().flat_map(|(g, range)| range.clone().map(move |_| unit(*g))).collect()
    }

    fn scale(&self, x: &[f64], scaled: &mut [f64]) {
        scaled.iter_mut().zip(x).for_each(|(scaled, x)| *scaled = self.gain * x);
    }

    /// `dx = (dx - leak x) / tau`.
    pub(super) fn decay(&self, x: &[f64], dx: &mut [f64]) {
        for (((dx, x), leak), tau) in dx.iter_mut().zip(x).zip(&self.leak).zip(&self.tau) {
            *dx = (*dx - leak * x) / tau;
        }
    }

    /// Adds `input / tau`.
    pub(super) fn add_input(&self, dx: &mut [f64]) {
        for ((dx, input), tau) in dx.iter_mut().zip(&self.input).zip(&self.tau) {
            *dx += input / tau;
        }
    }

    /// Every row divided by its unit's time constant.
    pub(super) fn divided(&self, mut matrix: DMatrix<f64>) -> DMatrix<f64> {
        for mut column in matrix.column_iter_mut() {
            column.iter_mut().zip(&self.tau).for_each(|(x, tau)| *x /= tau);
        }
        matrix
    }
}

/// A list with one entry per unit, from one or n.
fn per_unit<T: Clone>(what: &str, list: Vec<T>, n: usize) -> Result<Vec<T>, DynamicsError> {
    match list.as_slice() {
        [one] => Ok(vec![one.clone(); n]),
        all if all.len() == n => Ok(list),
        other => Err(DynamicsError::Shape {
            what: what.to_owned(),
            found_rows: other.len(),
            found_columns: 1,
            expected: if n == 1 { "1 x 1".to_owned() } else { format!("1 x 1 or {n} x 1") },
        }),
    }
}

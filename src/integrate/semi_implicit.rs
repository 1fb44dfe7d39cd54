//! Semi-implicit Euler steps.

use std::ops::Range;

use super::method::Law;
use super::scheme::{Env, Interval, Scheme, Trial};
use super::vector::all_finite;
use crate::dynamics::VectorField;

pub(crate) struct SemiImplicitEuler {
    order: Vec<Range<usize>>,
    derivative: Vec<f64>,
    y1: Vec<f64>,
    end_known: bool,
}

impl SemiImplicitEuler {
    pub(crate) fn new(field: &dyn VectorField) -> Self {
        let zeros = vec![0.0; field.dim()];
        Self { order: field.update_order(), derivative: zeros.clone(), y1: zeros, end_known: false }
    }
}

impl Scheme for SemiImplicitEuler {
    fn begin(&mut self, _f: &[f64]) {}

    fn trial(&mut self, env: &mut Env<'_>, step: Interval<'_>, y1: &mut [f64]) -> Trial {
        self.end_known = false;
        y1.copy_from_slice(step.y0);
        for range in &self.order {
            env.field.eval_range(step.t0, y1, range.clone(), &mut self.derivative);
            for i in range.clone() {
                y1[i] += step.h * self.derivative[i];
            }
        }
        // The ranges tile the state: together they are one evaluation.
        env.statistics.n_rhs += 1;
        self.y1.copy_from_slice(y1);
        Trial::Done(if all_finite(y1) { 0.0 } else { f64::NAN })
    }

    fn advance(&mut self) {}

    fn end_derivative(&mut self, env: &mut Env<'_>, t1: f64, y1: &[f64]) -> &[f64] {
        if !self.end_known {
            env.eval(t1, y1, &mut self.derivative);
            self.end_known = true;
        }
        &self.derivative
    }

    fn interpolate(&mut self, _env: &mut Env<'_>, step: Interval<'_>, theta: f64, out: &mut [f64]) {
        for ((out, y0), y1) in out.iter_mut().zip(step.y0).zip(&self.y1) {
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
        self.y1.iter().position(|y| !y.is_finite())
    }
}

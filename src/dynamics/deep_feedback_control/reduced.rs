//! The equilibrium equation in the control signal alone.

use nalgebra::DMatrix;

use super::DeepFeedbackControl;
use crate::dynamics::reduction::ReducedEquilibrium;

/// One target at rest: `target - r_L(u) - a u = 0` with voltages that answer `u` at once. The field
/// has this target alone.
pub(super) struct ControlReduction {
    control: DeepFeedbackControl,
}

impl ControlReduction {
    pub(super) fn new(control: DeepFeedbackControl) -> Self {
        Self { control }
    }

    fn climb(&self, u: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let plant = &self.control.plant;
        let mut d = vec![0.0; plant.len()];
        let (mut v, mut r) = (d.clone(), d.clone());
        self.control.feedback.product(plant, u, &mut d);
        plant.climb(&d, &mut v, &mut r);
        (d, v, r)
    }
}

impl ReducedEquilibrium for ControlReduction {
    fn dim(&self) -> usize {
        self.control.plant.outputs()
    }

    fn residual(&self, z: &[f64], out: &mut [f64]) {
        let (_, _, r) = self.climb(z);
        self.control.output_error(&r, out);
        let leak = self.control.parameters.steady_leak();
        out.iter_mut().zip(z).for_each(|(out, u)| *out -= leak * u);
    }

    fn jacobian(&self, z: &[f64], out: &mut DMatrix<f64>) {
        let (mut slopes, v, r) = self.climb(z);
        self.control.plant.slopes(&v, &mut slopes);
        let transposes = self.control.plant.jacobian_transposes(&slopes, &r, 1);
        out.fill(0.0);
        for gain in self.control.loop_gains(&transposes, 0) {
            *out -= gain;
        }
        for i in 0..out.nrows() {
            out[(i, i)] -= self.control.parameters.steady_leak();
        }
    }

    fn lift(&self, z: &[f64]) -> Vec<f64> {
        let c = &self.control;
        let (d, v, r) = self.climb(z);
        let mut e = vec![0.0; z.len()];
        c.output_error(&r, &mut e);
        let mut y = vec![0.0; c.layout.dim()];
        let places = &c.places;
        let blocks = [
            (&places.voltages, &v),
            (&places.apical, &d),
            (&places.error, &e),
            (&places.control, &z.to_vec()),
            (&places.filtered, &v),
        ];
        for (range, values) in blocks {
            if let Some(range) = range {
                y[range.clone()].copy_from_slice(values);
            }
        }
        for (i, (u, e)) in z.iter().zip(&e).enumerate() {
            y[places.u_int.start + i] = u - c.parameters.k_p * e;
        }
        y
    }
}

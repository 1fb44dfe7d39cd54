//! Linear systems shaped by loops one above the other.

use super::ConcurrentInversion;
use crate::dynamics::NoClosedForm;
use crate::dynamics::field::{ShiftedSolver, SingularShift};
use crate::dynamics::layer_loop::LoopSolver;

/// Solves the block-triangular system from the top loop down.
pub(super) struct LoopsSolver<'a> {
    dynamics: &'a ConcurrentInversion,
    t: f64,
    shift: f64,
    loops: Vec<LoopSolver<'a>>,
}

impl<'a> LoopsSolver<'a> {
    pub(super) fn new(dynamics: &'a ConcurrentInversion) -> Self {
        let loops = dynamics.loops.iter().map(LoopSolver::new).collect();
        Self { dynamics, t: f64::NAN, shift: f64::NAN, loops }
    }

    /// Factorises `-J` of linear loops, for their equilibrium.
    pub(super) fn factor_at_rest(&mut self) -> Result<(), NoClosedForm> {
        self.shift = 1.0;
        let top = self.loops.len() + 1;
        for (k, part) in self.loops.iter_mut().enumerate() {
            part.factor_at_rest().map_err(|error| in_layer(top - k, error))?;
        }
        Ok(())
    }
}

impl ShiftedSolver for LoopsSolver<'_> {
    fn factor(&mut self, t: f64, y: &[f64], shift: f64) -> Result<(), SingularShift> {
        self.t = t;
        for (k, part) in self.loops.iter_mut().enumerate() {
            part.linearise(&y[self.dynamics.state_range(k)]);
        }
        self.reshift(shift)
    }

    fn reshift(&mut self, shift: f64) -> Result<(), SingularShift> {
        self.shift = shift;
        let regular = self.loops.iter_mut().all(|part| part.factor(1.0, shift));
        if regular { Ok(()) } else { Err(SingularShift { t: self.t, shift }) }
    }

    fn solve(&self, b: &mut [f64]) {
        for (k, part) in self.loops.iter().enumerate() {
            let (above, rest) = b.split_at_mut(self.dynamics.offsets[k]);
            let (b_r, b_u) = rest[..self.dynamics.loops[k].len()]
                .split_at_mut(self.dynamics.loops[k].state_len());
            if k > 0 {
                let coupling = self.shift / self.dynamics.loops[k].parameters.tau_controller;
                let state_above = &above[self.dynamics.state_range(k - 1)];
                b_u.iter_mut().zip(state_above).for_each(|(b, x)| *b -= coupling * x);
            }
            part.solve(b_r, b_u);
        }
    }
}

/// Names the layer in the reason why there is no closed form.
fn in_layer(layer: usize, error: NoClosedForm) -> NoClosedForm {
    match error {
        NoClosedForm::Singular { system, reciprocal_condition } => NoClosedForm::Singular {
            system: format!("{system} of layer {layer}"),
            reciprocal_condition,
        },
        nonlinear @ NoClosedForm::Nonlinear { .. } => nonlinear,
    }
}

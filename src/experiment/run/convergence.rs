//! When a run has come close to its equilibrium for good.

use crate::dynamics::StateLayout;
use crate::integrate::{Flow, Observer, Step};

/// Fraction of the initial distance that counts as converged.
pub const FRACTION: f64 = 0.01;

/// Finds the last time at which the distance to the equilibrium falls below a fraction of the
/// distance at the start, per target.
///
/// The distance is the Euclidean norm over all blocks. The crossing is located on the continuous
/// extension of the step in which it happens.
pub(super) struct Convergence<'a> {
    layout: &'a StateLayout,
    equilibrium: &'a [f64],
    thresholds: Vec<f64>,
    inside: Vec<bool>,
    times: Vec<Option<f64>>,
    distances: Vec<f64>,
    scratch: Vec<f64>,
    probe: Vec<f64>,
}

impl<'a> Convergence<'a> {
    pub(super) fn new(
        layout: &'a StateLayout,
        equilibrium: &'a [f64],
        t0: f64,
        y0: &[f64],
    ) -> Self {
        let columns = layout.columns();
        let mut convergence = Self {
            layout,
            equilibrium,
            thresholds: Vec::new(),
            inside: vec![false; columns],
            times: vec![None; columns],
            distances: vec![0.0; columns],
            scratch: vec![0.0; y0.len()],
            probe: vec![0.0; y0.len()],
        };
        convergence.measure(y0);
        convergence.thresholds = convergence.distances.iter().map(|d| FRACTION * d).collect();
        for column in 0..columns {
            // Starting at the equilibrium: converged from the start.
            if convergence.distances[column] == 0.0 {
                convergence.inside[column] = true;
                convergence.times[column] = Some(t0);
            }
        }
        convergence
    }

    /// The time of convergence of every target; `None` where the run did not come close.
    pub(super) fn times(self) -> Vec<Option<f64>> {
        self.times
    }

    fn measure(&mut self, y: &[f64]) {
        for ((s, y), e) in self.scratch.iter_mut().zip(y).zip(self.equilibrium) {
            *s = y - e;
        }
        self.layout.column_norms(&self.scratch, &mut self.distances);
    }

    /// Bisection on the interpolant for the crossing of `column` inside a step.
    fn locate(&mut self, step: &mut Step<'_, '_>, column: usize) -> f64 {
        let (mut outside, mut inside) = (step.t0(), step.t1());
        // Fifty halvings reach the resolution of the times themselves.
        for _ in 0..50 {
            let middle = 0.5 * (outside + inside);
            let mut probe = std::mem::take(&mut self.probe);
            step.interpolate(middle, &mut probe);
            self.measure(&probe);
            self.probe = probe;
            if self.distances[column] > self.thresholds[column] {
                outside = middle;
            } else {
                inside = middle;
            }
        }
        inside
    }
}

impl Observer for Convergence<'_> {
    fn on_step(&mut self, step: &mut Step<'_, '_>) -> Flow {
        self.measure(step.y1());
        let now: Vec<bool> =
            self.distances.iter().zip(&self.thresholds).map(|(d, limit)| d <= limit).collect();
        for (column, now) in now.into_iter().enumerate() {
            let before = std::mem::replace(&mut self.inside[column], now);
            if !now {
                self.times[column] = None;
            } else if !before {
                self.times[column] = Some(self.locate(step, column));
            }
        }
        Flow::Continue(())
    }
}

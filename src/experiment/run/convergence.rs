//! When a run has come close to its equilibrium for good.

use crate::dynamics::StateLayout;
use crate::integrate::{Flow, Observer, Step, Stretch};

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
    end: Vec<f64>,
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
            end: vec![0.0; y0.len()],
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

    /// Bisection for the crossing of `column` between two times.
    fn locate(
        &mut self,
        (mut outside, mut inside): (f64, f64),
        column: usize,
        interpolate: &mut dyn FnMut(f64, &mut [f64]),
    ) -> f64 {
        // Fifty halvings reach the resolution of the times themselves.
        for _ in 0..50 {
            let middle = 0.5 * (outside + inside);
            let mut probe = std::mem::take(&mut self.probe);
            interpolate(middle, &mut probe);
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

    /// Takes note of the state at the end of a part of the trajectory.
    fn advance(
        &mut self,
        times: (f64, f64),
        end: &[f64],
        interpolate: &mut dyn FnMut(f64, &mut [f64]),
    ) {
        self.measure(end);
        for column in 0..self.inside.len() {
            let now = self.distances[column] <= self.thresholds[column];
            let before = std::mem::replace(&mut self.inside[column], now);
            if !now {
                self.times[column] = None;
            } else if !before {
                self.times[column] = Some(self.locate(times, column, interpolate));
                self.measure(end);
            }
        }
    }
}

impl Observer for Convergence<'_> {
    fn on_step(&mut self, step: &mut Step<'_, '_>) -> Flow {
        let times = (step.t0(), step.t1());
        let mut end = std::mem::take(&mut self.end);
        end.copy_from_slice(step.y1());
        self.advance(times, &end, &mut |t, out| step.interpolate(t, out));
        self.end = end;
        Flow::Continue(())
    }

    fn on_stretch(&mut self, stretch: &mut Stretch<'_>) -> Flow {
        let times = (stretch.t0(), stretch.t1());
        let mut end = std::mem::take(&mut self.end);
        end.copy_from_slice(stretch.y1());
        self.advance(times, &end, &mut |t, out| stretch.interpolate(t, out));
        self.end = end;
        Flow::Continue(())
    }
}

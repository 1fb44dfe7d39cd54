//! A record of the steps of a run that does not grow with it.

use std::ops::ControlFlow;

use crate::integrate::{Flow, Observer, Step};

/// Most steps kept, an even number: more than any picture shows, and less than a megabyte.
const MOST: usize = 1 << 15;

/// Ends, sizes and errors of the accepted steps: of all, or of every second, fourth, .. step of a
/// run with more than [`MOST`].
#[derive(Debug, Clone)]
pub(super) struct StepRecord {
    pub(super) times: Vec<f64>,
    pub(super) sizes: Vec<f64>,
    pub(super) errors: Vec<f64>,
    /// One of so many steps is kept, the first included.
    pub(super) stride: u64,
    seen: u64,
}

impl Default for StepRecord {
    fn default() -> Self {
        let (times, sizes, errors) = (Vec::new(), Vec::new(), Vec::new());
        Self { times, sizes, errors, stride: 1, seen: 0 }
    }
}

impl StepRecord {
    fn thin(&mut self) {
        for list in [&mut self.times, &mut self.sizes, &mut self.errors] {
            let mut keep = false;
            list.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.stride *= 2;
    }
}

impl Observer for StepRecord {
    fn on_step(&mut self, step: &mut Step<'_, '_>) -> Flow {
        if self.seen.is_multiple_of(self.stride) {
            // A full list ends before a step that the doubled stride keeps, too.
            if self.times.len() == MOST {
                self.thin();
            }
            self.times.push(step.t1());
            self.sizes.push(step.h());
            self.errors.push(step.error());
        }
        self.seen += 1;
        ControlFlow::Continue(())
    }
}

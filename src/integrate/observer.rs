//! Receivers of results while a run goes on.

use std::ops::ControlFlow;

use super::outcome::EventHit;
use super::step::Step;

/// Whether a run should go on.
pub type Flow = ControlFlow<()>;

/// Receives rows, steps and events as they happen; any of them can stop the run by returning
/// [`ControlFlow::Break`].
pub trait Observer {
    /// A row at a save time.
    fn on_row(&mut self, t: f64, y: &[f64]) -> Flow {
        let _ = (t, y);
        Flow::Continue(())
    }

    /// An accepted step, after its rows; it can be interpolated.
    fn on_step(&mut self, step: &mut Step<'_, '_>) -> Flow {
        let _ = step;
        Flow::Continue(())
    }

    /// A zero crossing, with the state there.
    fn on_event(&mut self, hit: EventHit, y: &[f64]) -> Flow {
        let _ = (hit, y);
        Flow::Continue(())
    }

    /// A stretch of a solution that is not found step by step, after its row. Solvers that take
    /// steps call [`on_step`](Self::on_step) instead.
    fn on_stretch(&mut self, stretch: &mut Stretch<'_>) -> Flow {
        let _ = stretch;
        Flow::Continue(())
    }
}

/// A stretch of a solution between two times, which can be evaluated anywhere inside.
pub struct Stretch<'s> {
    pub(crate) t0: f64,
    pub(crate) t1: f64,
    pub(crate) y1: &'s [f64],
    pub(crate) evaluate: &'s mut dyn FnMut(f64, &mut [f64]),
}

impl Stretch<'_> {
    /// Where it begins.
    #[must_use]
    pub fn t0(&self) -> f64 {
        self.t0
    }

    /// Where it ends.
    #[must_use]
    pub fn t1(&self) -> f64 {
        self.t1
    }

    /// The state at its end.
    #[must_use]
    pub fn y1(&self) -> &[f64] {
        self.y1
    }

    /// Writes the state at `t` to `out`.
    pub fn interpolate(&mut self, t: f64, out: &mut [f64]) {
        (self.evaluate)(t, out);
    }
}

/// Ignores everything.
impl Observer for () {}

/// Keeps every row in memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trajectory {
    /// Times of the rows.
    pub times: Vec<f64>,
    /// States, one row after the other.
    pub states: Vec<f64>,
    /// Components of a state.
    pub dim: usize,
}

impl Trajectory {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// State of row `index`.
    #[must_use]
    pub fn state(&self, index: usize) -> &[f64] {
        &self.states[index * self.dim..(index + 1) * self.dim]
    }

    /// State of the last row.
    #[must_use]
    pub fn last(&self) -> Option<&[f64]> {
        (!self.is_empty()).then(|| self.state(self.len() - 1))
    }
}

impl Observer for Trajectory {
    fn on_row(&mut self, t: f64, y: &[f64]) -> Flow {
        self.dim = y.len();
        self.times.push(t);
        self.states.extend_from_slice(y);
        Flow::Continue(())
    }
}

/// Sizes of accepted steps, for the record of a run: of every step, or where there are more than
/// [`MOST`](Self::MOST) of every second, fourth, .. step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepSizes {
    /// Ends of the steps.
    pub times: Vec<f64>,
    /// Signed sizes.
    pub sizes: Vec<f64>,
    /// Local error estimates in units of the tolerance.
    pub errors: Vec<f64>,
    /// Steps seen.
    seen: u64,
    /// How often the record was thinned to half.
    halvings: u32,
}

impl StepSizes {
    /// Steps kept at most, an even number: more than any picture shows, and less than a megabyte.
    pub const MOST: usize = 1 << 15;

    /// One of so many steps is kept, the first included.
    #[must_use]
    pub fn stride(&self) -> u64 {
        1 << self.halvings
    }

    fn thin(&mut self) {
        for values in [&mut self.times, &mut self.sizes, &mut self.errors] {
            let mut is_kept = false;
            values.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
        }
        self.halvings += 1;
    }
}

impl Observer for StepSizes {
    fn on_step(&mut self, step: &mut Step<'_, '_>) -> Flow {
        let is_kept = self.seen.is_multiple_of(self.stride());
        self.seen += 1;
        if is_kept {
            if self.times.len() == Self::MOST {
                self.thin();
            }
            self.times.push(step.t1());
            self.sizes.push(step.h());
            self.errors.push(step.error());
        }
        Flow::Continue(())
    }
}

/// Passes everything to two observers; stops when either does.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn on_row(&mut self, t: f64, y: &[f64]) -> Flow {
        let first = self.0.on_row(t, y);
        self.1.on_row(t, y)?;
        first
    }

    fn on_step(&mut self, step: &mut Step<'_, '_>) -> Flow {
        let first = self.0.on_step(step);
        self.1.on_step(step)?;
        first
    }

    fn on_event(&mut self, hit: EventHit, y: &[f64]) -> Flow {
        let first = self.0.on_event(hit, y);
        self.1.on_event(hit, y)?;
        first
    }

    fn on_stretch(&mut self, stretch: &mut Stretch<'_>) -> Flow {
        let first = self.0.on_stretch(stretch);
        self.1.on_stretch(stretch)?;
        first
    }
}

/// Passes everything on where there is an observer.
impl<O: Observer> Observer for Option<O> {
    fn on_row(&mut self, t: f64, y: &[f64]) -> Flow {
        self.as_mut().map_or(Flow::Continue(()), |observer| observer.on_row(t, y))
    }

    fn on_step(&mut self, step: &mut Step<'_, '_>) -> Flow {
        self.as_mut().map_or(Flow::Continue(()), |observer| observer.on_step(step))
    }

    fn on_event(&mut self, hit: EventHit, y: &[f64]) -> Flow {
        self.as_mut().map_or(Flow::Continue(()), |observer| observer.on_event(hit, y))
    }

    fn on_stretch(&mut self, stretch: &mut Stretch<'_>) -> Flow {
        self.as_mut().map_or(Flow::Continue(()), |observer| observer.on_stretch(stretch))
    }
}

impl<O: Observer + ?Sized> Observer for &mut O {
    fn on_row(&mut self, t: f64, y: &[f64]) -> Flow {
        (**self).on_row(t, y)
    }

    fn on_step(&mut self, step: &mut Step<'_, '_>) -> Flow {
        (**self).on_step(step)
    }

    fn on_event(&mut self, hit: EventHit, y: &[f64]) -> Flow {
        (**self).on_event(hit, y)
    }

    fn on_stretch(&mut self, stretch: &mut Stretch<'_>) -> Flow {
        (**self).on_stretch(stretch)
    }
}

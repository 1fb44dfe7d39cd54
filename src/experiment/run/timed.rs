//! The time that watching a run takes, so that it can be told from that of the integration.

use std::time::{Duration, Instant};

use crate::integrate::{EventHit, Flow, Observer, Step, Stretch};

/// Passes everything on to another observer and adds up how long that takes.
pub(super) struct Timed<O> {
    observer: O,
    spent: Duration,
}

impl<O: Observer> Timed<O> {
    pub(super) fn new(observer: O) -> Self {
        Self { observer, spent: Duration::ZERO }
    }

    /// Time spent in the observer.
    pub(super) fn spent(&self) -> Duration {
        self.spent
    }

    fn pass(&mut self, call: impl FnOnce(&mut O) -> Flow) -> Flow {
        let began = Instant::now();
        let flow = call(&mut self.observer);
        self.spent += began.elapsed();
        flow
    }
}

impl<O: Observer> Observer for Timed<O> {
    fn on_row(&mut self, t: f64, y: &[f64]) -> Flow {
        self.pass(|observer| observer.on_row(t, y))
    }

    fn on_step(&mut self, step: &mut Step<'_, '_>) -> Flow {
        self.pass(|observer| observer.on_step(step))
    }

    fn on_event(&mut self, hit: EventHit, y: &[f64]) -> Flow {
        self.pass(|observer| observer.on_event(hit, y))
    }

    fn on_stretch(&mut self, stretch: &mut Stretch<'_>) -> Flow {
        self.pass(|observer| observer.on_stretch(stretch))
    }
}

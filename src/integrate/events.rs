//! Events: zero crossings of functions of the state.

use super::outcome::EventHit;
use super::step::Step;

/// Which crossings count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// All of them.
    #[default]
    Both,
    /// From negative to positive, in the direction of integration.
    Rising,
    /// From positive to negative, in the direction of integration.
    Falling,
}

/// A function `g(t, y)`.
pub type EventFunction<'a> = Box<dyn Fn(f64, &[f64]) -> f64 + Send + Sync + 'a>;

/// A function `g(t, y)` whose zeros are located on the continuous extension.
///
/// The extension is sampled at eight points of every step, so a pair of crossings is found unless
/// both lie within one eighth of a step. A zero at the very start does not count.
pub struct Event<'a> {
    /// Name for reports.
    pub name: String,
    /// The function.
    pub function: EventFunction<'a>,
    /// Which crossings count.
    pub direction: Direction,
    /// Whether a crossing that counts ends the run there.
    pub terminal: bool,
}

impl<'a> Event<'a> {
    /// An event in both directions that does not end the run.
    pub fn new(
        name: impl Into<String>,
        function: impl Fn(f64, &[f64]) -> f64 + Send + Sync + 'a,
    ) -> Self {
        let function = Box::new(function);
        Self { name: name.into(), function, direction: Direction::Both, terminal: false }
    }

    /// Falls through zero when the distance of the components `range` from `target` falls below
    /// `radius` (Euclidean). The last such crossing of a run is a convergence time.
    pub fn within(
        name: impl Into<String>,
        range: std::ops::Range<usize>,
        target: Vec<f64>,
        radius: f64,
    ) -> Self {
        Self::new(name, move |_, y| {
            let differences = y[range.clone()].iter().zip(&target).map(|(y, x)| (y - x).powi(2));
            differences.sum::<f64>().sqrt() - radius
        })
    }

    /// Only in this direction.
    #[must_use]
    pub fn in_direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Ending the run.
    #[must_use]
    pub fn ending_the_run(mut self) -> Self {
        self.terminal = true;
        self
    }

    /// The same event, borrowing its function.
    pub(crate) fn borrowed(&self) -> Event<'_> {
        Event {
            name: self.name.clone(),
            function: Box::new(|t, y| (self.function)(t, y)),
            direction: self.direction,
            terminal: self.terminal,
        }
    }

    fn counts(&self, rising: bool) -> bool {
        match self.direction {
            Direction::Both => true,
            Direction::Rising => rising,
            Direction::Falling => !rising,
        }
    }
}

/// Intervals per step between which signs are compared.
const SAMPLES: u32 = 8;

/// Finds the crossings of each step.
pub(crate) struct EventScan<'a, 'e> {
    events: &'e [Event<'a>],
    /// Value of each event at the last sample.
    values: Vec<f64>,
    y: Vec<f64>,
    hits: Vec<EventHit>,
}

impl<'a, 'e> EventScan<'a, 'e> {
    pub(crate) fn new(events: &'e [Event<'a>], t0: f64, y0: &[f64]) -> Self {
        let values = events.iter().map(|e| (e.function)(t0, y0)).collect();
        Self { events, values, y: y0.to_vec(), hits: Vec::with_capacity(4 * events.len()) }
    }

    /// Finds the crossings of a step in the order of integration, up to the first that ends the run.
    pub(crate) fn scan(&mut self, step: &mut Step<'_, '_>) {
        let (t0, t1) = (step.t0(), step.t1());
        self.scan_between(t0, t1, &mut |t, y| step.interpolate(t, y));
    }

    /// The same between two times of any solution that can be evaluated there.
    pub(crate) fn scan_between(
        &mut self,
        t0: f64,
        t1: f64,
        evaluate: &mut dyn FnMut(f64, &mut [f64]),
    ) {
        self.hits.clear();
        if self.events.is_empty() {
            return;
        }
        let mut left = t0;
        for sample in 1..=SAMPLES {
            let right = if sample == SAMPLES {
                t1
            } else {
                t0 + (t1 - t0) * f64::from(sample) / f64::from(SAMPLES)
            };
            evaluate(right, &mut self.y);
            for (index, event) in self.events.iter().enumerate() {
                let value = (event.function)(right, &self.y);
                let before = std::mem::replace(&mut self.values[index], value);
                let rising = before < 0.0 && value >= 0.0;
                let falling = before > 0.0 && value <= 0.0;
                if (rising || falling) && event.counts(rising) {
                    let mut g = |t: f64| {
                        evaluate(t, &mut self.y);
                        (event.function)(t, &self.y)
                    };
                    let t = crossing(&mut g, (left, before), (right, value));
                    self.hits.push(EventHit { event: index, t, rising });
                    // The remaining events of this sample look at its end again.
                    evaluate(right, &mut self.y);
                }
            }
            left = right;
        }
        let direction = (t1 - t0).signum();
        self.hits.sort_by(|a, b| ((a.t - b.t) * direction).total_cmp(&0.0));
        let last = self.hits.iter().position(|hit| self.events[hit.event].terminal);
        self.hits.truncate(last.map_or(self.hits.len(), |last| last + 1));
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The crossings of the last step scanned.
    pub(crate) fn hits(&self) -> &[EventHit] {
        &self.hits
    }

    /// The event that ends the run within the last step scanned.
    pub(crate) fn terminal(&self) -> Option<EventHit> {
        self.hits.last().copied().filter(|hit| self.events[hit.event].terminal)
    }
}

/// Narrows a bracket to neighbouring numbers, or as near as the function tells signs apart, with
/// the interpolate-truncate-project method (Oliveira & Takahashi 2020, ACM TOMS 47:5): never
/// more steps than bisection plus one. Returns the end after the crossing.
fn crossing(g: &mut impl FnMut(f64) -> f64, from: (f64, f64), to: (f64, f64)) -> f64 {
    let ((mut a, mut ga), (mut b, mut gb)) = (from, to);
    let resolution = 2.0 * f64::EPSILON * a.abs().max(b.abs());
    let width = (b - a).abs();
    let mut allowance = resolution.max(width * 2f64.powi(-60))
        * 2f64.powi(i32::try_from(bisections(width, resolution)).expect("at most 62") + 1);
    for _ in 0..=bisections(width, resolution) + 3 {
        if gb == 0.0 || (b - a).abs() <= resolution {
            break;
        }
        let middle = 0.5 * (a + b);
        let radius = (0.5 * (allowance - (b - a).abs())).max(0.0);
        allowance *= 0.5;
        let falsi = (gb * a - ga * b) / (gb - ga);
        let toward = (middle - falsi).signum();
        // Truncation 0.2 / width * (b - a)^2: their kappa_1 and kappa_2.
        let truncation = 0.2 / width * (b - a).powi(2);
        let truncated =
            if truncation <= (middle - falsi).abs() { falsi + toward * truncation } else { middle };
        let t =
            if (truncated - middle).abs() <= radius { truncated } else { middle - toward * radius };
        // A root next to an end is boxed in from the other side.
        let nudge = resolution.copysign(b - a);
        let t = if (b - a).abs() <= 2.0 * resolution {
            middle
        } else if (t - a).abs() < resolution {
            a + nudge
        } else if (t - b).abs() < resolution {
            b - nudge
        } else {
            t
        };
        if t == a || t == b {
            break;
        }
        let value = g(t);
        if value == 0.0 || (value > 0.0) == (gb > 0.0) {
            (b, gb) = (t, value);
        } else {
            (a, ga) = (t, value);
        }
    }
    b
}

/// Halvings that take `width` to `resolution`, at most 60.
fn bisections(width: f64, resolution: f64) -> u32 {
    (width / resolution).log2().ceil().clamp(1.0, 60.0) as u32
}

//! Limit cycles around an unstable equilibrium, from integration with events.

use std::f64::consts::TAU;
use std::ops::ControlFlow;

use nalgebra::{Complex, DMatrix, DVector};

use crate::dynamics::VectorField;
use crate::integrate::{
    DOP853, Direction, Event, EventHit, Flow, IntegrateError, Observer, Options, Run, SaveAt,
    Status,
};
use crate::linalg::LinalgError;
use crate::linalg::eigen::{EigenOptions, eigen};

/// Rows over one period from which extreme values are taken; the parabola through the highest three
/// leaves an error of about `(pi/ROWS)^4` of the amplitude.
const ROWS: usize = 1024;
/// An orbit that shrank to this share of its first distance returns to the equilibrium.
const SHRUNK: f64 = 1e-3;

/// How a limit cycle is sought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitCycleOptions {
    /// Distance of the start from the equilibrium, along the unstable pair.
    pub kick: f64,
    /// Two returns count as equal when period and state agree to this share.
    pub tolerance: f64,
    /// Cap on the number of returns, and on the time in periods of the linearisation.
    pub max_periods: usize,
    /// Relative tolerance of the integration; the absolute one is a hundredth of it.
    pub rtol: f64,
}

impl Default for LimitCycleOptions {
    fn default() -> Self {
        Self { kick: 0.01, tolerance: 1e-8, max_periods: 2000, rtol: 1e-11 }
    }
}

/// A stable limit cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitCycle {
    /// Its period, s.
    pub period: f64,
    /// Half the distance of the extreme values of every component.
    pub amplitude: Vec<f64>,
    /// Largest value of every component.
    pub maximum: Vec<f64>,
    /// Smallest value of every component.
    pub minimum: Vec<f64>,
    /// A point on it.
    pub state: Vec<f64>,
    /// Returns until it repeated.
    pub returns: usize,
    /// Relative difference of the last two returns.
    pub change: f64,
}

/// No limit cycle was found.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LimitCycleError {
    /// An option is out of range.
    #[error("{option} = {value} is not allowed; it must be finite and positive")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        value: f64,
    },
    /// The equilibrium does not repel along a complex pair.
    #[error(
        "the equilibrium has no unstable complex pair (leading eigenvalue {leading}), \
         so no cycle starts from it"
    )]
    NotOscillatory {
        /// The eigenvalue with the largest real part.
        leading: Complex<f64>,
    },
    /// The orbit comes back to the equilibrium or goes to another one.
    #[error(
        "after {returns} returns the orbit settles at rest (time {time:.1} s) instead of cycling"
    )]
    Settled {
        /// Returns to the section.
        returns: usize,
        /// Time reached, s.
        time: f64,
    },
    /// The returns do not repeat.
    #[error(
        "no cycle after {returns} returns (time {time:.1} s): the last two differ by {change:.1e}; \
         convergence is slow near the Hopf point, and orbits that are not periodic never repeat"
    )]
    NotConverged {
        /// Returns to the section.
        returns: usize,
        /// Time reached, s.
        time: f64,
        /// Relative difference of the last two returns.
        change: f64,
    },
    /// The integration broke down; a subcritical Hopf point often has orbits that run away.
    #[error("the orbit could not be followed: {0}")]
    Integrate(#[from] IntegrateError),
    /// The eigenvectors of the equilibrium could not be computed.
    #[error("the unstable pair of the equilibrium could not be computed: {0}")]
    Linalg(#[from] LinalgError),
}

/// The stable limit cycle that orbits from next to the unstable equilibrium `y` end on.
///
/// The orbit starts `kick` away along the unstable pair. Returns are the upward crossings of the
/// plane `Im <p, x - y> = 0` with `p` the left eigenvector of the pair: near the equilibrium it is
/// crossed once per turn. The orbit is a cycle when two returns agree. Every such cycle is stable,
/// as it is reached by integration forward in time; unstable cycles are not found.
///
/// # Errors
/// An equilibrium that does not oscillate, orbits that settle, run away or do not repeat.
pub fn limit_cycle(
    field: &dyn VectorField,
    y: &[f64],
    options: &LimitCycleOptions,
) -> Result<LimitCycle, LimitCycleError> {
    let numbers =
        [("kick", options.kick), ("tolerance", options.tolerance), ("rtol", options.rtol)];
    if let Some((option, value)) = numbers.into_iter().find(|(_, x)| !(x.is_finite() && *x > 0.0)) {
        return Err(LimitCycleError::Option { option, value });
    }
    let pair = unstable_pair(field, y)?;
    let start: Vec<f64> =
        y.iter().zip(&pair.direction).map(|(y, d)| y + options.kick * d).collect();
    let event = section(&pair.phase, y);
    let end = options.max_periods as f64 * TAU / pair.frequency;
    let accuracy = Options::with_tolerances(options.rtol, 1e-2 * options.rtol);
    let run = Run::new(field, &DOP853, (0.0, end), &start).options(accuracy.clone()).event(event);
    let mut returns = Returns::new(y, options);
    let outcome = run.integrate(&mut returns)?;
    let count = returns.count;
    if returns.settled || (count < 2 && outcome.status == Status::Complete) {
        return Err(LimitCycleError::Settled { returns: count, time: outcome.t });
    }
    let (Some(period), true) = (returns.period, returns.repeated) else {
        let change = returns.change;
        return Err(LimitCycleError::NotConverged { returns: count, time: outcome.t, change });
    };
    let state = returns.state;
    let (minimum, maximum) = extremes(field, &state, period, accuracy)?;
    let amplitude = minimum.iter().zip(&maximum).map(|(low, high)| 0.5 * (high - low)).collect();
    let change = returns.change;
    Ok(LimitCycle { period, amplitude, maximum, minimum, state, returns: count, change })
}

/// The unstable pair: real direction, left vector, frequency.
struct Pair {
    direction: Vec<f64>,
    phase: DVector<Complex<f64>>,
    frequency: f64,
}

fn unstable_pair(field: &dyn VectorField, y: &[f64]) -> Result<Pair, LimitCycleError> {
    let mut jacobian = DMatrix::zeros(y.len(), y.len());
    field.jacobian(0.0, y, &mut jacobian);
    let spectrum = eigen(&jacobian, &EigenOptions { conditions: false, vectors: true })?;
    let found = spectrum.values.iter().position(|l| l.re > 0.0 && l.im > 0.0);
    let (Some(k), Some(right), Some(left)) = (found, &spectrum.right, &spectrum.left) else {
        let leading = spectrum.values.first().copied().unwrap_or_default();
        return Err(LimitCycleError::NotOscillatory { leading });
    };
    let direction = right.column(k).map(|z| z.re);
    let phase = left.column(k).into_owned();
    let frequency = spectrum.values[k].im;
    Ok(Pair { direction: direction.as_slice().to_vec(), phase, frequency })
}

fn section<'a>(phase: &DVector<Complex<f64>>, y: &[f64]) -> Event<'a> {
    // Im <p, x - y>: only the imaginary part of p enters, as x is real.
    let weights: Vec<f64> = phase.iter().map(|p| -p.im).collect();
    let offset: f64 = weights.iter().zip(y).map(|(w, y)| w * y).sum();
    Event::new("return", move |_, x| {
        weights.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() - offset
    })
    .in_direction(Direction::Rising)
}

/// Compares each return with the one before it.
struct Returns<'a> {
    equilibrium: &'a [f64],
    options: &'a LimitCycleOptions,
    count: usize,
    time: f64,
    state: Vec<f64>,
    first_distance: f64,
    period: Option<f64>,
    change: f64,
    repeated: bool,
    settled: bool,
}

impl<'a> Returns<'a> {
    fn new(equilibrium: &'a [f64], options: &'a LimitCycleOptions) -> Self {
        Self {
            equilibrium,
            options,
            count: 0,
            time: 0.0,
            state: Vec::new(),
            first_distance: 0.0,
            period: None,
            change: f64::INFINITY,
            repeated: false,
            settled: false,
        }
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

impl Observer for Returns<'_> {
    fn on_event(&mut self, hit: EventHit, y: &[f64]) -> Flow {
        self.count += 1;
        let size = distance(y, self.equilibrium);
        if self.count == 1 {
            self.first_distance = size;
        } else {
            let period = hit.t - self.time;
            let moved = distance(y, &self.state) / size;
            let stretched =
                self.period.map_or(f64::INFINITY, |last| (period - last).abs() / period);
            self.change = moved.max(stretched);
            self.period = Some(period);
        }
        self.time = hit.t;
        self.state = y.to_vec();
        self.settled = size <= SHRUNK * self.first_distance;
        self.repeated = self.change <= self.options.tolerance;
        let over = self.settled || self.repeated || self.count >= self.options.max_periods;
        if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Smallest and largest value of every component over one period from `state`.
fn extremes(
    field: &dyn VectorField,
    state: &[f64],
    period: f64,
    accuracy: Options,
) -> Result<(Vec<f64>, Vec<f64>), LimitCycleError> {
    let run = Run::new(field, &DOP853, (0.0, period), state)
        .options(accuracy)
        .save_at(SaveAt::Every(period / ROWS as f64));
    let (rows, _) = run.trajectory()?;
    // The row at the end of the period is the first one again.
    let extreme = |component: usize, sign: f64| {
        let value = |row: usize| sign * rows.state(row % ROWS)[component];
        let best = (0..ROWS).fold(0, |b, row| if value(row) > value(b) { row } else { b });
        let (left, middle, right) = (value(best + ROWS - 1), value(best), value(best + 1));
        let bend = left - 2.0 * middle + right;
        let rise = 0.5 * (right - left);
        let top = if bend < 0.0 { middle - 0.5 * rise * rise / bend } else { middle };
        sign * top
    };
    let components = 0..state.len();
    Ok(components.map(|k| (extreme(k, -1.0), extreme(k, 1.0))).unzip())
}

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

    /// Logarithm of the distance over its threshold: close to a straight line in time where one
    /// mode decays, and negative once converged.
    fn excess(&self, column: usize, y: &[f64]) -> f64 {
        let squares = self.layout.blocks().iter().map(|block| {
            let range = block.column_range(column);
            let parts = y[range.clone()].iter().zip(&self.equilibrium[range]);
            parts.map(|(y, e)| (y - e) * (y - e)).sum::<f64>()
        });
        let distance = squares.sum::<f64>().sqrt();
        (distance / self.thresholds[column]).max(f64::MIN_POSITIVE).ln()
    }

    /// The crossings of `columns` between two times, by the Illinois rule. Every state that is
    /// looked at narrows the brackets of all columns: evaluating it is what costs.
    fn locate(
        &mut self,
        (start, end): (f64, f64),
        columns: &[usize],
        interpolate: &mut dyn FnMut(f64, &mut [f64]),
    ) {
        let mut probe = std::mem::take(&mut self.probe);
        let mut brackets: Vec<Bracket> = Vec::with_capacity(columns.len());
        for t in [start, end] {
            interpolate(t, &mut probe);
            for (k, column) in columns.iter().enumerate() {
                let point = (t, self.excess(*column, &probe));
                match brackets.get_mut(k) {
                    Some(bracket) => bracket.inside = point,
                    None => brackets.push(Bracket { outside: point, inside: point, run: 0 }),
                }
            }
        }
        for k in 0..columns.len() {
            for _ in 0..MOST_PROBES {
                if brackets[k].is_narrow() {
                    break;
                }
                let t = brackets[k].next();
                interpolate(t, &mut probe);
                for (bracket, column) in brackets[k..].iter_mut().zip(&columns[k..]) {
                    bracket.take((t, self.excess(*column, &probe)));
                }
            }
            self.times[columns[k]] = Some(brackets[k].inside.0);
        }
        self.probe = probe;
    }

    /// Takes note of the state at the end of a part of the trajectory.
    fn advance(
        &mut self,
        times: (f64, f64),
        end: &[f64],
        interpolate: &mut dyn FnMut(f64, &mut [f64]),
    ) {
        self.measure(end);
        let mut entered = Vec::new();
        for column in 0..self.inside.len() {
            let now = self.distances[column] <= self.thresholds[column];
            let before = std::mem::replace(&mut self.inside[column], now);
            if !now {
                self.times[column] = None;
            } else if !before {
                entered.push(column);
            }
        }
        if !entered.is_empty() {
            self.locate(times, &entered, interpolate);
        }
    }
}

/// States looked at per crossing at most: halvings alone would reach the resolution of the times
/// themselves; interpolation takes about five.
const MOST_PROBES: usize = 60;

/// Logarithmic distance from the threshold at which a crossing counts as found.
const CLOSE: f64 = 1e-12;

/// Times on either side of a crossing, each with its [`Convergence::excess`].
struct Bracket {
    outside: (f64, f64),
    inside: (f64, f64),
    /// How often in a row the same end has moved: positive for the outer one.
    run: i32,
}

impl Bracket {
    fn is_narrow(&self) -> bool {
        let middle = 0.5 * (self.outside.0 + self.inside.0);
        self.inside.1 >= -CLOSE || middle == self.outside.0 || middle == self.inside.0
    }

    /// Where the line through the two ends crosses, an end that stays put counting half with every
    /// move of the other; the middle where that is no point between them.
    fn next(&self) -> f64 {
        let ((a, fa), (b, fb)) = (self.outside, self.inside);
        let stale = 0.5f64.powi(self.run.abs() - 1).min(1.0);
        let (fa, fb) = if self.run > 0 { (fa, stale * fb) } else { (stale * fa, fb) };
        let t = a + (b - a) * (fa / (fa - fb));
        if (t - a) * (t - b) < 0.0 { t } else { 0.5 * (a + b) }
    }

    /// Moves one end to a point, if it lies between the ends.
    fn take(&mut self, point: (f64, f64)) {
        if (point.0 - self.outside.0) * (point.0 - self.inside.0) >= 0.0 {
            return;
        }
        if point.1 > 0.0 {
            self.outside = point;
            self.run = self.run.max(0) + 1;
        } else {
            self.inside = point;
            self.run = self.run.min(0) - 1;
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

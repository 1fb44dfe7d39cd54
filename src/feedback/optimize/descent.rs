//! Limited-memory quasi-Newton descent with a safeguarded line search.

use std::collections::VecDeque;

use nalgebra::DMatrix;

use super::OptimizeError;

/// Pairs of steps and gradient changes that are remembered (Nocedal & Wright, Numerical
/// Optimization, section 7.2, recommend 3 to 20).
const MEMORY: usize = 10;
/// Share of the predicted decrease that a step must achieve.
const SUFFICIENT: f64 = 1e-4;
/// Share of the slope that may remain after a step.
const CURVATURE: f64 = 0.9;
/// Trials of one line search: enough to shrink a step by 2^-40.
const MAX_TRIALS: usize = 40;
/// A step that lowers the value by less, relative to its distance from the aim, has stalled.
const STALLED: f64 = 1e-10;

/// One remembered step.
struct Pair {
    step: DMatrix<f64>,
    change: DMatrix<f64>,
    inverse_product: f64,
}

/// A descent at its current point.
pub(super) struct Descent {
    pub point: DMatrix<f64>,
    pub value: f64,
    gradient: DMatrix<f64>,
    pairs: VecDeque<Pair>,
}

impl Descent {
    pub(super) fn new(point: DMatrix<f64>, value: f64, gradient: DMatrix<f64>) -> Self {
        Self { point, value, gradient, pairs: VecDeque::new() }
    }

    /// Takes one step that lowers the value; `false` when there is none worth taking. A step along
    /// the gradient has the length at which a linear function would fall to `aim`.
    ///
    /// Points at which `evaluate` fails are treated as too far away.
    pub(super) fn step(
        &mut self,
        aim: f64,
        evaluate: impl Fn(&DMatrix<f64>) -> Result<(f64, DMatrix<f64>), OptimizeError>,
    ) -> bool {
        let square = self.gradient.norm_squared();
        if !(square > 0.0 && square.is_finite()) {
            return false;
        }
        let mut found = None;
        if !self.pairs.is_empty() {
            let direction = self.quasi_newton();
            found = self.search(&direction, 1.0, &evaluate);
        }
        if found.is_none() {
            // There is no model of the curvature yet, or it misleads.
            self.pairs.clear();
            let direction = -&self.gradient;
            found = self.search(&direction, (self.value - aim).abs() / square, &evaluate);
        }
        let Some((point, value, gradient)) = found else { return false };
        let worthwhile = self.value - value > STALLED * (self.value - aim).abs();
        self.remember(&point - &self.point, &gradient - &self.gradient);
        (self.point, self.value, self.gradient) = (point, value, gradient);
        worthwhile
    }

    /// The two-loop recursion for `-H g` (Nocedal & Wright, algorithm 7.4).
    fn quasi_newton(&self) -> DMatrix<f64> {
        let mut direction = -&self.gradient;
        let mut factors = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let factor = pair.inverse_product * pair.step.dot(&direction);
            direction -= &pair.change * factor;
            factors.push(factor);
        }
        if let Some(last) = self.pairs.back() {
            direction /= last.inverse_product * last.change.norm_squared();
        }
        for (pair, factor) in self.pairs.iter().zip(factors.into_iter().rev()) {
            let correction = factor - pair.inverse_product * pair.change.dot(&direction);
            direction += &pair.step * correction;
        }
        direction
    }

    fn remember(&mut self, step: DMatrix<f64>, change: DMatrix<f64>) {
        let product = step.dot(&change);
        if product <= 1e-12 * step.norm() * change.norm() {
            return;
        }
        if self.pairs.len() == MEMORY {
            self.pairs.pop_front();
        }
        self.pairs.push_back(Pair { step, change, inverse_product: 1.0 / product });
    }

    /// Bisection and doubling for a step that lowers both value and slope enough, in the order of
    /// Lewis & Overton (Math. Program. 141, 2013), which also copes with kinks. The longest step
    /// tried that lowers the value enough is taken when the slope stays too steep.
    fn search(
        &self,
        direction: &DMatrix<f64>,
        mut length: f64,
        evaluate: impl Fn(&DMatrix<f64>) -> Result<(f64, DMatrix<f64>), OptimizeError>,
    ) -> Option<(DMatrix<f64>, f64, DMatrix<f64>)> {
        let slope = direction.dot(&self.gradient);
        if !(slope < 0.0 && length > 0.0 && length.is_finite()) {
            return None;
        }
        let (mut short, mut long) = (0.0, f64::INFINITY);
        let mut best = None;
        for _ in 0..MAX_TRIALS {
            let point = &self.point + direction * length;
            let trial = evaluate(&point).ok().filter(|(value, _)| {
                *value <= self.value + SUFFICIENT * length * slope && *value < self.value
            });
            match trial {
                None => long = length,
                Some((value, gradient)) => {
                    let flat = direction.dot(&gradient) >= CURVATURE * slope;
                    best = Some((point, value, gradient));
                    if flat {
                        return best;
                    }
                    short = length;
                }
            }
            length = if long.is_finite() { 0.5 * (short + long) } else { 2.0 * short };
            // What is left of the interval is no longer worth an evaluation.
            if best.is_some() && long - short < 0.1 * long {
                break;
            }
        }
        best
    }
}

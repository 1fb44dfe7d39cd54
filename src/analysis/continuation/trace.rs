//! Following a branch step by step.

use nalgebra::DVector;

use super::locate::{Segment, locate};
use super::system::{NoPoint, Point, System};
use super::{
    Branch, BranchEnd, BranchPoint, ContinuationError, ContinuationMethod, ContinuationOptions,
    Family,
};

/// Steps shorter than this share of the range end the branch.
const SMALLEST_STEP: f64 = 1e-9;
/// Longest step in units of the first.
const LARGEST_GROWTH: f64 = 5.0;
/// Cosine of the largest turn of the tangent within one step: about 26 degrees.
const LARGEST_TURN: f64 = 0.9;
/// Newton iterations up to which a step may grow, and beyond which it shrinks.
const EASY: usize = 3;
const HARD: usize = 6;
/// Share of the norm of the Jacobian within which a real part counts as zero.
const AXIS: f64 = 1e-12;

/// Follows the equilibrium of `family` near `start` from the parameter `from` to `to`.
///
/// The branch ends at `to`, or earlier as [`Branch::end`] says. With pseudo-arclength it may pass
/// folds; it then stays within the range of the parameter.
///
/// # Errors
/// Options out of range, a system that cannot be built or has another size, no equilibrium at the
/// start, eigenvalues that cannot be computed, a bifurcation that was seen but not located.
pub fn continue_equilibrium<'a>(
    family: &'a Family<'a>,
    start: &[f64],
    from: f64,
    to: f64,
    options: &ContinuationOptions,
) -> Result<Branch, ContinuationError> {
    check(from, to, options)?;
    let width = (to - from).abs();
    let system = System::new(family, start, width);
    let axis = system.parameter_axis((to - from).signum());
    let guess = Point { y: DVector::from_column_slice(start), p: from };
    let point = match system.correct(&guess, &axis) {
        Ok((point, _)) => Point { p: from, ..point },
        Err(NoPoint::Failed(error)) => return Err(error),
        Err(NoPoint::Diverged { iterations, residual }) => {
            return Err(ContinuationError::Start { parameter: from, iterations, residual });
        }
    };
    let tangent = system.tangent(&point, &axis)?;
    let first = branch_point(&system, &point, 0.0)?;
    let step = options.first_step.unwrap_or(0.01 * width).min(width);
    let branch =
        Branch { points: vec![first], bifurcations: Vec::new(), end: BranchEnd::MaxPoints };
    let trace = Trace { system, axis, from, to, options, point, tangent, step, branch };
    trace.run(LARGEST_GROWTH * step)
}

fn check(from: f64, to: f64, options: &ContinuationOptions) -> Result<(), ContinuationError> {
    let refuse =
        |option, value, requirement| Err(ContinuationError::Option { option, value, requirement });
    if !from.is_finite() {
        return refuse("from", from, "finite");
    }
    if !(to.is_finite() && to != from) {
        return refuse("to", to, "finite and different from `from`");
    }
    if let Some(step) = options.first_step.filter(|h| !(h.is_finite() && *h > 0.0)) {
        return refuse("first_step", step, "finite and positive");
    }
    if options.max_points < 2 {
        return refuse("max_points", options.max_points as f64, "at least 2");
    }
    if !(options.tolerance.is_finite() && options.tolerance > 0.0) {
        return refuse("tolerance", options.tolerance, "finite and positive");
    }
    Ok(())
}

/// The point with its spectrum.
pub(super) fn branch_point(
    system: &System<'_>,
    point: &Point,
    arclength: f64,
) -> Result<BranchPoint, ContinuationError> {
    let spectrum = system.spectrum(point)?;
    let axis = AXIS * spectrum.balanced_norm;
    Ok(BranchPoint {
        parameter: point.p,
        y: point.y.as_slice().to_vec(),
        arclength,
        unstable: spectrum.values.iter().filter(|l| l.re > axis).count(),
        eigenvalues: spectrum.values,
    })
}

struct Trace<'a, 'o> {
    system: System<'a>,
    axis: Point,
    from: f64,
    to: f64,
    options: &'o ContinuationOptions,
    point: Point,
    tangent: Point,
    step: f64,
    branch: Branch,
}

/// A corrected point and how it was reached.
struct Next {
    point: Point,
    tangent: Point,
    iterations: usize,
    end: Option<BranchEnd>,
}

impl Trace<'_, '_> {
    fn run(mut self, largest: f64) -> Result<Branch, ContinuationError> {
        let smallest = SMALLEST_STEP * (self.to - self.from).abs();
        while self.branch.points.len() < self.options.max_points {
            let next = match self.attempt() {
                Ok(Some(next)) => next,
                // The corrector failed or the branch turned too much: look closer.
                failed => {
                    self.step *= 0.5;
                    if self.step >= smallest {
                        continue;
                    }
                    if let Err(NoPoint::Failed(error)) = failed {
                        return Err(error);
                    }
                    self.branch.end = BranchEnd::StepTooSmall;
                    return Ok(self.branch);
                }
            };
            let end = next.end;
            if next.iterations <= EASY {
                self.step = (1.5 * self.step).min(largest);
            } else if next.iterations > HARD {
                self.step *= 0.5;
            }
            self.accept(next)?;
            if let Some(end) = end {
                self.branch.end = end;
                return Ok(self.branch);
            }
        }
        Ok(self.branch)
    }

    /// One predictor-corrector step; `None` when the branch turns too much for it.
    fn attempt(&self) -> Result<Option<Next>, NoPoint> {
        let (direction, normal) = match self.options.method {
            ContinuationMethod::PseudoArclength => (self.tangent.clone(), &self.tangent),
            ContinuationMethod::Natural => {
                let forward = self.tangent.p * self.axis.p;
                if forward <= 0.0 {
                    return Ok(None);
                }
                let direction = Point { y: &self.tangent.y / forward, p: self.axis.p };
                (direction, &self.axis)
            }
        };
        let guess = self.point.along(&direction, self.step);
        let (mut point, mut iterations, mut end) = match self.beyond(guess.p) {
            Some((edge, end)) => {
                let (point, iterations) = self.at_edge(&guess, edge)?;
                (point, iterations, Some(end))
            }
            None => {
                let (point, iterations) = self.system.correct(&guess, normal)?;
                (point, iterations, None)
            }
        };
        if let (None, Some((edge, reached))) = (end, self.beyond(point.p)) {
            let further;
            (point, further) = self.at_edge(&point, edge)?;
            iterations = iterations.max(further);
            end = Some(reached);
        }
        let tangent = self.system.tangent(&point, &self.tangent)?;
        let turn = self.system.dot(&tangent, &self.tangent);
        Ok((turn >= LARGEST_TURN).then_some(Next { point, tangent, iterations, end }))
    }

    /// The edge of the range that `p` reaches or passes on the way from the current point.
    fn beyond(&self, p: f64) -> Option<(f64, BranchEnd)> {
        let sign = self.axis.p;
        if (p - self.to) * sign >= 0.0 {
            Some((self.to, BranchEnd::Reached))
        } else if (p - self.from) * sign < 0.0 {
            Some((self.from, BranchEnd::Returned))
        } else {
            None
        }
    }

    /// The point of the branch at the parameter `edge`, on the way to `outside`.
    fn at_edge(&self, outside: &Point, edge: f64) -> Result<(Point, usize), NoPoint> {
        let way = self.point.to(outside);
        let share = if way.p == 0.0 { 1.0 } else { (edge - self.point.p) / way.p };
        let guess = Point { p: edge, ..self.point.along(&way, share) };
        let (point, iterations) = self.system.correct(&guess, &self.axis)?;
        Ok((Point { p: edge, ..point }, iterations))
    }

    fn accept(&mut self, next: Next) -> Result<(), ContinuationError> {
        let before = self.branch.points.last().expect("a branch starts with a point");
        let length = self.system.norm(&self.point.to(&next.point));
        let after = branch_point(&self.system, &next.point, before.arclength + length)?;
        let segment = Segment {
            system: &self.system,
            start: &self.point,
            chord: self.point.to(&next.point),
            length,
            tolerance: self.options.tolerance,
            turns: self.tangent.p * next.tangent.p < 0.0,
        };
        let found = locate(&segment, before, &after, self.branch.points.len() - 1)?;
        self.branch.bifurcations.extend(found);
        self.branch.points.push(after);
        (self.point, self.tangent) = (next.point, next.tangent);
        Ok(())
    }
}

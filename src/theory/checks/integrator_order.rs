//! The order of every integrator.

use std::f64::consts::SQRT_2;

use nalgebra::DVector;

use crate::dynamics::{Dynamics, Transfer};
use crate::integrate::{DOP853, Kind, METHODS, Method, Options, Problem, Solver, Tolerances};
use crate::network::Activation;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{FeedbackKind, LoopInstance, linear_flow, loop_jacobian};

/// The claim.
pub const CHECK: Check = Check {
    id: "integrator-order",
    claim: "the error of every integrator falls with its order in the step",
    equation: r"| x_N - x(T) | = C h^p + O(h^{p+1})",
    source: "Hairer, Norsett & Wanner 1993, Solving Ordinary Differential Equations I, section II.3; docs/theory.md",
    method: "random tanh loops, and linear ones for orders of 5 and more, with steps smaller by the \
             root of 2 from run to run; slope between the last two runs above rounding",
    instances: Instances { usual: 30, thorough: 300 },
    measure: |draw| measure(draw, order),
    model: |draw| {
        let (instance, start) = draw_loop(draw)?;
        let model = instance.model(CHECK.id, Some(Activation::Tanh)).initial(&start);
        Ok(model.run("rk4", "step = 0.0625", T_END, 17))
    },
};

/// The order of a method.
pub type Formula = fn(&Method) -> f64;

/// The order under test: the one the program states.
#[must_use]
pub fn order(method: &Method) -> f64 {
    f64::from(method.order)
}

const T_END: f64 = 2.0;
/// Orders are whole numbers: one not known to better than this says nothing.
const BLUNT: f64 = 0.5;
/// Halvings of the step, in half steps: from 2 steps to 8192.
const REFINEMENTS: std::ops::RangeInclusive<u32> = 2..=26;
/// Methods of a higher order leave no room between coarse steps and rounding on nonlinear loops.
const HIGH_ORDER: u32 = 5;

fn draw_loop(draw: &mut Draw) -> Result<(LoopInstance, Vec<f64>), Obstacle> {
    let (rows, columns) = (draw.integer(2, 4), draw.integer(2, 4));
    let mut instance = LoopInstance::sized(draw, &[FeedbackKind::Certified], rows, columns)?;
    instance.parameters.tau_state = draw.uniform(0.7, 1.5);
    instance.parameters.tau_controller = draw.uniform(0.7, 1.5);
    let start = draw.vector(rows + columns, 1.0).as_slice().to_vec();
    Ok((instance, start))
}

/// A problem and its solution at the end.
struct Case<'a> {
    dynamics: &'a dyn Dynamics,
    start: &'a [f64],
    end: Vec<f64>,
    /// How well the end is known.
    noise: f64,
}

/// Draws an instance and measures it.
///
/// # Errors
/// When a solver fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let (instance, start) = draw_loop(draw)?;
    let nonlinear = instance.with_transfer(Transfer::Nonlinear { activation: Activation::Tanh })?;
    let linear = instance.dynamics()?;
    let rest = DVector::from_vec(linear.closed_form_equilibrium()?);
    let from = DVector::from_column_slice(&start);
    let end = linear_flow(&loop_jacobian(&instance.layer()), &rest, &from, T_END)?;
    let size = 1.0 + from.norm() + rest.norm();
    let noise = 16.0 * f64::EPSILON * size;
    let smooth = Case { dynamics: &linear, start: &start, end: end.as_slice().to_vec(), noise };
    let (end, noise) = reference(&nonlinear, &start)?;
    let bent = Case { dynamics: &nonlinear, start: &start, end, noise };
    let mut all = Vec::new();
    for method in METHODS.iter().filter(|m| m.kind != Kind::Switching) {
        let case = if method.order >= HIGH_ORDER { &smooth } else { &bent };
        let (slopes, noise) = slopes(case, method)?;
        let [.., first, second, third, last] = slopes.as_slice() else { continue };
        // Slopes approach the order like h: what is still missing is a geometric series. Its size is
        // taken from three changes, as one alone may be small by chance.
        let changes = [last - third, (third - second) / SQRT_2, (second - first) / 2.0];
        let change = changes.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        let error = 2.0 * change / (SQRT_2 - 1.0) + noise;
        if error > BLUNT {
            continue;
        }
        let why = "2 x changes of the slope still to come, and error of the reference over that of the run";
        let tolerance = Tolerance::truncation(error, why);
        all.push(Measurement::equal(method.name, formula(method), *last, tolerance));
    }
    Ok(all.into())
}

/// The end of a nonlinear loop by the method of order 8, and its error.
fn reference(dynamics: &dyn Dynamics, start: &[f64]) -> Result<(Vec<f64>, f64), Obstacle> {
    let run = |tolerance: f64| -> Result<Vec<f64>, Obstacle> {
        let mut problem = Problem::new(dynamics, (0.0, T_END));
        problem.y0 = start.to_vec();
        problem.options = Options::with_tolerances(tolerance, tolerance);
        Ok(problem.trajectory(Solver::Stepping(&DOP853))?.1.y)
    };
    let (rough, fine) = (run(1e-11)?, run(1e-13)?);
    Ok((fine.clone(), distance(&rough, &fine) + 1e-15))
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Slopes of the error from one step size to the next smaller by the root of 2, as long as the error
/// of the reference makes less than a tenth of difference to them; and that difference for the last.
fn slopes(case: &Case<'_>, method: &'static Method) -> Result<(Vec<f64>, f64), Obstacle> {
    let mut slopes = Vec::new();
    let mut known = f64::INFINITY;
    let mut previous: Option<(f64, f64)> = None;
    for k in REFINEMENTS {
        let steps = SQRT_2.powi(k as i32).round();
        let h = T_END / steps;
        let mut problem = Problem::new(case.dynamics, (0.0, T_END));
        problem.y0 = case.start.to_vec();
        problem.options = Options {
            // Error control is switched off by loose tolerances.
            tolerances: Tolerances::new(1e6, 1e6),
            step: Some(h),
            initial_step: Some(h),
            max_step: Some(h),
            ..Options::default()
        };
        let y = problem.trajectory(Solver::Stepping(method))?.1.y;
        let error = distance(&y, &case.end);
        // Rounding of the steps comes on top.
        let noise = case.noise + steps.sqrt() * f64::EPSILON;
        let blur = 2.0 * noise / (error * SQRT_2.ln());
        if blur > 0.1 || error == 0.0 {
            break;
        }
        if let Some((steps_before, before)) = previous {
            slopes.push((before / error).ln() / (steps / steps_before).ln());
            known = blur;
        }
        previous = Some((steps, error));
    }
    Ok((slopes, known))
}

//! The order of every integrator.

use crate::dynamics::{Dynamics, Transfer};
use crate::integrate::{
    DOP853, Kind, METHODS, Method, Options, Problem, Solver, Tolerances, estimate_error,
};
use crate::network::Activation;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{FeedbackKind, LoopInstance};

/// The claim.
pub const CHECK: Check = Check {
    id: "integrator-order",
    claim: "the error of every integrator falls with its order in the step",
    equation: r"| x_N - x(T) | = C h^p + O(h^{p+1})",
    source: "Hairer, Norsett & Wanner 1993, Solving Ordinary Differential Equations I, section II.3; docs/theory.md",
    method: "random tanh loops (linear ones for the implicit method, whose Newton iteration is exact \
             there) with steps halved from run to run; the slope of the last halving, against a \
             reference of order 8 at tolerance 1e-13",
    instances: Instances { usual: 10, thorough: 60 },
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
/// Errors below this are not far enough above those of the reference and of rounding.
const FLOOR: f64 = 1e-11;
/// An order not known to better than this says little.
const BLUNT: f64 = 0.5;
/// Most steps of a run.
const MOST_STEPS: u32 = 1 << 13;

fn draw_loop(draw: &mut Draw) -> Result<(LoopInstance, Vec<f64>), Obstacle> {
    let (rows, columns) = (draw.integer(2, 4), draw.integer(2, 4));
    let mut instance =
        LoopInstance::sized(draw, &[FeedbackKind::Certified], rows, columns)?;
    instance.parameters.tau_state = draw.uniform(0.7, 1.5);
    instance.parameters.tau_controller = draw.uniform(0.7, 1.5);
    let start = draw.vector(rows + columns, 1.0).as_slice().to_vec();
    Ok((instance, start))
}

/// Draws an instance and measures it.
///
/// # Errors
/// When a solver fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let (instance, start) = draw_loop(draw)?;
    let nonlinear = instance.with_transfer(Transfer::Nonlinear { activation: Activation::Tanh })?;
    let linear = instance.dynamics()?;
    let mut all = Vec::new();
    for method in METHODS.iter().filter(|m| m.kind != Kind::Switching) {
        let dynamics: &dyn Dynamics =
            if method.kind == Kind::Implicit { &linear } else { &nonlinear };
        let slopes = slopes(dynamics, method, &start)?;
        let [.., before, last] = slopes.as_slice() else { continue };
        // Slopes approach the order like h: the next halving would change them half as much.
        let error = 2.0 * (last.slope - before.slope).abs() + last.noise;
        if error > BLUNT {
            continue;
        }
        let why = "2 x change of the slope by the last halving, and error of the reference";
        let tolerance = Tolerance::truncation(error, why);
        all.push(Measurement::equal(method.name, formula(method), last.slope, tolerance));
    }
    Ok(all.into())
}

struct Slope {
    slope: f64,
    noise: f64,
}

/// Slopes of the error from halving to halving, as long as errors are above the floor.
fn slopes(
    dynamics: &dyn Dynamics,
    method: &'static Method,
    start: &[f64],
) -> Result<Vec<Slope>, Obstacle> {
    let problem = |options: Options| {
        let mut problem = Problem::new(dynamics, (0.0, T_END));
        problem.y0 = start.to_vec();
        problem.options = options;
        problem
    };
    let reference = problem(Options::with_tolerances(1e-11, 1e-11));
    let solver = Solver::Stepping(&DOP853);
    let rough = reference.trajectory(solver)?.0;
    // The reference itself is the run with tolerances a hundred times tighter.
    let noise = 0.1 * estimate_error(&reference, solver, &rough)?.difference + 1e-15;
    let exact = problem(Options::with_tolerances(1e-13, 1e-13)).trajectory(solver)?.1.y;
    let mut slopes = Vec::new();
    let mut previous: Option<f64> = None;
    let mut steps = 4;
    while steps <= MOST_STEPS {
        let h = T_END / f64::from(steps);
        let options = Options {
            // Error control is switched off by loose tolerances.
            tolerances: Tolerances::new(1e6, 1e6),
            step: Some(h),
            initial_step: Some(h),
            max_step: Some(h),
            ..Options::default()
        };
        let y = problem(options).trajectory(Solver::Stepping(method))?.1.y;
        let error = y.iter().zip(&exact).map(|(y, x)| (y - x).powi(2)).sum::<f64>().sqrt();
        if error < FLOOR.max(100.0 * noise) {
            break;
        }
        if let Some(previous) = previous {
            let slope = (previous / error).log2();
            slopes.push(Slope { slope, noise: 2.0 * noise / error / std::f64::consts::LN_2 });
        }
        previous = Some(error);
        steps *= 2;
    }
    Ok(slopes)
}

//! Exact trajectories of linear loops against solvers.

use nalgebra::{DMatrix, DVector};

use crate::dynamics::{Dynamics, LayerLoop};
use crate::integrate::{BACKENDS, DOP853, ExactSolution, SaveAt, Solver, TSIT5};
use crate::linalg::norms::norm_frobenius;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{FeedbackKind, LoopInstance, linear_flow, loop_jacobian};
use crate::theory::measure::{TWO_TOLERANCES, norm, simulate};

/// The claim.
pub const CHECK: Check = Check {
    id: "exact-trajectories",
    claim: "modal solution = matrix exponential = four adaptive solvers of three libraries",
    equation: r"x(t) = x^* + e^{J t} (x_0 - x^*)",
    source: "docs/theory.md, exact solutions",
    method: "random loops from random states, 8 times up to 6 time constants; every component at \
             every time",
    instances: Instances { usual: 100, thorough: 2000 },
    measure: |draw| measure(draw, loop_jacobian),
    model: |draw| {
        let (instance, start, t_end) = draw_loop(draw)?;
        let model = instance.model(CHECK.id, None).initial(start.as_slice());
        Ok(model.run("exact", "", t_end, 101))
    },
};

/// The Jacobian of a loop.
pub type Formula = fn(&LayerLoop) -> DMatrix<f64>;

const ROWS: u64 = 8;

fn draw_loop(draw: &mut Draw) -> Result<(LoopInstance, DVector<f64>, f64), Obstacle> {
    let kinds = [FeedbackKind::Transpose, FeedbackKind::Certified, FeedbackKind::Turned];
    let instance = LoopInstance::draw(draw, &kinds)?;
    let start = draw.vector(instance.w.nrows() + instance.w.ncols(), 1.0);
    let slowest = instance.parameters.tau_state.max(instance.parameters.tau_controller);
    Ok((instance, start, 6.0 * slowest))
}

/// Names of the solvers compared, with the names of their measurements.
fn solvers() -> Vec<(&'static str, Solver)> {
    let foreign = BACKENDS.iter().filter(|b| b.is_built()).map(|b| {
        let name = match b.name {
            "ode-solvers-dopri5" => "ode_solvers_dopri5",
            "ode-solvers-dop853" => "ode_solvers_dop853",
            _ => "diffsol_bdf",
        };
        (name, Solver::Foreign(b))
    });
    let own = [("dop853", Solver::Stepping(&DOP853)), ("tsit5", Solver::Stepping(&TSIT5))];
    own.into_iter().chain(foreign).collect()
}

/// Draws an instance and measures it.
///
/// # Errors
/// When there is no rest state or a solver fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let (instance, start, t_end) = draw_loop(draw)?;
    let dynamics = instance.dynamics()?;
    let rest = DVector::from_vec(dynamics.closed_form_equilibrium()?);
    let j = formula(&instance.layer());
    let times: Vec<f64> = (1..=ROWS).map(|k| t_end * k as f64 / ROWS as f64).collect();
    let mut predicted = Vec::new();
    for &t in &times {
        predicted.extend_from_slice(linear_flow(&j, &rest, &start, t)?.as_slice());
    }
    let largest = (0..times.len())
        .map(|k| norm(&predicted[k * rest.len()..(k + 1) * rest.len()]))
        .fold(norm(start.as_slice()) + norm(rest.as_slice()), f64::max);
    // The exponential of J t loses eps |J t| relative to the largest state on the way.
    let rounding =
        16.0 * f64::EPSILON * rest.len() as f64 * (1.0 + norm_frobenius(&j) * t_end) * largest;
    let why = "16 n eps (1 + |J| T) largest |x|: the exponential is conditioned by |J| T";
    let exact = ExactSolution::new(&dynamics, 0.0, start.as_slice())?.states(&times)?;
    let tolerance = Tolerance::rounding(rounding, why);
    let mut all = vec![Measurement::vectors("modal", &predicted, &exact.states, tolerance)];
    for (name, solver) in solvers() {
        let save_at = SaveAt::Times(times.clone());
        let run = simulate(&dynamics, solver, start.as_slice(), t_end, save_at)?;
        let tolerance = Tolerance::solver(2.0 * run.error + rounding, TWO_TOLERANCES);
        all.push(Measurement::vectors(name, &predicted, &run.trajectory.states, tolerance));
    }
    Ok(all.into())
}

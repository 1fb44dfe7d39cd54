//! Theorem 4: where the published run stops.

use nalgebra::DVector;

use crate::dynamics::{Dynamics, LoopParameters, VectorField};
use crate::integrate::{Options, Problem, SEMI_IMPLICIT_EULER, Solver};
use crate::learning::angle;
use crate::linalg::svd::svd;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{LoopInstance, published_weights};
use crate::theory::measure::norm;

/// The claim.
pub const CHECK: Check = Check {
    id: "theorem-4-distance",
    claim: "999 published updates end short of the steady state by what the singular values say",
    equation: r"u_{k+1} = u_k + h (\sigma r_k - \alpha u_k - \delta), \quad r_{k+1} = r_k - h (r_k + \sigma u_{k+1})",
    source: "docs/theory.md, theorem 4; discrete scheme of the code of Podlaski & Machens 2020",
    method: "published weights U(-0.01, 0.01), 1 to 50 times as large as training makes them, leak \
             0.001, h = 0.5, T = 499.5: the end of the run and its angle to the steady state",
    instances: Instances { usual: 150, thorough: 3200 },
    measure: |draw| measure(draw, update),
    model: |draw| {
        let instance = draw_loop(draw)?;
        Ok(instance.model(CHECK.id, None).run("semi-implicit-euler", "step = 0.5", T_END, 2))
    },
};

const STEP: f64 = 0.5;
const UPDATES: usize = 999;
const T_END: f64 = 499.5;

/// One update of `(r, u)` in a direction of singular value `sigma`: `(sigma, leak, h, delta, (r, u))`.
pub type Formula = fn(f64, f64, f64, f64, (f64, f64)) -> (f64, f64);

/// The formula under test: the controller first, then the state with the new controller.
#[must_use]
pub fn update(sigma: f64, leak: f64, h: f64, delta: f64, (r, u): (f64, f64)) -> (f64, f64) {
    let u = u + h * (sigma * r - leak * u - delta);
    (r - h * (r + sigma * u), u)
}

fn draw_loop(draw: &mut Draw) -> Result<LoopInstance, Obstacle> {
    let seed = draw.integer(0, 1 << 30) as u64;
    // The size of the 10 x 20 layer of the published linear experiment, and others.
    let (rows, columns) =
        if draw.coin() { (10, 20) } else { (draw.integer(2, 12), draw.integer(2, 24)) };
    let w = published_weights(rows, columns, seed)? * draw.log_uniform(1.0, 50.0);
    let delta = draw.vector(rows, 1.0);
    Ok(LoopInstance { b: -w.transpose(), w, delta, parameters: LoopParameters::with_leak(0.001) })
}

/// Draws an instance and measures it.
///
/// # Errors
/// When a factorisation fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let instance = draw_loop(draw)?;
    let n = instance.w.ncols();
    let leak = instance.parameters.leak;
    let dynamics = instance.dynamics()?;
    let rest = dynamics.closed_form_equilibrium()?;
    let mut problem = Problem::new(&dynamics, (0.0, T_END));
    problem.y0 = vec![0.0; dynamics.dim()];
    problem.options = Options::with_step(STEP);
    let end = problem.trajectory(Solver::Stepping(&SEMI_IMPLICIT_EULER))?.1.y;

    let parts = svd(&instance.w)?;
    let mut predicted = DVector::zeros(n);
    for (k, &sigma) in parts.s.iter().enumerate() {
        let delta = parts.u.column(k).dot(&instance.delta);
        let mut state = (0.0, 0.0);
        for _ in 0..UPDATES {
            state = formula(sigma, leak, STEP, delta, state);
        }
        predicted += parts.v.column(k) * state.0;
    }
    let size = norm(&end);
    let error = 4.0 * f64::EPSILON * UPDATES as f64 * (end.len() as f64).sqrt() * size;
    let why = "4 eps per update and sqrt(n) summands, over 999 updates of a stable iteration";
    let relative = error / norm(&end[..n]);
    let predicted_angle = angle(predicted.as_slice(), &rest[..n]);
    let measured_angle = angle(&end[..n], &rest[..n]);
    Ok(vec![
        Measurement::vectors(
            "end",
            predicted.as_slice(),
            &end[..n],
            Tolerance::rounding(error, why),
        ),
        Measurement::equal(
            "angle_to_rest",
            predicted_angle,
            measured_angle,
            Tolerance::rounding(relative.to_degrees() * 2.0, why),
        ),
    ]
    .into())
}

//! The rest state of a linear layer loop, found in four ways.

use nalgebra::{DMatrix, DVector};

use crate::analysis::equilibria::{NewtonOptions, Start, find_equilibria};
use crate::dynamics::{Dynamics, VectorField};
use crate::integrate::{DOP853, SaveAt, Solver};
use crate::linalg::expm::expm;
use crate::linalg::lu::Lu;
use crate::linalg::norms::norm_frobenius;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{FeedbackKind, LoopInstance, loop_jacobian};
use crate::theory::measure::{SOLVE, norm, simulate, solve_error};

/// The claim.
pub const CHECK: Check = Check {
    id: "layer-steady-state",
    claim: "closed form = Newton = long integration = non-dynamic inversion",
    equation: r"r^* = B (M B - \alpha I)^{-1} \delta",
    source: "Podlaski & Machens 2020 (arXiv:2007.05112), non-dynamic inversion; docs/theory.md",
    method: "random stable loops; the formula against the rest state of the dynamics, a Newton \
             iteration from zero and the end of an adaptive integration over 30 slowest time constants",
    instances: Instances { usual: 150, thorough: 3200 },
    measure: |draw| measure(draw, steady_state),
    model: |draw| {
        let instance = draw_loop(draw)?;
        Ok(instance.model(CHECK.id, None).run("dop853", "rtol = 1e-9\natol = 1e-11", 200.0, 101))
    },
};

/// `B (M B - leak I)^{-1} delta`, with the reciprocal condition number of the system.
pub type Formula =
    fn(&DMatrix<f64>, &DMatrix<f64>, f64, &DVector<f64>) -> Result<(DVector<f64>, f64), Obstacle>;

/// The formula under test.
///
/// # Errors
/// When the system is singular.
pub fn steady_state(
    m: &DMatrix<f64>,
    b: &DMatrix<f64>,
    leak: f64,
    delta: &DVector<f64>,
) -> Result<(DVector<f64>, f64), Obstacle> {
    let system = m * b - DMatrix::identity(m.nrows(), m.nrows()) * leak;
    let lu = Lu::new(&system)?;
    Ok((b * lu.solve(delta), lu.rcond()))
}

fn draw_loop(draw: &mut Draw) -> Result<LoopInstance, Obstacle> {
    LoopInstance::draw(draw, &[FeedbackKind::Transpose, FeedbackKind::Certified])
}

/// Draws an instance and measures it.
///
/// # Errors
/// When a computation the measurement rests on fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let instance = draw_loop(draw)?;
    let (rows, columns) = instance.w.shape();
    let (predicted, rcond) =
        formula(&instance.w, &instance.b, instance.parameters.leak, &instance.delta)?;
    let dynamics = instance.dynamics()?;
    let rest = dynamics.closed_form_equilibrium()?;
    let size = norm_frobenius(&instance.b) * norm(&rest[columns..]);
    let rounding = solve_error(rows.max(columns), rcond, size);
    let tolerance = Tolerance::rounding(rounding, SOLVE);
    let predicted = predicted.as_slice();

    let start = Start { name: "zero".into(), state: vec![0.0; rows + columns] };
    let search = find_equilibria(&dynamics, 0, 0.0, &[start], NewtonOptions::default());
    let newton = search.equilibria.first().ok_or_else(|| Obstacle::new("Newton found nothing"))?;
    // Newton stops at a residual of 1e-12 of its terms, which the system amplifies.
    let newton_error = rounding + NewtonOptions::default().tolerance / rcond * size;

    let jacobian = loop_jacobian(&instance.layer());
    let abscissa = crate::linalg::eigen::eigenvalues(&jacobian)?.abscissa();
    let t_end = 30.0 / -abscissa;
    let zero = vec![0.0; dynamics.dim()];
    let run = simulate(&dynamics, Solver::Stepping(&DOP853), &zero, t_end, SaveAt::End)?;
    let left = norm_frobenius(&expm(&(jacobian * t_end))?) * norm(&rest);
    Ok(vec![
        Measurement::vectors("closed_form", predicted, &rest[..columns], tolerance),
        Measurement::vectors(
            "newton",
            predicted,
            &newton.state[..columns],
            Tolerance::rounding(newton_error, "residual of 1e-12, amplified by the condition of the system"),
        ),
        Measurement::vectors(
            "integration",
            predicted,
            &run.outcome.y[..columns],
            Tolerance::solver(
                2.0 * run.error + left + rounding,
                "2 x (difference to tolerances 100 times tighter + one local tolerance), and |exp(J T)| |x*| not yet decayed",
            ),
        ),
    ]
    .into())
}

//! The first-order steady state of deep feedback control.

use nalgebra::{DMatrix, DVector};

use super::dfc::{DfcInstance, LeakOn};
use crate::dynamics::LinearDynamics;
use crate::integrate::{DOP853, SaveAt, Solver};
use crate::linalg::eigen::eigenvalues;
use crate::linalg::expm::expm;
use crate::linalg::lu::Lu;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::measure::{SOLVE, simulate, solve_error};
use crate::theory::model_text::ModelText;

/// The claim.
pub const CHECK: Check = Check {
    id: "dfc-steady-state",
    claim: "deep feedback control settles to first order at (J Q + a I)^-1 delta, a set by where the leak acts",
    equation: r"u_{ss} = (J Q + a I)^{-1} \delta_L, \quad a = \alpha \; (\mathrm{leak} \; \mathrm{on} \; u), \quad a = \frac{\alpha}{1 + \alpha k_p} \; (\mathrm{leak} \; \mathrm{on} \; w)",
    source: "Meulemans et al. 2021 (arXiv:2106.07887), lemma 1; docs/theory.md",
    method: "the equations linearised at the feedforward state of random tanh networks, integrated \
             to rest with the leak on u (even instances) or on w (odd ones); control signal at the end; \
             and the rest state of the networks themselves, relative to errors that tend to zero",
    instances: Instances { usual: 150, thorough: 3200 },
    measure: |draw| measure(draw, damping),
    model: |draw| {
        let model = draw_stable(draw)?.model(CHECK.id, SMALL_ERROR)?;
        Ok(model.run("dop853", "rtol = 1e-9\natol = 1e-11", 200.0, 101))
    },
};

/// Errors of the networks that are not linearised, in units of `delta`: the control signal over the
/// error is extrapolated from this size and its halves to zero.
const SMALL_ERROR: f64 = 0.01;

/// `a` from leak, gain of the proportional part and the place of the leak.
pub type Formula = fn(f64, f64, LeakOn) -> f64;

/// The formula under test.
#[must_use]
pub fn damping(leak: f64, k_p: f64, leak_on: LeakOn) -> f64 {
    match leak_on {
        LeakOn::U => leak,
        LeakOn::W => leak / (1.0 + leak * k_p),
    }
}

/// Draws until the linearised equation is stable.
///
/// # Errors
/// When no draw is.
pub fn draw_stable(draw: &mut Draw) -> Result<DfcInstance, Obstacle> {
    for _ in 0..100 {
        let instance = DfcInstance::draw(draw, 0.3)?;
        if eigenvalues(&instance.equation().0)?.abscissa() < -0.01 {
            return Ok(instance);
        }
    }
    Err(Obstacle::new("none of 100 controllers is stable"))
}

/// The linearised equation as a model file.
///
/// # Errors
/// Never, in practice.
pub fn linear_model(title: &str, instance: &DfcInstance) -> Result<String, Obstacle> {
    let (a, b) = instance.equation();
    let model = ModelText::new(title).linear(&a, b.as_slice());
    Ok(model.run("dop853", "rtol = 1e-9\natol = 1e-11", 200.0, 101))
}

/// Draws an instance and measures it.
///
/// # Errors
/// When the integration fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let instance = draw_stable(draw)?;
    let (a, b) = instance.equation();
    let m = instance.delta.len();
    let damping = formula(instance.leak, instance.k_p, instance.leak_on);
    let system = &instance.jacobian * &instance.feedback + DMatrix::identity(m, m) * damping;
    let lu = Lu::new(&system)?;
    let predicted = lu.solve(&instance.delta);

    let abscissa = eigenvalues(&a)?.abscissa();
    let t_end = 30.0 / -abscissa;
    let dynamics = LinearDynamics::new(a.clone(), b.as_slice().to_vec())?;
    let zero = vec![0.0; a.nrows()];
    let run = simulate(&dynamics, Solver::Stepping(&DOP853), &zero, t_end, SaveAt::End)?;
    let end = DVector::from_column_slice(&run.outcome.y);
    let left = expm(&(&a * t_end))?.norm() * end.norm();
    let full = Lu::new(&a)?;
    let rest = full.solve(&-&b);
    let gain = 1.0 + instance.k_p;
    let rounding = solve_error(
        a.nrows(),
        lu.rcond().min(full.rcond()),
        gain * rest.norm().max(predicted.norm()),
    );
    let name = match instance.leak_on {
        LeakOn::U => ["rest_leak_on_u", "integrated_leak_on_u", "limit_leak_on_u"],
        LeakOn::W => ["rest_leak_on_w", "integrated_leak_on_w", "limit_leak_on_w"],
    };
    let limit = small_error_limit(&instance)?;
    let at_rest = instance.control(&rest);
    let at_end = instance.control(&end);
    let why = "2 x (difference to tolerances 100 times tighter + one local tolerance) and what has not decayed, through 1 + k_p";
    Ok(vec![
        Measurement::vectors(
            name[0],
            predicted.as_slice(),
            at_rest.as_slice(),
            Tolerance::rounding(rounding, SOLVE),
        ),
        Measurement::vectors(
            name[1],
            predicted.as_slice(),
            at_end.as_slice(),
            Tolerance::solver(gain * (2.0 * run.error + left) + rounding, why),
        ),
        Measurement::vectors(
            name[2],
            predicted.as_slice(),
            limit.value.as_slice(),
            Tolerance::truncation(
                limit.error + STEADY * limit.value.norm() / lu.rcond() + rounding,
                "difference of two extrapolations, and what the search for rest leaves",
            ),
        ),
    ]
    .into())
}

/// Residual at which the search for a steady state ends, relative to the error, over the smallest
/// error used.
const STEADY: f64 = 1e-10 / (0.25 * SMALL_ERROR);

struct Limit {
    value: DVector<f64>,
    error: f64,
}

/// The control signal per error as the error vanishes: `u(s delta)/s = u_0 + c s + O(s^2)`, the
/// linear term eliminated from sizes `s`, `s/2` and `s/4`.
fn small_error_limit(instance: &DfcInstance) -> Result<Limit, Obstacle> {
    let per_error = |size: f64| Ok::<_, Obstacle>(instance.control_at_rest(size)? / size);
    let sizes = [SMALL_ERROR, 0.5 * SMALL_ERROR, 0.25 * SMALL_ERROR];
    let [whole, half, quarter] = [per_error(sizes[0])?, per_error(sizes[1])?, per_error(sizes[2])?];
    let coarse = &half * 2.0 - whole;
    let value = quarter * 2.0 - half;
    let error = (&value - coarse).norm();
    Ok(Limit { value, error })
}

//! Claim 4: deep feedback control with `Q = J^T` takes a Gauss-Newton step.

use nalgebra::{DMatrix, DVector};

use super::dfc::DfcInstance;
use super::dfc_steady_state::{damping, linear_model};
use super::tangent_lm::levenberg_marquardt;
use crate::linalg::lu::Lu;
use crate::linalg::svd::pseudoinverse;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::measure::{SOLVE, solve_error};

/// The claim.
pub const CHECK: Check = Check {
    id: "dfc-gauss-newton",
    claim: "with Q = J^T the voltages are driven by a damped minimum-norm step, the Levenberg-Marquardt step",
    equation: r"Q u_{ss} = J^T (J J^T + a I)^{-1} \delta_L",
    source: "Meulemans et al. 2021 (arXiv:2106.07887), theorem 2; docs/theory.md, claim 4",
    method: "rest state of the linearised equations of random tanh networks: Q u against the damped \
             step, and against the minimum-norm solution as the damping vanishes",
    instances: Instances { usual: 250, thorough: 6400 },
    measure: |draw| measure(draw, levenberg_marquardt),
    model: |draw| linear_model(CHECK.id, &DfcInstance::draw(draw, 0.0)?),
};

/// The step, from `J`, damping and error, with the reciprocal condition number of its system.
pub type Formula = fn(&DMatrix<f64>, f64, &DVector<f64>) -> Result<(DVector<f64>, f64), Obstacle>;

/// Draws an instance and measures it.
///
/// # Errors
/// When a system is singular.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let mut instance = DfcInstance::draw(draw, 0.0)?;
    let step = |instance: &DfcInstance| -> Result<(DVector<f64>, f64), Obstacle> {
        let (a, b) = instance.equation();
        let lu = Lu::new(&a)?;
        let rest = lu.solve(&-b);
        let size = (1.0 + instance.k_p) * rest.norm() * instance.feedback.norm();
        let error = solve_error(a.nrows(), lu.rcond(), size);
        Ok((&instance.feedback * instance.control(&rest), error))
    };
    let a = damping(instance.leak, instance.k_p, instance.leak_on);
    let (predicted, _) = formula(&instance.jacobian, a, &instance.delta)?;
    let (measured, error) = step(&instance)?;
    let mut all = vec![Measurement::vectors(
        "damped_step",
        predicted.as_slice(),
        measured.as_slice(),
        Tolerance::rounding(error, SOLVE),
    )];

    instance.leak = 1e-7;
    let inverse = pseudoinverse(&instance.jacobian, None)?;
    let least = inverse.singular_values[inverse.rank - 1];
    let minimum = &inverse.matrix * &instance.delta;
    let (measured, error) = step(&instance)?;
    // a / (sigma^2 + a) of the minimum-norm solution is missing, with a at most the leak.
    let missing = instance.leak / (least * least) * minimum.norm();
    let why = "leak / sigma_min^2 of the solution, and 8 n eps cond |x|";
    all.push(Measurement::vectors(
        "minimum_norm",
        minimum.as_slice(),
        measured.as_slice(),
        Tolerance::truncation(missing + error, why),
    ));
    Ok(all.into())
}

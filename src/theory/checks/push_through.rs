//! The push-through identity.

use nalgebra::DMatrix;

use crate::linalg::lu::Lu;
use crate::linalg::norms::norm_frobenius;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{KINDS, LoopInstance};
use crate::theory::measure::{SOLVE, solve_error};

/// The claim.
pub const CHECK: Check = Check {
    id: "push-through",
    claim: "the rest state may be computed from either of two systems, the smaller one",
    equation: r"B (M B - \alpha I)^{-1} = (B M - \alpha I)^{-1} B",
    source: "docs/theory.md, steady states; Henderson & Searle 1981, SIAM Review 23",
    method: "random M and B of all shapes; both sides by LU factorisation, entry by entry",
    instances: Instances { usual: 500, thorough: 16000 },
    measure: |draw| measure(draw, through_states),
    model: |draw| {
        let instance = LoopInstance::draw(draw, &KINDS)?;
        Ok(instance.model(CHECK.id, None).run("exact", "", 20.0, 101))
    },
};

/// One side of the identity, with the reciprocal condition number of its system.
pub type Formula = fn(&DMatrix<f64>, &DMatrix<f64>, f64) -> Result<(DMatrix<f64>, f64), Obstacle>;

/// The formula under test: the system with as many unknowns as states, `(B M - leak I)^{-1} B`.
///
/// # Errors
/// When the system is singular.
pub fn through_states(
    m: &DMatrix<f64>,
    b: &DMatrix<f64>,
    leak: f64,
) -> Result<(DMatrix<f64>, f64), Obstacle> {
    let lu = Lu::new(&(b * m - DMatrix::identity(m.ncols(), m.ncols()) * leak))?;
    Ok((lu.solve_columns(b), lu.rcond()))
}

/// Draws an instance and measures it.
///
/// # Errors
/// When a system is singular.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let LoopInstance { w, b, parameters, .. } = LoopInstance::draw(draw, &KINDS)?;
    let (rows, columns) = w.shape();
    let (predicted, rcond) = formula(&w, &b, parameters.leak)?;
    let lu = Lu::new(&(&w * &b - DMatrix::identity(rows, rows) * parameters.leak))?;
    let measured = &b * lu.inverse();
    let size = norm_frobenius(&measured).max(norm_frobenius(&b) * norm_frobenius(&lu.inverse()));
    let error = solve_error(rows.max(columns), rcond.min(lu.rcond()), size);
    let tolerance = Tolerance::rounding(error, SOLVE);
    Ok(vec![Measurement::vectors("entry", predicted.as_slice(), measured.as_slice(), tolerance)]
        .into())
}

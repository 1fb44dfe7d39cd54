//! Two forms of the stability matrix of deep feedback control.

use nalgebra::{Complex, DMatrix};

use super::dfc::DfcInstance;
use super::dfc_steady_state::linear_model;
use crate::analysis::spectrum::full_spectrum;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::measure::{EIGENVALUE_FACTOR, EIGENVALUES, match_spectra};

/// The claim.
pub const CHECK: Check = Check {
    id: "dfc-similarity",
    claim: "written in the control signal u or in its integral w, deep feedback control has one spectrum",
    equation: r"u = w + k_p e \; \Rightarrow \; A_{(v, u)} = T A_{(v, w)} T^{-1}, \quad T = [ I, 0 ; - k_p E_o, I ]",
    source: "Meulemans et al. 2021 (arXiv:2106.07887), stability of the controller; docs/theory.md",
    method: "random tanh networks with random feedback, both leak conventions; eigenvalues of both \
             matrices, paired one to one",
    instances: Instances { usual: 300, thorough: 6400 },
    measure: |draw| measure(draw, in_control_signal),
    model: |draw| linear_model(CHECK.id, &DfcInstance::draw(draw, 0.7)?),
};

/// The stability matrix in `(v, u)`.
pub type Formula = fn(&DfcInstance) -> DMatrix<f64>;

/// The formula under test: `u' = w' - k_p E_o v'`, with `w' = (-E_o v - leak u)/tau_u` or
/// `(-E_o v - leak (u + k_p E_o v))/tau_u`.
#[must_use]
pub fn in_control_signal(instance: &DfcInstance) -> DMatrix<f64> {
    let (n, m) = (instance.units(), instance.delta.len());
    let DfcInstance { leak, k_p, tau_v, tau_u, .. } = *instance;
    let (e, q) = (&instance.output, &instance.feedback);
    let voltages = (&instance.forward - DMatrix::identity(n, n)) / tau_v;
    let on_voltages =
        e * (-(1.0 + (1.0 - instance.s()) * leak * k_p) / tau_u) - e * &voltages * k_p;
    let on_control = DMatrix::identity(m, m) * (-leak / tau_u) - e * q * (k_p / tau_v);
    let mut a = DMatrix::zeros(n + m, n + m);
    a.view_mut((0, 0), (n, n)).copy_from(&voltages);
    a.view_mut((0, n), (n, m)).copy_from(&(q / tau_v));
    a.view_mut((n, 0), (m, n)).copy_from(&on_voltages);
    a.view_mut((n, n), (m, m)).copy_from(&on_control);
    a
}

/// Draws an instance and measures it.
///
/// # Errors
/// When eigenvalues are not found.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let instance = DfcInstance::draw(draw, 0.7)?;
    let known = |matrix: &DMatrix<f64>| -> Result<Vec<(Complex<f64>, f64)>, Obstacle> {
        let found = full_spectrum(matrix)?;
        Ok(found.values.into_iter().zip(found.errors).collect())
    };
    let pair = match_spectra(&known(&formula(&instance))?, &known(&instance.equation().0)?);
    let (x, y, allowance) = pair.ok_or_else(|| Obstacle::new("the matrices differ in size"))?;
    let tolerance = Tolerance::rounding(EIGENVALUE_FACTOR * allowance, EIGENVALUES);
    Ok(vec![
        Measurement::equal("real_part", x.re, y.re, tolerance),
        Measurement::equal("imaginary_part", x.im, y.im, tolerance),
    ]
    .into())
}

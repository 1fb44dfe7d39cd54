//! Critical leak, feedback gain and ratio of time constants of the deciding point.

use nalgebra::Complex;

use super::Place;
use super::linearisation::Linearisation;
use super::report::CriticalReport;
use crate::analysis::equilibria::column_jacobian;
use crate::analysis::margins::critical::{
    CriticalValue, chain_at, critical_by_search, critical_by_search_around, critical_of_loop,
    loop_at,
};
use crate::analysis::spectrum::{
    chain_spectrum, layer_loop_spectrum, loop_abscissa, reduced_spectrum,
};
use crate::analysis::{AnalysisError, Spectrum};
use crate::dynamics::{ControlParameter, Dynamics, LayerLoop, Structure};
use crate::linalg::eigen::eigenvalues;

/// Relative distance from a closed-form boundary at which the change of sign is confirmed.
const CONFIRMATION: f64 = 1e-6;
/// States up to which the spectrum of any other equation is searched: some hundred
/// eigenvalue problems, half a minute at this size.
const LARGEST_SEARCH: usize = 300;

/// A critical value, or why the point has none.
pub(super) type Found = Result<CriticalReport, String>;

/// The critical value of one parameter with the slopes held at the point: in closed form where there
/// is one, which the spectrum then confirms on both sides, else by root finding on the verdict.
pub(super) fn critical_value(
    dynamics: &dyn Dynamics,
    place: &Place,
    linearisation: &Linearisation,
    parameter: ControlParameter,
) -> Result<Found, AnalysisError> {
    match &linearisation.structure {
        Structure::LayerLoops(loops) => match loops.as_slice() {
            [layer] => of_layer(layer, &linearisation.loop_eigenvalues, parameter).map(Ok),
            _ => {
                let first = &loops[0];
                let ratio = first.tau_state / first.tau_controller;
                searched(parameter, present(parameter, first.leak, ratio), |x| {
                    let loops: Vec<_> = loops.iter().map(|l| loop_at(l, parameter, x)).collect();
                    Ok(layer_loop_spectrum(&loops)?.abscissa())
                })
            }
        },
        Structure::SingleLoop(chain) => {
            let ratio = chain.tau_state / chain.tau_controller;
            searched(parameter, present(parameter, chain.leak, ratio), |x| {
                Ok(chain_spectrum(&chain_at(chain, parameter, x))?.abscissa())
            })
        }
        Structure::Dense | Structure::Control(_) => {
            of_equation(dynamics, place, &linearisation.spectrum, parameter)
        }
    }
}

fn of_layer(
    layer: &LayerLoop,
    mu: &[Complex<f64>],
    parameter: ControlParameter,
) -> Result<CriticalReport, AnalysisError> {
    let value = critical_of_loop(layer, mu, parameter);
    let confirmed = confirm(&value, |x| {
        let factor = if parameter == ControlParameter::Gain { x } else { 1.0 };
        let scaled: Vec<Complex<f64>> = mu.iter().map(|mu| mu * factor).collect();
        Ok(loop_abscissa(&loop_at(layer, parameter, x), &scaled))
    })?;
    Ok(CriticalReport::new(&value, "closed-form", confirmed))
}

/// Any other equation, through its Jacobian with the parameter changed.
fn of_equation(
    dynamics: &dyn Dynamics,
    place: &Place,
    spectrum: &Spectrum,
    parameter: ControlParameter,
) -> Result<Found, AnalysisError> {
    let Some(present) = dynamics.control_parameter(parameter) else {
        return Ok(Err("this dynamics has no such parameter".to_owned()));
    };
    let states = spectrum.values.len();
    if states > LARGEST_SEARCH {
        return Ok(Err(format!(
            "not searched: {states} states are more than {LARGEST_SEARCH}, and the search solves \
             some hundred eigenvalue problems"
        )));
    }
    let layout = dynamics.layout();
    let mut all = dynamics.initial_state();
    layout.set_column_state(place.column, &place.state, &mut all);
    let abscissa = |x: f64| {
        // A value that is refused is neither stable nor a change.
        let Some(changed) = dynamics.with_control_parameter(parameter, x) else {
            return Ok(f64::NAN);
        };
        if let Some(reduced) = reduced_spectrum(&changed.structure(0.0, &all, place.column))? {
            return Ok(reduced.abscissa());
        }
        let jacobian = column_jacobian(changed.as_ref(), 0.0, &all, place.column);
        let spectrum = eigenvalues(&jacobian).map_err(AnalysisError::linalg("the spectrum"))?;
        Ok(spectrum.abscissa())
    };
    // A leak that is 0 now, as of linear systems, is compared with the rate of the slowest mode.
    let rate = spectrum.abscissa().abs();
    if present == 0.0 && rate > 0.0 && rate.is_finite() {
        let value = critical_by_search_around(parameter, present, rate, abscissa)?;
        let confirmed = confirm(&value, abscissa)?;
        return Ok(Ok(CriticalReport::new(&value, "root-finding", confirmed)));
    }
    searched(parameter, present, abscissa)
}

fn searched(
    parameter: ControlParameter,
    present: f64,
    abscissa: impl Fn(f64) -> Result<f64, AnalysisError>,
) -> Result<Found, AnalysisError> {
    let value = critical_by_search(parameter, present, &abscissa)?;
    let confirmed = confirm(&value, abscissa)?;
    Ok(Ok(CriticalReport::new(&value, "root-finding", confirmed)))
}

fn present(parameter: ControlParameter, leak: f64, ratio: f64) -> f64 {
    match parameter {
        ControlParameter::Leak => leak,
        ControlParameter::Gain => 1.0,
        ControlParameter::TauRatio => ratio,
    }
}

/// Whether the spectral abscissa changes sign at every boundary.
fn confirm(
    value: &CriticalValue,
    abscissa: impl Fn(f64) -> Result<f64, AnalysisError>,
) -> Result<bool, AnalysisError> {
    for boundary in &value.boundaries {
        let distance = CONFIRMATION * Complex::new(*boundary, 1e-3).norm();
        let (below, above) = (abscissa(boundary - distance)?, abscissa(boundary + distance)?);
        if (below < 0.0) == (above < 0.0) {
            return Ok(false);
        }
    }
    Ok(true)
}

//! Leak, gain and ratio of time constants of a rate network, one at a time.

use super::RateNetwork;
use crate::dynamics::structure::ControlParameter;

/// With a controller: its leak, a factor of `q`, and `tau` of the units over that of the integral.
/// Without: the leak of the units and a factor of `w`. Lists must hold one value.
pub(super) fn value(network: &RateNetwork, parameter: ControlParameter) -> Option<f64> {
    let control = network.control.as_ref();
    match parameter {
        ControlParameter::Gain => Some(1.0),
        ControlParameter::Leak => match control {
            Some(control) => Some(control.gains.leak),
            None => common(&network.population.leak),
        },
        ControlParameter::TauRatio => {
            control.and_then(|c| Some(common(&network.population.tau)? / c.gains.tau))
        }
    }
}

/// The same network with one parameter changed.
pub(super) fn with(
    network: &RateNetwork,
    parameter: ControlParameter,
    to: f64,
) -> Option<RateNetwork> {
    value(network, parameter)?;
    let mut changed = network.clone();
    match (parameter, &mut changed.control) {
        (ControlParameter::Gain, Some(control)) => control.q *= to,
        (ControlParameter::Gain, None) => changed.population.w *= to,
        (ControlParameter::Leak, Some(control)) => control.gains.leak = to,
        (ControlParameter::Leak, None) => changed.population.leak.fill(to),
        (ControlParameter::TauRatio, Some(control)) => {
            changed.population.tau.fill(to * control.gains.tau);
        }
        (ControlParameter::TauRatio, None) => return None,
    }
    Some(changed)
}

/// The value that all entries have.
fn common(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    values.iter().all(|value| *value == first).then_some(first)
}

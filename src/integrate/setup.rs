//! What happens before the first step.

use super::auto::Auto;
use super::errors::InvalidRun;
use super::explicit::ExplicitRk;
use super::implicit::Esdirk;
use super::method::{Method, Stepping};
use super::options::Options;
use super::scheme::Scheme;
use super::semi_implicit::SemiImplicitEuler;
use super::stochastic::EulerMaruyama;
use crate::dynamics::VectorField;

/// Refuses starts that make no sense.
pub(super) fn check_start(
    field: &dyn VectorField,
    t_span: (f64, f64),
    y0: &[f64],
) -> Result<(), InvalidRun> {
    if y0.len() != field.dim() {
        let (expected, found) = (field.dim(), y0.len());
        return Err(InvalidRun::Length { what: "the initial state", expected, found });
    }
    for (end, value) in [("t_start", t_span.0), ("t_end", t_span.1)] {
        if !value.is_finite() {
            return Err(InvalidRun::Time { end, value });
        }
    }
    match y0.iter().position(|y| !y.is_finite()) {
        Some(i) => {
            Err(InvalidRun::InitialValue { component: field.component_name(i), value: y0[i] })
        }
        None => Ok(()),
    }
}

/// Storage for a method.
pub(super) fn scheme<'a>(
    method: &Method,
    field: &'a dyn VectorField,
    options: &Options,
    t_end: f64,
) -> Box<dyn Scheme + 'a> {
    let (rtol, noise) = (options.tolerances.rtol, options.noise.as_ref());
    let n = field.dim();
    match method.stepping {
        Stepping::Explicit(tableau, law) => Box::new(ExplicitRk::new(tableau, Some(law), n)),
        Stepping::Fixed(tableau) => Box::new(ExplicitRk::new(tableau, None, n)),
        Stepping::Implicit(tableau, law) => Box::new(Esdirk::new(field, tableau, law)),
        Stepping::Auto => Box::new(Auto::new(field, rtol, t_end)),
        Stepping::EulerMaruyama => Box::new(EulerMaruyama::new(field, noise, false)),
        Stepping::ExponentialEulerMaruyama => Box::new(EulerMaruyama::new(field, noise, true)),
        Stepping::SemiImplicit => Box::new(SemiImplicitEuler::new(field)),
    }
}

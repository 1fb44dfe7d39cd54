//! Error tolerances and their validation.

use super::errors::InvalidRun;
use super::outcome::Warning;
use crate::dynamics::VectorField;

/// Smallest relative tolerance that step control can honour: below about 100 units in the last
/// place the error estimate is rounding noise.
pub const MIN_RTOL: f64 = 100.0 * f64::EPSILON;

/// Absolute tolerances.
#[derive(Debug, Clone, PartialEq)]
pub enum Atol {
    /// One value for every component.
    Uniform(f64),
    /// One value per state component.
    PerComponent(Vec<f64>),
}

impl Atol {
    /// The tolerance of component `index`.
    #[must_use]
    pub fn at(&self, index: usize) -> f64 {
        match self {
            Self::Uniform(a) => *a,
            Self::PerComponent(a) => a[index],
        }
    }

    /// Every tolerance times `factor`.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        match self {
            Self::Uniform(a) => Self::Uniform(a * factor),
            Self::PerComponent(a) => Self::PerComponent(a.iter().map(|a| a * factor).collect()),
        }
    }
}

/// Tolerances on the local error: component `i` is measured in units of
/// `atol_i + rtol max(|y_i|)` over the step, root mean square over a target's components, the
/// largest over targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Tolerances {
    /// Relative tolerance. 0 asks for a purely absolute test (a floor of [`MIN_RTOL`] remains).
    pub rtol: f64,
    /// Absolute tolerance.
    pub atol: Atol,
}

impl Default for Tolerances {
    fn default() -> Self {
        Self::new(1e-8, 1e-10)
    }
}

impl Tolerances {
    /// One absolute tolerance for all components.
    #[must_use]
    pub fn new(rtol: f64, atol: f64) -> Self {
        Self { rtol, atol: Atol::Uniform(atol) }
    }

    /// Absolute tolerances per component.
    #[must_use]
    pub fn per_component(rtol: f64, atol: Vec<f64>) -> Self {
        Self { rtol, atol: Atol::PerComponent(atol) }
    }

    /// Both tolerances times `factor`.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self { rtol: self.rtol * factor, atol: self.atol.scaled(factor) }
    }

    /// Checks the tolerances against a start and returns the ones to use with any warnings.
    pub(crate) fn validate(
        &self,
        field: &dyn VectorField,
        y0: &[f64],
    ) -> Result<(Self, Vec<Warning>), InvalidRun> {
        let n = field.dim();
        if !(self.rtol >= 0.0 && self.rtol.is_finite()) {
            return Err(InvalidRun::Tolerance { which: "rtol".to_owned(), value: self.rtol });
        }
        match &self.atol {
            Atol::PerComponent(a) if a.len() != n => {
                return Err(InvalidRun::Length { what: "atol", expected: n, found: a.len() });
            }
            Atol::PerComponent(a) => {
                if let Some(i) = a.iter().position(|a| !(*a >= 0.0 && a.is_finite())) {
                    let which = format!("atol of {}", field.component_name(i));
                    return Err(InvalidRun::Tolerance { which, value: a[i] });
                }
            }
            Atol::Uniform(a) if !(*a >= 0.0 && a.is_finite()) => {
                return Err(InvalidRun::Tolerance { which: "atol".to_owned(), value: *a });
            }
            Atol::Uniform(_) => {}
        }
        if self.rtol == 0.0 && (0..n).all(|i| self.atol.at(i) == 0.0) {
            return Err(InvalidRun::ZeroTolerances);
        }
        if let Some(i) = (0..n).find(|&i| self.atol.at(i) == 0.0 && y0[i] == 0.0) {
            return Err(InvalidRun::ZeroScale { component: field.component_name(i) });
        }
        let mut warnings = Vec::new();
        if self.rtol > 0.0 && self.rtol < MIN_RTOL {
            warnings.push(Warning::RtolRaised { requested: self.rtol, used: MIN_RTOL });
        }
        warnings.extend(self.unresolved_start(field, y0));
        Ok((Self { rtol: self.rtol.max(MIN_RTOL), atol: self.atol.clone() }, warnings))
    }

    /// A start that is nonzero yet below the absolute tolerance throughout.
    fn unresolved_start(&self, field: &dyn VectorField, y0: &[f64]) -> Option<Warning> {
        let ratio = |i: usize| y0[i].abs() / self.atol.at(i);
        let nonzero = (0..y0.len()).filter(|&i| y0[i] != 0.0);
        let largest = nonzero.max_by(|&i, &j| ratio(i).total_cmp(&ratio(j)))?;
        (ratio(largest) < 1.0).then(|| Warning::UnresolvedStart {
            component: field.component_name(largest),
            value: y0[largest],
            atol: self.atol.at(largest),
        })
    }
}

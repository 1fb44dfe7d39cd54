//! The registry of methods.

use super::errors::UnknownMethod;
use super::methods;
use super::tableau::Tableau;

/// What a method is, as far as its options and uses differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Explicit with error control.
    Explicit,
    /// A fixed step from the option `step`; no tolerances.
    FixedStep,
    /// Implicit with error control, for stiff equations.
    Implicit,
    /// Changes between an explicit and an implicit method as it goes.
    Switching,
}

/// An integration method.
#[derive(Debug)]
pub struct Method {
    /// Kebab-case name, as in model files.
    pub name: &'static str,
    /// Order of the solution that is advanced.
    pub order: u32,
    /// Family.
    pub kind: Kind,
    /// One line for listings.
    pub summary: &'static str,
    /// Where the method comes from.
    pub reference: &'static str,
    pub(crate) stepping: Stepping,
}

/// How a method advances.
#[derive(Debug)]
pub(crate) enum Stepping {
    Explicit(&'static Tableau, Law),
    Fixed(&'static Tableau),
    SemiImplicit,
    EulerMaruyama,
    ExponentialEulerMaruyama,
    Implicit(&'static Tableau, Law),
    Auto,
}

/// Parameters of step-size control for one method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Law {
    /// `1 / (order of the error estimate + 1)`.
    pub exponent: f64,
    /// Weight of the previous error (proportional-integral control; 0 is purely integral).
    pub beta: f64,
    /// Fraction of the step that would meet the tolerance exactly.
    pub safety: f64,
    /// Smallest factor between steps.
    pub shrink: f64,
    /// Largest factor between steps.
    pub grow: f64,
}

/// Every stepping method.
pub static METHODS: &[&Method] = &[
    &methods::DOPRI5,
    &methods::TSIT5,
    &methods::DOP853,
    &methods::RK4,
    &methods::EULER,
    &methods::SEMI_IMPLICIT_EULER,
    &methods::IMPLICIT,
    &methods::AUTO,
    &methods::EULER_MARUYAMA,
    &methods::EXPONENTIAL_EULER_MARUYAMA,
];

impl Method {
    /// The method called `name`.
    ///
    /// # Errors
    /// [`UnknownMethod`] lists the names that exist.
    pub fn named(name: &str) -> Result<&'static Self, UnknownMethod> {
        METHODS.iter().copied().find(|m| m.name == name).ok_or_else(|| UnknownMethod {
            name: name.to_owned(),
            known: METHODS.iter().map(|m| m.name).collect::<Vec<_>>().join(", "),
        })
    }

    /// Whether the method takes the option `step` instead of tolerances.
    #[must_use]
    pub fn is_fixed_step(&self) -> bool {
        self.kind == Kind::FixedStep
    }

    /// Whether the method integrates noise.
    #[must_use]
    pub fn is_stochastic(&self) -> bool {
        matches!(self.stepping, Stepping::EulerMaruyama | Stepping::ExponentialEulerMaruyama)
    }

    /// Order of the dense output, uniformly over a step.
    #[must_use]
    pub fn dense_order(&self) -> u32 {
        self.tableau().map_or(1, |tableau| tableau.dense_order)
    }

    /// Coefficients of Runge-Kutta methods.
    #[must_use]
    pub fn tableau(&self) -> Option<&'static Tableau> {
        match self.stepping {
            Stepping::Explicit(tableau, _)
            | Stepping::Fixed(tableau)
            | Stepping::Implicit(tableau, _) => Some(tableau),
            Stepping::SemiImplicit
            | Stepping::EulerMaruyama
            | Stepping::ExponentialEulerMaruyama
            | Stepping::Auto => None,
        }
    }
}

impl PartialEq for Method {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

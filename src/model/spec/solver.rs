//! `[solver]`: the method of integration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::key::{Bounds, Key, Kind, Preset};

/// The method of integration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Solver {
    /// Dormand-Prince 5(4).
    Dopri5(Adaptive),
    /// Tsitouras 5(4).
    Tsit5(Adaptive),
    /// Dormand-Prince 8(5,3).
    Dop853(Adaptive),
    /// The classical method of order 4.
    Rk4(FixedStep),
    /// Explicit Euler.
    Euler(FixedStep),
    /// Each block advanced with the new values of the blocks before it.
    SemiImplicitEuler(FixedStep),
    /// The closed solution of linear equations.
    Exact {},
    /// An L-stable implicit method.
    Implicit(Adaptive),
    /// Explicit until stiffness is measured, then implicit, and back.
    Auto(Adaptive),
    /// `dopri5` of the crate `ode_solvers`.
    OdeSolversDopri5(ForeignAdaptive),
    /// `dop853` of the crate `ode_solvers`.
    OdeSolversDop853(ForeignAdaptive),
    /// BDF of the crate `diffsol`.
    DiffsolBdf(Adaptive),
    /// Euler-Maruyama, for noise.
    EulerMaruyama(FixedStep),
    /// Euler-Maruyama with the linear parts solved exactly, for noise.
    ExponentialEulerMaruyama(FixedStep),
}

/// Options of methods with error control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adaptive {
    /// Relative tolerance.
    pub rtol: f64,
    /// Absolute tolerance.
    pub atol: Atol,
    /// Cap on the number of steps.
    pub max_steps: usize,
    /// First step, s; chosen by the method when absent.
    pub first_step: Option<f64>,
    /// Longest step, s; no limit when absent.
    pub max_step: Option<f64>,
}

/// Options of the adapters to `ode_solvers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignAdaptive {
    /// Relative tolerance.
    pub rtol: f64,
    /// Absolute tolerance.
    pub atol: f64,
    /// Cap on the number of steps.
    pub max_steps: usize,
}

/// Options of methods with a fixed step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedStep {
    /// The step, s; its sign follows the span.
    pub step: f64,
    /// Cap on the number of steps.
    pub max_steps: usize,
}

/// Absolute tolerance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Atol {
    /// One for all components.
    One(f64),
    /// One per named block of the state.
    PerBlock(BTreeMap<String, f64>),
}

/// The smallest relative tolerance: 100 machine epsilons, below which rounding decides whether a
/// step is accepted (the bound of Hairer, Norsett & Wanner's codes and of SciPy).
pub const SMALLEST_RTOL: f64 = 100.0 * f64::EPSILON;

const RTOL: Key = Key::float(
    "rtol",
    Bounds::from_to_below(SMALLEST_RTOL, 1.0),
    "relative tolerance of the local error",
)
.or(Preset::Float(1e-8));
const POSITIVE: Kind = Kind::Float(Bounds::POSITIVE);
const MAX_STEPS: Key = Key::new("max_steps", Kind::Integer(1), "cap on the number of steps")
    .or(Preset::Integer(1_000_000));

const ADAPTIVE: &[Key] = &[
    RTOL,
    Key::new(
        "atol",
        Kind::Either(&[POSITIVE, Kind::Map(&[], &POSITIVE)]),
        "absolute tolerance: one number, or a table with one per block of the state",
    )
    .or(Preset::Float(1e-10)),
    MAX_STEPS,
    Key::new("first_step", POSITIVE, "first step").optional("chosen by the method").unit("s"),
    Key::new("max_step", POSITIVE, "longest step").optional("no limit").unit("s"),
];
const FOREIGN: &[Key] =
    &[RTOL, Key::new("atol", POSITIVE, "absolute tolerance").or(Preset::Float(1e-10)), MAX_STEPS];
const FIXED: &[Key] =
    &[Key::new("step", POSITIVE, "the step; its sign follows the span").unit("s"), MAX_STEPS];

/// Forms of `[solver]`.
pub(crate) const KIND: Kind = Kind::OneOf(&[
    Key::variant("dopri5", ADAPTIVE, "Dormand-Prince 5(4)"),
    Key::variant("tsit5", ADAPTIVE, "Tsitouras 5(4)").like("solver.dopri5"),
    Key::variant("dop853", ADAPTIVE, "Dormand-Prince 8(5,3)").like("solver.dopri5"),
    Key::variant("rk4", FIXED, "classical Runge-Kutta, order 4"),
    Key::variant("euler", FIXED, "explicit Euler").like("solver.rk4"),
    Key::variant(
        "semi-implicit-euler",
        FIXED,
        "controllers first, states with the new controllers: the scheme of the published code",
    )
    .like("solver.rk4"),
    Key::variant("exact", &[], "closed solution of linear equations, no stepping"),
    Key::variant("implicit", ADAPTIVE, "L-stable implicit method for stiff equations")
        .like("solver.dopri5"),
    Key::variant("auto", ADAPTIVE, "explicit until stiffness is measured, then implicit, and back")
        .like("solver.dopri5"),
    Key::variant(
        "ode-solvers-dopri5",
        FOREIGN,
        "Dormand-Prince 5(4) of the crate ode_solvers, for cross-checks",
    ),
    Key::variant(
        "ode-solvers-dop853",
        FOREIGN,
        "Dormand-Prince 8(5,3) of the crate ode_solvers, for cross-checks",
    )
    .like("solver.ode-solvers-dopri5"),
    Key::variant(
        "diffsol-bdf",
        ADAPTIVE,
        "BDF of the crate diffsol, for cross-checks (cargo feature `diffsol`)",
    )
    .like("solver.dopri5"),
    Key::variant("euler-maruyama", FIXED, "Euler-Maruyama, for noise").like("solver.rk4"),
    Key::variant(
        "exponential-euler-maruyama",
        FIXED,
        "Euler-Maruyama with the linear parts solved exactly, for noise",
    )
    .like("solver.rk4"),
]);

impl Solver {
    /// The name of the variant in the file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dopri5(_) => "dopri5",
            Self::Tsit5(_) => "tsit5",
            Self::Dop853(_) => "dop853",
            Self::Rk4(_) => "rk4",
            Self::Euler(_) => "euler",
            Self::SemiImplicitEuler(_) => "semi-implicit-euler",
            Self::Exact {} => "exact",
            Self::Implicit(_) => "implicit",
            Self::Auto(_) => "auto",
            Self::OdeSolversDopri5(_) => "ode-solvers-dopri5",
            Self::OdeSolversDop853(_) => "ode-solvers-dop853",
            Self::DiffsolBdf(_) => "diffsol-bdf",
            Self::EulerMaruyama(_) => "euler-maruyama",
            Self::ExponentialEulerMaruyama(_) => "exponential-euler-maruyama",
        }
    }

    /// Options of a method with error control of our own or of `diffsol`.
    #[must_use]
    pub fn adaptive(&self) -> Option<&Adaptive> {
        match self {
            Self::Dopri5(o)
            | Self::Tsit5(o)
            | Self::Dop853(o)
            | Self::Implicit(o)
            | Self::Auto(o)
            | Self::DiffsolBdf(o) => Some(o),
            _ => None,
        }
    }

    /// Options of a method with a fixed step.
    #[must_use]
    pub fn fixed_step(&self) -> Option<&FixedStep> {
        match self {
            Self::Rk4(o)
            | Self::Euler(o)
            | Self::SemiImplicitEuler(o)
            | Self::EulerMaruyama(o)
            | Self::ExponentialEulerMaruyama(o) => Some(o),
            _ => None,
        }
    }

    /// Whether the method integrates noise.
    #[must_use]
    pub fn is_stochastic(&self) -> bool {
        matches!(self, Self::EulerMaruyama(_) | Self::ExponentialEulerMaruyama(_))
    }
}

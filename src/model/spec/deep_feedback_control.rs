//! `[dynamics.deep-feedback-control]`.

use serde::{Deserialize, Serialize};

use crate::model::key::{Bounds, Key, Kind, Preset};

/// Keys of `[dynamics.deep-feedback-control]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeepFeedbackControl {
    /// Leak of the controller.
    pub leak: f64,
    /// The variable that leaks.
    pub leak_on: LeakOn,
    /// Proportional gain.
    pub k_p: f64,
    /// Time constant of the voltages, s.
    pub tau_v: f64,
    /// Time constant of the integral controller, s.
    pub tau_u: f64,
    /// Time constant of the apical compartment, s; no compartment when absent.
    pub tau_apical: Option<f64>,
    /// The limit of infinitely fast voltages, which become algebraic.
    pub instantaneous: bool,
    /// Low-pass filters of recorded and learning signals.
    pub filter: Option<Filter>,
    /// Additive noise.
    pub noise: Option<Noise>,
}

/// The variable that leaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeakOn {
    /// The control signal `u = w + k_p e`.
    U,
    /// The integral `w`.
    W,
}

/// Time constants of first-order low-pass filters; no filter where absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Of the output error before it reaches the controller, s.
    pub tau_error: Option<f64>,
    /// Of the control signal, s.
    pub tau_controller: Option<f64>,
    /// Of the voltages, s.
    pub tau_voltage: Option<f64>,
}

/// Additive noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Noise {
    /// White noise.
    White {
        /// The compartment.
        location: NoiseSite,
        /// Intensity, per square root of a second.
        std: f64,
    },
    /// Ornstein-Uhlenbeck noise.
    OrnsteinUhlenbeck {
        /// The compartment.
        location: NoiseSite,
        /// Stationary standard deviation.
        std: f64,
        /// Correlation time, s.
        tau: f64,
    },
}

/// The compartment that noise enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseSite {
    /// The apical compartment.
    Apical,
    /// The voltages.
    Somatic,
}

const LOCATION: Key =
    Key::new("location", Kind::Choice(&["apical", "somatic"]), "the compartment that noise enters")
        .or(Preset::Word("somatic"));

const NOISE: Kind = Kind::OneOf(&[
    Key::variant(
        "white",
        &[
            LOCATION,
            Key::float("std", Bounds::NOT_NEGATIVE, "intensity of the noise").unit("s^-1/2"),
        ],
        "white noise",
    ),
    Key::variant(
        "ornstein-uhlenbeck",
        &[
            LOCATION,
            Key::float("std", Bounds::NOT_NEGATIVE, "stationary standard deviation"),
            Key::float("tau", Bounds::POSITIVE, "correlation time").unit("s"),
        ],
        "coloured noise",
    ),
]);

/// Keys of `filter`.
pub(crate) const FILTER: &[Key] = &[
    filter("tau_error", "time constant of the output error before the controller"),
    filter("tau_controller", "time constant of the control signal"),
    filter("tau_voltage", "time constant of the voltages"),
];

const fn filter(name: &'static str, meaning: &'static str) -> Key {
    Key::float(name, Bounds::POSITIVE, meaning).optional("no filter").unit("s")
}

/// The variable that leaks.
pub(crate) const LEAK_ON: Key =
    Key::new("leak_on", Kind::Choice(&["u", "w"]), "the variable that leaks: u = w + k_p e, or w")
        .or(Preset::Word("u"));
/// Proportional gain.
pub(crate) const K_P: Key =
    Key::float("k_p", Bounds::NOT_NEGATIVE, "proportional gain").or(Preset::Float(0.0));
/// Time constant of the voltages.
pub(crate) const TAU_V: Key = Key::time_constant("tau_v", "time constant of the voltages");
/// Time constant of the controller.
pub(crate) const TAU_U: Key =
    Key::time_constant("tau_u", "time constant of the integral controller");
/// Time constant of the apical compartment.
pub(crate) const TAU_APICAL: Key =
    Key::float("tau_apical", Bounds::POSITIVE, "time constant of the apical compartment")
        .optional("no apical compartment")
        .unit("s");

/// Keys of `[dynamics.deep-feedback-control]`.
pub(crate) const KEYS: &[Key] = &[
    super::dynamics::LEAK,
    LEAK_ON,
    K_P,
    TAU_V,
    TAU_U,
    TAU_APICAL,
    Key::flag("instantaneous", false, "take the limit of infinitely fast voltages"),
    Key::new("filter", Kind::Section(FILTER), "first-order low-pass filters").optional("none"),
    Key::new("noise", NOISE, "additive noise; needs a stochastic solver").optional("none"),
];

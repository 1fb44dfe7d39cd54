//! `[dynamics.rate-network]`.

use serde::{Deserialize, Serialize};

use super::network::ACTIVATION;
use super::{Matrix, OneOrMany};
use crate::model::key::{Bounds, Key, Kind, MATRIX, Preset, VECTOR};
use crate::network::Activation;

/// A recurrent rate network `tau x' = -leak x + w g(gain x) + input + q c`, where a controller
/// forms `c` from the error `target - readout g(gain x)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateNetwork {
    /// Recurrent weights.
    pub w: Matrix,
    /// The activation `g`, one for all units or one for each.
    pub activation: OneOrMany<Activation>,
    /// The factor inside the activation.
    pub gain: f64,
    /// Leak of the units, one for all or one for each.
    pub leak: OneOrMany<f64>,
    /// Time constant, one for all units or one for each, s.
    pub tau: OneOrMany<f64>,
    /// Constant input, one for all units or one for each.
    pub input: OneOrMany<f64>,
    /// Readout of the rates; identity when absent.
    pub readout: Option<Matrix>,
    /// What the readout should be.
    pub target: Option<Vec<f64>>,
    /// The controller.
    pub controller: Option<Controller>,
    /// Feedback of the controller to the units; identity when absent.
    pub q: Option<Matrix>,
}

/// A controller that turns the error `e` into a control signal `c`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Controller {
    /// `c = z`, `tau z' = k_i e - leak z`.
    LeakyIntegral {
        /// Leak of the integral.
        leak: f64,
        /// Time constant of the integral, s.
        tau: f64,
        /// Gain of the integral.
        k_i: f64,
    },
    /// `c = z + k_p e`.
    ProportionalIntegral {
        /// Leak of the integral.
        leak: f64,
        /// Time constant of the integral, s.
        tau: f64,
        /// Gain of the integral.
        k_i: f64,
        /// Gain of the error itself.
        k_p: f64,
    },
    /// `c = z + k_p e + k_d d`, `d` the derivative of `e` behind a first-order filter.
    Pid {
        /// Leak of the integral.
        leak: f64,
        /// Time constant of the integral, s.
        tau: f64,
        /// Gain of the integral.
        k_i: f64,
        /// Gain of the error itself.
        k_p: f64,
        /// Gain of the filtered derivative, s.
        k_d: f64,
        /// Time constant of the derivative's filter, s.
        tau_derivative: f64,
    },
}

const LEAK: Key =
    Key::float("leak", Bounds::NOT_NEGATIVE, "leak of the integral").or(Preset::Float(0.0));
const TAU: Key = Key::time_constant("tau", "time constant of the integral");
const K_I: Key = Key::float("k_i", Bounds::FINITE, "gain of the integral").or(Preset::Float(1.0));
const K_P: Key =
    Key::float("k_p", Bounds::FINITE, "gain of the error itself").or(Preset::Float(1.0));

const CONTROLLER: Kind = Kind::OneOf(&[
    Key::variant("leaky-integral", &[LEAK, TAU, K_I], "c = z, tau z' = k_i e - leak z"),
    Key::variant(
        "proportional-integral",
        &[LEAK, TAU, K_I, K_P],
        "c = z + k_p e, tau z' = k_i e - leak z",
    ),
    Key::variant(
        "pid",
        &[
            LEAK,
            TAU,
            K_I,
            K_P,
            Key::float("k_d", Bounds::FINITE, "gain of the filtered derivative")
                .or(Preset::Float(0.0))
                .unit("s"),
            Key::float(
                "tau_derivative",
                Bounds::POSITIVE,
                "time constant of the derivative's filter",
            )
            .or(Preset::Float(0.1))
            .unit("s"),
        ],
        "proportional-integral with a filtered derivative",
    ),
]);

/// Keys of `[dynamics.rate-network]`.
pub(crate) const KEYS: &[Key] = &[
    Key::new("w", MATRIX, "recurrent weights, square"),
    Key::new(
        "activation",
        Kind::Either(&[ACTIVATION, Kind::List(&ACTIVATION)]),
        "the activation g, one for all units or one for each",
    )
    .or(Preset::Word("tanh")),
    Key::float("gain", Bounds::FINITE, "factor inside the activation: the rates are g(gain x)")
        .or(Preset::Float(1.0)),
    Key::new(
        "leak",
        Kind::Either(&[Kind::Float(Bounds::NOT_NEGATIVE), VECTOR]),
        "leak of the units, one for all or one for each",
    )
    .or(Preset::Float(1.0)),
    Key::new(
        "tau",
        Kind::Either(&[Kind::Float(Bounds::POSITIVE), VECTOR]),
        "time constant, one for all units or one for each",
    )
    .or(Preset::Float(1.0))
    .unit("s"),
    Key::new(
        "input",
        Kind::Either(&[Kind::Float(Bounds::FINITE), VECTOR]),
        "constant input, one for all units or one for each",
    )
    .or(Preset::Float(0.0)),
    Key::new("readout", MATRIX, "readout of the rates, one column per unit; needs `target`")
        .optional("identity"),
    Key::new("target", VECTOR, "what the readout should be, one entry per row of `readout`")
        .optional("no target"),
    Key::new("controller", CONTROLLER, "controller of the error target - readout; needs `target`")
        .optional("open loop"),
    Key::new("q", MATRIX, "feedback of the controller: units x readouts").optional("identity"),
];

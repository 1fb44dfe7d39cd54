//! `[dynamics.rate-network]`.

use serde::{Deserialize, Serialize};

use super::network::ACTIVATION;
use super::{Matrix, OneOrMany};
use crate::model::key::{Bounds, Key, Kind, MATRIX, Preset, VECTOR};
use crate::network::Activation;

/// A recurrent rate network
/// `tau x' = -leak x + g(w x + input + q u)`, with a controller of the error `target - y`,
/// `y = readout g_out(x)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateNetwork {
    /// Recurrent weights.
    pub w: Matrix,
    /// The nonlinearity `g`.
    pub activation: Activation,
    /// Leak of the rates.
    pub leak: f64,
    /// Time constant, one for all units or one for each, s.
    pub tau: OneOrMany<f64>,
    /// Constant input; zero when absent.
    pub input: Option<Vec<f64>>,
    /// Readout matrix; identity when absent.
    pub readout: Option<Matrix>,
    /// The `g_out` of the readout.
    pub readout_activation: Activation,
    /// What the readout should be.
    pub target: Option<Vec<f64>>,
    /// The controller.
    pub controller: Option<Controller>,
    /// Feedback of the controller to the units.
    pub q: Option<Matrix>,
}

/// A controller of the error `e = target - y`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Controller {
    /// `tau u' = k_i e - leak u`.
    LeakyIntegral {
        /// Leak of the controller.
        leak: f64,
        /// Time constant, s.
        tau: f64,
        /// Integral gain.
        k_i: f64,
    },
    /// `u = w + k_p e`, `tau w' = k_i e - leak w`.
    ProportionalIntegral {
        /// Leak of the integral.
        leak: f64,
        /// Time constant of the integral, s.
        tau: f64,
        /// Integral gain.
        k_i: f64,
        /// Proportional gain.
        k_p: f64,
    },
    /// `u = w + k_p e + k_d d`, `d` the filtered derivative of `e`.
    Pid {
        /// Leak of the integral.
        leak: f64,
        /// Time constant of the integral, s.
        tau: f64,
        /// Integral gain.
        k_i: f64,
        /// Proportional gain.
        k_p: f64,
        /// Derivative gain, s.
        k_d: f64,
        /// Time constant of the derivative's filter, s.
        tau_derivative: f64,
    },
}

const LEAK: Key =
    Key::float("leak", Bounds::NOT_NEGATIVE, "leak of the integral").or(Preset::Float(0.0));
const TAU: Key = Key::time_constant("tau", "time constant of the integral");
const K_I: Key = Key::float("k_i", Bounds::FINITE, "integral gain").or(Preset::Float(1.0));
const K_P: Key = Key::float("k_p", Bounds::FINITE, "proportional gain").or(Preset::Float(1.0));

const CONTROLLER: Kind = Kind::OneOf(&[
    Key::variant("leaky-integral", &[LEAK, TAU, K_I], "tau u' = k_i e - leak u"),
    Key::variant(
        "proportional-integral",
        &[LEAK, TAU, K_I, K_P],
        "u = w + k_p e, tau w' = k_i e - leak w",
    ),
    Key::variant(
        "pid",
        &[
            LEAK,
            TAU,
            K_I,
            K_P,
            Key::float("k_d", Bounds::FINITE, "derivative gain").or(Preset::Float(0.0)).unit("s"),
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
    Key::new("activation", ACTIVATION, "the nonlinearity g").or(Preset::Word("tanh")),
    Key::float("leak", Bounds::NOT_NEGATIVE, "leak of the rates").or(Preset::Float(1.0)),
    Key::new(
        "tau",
        Kind::Either(&[Kind::Float(Bounds::POSITIVE), VECTOR]),
        "time constant, one for all units or one for each",
    )
    .or(Preset::Float(1.0))
    .unit("s"),
    Key::new("input", VECTOR, "constant input, one entry per unit").optional("zero"),
    Key::new("readout", MATRIX, "readout matrix, one column per unit").optional("identity"),
    Key::new("readout_activation", ACTIVATION, "nonlinearity of the units before the readout")
        .or(Preset::Word("linear")),
    Key::new("target", VECTOR, "what the readout should be, one entry per row of `readout`")
        .optional("no target"),
    Key::new("controller", CONTROLLER, "controller of the error target - y; needs `target`")
        .optional("open loop"),
    Key::new("q", MATRIX, "feedback of the controller: units x readouts").optional("identity"),
];

//! `[stability]`: options of `dinv stability`.

use serde::{Deserialize, Serialize};

use super::feedback::{MARGIN, MAX_ITERATIONS, OBJECTIVE, Objective, SMOOTHING};
use super::sweep::{AXIS_POINTS, Points};
use crate::model::key::{Bounds, Key, Kind, Preset};

/// What `dinv stability` computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stability {
    /// Where the Jacobian is taken.
    pub at: At,
    /// A checkpoint or training result for `at = "checkpoints"`.
    pub checkpoints: Option<String>,
    /// Where Newton's method starts.
    pub starts: Vec<StartPoint>,
    /// Number of drawn starts.
    pub drawn: usize,
    /// Standard deviation of drawn starts.
    pub drawn_scale: f64,
    /// Scaled residual below which a point is an equilibrium.
    pub newton_tolerance: f64,
    /// Cap on Newton's method.
    pub newton_iterations: usize,
    /// How eigenvalues are found.
    pub method: EigenvalueMethod,
    /// Number of leading modes reported.
    pub modes: usize,
    /// Whether the complex stability radius is computed.
    pub stability_radius: bool,
    /// Whether the largest transient growth is computed.
    pub transient_growth: bool,
    /// Whether the lower bound from the Kreiss constant is computed.
    pub kreiss: bool,
    /// Parameters whose critical values are sought.
    pub critical: Vec<Critical>,
    /// Step of the semi-implicit Euler scheme whose spectral radius is reported, s.
    pub euler_step: f64,
    /// Certificates to try.
    pub certificates: Vec<Certificate>,
    /// Norms of the contraction certificate.
    pub contraction_norms: Vec<Norm>,
    /// Grid of the pseudospectrum.
    pub pseudospectrum: Option<Pseudospectrum>,
    /// Stationary covariance under white noise.
    pub covariance: Option<Covariance>,
    /// Optimisation of the feedback before the analysis.
    pub optimize: Option<Optimize>,
    /// Continuation of the equilibrium in a parameter.
    pub continuation: Option<Continuation>,
    /// Verdicts over two parameters.
    pub map: Option<StabilityMap>,
}

/// Where the Jacobian is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// At the equilibria.
    Equilibrium,
    /// At the rows of the trajectory of `[run]`: frozen-time spectra.
    Trajectory,
    /// At the weights of training checkpoints.
    Checkpoints,
}

/// Where Newton's method starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartPoint {
    /// The initial state of the model (the feedforward state where there is one).
    Initial,
    /// Zero.
    Zero,
    /// Drawn points.
    Drawn,
}

/// How eigenvalues are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EigenvalueMethod {
    /// Through the block structure where there is one.
    Auto,
    /// From the full Jacobian.
    Full,
    /// Through the block structure; refused where there is none.
    Reduced,
}

/// A parameter whose critical value is sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Critical {
    /// The leak of the controller.
    Leak,
    /// A factor of the feedback matrix.
    Gain,
    /// `tau_state / tau_controller`.
    TauRatio,
}

/// A certificate of stability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// A verified quadratic Lyapunov function of the linearisation.
    Lyapunov,
    /// The global certificate for `B = -P W^T R`.
    Global,
    /// A matrix measure that is negative over all slopes.
    Contraction,
}

/// A vector norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Norm {
    /// The sum norm.
    #[serde(rename = "1")]
    One,
    /// The Euclidean norm.
    #[serde(rename = "2")]
    Two,
    /// The maximum norm.
    #[serde(rename = "inf")]
    Infinity,
}

/// Grid of the pseudospectrum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pseudospectrum {
    /// Range of the real part; around the spectrum when absent.
    pub re: Option<[f64; 2]>,
    /// Range of the imaginary part; around the spectrum when absent.
    pub im: Option<[f64; 2]>,
    /// Grid points along each axis.
    pub points: usize,
}

/// Stationary covariance under white noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covariance {
    /// The block that noise enters; every block when absent.
    pub block: Option<String>,
    /// Intensity, per square root of a second.
    pub std: f64,
}

/// Optimisation of the feedback from where the model puts it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimize {
    /// The abscissa aimed at is `-margin`.
    pub margin: f64,
    /// Smoothing `eps` of the abscissa.
    pub smoothing: f64,
    /// Cap on the descent.
    pub max_iterations: usize,
    /// What is optimised.
    pub objective: Objective,
}

/// Continuation of the equilibrium in one parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Continuation {
    /// Dotted path of the parameter.
    pub parameter: String,
    /// Its first value.
    pub from: f64,
    /// Its last value.
    pub to: f64,
    /// How the branch is followed.
    pub method: ContinuationMethod,
    /// First step; a hundredth of the range when absent.
    pub first_step: Option<f64>,
    /// Cap on the number of points.
    pub max_points: usize,
    /// Accuracy of bifurcation points.
    pub tolerance: f64,
    /// Whether limit cycles beyond Hopf points are integrated.
    pub limit_cycles: bool,
}

/// How a branch is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContinuationMethod {
    /// In the parameter; ends at a fold.
    Natural,
    /// Along the branch, around folds.
    PseudoArclength,
}

/// Verdicts over two parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StabilityMap {
    /// The horizontal axis.
    pub x: MapAxis,
    /// The vertical axis.
    pub y: MapAxis,
}

/// One axis of a stability map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapAxis {
    /// What is varied.
    pub parameter: Critical,
    /// Its values.
    pub points: Points,
}

const CRITICAL: Kind = Kind::Choice(&["leak", "gain", "tau_ratio"]);

const MAP_AXIS: &[Key] = &[
    Key::new("parameter", CRITICAL, "what is varied"),
    Key::new("points", AXIS_POINTS, "its values").like("sweep.grid.*"),
];

const CONTINUATION: &[Key] = &[
    Key::new(
        "parameter",
        Kind::Text,
        "dotted path of the parameter, e.g. `dynamics.single-loop.leak`",
    ),
    Key::float("from", Bounds::FINITE, "its first value"),
    Key::float("to", Bounds::FINITE, "its last value"),
    Key::new(
        "method",
        Kind::Choice(&["natural", "pseudo-arclength"]),
        "how the branch is followed",
    )
    .or(Preset::Word("pseudo-arclength")),
    Key::float("first_step", Bounds::POSITIVE, "first step along the branch")
        .optional("a hundredth of the range"),
    Key::new("max_points", Kind::Integer(2), "cap on the number of points")
        .or(Preset::Integer(1000)),
    Key::float("tolerance", Bounds::POSITIVE, "accuracy of Hopf and fold points")
        .or(Preset::Float(1e-8)),
    Key::flag("limit_cycles", true, "integrate limit cycles beyond Hopf points"),
];

/// Keys of `[stability]`.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "at",
        Kind::Choice(&["equilibrium", "trajectory", "checkpoints"]),
        "where the Jacobian is taken",
    )
    .or(Preset::Word("equilibrium")),
    Key::new("checkpoints", Kind::File, "training result or checkpoint for `at = \"checkpoints\"`")
        .optional("none"),
    Key::new(
        "starts",
        Kind::List(&Kind::Choice(&["initial", "zero", "drawn"])),
        "where Newton's method starts",
    )
    .or(Preset::Words(&["initial", "zero", "drawn"])),
    Key::new("drawn", Kind::Integer(1), "number of drawn starts").or(Preset::Integer(8)),
    Key::float("drawn_scale", Bounds::POSITIVE, "standard deviation of drawn starts")
        .or(Preset::Float(1.0)),
    Key::float(
        "newton_tolerance",
        Bounds::POSITIVE,
        "scaled residual below which a point is an equilibrium",
    )
    .or(Preset::Float(1e-12)),
    Key::new("newton_iterations", Kind::Integer(1), "cap on Newton's method")
        .or(Preset::Integer(100)),
    Key::new(
        "method",
        Kind::Choice(&["auto", "full", "reduced"]),
        "how eigenvalues are found: from the full Jacobian or through its block structure",
    )
    .or(Preset::Word("auto")),
    Key::new("modes", Kind::Integer(1), "number of leading modes reported").or(Preset::Integer(10)),
    Key::flag("stability_radius", true, "compute the complex stability radius"),
    Key::flag("transient_growth", true, "compute the largest transient growth"),
    Key::flag(
        "kreiss",
        false,
        "compute the lower bound on transient growth from the Kreiss constant",
    ),
    Key::new("critical", Kind::List(&CRITICAL), "parameters whose critical values are sought")
        .or(Preset::Words(&["leak", "gain"])),
    Key::float(
        "euler_step",
        Bounds::POSITIVE,
        "step of the published semi-implicit Euler scheme whose spectral radius is reported",
    )
    .or(Preset::Float(0.5))
    .unit("s"),
    Key::new(
        "certificates",
        Kind::List(&Kind::Choice(&["lyapunov", "global", "contraction"])),
        "certificates to try",
    )
    .or(Preset::Words(&[])),
    Key::new(
        "contraction_norms",
        Kind::List(&Kind::Choice(&["1", "2", "inf"])),
        "norms of the contraction certificate",
    )
    .or(Preset::Words(&["1", "2", "inf"])),
    Key::new(
        "pseudospectrum",
        Kind::Section(&[
            Key::new("re", Kind::Tuple(&["low", "high"]), "range of the real part")
                .optional("around the spectrum")
                .unit("1/s"),
            Key::new("im", Kind::Tuple(&["low", "high"]), "range of the imaginary part")
                .optional("around the spectrum")
                .unit("1/s"),
            Key::new("points", Kind::Integer(2), "grid points along each axis")
                .or(Preset::Integer(100)),
        ]),
        "compute the pseudospectrum on a grid",
    )
    .optional("no"),
    Key::new(
        "covariance",
        Kind::Section(&[
            Key::new("block", Kind::Text, "the block that noise enters").optional("every block"),
            Key::float("std", Bounds::POSITIVE, "intensity of the noise")
                .or(Preset::Float(1.0))
                .unit("s^-1/2"),
        ]),
        "compute the stationary covariance under white noise",
    )
    .optional("no"),
    Key::new(
        "optimize",
        Kind::Section(&[MARGIN, SMOOTHING, MAX_ITERATIONS, OBJECTIVE]),
        "optimise the feedback for stability before the analysis, from where the model puts it",
    )
    .optional("no"),
    Key::new(
        "continuation",
        Kind::Section(CONTINUATION),
        "follow the equilibrium in one parameter",
    )
    .optional("no"),
    Key::new(
        "map",
        Kind::Section(&[
            Key::new("x", Kind::Section(MAP_AXIS), "the horizontal axis"),
            Key::new("y", Kind::Section(MAP_AXIS), "the vertical axis").like("stability.map.x"),
        ]),
        "verdicts over two parameters",
    )
    .optional("no"),
];

//! How the state of a loop reaches its controller.

use nalgebra::DMatrix;

use crate::network::Activation;

/// The transfer `F` of a loop: what the controller compares with the target.
///
/// `W` is the weight matrix of the inverted layer, `g` the activation of the layer below it and
/// `a` an operating point: a pre-activation of that layer, one column for all targets or one
/// column per target. `*` is elementwise.
///
/// | name | `F(r)` | use |
/// |---|---|---|
/// | `linear` | `W r` | exact theory |
/// | `nonlinear` | `W g(r)` | the published nonlinear loop |
/// | `tangent` | `W (g'(a) * r)` | derivative of the forward pass at `a`, as Gauss-Newton uses it |
/// | `inverse-slope` | `W (r / g'(a))` | variant of the published code; refused where `g'(a) = 0` |
/// | `deviation` | `W (g(a + r) - g(a))` | finite perturbation of the forward pass |
#[derive(Debug, Clone, PartialEq)]
pub enum Transfer {
    /// `F(r) = W r`.
    Linear,
    /// `F(r) = W g(r)`.
    Nonlinear {
        /// `g`.
        activation: Activation,
    },
    /// `F(r) = W (g'(a) * r)`.
    Tangent {
        /// `g`.
        activation: Activation,
        /// `a`: units x 1, or units x targets.
        operating_point: DMatrix<f64>,
    },
    /// `F(r) = W (r / g'(a))`.
    InverseSlope {
        /// `g`.
        activation: Activation,
        /// `a`: units x 1, or units x targets.
        operating_point: DMatrix<f64>,
    },
    /// `F(r) = W (g(a + r) - g(a))`.
    Deviation {
        /// `g`.
        activation: Activation,
        /// `a`: units x 1, or units x targets.
        operating_point: DMatrix<f64>,
    },
}

/// Names of the transfers in model files.
pub const TRANSFERS: &[&str] = &["linear", "nonlinear", "tangent", "inverse-slope", "deviation"];

impl Transfer {
    /// The name used in model files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Nonlinear { .. } => "nonlinear",
            Self::Tangent { .. } => "tangent",
            Self::InverseSlope { .. } => "inverse-slope",
            Self::Deviation { .. } => "deviation",
        }
    }

    /// The activation `g`, `None` for the linear transfer.
    #[must_use]
    pub fn activation(&self) -> Option<Activation> {
        match self {
            Self::Linear => None,
            Self::Nonlinear { activation }
            | Self::Tangent { activation, .. }
            | Self::InverseSlope { activation, .. }
            | Self::Deviation { activation, .. } => Some(*activation),
        }
    }

    /// The operating point `a`, where the transfer has one.
    #[must_use]
    pub fn operating_point(&self) -> Option<&DMatrix<f64>> {
        match self {
            Self::Linear | Self::Nonlinear { .. } => None,
            Self::Tangent { operating_point, .. }
            | Self::InverseSlope { operating_point, .. }
            | Self::Deviation { operating_point, .. } => Some(operating_point),
        }
    }

    /// `transfer "nonlinear" with tanh`, for messages.
    pub(crate) fn describe(&self) -> String {
        match self.activation() {
            None => format!("transfer \"{}\"", self.name()),
            Some(g) => format!("transfer \"{}\" with {}", self.name(), g.name()),
        }
    }
}

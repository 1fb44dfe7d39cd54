//! Block structure of a Jacobian, as far as analyses and exact solutions can use it.

use nalgebra::DMatrix;

use crate::network::Activation;

/// One linear(ised) layer loop with Jacobian
/// `[[-I/tau_state, B/tau_state], [M/tau_controller, -leak I/tau_controller]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerLoop {
    /// `M = W G`, controller units x state units: slope of the transfer at the point.
    pub forward: DMatrix<f64>,
    /// `B`, state units x controller units.
    pub feedback: DMatrix<f64>,
    /// Leak of the controller.
    pub leak: f64,
    /// Time constant of the state, s.
    pub tau_state: f64,
    /// Time constant of the controller, s.
    pub tau_controller: f64,
}

/// A chain of stages closed by one controller: `B` drives stage 1, `forward[k]` maps stage `k + 1`
/// to the next, the last one to the controller.
#[derive(Debug, Clone, PartialEq)]
pub struct SingleLoopChain {
    /// Slopes `W_l G_{l-1}` from the first stage to the controller.
    pub forward: Vec<DMatrix<f64>>,
    /// `B`, first-stage units x controller units.
    pub feedback: DMatrix<f64>,
    /// Leak of the controller.
    pub leak: f64,
    /// Time constant of every stage, s.
    pub tau_state: f64,
    /// Time constant of the controller, s.
    pub tau_controller: f64,
}

/// A network under control, reduced to what its output sees: the eigenvalues of the full Jacobian
/// are those of `jacobian` and the known ones.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlLoop {
    /// The reduced Jacobian, 1/s.
    pub jacobian: DMatrix<f64>,
    /// Eigenvalues known exactly, 1/s, with their multiplicities.
    pub known: Vec<(f64, usize)>,
}

/// What is known about the Jacobian of one target column beyond its entries.
#[derive(Debug, Clone, PartialEq)]
pub enum Structure {
    /// Nothing.
    Dense,
    /// Block triangular with these layer loops on the diagonal, top layer first. A single loop has
    /// the state block first and the controller block second.
    LayerLoops(Vec<LayerLoop>),
    /// A single loop through several stages.
    SingleLoop(SingleLoopChain),
    /// A network under control, reduced to what its output sees.
    Control(ControlLoop),
}

/// A parameter of a control loop that can be varied on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ControlParameter {
    /// The leak of the controller.
    Leak,
    /// A factor of the feedback matrix, 1 as the model stands.
    Gain,
    /// The time constant of the state over that of the controller, whose value is kept.
    TauRatio,
}

impl ControlParameter {
    /// The name in model files and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Gain => "gain",
            Self::TauRatio => "tau_ratio",
        }
    }
}

/// A Jacobian that depends on the state only through elementwise slopes:
/// `J(y) = constant + left diag(s) right` with `s_k` the slope of unit `k`.
#[derive(Debug, Clone, PartialEq)]
pub struct SlopeForm {
    /// The Jacobian with all slopes zero.
    pub constant: DMatrix<f64>,
    /// One column per nonlinear unit: where it acts.
    pub left: DMatrix<f64>,
    /// One row per nonlinear unit: what it acts on, a selection of states.
    pub right: DMatrix<f64>,
    /// The nonlinear units.
    pub units: Vec<SlopeUnit>,
}

impl SlopeForm {
    /// Independent systems one after the other.
    pub(crate) fn block_diagonal(parts: &[Self]) -> Self {
        let states: usize = parts.iter().map(|p| p.constant.nrows()).sum();
        let count: usize = parts.iter().map(|p| p.units.len()).sum();
        let mut joint = Self {
            constant: DMatrix::zeros(states, states),
            left: DMatrix::zeros(states, count),
            right: DMatrix::zeros(count, states),
            units: Vec::with_capacity(count),
        };
        let mut start = 0;
        for part in parts {
            let unit = joint.units.len();
            let (n, k) = part.left.shape();
            joint.constant.view_mut((start, start), (n, n)).copy_from(&part.constant);
            joint.left.view_mut((start, unit), (n, k)).copy_from(&part.left);
            joint.right.view_mut((unit, start), (k, n)).copy_from(&part.right);
            joint.units.extend_from_slice(&part.units);
            start += n;
        }
        joint
    }
}

/// A nonlinear unit `g(offset + gain x) - g(offset)` of a [`SlopeForm`], slope `gain g'`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlopeUnit {
    /// `g`.
    pub activation: Activation,
    /// Added to the argument.
    pub offset: f64,
    /// Factor of the argument.
    pub gain: f64,
}

impl SlopeUnit {
    /// The interval of its slopes.
    #[must_use]
    pub fn slope_bounds(&self) -> (f64, f64) {
        let (low, high) = self.activation.slope_bounds();
        let ends = (low * self.gain, high * self.gain);
        (ends.0.min(ends.1), ends.0.max(ends.1))
    }
}

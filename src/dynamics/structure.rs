//! Block structure of a Jacobian, as far as analyses and exact solutions can use it.

use nalgebra::DMatrix;

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
}

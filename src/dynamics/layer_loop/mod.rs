//! One layer loop, shared by the dynamics built from layer loops.

mod equation;
mod reduced;
mod solver;

pub(crate) use equation::LoopEquation;
pub use equation::LoopParameters;
pub(crate) use reduced::LoopReduction;
pub(crate) use solver::LoopSolver;

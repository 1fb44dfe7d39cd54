//! The checks, one file each; [`CHECKS`] lists them in the order of `docs/theory.md`.

pub mod convergence_rate;
pub mod exact_trajectories;
pub mod layer_steady_state;
pub mod nonlinear_steady_state;
pub mod push_through;
pub mod theorem_1_boundary;
pub mod theorem_1_growth;
pub mod theorem_1_spectrum;
pub mod theorem_2_limits;
pub mod theorem_2_spectrum;

use super::check::Check;

/// Every check.
pub const CHECKS: &[Check] = &[
    layer_steady_state::CHECK,
    nonlinear_steady_state::CHECK,
    push_through::CHECK,
    exact_trajectories::CHECK,
    convergence_rate::CHECK,
    theorem_1_spectrum::CHECK,
    theorem_1_boundary::CHECK,
    theorem_1_growth::CHECK,
    theorem_2_spectrum::CHECK,
    theorem_2_limits::CHECK,
];

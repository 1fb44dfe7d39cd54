//! The checks, one file each; [`CHECKS`] lists them in the order of `docs/theory.md`.

pub mod composition;
pub mod concurrent_spectrum;
pub mod convergence_rate;
pub mod delayed_updates;
pub mod dfc;
pub mod dfc_gauss_newton;
pub mod dfc_similarity;
pub mod dfc_steady_state;
pub mod exact_trajectories;
pub mod integrator_order;
pub mod layer_steady_state;
pub mod leak_to_zero;
pub mod noise_covariance;
pub mod nonlinear_steady_state;
pub mod predictive_coding;
pub mod push_through;
pub mod single_loop_sequential;
pub mod smoothed_abscissa;
pub mod tangent_lm;
pub mod theorem_1_boundary;
pub mod theorem_1_growth;
pub mod theorem_1_spectrum;
pub mod theorem_2_limits;
pub mod theorem_2_spectrum;
pub mod theorem_3_decrease;
pub mod theorem_3_form;
pub mod theorem_4_distance;
pub mod theorem_4_limits;
pub mod tikhonov;

use super::check::Check;

/// Every check.
pub const CHECKS: &[Check] = &[
    layer_steady_state::CHECK,
    nonlinear_steady_state::CHECK,
    push_through::CHECK,
    exact_trajectories::CHECK,
    integrator_order::CHECK,
    convergence_rate::CHECK,
    theorem_1_spectrum::CHECK,
    theorem_1_boundary::CHECK,
    theorem_1_growth::CHECK,
    concurrent_spectrum::CHECK,
    theorem_2_spectrum::CHECK,
    theorem_2_limits::CHECK,
    theorem_3_decrease::CHECK,
    theorem_3_form::CHECK,
    theorem_4_limits::CHECK,
    theorem_4_distance::CHECK,
    smoothed_abscissa::CHECK,
    tikhonov::CHECK,
    leak_to_zero::CHECK,
    tangent_lm::CHECK,
    composition::CHECK,
    single_loop_sequential::CHECK,
    dfc_steady_state::CHECK,
    dfc_gauss_newton::CHECK,
    dfc_similarity::CHECK,
    noise_covariance::CHECK,
    predictive_coding::CHECK,
    delayed_updates::CHECK,
];

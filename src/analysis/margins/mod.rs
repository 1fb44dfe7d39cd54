//! How far from instability, and what happens on the way to rest.
//!
//! | module | quantity |
//! |---|---|
//! | [`compress`] | the part of a loop's Jacobian that 2-norms depend on, in few states |
//! | [`radius`] | complex stability radius |
//! | [`growth`] | largest transient growth, bound from the Kreiss constant |
//! | [`pseudospectrum`] | `sigma_min(z I - J)` on a grid |
//! | [`critical`] | critical leak, feedback gain and ratio of time constants |
//! | [`euler`] | the published semi-implicit Euler scheme: spectral radius, largest stable step |

pub mod compress;
pub mod critical;
pub mod euler;
pub mod growth;
pub mod pseudospectrum;
pub mod radius;

/// Largest Jacobian whose stability radius, transient growth and pseudospectrum are computed, after
/// compression: one Hamiltonian eigenvalue problem of this size takes about ten seconds.
pub const LARGEST_MARGIN: usize = 600;

//! Stability of equilibria: spectra, verdicts, margins and certificates.
//!
//! | module | what it holds |
//! |---|---|
//! | [`spectrum`] | eigenvalues of a Jacobian, full or through its block structure |
//! | [`certificates`] | verified Lyapunov functions, global stability, contraction, covariance |
//! | [`equilibria`] | damped Newton from several starts |
//! | [`margins`] | stability radius, transient growth, critical parameters, the published Euler scheme |
//! | [`verdict`] | stable, unstable or marginal, with the tolerance that decides; leading modes |

pub mod certificates;
pub mod equilibria;
mod error;
pub mod margins;
pub mod spectrum;
pub mod verdict;

pub use error::AnalysisError;
pub use spectrum::{Spectrum, SpectrumMethod};
pub use verdict::{Judgement, Mode, Verdict};

//! Stability of equilibria: spectra, verdicts, margins and certificates.
//!
//! | module | what it holds |
//! |---|---|
//! | [`spectrum`] | eigenvalues of a Jacobian, full or through its block structure |
//! | [`verdict`] | stable, unstable or marginal, with the tolerance that decides; leading modes |

mod error;
pub mod spectrum;
pub mod verdict;

pub use error::AnalysisError;
pub use spectrum::{Spectrum, SpectrumMethod};
pub use verdict::{Judgement, Mode, Verdict};

//! Stability of equilibria: spectra, verdicts, margins and certificates.
//!
//! | module | what it holds |
//! |---|---|
//! | [`continuation`] | branches of equilibria with their folds and Hopf points |
//! | [`mod@limit_cycle`] | period and amplitude of the limit cycle around an unstable equilibrium |
//! | [`spectrum`] | eigenvalues of a Jacobian, full or through its block structure |
//! | [`certificates`] | verified Lyapunov functions, global stability, contraction, covariance |
//! | [`equilibria`] | damped Newton from several starts |
//! | [`geometry`] | Gauss-Newton, Levenberg-Marquardt and minimum-norm steps of one example |
//! | [`margins`] | stability radius, transient growth, critical parameters, the published Euler scheme |
//! | [`mod@stability_map`] | verdicts over two parameters of a layer loop, with the exact boundary |
//! | [`verdict`] | stable, unstable or marginal, with the tolerance that decides; leading modes |

pub mod certificates;
pub mod continuation;
pub mod equilibria;
mod error;
pub mod geometry;
pub mod limit_cycle;
pub mod margins;
pub mod spectrum;
pub mod stability_map;
pub mod verdict;

pub use continuation::{
    Bifurcation, BifurcationKind, Branch, BranchEnd, BranchPoint, BuildError, ContinuationError,
    ContinuationMethod, ContinuationOptions, Criticality, Family, FirstLyapunov, NormalFormError,
    continue_equilibrium, first_lyapunov,
};
pub use error::AnalysisError;
pub use limit_cycle::{LimitCycle, LimitCycleError, LimitCycleOptions, limit_cycle};
pub use spectrum::{Spectrum, SpectrumMethod};
pub use stability_map::{
    LoopModes, LoopParameter, LoopPoint, MapAxis, MapError, StabilityMap, stability_map,
};
pub use verdict::{Judgement, Mode, Verdict};

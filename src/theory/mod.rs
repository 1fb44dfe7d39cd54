//! The claims behind the method, each as a measured, falsifiable check.
//!
//! A [`Check`] states a claim with its formula, source and method, and measures it on many random
//! instances. Every measurement is a predicted number beside a measured one with a tolerance whose
//! source is stated: a model of rounding, the error of a solver measured by a second tolerance, the
//! error of a finite sample. [`CHECKS`] lists them; `docs/theory.md` explains the mathematics.
//!
//! ```
//! use dynamic_inversion::theory::{CHECKS, RunOptions, Verdict};
//!
//! let check = CHECKS.iter().find(|c| c.id == "push-through").expect("it is listed");
//! let report = check.run(&RunOptions { seed: 1, thorough: false });
//! assert_eq!(report.verdict, Verdict::Pass);
//! ```

mod check;
pub mod checks;
mod draw;
pub mod instances;
pub mod measure;
mod model_text;
mod report;
mod run;

pub use check::{Check, Instances, Measurement, Obstacle, Origin, Relation, Sample, Tolerance};
pub use checks::CHECKS;
pub use draw::Draw;
pub use report::{CheckReport, Series, Verdict};
pub use run::{RunOptions, Stopped, run, total};

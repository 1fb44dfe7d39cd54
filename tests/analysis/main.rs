//! Spectra, verdicts, margins and certificates against closed forms, golden values and each other.

mod loops;
mod spectra;
#[path = "../support/mod.rs"]
mod support;

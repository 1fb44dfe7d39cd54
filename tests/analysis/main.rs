//! Spectra, verdicts, margins and certificates against closed forms, golden values and each other.

mod certificates;
mod equilibria;
mod loops;
mod margins;
mod spectra;
#[path = "../support/mod.rs"]
mod support;

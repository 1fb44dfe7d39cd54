//! Spectra, verdicts, margins and certificates against closed forms, golden values and each other.

mod along;
mod certificates;
mod claims;
mod command;
mod equilibria;
mod geometry;
mod loops;
mod margins;
mod spectra;
#[path = "../support/mod.rs"]
mod support;

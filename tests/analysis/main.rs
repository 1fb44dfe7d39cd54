//! Spectra, verdicts, margins and certificates against closed forms, golden values and each other.

mod along;
mod certificates;
mod command;
mod equilibria;
mod loops;
mod margins;
mod spectra;
#[path = "../support/mod.rs"]
mod support;

//! The dynamics: values against references, derivatives against differences, structure against
//! dense matrices.

#[path = "../support/mod.rs"]
mod support;

mod batches;
mod catalogue;
mod control;
mod controlled;
mod derivatives;
mod equilibria;
mod errors;
mod norms;
mod purity;
mod rate_networks;
mod reductions;
mod shifted;
mod structures;

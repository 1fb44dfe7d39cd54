//! Networks, initialisers, weight files and data sets.

#[path = "../support/mod.rs"]
mod support;

mod datasets;
mod feedforward;
mod idx;
mod initial;
mod mnist;
mod random;
mod weights;
mod weights_damaged;

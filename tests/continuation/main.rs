//! Branches of equilibria, their bifurcations and cycles, and maps of stability.

mod cycles;
mod families;
mod folds;
mod hopf;
mod maps;

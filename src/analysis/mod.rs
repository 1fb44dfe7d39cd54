//! Equilibria, spectra, margins and certificates of a dynamics.

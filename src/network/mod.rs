//! Feedforward networks: activations, layers, weight files and data sets.

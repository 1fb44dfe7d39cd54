//! Continuous-time simulation of networks that assign credit by feedback control.
//!
//! A feedforward network and a feedback controller form an ordinary differential equation whose
//! steady state inverts the network, so errors reach hidden layers without learned feedback
//! (Podlaski & Machens, NeurIPS 2020, arXiv:2007.05112). This crate builds those equations,
//! integrates them with error control, analyses their stability, trains networks with them and
//! checks the theory numerically. The program `dinv` is a thin layer over it.
//!
//! # Layers
//!
//! Modules are listed from the lowest layer to the highest; each may use its own layer and those
//! above it in this list, never the other way round.
//!
//! | module | what it holds |
//! |---|---|
//! | [`linalg`] | dense linear algebra, fused products, vectorised elementary functions |
//! | [`network`] | activations, feedforward networks, weight files, data sets |
//! | [`dynamics`] | vector fields: one file per dynamics |
//! | [`integrate`] | steppers, step control, dense output, events, steady states, exact solutions |
//! | [`analysis`] | equilibria, spectra, margins, certificates, continuation |
//! | [`feedback`] | feedback matrices and their optimisation for stability |
//! | [`learning`] | error-propagation rules and the trainer |
//! | [`theory`] | the claims behind the method, each as a measured check |
//! | [`results`] | the record model and its HDF5/netCDF-4, CSV and JSON writers |
//! | [`model`] | model files: TOML text to a validated specification to built objects |
//! | [`experiment`] | what each command does, free of terminals |
//! | [`plot`] | pictures from result files |
//! | [`cli`] | the command line |

pub mod analysis;
pub mod cli;
pub mod dynamics;
pub mod error;
pub mod experiment;
pub mod feedback;
pub mod integrate;
pub mod learning;
pub mod linalg;
pub mod model;
pub mod network;
pub mod plot;
pub mod results;
pub mod theory;

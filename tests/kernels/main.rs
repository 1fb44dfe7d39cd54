//! Products, stepping kernels, elementary functions and activations.

mod activation;
mod elementary;
mod extended;
mod products;
mod stepping;

//! Dense linear algebra: the only place that names a linear-algebra library.

mod balance;
mod bridge;
pub mod eigen;
mod eigen_order;
mod eigen_vectors;
pub mod elementary;
mod error;
pub mod expm;
pub mod gemm;
pub mod kernels;
pub mod lu;
pub mod norms;
pub mod svd;
pub mod symmetric;

pub use error::LinalgError;

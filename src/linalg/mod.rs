//! Dense linear algebra: the only place that names a linear-algebra library.
//!
//! Everything takes and returns nalgebra matrices of `f64` (or of complex `f64`), refuses NaN and
//! infinities by position, caps every iteration and names what went wrong in [`LinalgError`].
//!
//! | module | what it holds |
//! |---|---|
//! | [`eigen`] | eigenvalues of a general real matrix, condition numbers, rounding errors, eigenvectors |
//! | [`symmetric`] | eigenvalues of symmetric and Hermitian matrices, numerical abscissa |
//! | [`lu`] | linear systems, with condition estimate |
//! | [`chol`] | Cholesky factorisation, proven positive definiteness, enclosed quadratic forms |
//! | [`qr`] | orthonormal columns |
//! | [`svd`] | singular values, pseudoinverse with its rank, distance of `z I - A` to singularity |
//! | [`hessenberg`] | Hessenberg form |
//! | [`schur`] | real and complex Schur forms |
//! | [`expm`] | matrix exponential, exact flow of `x' = J x + c` |
//! | [`lyapunov`], [`sylvester`] | `A X + X A^T + Q = 0`, `A X + X B = C` |
//! | [`norms`] | matrix norms |
//! | [`gemm`] | matrix-matrix products, transposed and in place |
//! | [`kernels`], [`elementary`] | the inner loops of right-hand sides, on slices |

mod balance;
mod bridge;
pub mod chol;
pub mod eigen;
mod eigen_order;
mod eigen_vectors;
pub mod elementary;
mod error;
pub mod expm;
pub mod gemm;
pub mod hessenberg;
pub mod kernels;
pub mod lu;
pub mod lyapunov;
pub mod norms;
pub mod qr;
pub mod schur;
pub mod svd;
pub mod sylvester;
pub mod symmetric;

pub use error::LinalgError;

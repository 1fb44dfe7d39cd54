//! Matrix products and stepping kernels on slices: the inner loops of every dynamics and solver.
//!
//! Vectors are slices; a batch of vectors is a slice of columns, one after the other. Matrices are
//! column-major [`DMatrix`](nalgebra::DMatrix) values. Nothing here allocates, except the packing
//! buffers of large matrix-matrix products. Slices whose lengths do not fit are a broken invariant
//! of the caller and panic.
//!
//! # Instruction sets
//!
//! The widest vector instructions (AVX2 with fused multiply-add on x86-64, NEON on AArch64) are found
//! at run time, once; no build flag is needed. The same machine gives the same bits at every call and
//! for any number of threads. Machines with and without fused multiply-add, or with another vector
//! width, differ in rounding.
//!
//! # Rounding error
//!
//! Every entry of a product is a sum of `n` terms in some order, so with the unit roundoff
//! `eps = 2^-53` the computed `W x` satisfies `|fl(W x) - W x| <= gamma_n |W| |x|` entrywise, where
//! `gamma_n = n eps / (1 - n eps)` and `n` is the number of columns of `W` (of rows, for `W^T x`).
//! (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1.)

#[cfg(test)]
mod agreement;
mod batch;
mod products;
mod small;
mod stepping;

use std::sync::LazyLock;

use pulp::{Arch, WithSimd};

pub use batch::{gemm, gemm_add, gemm_columns, gemm_transposed};
pub use products::{gemv, gemv_transposed, product_pair};
pub(crate) use small::SmallSquare;
pub use stepping::{MAX_STAGES, linear_combination, weighted_square_sum, weighted_sum};

/// Runs `operation` with the widest vector instructions of this machine.
#[inline]
pub(in crate::linalg) fn dispatch<Op: WithSimd>(operation: Op) -> Op::Output {
    // Detection asks the processor for some twenty features; the answer never changes.
    static ARCH: LazyLock<Arch> = LazyLock::new(Arch::new);
    ARCH.dispatch(operation)
}

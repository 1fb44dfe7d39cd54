//! Dense linear algebra: the only place that names a linear-algebra library.

pub mod elementary;
pub mod kernels;

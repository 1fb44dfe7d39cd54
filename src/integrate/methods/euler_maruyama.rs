//! The Euler-Maruyama method for additive noise.

use crate::integrate::method::{Kind, Method, Stepping};

/// Euler-Maruyama with a fixed step: explicit Euler plus the Brownian increment. With additive noise
/// its strong order is 1, like its order without noise.
pub static EULER_MARUYAMA: Method = Method {
    name: "euler-maruyama",
    order: 1,
    kind: Kind::FixedStep,
    summary: "Euler-Maruyama with a fixed step, for noise",
    reference: "Maruyama 1955; Kloeden & Platen 1992, Numerical Solution of SDEs, section 10.2",
    stepping: Stepping::EulerMaruyama,
};

//! The exponential Euler-Maruyama method for additive noise.

use crate::integrate::method::{Kind, Method, Stepping};

/// Euler-Maruyama in which every component's own decay, and the noise under that decay, are solved
/// exactly: stable for any step of a decoupled stiff component, exact in distribution for
/// Ornstein-Uhlenbeck processes. Strong order 1 with additive noise.
pub static EXPONENTIAL_EULER_MARUYAMA: Method = Method {
    name: "exponential-euler-maruyama",
    order: 1,
    kind: Kind::FixedStep,
    summary: "Euler-Maruyama with each component's own decay solved exactly, for noise",
    reference: "Jentzen & Kloeden 2009, doi:10.1098/rspa.2008.0325; Gillespie 1996, doi:10.1103/PhysRevE.54.2084",
    stepping: Stepping::ExponentialEulerMaruyama,
};

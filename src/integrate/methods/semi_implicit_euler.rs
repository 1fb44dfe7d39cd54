//! The semi-implicit Euler method of the published dynamic-inversion code.

use crate::integrate::method::{Kind, Method, Stepping};

/// Semi-implicit Euler with a fixed step: parts of the state are advanced one after the other
/// ([`crate::dynamics::VectorField::update_order`]), each with the new values of the parts before
/// it. Linear dense output, of order 1 like the method.
pub static SEMI_IMPLICIT_EULER: Method = Method {
    name: "semi-implicit-euler",
    order: 1,
    kind: Kind::FixedStep,
    summary: "semi-implicit Euler with a fixed step: reproduces the published dynamic-inversion runs",
    reference: "Podlaski & Machens 2020, arXiv:2007.05112 (published code: h = 0.5, controller first)",
    stepping: Stepping::SemiImplicit,
};

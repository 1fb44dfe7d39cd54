//! Explicit and implicit steps by measured stiffness.

use crate::integrate::method::{Kind, Method, Stepping};

/// Starts with explicit steps and changes to the implicit method and back when what was measured
/// says it is cheaper. See `integrate::auto`.
pub static AUTO: Method = Method {
    name: "auto",
    order: 5,
    kind: Kind::Switching,
    summary: "explicit steps (tsit5, or dop853 at tight tolerances), implicit ones where they are cheaper",
    reference: "stiffness: Hairer & Wanner 1996, Solving Ordinary Differential Equations II, IV.2; switching by counted cost: our own",
    stepping: Stepping::Auto,
};

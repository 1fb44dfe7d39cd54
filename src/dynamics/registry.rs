//! The list of dynamics.

/// One entry of [`DYNAMICS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DynamicsEntry {
    /// Name in model files.
    pub name: &'static str,
    /// One line for `dinv list dynamics`.
    pub summary: &'static str,
    /// Where the equations come from.
    pub reference: &'static str,
}

/// Every dynamics by its name in model files.
pub const DYNAMICS: &[DynamicsEntry] = &[
    DynamicsEntry {
        name: "layerwise-inversion",
        summary: "invert one layer with its own controller; many targets side by side",
        reference: "Podlaski & Machens 2020, arXiv:2007.05112",
    },
    DynamicsEntry {
        name: "concurrent-inversion",
        summary: "invert all layers at once, the target of each loop being the state of the loop above",
        reference: "Podlaski & Machens 2020, arXiv:2007.05112",
    },
    DynamicsEntry {
        name: "single-loop",
        summary: "invert several layers through one controller at the output",
        reference: "Podlaski & Machens 2020, arXiv:2007.05112",
    },
    DynamicsEntry {
        name: "deep-feedback-control",
        summary: "proportional-integral control of a whole network from its output",
        reference: "Meulemans et al. 2021, arXiv:2106.07887",
    },
    DynamicsEntry {
        name: "rate-network",
        summary: "recurrent rate network, open loop or under a leaky-integral, PI or PID controller",
        reference: "Wilson & Cowan 1972, doi:10.1016/S0006-3495(72)86068-5; Astrom & Murray 2008, Feedback Systems, ch. 10",
    },
    DynamicsEntry {
        name: "linear",
        summary: "x' = a x + b",
        reference: "Hirsch, Smale & Devaney 2013, Differential Equations, Dynamical Systems, ch. 6",
    },
];

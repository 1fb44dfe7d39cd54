//! The one list of rules.

/// One entry of [`RULES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleEntry {
    /// Name in model files.
    pub name: &'static str,
    /// One line for listings.
    pub summary: &'static str,
    /// Where it comes from.
    pub reference: &'static str,
    /// How often the published scripts multiply hidden errors by the slope.
    pub published_slope_power: u32,
}

const DFC: &str = "Meulemans et al. 2021, arXiv:2106.07887";
const DI: &str = "Podlaski & Machens 2020, arXiv:2007.05112";

/// Every rule that can train.
pub const RULES: &[RuleEntry] = &[
    RuleEntry {
        name: "bp",
        summary: "backpropagation, W^T delta",
        reference: "Rumelhart, Hinton & Williams 1986, doi:10.1038/323533a0",
        published_slope_power: 2,
    },
    RuleEntry {
        name: "fa",
        summary: "feedback alignment, B delta",
        reference: "Lillicrap et al. 2016, doi:10.1038/ncomms13276",
        published_slope_power: 2,
    },
    RuleEntry {
        name: "dfa",
        summary: "direct feedback alignment, B_l delta_L",
        reference: "Nokland 2016, arXiv:1609.01596",
        published_slope_power: 2,
    },
    RuleEntry {
        name: "pbp",
        summary: "pseudobackpropagation, W^+ delta",
        reference: DI,
        published_slope_power: 2,
    },
    RuleEntry {
        name: "ndi",
        summary: "non-dynamic inversion: the equilibrium of each loop",
        reference: DI,
        published_slope_power: 2,
    },
    RuleEntry {
        name: "di",
        summary: "dynamic inversion: each loop run in time, top first",
        reference: DI,
        published_slope_power: 1,
    },
    RuleEntry {
        name: "sdi",
        summary: "dynamic inversion through a single loop",
        reference: DI,
        published_slope_power: 2,
    },
    RuleEntry {
        name: "dfc",
        summary: "deep feedback control, updates averaged over time",
        reference: DFC,
        published_slope_power: 1,
    },
    RuleEntry {
        name: "dfc-ss",
        summary: "deep feedback control, updates at the last state",
        reference: DFC,
        published_slope_power: 1,
    },
    RuleEntry {
        name: "dfc-ssa",
        summary: "the linearised steady state of deep feedback control",
        reference: DFC,
        published_slope_power: 1,
    },
    RuleEntry {
        name: "strong-dfc",
        summary: "deep feedback control with strong feedback and filtered voltages",
        reference: "Meulemans et al. 2022, arXiv:2204.07249",
        published_slope_power: 1,
    },
];

impl RuleEntry {
    /// The entry called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        RULES.iter().find(|entry| entry.name == name)
    }
}

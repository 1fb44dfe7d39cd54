//! The one list of feedback matrices.

/// One entry of [`FEEDBACK`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedbackEntry {
    /// Name in model files.
    pub name: &'static str,
    /// One line for listings.
    pub summary: &'static str,
    /// Where it comes from.
    pub reference: &'static str,
}

/// Every feedback matrix a model file can name.
pub const FEEDBACK: &[FeedbackEntry] = &[
    FeedbackEntry {
        name: "negative-transpose",
        summary: "B = -scale W^T; every linear loop with leak > 0 is stable",
        reference: "Podlaski & Machens 2020, arXiv:2007.05112",
    },
    FeedbackEntry {
        name: "transpose",
        summary: "B = scale W^T; positive feedback, for studies of instability",
        reference: "Podlaski & Machens 2020, arXiv:2007.05112",
    },
    FeedbackEntry {
        name: "negative-pseudoinverse",
        summary: "B = -scale W^+; all modes share one rate",
        reference: "Podlaski & Machens 2020, arXiv:2007.05112",
    },
    FeedbackEntry {
        name: "negative-sign",
        summary: "B = -scale sign(W^T)",
        reference: "Podlaski & Machens 2020, arXiv:2007.05112",
    },
    FeedbackEntry {
        name: "random-uniform",
        summary: "entries uniform in [low, high)",
        reference: "Lillicrap et al. 2016, doi:10.1038/ncomms13276",
    },
    FeedbackEntry {
        name: "random-normal",
        summary: "entries normal with standard deviation scale / sqrt(controller units)",
        reference: "Lillicrap et al. 2016, doi:10.1038/ncomms13276",
    },
    FeedbackEntry {
        name: "optimized",
        summary: "smoothed spectral abscissa descended to a target margin",
        reference: "Vanbiervliet et al. 2009, doi:10.1137/070704034",
    },
    FeedbackEntry {
        name: "values",
        summary: "matrices written in the model file",
        reference: "this project",
    },
    FeedbackEntry { name: "file", summary: "matrices read from a file", reference: "this project" },
    FeedbackEntry {
        name: "jacobian-transpose",
        summary: "Q_l = (d output / d voltage_l)^T, for deep feedback control",
        reference: "Meulemans et al. 2021, arXiv:2106.07887",
    },
    FeedbackEntry {
        name: "weight-product",
        summary: "Q_l = W_{l+1}^T ... W_L^T, for deep feedback control",
        reference: "Meulemans et al. 2021, arXiv:2106.07887",
    },
    FeedbackEntry {
        name: "learned",
        summary: "Q_l learned from noise in a sleep phase, for deep feedback control",
        reference: "Meulemans et al. 2021, arXiv:2106.07887",
    },
];

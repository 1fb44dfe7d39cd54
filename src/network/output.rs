//! What a network's output is, and the loss that goes with it.

use nalgebra::DMatrix;

/// The output of a network and its loss.
///
/// With target `t` and output `y` the output error is `e = t - y` for both kinds; it is the
/// negative gradient of the loss with respect to `h_L` (`linear`) or to `a_L` (`softmax`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// `y = h_L`, loss `|t - y|^2 / 2`.
    Linear,
    /// `y = softmax(a_L)`, loss `-sum_i t_i log y_i`; the last layer is linear.
    Softmax,
}

/// Every output kind with its name in model files.
pub const OUTPUTS: &[(&str, Output)] = &[("linear", Output::Linear), ("softmax", Output::Softmax)];

impl Output {
    /// The name used in model files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Softmax => "softmax",
        }
    }

    /// The loss of one example with last pre-activations `a`, output `y` and target `t`.
    pub(crate) fn loss(self, a: &[f64], y: &[f64], t: &[f64]) -> f64 {
        match self {
            Self::Linear => 0.5 * y.iter().zip(t).map(|(y, t)| (t - y) * (t - y)).sum::<f64>(),
            // From a rather than y: log y_i = a_i - log sum exp a stays finite when y_i is 0.
            Self::Softmax => {
                let log_sum = log_sum_exp(a);
                a.iter().zip(t).map(|(a, t)| t * (log_sum - a)).sum()
            }
        }
    }
}

/// Replaces `a` by `softmax(a)`, without overflow.
pub(crate) fn softmax(a: &mut [f64]) {
    let largest = a.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for x in a.iter_mut() {
        *x = (*x - largest).exp();
        sum += *x;
    }
    a.iter_mut().for_each(|x| *x /= sum);
}

/// `diag(p) - p p^T`, the Jacobian of softmax where it equals `p`.
pub(crate) fn softmax_jacobian(p: &[f64]) -> DMatrix<f64> {
    DMatrix::from_fn(
        p.len(),
        p.len(),
        |i, j| if i == j { p[i] * (1.0 - p[i]) } else { -p[i] * p[j] },
    )
}

fn log_sum_exp(a: &[f64]) -> f64 {
    let largest = a.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + a.iter().map(|a| (a - largest).exp()).sum::<f64>().ln()
}

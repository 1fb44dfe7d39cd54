//! Learning the feedback of deep feedback control in a sleep phase.

use nalgebra::DMatrix;

use crate::dynamics::{
    ControlFeedback, ControlNoise, ControlParameters, DeepFeedbackControl, Dynamics, DynamicsError,
    NoiseSite, Signals,
};
use crate::integrate::{EXPONENTIAL_EULER_MARUYAMA, Integrator, InvalidRun, Noise, Options};
use crate::linalg::gemm::matmul_nt_into;
use crate::network::random::derived_seed;
use crate::network::{Forward, Network};

/// Inputs shown side by side; their updates are summed.
const BLOCK: usize = 16;
/// Fraction of the time of an input after which the start is forgotten and learning begins.
const SETTLING: f64 = 0.1;

/// A sleep phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sleep {
    /// Number of inputs shown.
    pub steps: usize,
    /// Learning rate of `Q`.
    pub rate: f64,
    /// Decay `beta` of `Q`.
    pub decay: f64,
    /// Leak of the controller.
    pub leak: f64,
    /// Standard deviation of the noise in the current `a_l`.
    pub noise_std: f64,
    /// Simulated time per input, s.
    pub time: f64,
    /// Step of the integration, s.
    pub step: f64,
    /// Seed of the noise.
    pub seed: u64,
}

/// A sleep phase failed.
#[derive(Debug, thiserror::Error)]
pub enum SleepError {
    /// The controlled network cannot be built.
    #[error("learning the feedback: {0}")]
    Dynamics(#[from] DynamicsError),
    /// The run cannot start.
    #[error("learning the feedback: {0}")]
    Run(#[from] InvalidRun),
    /// The run left the range of numbers.
    #[error(
        "learning the feedback: the controlled network diverged at input {input}: {reason}; \
         use a larger leak, a smaller step or a smaller rate"
    )]
    Diverged {
        /// The input, from 0.
        input: usize,
        /// What happened.
        reason: String,
    },
    /// `Q` left the range of numbers.
    #[error(
        "learning the feedback: Q diverged at input {input}; use a smaller rate or a larger decay"
    )]
    Feedback {
        /// The input, from 0.
        input: usize,
    },
}

/// Learns `Q` from noise: the target is the output itself, so that all the controller does is to
/// answer the noise in the currents `a_l = Q_l u + xi_l`, and
///
/// ```text
/// dQ_l = rate (-<a_l u^T> / noise_std^2 - decay Q_l)      per input, <> the mean over its time
/// ```
///
/// Slow noise is answered by `u = -(J Q + leak I)^{-1} J xi`, so that `-<xi u^T> / std^2` tends to
/// `J^T (J Q + leak I)^{-T}`: with a leak the columns of `Q` are drawn to the row space of `J`, which
/// is condition 2. The noise has the correlation time `tau_u`. `inputs` are shown again and again.
///
/// Source: Meulemans et al. 2021 (arXiv:2106.07887), feedback learning; deviations: the mean over time
/// is divided by the variance of the noise, so that `decay` does not depend on it, and inputs are
/// shown sixteen at a time.
///
/// Without inputs nothing is learned.
///
/// # Errors
/// A controlled network that diverges, parameters out of range.
///
/// # Panics
/// When inputs and network differ in size.
pub fn learn_feedback(
    network: &Network,
    inputs: &DMatrix<f64>,
    mut q: Vec<DMatrix<f64>>,
    parameters: &ControlParameters,
    sleep: &Sleep,
) -> Result<Vec<DMatrix<f64>>, SleepError> {
    let site = NoiseSite::Somatic;
    let noise =
        ControlNoise::OrnsteinUhlenbeck { site, std: sleep.noise_std, tau: parameters.tau_u };
    let asleep = ControlParameters {
        leak: sleep.leak,
        noise: Some(noise),
        tau_apical: None,
        instantaneous: false,
        ..*parameters
    };
    let mut shown = 0;
    while shown < sleep.steps && inputs.ncols() > 0 {
        let count = BLOCK.min(sleep.steps - shown);
        let batch = DMatrix::from_fn(inputs.nrows(), count, |i, c| {
            inputs[(i, (shown + c) % inputs.ncols())]
        });
        let mut forward = Forward::new(network, count);
        forward.inputs.copy_from(&batch);
        network.propagate(&mut forward);
        let target = forward.output().clone();
        let feedback = ControlFeedback::Shared(q.clone());
        let control = DeepFeedbackControl::new(network, &forward, target, feedback, asleep)?;
        let seed = derived_seed(sleep.seed, (shown / BLOCK) as u64);
        let correlations = correlations(&control, &q, sleep, seed, shown)?;
        for (q, correlation) in q.iter_mut().zip(&correlations) {
            let variance = sleep.noise_std * sleep.noise_std;
            *q *= 1.0 - sleep.rate * sleep.decay * count as f64;
            *q -= correlation * (sleep.rate / variance);
        }
        shown += count;
        if q.iter().any(|q| q.iter().any(|x| !x.is_finite())) {
            return Err(SleepError::Feedback { input: shown });
        }
    }
    Ok(q)
}

/// `<a_l u^T>` of every layer, summed over the inputs.
fn correlations(
    control: &DeepFeedbackControl,
    q: &[DMatrix<f64>],
    sleep: &Sleep,
    seed: u64,
    input: usize,
) -> Result<Vec<DMatrix<f64>>, SleepError> {
    let mut options = Options::with_step(sleep.step);
    options.noise = Some(Noise::of(control, seed));
    options.max_steps = u64::MAX;
    let start = control.initial_state();
    let method = &EXPONENTIAL_EULER_MARUYAMA;
    let mut run = Integrator::new(control, method, &options, (0.0, sleep.time), &start)?;
    let mut sums: Vec<_> = q.iter().map(|q| DMatrix::zeros(q.nrows(), q.ncols())).collect();
    let mut signals = Signals::new(control);
    let mut count = 0;
    loop {
        match run.step() {
            Ok(None) => break,
            Ok(Some(_)) => {}
            Err(reason) => {
                return Err(SleepError::Diverged { input, reason: reason.to_string() });
            }
        }
        if run.time() < SETTLING * sleep.time {
            continue;
        }
        control.signals(run.state(), &mut signals);
        for (sum, current) in sums.iter_mut().zip(&signals.currents) {
            matmul_nt_into(1.0, current, &signals.control, 1.0, sum);
        }
        count += 1;
    }
    Ok(sums.into_iter().map(|sum| sum / f64::from(count.max(1))).collect())
}

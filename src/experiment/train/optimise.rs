//! Feedback of rules made stable.

use nalgebra::DMatrix;

use crate::dynamics::{LoopParameters, SingleLoopChain};
use crate::feedback::{Objective, OptimizeOptions, optimize_single_loop};
use crate::learning::Rule;
use crate::model::spec::{self, OptimizedFeedback};
use crate::network::Network;

/// Optimises the feedback of the loop through `forward`, one matrix or several, from where it is.
pub(super) fn optimise(
    forward: Vec<DMatrix<f64>>,
    feedback: DMatrix<f64>,
    p: &LoopParameters,
    options: &OptimizedFeedback,
) -> Result<DMatrix<f64>, String> {
    let LoopParameters { leak, tau_state, tau_controller } = *p;
    let chain = SingleLoopChain { forward, feedback, leak, tau_state, tau_controller };
    let found = optimize_single_loop(&chain, &translate(options)).map_err(|e| e.to_string())?;
    Ok(found.feedback)
}

/// Optimises the unstable loops of a rule again.
pub(super) fn reoptimise(
    rule: &dyn Rule,
    network: &Network,
    unstable: &[bool],
    options: &OptimizedFeedback,
) -> Result<Vec<DMatrix<f64>>, String> {
    let Some(loops) = rule.loops() else { return Ok(Vec::new()) };
    let weights: Vec<_> = network.layers()[1..].iter().map(|l| l.weights.clone()).collect();
    let chains =
        if loops.single { vec![weights] } else { weights.into_iter().map(|w| vec![w]).collect() };
    let all = rule.feedback(network).into_iter().zip(chains).zip(unstable);
    all.map(
        |((b, forward), unstable)| {
            if *unstable { optimise(forward, b, &loops.parameters, options) } else { Ok(b) }
        },
    )
    .collect()
}

fn translate(options: &OptimizedFeedback) -> OptimizeOptions {
    OptimizeOptions {
        margin: options.margin,
        smoothing: options.smoothing,
        max_iterations: options.max_iterations,
        objective: match options.objective {
            spec::Objective::Auto => Objective::Auto,
            spec::Objective::Full => Objective::Full,
            spec::Objective::Reduced => Objective::Reduced,
        },
    }
}

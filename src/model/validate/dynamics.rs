//! `[dynamics]` and `[feedback]`.

use super::{Scope, Valid};
use crate::model::error::Problem;
use crate::model::key::number;
use crate::model::spec::{
    At, ChosenLayer, DeepFeedbackControl, Dynamics, Feedback, LinearDynamics, Network, Noise,
    NoiseSite, OneOrMany, RateNetwork, TransferName,
};

/// Feedback of loops that invert layers.
pub(super) const LOOP_FEEDBACK: &[&str] = &[
    "negative-transpose",
    "transpose",
    "negative-pseudoinverse",
    "negative-sign",
    "random-uniform",
    "random-normal",
    "optimized",
    "values",
    "file",
];
/// Feedback of deep feedback control.
pub(super) const CONTROL_FEEDBACK: &[&str] = &[
    "jacobian-transpose",
    "weight-product",
    "random-uniform",
    "random-normal",
    "learned",
    "values",
    "file",
];

pub(super) fn validate(scope: &Scope<'_>) -> Valid {
    let spec = scope.spec;
    let Some(dynamics) = &spec.dynamics else {
        return without_dynamics(scope);
    };
    if !dynamics.uses_network() {
        return without_network(scope, dynamics);
    }
    let Some(network) = &spec.network else {
        let needed_by = format!("[dynamics.{}]", dynamics.name());
        let problem = Problem::MissingSection { section: "network", needed_by };
        return Err(scope.error("dynamics", problem));
    };
    match dynamics {
        Dynamics::LayerwiseInversion(d) => {
            let key = "dynamics.layerwise-inversion";
            layer(scope, d.layer, network)?;
            transfer_activation(scope, key, d.transfer, d.activation.is_some())?;
        }
        Dynamics::ConcurrentInversion(d) | Dynamics::SingleLoop(d) => {
            let key = format!("dynamics.{}", dynamics.name());
            hidden_layers(scope, &key, network)?;
            transfer_activation(scope, &key, d.transfer, d.activation.is_some())?;
        }
        Dynamics::DeepFeedbackControl(d) => noise(scope, d)?,
        _ => {}
    }
    match &spec.feedback {
        Some(feedback) => self::feedback(scope, dynamics, feedback, network),
        None => Ok(()),
    }
}

/// Sections that only a differential equation gives a meaning.
fn without_dynamics(scope: &Scope<'_>) -> Valid {
    let spec = scope.spec;
    let given = [
        ("feedback", spec.feedback.is_some()),
        ("initial", spec.initial.is_some()),
        ("solver", spec.solver.is_some()),
        ("run", spec.run.is_some()),
        // Checkpoints bring their own loops.
        ("stability", spec.stability.as_ref().is_some_and(|s| s.at != At::Checkpoints)),
    ];
    let Some((section, _)) = given.into_iter().find(|(_, given)| *given) else { return Ok(()) };
    let problem =
        Problem::MissingSection { section: "dynamics", needed_by: format!("[{section}]") };
    Err(scope.error(section, problem))
}

fn without_network(scope: &Scope<'_>, dynamics: &Dynamics) -> Valid {
    let spec = scope.spec;
    let used_elsewhere = spec.training.is_some() || spec.invert.is_some();
    let given = [
        ("network", spec.network.is_some() && !used_elsewhere),
        ("target", spec.target.is_some() && spec.invert.is_none()),
        ("feedback", spec.feedback.is_some()),
    ];
    if let Some((section, _)) = given.into_iter().find(|(_, given)| *given) {
        let problem = Problem::NotAllowed {
            what: format!("[{section}]"),
            with: format!(
                "[dynamics.{}], which has all it needs in its own table",
                dynamics.name()
            ),
            allowed: Vec::new(),
        };
        return Err(scope.error(section, problem));
    }
    match dynamics {
        Dynamics::RateNetwork(d) => rate_network(scope, d),
        Dynamics::Linear(d) => linear(scope, d),
        _ => Ok(()),
    }
}

fn layer(scope: &Scope<'_>, layer: ChosenLayer, network: &Network) -> Valid {
    let layers = network.sizes.len() - 1;
    let key = "dynamics.layerwise-inversion.layer";
    match layer {
        ChosenLayer::Number(l) => scope.require(l <= layers, key, || Problem::OutOfRange {
            what: "layer".to_owned(),
            value: l.to_string(),
            range: match layers {
                1 => "1, the only layer".to_owned(),
                _ => format!("between 1 and {layers}, the number of layers, or \"all\""),
            },
        }),
        ChosenLayer::All(_) => hidden_layers(scope, key, network),
    }
}

fn hidden_layers(scope: &Scope<'_>, key: &str, network: &Network) -> Valid {
    scope.require(network.sizes.len() > 2, key, || Problem::Needs {
        what: "inverting all layers above the first".to_owned(),
        needs: "a network with a hidden layer".to_owned(),
        remedy: "add a layer to network.sizes, or use layerwise-inversion with layer = 1"
            .to_owned(),
    })
}

fn transfer_activation(
    scope: &Scope<'_>,
    key: &str,
    transfer: TransferName,
    activation: bool,
) -> Valid {
    let unused = activation && transfer == TransferName::Linear;
    scope.require(!unused, &format!("{key}.activation"), || Problem::NotAllowed {
        what: "an activation".to_owned(),
        with: "transfer = \"linear\", which has none".to_owned(),
        allowed: Vec::new(),
    })
}

fn noise(scope: &Scope<'_>, control: &DeepFeedbackControl) -> Valid {
    let Some(noise) = &control.noise else { return Ok(()) };
    let key = "dynamics.deep-feedback-control.noise";
    let (Noise::White { location, .. } | Noise::OrnsteinUhlenbeck { location, .. }) = noise;
    let homeless = *location == NoiseSite::Apical && control.tau_apical.is_none();
    scope.require(!homeless, key, || Problem::Needs {
        what: "noise in the apical compartment".to_owned(),
        needs: "an apical compartment".to_owned(),
        remedy: "set tau_apical, or location = \"somatic\"".to_owned(),
    })?;
    let deterministic = scope.spec.solver.as_ref().filter(|s| !s.is_stochastic());
    scope.require(deterministic.is_none(), "solver", || Problem::NotAllowed {
        what: format!("the solver \"{}\"", deterministic.map_or("", |s| s.name())),
        with: "noise".to_owned(),
        allowed: vec!["euler-maruyama", "exponential-euler-maruyama"],
    })
}

fn feedback(
    scope: &Scope<'_>,
    dynamics: &Dynamics,
    feedback: &Feedback,
    network: &Network,
) -> Valid {
    let allowed = match dynamics {
        Dynamics::DeepFeedbackControl(_) => CONTROL_FEEDBACK,
        Dynamics::PredictiveCoding(_) => &[],
        _ => LOOP_FEEDBACK,
    };
    let with = format!("the dynamics \"{}\"", dynamics.name());
    feedback_form(scope, "feedback", feedback, allowed, &with)?;
    let shapes = feedback_shapes(dynamics, &network.sizes);
    feedback_matrices(scope, "feedback", feedback, &shapes)
}

/// Refuses variants of feedback that do not go with their user.
pub(super) fn feedback_form(
    scope: &Scope<'_>,
    key: &str,
    feedback: &Feedback,
    allowed: &[&'static str],
    with: &str,
) -> Valid {
    let name = feedback.name();
    scope.require(allowed.contains(&name), &format!("{key}.{name}"), || Problem::NotAllowed {
        what: format!("the feedback \"{name}\""),
        with: with.to_owned(),
        allowed: allowed.to_vec(),
    })?;
    match feedback {
        Feedback::RandomUniform { low, high } => {
            scope.ordered(*low, *high, &format!("{key}.{name}"))
        }
        _ => Ok(()),
    }
}

/// Shapes of the feedback matrices, one per loop or layer.
fn feedback_shapes(dynamics: &Dynamics, sizes: &[usize]) -> Vec<(usize, usize)> {
    let output = sizes[sizes.len() - 1];
    match dynamics {
        Dynamics::LayerwiseInversion(d) => match d.layer {
            ChosenLayer::Number(l) => vec![(sizes[l - 1], sizes[l])],
            ChosenLayer::All(_) => loop_shapes(sizes),
        },
        Dynamics::ConcurrentInversion(_) => loop_shapes(sizes),
        Dynamics::SingleLoop(_) => vec![(sizes[1], output)],
        _ => sizes[1..].iter().map(|n| (*n, output)).collect(),
    }
}

/// Shapes of the loops of all layers above the first, in increasing order.
pub(super) fn loop_shapes(sizes: &[usize]) -> Vec<(usize, usize)> {
    sizes[1..].windows(2).map(|s| (s[0], s[1])).collect()
}

/// Checks the number and shapes of written-out matrices, and the number of named ones.
pub(super) fn feedback_matrices(
    scope: &Scope<'_>,
    key: &str,
    feedback: &Feedback,
    shapes: &[(usize, usize)],
) -> Valid {
    let because = "one matrix per loop or layer, in increasing order, each with one row per unit \
                   that it drives and one column per unit that it comes from";
    match feedback {
        Feedback::Values { matrices } => {
            scope.shapes(&format!("{key}.values.matrices"), matrices, shapes, because)
        }
        Feedback::File { matrices, .. } => {
            scope.length(&format!("{key}.file.matrices"), matrices.len(), shapes.len(), because)
        }
        _ => Ok(()),
    }
}

fn linear(scope: &Scope<'_>, d: &LinearDynamics) -> Valid {
    let n = d.a.len();
    let key = "dynamics.linear";
    not_empty(scope, &format!("{key}.a"), n)?;
    scope.shape(&format!("{key}.a"), &d.a, (n, n), "a must be square")?;
    match &d.b {
        Some(b) => scope.length(&format!("{key}.b"), b.len(), n, "one entry per row of a"),
        None => Ok(()),
    }
}

fn not_empty(scope: &Scope<'_>, key: &str, n: usize) -> Valid {
    scope.require(n > 0, key, || Problem::Refused {
        message: format!("{key} has no rows"),
        remedy: "give at least one row".to_owned(),
    })
}

fn rate_network(scope: &Scope<'_>, d: &RateNetwork) -> Valid {
    let key = |name: &str| format!("dynamics.rate-network.{name}");
    let n = d.w.len();
    not_empty(scope, &key("w"), n)?;
    scope.shape(&key("w"), &d.w, (n, n), "w must be square")?;
    if let OneOrMany::Many(activations) = &d.activation {
        scope.length(&key("activation"), activations.len(), n, "one entry per unit")?;
    }
    for (name, values) in [("leak", &d.leak), ("tau", &d.tau), ("input", &d.input)] {
        let OneOrMany::Many(values) = values else { continue };
        scope.length(&key(name), values.len(), n, "one entry per unit")?;
        let (range, allowed): (&str, fn(f64) -> bool) = match name {
            "leak" => (">= 0", |x| x >= 0.0),
            "tau" => ("> 0", |x| x > 0.0),
            _ => ("finite", f64::is_finite),
        };
        if let Some(i) = values.iter().position(|x| !allowed(*x)) {
            let problem = Problem::OutOfRange {
                what: name.to_owned(),
                value: number(values[i]),
                range: range.to_owned(),
            };
            return Err(scope.error(&key(&format!("{name}[{i}]")), problem));
        }
    }
    let outputs = d.readout.as_ref().map_or(n, Vec::len);
    if let Some(readout) = &d.readout {
        not_empty(scope, &key("readout"), outputs)?;
        scope.shape(&key("readout"), readout, (outputs, n), "one column per unit")?;
    }
    match &d.target {
        Some(target) => {
            let because = "one entry per row of `readout`";
            scope.length(&key("target"), target.len(), outputs, because)?;
        }
        None => without_target(scope, d)?,
    }
    control(scope, d, n, outputs)
}

/// What cannot be there without a target.
fn without_target(scope: &Scope<'_>, d: &RateNetwork) -> Valid {
    let given = [("readout", d.readout.is_some()), ("controller", d.controller.is_some())];
    let Some((name, _)) = given.into_iter().find(|(_, given)| *given) else { return Ok(()) };
    let problem = Problem::Needs {
        what: format!("`{name}`"),
        needs: "a target".to_owned(),
        remedy: "add `target`, one entry per row of `readout`".to_owned(),
    };
    Err(scope.error(&format!("dynamics.rate-network.{name}"), problem))
}

/// The feedback of the controller.
fn control(scope: &Scope<'_>, d: &RateNetwork, n: usize, outputs: usize) -> Valid {
    let key = |name: &str| format!("dynamics.rate-network.{name}");
    match (&d.controller, &d.q) {
        (None, None) => Ok(()),
        (None, Some(_)) => {
            let problem = Problem::Needs {
                what: "`q`".to_owned(),
                needs: "a controller that uses it".to_owned(),
                remedy: "add `controller`, or remove `q`".to_owned(),
            };
            Err(scope.error(&key("q"), problem))
        }
        (Some(_), Some(q)) => {
            scope.shape(&key("q"), q, (n, outputs), "one row per unit, one column per readout")
        }
        (Some(_), None) => scope.require(n == outputs, &key("controller"), || Problem::Needs {
            what: format!("feedback from {outputs} readouts to {n} units"),
            needs: "a matrix `q`".to_owned(),
            remedy: format!("add `q` with {n} rows and {outputs} columns"),
        }),
    }
}

//! `[network]`.

use super::{Scope, Valid};
use crate::model::error::Problem;
use crate::model::spec::{Biases, Network, OneOrMany, OutputKind, Paths, Weights};
use crate::network::Activation;

pub(super) fn validate(scope: &Scope<'_>, network: &Network) -> Valid {
    let sizes = &network.sizes;
    scope.require(sizes.len() >= 2, "network.sizes", || Problem::Refused {
        message: format!("a network needs at least two sizes, found {}", sizes.len()),
        remedy: "give the number of inputs and the units of every layer".to_owned(),
    })?;
    activations(scope, network)?;
    weights(scope, "network.weights", &network.weights, sizes)?;
    if let Some(biases) = &network.biases {
        let from_file = matches!(&network.weights, Weights::File(f) if f.biases.is_some());
        scope.require(!from_file, "network.biases", || Problem::SeveralVariants {
            first: "network.weights.file.biases".to_owned(),
            second: "network.biases".to_owned(),
        })?;
        self::biases(scope, "network.biases", biases, sizes)?;
    }
    Ok(())
}

fn activations(scope: &Scope<'_>, network: &Network) -> Valid {
    let layers = network.sizes.len() - 1;
    let OneOrMany::Many(names) = &network.activation else { return Ok(()) };
    let because = "one name for all hidden layers, or one per layer including the output";
    scope.length("network.activation", names.len(), layers, because)?;
    let last = names[layers - 1];
    let softmax = network.output == OutputKind::Softmax;
    let key = format!("network.activation[{}]", layers - 1);
    scope.require(!softmax || last == Activation::Linear, &key, || Problem::NotAllowed {
        what: format!("the activation \"{}\" of the last layer", last.name()),
        with: "output = \"softmax\"".to_owned(),
        allowed: vec!["linear"],
    })
}

/// Checks weights for a network of these sizes; `key` is where they are written.
pub(super) fn weights(scope: &Scope<'_>, key: &str, weights: &Weights, sizes: &[usize]) -> Valid {
    let layers = sizes.len() - 1;
    match weights {
        Weights::File(file) => {
            let key = format!("{key}.file");
            paths(scope, &key, &file.path, layers)?;
            for (name, arrays) in [("weights", &file.weights), ("biases", &file.biases)] {
                if let Some(arrays) = arrays {
                    let because = "one array per layer";
                    scope.length(&format!("{key}.{name}"), arrays.len(), layers, because)?;
                }
            }
            Ok(())
        }
        Weights::Uniform { low, high } => scope.ordered(*low, *high, &format!("{key}.uniform")),
        Weights::Values(values) => {
            let shapes: Vec<_> = sizes.windows(2).map(|s| (s[1], s[0])).collect();
            let because = format!("W_l is sizes[l] x sizes[l-1], and sizes = {sizes:?}");
            scope.shapes(&format!("{key}.values"), values, &shapes, &because)
        }
        Weights::Normal { .. } | Weights::Orthogonal { .. } => Ok(()),
    }
}

/// Checks biases for a network of these sizes.
pub(super) fn biases(scope: &Scope<'_>, key: &str, biases: &Biases, sizes: &[usize]) -> Valid {
    let layers = sizes.len() - 1;
    match biases {
        Biases::Uniform { low, high } => scope.ordered(*low, *high, &format!("{key}.uniform")),
        Biases::Values(values) => {
            let key = format!("{key}.values");
            let because = format!("b_l has sizes[l] entries, and sizes = {sizes:?}");
            scope.length(&key, values.len(), layers, &because)?;
            for (i, (vector, size)) in values.iter().zip(&sizes[1..]).enumerate() {
                scope.length(&format!("{key}[{i}]"), vector.len(), *size, &because)?;
            }
            Ok(())
        }
        Biases::File(file) => {
            paths(scope, &format!("{key}.file"), &file.path, layers)?;
            let Some(arrays) = &file.biases else { return Ok(()) };
            let key = format!("{key}.file.biases");
            scope.length(&key, arrays.len(), layers, "one array per layer")
        }
        Biases::Zero | Biases::Normal { .. } => Ok(()),
    }
}

fn paths(scope: &Scope<'_>, key: &str, path: &Paths, layers: usize) -> Valid {
    let OneOrMany::Many(paths) = path else { return Ok(()) };
    scope.length(&format!("{key}.path"), paths.len(), layers, "one file, or one per layer")
}

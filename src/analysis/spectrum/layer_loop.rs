//! Theorem 1: the spectrum of a layer loop from the eigenvalues of `W G B`.
//!
//! With `x` not `-1/tau_state`, eliminating the state from `J (r, u) = x (r, u)` leaves
//! `W G B u = (1 + tau_state x)(leak + tau_controller x) u`, so every eigenvalue `mu` of `W G B`
//! gives two eigenvalues of `J`. `W G B` and `B W G` share their nonzero eigenvalues; the larger one
//! has further zeros, for which the quadratic factorises into `-1/tau_state` and
//! `-leak/tau_controller`. Counting dimensions leaves only the first for `n > m` and only the
//! second for `m > n`.

use nalgebra::Complex;

use super::Entry;
use super::product::eigenvalues_of_product;
use crate::analysis::error::AnalysisError;
use crate::dynamics::LayerLoop;

/// The eigenvalues of the smaller of `W G B` and `B W G`.
pub(super) fn product_values(layer: &LayerLoop) -> Result<Vec<Entry>, AnalysisError> {
    let (controllers, states) = layer.forward.shape();
    if controllers <= states {
        eigenvalues_of_product(&[&layer.forward, &layer.feedback])
    } else {
        eigenvalues_of_product(&[&layer.feedback, &layer.forward])
    }
}

/// Appends the eigenvalues of one loop.
pub(super) fn push_entries(
    layer: &LayerLoop,
    entries: &mut Vec<Entry>,
) -> Result<(), AnalysisError> {
    let (controllers, states) = layer.forward.shape();
    for mu in product_values(layer)? {
        if mu.value.im < 0.0 {
            continue;
        }
        for root in roots(layer, mu) {
            // Of a complex `mu` the conjugate gives the conjugate roots.
            let is_pair = mu.value.im > 0.0;
            entries.extend(if is_pair { pair(root).to_vec() } else { vec![root] });
        }
    }
    let state_rate = Entry::exact(-1.0 / layer.tau_state);
    let controller_rate = Entry::exact(-layer.leak / layer.tau_controller);
    entries.extend(std::iter::repeat_n(state_rate, states.saturating_sub(controllers)));
    entries.extend(std::iter::repeat_n(controller_rate, controllers.saturating_sub(states)));
    Ok(())
}

/// A root and its conjugate, the positive imaginary part first.
fn pair(root: Entry) -> [Entry; 2] {
    let value = Complex::new(root.value.re, root.value.im.abs());
    [Entry { value, ..root }, Entry { value: value.conj(), ..root }]
}

/// The two eigenvalues that belong to `mu`; exact conjugates where they are a pair of a real `mu`.
///
/// A change `e` of the constant coefficient moves a root by at most `min(sqrt e, 2 e / |s|)` with
/// `s` the difference of the roots: the changes `d` satisfy `d (d + s) = e`.
fn roots(layer: &LayerLoop, mu: Entry) -> [Entry; 2] {
    let LayerLoop { leak, tau_state, tau_controller, .. } = *layer;
    let lead = tau_state * tau_controller;
    let beta = (tau_controller + leak * tau_state) / lead;
    let gamma = (Complex::new(leak, 0.0) - mu.value) / lead;
    let discriminant = Complex::new(0.25 * beta * beta, 0.0) - gamma;
    let mut root = discriminant.sqrt();
    if beta < 0.0 {
        root = -root;
    }
    // The sum without cancellation first; the other root from the product.
    let far = -(Complex::new(0.5 * beta, 0.0) + root);
    let near = match mu.value.im == 0.0 && root.re == 0.0 {
        true => far.conj(),
        false if far.norm() == 0.0 => far,
        false => gamma / far,
    };
    let rounding = 8.0 * f64::EPSILON * (leak.abs() + mu.value.norm() + lead * beta * beta);
    let change = (mu.error + rounding) / lead;
    let split = 2.0 * root.norm();
    let moved = if split > 0.0 { (2.0 * change / split).min(change.sqrt()) } else { change.sqrt() };
    let entry = |value| Entry { value, error: moved, condition: mu.condition };
    if far.im < 0.0 { [entry(near), entry(far)] } else { [entry(far), entry(near)] }
}

//! Gauss-Newton geometry of one example, through matrices of the size of the output.
//!
//! With `J_l = dy / da_l` and `h_{l-1}` the input of layer `l`, the Jacobian of the output with
//! respect to the weights of layer `l` is the Kronecker product of `h_{l-1}^T` with `J_l`. So the
//! Gram matrix of the whole parameter Jacobian is
//!
//! ```text
//! G = sum_l s_l J_l J_l^T,   s_l = |h_{l-1}|^2 + 1        (the 1 is the bias)
//! ```
//!
//! of size `n_L x n_L`, and the Levenberg-Marquardt step `P^T (P P^T + damping I)^{-1} e` of the
//! parameter Jacobian `P` has the form every rule of this crate has, `dW_l = delta_l h_{l-1}^T`,
//! `db_l = delta_l`, with
//!
//! ```text
//! delta_l = J_l^T y,   (G + damping I) y = e
//! ```
//!
//! `P` itself is never formed. Other weights `s_l` give other steps of the same form: `s_l = 1` is
//! the minimum-norm step on the pre-activations, `J^T (J J^T + damping I)^{-1} e` with
//! `J = [J_1 .. J_L]`. Keeping only the block of each layer gives the block-diagonal versions.
//!
//! # Softmax
//! With cross-entropy the curvature of the loss in `a_L` is `S = diag(p) - p p^T = F F^T`,
//! `F = (I - p 1^T) diag(sqrt p)`, and the gradient is `J^T e` with the Jacobian `J` of `a_L`. The
//! generalised Gauss-Newton step `(J^T S J + damping I)^{-1} J^T e` (Schraudolph 2002,
//! doi:10.1162/08997660260028683) is that of squared error for the Jacobian `F^T J` and the error
//! `diag(p)^{-1/2} e`, so all of the above holds with these.
//!
//! # Sources
//! Gauss-Newton and minimum-norm targets of credit assignment: Meulemans et al. 2020
//! (arXiv:2006.14331) and 2021 (arXiv:2106.07887). The form through the Gram matrix is our own; it
//! is the push-through identity `(P^T P + d I)^{-1} P^T = P^T (P P^T + d I)^{-1}`.

mod gram;
mod jacobians;
mod steps;

pub use gram::Rank;
pub use jacobians::OutputJacobians;
pub use steps::{Geometry, GeometryBlocks, Step, StepKind, Weighting};

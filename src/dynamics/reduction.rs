//! Equilibrium equations in fewer unknowns than the state has.

use nalgebra::DMatrix;

/// An equilibrium equation `m(z) = 0` in few unknowns, equivalent to `f(y) = 0` for one target.
///
/// A layer loop at rest has `r = B u`, which leaves `W g(B u) - leak u - delta = 0` in the
/// controller alone. A Newton iteration works on this equation and [`lift`](Self::lift)s its
/// solution to the full state.
pub trait ReducedEquilibrium {
    /// Number of unknowns.
    fn dim(&self) -> usize;

    /// Writes `m(z)` to `out`.
    fn residual(&self, z: &[f64], out: &mut [f64]);

    /// Writes the Jacobian `dm/dz` to `out`, which is `dim x dim`; every entry is set.
    fn jacobian(&self, z: &[f64], out: &mut DMatrix<f64>);

    /// The full state of this target whose unknowns are `z`, blocks in layout order. It solves
    /// `f(y) = 0` exactly where `m(z) = 0`.
    fn lift(&self, z: &[f64]) -> Vec<f64>;
}

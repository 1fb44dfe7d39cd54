//! Exact solutions of linear equations without a structure that helps.

use nalgebra::{Complex, DMatrix};

use super::basis::Basis;
use super::divided::pair;
use super::error::ExactError;
use crate::linalg::expm::expm;
use crate::linalg::gemm::matmul;
use crate::linalg::norms::norm_one;

/// Up to this factor the rounding of displacements counts as no worse than that of derivatives: it
/// is the smaller one wherever fast modes are present but not excited.
const NO_WORSE: f64 = 16.0;

/// `x(t) - x(0) = V diag(E[x_k, 0]) V^-1 f` with eigenvalues `x_k`, eigenvectors `V` and `f = x'(0)`.
#[derive(Debug)]
pub(super) struct DenseModes {
    basis: Basis,
    start: DMatrix<f64>,
}

impl DenseModes {
    /// Modes of the Jacobian, with the derivatives at the start and, where there is an equilibrium,
    /// the displacements from it, one column per target; `None` where the eigenvectors are not a
    /// safe basis.
    pub(super) fn new(
        jacobian: &DMatrix<f64>,
        derivative: &DMatrix<f64>,
        displacement: Option<&DMatrix<f64>>,
    ) -> Result<Option<Self>, ExactError> {
        let Some(basis) = Basis::of(jacobian)? else { return Ok(None) };
        let start = basis.coordinates(derivative);
        let mut modes = Self { basis, start };
        if let Some(displacement) = displacement {
            modes.sharpen(derivative, displacement);
        }
        Ok(Some(modes))
    }

    /// Takes the derivative in the direction of slow modes from the displacement.
    ///
    /// The coordinates of `f` are known to a rounding error of its largest component, which the
    /// fast modes give; over a slow mode that error is divided by its eigenvalue. Those of the
    /// displacement `d` are known to that of `d`, and `f = J d` is `x_k d_k` in the mode.
    fn sharpen(&mut self, derivative: &DMatrix<f64>, displacement: &DMatrix<f64>) {
        let displaced = self.basis.coordinates(displacement);
        for column in 0..displaced.ncols() {
            let (f, d) = (derivative.column(column).amax(), displacement.column(column).amax());
            for mode in &self.basis.modes {
                if d * mode.value.norm() > NO_WORSE * f {
                    continue;
                }
                let (i, rate) = (mode.at, mode.value);
                let x = displaced[(i, column)];
                if mode.width == 1 {
                    self.start[(i, column)] = rate.re * x;
                } else {
                    // The pair stands for the complex number xi - i eta.
                    let y = displaced[(i + 1, column)];
                    self.start[(i, column)] = rate.re * x + rate.im * y;
                    self.start[(i + 1, column)] = rate.re * y - rate.im * x;
                }
            }
        }
    }

    /// Largest rate, 1/s.
    pub(super) fn radius(&self) -> f64 {
        self.basis.modes.iter().fold(0.0, |m, mode| m.max(mode.value.norm()))
    }

    /// `x(t) - x(0)` at every time, side by side.
    pub(super) fn deviations(&self, times: &[f64]) -> DMatrix<f64> {
        let (n, columns) = self.start.shape();
        let mut coordinates = DMatrix::zeros(n, columns * times.len());
        for (k, &t) in times.iter().enumerate() {
            for mode in &self.basis.modes {
                let factor = pair(mode.value, Complex::new(0.0, 0.0), t);
                let i = mode.at;
                for column in 0..columns {
                    let x = self.start[(i, column)];
                    let at = k * columns + column;
                    if mode.width == 1 {
                        coordinates[(i, at)] = factor.re * x;
                    } else {
                        // The pair stands for the complex number xi - i eta.
                        let y = self.start[(i + 1, column)];
                        coordinates[(i, at)] = factor.re * x + factor.im * y;
                        coordinates[(i + 1, at)] = factor.re * y - factor.im * x;
                    }
                }
            }
        }
        matmul(&self.basis.vectors, &coordinates)
    }
}

/// The exact flow over one time step: `x' = f` gives `f(t + h) = E f(t)` and
/// `x(t + h) = x(t) + P f(t)` with `E = e^(J h)`, `P = integral_0^h e^(J s) ds`.
///
/// Works for every matrix, defective or singular; costs one exponential for every distinct step.
#[derive(Debug)]
pub(super) struct Flow {
    jacobian: DMatrix<f64>,
    derivative: DMatrix<f64>,
}

/// A position on a trajectory that moves by exact steps.
#[derive(Debug)]
pub(super) struct Walk {
    t: f64,
    deviation: DMatrix<f64>,
    derivative: DMatrix<f64>,
    /// Steps with their propagators, the latest last.
    propagators: Vec<(f64, DMatrix<f64>, DMatrix<f64>)>,
}

/// Propagators kept: grids use one step, and another at the end.
const KEPT: usize = 3;

impl Flow {
    pub(super) fn new(jacobian: DMatrix<f64>, derivative: DMatrix<f64>) -> Self {
        Self { jacobian, derivative }
    }

    /// A bound on the largest rate, 1/s.
    pub(super) fn radius(&self) -> f64 {
        norm_one(&self.jacobian).min(norm_one(&self.jacobian.transpose()))
    }

    /// A walk from the start.
    pub(super) fn walk(&self) -> Walk {
        Walk {
            t: 0.0,
            deviation: DMatrix::zeros(self.derivative.nrows(), self.derivative.ncols()),
            derivative: self.derivative.clone(),
            propagators: Vec::new(),
        }
    }

    /// Moves to time `t` and returns `x(t) - x(0)`.
    pub(super) fn advance<'w>(
        &self,
        walk: &'w mut Walk,
        t: f64,
    ) -> Result<&'w DMatrix<f64>, ExactError> {
        let step = t - walk.t;
        if step == 0.0 {
            return Ok(&walk.deviation);
        }
        // Times of a grid are rounded, so steps agree to a few units in the last place of the times.
        // The walk keeps the time it has reached, so these differences do not add up.
        let rounding = 8.0 * f64::EPSILON * t.abs().max(walk.t.abs());
        let known = walk.propagators.iter().position(|(h, ..)| (h - step).abs() <= rounding);
        let at = match known {
            Some(at) => at,
            None => {
                let (e, p) = self.propagator(step)?;
                if walk.propagators.len() == KEPT {
                    walk.propagators.remove(0);
                }
                walk.propagators.push((step, e, p));
                walk.propagators.len() - 1
            }
        };
        let (h, e, p) = &walk.propagators[at];
        walk.deviation += matmul(p, &walk.derivative);
        walk.derivative = matmul(e, &walk.derivative);
        walk.t += h;
        Ok(&walk.deviation)
    }

    /// `(e^(J h), integral_0^h e^(J s) ds)` from the exponential of `[[J, I], [0, 0]] h` (Van Loan,
    /// IEEE Trans. Autom. Control 23, 1978).
    fn propagator(&self, h: f64) -> Result<(DMatrix<f64>, DMatrix<f64>), ExactError> {
        let n = self.jacobian.nrows();
        let mut augmented = DMatrix::zeros(2 * n, 2 * n);
        augmented.view_mut((0, 0), (n, n)).copy_from(&(&self.jacobian * h));
        augmented.view_mut((0, n), (n, n)).fill_diagonal(h);
        let e = expm(&augmented)?;
        Ok((e.view((0, 0), (n, n)).into_owned(), e.view((0, n), (n, n)).into_owned()))
    }
}

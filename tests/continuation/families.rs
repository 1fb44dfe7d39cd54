//! Textbook systems with a parameter, each with its analytic Jacobian.

use dynamic_inversion::analysis::{Branch, BuildError, ContinuationOptions, continue_equilibrium};
use dynamic_inversion::dynamics::{ChainLayer, LoopParameters, SingleLoop, Transfer, VectorField};
use dynamic_inversion::network::Activation;
use nalgebra::DMatrix;

type Function = Box<dyn Fn(&[f64], &mut [f64]) + Send + Sync>;
type JacobianFunction = Box<dyn Fn(&[f64]) -> Vec<f64> + Send + Sync>;

/// A vector field from closures; the Jacobian comes row by row.
pub struct Custom {
    dim: usize,
    f: Function,
    jacobian: JacobianFunction,
}

impl VectorField for Custom {
    fn dim(&self) -> usize {
        self.dim
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        (self.f)(y, dy);
    }

    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        jac.copy_from(&DMatrix::from_row_slice(self.dim, self.dim, &(self.jacobian)(y)));
    }
}

pub type Built = Result<Box<dyn VectorField>, BuildError>;

pub fn custom(
    dim: usize,
    f: impl Fn(&[f64], &mut [f64]) + Send + Sync + 'static,
    jacobian: impl Fn(&[f64]) -> Vec<f64> + Send + Sync + 'static,
) -> Built {
    Ok(Box::new(Custom { dim, f: Box::new(f), jacobian: Box::new(jacobian) }))
}

/// `x' = p - x^2`: a fold at the origin.
pub fn fold(p: f64) -> Built {
    custom(1, move |y, d| d[0] = p - y[0] * y[0], |y| vec![-2.0 * y[0]])
}

/// `x' = p + x - x^3/3`: folds at `x = -1, p = 2/3` and `x = 1, p = -2/3`.
pub fn s_curve(p: f64) -> Built {
    custom(1, move |y, d| d[0] = p + y[0] - y[0].powi(3) / 3.0, |y| vec![1.0 - y[0] * y[0]])
}

/// `x' = p x - x^2`: a transcritical point at the origin.
pub fn transcritical(p: f64) -> Built {
    custom(1, move |y, d| d[0] = p * y[0] - y[0] * y[0], move |y| vec![p - 2.0 * y[0]])
}

/// `z' = (p + i omega) z + c z |z|^2` in real coordinates.
pub fn hopf_normal_form(omega: f64, c: f64) -> impl Fn(f64) -> Built {
    move |p| {
        custom(
            2,
            move |y, d| {
                let square = y[0] * y[0] + y[1] * y[1];
                d[0] = p * y[0] - omega * y[1] + c * y[0] * square;
                d[1] = omega * y[0] + p * y[1] + c * y[1] * square;
            },
            move |y| {
                let (x, y) = (y[0], y[1]);
                vec![
                    p + c * (3.0 * x * x + y * y),
                    -omega + 2.0 * c * x * y,
                    omega + 2.0 * c * x * y,
                    p + c * (x * x + 3.0 * y * y),
                ]
            },
        )
    }
}

/// `x' = a - (p + 1) x + x^2 y`, `y' = p x - x^2 y`: equilibrium `(a, p/a)`.
pub fn brusselator(a: f64) -> impl Fn(f64) -> Built {
    move |p| {
        custom(
            2,
            move |v, d| {
                let product = v[0] * v[0] * v[1];
                d[0] = a - (p + 1.0) * v[0] + product;
                d[1] = p * v[0] - product;
            },
            move |v| {
                let (cross, square) = (2.0 * v[0] * v[1], v[0] * v[0]);
                vec![-(p + 1.0) + cross, square, p - cross, -square]
            },
        )
    }
}

/// `x'' = p (1 - x^2) x' - x`.
pub fn van_der_pol(p: f64) -> Built {
    custom(
        2,
        move |y, d| (d[0], d[1]) = (y[1], p * (1.0 - y[0] * y[0]) * y[1] - y[0]),
        move |y| vec![0.0, 1.0, -2.0 * p * y[0] * y[1] - 1.0, p * (1.0 - y[0] * y[0])],
    )
}

/// A single loop through `stages` stages of one unit with feedback `-p`, time constants 1.
pub fn single_loop(stages: usize, leak: f64, tanh: bool) -> impl Fn(f64) -> Built {
    move |p| {
        let one = DMatrix::from_element(1, 1, 1.0);
        let transfer = match tanh {
            true => Transfer::Nonlinear { activation: Activation::Tanh },
            false => Transfer::Linear,
        };
        let layer = ChainLayer { weights: one.clone().into(), transfer };
        let parameters = LoopParameters::with_leak(leak);
        let target = DMatrix::zeros(1, 1);
        let built = SingleLoop::new(vec![layer; stages], one * -p, target, parameters)?;
        Ok(Box::new(built))
    }
}

/// The branch with default options.
pub fn follow(family: &dyn Fn(f64) -> Built, start: &[f64], from: f64, to: f64) -> Branch {
    continue_equilibrium(family, start, from, to, &ContinuationOptions::default())
        .unwrap_or_else(|e| panic!("{e}"))
}

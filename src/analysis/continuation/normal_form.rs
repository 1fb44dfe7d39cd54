//! The first Lyapunov coefficient of a Hopf point.

use nalgebra::{Complex, DMatrix, DVector};

use super::NormalFormError;
use super::system::jacobian;
use crate::dynamics::VectorField;
use crate::linalg::eigen::{EigenOptions, eigen};
use crate::linalg::lu::Lu;

/// Step of the differences of the Jacobian along unit vectors. Sixth-order differences are then off
/// by about 1e-11 for functions that vary on the scale of 1, and rounding by `eps/STEP^2 = 1e-12`.
const STEP: f64 = 0.015;
/// Eigenvalues this close, relative to the largest, share a Hopf point.
const NEAR: f64 = 1e-6;

type Vector = DVector<Complex<f64>>;

/// The kind of limit cycle that a Hopf point gives rise to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criticality {
    /// A stable cycle that grows from the equilibrium once it is unstable.
    Supercritical,
    /// An unstable cycle around the equilibrium while it is still stable.
    Subcritical,
    /// The coefficient is zero within its error, as it is for linear systems: it does not decide.
    Degenerate,
}

/// First Lyapunov coefficient
///
/// ```text
/// l1 = Re( <p, C(q, q, q*)> - 2 <p, B(q, A^-1 B(q, q*))>
///          + <p, B(q*, (2 i omega - A)^-1 B(q, q))> ) / (2 omega)
/// ```
///
/// of `y' = A y + B(y, y)/2 + C(y, y, y)/6 + ..`, with `A q = i omega q`, `A^T p = -i omega p`,
/// `<q, q> = <p, q> = 1` (Kuznetsov, Elements of Applied Bifurcation Theory, equation 5.62). Its size
/// depends on the norm of `q`, its sign does not.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct FirstLyapunov {
    /// `l1`.
    pub value: f64,
    /// Difference to the same coefficient from differences with twice the step, plus rounding.
    pub error: f64,
    /// What its sign says.
    pub criticality: Criticality,
}

/// The first Lyapunov coefficient at the equilibrium `y` with the pair `+- i frequency`.
///
/// Derivatives of the Jacobian come from sixth-order differences along the eigenvector.
///
/// # Errors
/// A pair that is not there or not simple, resonances, failures of the linear algebra.
pub fn first_lyapunov(
    field: &dyn VectorField,
    y: &[f64],
    frequency: f64,
) -> Result<FirstLyapunov, NormalFormError> {
    let y = DVector::from_column_slice(y);
    let a = jacobian(field, &y);
    let (q, p) = eigenvectors(&a, frequency)?;
    let coarse = coefficient(field, &y, &a, frequency, (&q, &p), 2.0 * STEP)?;
    let (value, terms) = coefficient(field, &y, &a, frequency, (&q, &p), STEP)?;
    // Second differences lose what the step squared takes away.
    let rounding = 16.0 * f64::EPSILON * (a.norm() * p.norm() / (STEP * STEP * frequency) + terms);
    let error = (value - coarse.0).abs() + rounding;
    let criticality = if value < -error {
        Criticality::Supercritical
    } else if value > error {
        Criticality::Subcritical
    } else {
        Criticality::Degenerate
    };
    Ok(FirstLyapunov { value, error, criticality })
}

/// `q` and `p` of the simple pair nearest to `i frequency`.
fn eigenvectors(a: &DMatrix<f64>, frequency: f64) -> Result<(Vector, Vector), NormalFormError> {
    let spectrum = eigen(a, &EigenOptions { conditions: false, vectors: true })?;
    let axis = Complex::new(0.0, frequency);
    let near = NEAR * spectrum.radius();
    let count = spectrum.values.iter().filter(|l| (*l - axis).norm() <= near).count();
    if count > 1 {
        return Err(NormalFormError::NotSimple { count, frequency });
    }
    let distances = spectrum.values.iter().map(|l| (l - axis).norm()).enumerate();
    let (index, distance) =
        distances.fold((0, f64::INFINITY), |best, next| if next.1 < best.1 { next } else { best });
    let (Some(right), Some(left), true) = (&spectrum.right, &spectrum.left, count == 1) else {
        return Err(NormalFormError::NoPair { frequency, distance });
    };
    let q = right.column(index).into_owned();
    let p = left.column(index).into_owned();
    // <p, q> = p^H q = 1.
    let product = p.dotc(&q);
    Ok((q, p / product.conj()))
}

/// `l1` and the size of its terms.
fn coefficient(
    field: &dyn VectorField,
    y: &DVector<f64>,
    a: &DMatrix<f64>,
    frequency: f64,
    (q, p): (&Vector, &Vector),
    step: f64,
) -> Result<(f64, f64), NormalFormError> {
    let complex = |m: &DMatrix<f64>| m.map(|x| Complex::new(x, 0.0));
    let (re, im) = (q.map(|z| z.re), q.map(|z| z.im));
    // B(q, x) = (B_re + i B_im) x, and C(q, q, q*) = (C_re,re + C_im,im) q by symmetry.
    let (b_re, c_re) = differences(field, y, a, &re, step);
    let (b_im, c_im) = differences(field, y, a, &im, step);
    let i = Complex::i();
    let b = complex(&b_re) + complex(&b_im) * i;
    let cubic = p.dotc(&(complex(&(c_re + c_im)) * q));
    let real = &b_re * &re + &b_im * &im;
    let constant = Lu::new(a)?.solve(&real).map(|x| Complex::new(x, 0.0));
    let first = p.dotc(&(&b * constant)) * 2.0;
    let second_harmonic = solve_shifted(a, 2.0 * frequency, &(&b * q))?;
    let conjugate = complex(&b_re) - complex(&b_im) * i;
    let second = p.dotc(&(conjugate * second_harmonic));
    let value = (cubic - first + second).re / (2.0 * frequency);
    Ok((value, (cubic.norm() + first.norm() + second.norm()) / (2.0 * frequency)))
}

/// First and second derivative of the Jacobian along `direction`, sixth order.
fn differences(
    field: &dyn VectorField,
    y: &DVector<f64>,
    a: &DMatrix<f64>,
    direction: &DVector<f64>,
    step: f64,
) -> (DMatrix<f64>, DMatrix<f64>) {
    let mut first = DMatrix::zeros(a.nrows(), a.ncols());
    let mut second = a * (-490.0 / (180.0 * step * step));
    for (k, odd, even) in [(1.0, 45.0, 270.0), (2.0, -9.0, -27.0), (3.0, 1.0, 2.0)] {
        let up = jacobian(field, &(y + direction * (k * step)));
        let down = jacobian(field, &(y - direction * (k * step)));
        first += (&up - &down) * (odd / (60.0 * step));
        second += (up + down) * (even / (180.0 * step * step));
    }
    (first, second)
}

/// `(i omega - A)^-1 b` through the real system of twice the size.
fn solve_shifted(a: &DMatrix<f64>, omega: f64, b: &Vector) -> Result<Vector, NormalFormError> {
    let n = a.nrows();
    let mut matrix = DMatrix::zeros(2 * n, 2 * n);
    for block in [0, n] {
        matrix.view_mut((block, block), (n, n)).copy_from(&-a);
    }
    for k in 0..n {
        matrix[(k, n + k)] = -omega;
        matrix[(n + k, k)] = omega;
    }
    let right = DVector::from_fn(2 * n, |k, _| if k < n { b[k].re } else { b[k - n].im });
    let x = Lu::new(&matrix)?.solve(&right);
    Ok(DVector::from_fn(n, |k, _| Complex::new(x[k], x[n + k])))
}

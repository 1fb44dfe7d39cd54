//! The matrix exponential and the exact flow of `x' = J x + c`.
//!
//! Scaling and squaring with Padé approximants of degree 3, 5, 7, 9 or 13, the degree and the
//! scaling chosen from norms of powers so that the backward error is below the rounding unit without
//! scaling more than needed: Higham, SIAM J. Matrix Anal. Appl. 26 (2005), and Al-Mohy & Higham,
//! ibid. 31 (2009), algorithm 5.1. The matrix is balanced first, so results do not hang on the units
//! of the states.

use nalgebra::{DMatrix, DVector};

use super::balance::balance;
use super::bridge::{check_finite, check_shape, check_square, power_of_two};
use super::error::LinalgError;
use super::gemm::matmul;
use super::lu::Lu;
use super::norms::{estimate_norm_one, norm_one};

/// Degrees below 13 and the norms up to which they are accurate to the rounding unit
/// (Al-Mohy & Higham 2009, table 3.1).
const LOW_DEGREES: [(usize, f64); 4] = [
    (3, 1.495_585_217_958_292e-2),
    (5, 2.539_398_330_063_23e-1),
    (7, 9.504_178_996_162_932e-1),
    (9, 2.097_847_961_257_068),
];
/// The same for degree 13 (with the correction in their section 5).
const THETA_13: f64 = 4.25;
/// Norms beyond 2^60 are scaled down before powers are formed, whose norms would overflow.
const LARGEST_NORM_EXPONENT: f64 = 60.0;

/// `e^A`.
///
/// # Errors
/// Entries that are not finite, a matrix that is not square, a result beyond the range of f64.
pub fn expm(a: &DMatrix<f64>) -> Result<DMatrix<f64>, LinalgError> {
    let n = check_square(a)?;
    check_finite(a)?;
    if n == 0 {
        return Ok(a.clone());
    }
    let balanced = balance(a);
    let overflow = LinalgError::Overflow { what: "the matrix exponential", norm: norm_one(a) };
    let isolated: Vec<usize> =
        balanced.blocks.iter().filter(|b| b.len() == 1).map(|b| b.start).collect();
    let e = expm_balanced(balanced.matrix, &isolated).map_err(|_| overflow.clone())?;
    let mut out = DMatrix::zeros(n, n);
    for j in 0..n {
        for i in 0..n {
            let value = e[(i, j)] * (balanced.scale[i] / balanced.scale[j]);
            out[(balanced.order[i], balanced.order[j])] = value;
        }
    }
    check_finite(&out).map_err(|_| overflow)?;
    Ok(out)
}

/// The affine map `x_0 -> E x_0 + d` that carries a state of `x' = J x + c` through a time `t`:
/// `E = e^{Jt}`, `d = integral_0^t e^{Js} c ds`; `J` may be singular. Returns `(E, d)`.
///
/// Both come from one exponential of `[[J, c], [0, 0]] t` (Van Loan, IEEE Trans. Autom. Control 23,
/// 1978).
///
/// # Errors
/// As [`expm`], and a `c` whose length does not fit.
pub fn affine_flow(
    j: &DMatrix<f64>,
    c: &DVector<f64>,
    t: f64,
) -> Result<(DMatrix<f64>, DVector<f64>), LinalgError> {
    let n = check_square(j)?;
    check_shape("the flow of x' = J x + c", c.shape(), (n, 1))?;
    let mut augmented = DMatrix::zeros(n + 1, n + 1);
    augmented.view_mut((0, 0), (n, n)).copy_from(j);
    augmented.view_mut((0, n), (n, 1)).copy_from(c);
    augmented *= t;
    let e = expm(&augmented)?;
    Ok((e.view((0, 0), (n, n)).into_owned(), e.view((0, n), (n, 1)).column(0).into_owned()))
}

/// `e^A` of a balanced matrix; an error only where a norm leaves the range of f64.
///
/// `isolated` are the diagonal blocks of size one, whose exponential is known.
fn expm_balanced(mut a: DMatrix<f64>, isolated: &[usize]) -> Result<DMatrix<f64>, LinalgError> {
    let diagonal = a.diagonal();
    let excess = norm_one(&a).log2().ceil() - LARGEST_NORM_EXPONENT;
    let mut squarings = excess.clamp(0.0, 2000.0) as i32;
    scale_down(&mut a, squarings);

    let a2 = matmul(&a, &a);
    let a4 = matmul(&a2, &a2);
    let a6 = matmul(&a4, &a2);
    let d4 = norm_one(&a4).powf(0.25);
    let d6 = norm_one(&a6).powf(1.0 / 6.0);
    let powers = [a2, a4, a6];
    let [(m3, theta3), (m5, theta5), (m7, theta7), (m9, theta9)] = LOW_DEGREES;
    if squarings == 0 {
        for (degree, theta) in [(m3, theta3), (m5, theta5)] {
            if d4.max(d6) <= theta && extra_squarings(&a, degree) == 0 {
                return pade(&a, &powers, degree);
            }
        }
    }
    let d8 = product_norm(&powers[1], &powers[1]).powf(0.125);
    if squarings == 0 {
        for (degree, theta) in [(m7, theta7), (m9, theta9)] {
            if d6.max(d8) <= theta && extra_squarings(&a, degree) == 0 {
                return pade(&a, &powers, degree);
            }
        }
    }
    let d10 = product_norm(&powers[1], &powers[2]).powf(0.1);
    let eta = d6.max(d8).min(d8.max(d10));
    let needed = (eta / THETA_13).log2().ceil().max(0.0) as i32;
    let mut scaled = a.clone();
    scale_down(&mut scaled, needed);
    let extra = extra_squarings(&scaled, 13);
    scale_down(&mut scaled, extra);
    squarings += needed + extra;
    let [mut a2, mut a4, mut a6] = powers;
    scale_down(&mut a2, 2 * (needed + extra));
    scale_down(&mut a4, 4 * (needed + extra));
    scale_down(&mut a6, 6 * (needed + extra));
    let mut e = pade(&scaled, &[a2, a4, a6], 13)?;
    for k in (0..squarings).rev() {
        e = matmul(&e, &e);
        // Keeps slow scalar modes exact beside fast ones (Al-Mohy & Higham 2009, section 2).
        for &i in isolated {
            e[(i, i)] = (diagonal[i] * power_of_two(-k)).exp();
        }
    }
    Ok(e)
}

/// `A <- 2^-s A`, in steps that stay within the exponents of f64.
fn scale_down(a: &mut DMatrix<f64>, mut s: i32) {
    while s > 0 {
        let step = s.min(1000);
        *a *= power_of_two(-step);
        s -= step;
    }
}

/// How many squarings more the leading term of the backward error asks for: with
/// `c = 1/(binomial(2m, m) (2m+1)!)` and `alpha = c | |A|^(2m+1) |_1 / |A|_1`, the least `l >= 0`
/// with `4^(m l) >= alpha / u` (Al-Mohy & Higham 2009, equation 5.1).
fn extra_squarings(a: &DMatrix<f64>, degree: usize) -> i32 {
    let norm = norm_one(a);
    if norm == 0.0 {
        return 0;
    }
    // |A|^k has nonnegative entries, so its 1-norm is the largest entry of (|A|^T)^k (1, .., 1).
    let absolute = a.abs();
    let mut sums = DVector::from_element(a.nrows(), 1.0);
    let mut log2_size = 0.0;
    for _ in 0..=2 * degree {
        sums = absolute.tr_mul(&sums);
        let largest = sums.max();
        if largest == 0.0 {
            return 0;
        }
        log2_size += largest.log2();
        sums /= largest;
    }
    let log2_c: f64 = (1..=degree).map(|k| ((degree + k) as f64 / k as f64).log2()).sum::<f64>()
        + (1..=2 * degree + 1).map(|k| (k as f64).log2()).sum::<f64>();
    let log2_alpha = log2_size - log2_c - norm.log2();
    // The rounding unit is 2^-53.
    ((log2_alpha + 53.0) / (2 * degree) as f64).ceil().max(0.0) as i32
}

/// Diagonal Padé approximant of `e^A` from `A` and its powers 2, 4, 6.
fn pade(
    a: &DMatrix<f64>,
    powers: &[DMatrix<f64>; 3],
    degree: usize,
) -> Result<DMatrix<f64>, LinalgError> {
    let n = a.nrows();
    // b_0 = 1, b_{j+1} = b_j (m - j) / ((2m - j) (j + 1)).
    let mut b = vec![1.0; degree + 1];
    for j in 0..degree {
        b[j + 1] = b[j] * (degree - j) as f64 / ((2 * degree - j) * (j + 1)) as f64;
    }
    let [a2, a4, a6] = powers;
    let low = |first: f64, rest: [f64; 3]| {
        let mut sum = a2 * rest[0];
        sum.zip_zip_apply(a4, a6, |s, x, y| *s += rest[1] * x + rest[2] * y);
        for i in 0..n {
            sum[(i, i)] += first;
        }
        sum
    };
    let at = |j: usize| b.get(j).copied().unwrap_or(0.0);
    let (mut odd, mut even) =
        (low(at(1), [at(3), at(5), at(7)]), low(at(0), [at(2), at(4), at(6)]));
    if degree > 7 {
        // The terms of order 8 and above have A^6 as a factor (degree 9: A^2 A^6 only).
        let high = |c: [f64; 3]| {
            let mut sum = a2 * c[0];
            sum.zip_zip_apply(a4, a6, |s, x, y| *s += c[1] * x + c[2] * y);
            matmul(a6, &sum)
        };
        odd += high([at(9), at(11), at(13)]);
        even += high([at(8), at(10), at(12)]);
    }
    let odd = matmul(a, &odd);
    // The denominator is well conditioned for every degree within its theta (Higham 2005).
    let lu = Lu::without_condition(&(&even - &odd))?;
    Ok(lu.solve_columns(&(even + odd)))
}

/// Estimated 1-norm of a product.
fn product_norm(a: &DMatrix<f64>, b: &DMatrix<f64>) -> f64 {
    let apply = |m: &DMatrix<f64>, x: &mut [f64], transposed: bool| {
        let v = DVector::from_column_slice(x);
        let product = if transposed { m.tr_mul(&v) } else { m * v };
        x.copy_from_slice(product.as_slice());
    };
    estimate_norm_one(
        a.nrows(),
        |x| {
            apply(b, x, false);
            apply(a, x, false);
        },
        |x| {
            apply(a, x, true);
            apply(b, x, true);
        },
    )
}

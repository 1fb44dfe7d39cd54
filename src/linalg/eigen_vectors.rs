//! Eigenvectors and condition numbers of a balanced matrix.

use std::ops::Range;

use faer::Par;
use nalgebra::{Complex, DMatrix, DVector};

use super::balance::Balanced;
use super::bridge::normalise;
use super::eigen::{
    EigenOptions, Raw, Spectrum, block_norm, check_moments, rounding_error, schur_values,
};
use super::eigen_order::descending_order;
use super::error::LinalgError;

/// One eigenvector pair in the coordinates of the caller, unit 2-norm, and its condition numbers.
struct Pair {
    right: DVector<Complex<f64>>,
    left: DVector<Complex<f64>>,
    condition: f64,
    /// Condition within its balanced diagonal block.
    block_condition: f64,
}

/// Spectrum with conditions and, if asked for, vectors.
pub(super) fn with_vectors(
    balanced: &Balanced,
    options: &EigenOptions,
    par: Par,
) -> Result<Spectrum, LinalgError> {
    let n = balanced.matrix.nrows();
    let mut scaled = balanced.matrix.clone();
    let unit = normalise(&mut scaled);
    // Hessenberg reduction and QR iteration leave exact zeros below the blocks alone, so the
    // eigenvalues of block k are those at its positions.
    let raw = if n == 0 { no_values() } else { schur_values(&scaled, true, par)? };
    for block in &balanced.blocks {
        check_moments(&scaled, block, &raw.values[block.clone()])?;
    }
    let values: Vec<_> = raw.values.iter().map(|l| l * unit).collect();
    let norm = balanced.matrix.norm();
    let order = descending_order(&values, norm);

    let mut conditions = vec![0.0; n];
    let mut errors = vec![0.0; n];
    let size = if options.vectors { n } else { 0 };
    let mut right = DMatrix::zeros(n, size);
    let mut left = DMatrix::zeros(n, size);
    let mut rank = vec![0; n];
    for (place, &k) in order.iter().enumerate() {
        rank[k] = place;
    }
    for block in &balanced.blocks {
        let block_norm = block_norm(balanced, block);
        for k in block.clone().filter(|&k| values[k].im >= 0.0) {
            let pair = pair(balanced, &raw, block, k);
            if options.vectors && !pair.condition.is_finite() {
                return Err(LinalgError::Defective { value: values[k] });
            }
            let error = rounding_error(block.len(), block_norm, pair.block_condition);
            let copies = if values[k].im == 0.0 { 1 } else { 2 };
            for place in rank[k]..rank[k] + copies {
                conditions[place] = pair.condition;
                errors[place] = error;
            }
            if options.vectors {
                right.set_column(rank[k], &pair.right);
                left.set_column(rank[k], &pair.left);
                if copies == 2 {
                    right.set_column(rank[k] + 1, &pair.right.conjugate());
                    left.set_column(rank[k] + 1, &pair.left.conjugate());
                }
            }
        }
    }
    Ok(Spectrum {
        values: order.iter().map(|&k| values[k]).collect(),
        balanced_norm: norm,
        conditions: options.conditions.then_some(conditions),
        errors: options.conditions.then_some(errors),
        right: options.vectors.then_some(right),
        left: options.vectors.then_some(left),
    })
}

fn no_values() -> Raw {
    Raw { values: Vec::new(), right: None, left: None }
}

/// The vectors of eigenvalue `k`, whose imaginary part is not negative.
fn pair(balanced: &Balanced, raw: &Raw, block: &Range<usize>, k: usize) -> Pair {
    let (right, left) = (raw.right.as_ref(), raw.left.as_ref());
    let (right, left) = right.zip(left).expect("vectors were asked of faer");
    let complex = raw.values[k].im != 0.0;
    let combine = |m: &DMatrix<f64>, re: usize, im: usize, sign: f64| {
        DVector::from_fn(m.nrows(), |i, _| {
            Complex::new(m[(i, re)], if complex { sign * m[(i, im)] } else { 0.0 })
        })
    };
    let next = if complex { k + 1 } else { k };
    let x = combine(right, k, next, 1.0);
    // faer solves for the left vectors on the transposed Schur form read backwards, so the columns
    // of a pair come out swapped, and for y^T A = l y^T, so y is the conjugate.
    let y = combine(left, next, k, -1.0);
    let (Some(x), Some(y)) = (unit_largest(x), unit_largest(y)) else {
        return overflowed(balanced.matrix.nrows());
    };
    let dot = y.dotc(&x).norm();
    let part = |v: &DVector<Complex<f64>>| v.rows(block.start, block.len()).norm();
    let block_condition = part(&x) * part(&y) / dot;
    let (x, y) = (to_caller(balanced, &x, 1), to_caller(balanced, &y, -1));
    let condition = x.norm() * y.norm() / dot;
    Pair {
        right: x.unscale(x.norm()),
        left: y.unscale(y.norm()),
        // Rounding can take the quotient below its least possible value.
        condition: condition.max(1.0),
        block_condition: block_condition.max(1.0),
    }
}

/// The pair of an eigenvalue whose vectors left the range of f64 in back substitution.
fn overflowed(n: usize) -> Pair {
    Pair {
        right: DVector::zeros(n),
        left: DVector::zeros(n),
        condition: f64::INFINITY,
        block_condition: f64::INFINITY,
    }
}

/// The vector divided by its largest entry; `None` if it is not finite.
fn unit_largest(v: DVector<Complex<f64>>) -> Option<DVector<Complex<f64>>> {
    let largest = v.iter().fold(0.0_f64, |m, z| m.max(z.re.abs()).max(z.im.abs()));
    let finite = v.iter().all(|z| z.re.is_finite() && z.im.is_finite());
    (finite && largest > 0.0).then(|| v.map(|z| z / largest))
}

/// From balanced coordinates to the caller's: `P D^sign v`.
fn to_caller(balanced: &Balanced, v: &DVector<Complex<f64>>, sign: i32) -> DVector<Complex<f64>> {
    let mut out = DVector::zeros(v.len());
    for (i, z) in v.iter().enumerate() {
        let scale = if sign > 0 { balanced.scale[i] } else { 1.0 / balanced.scale[i] };
        out[balanced.order[i]] = z * scale;
    }
    out
}

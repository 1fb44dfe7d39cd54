//! Products of small square matrices, for recurrences in which set-up would dominate.

use pulp::{Simd, WithSimd};

use super::dispatch;

/// Rows are stored in groups of this many, filled up with zeros.
const LANES: usize = 4;
/// Groups of rows up to which a column of the product stays in registers.
const MAX_GROUPS: usize = 8;

/// A square matrix of at most [`SmallSquare::MAX`] rows, stored column by column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SmallSquare {
    n: usize,
    groups: usize,
    values: Vec<[f64; LANES]>,
}

impl SmallSquare {
    /// The largest size.
    pub(crate) const MAX: usize = LANES * MAX_GROUPS;

    /// `f(i, j)` in row i and column j.
    ///
    /// # Panics
    /// When `n` is 0 or larger than [`MAX`](Self::MAX).
    pub(crate) fn from_fn(n: usize, f: impl Fn(usize, usize) -> f64) -> Self {
        assert!(n > 0 && n <= Self::MAX, "size of a small matrix");
        let groups = n.div_ceil(LANES);
        let mut matrix = Self { n, groups, values: vec![[0.0; LANES]; groups * n] };
        for j in 0..n {
            matrix.column_mut(j).iter_mut().enumerate().for_each(|(i, x)| *x = f(i, j));
        }
        matrix
    }

    /// The `n` entries of column j.
    pub(crate) fn column(&self, j: usize) -> &[f64] {
        &self.values.as_flattened()[j * self.groups * LANES..][..self.n]
    }

    fn column_mut(&mut self, j: usize) -> &mut [f64] {
        &mut self.values.as_flattened_mut()[j * self.groups * LANES..][..self.n]
    }

    /// Adds `x` to every diagonal entry.
    pub(crate) fn add_to_diagonal(&mut self, x: f64) {
        for i in 0..self.n {
            self.column_mut(i)[i] += x;
        }
    }

    /// `self = f(self, other)`, entry by entry; `f(0, 0)` is 0.
    pub(crate) fn combine(&mut self, other: &Self, f: impl Fn(f64, f64) -> f64) {
        let entries = self.values.as_flattened_mut().iter_mut();
        entries.zip(other.values.as_flattened()).for_each(|(x, y)| *x = f(*x, *y));
    }

    /// Square root of the sum of all squares.
    pub(crate) fn norm(&self) -> f64 {
        self.values.as_flattened().iter().map(|x| x * x).sum::<f64>().sqrt()
    }

    /// `self = a b`.
    ///
    /// # Panics
    /// When sizes differ.
    pub(crate) fn set_product(&mut self, a: &Self, b: &Self) {
        assert!(self.n == a.n && self.n == b.n, "sizes of the matrices of a product");
        dispatch(Product { a, b, out: self });
    }
}

struct Product<'a> {
    a: &'a SmallSquare,
    b: &'a SmallSquare,
    out: &'a mut SmallSquare,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        match self.out.groups {
            1 => product::<1>(self),
            2 => product::<2>(self),
            3 => product::<3>(self),
            4 => product::<4>(self),
            5 => product::<5>(self),
            6 => product::<6>(self),
            7 => product::<7>(self),
            _ => product::<MAX_GROUPS>(self),
        }
    }
}

/// Two columns of the product at a time: one alone would wait for its own sums.
#[inline(always)]
fn product<const GROUPS: usize>(Product { a, b, out }: Product<'_>) {
    let n = out.n;
    let mut columns = out.values.chunks_exact_mut(2 * GROUPS);
    let mut factors = b.values.chunks_exact(2 * GROUPS);
    for (columns, factors) in columns.by_ref().zip(factors.by_ref()) {
        let (first, second) = factors.split_at(GROUPS);
        let sums = combination::<GROUPS, 2>(a, [first, second].map(|f| &f.as_flattened()[..n]));
        columns.copy_from_slice(sums.as_flattened());
    }
    if !factors.remainder().is_empty() {
        let sums = combination::<GROUPS, 1>(a, [&factors.remainder().as_flattened()[..n]]);
        columns.into_remainder().copy_from_slice(sums.as_flattened());
    }
}

/// Columns of `a` combined with each of the lists of factors. The loops over lanes become vector
/// instructions; the sums stay in registers.
#[inline(always)]
fn combination<const GROUPS: usize, const COLUMNS: usize>(
    a: &SmallSquare,
    factors: [&[f64]; COLUMNS],
) -> [[[f64; LANES]; GROUPS]; COLUMNS] {
    let mut sums = [[[0.0; LANES]; GROUPS]; COLUMNS];
    for (k, terms) in a.values.chunks_exact(GROUPS).enumerate() {
        for (sums, factors) in sums.iter_mut().zip(factors) {
            for (sum, term) in sums.iter_mut().zip(terms) {
                for lane in 0..LANES {
                    sum[lane] = term[lane].mul_add(factors[k], sum[lane]);
                }
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_every_size_are_those_of_plain_sums() {
        for n in 1..=SmallSquare::MAX {
            let a = SmallSquare::from_fn(n, |i, j| (3 * i + 2 * j) as f64 - n as f64);
            let b = SmallSquare::from_fn(n, |i, j| (i * j % 7) as f64 - 2.5);
            let mut c = a.clone();
            c.set_product(&a, &b);
            for j in 0..n {
                for i in 0..n {
                    let expected: f64 = (0..n).map(|k| a.column(k)[i] * b.column(j)[k]).sum();
                    // Whole and half numbers: sums are exact.
                    assert_eq!(c.column(j)[i], expected, "{n}: {i}, {j}");
                }
            }
        }
    }
}

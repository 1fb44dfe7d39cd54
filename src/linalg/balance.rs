//! Balancing: the order and the units in which a matrix shows its eigenvalues best.
//!
//! 1. **Order.** The strongly connected components of the graph of nonzero entries give a
//!    permutation to block upper triangular form. The spectrum is the union of the spectra of the
//!    diagonal blocks, and no rounding error of one block enters another. The eigenvalues isolated
//!    by Parlett & Reinsch (Numer. Math. 13, 1969) are the blocks of size one.
//! 2. **Units.** Within each block a diagonal similarity by powers of two (so exact) makes the
//!    norms of row and column i comparable: Parlett & Reinsch's iteration in the 2-norm, as James,
//!    Langou & Lowery (arXiv:1401.5766) recommend.

use std::ops::Range;

use nalgebra::DMatrix;

use super::bridge::power_of_two;

/// Change of units is made only if it shrinks row plus column norm to this fraction
/// (Parlett & Reinsch 1969).
const WORTHWHILE: f64 = 0.95;
/// Largest power of two in a change of units. Two of them still fit the range of f64 with room for
/// entries up to 2^500.
const LARGEST_EXPONENT: i32 = 250;
/// Cap of the sweeps. Every change shrinks a norm by 5 %, so this many are never needed in practice;
/// a matrix that is not yet balanced then is still exactly similar to the original.
const MAX_SWEEPS: usize = 200;

/// `matrix = D^-1 P^T A P D`: exactly similar to `A`, block upper triangular.
#[derive(Debug, Clone)]
pub(crate) struct Balanced {
    /// The balanced matrix.
    pub matrix: DMatrix<f64>,
    /// `P`: row and column i of the balanced matrix are row and column `order[i]` of `A`.
    pub order: Vec<usize>,
    /// Diagonal of `D`: powers of two.
    pub scale: Vec<f64>,
    /// The diagonal blocks, in order.
    pub blocks: Vec<Range<usize>>,
}

/// Balances a finite square matrix.
pub(crate) fn balance(a: &DMatrix<f64>) -> Balanced {
    let (order, blocks) = block_triangular_order(a);
    let permuted = blocks.len() > 1;
    let mut matrix = if permuted {
        DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| a[(order[i], order[j])])
    } else {
        a.clone()
    };
    let mut exponents = vec![0; a.nrows()];
    for block in &blocks {
        balance_block(&mut matrix, block, &mut exponents);
    }
    scale_between_blocks(&mut matrix, &blocks, &exponents);
    let scale = exponents.iter().map(|&e| power_of_two(e)).collect();
    Balanced { matrix, order, scale, blocks }
}

/// The units of `A` alone, in its own order: `a_ij d_j / d_i` is balanced.
pub(crate) fn units(a: &DMatrix<f64>) -> Vec<f64> {
    let balanced = balance(a);
    let mut units = vec![1.0; a.nrows()];
    for (place, scale) in balanced.order.iter().zip(&balanced.scale) {
        units[*place] = *scale;
    }
    units
}

/// Tarjan's algorithm on the graph with an edge j -> i for every nonzero `a_ij`. Components come
/// out sinks first, which is the order of a block upper triangular form; inside a component the
/// original order is kept.
fn block_triangular_order(a: &DMatrix<f64>) -> (Vec<usize>, Vec<Range<usize>>) {
    const UNSEEN: usize = usize::MAX;
    let n = a.nrows();
    let mut index = vec![UNSEEN; n];
    let mut low = vec![0; n];
    let mut open = vec![false; n];
    let (mut stack, mut path) = (Vec::new(), Vec::new());
    let (mut order, mut blocks) = (Vec::with_capacity(n), Vec::new());
    let mut next = 0;
    for root in 0..n {
        if index[root] == UNSEEN {
            path.push((root, 0));
        }
        while let Some((node, row)) = path.pop() {
            if row == 0 {
                index[node] = next;
                low[node] = next;
                next += 1;
                stack.push(node);
                open[node] = true;
            } else if open[row - 1] {
                // Back from (or past) the edge to row - 1.
                low[node] = low[node].min(low[row - 1]);
            }
            let column = a.column(node);
            let mut unseen = None;
            for (i, &entry) in column.iter().enumerate().skip(row) {
                if entry == 0.0 {
                    continue;
                }
                if index[i] == UNSEEN {
                    unseen = Some(i);
                    break;
                }
                if open[i] {
                    low[node] = low[node].min(index[i]);
                }
            }
            if let Some(child) = unseen {
                path.push((node, child + 1));
                path.push((child, 0));
            } else if low[node] == index[node] {
                let start = order.len();
                while let Some(member) = stack.pop() {
                    open[member] = false;
                    order.push(member);
                    if member == node {
                        break;
                    }
                }
                order[start..].sort_unstable();
                blocks.push(start..order.len());
            }
        }
    }
    (order, blocks)
}

/// Parlett & Reinsch's iteration on one diagonal block; adds to the exponents of `D`.
fn balance_block(a: &mut DMatrix<f64>, block: &Range<usize>, exponents: &mut [i32]) {
    for _ in 0..MAX_SWEEPS {
        let mut changed = false;
        for i in block.clone() {
            let column = norm(a.view((block.start, i), (block.len(), 1)).iter());
            let row = norm(a.view((i, block.start), (1, block.len())).iter());
            let step = balancing_exponent(column, row);
            let target = (exponents[i] + step).clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT);
            let step = target - exponents[i];
            let (up, down) = (power_of_two(step), power_of_two(-step));
            if step == 0 || column * up + row * down >= WORTHWHILE * (column + row) {
                continue;
            }
            changed = true;
            exponents[i] = target;
            a.view_mut((block.start, i), (block.len(), 1)).scale_mut(up);
            a.view_mut((i, block.start), (1, block.len())).scale_mut(down);
        }
        if !changed {
            break;
        }
    }
}

/// The `e` for which `column 2^e` and `row 2^-e` are nearest to each other.
fn balancing_exponent(column: f64, row: f64) -> i32 {
    if column == 0.0 || row == 0.0 {
        return 0;
    }
    (0.5 * (row.log2() - column.log2())).round() as i32
}

/// 2-norm without overflow or harmful underflow.
fn norm<'a>(entries: impl Iterator<Item = &'a f64> + Clone) -> f64 {
    let squares: f64 = entries.clone().map(|x| x * x).sum();
    if squares.is_finite() && squares > 1e-280 {
        return squares.sqrt();
    }
    let largest = entries.clone().fold(0.0_f64, |m, x| m.max(x.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    largest * entries.map(|x| (x / largest) * (x / largest)).sum::<f64>().sqrt()
}

/// Carries the units of the blocks over to the entries that couple them.
fn scale_between_blocks(a: &mut DMatrix<f64>, blocks: &[Range<usize>], exponents: &[i32]) {
    for block in blocks {
        for j in block.clone() {
            for i in 0..block.start {
                let step = exponents[j] - exponents[i];
                if step != 0 {
                    a[(i, j)] *= power_of_two(step);
                }
            }
        }
    }
}

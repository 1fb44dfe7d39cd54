//! The Jacobian of one target column of a batch.

use nalgebra::DMatrix;

use crate::dynamics::{Dynamics, StateLayout};

/// Entries of dense Jacobians formed at once, about 256 MB.
const MOST_ENTRIES: usize = 1 << 25;

/// Components of one target.
pub(super) fn units(layout: &StateLayout) -> usize {
    layout.blocks().iter().map(|b| b.rows).sum()
}

/// The columns of `y` as a matrix with one target's components, block after block, per column.
pub(super) fn gather(
    layout: &StateLayout,
    y: &[f64],
    columns: std::ops::Range<usize>,
) -> DMatrix<f64> {
    let mut out = DMatrix::zeros(units(layout), columns.len());
    for (k, column) in columns.enumerate() {
        let mut row = 0;
        for block in layout.blocks() {
            out.view_mut((row, k), (block.rows, 1)).copy_from_slice(&y[block.column_range(column)]);
            row += block.rows;
        }
    }
    out
}

/// Adds a matrix of that shape to the columns of `y`.
pub(super) fn scatter_add(
    layout: &StateLayout,
    deviation: &[f64],
    columns: std::ops::Range<usize>,
    y: &mut [f64],
) {
    let parts = deviation.chunks_exact(units(layout));
    for (column, mut part) in columns.zip(parts) {
        for block in layout.blocks() {
            let (head, tail) = part.split_at(block.rows);
            y[block.column_range(column)].iter_mut().zip(head).for_each(|(y, z)| *y += z);
            part = tail;
        }
    }
}

/// The Jacobian that all targets share.
///
/// Every target of the batch answers for a different direction, so this takes one product with the
/// whole Jacobian per `columns` directions.
pub(super) fn shared_jacobian(dynamics: &dyn Dynamics, t: f64, y: &[f64]) -> DMatrix<f64> {
    let layout = dynamics.layout();
    let (n, columns) = (units(layout), layout.columns());
    let mut jacobian = DMatrix::zeros(n, n);
    if columns == 1 {
        dynamics.jacobian(t, y, &mut jacobian);
        return jacobian;
    }
    let (mut direction, mut image) = (vec![0.0; y.len()], vec![0.0; y.len()]);
    for first in (0..n).step_by(columns) {
        direction.fill(0.0);
        let wanted = columns.min(n - first);
        for k in 0..wanted {
            direction[position(layout, first + k, k)] = 1.0;
        }
        dynamics.jvp(t, y, &direction, &mut image);
        jacobian.columns_mut(first, wanted).copy_from(&gather(layout, &image, 0..wanted));
    }
    jacobian
}

/// Calls `each` with every target and its own Jacobian.
pub(super) fn own_jacobians<E>(
    dynamics: &dyn Dynamics,
    t: f64,
    y: &[f64],
    mut each: impl FnMut(usize, DMatrix<f64>) -> Result<(), E>,
) -> Result<(), E> {
    let layout = dynamics.layout();
    let (n, columns) = (units(layout), layout.columns());
    let at_once = (MOST_ENTRIES / (n * n).max(1)).clamp(1, columns);
    let (mut direction, mut image) = (vec![0.0; y.len()], vec![0.0; y.len()]);
    for first in (0..columns).step_by(at_once) {
        let range = first..columns.min(first + at_once);
        let mut jacobians = vec![DMatrix::zeros(n, n); range.len()];
        for unit in 0..n {
            direction.fill(0.0);
            for column in range.clone() {
                direction[position(layout, unit, column)] = 1.0;
            }
            dynamics.jvp(t, y, &direction, &mut image);
            let images = gather(layout, &image, range.clone());
            for (jacobian, image) in jacobians.iter_mut().zip(images.column_iter()) {
                jacobian.set_column(unit, &image);
            }
        }
        for (column, jacobian) in range.zip(jacobians) {
            each(column, jacobian)?;
        }
    }
    Ok(())
}

/// Position in the state of component `unit` of target `column`.
fn position(layout: &StateLayout, mut unit: usize, column: usize) -> usize {
    for block in layout.blocks() {
        if unit < block.rows {
            return block.column_range(column).start + unit;
        }
        unit -= block.rows;
    }
    unreachable!("a component beyond the blocks, which tile the state")
}

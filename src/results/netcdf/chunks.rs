//! How rows are cut into chunks.

/// Bounds on the size of a chunk, in bytes: smaller ones cost more in bookkeeping than they hold,
/// larger ones do not fit the chunk cache of HDF5 readers (1 MiB by default).
const CHUNK_BYTES: std::ops::RangeInclusive<usize> = (16 << 10)..=(1 << 20);

/// Size aimed at when nothing else decides.
const USUAL_CHUNK_BYTES: usize = 128 << 10;

/// The shape of a chunk: whole rows where they fit, no more of them than `most_rows` unless the
/// chunk would be too small; else one row cut along its slowest axes.
pub(super) fn chunk_shape(row_shape: &[usize], most_rows: Option<usize>) -> Vec<usize> {
    let value = size_of::<f64>();
    let row_bytes = value * row_shape.iter().product::<usize>().max(1);
    let fewest = CHUNK_BYTES.start().div_ceil(row_bytes);
    let usual = (USUAL_CHUNK_BYTES / row_bytes).max(1);
    let rows = most_rows.map_or(usual, |most| usual.min(most)).max(fewest);
    let mut room = CHUNK_BYTES.end() / value;
    let mut inner: Vec<usize> = Vec::with_capacity(row_shape.len());
    for &length in row_shape.iter().rev() {
        let part = length.min(room).max(1);
        inner.push(part);
        room = (room / part).max(1);
    }
    std::iter::once(rows).chain(inner.into_iter().rev()).collect()
}

/// The first indices of every chunk of a row.
pub(super) fn corners(row_shape: &[usize], inner: &[usize]) -> Vec<Vec<usize>> {
    row_shape.iter().zip(inner).fold(vec![Vec::new()], |starts, (&length, &part)| {
        let extend = |start: &Vec<usize>, k: usize| start.iter().copied().chain([k]).collect();
        starts
            .iter()
            .flat_map(|start| (0..length).step_by(part).map(move |k| extend(start, k)))
            .collect()
    })
}

/// Appends the block of `row` that starts at `corner` and has the extents `inner`; places outside
/// the row are NaN.
pub(super) fn copy_block(
    row: &[f64],
    row_shape: &[usize],
    inner: &[usize],
    corner: &[usize],
    block: &mut Vec<f64>,
) {
    if inner == row_shape {
        return block.extend_from_slice(row);
    }
    let stride: usize = row_shape[1..].iter().product();
    let end = block.len() + inner.iter().product::<usize>();
    for k in corner[0]..(corner[0] + inner[0]).min(row_shape[0]) {
        copy_block(
            &row[k * stride..(k + 1) * stride],
            &row_shape[1..],
            &inner[1..],
            &corner[1..],
            block,
        );
    }
    block.resize(end, f64::NAN);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_stay_between_16_kib_and_1_mib() {
        for row_shape in [
            vec![],
            vec![1],
            vec![3],
            vec![300],
            vec![2794],
            vec![200_000],
            vec![256, 784],
            vec![10_000, 64],
        ] {
            for expected in [None, Some(1), Some(100), Some(1_000_000)] {
                let chunk = chunk_shape(&row_shape, expected);
                let bytes = size_of::<f64>() * chunk.iter().product::<usize>();
                assert!(CHUNK_BYTES.contains(&bytes), "{row_shape:?}: {chunk:?} is {bytes} bytes");
                assert!(chunk[1..].iter().zip(&row_shape).all(|(part, whole)| part <= whole));
            }
        }
    }

    #[test]
    fn blocks_tile_a_row() {
        let row: Vec<f64> = (0..15).map(f64::from).collect();
        let starts = corners(&[3, 5], &[2, 4]);
        assert_eq!(starts, [[0, 0], [0, 4], [2, 0], [2, 4]]);
        let mut block = Vec::new();
        copy_block(&row, &[3, 5], &[2, 4], &starts[3], &mut block);
        assert_eq!(block[0], 14.0);
        assert!(block.len() == 8 && block[1..].iter().all(|value| value.is_nan()));
        block.clear();
        copy_block(&row, &[3, 5], &[2, 4], &starts[0], &mut block);
        assert_eq!(block, [0.0, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0]);
    }

    #[test]
    fn few_rows_make_small_chunks() {
        assert_eq!(chunk_shape(&[3], Some(100)), [683, 3]);
        assert_eq!(chunk_shape(&[300], Some(101)), [54, 300]);
    }
}

//! An array cut into blocks that are contiguous in row-major order.

use std::ops::Range;

/// A block: indices along every axis, and the numbers of its points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    pub(super) ranges: Vec<Range<usize>>,
    pub(super) points: Range<usize>,
}

/// Blocks of at most `most` points, in order: whole inner axes, a range of one axis, single indices
/// of the outer ones.
pub(super) fn blocks(lengths: &[usize], most: usize) -> impl Iterator<Item = Block> {
    let lengths = lengths.to_vec();
    let total: usize = lengths.iter().product();
    // `inner` points are covered by the axes from `whole` on.
    let (mut whole, mut inner) = (lengths.len(), 1);
    while whole > 0 && inner * lengths[whole - 1] <= most.max(1) {
        whole -= 1;
        inner *= lengths[whole];
    }
    let step = (most.max(1) / inner).max(1);
    let mut start = 0;
    std::iter::from_fn(move || {
        if start >= total {
            return None;
        }
        let mut ranges: Vec<Range<usize>> = lengths.iter().map(|length| 0..*length).collect();
        let mut end = total;
        if whole > 0 {
            let cut = whole - 1;
            let mut rest = start / inner;
            let first = rest % lengths[cut];
            let last = (first + step).min(lengths[cut]);
            ranges[cut] = first..last;
            rest /= lengths[cut];
            for axis in (0..cut).rev() {
                let index = rest % lengths[axis];
                ranges[axis] = index..index + 1;
                rest /= lengths[axis];
            }
            end = start + (last - first) * inner;
        }
        let points = start..end;
        start = end;
        Some(Block { ranges, points })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_tile_the_array_in_order() {
        for lengths in [vec![], vec![5], vec![3, 4], vec![2, 3, 4], vec![1, 7, 1, 2]] {
            let total: usize = lengths.iter().product();
            for most in [1, 2, 3, 5, 8, 1000] {
                let mut next = 0;
                for block in blocks(&lengths, most) {
                    assert_eq!(block.points.start, next, "{lengths:?} by {most}");
                    let size: usize = block.ranges.iter().map(ExactSizeIterator::len).product();
                    assert_eq!(size, block.points.len());
                    assert!(size <= most);
                    let corner = block.ranges.iter().zip(&lengths);
                    let first = corner.fold(0, |at, (range, length)| at * length + range.start);
                    assert_eq!(first, next);
                    next = block.points.end;
                }
                assert_eq!(next, total);
            }
        }
    }
}

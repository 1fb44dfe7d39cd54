//! Reused buffers for intermediate vectors that do not fit in an output slice.

use std::cell::Cell;

thread_local! {
    static BUFFER: Cell<Vec<f64>> = const { Cell::new(Vec::new()) };
}

/// Calls `work` with a buffer of `len` numbers of unspecified value.
///
/// After the first call on a thread nothing is allocated unless calls are nested or grow.
pub(crate) fn with_scratch<T>(len: usize, work: impl FnOnce(&mut [f64]) -> T) -> T {
    BUFFER.with(|cell| {
        let mut buffer = cell.take();
        if buffer.len() < len {
            buffer.resize(len, 0.0);
        }
        let result = work(&mut buffer[..len]);
        cell.set(buffer);
        result
    })
}

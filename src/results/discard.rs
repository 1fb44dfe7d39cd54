//! A writer that keeps nothing: points of a sweep whose full results nobody asked for.

use std::path::{Path, PathBuf};

use super::{Group, ResultError, ResultWriter, RowLayout, Status, Written};

/// A writer that checks what it is given, counts rows and keeps nothing.
#[must_use]
pub fn discard() -> Box<dyn ResultWriter> {
    Box::new(Discard { layout: None, rows: 0 })
}

struct Discard {
    layout: Option<RowLayout>,
    rows: usize,
}

impl ResultWriter for Discard {
    fn write_group(&mut self, group: &Group) -> Result<(), ResultError> {
        group.dimensions().map(|_| ())
    }

    fn start_rows(&mut self, layout: RowLayout) -> Result<(), ResultError> {
        layout.check()?;
        self.layout = Some(layout);
        Ok(())
    }

    fn append_row(
        &mut self,
        _: f64,
        state: &[f64],
        observables: &[f64],
    ) -> Result<(), ResultError> {
        let Some(layout) = &self.layout else {
            let reason = "a row before the layout of rows";
            return Err(ResultError::Misuse { path: PathBuf::new(), reason });
        };
        layout.assert_widths(state, observables);
        self.rows += 1;
        Ok(())
    }

    fn finish(self: Box<Self>, _: Status) -> Result<Written, ResultError> {
        Ok(Written { path: PathBuf::new(), rows: self.rows, bytes: 0 })
    }

    fn partial_path(&self) -> &Path {
        Path::new("")
    }
}

//! HDF5 files that are also valid netCDF-4: creation order tracked, dimension scales attached,
//! variable-length UTF-8 strings, no library-specific types.
//!
//! Object formats are those of HDF5 1.8. Newer ones (`latest`) leave a killed run's file marked
//! as open for writing, which no reader then opens.

mod array;
mod chunks;
mod deflate;
mod ffi;
mod objects;
mod stream;

pub use array::{Array, ArrayFile};
pub(super) use stream::ROWS_COMMITTED;

use std::fs::File;
use std::path::Path;

use hdf5::file::LibraryVersion;
use hdf5::plist::file_create::{AttrCreationOrder, LinkCreationOrder};

use self::stream::RowStream;
use super::output::{PendingFile, name_for_hdf5};
use super::{Group, Header, ResultError, ResultWriter, RowLayout, Status, Written};

/// Writes one HDF5/netCDF-4 file.
pub(crate) struct NetcdfWriter {
    pending: PendingFile,
    stream: Option<RowStream>,
    /// Rows of the tables that are closed.
    rows: usize,
    file: hdf5::File,
    // Keeps the descriptor open through which the library reaches a name that is not UTF-8.
    _descriptor: Option<File>,
}

impl NetcdfWriter {
    /// Creates the partial file with its root attributes and status `running`.
    pub(crate) fn create(path: &Path, force: bool, header: &Header) -> Result<Self, ResultError> {
        let pending = PendingFile::new(path, force)?;
        let (name, descriptor) = name_for_hdf5(pending.partial(), true)?;
        let file = hdf5::File::with_options()
            .with_fapl(|plist| plist.libver_bounds(LibraryVersion::V18, LibraryVersion::latest()))
            .with_fcpl(|plist| {
                plist
                    .obj_track_times(false)
                    .link_creation_order(LinkCreationOrder::Indexed)
                    .attr_creation_order(AttrCreationOrder::Indexed)
            })
            .create(name)
            .map_err(|error| hdf5_error(pending.partial(), "create the file", &error))?;
        let writer = Self { pending, stream: None, rows: 0, file, _descriptor: descriptor };
        writer.attempt("write the root attributes", || {
            for (name, value) in header.attributes() {
                objects::write_attribute(&writer.file, name, &value.into())?;
            }
            objects::write_attribute(&writer.file, "status", &Status::Running.name().into())?;
            writer.file.flush()
        })?;
        Ok(writer)
    }

    fn attempt<T>(
        &self,
        action: impl Into<String>,
        operation: impl FnOnce() -> hdf5::Result<T>,
    ) -> Result<T, ResultError> {
        operation().map_err(|error| hdf5_error(self.pending.partial(), action, &error))
    }

    /// Ends the current table, if any: its rows are on disk afterwards.
    fn close_table(&mut self) -> Result<(), ResultError> {
        let Some(mut stream) = self.stream.take() else { return Ok(()) };
        let rows = stream.rows();
        self.rows += rows;
        self.attempt(format!("write the last of {rows} rows"), || stream.close())
    }

    fn write_group_in(&self, parent: &hdf5::Group, group: &Group) -> Result<(), ResultError> {
        let dimensions = group.dimensions()?;
        let created = self.attempt(format!("write group `{}`", group.name), || {
            let exists = parent.link_exists(&group.name);
            let created = if exists {
                parent.group(&group.name)?
            } else {
                objects::create_group(parent, &group.name)?
            };
            for attribute in &group.attributes {
                objects::write_attribute(&created, &attribute.name, &attribute.value)?;
            }
            let scales = objects::create_scales(&created, &dimensions, group)?;
            for variable in &group.variables {
                objects::write_variable(&created, variable, &scales)?;
            }
            Ok(created)
        })?;
        group.groups.iter().try_for_each(|inner| self.write_group_in(&created, inner))
    }
}

impl ResultWriter for NetcdfWriter {
    fn write_group(&mut self, group: &Group) -> Result<(), ResultError> {
        self.write_group_in(&self.file, group)?;
        self.attempt(format!("flush group `{}`", group.name), || self.file.flush())
    }

    fn start_rows(&mut self, layout: RowLayout) -> Result<(), ResultError> {
        layout.check()?;
        self.close_table()?;
        let action = format!("create group `{}`", layout.group);
        let stream = self.attempt(action, || RowStream::create(&self.file, layout))?;
        self.stream = Some(stream);
        Ok(())
    }

    fn append_row(
        &mut self,
        axis: f64,
        state: &[f64],
        observables: &[f64],
    ) -> Result<(), ResultError> {
        let Some(stream) = &mut self.stream else {
            let reason = "a row before the layout of rows";
            return Err(ResultError::Misuse { path: self.pending.partial().to_owned(), reason });
        };
        stream.append(axis, state, observables).map_err(|error| {
            hdf5_error(self.pending.partial(), format!("write row {}", stream.rows()), &error)
        })
    }

    fn finish(mut self: Box<Self>, status: Status) -> Result<Written, ResultError> {
        self.close_table()?;
        self.attempt("write the status", || {
            objects::rewrite_text_attribute(&self.file, "status", status.name())?;
            self.file.flush()
        })?;
        let Self { pending, file, rows, .. } = *self;
        file.close().map_err(|error| hdf5_error(pending.partial(), "close the file", &error))?;
        pending.finished(rows)
    }

    fn partial_path(&self) -> &Path {
        self.pending.partial()
    }
}

/// Names the file and the innermost cause: the system's message where there is one ("No space
/// left on device"), else the library's own.
pub(super) fn hdf5_error(
    path: &Path,
    action: impl Into<String>,
    error: &hdf5::Error,
) -> ResultError {
    ResultError::Hdf5 {
        path: path.to_owned(),
        action: action.into(),
        cause: innermost_cause(error),
    }
}

pub(super) fn innermost_cause(error: &hdf5::Error) -> String {
    let Some(stack) = error.stack() else { return error.to_string() };
    let of_the_system = stack.iter().find_map(|frame| {
        let (_, rest) = frame.desc().split_once("error message = '")?;
        rest.split_once('\'').map(|(message, _)| message.to_owned())
    });
    of_the_system
        .or_else(|| stack.last().map(|frame| frame.desc().to_owned()))
        .unwrap_or_else(|| error.to_string())
}

//! Arrays written block by block at the root of a file: the result of a sweep.

use std::path::Path;

use hdf5::{Dataset, H5Type, Hyperslab, SliceOrIndex};
use ndarray::{ArrayView, IxDyn};

use super::NetcdfWriter;
use super::objects::{self, Scales};
use crate::results::{
    Data, Dimension, Format, Group, Header, ResultError, ResultWriter, Status, Variable, Written,
};

/// A netCDF-4 file with variables of its own at the root, whose values come in blocks: memory does
/// not grow with the arrays.
pub struct ArrayFile {
    writer: NetcdfWriter,
    scales: Scales,
}

/// An array of an [`ArrayFile`], to be filled.
pub struct Array {
    name: String,
    dataset: Dataset,
}

impl ArrayFile {
    /// Creates the partial file.
    ///
    /// # Errors
    /// As [`create`](crate::results::create); [`ResultError::UnknownFormat`] for every other
    /// format.
    pub fn create(path: &Path, force: bool, header: &Header) -> Result<Self, ResultError> {
        Self::check_format(path)?;
        Ok(Self { writer: NetcdfWriter::create(path, force, header)?, scales: Vec::new() })
    }

    /// Refuses names that ask for another format.
    ///
    /// # Errors
    /// [`ResultError::ArraysOnly`], [`ResultError::UnknownFormat`].
    pub fn check_format(path: &Path) -> Result<(), ResultError> {
        match Format::of(path)? {
            Format::Netcdf => Ok(()),
            Format::Csv | Format::Json => Err(ResultError::ArraysOnly { path: path.to_owned() }),
        }
    }

    /// Adds an attribute to the root.
    ///
    /// # Errors
    /// What the library refuses.
    pub fn attribute(&mut self, name: &str, text: &str) -> Result<(), ResultError> {
        self.writer.attempt("write the root attributes", || {
            objects::write_attribute(&self.writer.file, name, &text.into())
        })
    }

    /// Writes a group beside the arrays.
    ///
    /// # Errors
    /// As [`ResultWriter::write_group`].
    pub fn write_group(&mut self, group: &Group) -> Result<(), ResultError> {
        self.writer.write_group(group)
    }

    /// Writes the coordinates and makes dimensions of all axes in `dimensions`.
    ///
    /// # Errors
    /// [`ResultError::InvalidRecord`], or what the file system says.
    pub fn write_coordinates(
        &mut self,
        dimensions: &[Dimension],
        coordinates: Vec<Variable>,
    ) -> Result<(), ResultError> {
        let group = Group::new("coordinates").with_all(coordinates);
        group.dimensions()?;
        let scales = self.writer.attempt("write the coordinates", || {
            let scales = objects::create_scales(&self.writer.file, dimensions, &group)?;
            for variable in &group.variables {
                objects::write_variable(&self.writer.file, variable, &scales)?;
            }
            self.writer.file.flush()?;
            Ok(scales)
        })?;
        self.scales = scales;
        Ok(())
    }

    /// Creates an array like `variable`, whose own values are not written; its axes are dimensions
    /// of the coordinates.
    ///
    /// # Errors
    /// What the library refuses.
    pub fn array(&mut self, variable: &Variable) -> Result<Array, ResultError> {
        let name = variable.name.clone();
        let dataset = self.writer.attempt(format!("create `{name}`"), || {
            let dataset = objects::create_dataset(&self.writer.file, variable)?;
            objects::describe(&dataset, variable, &self.scales)?;
            Ok(dataset)
        })?;
        Ok(Array { name, dataset })
    }

    /// Writes the values whose indices along every axis are in `block`, in row-major order.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_block(
        &mut self,
        array: &Array,
        block: &[std::ops::Range<usize>],
        values: &Data,
    ) -> Result<(), ResultError> {
        self.writer.attempt(format!("write values of `{}`", array.name), || match values {
            Data::F64(values) => write(&array.dataset, block, values),
            Data::I64(values) => write(&array.dataset, block, values),
            Data::U8(values) => write(&array.dataset, block, values),
            Data::Text(values) => write(&array.dataset, block, &objects::to_hdf5_texts(values)?),
        })
    }

    /// Marks the file with `status`, makes it durable and gives it its name. `points` counts as its
    /// rows.
    ///
    /// # Errors
    /// What the file system says; the partial file is kept.
    pub fn finish(self, status: Status, points: usize) -> Result<Written, ResultError> {
        let Self { writer, scales } = self;
        // Nothing may have the file open when it is renamed.
        drop(scales);
        let written = Box::new(writer).finish(status)?;
        Ok(Written { rows: points, ..written })
    }
}

fn write<T: H5Type>(
    dataset: &Dataset,
    block: &[std::ops::Range<usize>],
    values: &[T],
) -> hdf5::Result<()> {
    let shape: Vec<usize> = block.iter().map(ExactSizeIterator::len).collect();
    let view = ArrayView::from_shape(IxDyn(&shape), values)
        .map_err(|error| hdf5::Error::from(error.to_string()))?;
    let slab: Vec<SliceOrIndex> = block.iter().cloned().map(SliceOrIndex::from).collect();
    dataset.write_slice(&view, Hyperslab::from(slab))
}

//! Rows streamed into chunked, compressed datasets that grow along their first axis.
//!
//! Rows are buffered until a chunk is full and written aligned with it, so no compressed chunk is
//! rewritten except the last one, at the end of the file or when rows come so slowly that waiting
//! for a full chunk would risk them.

use std::time::{Duration, Instant};

use hdf5::plist::file_create::AttrCreationOrder;
use hdf5::{Dataset, Extent};

use super::chunks::{chunk_shape, copy_block, corners};
use super::deflate::Deflater;
use super::{ffi, objects};
use crate::results::rows::Source;
use crate::results::{RowLayout, RowVariable, Value};

/// Deflate level. Level 4 takes twice as long on shuffled trajectories and saves 2 % of the space
/// (benches/results.rs).
const DEFLATE_LEVEL: u8 = 1;

/// Rows are on disk after this long even if they do not fill a chunk.
const PATIENCE: Duration = Duration::from_secs(10);

/// The attribute of the table's group that counts rows known to be whole on disk.
pub(crate) const ROWS_COMMITTED: &str = "rows_committed";

/// One growing dataset.
struct Column {
    dataset: Dataset,
    /// `None` for the row axis itself.
    source: Option<Source>,
    /// Extents after the row axis.
    row_shape: Vec<usize>,
    width: usize,
    /// Extents of a chunk, rows first.
    chunk: Vec<usize>,
    /// Where the chunks of a row start, along the axes after the row axis.
    corners: Vec<Vec<usize>>,
    deflater: Deflater,
    /// The values of one chunk.
    block: Vec<f64>,
    /// Rows not yet in a full chunk.
    buffer: Vec<f64>,
    /// Rows in full chunks, all on disk.
    chunked_rows: usize,
    /// Rows on disk, those of an early last chunk included.
    written_rows: usize,
    /// Current length of the dataset.
    extent: usize,
}

/// The table being filled.
pub(super) struct RowStream {
    file: hdf5::File,
    group: hdf5::Group,
    layout: RowLayout,
    columns: Vec<Column>,
    rows: usize,
    committed: usize,
    last_flush: Instant,
    patience: Duration,
}

impl RowStream {
    /// Creates the group, its axis and its empty variables.
    pub(super) fn create(file: &hdf5::File, layout: RowLayout) -> hdf5::Result<Self> {
        let group = objects::create_path(file, &layout.group)?;
        objects::write_attribute(&group, ROWS_COMMITTED, &Value::I64(0))?;
        // Narrow variables get no more rows per chunk than the widest one, so that after a kill
        // their last rows are not missing by the thousand.
        let widest = layout.variables().map(RowVariable::width).max().unwrap_or(1);
        let rows = chunk_shape(&[widest], layout.expected_rows)[0];
        let axis = Column::create(&group, &layout.axis, None, rows)?;
        ffi::set_scale(&axis.dataset, &layout.axis.name)?;
        let mut named = vec![(layout.axis.name.clone(), axis.dataset.clone())];
        for dimension in layout.variables().flat_map(|variable| &variable.dims) {
            if !named.iter().any(|(name, _)| *name == dimension.name) {
                named
                    .push((dimension.name.clone(), objects::create_bare_scale(&group, dimension)?));
            }
        }
        let mut columns = vec![axis];
        for (variable, source) in &layout.columns {
            let column = Column::create(&group, variable, Some(source.clone()), rows)?;
            objects::write_attribute(&column.dataset, "_FillValue", &Value::F64(f64::NAN))?;
            let dims: Vec<&str> = std::iter::once(&layout.axis.name)
                .chain(variable.dims.iter().map(|d| &d.name))
                .map(|s| s.as_str())
                .collect();
            objects::attach(&column.dataset, &dims, &named)?;
            columns.push(column);
        }
        file.flush()?;
        Ok(Self {
            file: file.clone(),
            group,
            layout,
            columns,
            rows: 0,
            committed: 0,
            last_flush: Instant::now(),
            patience: PATIENCE,
        })
    }

    /// Rows appended so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Buffers a row and writes every chunk it fills.
    pub(super) fn append(
        &mut self,
        axis: f64,
        state: &[f64],
        observables: &[f64],
    ) -> hdf5::Result<()> {
        self.layout.assert_widths(state, observables);
        let mut wrote = false;
        self.rows += 1;
        for column in &mut self.columns {
            match &column.source {
                None => column.buffer.push(axis),
                Some(source) => column.buffer.extend_from_slice(source.slice(state, observables)),
            }
            wrote |= column.write_full_chunk()?;
        }
        let late = self.last_flush.elapsed() > self.patience;
        if late {
            self.columns.iter_mut().try_for_each(Column::write_tail)?;
        }
        if wrote || late { self.commit() } else { Ok(()) }
    }

    /// Writes what is left in the buffers.
    pub(super) fn close(&mut self) -> hdf5::Result<()> {
        self.columns.iter_mut().try_for_each(Column::write_tail)?;
        self.commit()
    }

    /// Data first, then the count of rows a reader may trust, each forced out.
    fn commit(&mut self) -> hdf5::Result<()> {
        let longest = self.columns.iter().map(|column| column.extent).max().unwrap_or(0);
        self.columns.iter_mut().try_for_each(|column| column.grow_to(longest))?;
        self.file.flush()?;
        let whole = self.columns.iter().map(|column| column.written_rows).min().unwrap_or(0);
        if whole > self.committed {
            self.group
                .attr(ROWS_COMMITTED)?
                .write_raw(&[i64::try_from(whole).unwrap_or(i64::MAX)])?;
            self.file.flush()?;
            self.committed = whole;
        }
        self.last_flush = Instant::now();
        Ok(())
    }
}

impl Drop for RowStream {
    /// Buffered rows of an unfinished file are worth saving; nobody is left to tell of a failure.
    fn drop(&mut self) {
        let _ = self.close();
    }
}

impl Column {
    fn create(
        group: &hdf5::Group,
        variable: &RowVariable,
        source: Option<Source>,
        chunk_rows: usize,
    ) -> hdf5::Result<Self> {
        let row_shape: Vec<usize> = variable.dims.iter().map(|dim| dim.length).collect();
        let chunk = chunk_shape(&row_shape, Some(chunk_rows));
        let extents: Vec<Extent> = std::iter::once(Extent::resizable(0))
            .chain(row_shape.iter().map(|&length| Extent::fixed(length)))
            .collect();
        let dataset = group
            .new_dataset::<f64>()
            .attr_creation_order(AttrCreationOrder::Indexed)
            .chunk(chunk.clone())
            .shuffle()
            .deflate(DEFLATE_LEVEL)
            .fill_value(f64::NAN)
            .shape(extents)
            .create(variable.name.as_str())?;
        objects::write_attribute(&dataset, "units", &variable.units.as_str().into())?;
        objects::write_attribute(&dataset, "long_name", &variable.long_name.as_str().into())?;
        Ok(Self {
            dataset,
            source,
            width: variable.width(),
            corners: corners(&row_shape, &chunk[1..]),
            row_shape,
            chunk,
            deflater: Deflater::new(DEFLATE_LEVEL),
            block: Vec::new(),
            buffer: Vec::new(),
            chunked_rows: 0,
            written_rows: 0,
            extent: 0,
        })
    }

    fn buffered_rows(&self) -> usize {
        self.buffer.len().checked_div(self.width).unwrap_or(0)
    }

    /// Writes the buffer if it fills a chunk, and says whether it did.
    fn write_full_chunk(&mut self) -> hdf5::Result<bool> {
        if self.buffered_rows() < self.chunk[0] {
            return Ok(false);
        }
        self.write_buffer()?;
        self.chunked_rows = self.written_rows;
        self.buffer.clear();
        Ok(true)
    }

    /// Writes the rows of an unfinished chunk and keeps them for when it is full.
    fn write_tail(&mut self) -> hdf5::Result<()> {
        if self.chunked_rows + self.buffered_rows() > self.written_rows {
            self.write_buffer()
        } else {
            Ok(())
        }
    }

    /// Writes the buffered rows as the last chunk, places without rows being NaN.
    fn write_buffer(&mut self) -> hdf5::Result<()> {
        let (start, rows) = (self.chunked_rows, self.buffered_rows());
        self.grow_to(start + rows)?;
        for corner in &self.corners {
            self.block.clear();
            for row in self.buffer.chunks_exact(self.width) {
                copy_block(row, &self.row_shape, &self.chunk[1..], corner, &mut self.block);
            }
            self.block.resize(self.chunk.iter().product(), f64::NAN);
            let bytes = self.deflater.encode(&self.block, self.chunk[1..].iter().product());
            let offset: Vec<u64> =
                std::iter::once(start).chain(corner.iter().copied()).map(|k| k as u64).collect();
            ffi::write_chunk(&self.dataset, &offset, bytes)?;
        }
        self.written_rows = start + rows;
        Ok(())
    }

    fn grow_to(&mut self, rows: usize) -> hdf5::Result<()> {
        if rows > self.extent {
            let shape: Vec<usize> =
                std::iter::once(rows).chain(self.row_shape.iter().copied()).collect();
            self.dataset.resize(shape)?;
            self.extent = rows;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Dimension;

    #[test]
    fn rows_written_early_are_the_same_rows() {
        let folder = tempfile::tempdir().unwrap();
        let file = hdf5::File::create(folder.path().join("x.h5")).unwrap();
        let axis = RowVariable::new("step", Vec::new(), "step");
        let wide = RowVariable::new("wide", vec![Dimension::new("n", 5)], "wide");
        let layout = RowLayout::table("early", axis, vec![wide]);
        let mut stream = RowStream::create(&file, layout).unwrap();
        stream.patience = Duration::ZERO;
        for k in 0..1000 {
            let x = f64::from(k);
            stream.append(x, &[x, 2.0 * x, 3.0 * x, 4.0 * x, 5.0 * x], &[]).unwrap();
            let committed: Vec<i64> =
                stream.group.attr(ROWS_COMMITTED).unwrap().read_raw().unwrap();
            assert_eq!(committed, [i64::from(k) + 1]);
        }
        drop(stream);
        let wide: Vec<f64> = file.dataset("early/wide").unwrap().read_raw().unwrap();
        let expected: Vec<f64> =
            (0..1000).flat_map(|k| (1..6).map(move |j| f64::from(k * j))).collect();
        assert_eq!(wide, expected);
    }
}

//! CSV: the streamed rows as a table, one column per component, or, for results without rows, one
//! line per value.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::output::PendingFile;
use super::{
    Data, Dimension, Group, ResultError, ResultWriter, RowLayout, Status, Variable, Written,
};

/// Writes one CSV file. Numbers have as many digits as reading them back exactly needs.
pub(crate) struct CsvWriter {
    pending: PendingFile,
    out: BufWriter<File>,
    /// Groups to write one value per line unless rows come.
    groups: Vec<Group>,
    layout: Option<RowLayout>,
    rows: usize,
}

impl CsvWriter {
    /// Creates the partial file.
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self, ResultError> {
        let pending = PendingFile::new(path, force)?;
        let out = BufWriter::new(pending.create()?);
        Ok(Self { pending, out, groups: Vec::new(), layout: None, rows: 0 })
    }

    fn attempt(
        &mut self,
        operation: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
    ) -> Result<(), ResultError> {
        operation(&mut self.out)
            .map_err(|error| ResultError::io(self.pending.partial(), "write the table", error))
    }
}

impl ResultWriter for CsvWriter {
    fn write_group(&mut self, group: &Group) -> Result<(), ResultError> {
        group.dimensions()?;
        if self.layout.is_none() {
            self.groups.push(group.clone());
        }
        Ok(())
    }

    fn start_rows(&mut self, layout: RowLayout) -> Result<(), ResultError> {
        if self.layout.is_some() {
            let reason = "a CSV file holds one table; write several to .h5 or .json";
            return Err(ResultError::Misuse { path: self.pending.partial().to_owned(), reason });
        }
        layout.check()?;
        self.groups.clear();
        let components =
            layout.variables().flat_map(|variable| component_names(&variable.name, &variable.dims));
        let names: Vec<String> = std::iter::once(layout.axis.name.clone())
            .chain(components)
            .map(|n| quoted(&n))
            .collect();
        self.layout = Some(layout);
        self.attempt(|out| writeln!(out, "{}", names.join(",")))
    }

    fn append_row(
        &mut self,
        axis: f64,
        state: &[f64],
        observables: &[f64],
    ) -> Result<(), ResultError> {
        let Some(layout) = &self.layout else {
            let reason = "a row before the layout of rows";
            return Err(ResultError::Misuse { path: self.pending.partial().to_owned(), reason });
        };
        layout.assert_widths(state, observables);
        let values = layout.columns.iter().flat_map(|(_, source)| source.slice(state, observables));
        let out = &mut self.out;
        write!(out, "{axis:?}")
            .and_then(|()| values.into_iter().try_for_each(|value| write!(out, ",{value:?}")))
            .and_then(|()| writeln!(out))
            .map_err(|error| ResultError::io(self.pending.partial(), "write a row", error))?;
        self.rows += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: Status) -> Result<Written, ResultError> {
        let groups = std::mem::take(&mut self.groups);
        self.attempt(|out| {
            if !groups.is_empty() {
                writeln!(out, "variable,value")?;
            }
            groups.iter().try_for_each(|group| write_values(out, "", group))?;
            out.flush()
        })?;
        let Self { pending, out, rows, .. } = *self;
        drop(out);
        pending.finished(rows)
    }

    fn partial_path(&self) -> &Path {
        self.pending.partial()
    }
}

/// `state[0]`, `state[1]`, ...; with several axes `state[2][0]`.
fn component_names(name: &str, dims: &[Dimension]) -> Vec<String> {
    dims.iter().fold(vec![name.to_owned()], |names, dim| {
        names.iter().flat_map(|name| (0..dim.length).map(move |k| format!("{name}[{k}]"))).collect()
    })
}

fn write_values(out: &mut impl Write, prefix: &str, group: &Group) -> std::io::Result<()> {
    let path = format!("{prefix}{}/", group.name);
    for variable in &group.variables {
        let names = component_names(&format!("{path}{}", variable.name), &variable.dims);
        for (k, name) in names.iter().enumerate() {
            writeln!(out, "{},{}", quoted(name), value_text(variable, k))?;
        }
    }
    group.groups.iter().try_for_each(|inner| write_values(out, &path, inner))
}

fn value_text(variable: &Variable, k: usize) -> String {
    match &variable.data {
        Data::F64(values) => format!("{:?}", values[k]),
        Data::I64(values) => values[k].to_string(),
        Data::U8(values) => values[k].to_string(),
        Data::Text(values) => quoted(&values[k]),
    }
}

/// Quotes where RFC 4180 asks for it.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

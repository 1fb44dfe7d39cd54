//! JSON: one object with everything, each group in the form of xarray's `Dataset.from_dict`.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::output::PendingFile;
use super::{
    Data, Dimension, Group, Header, ResultError, ResultWriter, RowLayout, RowVariable, Status,
    Variable, Written,
};

/// Writes one JSON file. Rows wait in unnamed files, one per variable, since JSON wants each
/// variable in one piece; numbers that are not finite become `null`.
pub(crate) struct JsonWriter {
    pending: PendingFile,
    out: BufWriter<File>,
    header: Header,
    groups: Map<String, Json>,
    /// In the order of writing; the last one is open.
    tables: Vec<Table>,
}

struct Table {
    layout: RowLayout,
    /// The axis first, then the variables.
    spools: Vec<BufWriter<File>>,
    rows: usize,
}

impl JsonWriter {
    /// Creates the partial file.
    pub(crate) fn create(path: &Path, force: bool, header: &Header) -> Result<Self, ResultError> {
        let pending = PendingFile::new(path, force)?;
        let out = BufWriter::new(pending.create()?);
        Ok(Self { pending, out, header: header.clone(), groups: Map::new(), tables: Vec::new() })
    }

    fn spool(&self) -> Result<BufWriter<File>, ResultError> {
        let folder =
            self.pending.partial().parent().filter(|folder| !folder.as_os_str().is_empty());
        tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map(BufWriter::new).map_err(
            |error| {
                ResultError::io(self.pending.partial(), "create a temporary file beside it", error)
            },
        )
    }

    fn write_all(&mut self, status: Status) -> std::io::Result<usize> {
        let mut attributes = Map::new();
        for (name, value) in self.header.attributes() {
            attributes.insert(name.to_owned(), value.into());
        }
        attributes.insert("status".to_owned(), status.name().into());
        let out = &mut self.out;
        write!(out, "{{\"attrs\":{},\"groups\":{{", Json::Object(attributes))?;
        let mut separator = "";
        let holds_rows = |name: &String| self.tables.iter().any(|t| t.layout.group == *name);
        for (name, group) in self.groups.iter().filter(|(name, _)| !holds_rows(name)) {
            write!(out, "{separator}{}:{group}", Json::from(name.as_str()))?;
            separator = ",";
        }
        let mut rows = 0;
        for table in &mut self.tables {
            rows += table.rows;
            write!(out, "{separator}{}:", Json::from(table.layout.group.as_str()))?;
            // What belongs to the same group beside its rows.
            table.write_group(out, self.groups.get(&table.layout.group))?;
            separator = ",";
        }
        writeln!(out, "}}}}")?;
        out.flush()?;
        Ok(rows)
    }
}

impl ResultWriter for JsonWriter {
    fn write_group(&mut self, group: &Group) -> Result<(), ResultError> {
        let json = group_json(group)?;
        match self.groups.get_mut(&group.name) {
            Some(existing) => merge(existing, json),
            None => drop(self.groups.insert(group.name.clone(), json)),
        }
        Ok(())
    }

    fn start_rows(&mut self, layout: RowLayout) -> Result<(), ResultError> {
        layout.check()?;
        let spools = (0..=layout.columns.len()).map(|_| self.spool()).collect::<Result<_, _>>()?;
        self.tables.push(Table { layout, spools, rows: 0 });
        Ok(())
    }

    fn append_row(
        &mut self,
        axis: f64,
        state: &[f64],
        observables: &[f64],
    ) -> Result<(), ResultError> {
        let Some(table) = self.tables.last_mut() else {
            let reason = "a row before the layout of rows";
            return Err(ResultError::Misuse { path: self.pending.partial().to_owned(), reason });
        };
        table
            .append(axis, state, observables)
            .map_err(|error| ResultError::io(self.pending.partial(), "write a row", error))
    }

    fn finish(mut self: Box<Self>, status: Status) -> Result<Written, ResultError> {
        let rows = self
            .write_all(status)
            .map_err(|error| ResultError::io(self.pending.partial(), "write the object", error))?;
        let Self { pending, out, .. } = *self;
        drop(out);
        pending.finished(rows)
    }

    fn partial_path(&self) -> &Path {
        self.pending.partial()
    }
}

impl Table {
    fn append(&mut self, axis: f64, state: &[f64], observables: &[f64]) -> std::io::Result<()> {
        self.layout.assert_widths(state, observables);
        let separator = if self.rows == 0 { "" } else { "," };
        let (axis_spool, spools) =
            self.spools.split_first_mut().expect("a table has a spool for its axis");
        write!(axis_spool, "{separator}{}", Json::from(axis))?;
        for ((variable, source), spool) in self.layout.columns.iter().zip(spools) {
            write!(spool, "{separator}")?;
            write_nested(spool, source.slice(state, observables), &variable.dims)?;
        }
        self.rows += 1;
        Ok(())
    }

    fn write_group(&mut self, out: &mut impl Write, more: Option<&Json>) -> std::io::Result<()> {
        let part = |name: &str| more.and_then(|more| more[name].as_object());
        let axis = Dimension::new(&self.layout.axis.name, self.rows);
        let dimensions = std::iter::once(&axis)
            .chain(self.layout.variables().flat_map(|variable| &variable.dims));
        let mut lengths: Map<String, Json> =
            dimensions.map(|dim| (dim.name.clone(), dim.length.into())).collect();
        lengths.extend(part("dims").cloned().unwrap_or_default());
        let attributes = Json::Object(part("attrs").cloned().unwrap_or_default());
        write!(out, "{{\"attrs\":{attributes},\"dims\":{},\"coords\":{{", Json::Object(lengths))?;
        let (axis_spool, spools) =
            self.spools.split_first_mut().expect("a table has a spool for its axis");
        write_spooled(out, &self.layout.axis, &axis.name, axis_spool)?;
        write_members(out, part("coords"), ",")?;
        write!(out, "}},\"data_vars\":{{")?;
        for (k, ((variable, _), spool)) in self.layout.columns.iter().zip(spools).enumerate() {
            write!(out, "{}", if k == 0 { "" } else { "," })?;
            write_spooled(out, variable, &axis.name, spool)?;
        }
        let separator = if self.layout.columns.is_empty() { "" } else { "," };
        write_members(out, part("data_vars"), separator)?;
        write!(out, "}}")?;
        if let Some(inner) = more.and_then(|more| more.get("groups")) {
            write!(out, ",\"groups\":{inner}")?;
        }
        write!(out, "}}")
    }
}

/// Further members of an object, the first after `separator`.
fn write_members(
    out: &mut impl Write,
    members: Option<&Map<String, Json>>,
    separator: &str,
) -> std::io::Result<()> {
    for (k, (name, value)) in members.into_iter().flatten().enumerate() {
        let separator = if k == 0 { separator } else { "," };
        write!(out, "{separator}{}:{value}", Json::from(name.as_str()))?;
    }
    Ok(())
}

fn write_spooled(
    out: &mut impl Write,
    variable: &RowVariable,
    axis: &str,
    spool: &mut BufWriter<File>,
) -> std::io::Result<()> {
    let dims: Vec<&str> =
        std::iter::once(axis).chain(variable.dims.iter().map(|dim| dim.name.as_str())).collect();
    let attributes = json!({ "units": variable.units, "long_name": variable.long_name });
    write!(
        out,
        "{}:{{\"dims\":{},\"attrs\":{attributes},\"data\":[",
        Json::from(variable.name.as_str()),
        json!(dims)
    )?;
    spool.flush()?;
    let file = spool.get_mut();
    file.seek(SeekFrom::Start(0))?;
    std::io::copy(file, out)?;
    write!(out, "]}}")
}

/// Row-major `values` as lists inside lists.
fn write_nested(out: &mut impl Write, values: &[f64], dims: &[Dimension]) -> std::io::Result<()> {
    let Some((first, rest)) = dims.split_first() else {
        return write!(out, "{}", Json::from(values[0]));
    };
    let width: usize = rest.iter().map(|dim| dim.length).product();
    write!(out, "[")?;
    for k in 0..first.length {
        write!(out, "{}", if k == 0 { "" } else { "," })?;
        write_nested(out, &values[k * width..(k + 1) * width], rest)?;
    }
    write!(out, "]")
}

fn group_json(group: &Group) -> Result<Json, ResultError> {
    let lengths: Map<String, Json> =
        group.dimensions()?.iter().map(|dim| (dim.name.clone(), dim.length.into())).collect();
    let (coordinates, others): (Vec<&Variable>, Vec<&Variable>) =
        group.variables.iter().partition(|v| v.is_coordinate());
    let of = |variables: Vec<&Variable>| -> Map<String, Json> {
        variables.iter().map(|variable| (variable.name.clone(), variable_json(variable))).collect()
    };
    let mut json = json!({
        "attrs": attributes_json(&group.attributes),
        "dims": lengths,
        "coords": of(coordinates),
        "data_vars": of(others),
    });
    if !group.groups.is_empty() {
        let inner: Result<Map<String, Json>, _> = group
            .groups
            .iter()
            .map(|inner| group_json(inner).map(|json| (inner.name.clone(), json)))
            .collect();
        json["groups"] = Json::Object(inner?);
    }
    Ok(json)
}

fn variable_json(variable: &Variable) -> Json {
    let flat: Vec<Json> = match &variable.data {
        Data::F64(values) => values.iter().map(|&value| value.into()).collect(),
        Data::I64(values) => values.iter().map(|&value| value.into()).collect(),
        Data::U8(values) => values.iter().map(|&value| value.into()).collect(),
        Data::Text(values) => values.iter().map(|value| value.as_str().into()).collect(),
    };
    let names: Vec<&str> = variable.dims.iter().map(|dim| dim.name.as_str()).collect();
    json!({ "dims": names, "attrs": attributes_json(&variable.attributes), "data": nested(&flat, &variable.dims) })
}

fn nested(values: &[Json], dims: &[Dimension]) -> Json {
    let Some((first, rest)) = dims.split_first() else { return values[0].clone() };
    let width: usize = rest.iter().map(|dim| dim.length).product();
    (0..first.length)
        .map(|k| nested(&values[k * width..(k + 1) * width], rest))
        .collect::<Vec<_>>()
        .into()
}

fn attributes_json(attributes: &[super::Attribute]) -> Json {
    attributes
        .iter()
        .map(|attribute| (attribute.name.clone(), attribute.value.json()))
        .collect::<Map<_, _>>()
        .into()
}

/// Adds the members of `more`, member by member.
fn merge(existing: &mut Json, more: Json) {
    match (existing, more) {
        (Json::Object(existing), Json::Object(more)) => {
            for (name, value) in more {
                match existing.get_mut(&name) {
                    Some(inner) => merge(inner, value),
                    None => drop(existing.insert(name, value)),
                }
            }
        }
        (existing, more) => *existing = more,
    }
}

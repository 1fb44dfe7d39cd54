//! Overview of a result file: what `dinv inspect` prints, as text and as JSON.

mod render;

use std::path::{Path, PathBuf};

use super::{Attribute, Data, ResultError, ResultReader, Status, VariableInfo};

/// Values read at a time, so that a file larger than memory can be inspected (8 MiB).
const BLOCK_VALUES: usize = 1 << 20;

/// What a result file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How the run that wrote it ended.
    pub status: Status,
    /// Root attributes, without the status.
    pub attributes: Vec<Attribute>,
    /// Groups in the order they were written, inner ones after their parents.
    pub groups: Vec<GroupOverview>,
}

/// What a group holds.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupOverview {
    /// Path inside the file; empty for the root.
    pub path: String,
    /// Attributes.
    pub attributes: Vec<Attribute>,
    /// Variables in the order they were written.
    pub variables: Vec<VariableOverview>,
}

/// A variable and what its values look like.
#[derive(Debug, Clone, PartialEq)]
pub struct VariableOverview {
    /// Name, axes, type and attributes.
    pub info: VariableInfo,
    /// A summary of the values.
    pub summary: Summary,
}

/// What the values of a variable look like.
#[derive(Debug, Clone, PartialEq)]
pub enum Summary {
    /// Numbers: the range of those that are numbers, how many are not, and, with one axis, the
    /// last one.
    Range {
        /// Smallest; NaN if there is no number.
        min: f64,
        /// Largest; NaN if there is no number.
        max: f64,
        /// Last along the only axis.
        last: Option<f64>,
        /// How many values are NaN.
        nan: usize,
    },
    /// A single number.
    Number(f64),
    /// The meaning of a single flag.
    Flag(String),
    /// How often each meaning of a flag occurs.
    Flags(Vec<(String, usize)>),
    /// Texts.
    Texts(Vec<String>),
    /// No values.
    Empty,
}

/// Reads a file through once and summarises it.
///
/// # Errors
/// As [`ResultReader`].
pub fn overview(path: &Path) -> Result<Overview, ResultError> {
    let reader = ResultReader::open(path)?;
    let bytes = std::fs::metadata(path)
        .map_err(|error| ResultError::io(path, "read its size", error))?
        .len();
    let mut attributes = reader.attributes()?;
    attributes.retain(|attribute| attribute.name != "status");
    let mut groups = Vec::new();
    let variables = variables(&reader, "")?;
    if !variables.is_empty() {
        groups.push(GroupOverview { path: String::new(), attributes: Vec::new(), variables });
    }
    collect_groups(&reader, "", &mut groups)?;
    Ok(Overview { path: path.to_owned(), bytes, status: reader.status()?, attributes, groups })
}

fn variables(reader: &ResultReader, group: &str) -> Result<Vec<VariableOverview>, ResultError> {
    let summarise =
        |info: VariableInfo| Ok(VariableOverview { summary: summarise(reader, &info)?, info });
    reader.variables(group)?.into_iter().map(summarise).collect()
}

fn collect_groups(
    reader: &ResultReader,
    parent: &str,
    groups: &mut Vec<GroupOverview>,
) -> Result<(), ResultError> {
    for name in reader.groups(parent)? {
        let path = if parent.is_empty() { name } else { format!("{parent}/{name}") };
        groups.push(GroupOverview {
            attributes: reader.group_attributes(&path)?,
            variables: variables(reader, &path)?,
            path: path.clone(),
        });
        collect_groups(reader, &path, groups)?;
    }
    Ok(())
}

fn summarise(reader: &ResultReader, info: &VariableInfo) -> Result<Summary, ResultError> {
    if info.is_empty() {
        return Ok(Summary::Empty);
    }
    if info.type_name == "f64" && !info.dims.is_empty() {
        return range_of_rows(reader, info);
    }
    let variable = reader.variable(&info.path)?;
    let numbers: Vec<f64> = match variable.data {
        Data::Text(texts) => return Ok(Summary::Texts(texts)),
        Data::F64(values) => values,
        Data::I64(values) => values.into_iter().map(|value| value as f64).collect(),
        Data::U8(values) => {
            if let (Some(meanings), [flag]) =
                (info.attribute_text("flag_meanings"), values.as_slice())
            {
                let meaning = meanings.split(' ').nth(usize::from(*flag));
                return Ok(Summary::Flag(meaning.map_or_else(|| flag.to_string(), str::to_owned)));
            }
            if let Some(meanings) = info.attribute_text("flag_meanings") {
                return Ok(Summary::Flags(counts(meanings, &values)));
            }
            values.into_iter().map(f64::from).collect()
        }
    };
    match (info.dims.as_slice(), numbers.as_slice()) {
        ([], [number]) => Ok(Summary::Number(*number)),
        _ => {
            let mut range = Range::new();
            range.add(&numbers);
            Ok(range.summary(info.dims.len() == 1))
        }
    }
}

/// The meanings that occur, with their numbers.
fn counts(meanings: &str, values: &[u8]) -> Vec<(String, usize)> {
    let count = |flag: usize| values.iter().filter(|v| usize::from(**v) == flag).count();
    let all = meanings.split(' ').enumerate().map(|(flag, m)| (m.to_owned(), count(flag)));
    all.filter(|(_, count)| *count > 0).collect()
}

fn range_of_rows(reader: &ResultReader, info: &VariableInfo) -> Result<Summary, ResultError> {
    let rows = info.dims[0].length;
    let rows_per_block = (BLOCK_VALUES * rows / info.len()).max(1);
    let mut range = Range::new();
    for start in (0..rows).step_by(rows_per_block) {
        range.add(&reader.rows(&info.path, start..(start + rows_per_block).min(rows))?);
    }
    Ok(range.summary(info.dims.len() == 1))
}

struct Range {
    min: f64,
    max: f64,
    last: f64,
    nan: usize,
}

impl Range {
    fn new() -> Self {
        Self { min: f64::NAN, max: f64::NAN, last: f64::NAN, nan: 0 }
    }

    fn add(&mut self, values: &[f64]) {
        for &value in values {
            // f64::min and f64::max pass over NaN.
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            self.last = value;
            self.nan += usize::from(value.is_nan());
        }
    }

    fn summary(self, has_last: bool) -> Summary {
        Summary::Range {
            min: self.min,
            max: self.max,
            last: has_last.then_some(self.last),
            nan: self.nan,
        }
    }
}

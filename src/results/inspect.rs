//! Overview of a result file: what `dinv inspect` prints, as text and as JSON.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use super::{Attribute, Data, ResultError, ResultReader, Status, Value, VariableInfo};

/// Values read at a time, so that a file larger than memory can be inspected (8 MiB).
const BLOCK_VALUES: usize = 1 << 20;

/// Characters of a text shown before it is cut.
const PREVIEW: usize = 60;

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
    /// Path inside the file.
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
    collect_groups(&reader, "", &mut groups)?;
    Ok(Overview { path: path.to_owned(), bytes, status: reader.status()?, attributes, groups })
}

fn collect_groups(
    reader: &ResultReader,
    parent: &str,
    groups: &mut Vec<GroupOverview>,
) -> Result<(), ResultError> {
    for name in reader.groups(parent)? {
        let path = if parent.is_empty() { name } else { format!("{parent}/{name}") };
        let summarise =
            |info: VariableInfo| Ok(VariableOverview { summary: summarise(reader, &info)?, info });
        let variables = reader
            .variables(&path)?
            .into_iter()
            .map(summarise)
            .collect::<Result<_, ResultError>>()?;
        groups.push(GroupOverview {
            attributes: reader.group_attributes(&path)?,
            variables,
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

impl Overview {
    /// Lines for a terminal, aligned in columns.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text =
            format!("{}: {}, {}\n", self.path.display(), self.status.name(), size(self.bytes));
        let width = self.attributes.iter().map(|attribute| attribute.name.len()).max().unwrap_or(0);
        let is_empty = |value: &Value| matches!(value, Value::Text(text) if text.is_empty());
        for attribute in self.attributes.iter().filter(|attribute| !is_empty(&attribute.value)) {
            let _ =
                writeln!(text, "  {:width$}  {}", attribute.name, attribute_text(&attribute.value));
        }
        for group in &self.groups {
            let _ = writeln!(text, "\n{}", group.path);
            for attribute in &group.attributes {
                let _ =
                    writeln!(text, "  :{} = {}", attribute.name, attribute_text(&attribute.value));
            }
            let rows: Vec<[String; 4]> =
                group.variables.iter().map(VariableOverview::cells).collect();
            let widths: [usize; 4] = std::array::from_fn(|k| {
                rows.iter().map(|cells| cells[k].chars().count()).max().unwrap_or(0)
            });
            for [name, axes, values, meaning] in &rows {
                let line = format!(
                    "  {name:0$}  {axes:1$}  {values:2$}  {meaning}",
                    widths[0], widths[1], widths[2]
                );
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
        text
    }

    /// One object: `file`, `bytes`, `status`, `attributes` and `groups`.
    #[must_use]
    pub fn json(&self) -> Json {
        let group = |group: &GroupOverview| {
            let variables: Vec<Json> = group.variables.iter().map(VariableOverview::json).collect();
            json!({ "name": group.path, "attributes": attributes_json(&group.attributes), "variables": variables })
        };
        json!({
            "file": self.path.to_string_lossy(),
            "bytes": self.bytes,
            "status": self.status.name(),
            "attributes": attributes_json(&self.attributes),
            "groups": self.groups.iter().map(group).collect::<Vec<_>>(),
        })
    }
}

impl VariableOverview {
    /// Name, type and axes, values, units and meaning.
    fn cells(&self) -> [String; 4] {
        let axes: Vec<String> =
            self.info.dims.iter().map(|dim| format!("{}={}", dim.name, dim.length)).collect();
        let units = self.info.attribute_text("units").filter(|units| *units != "1");
        let meaning = self.info.attribute_text("long_name").unwrap_or_default();
        [
            self.info.name().to_owned(),
            format!("{} {}", self.info.type_name, axes.join(" x ")).trim_end().to_owned(),
            self.summary.text(),
            units.map_or_else(|| meaning.to_owned(), |units| format!("{meaning} [{units}]")),
        ]
    }

    fn json(&self) -> Json {
        let dims: Vec<Json> = self
            .info
            .dims
            .iter()
            .map(|dim| json!({ "name": dim.name, "length": dim.length }))
            .collect();
        let mut json = json!({
            "name": self.info.name(),
            "type": self.info.type_name,
            "dims": dims,
            "attributes": attributes_json(&self.info.attributes),
            "stored_bytes": self.info.stored_bytes,
        });
        match &self.summary {
            Summary::Range { min, max, last, nan } => {
                json["min"] = (*min).into();
                json["max"] = (*max).into();
                json["nan"] = (*nan).into();
                if let Some(last) = last {
                    json["last"] = (*last).into();
                }
            }
            Summary::Number(number) => json["value"] = (*number).into(),
            Summary::Flag(meaning) => json["value"] = meaning.as_str().into(),
            Summary::Texts(texts) if self.info.dims.is_empty() => {
                json["value"] = texts[0].as_str().into()
            }
            Summary::Texts(texts) => json["values"] = json!(texts),
            Summary::Empty => {}
        }
        json
    }
}

impl Summary {
    fn text(&self) -> String {
        match self {
            Self::Range { min, max, last, nan } => {
                let mut text = if min.is_nan() {
                    "no number".to_owned()
                } else {
                    format!("{} .. {}", short(*min), short(*max))
                };
                if let Some(last) = last.filter(|last| !min.is_nan() && last != max) {
                    let _ = write!(text, ", last {}", short(last));
                }
                if *nan > 0 {
                    let _ = write!(text, ", {nan} NaN");
                }
                text
            }
            Self::Number(number) => short(*number),
            Self::Flag(meaning) => meaning.clone(),
            Self::Texts(texts) => {
                cut(&texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(" "))
            }
            Self::Empty => "empty".to_owned(),
        }
    }
}

/// Six significant digits, as a power of ten where that is shorter.
fn short(number: f64) -> String {
    let rounded: f64 = format!("{number:.5e}").parse().unwrap_or(number);
    let (plain, scientific) = (rounded.to_string(), format!("{rounded:e}"));
    if plain.len() <= 9 { plain } else { scientific }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(PREVIEW) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// Bytes with a decimal prefix.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut scaled = bytes as f64;
    let mut unit = 0;
    while scaled >= 999.5 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{scaled:.1} {}", UNITS[unit]) }
}

fn attribute_text(value: &Value) -> String {
    match value {
        Value::Text(text) => cut(text),
        Value::Texts(texts) => cut(&texts.join(", ")),
        Value::F64(number) => short(*number),
        Value::F64s(numbers) => {
            numbers.iter().map(|&number| short(number)).collect::<Vec<_>>().join(" ")
        }
        Value::I64(number) => number.to_string(),
        Value::U8s(numbers) => numbers.iter().map(u8::to_string).collect::<Vec<_>>().join(" "),
    }
}

fn attributes_json(attributes: &[Attribute]) -> Json {
    let members: Map<String, Json> = attributes
        .iter()
        .map(|attribute| (attribute.name.clone(), attribute.value.json()))
        .collect();
    Json::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_right() {
        let cases = [
            (0.0, "0"),
            (1.0, "1"),
            (-0.25, "-0.25"),
            (0.1 + 0.2, "0.3"),
            (1.0 / 3.0, "0.333333"),
            (1e-9, "1e-9"),
            (123_456_789.0, "123457000"),
            (1.5e300, "1.5e300"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "NaN"),
        ];
        for (number, expected) in cases {
            assert_eq!(short(number), expected);
        }
        assert_eq!(
            [size(0), size(999), size(1000), size(22_400_000_000)],
            ["0 B", "999 B", "1.0 kB", "22.4 GB"]
        );
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("β"), "β");
        assert_eq!(cut(&"β".repeat(100)), format!("{}... (200 bytes)", "β".repeat(60)));
    }
}

//! The overview as text and as JSON.

use std::fmt::Write;

use serde_json::{Map, Value as Json, json};

use super::{GroupOverview, Overview, Summary, VariableOverview};
use crate::results::{Attribute, Value};

/// Characters of a text shown before it is cut.
const PREVIEW: usize = 60;

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
            let path = if group.path.is_empty() { "arrays" } else { &group.path };
            let _ = writeln!(text, "\n{path}");
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
            Summary::Flags(counts) => json["counts"] = counts.iter().cloned().collect(),
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
            Self::Flags(counts) => {
                let parts = counts.iter().map(|(meaning, count)| format!("{count} {meaning}"));
                parts.collect::<Vec<_>>().join(", ")
            }
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

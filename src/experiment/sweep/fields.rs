//! What the collected fields look like over all points: numbers, arrays, flags or texts.

use serde_json::{Map, Value};

/// The form of a field's values.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Form {
    /// No point has a value.
    #[default]
    Missing,
    /// Numbers.
    Number,
    /// Arrays of numbers that fit into these lengths; shorter ones are padded with NaN.
    Array(Vec<usize>),
    /// Truth values.
    Flag,
    /// Texts; objects and mixtures are written as JSON.
    Text,
}

/// Most axes of an array field; deeper ones are kept as text.
const DEEPEST: usize = 3;

impl Form {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Missing,
            Value::Bool(_) => Self::Flag,
            Value::Number(_) => Self::Number,
            Value::Array(_) => {
                shape(value).filter(|s| s.len() <= DEEPEST).map_or(Self::Text, Self::Array)
            }
            Value::String(_) | Value::Object(_) => Self::Text,
        }
    }

    /// The form that holds both.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Missing, form) | (form, Self::Missing) => form,
            (Self::Array(a), Self::Array(b)) => wider(a, b).map_or(Self::Text, Self::Array),
            (a, b) if a == b => a,
            _ => Self::Text,
        }
    }
}

/// The lengths of nested lists of numbers; `None` for anything else.
fn shape(value: &Value) -> Option<Vec<usize>> {
    match value {
        Value::Number(_) | Value::Null => Some(Vec::new()),
        Value::Array(items) => {
            let mut inner: Option<Vec<usize>> = None;
            for item in items {
                let found = shape(item)?;
                inner = Some(match inner {
                    None => found,
                    Some(known) => wider(known, found)?,
                });
            }
            let mut lengths = vec![items.len()];
            lengths.extend(inner.unwrap_or_default());
            Some(lengths)
        }
        _ => None,
    }
}

/// Lengths that hold arrays of both; an empty list fits everywhere.
fn wider(a: Vec<usize>, b: Vec<usize>) -> Option<Vec<usize>> {
    if a == [0] && !b.is_empty() {
        return Some(b);
    }
    if b == [0] && !a.is_empty() {
        return Some(a);
    }
    (a.len() == b.len()).then(|| a.iter().zip(&b).map(|(a, b)| *a.max(b)).collect())
}

/// One collected field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    /// Its path in the report.
    pub(super) path: String,
    pub(super) form: Form,
    /// Where it was seen first: point and position, which order the fields.
    first: (usize, usize),
}

/// All collected fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Fields(Vec<Field>);

impl Fields {
    /// Takes the values of a point into account, in any order of points.
    pub(super) fn observe(&mut self, point: usize, values: &Map<String, Value>) {
        for (position, (path, value)) in values.iter().enumerate() {
            let first = (point, position);
            // Reports have their fields in one order: usually the field is where it was.
            let expected = self.0.get(position).is_some_and(|field| field.path == *path);
            let known = if expected {
                Some(position)
            } else {
                self.0.iter().position(|field| field.path == *path)
            };
            match known {
                Some(k) => {
                    let field = &mut self.0[k];
                    field.first = field.first.min(first);
                    field.form = std::mem::take(&mut field.form).with(Form::of(value));
                }
                None => self.0.push(Field { path: path.clone(), form: Form::of(value), first }),
            }
        }
    }

    /// The fields in an order that does not depend on that of the points seen.
    pub(super) fn ordered(&self) -> Vec<Field> {
        let mut fields = self.0.clone();
        for field in &mut fields {
            // An array without places holds nothing.
            if matches!(&field.form, Form::Array(lengths) if lengths.contains(&0)) {
                field.form = Form::Missing;
            }
        }
        fields.sort_by_key(|field| field.first);
        fields
    }
}

/// Writes the numbers of `value` into `block`, an array of `lengths` filled with NaN.
pub(super) fn fill(value: &Value, lengths: &[usize], block: &mut [f64]) {
    match (value, lengths.split_first()) {
        (Value::Number(number), None) => {
            if let (Some(place), Some(x)) = (block.first_mut(), number.as_f64()) {
                *place = x;
            }
        }
        (Value::Array(items), Some((_, inner))) => {
            let stride = inner.iter().product::<usize>();
            for (item, part) in items.iter().zip(block.chunks_exact_mut(stride.max(1))) {
                fill(item, inner, part);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form(values: &[Value]) -> Form {
        values.iter().map(Form::of).fold(Form::Missing, Form::with)
    }

    #[test]
    fn forms_hold_every_value() {
        assert_eq!(form(&[json!(null), json!(1), json!(2.5)]), Form::Number);
        assert_eq!(form(&[json!(null)]), Form::Missing);
        assert_eq!(form(&[json!(true), json!(null)]), Form::Flag);
        assert_eq!(form(&[json!(true), json!(1)]), Form::Text);
        assert_eq!(form(&[json!("a"), json!(1)]), Form::Text);
        assert_eq!(
            form(&[json!([[1, 2]]), json!([]), json!([[1], [2, 3, 4]])]),
            Form::Array(vec![2, 3])
        );
        assert_eq!(form(&[json!([1]), json!([[1]])]), Form::Text);
        assert_eq!(form(&[json!(["a"])]), Form::Text);
    }

    #[test]
    fn ragged_arrays_are_padded() {
        let mut block = vec![f64::NAN; 6];
        fill(&json!([[1, 2, 3], [4]]), &[2, 3], &mut block);
        assert_eq!(block[..4], [1.0, 2.0, 3.0, 4.0]);
        assert!(block[4].is_nan() && block[5].is_nan());
    }

    #[test]
    fn the_order_of_fields_does_not_depend_on_the_order_of_points() {
        let point = |text: &str| match serde_json::from_str(text).expect("JSON") {
            Value::Object(map) => map,
            _ => panic!("no object"),
        };
        let points =
            [point(r#"{"a":1,"c":null}"#), point(r#"{"a":1,"b":2,"c":3}"#), point(r#"{"d":"x"}"#)];
        let seen = |order: [usize; 3]| {
            let mut fields = Fields::default();
            order.iter().for_each(|k| fields.observe(*k, &points[*k]));
            fields.ordered()
        };
        let expected = seen([0, 1, 2]);
        assert_eq!(seen([2, 1, 0]), expected);
        assert_eq!(seen([1, 0, 2]), expected);
        let names: Vec<&str> = expected.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(names, ["a", "c", "b", "d"]);
    }
}

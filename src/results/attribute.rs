//! Named facts about files, groups and variables.

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
    /// One real number.
    F64(f64),
    /// Several real numbers.
    F64s(Vec<f64>),
    /// One integer.
    I64(i64),
    /// Several small unsigned integers.
    U8s(Vec<u8>),
}

impl Value {
    /// The value as JSON; numbers that are not finite become `null`.
    pub(crate) fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Texts(texts) => texts.as_slice().into(),
            Self::F64(number) => (*number).into(),
            Self::F64s(numbers) => numbers.as_slice().into(),
            Self::I64(number) => (*number).into(),
            Self::U8s(numbers) => numbers.as_slice().into(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::F64(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::I64(number)
    }
}

/// A named fact about a file, a group or a variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Value,
}

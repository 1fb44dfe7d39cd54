//! The record model: groups of named variables over named dimensions, the same for every format.
//!
//! A variable called like its only dimension is that dimension's coordinate. Lengths travel with
//! the variables; a group collects them and refuses contradictions.

use super::{Attribute, ResultError, Value};

/// An axis: every variable of a group that names it has this length along it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// Name, unique within its group.
    pub name: String,
    /// Number of entries.
    pub length: usize,
}

impl Dimension {
    /// An axis of `length` entries.
    #[must_use]
    pub fn new(name: impl Into<String>, length: usize) -> Self {
        Self { name: name.into(), length }
    }
}

/// The values of a variable, in row-major order (the last dimension runs fastest).
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Real numbers; missing ones are NaN.
    F64(Vec<f64>),
    /// Integers.
    I64(Vec<i64>),
    /// Small unsigned integers: flags and grey values.
    U8(Vec<u8>),
    /// Texts.
    Text(Vec<String>),
}

impl Data {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F64(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::Text(v) => v.len(),
        }
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `f64`, `i64`, `u8` or `text`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::F64(_) => "f64",
            Self::I64(_) => "i64",
            Self::U8(_) => "u8",
            Self::Text(_) => "text",
        }
    }
}

/// A named array.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Name, unique within its group.
    pub name: String,
    /// Axes, slowest first; none for a scalar.
    pub dims: Vec<Dimension>,
    /// Values in row-major order.
    pub data: Data,
    /// `units`, `long_name` and whatever else explains the values.
    pub attributes: Vec<Attribute>,
}

impl Variable {
    /// An array with explicit axes; values in row-major order.
    #[must_use]
    pub fn new(name: impl Into<String>, dims: Vec<Dimension>, data: Data) -> Self {
        Self { name: name.into(), dims, data, attributes: Vec::new() }
    }

    /// One real number.
    #[must_use]
    pub fn scalar(name: impl Into<String>, value: f64) -> Self {
        Self::new(name, Vec::new(), Data::F64(vec![value]))
    }

    /// One integer.
    #[must_use]
    pub fn integer(name: impl Into<String>, value: i64) -> Self {
        Self::new(name, Vec::new(), Data::I64(vec![value]))
    }

    /// One text.
    #[must_use]
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(name, Vec::new(), Data::Text(vec![value.into()]))
    }

    /// A vector of real numbers over `dim`.
    #[must_use]
    pub fn vector(name: impl Into<String>, dim: &str, values: impl Into<Vec<f64>>) -> Self {
        let values = values.into();
        Self::new(name, vec![Dimension::new(dim, values.len())], Data::F64(values))
    }

    /// A vector of integers over `dim`.
    #[must_use]
    pub fn integers(name: impl Into<String>, dim: &str, values: Vec<i64>) -> Self {
        Self::new(name, vec![Dimension::new(dim, values.len())], Data::I64(values))
    }

    /// A list of texts over `dim`.
    #[must_use]
    pub fn texts(name: impl Into<String>, dim: &str, values: Vec<String>) -> Self {
        Self::new(name, vec![Dimension::new(dim, values.len())], Data::Text(values))
    }

    /// A matrix over `(rows, columns)`, stored row by row as mathematics writes it: entry
    /// `matrix[(i, j)]` is element `[i, j]` of the array a reader sees.
    ///
    /// This is the one place where nalgebra's column-major storage is turned into rows.
    #[must_use]
    pub fn matrix(
        name: impl Into<String>,
        rows: &str,
        columns: &str,
        matrix: &nalgebra::DMatrix<f64>,
    ) -> Self {
        let dims =
            vec![Dimension::new(rows, matrix.nrows()), Dimension::new(columns, matrix.ncols())];
        let by_rows = matrix.transpose().as_slice().to_vec();
        Self::new(name, dims, Data::F64(by_rows))
    }

    /// Complex numbers over `dim` as two real variables, `<name>_re` and `<name>_im`.
    #[must_use]
    pub fn complex(name: &str, dim: &str, values: &[nalgebra::Complex<f64>]) -> [Self; 2] {
        let part = |suffix: &str, f: fn(&nalgebra::Complex<f64>) -> f64| {
            Self::vector(format!("{name}_{suffix}"), dim, values.iter().map(f).collect::<Vec<_>>())
        };
        [part("re", |z| z.re), part("im", |z| z.im)]
    }

    /// A CF flag variable: `values[k]` is an index into `meanings`, which are single words.
    #[must_use]
    pub fn flags(
        name: impl Into<String>,
        dims: Vec<Dimension>,
        values: Vec<u8>,
        meanings: &[&str],
    ) -> Self {
        let codes = (0..meanings.len()).map(|code| code as u8).collect();
        Self::new(name, dims, Data::U8(values))
            .with("flag_values", Value::U8s(codes))
            .with("flag_meanings", meanings.join(" "))
    }

    /// One yes-or-no answer as a CF flag variable.
    #[must_use]
    pub fn boolean(name: impl Into<String>, value: bool) -> Self {
        Self::flags(name, Vec::new(), vec![u8::from(value)], &["false", "true"])
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.push(Attribute { name: name.to_owned(), value: value.into() });
        self
    }

    /// Sets the physical units: `"1"` when dimensionless, `"s"` for model time.
    #[must_use]
    pub fn units(self, units: &str) -> Self {
        self.with("units", units)
    }

    /// Sets the phrase for axis labels.
    #[must_use]
    pub fn long_name(self, phrase: &str) -> Self {
        self.with("long_name", phrase)
    }

    /// The text of attribute `name`.
    #[must_use]
    pub fn attribute_text(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name == name).and_then(|a| match &a.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether this variable is the coordinate of its own dimension.
    #[must_use]
    pub fn is_coordinate(&self) -> bool {
        self.dims.len() == 1 && self.dims[0].name == self.name
    }

    fn check(&self) -> Result<(), ResultError> {
        check_name(&self.name)?;
        let expected: usize = self.dims.iter().map(|d| d.length).product();
        if self.data.len() != expected {
            let reason = format!("{} values for {expected} places", self.data.len());
            return Err(ResultError::invalid(&self.name, reason));
        }
        for (k, dim) in self.dims.iter().enumerate() {
            check_name(&dim.name)?;
            if self.dims[..k].iter().any(|other| other.name == dim.name) {
                return Err(ResultError::invalid(
                    &self.name,
                    format!("dimension `{}` twice", dim.name),
                ));
            }
        }
        let texts = if let Data::Text(texts) = &self.data { texts.as_slice() } else { &[] };
        if texts.iter().any(|text| text.contains('\0')) {
            return Err(ResultError::invalid(&self.name, "a text with a NUL character"));
        }
        Ok(())
    }
}

/// A named set of variables that share dimensions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// Name within the parent.
    pub name: String,
    /// Facts about the whole group.
    pub attributes: Vec<Attribute>,
    /// Variables in the order they are written.
    pub variables: Vec<Variable>,
    /// Groups inside this one, with dimensions of their own.
    pub groups: Vec<Group>,
}

impl Group {
    /// An empty group.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds a variable.
    pub fn push(&mut self, variable: Variable) {
        self.variables.push(variable);
    }

    /// Adds a variable and returns the group.
    #[must_use]
    pub fn with(mut self, variable: Variable) -> Self {
        self.push(variable);
        self
    }

    /// Adds several variables and returns the group.
    #[must_use]
    pub fn with_all(mut self, variables: impl IntoIterator<Item = Variable>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// Adds a group inside this one and returns the outer one.
    #[must_use]
    pub fn with_group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// Adds an attribute and returns the group.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.push(Attribute { name: name.to_owned(), value: value.into() });
        self
    }

    /// The variable called `name`.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|v| v.name == name)
    }

    /// The dimensions of all variables, in order of first use.
    ///
    /// # Errors
    /// [`ResultError::InvalidRecord`] if two variables disagree about a length, a variable is
    /// inconsistent in itself, a name is taken twice or cannot be a name.
    pub fn dimensions(&self) -> Result<Vec<Dimension>, ResultError> {
        check_name(&self.name)?;
        let mut dimensions: Vec<Dimension> = Vec::new();
        for (k, variable) in self.variables.iter().enumerate() {
            variable.check()?;
            if self.variables[..k].iter().any(|other| other.name == variable.name)
                || self.groups.iter().any(|group| group.name == variable.name)
            {
                return Err(ResultError::invalid(
                    &variable.name,
                    "the name is taken twice in its group",
                ));
            }
            for dim in &variable.dims {
                match dimensions.iter().find(|known| known.name == dim.name) {
                    None => dimensions.push(dim.clone()),
                    Some(known) if known.length == dim.length => {}
                    Some(known) => {
                        let reason = format!(
                            "dimension `{}` has lengths {} and {}",
                            dim.name, known.length, dim.length
                        );
                        return Err(ResultError::invalid(&variable.name, reason));
                    }
                }
            }
        }
        self.check_against(&dimensions)?;
        Ok(dimensions)
    }

    /// A name that is both a dimension and something else than its coordinate cannot be stored.
    fn check_against(&self, dimensions: &[Dimension]) -> Result<(), ResultError> {
        let taken = |name: &str| dimensions.iter().any(|d| d.name == name);
        if let Some(variable) = self.variables.iter().find(|v| taken(&v.name) && !v.is_coordinate())
        {
            return Err(ResultError::invalid(&variable.name, "a dimension has the same name"));
        }
        match self.groups.iter().find(|g| taken(&g.name)) {
            Some(group) => Err(ResultError::invalid(&group.name, "a dimension has the same name")),
            None => Ok(()),
        }
    }
}

/// netCDF-4 refuses empty names, names with `/` and names with control characters.
fn check_name(name: &str) -> Result<(), ResultError> {
    if name.is_empty() || name == "." || name.chars().any(|c| c == '/' || c.is_control()) {
        return Err(ResultError::invalid(
            name,
            "not a name: empty, or with `/` or a control character",
        ));
    }
    Ok(())
}

//! Reads back what the HDF5/netCDF-4 writer writes.

mod decode;

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, IndexType, IterationOrder, MinorErrorCode};

use self::decode::{
    is_bare_scale, is_scale, kind_of, read_attribute, read_attributes, read_prefix, read_rows,
    scale_names,
};
use super::netcdf::{ROWS_COMMITTED, innermost_cause};
use super::output::name_for_hdf5;
use super::writer::SOURCE;
use super::{Attribute, Data, Dimension, ResultError, Status, Value, Variable};

/// A result file open for reading.
pub struct ResultReader {
    path: PathBuf,
    file: hdf5::File,
    _descriptor: Option<File>,
}

/// A variable without its values.
#[derive(Debug, Clone, PartialEq)]
pub struct VariableInfo {
    /// Path inside the file, e.g. `trajectory/state`.
    pub path: String,
    /// Axes, slowest first. In a file whose run was killed the first axis of a streamed variable
    /// counts only rows that are whole.
    pub dims: Vec<Dimension>,
    /// `f64`, `i64`, `u8`, `text`, or how the library describes another type.
    pub type_name: String,
    /// Attributes in the order they were written.
    pub attributes: Vec<Attribute>,
    /// Bytes on disk.
    pub stored_bytes: u64,
}

impl VariableInfo {
    /// Name within its group.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.dims.iter().map(|dim| dim.length).product()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of attribute `name`.
    #[must_use]
    pub fn attribute_text(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name == name).and_then(|a| match &a.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }
}

impl ResultReader {
    /// Opens a file written by this program, finished or not.
    ///
    /// # Errors
    /// [`ResultError::Io`] if it cannot be read, [`ResultError::InUse`], [`ResultError::NotHdf5`],
    /// [`ResultError::Damaged`], [`ResultError::Foreign`].
    pub fn open(path: &Path) -> Result<Self, ResultError> {
        // The system's own message for a missing or forbidden file is the clearest. What is no file
        // is not opened: a pipe would wait for a writer.
        let failed = |error| ResultError::io(path, "open the file", error);
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(ResultError::NotAFile { path: path.to_owned() });
        }
        File::open(path).map_err(failed)?;
        let (name, descriptor) = name_for_hdf5(path, false)?;
        let file = hdf5::File::open(name).map_err(|error| open_error(path, &error))?;
        let reader = Self { path: path.to_owned(), file, _descriptor: descriptor };
        match reader.attribute("source") {
            Ok(Value::Text(source)) if source.starts_with(SOURCE) => Ok(reader),
            Err(error @ ResultError::Damaged { .. }) => Err(error),
            _ => Err(ResultError::Foreign { path: path.to_owned() }),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How the run that wrote the file ended.
    ///
    /// # Errors
    /// [`ResultError::Missing`] if the file does not say.
    pub fn status(&self) -> Result<Status, ResultError> {
        let missing = || self.missing("attribute", "status");
        match self.attribute("status")? {
            Value::Text(name) => Status::from_name(&name).ok_or_else(missing),
            _ => Err(missing()),
        }
    }

    /// An attribute of the root.
    ///
    /// # Errors
    /// [`ResultError::Missing`], [`ResultError::Damaged`].
    pub fn attribute(&self, name: &str) -> Result<Value, ResultError> {
        if !self.wrap(self.file.attr_names())?.iter().any(|known| known == name) {
            return Err(self.missing("attribute", name));
        }
        self.wrap(read_attribute(&self.file, name))?.ok_or_else(|| self.missing("attribute", name))
    }

    /// All attributes of the root, in order.
    ///
    /// # Errors
    /// [`ResultError::Damaged`].
    pub fn attributes(&self) -> Result<Vec<Attribute>, ResultError> {
        self.wrap(read_attributes(&self.file))
    }

    /// The attributes of a group, in order.
    ///
    /// # Errors
    /// [`ResultError::Missing`], [`ResultError::Damaged`].
    pub fn group_attributes(&self, group: &str) -> Result<Vec<Attribute>, ResultError> {
        let group = self.group(group)?;
        self.wrap(read_attributes(&group))
    }

    /// The groups inside `parent` (`""` for the root), in the order they were written.
    ///
    /// # Errors
    /// [`ResultError::Missing`], [`ResultError::Damaged`].
    pub fn groups(&self, parent: &str) -> Result<Vec<String>, ResultError> {
        self.members(parent, |group, name| {
            group.loc_type_by_name(name).is_ok_and(|kind| kind == hdf5::LocationType::Group)
        })
    }

    /// Whether the file holds a variable or a group at `path`.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        // The library calls it an error to look below a link that does not exist.
        let mut prefix = String::new();
        path.split('/').all(|part| {
            prefix.push_str(part);
            let exists = self.file.link_exists(&prefix);
            prefix.push('/');
            exists
        })
    }

    /// The variables of a group (`""` for the root), in the order they were written; dimensions
    /// without coordinates are not variables.
    ///
    /// # Errors
    /// [`ResultError::Missing`], [`ResultError::Damaged`].
    pub fn variables(&self, group: &str) -> Result<Vec<VariableInfo>, ResultError> {
        let names = self.members(group, |parent, name| {
            parent.dataset(name).is_ok_and(|dataset| !is_bare_scale(&dataset))
        })?;
        let inside =
            |name: &String| if group.is_empty() { name.clone() } else { format!("{group}/{name}") };
        names.iter().map(|name| self.info(&inside(name))).collect()
    }

    /// What there is to know about the variable at `path` without reading it.
    ///
    /// # Errors
    /// [`ResultError::Missing`], [`ResultError::Damaged`].
    pub fn info(&self, path: &str) -> Result<VariableInfo, ResultError> {
        let dataset = self.dataset(path)?;
        let attributes = self.wrap(read_attributes(&dataset))?;
        let descriptor = self.wrap(dataset.dtype().and_then(|kind| kind.to_descriptor()))?;
        Ok(VariableInfo {
            path: path.to_owned(),
            dims: self.dims(path, &dataset)?,
            type_name: kind_of(&descriptor),
            attributes,
            stored_bytes: dataset.storage_size(),
        })
    }

    /// The variable at `path` with all its values.
    ///
    /// # Errors
    /// [`ResultError::Missing`], [`ResultError::WrongType`] if it is of none of our types,
    /// [`ResultError::Damaged`].
    pub fn variable(&self, path: &str) -> Result<Variable, ResultError> {
        let info = self.info(path)?;
        let dataset = self.dataset(path)?;
        let data = match info.type_name.as_str() {
            "f64" => Data::F64(self.wrap(read_prefix(&dataset, &info.dims))?),
            "i64" => Data::I64(self.wrap(read_prefix(&dataset, &info.dims))?),
            "u8" => Data::U8(self.wrap(read_prefix(&dataset, &info.dims))?),
            "text" => {
                let texts: Vec<VarLenUnicode> = self.wrap(read_prefix(&dataset, &info.dims))?;
                Data::Text(texts.iter().map(|text| text.as_str().to_owned()).collect())
            }
            _ => return Err(self.wrong_type(&info, "numbers or text")),
        };
        let name = info.name().to_owned();
        Ok(Variable { name, dims: info.dims, data, attributes: info.attributes })
    }

    /// The values of a real variable in row-major order.
    ///
    /// # Errors
    /// As [`variable`](Self::variable).
    pub fn f64s(&self, path: &str) -> Result<Vec<f64>, ResultError> {
        match self.variable(path)?.data {
            Data::F64(values) => Ok(values),
            _ => Err(self.wrong_type(&self.info(path)?, "f64")),
        }
    }

    /// The rows `rows` of a real variable in row-major order, without reading the others.
    ///
    /// # Errors
    /// As [`variable`](Self::variable); [`ResultError::Missing`] if there are fewer rows.
    pub fn rows(&self, path: &str, rows: Range<usize>) -> Result<Vec<f64>, ResultError> {
        let mut info = self.info(path)?;
        if info.type_name != "f64" {
            return Err(self.wrong_type(&info, "f64"));
        }
        match info.dims.first_mut() {
            Some(axis) if rows.start <= rows.end && rows.end <= axis.length => {
                axis.length = rows.len()
            }
            _ => {
                return Err(
                    self.missing("variable", &format!("{path}[{}..{}]", rows.start, rows.end))
                );
            }
        }
        self.wrap(read_rows(&self.dataset(path)?, rows.start, &info.dims))
    }

    /// The text of a scalar text variable.
    ///
    /// # Errors
    /// As [`variable`](Self::variable).
    pub fn text(&self, path: &str) -> Result<String, ResultError> {
        match self.variable(path)?.data {
            Data::Text(mut texts) if texts.len() == 1 => Ok(texts.remove(0)),
            _ => Err(self.wrong_type(&self.info(path)?, "one text")),
        }
    }

    /// The axes of a variable, from the scales attached to it.
    fn dims(&self, path: &str, dataset: &Dataset) -> Result<Vec<Dimension>, ResultError> {
        let shape = dataset.shape();
        let names = if is_scale(dataset) && shape.len() == 1 {
            vec![path.rsplit('/').next().unwrap_or(path).to_owned()]
        } else {
            self.wrap(scale_names(&self.file, dataset))?
        };
        let group = path.rsplit_once('/').map_or("", |(group, _)| group);
        let whole_rows = if dataset.is_resizable() { self.committed_rows(group)? } else { None };
        let named = |(k, &length): (usize, &usize)| {
            let length =
                if k == 0 { whole_rows.map_or(length, |rows| rows.min(length)) } else { length };
            Dimension::new(names.get(k).cloned().unwrap_or_else(|| format!("dim_{k}")), length)
        };
        Ok(shape.iter().enumerate().map(named).collect())
    }

    fn committed_rows(&self, group: &str) -> Result<Option<usize>, ResultError> {
        if group.is_empty() {
            return Ok(None);
        }
        let committed =
            self.group_attributes(group)?.into_iter().find(|a| a.name == ROWS_COMMITTED);
        Ok(committed.and_then(|a| {
            if let Value::I64(rows) = a.value { usize::try_from(rows).ok() } else { None }
        }))
    }

    fn members(
        &self,
        group: &str,
        wanted: impl Fn(&hdf5::Group, &str) -> bool,
    ) -> Result<Vec<String>, ResultError> {
        let group = self.group(group)?;
        let by_creation =
            group.member_names_by(IndexType::CreationOrder, IterationOrder::Increasing);
        let names = self.wrap(by_creation.or_else(|_| group.member_names()))?;
        Ok(names.into_iter().filter(|name| wanted(&group, name)).collect())
    }

    fn group(&self, path: &str) -> Result<hdf5::Group, ResultError> {
        if path.is_empty() {
            return self.wrap(self.file.as_group());
        }
        if !self.contains(path) {
            return Err(self.missing("group", path));
        }
        self.file.group(path).map_err(|_| self.missing("group", path))
    }

    fn dataset(&self, path: &str) -> Result<Dataset, ResultError> {
        if !self.contains(path) {
            return Err(self.missing("variable", path));
        }
        self.file.dataset(path).map_err(|_| self.missing("variable", path))
    }

    fn missing(&self, kind: &'static str, name: &str) -> ResultError {
        ResultError::Missing { path: self.path.clone(), kind, name: name.to_owned() }
    }

    fn wrong_type(&self, info: &VariableInfo, wanted: &'static str) -> ResultError {
        ResultError::WrongType {
            path: self.path.clone(),
            name: info.path.clone(),
            found: info.type_name.clone(),
            wanted,
        }
    }

    fn wrap<T>(&self, result: hdf5::Result<T>) -> Result<T, ResultError> {
        result.map_err(|error| ResultError::Damaged {
            path: self.path.clone(),
            cause: innermost_cause(&error),
        })
    }
}

fn open_error(path: &Path, error: &hdf5::Error) -> ResultError {
    let cause = innermost_cause(error);
    if error.contains_minor(MinorErrorCode::NotHdf5) {
        ResultError::NotHdf5 { path: path.to_owned() }
    } else if cause.contains("Resource temporarily unavailable") {
        ResultError::InUse { path: path.to_owned() }
    } else if error.contains_minor(MinorErrorCode::CantLockFile) {
        let action =
            "lock the file (where locks do not work, set HDF5_USE_FILE_LOCKING=FALSE)".to_owned();
        ResultError::Hdf5 { path: path.to_owned(), action, cause }
    } else {
        ResultError::Damaged { path: path.to_owned(), cause }
    }
}

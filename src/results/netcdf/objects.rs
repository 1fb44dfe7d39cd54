//! Groups, datasets and attributes in the form netCDF-4 expects.

use hdf5::plist::file_create::{AttrCreationOrder, LinkCreationOrder};
use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, H5Type, Location};

use super::ffi;
use crate::results::{Data, Dimension, Group, Value, Variable};

/// The name a scale carries when no variable is its coordinate, fixed by the netCDF-4 format;
/// the length follows, ten characters wide.
const NO_COORDINATE: &str = "This is a netCDF dimension but not a netCDF variable.";

/// The scales of a group by dimension name.
pub(super) type Scales = Vec<(String, Dataset)>;

/// A group that remembers the order of its members and attributes.
pub(super) fn create_group(parent: &hdf5::Group, name: &str) -> hdf5::Result<hdf5::Group> {
    parent
        .create_group_builder()
        .with_gcpl(|plist| {
            plist
                .obj_track_times(false)
                .link_creation_order(LinkCreationOrder::Indexed)
                .attr_creation_order(AttrCreationOrder::Indexed)
        })
        .create(name)
}

/// The group at `path`, with the groups above it created where they are missing.
pub(super) fn create_path(root: &hdf5::Group, path: &str) -> hdf5::Result<hdf5::Group> {
    let mut group = root.clone();
    for name in path.split('/') {
        let exists = group.link_exists(name);
        group = if exists { group.group(name)? } else { create_group(&group, name)? };
    }
    Ok(group)
}

/// One scale for every dimension: the coordinate variable, or a dataset without values.
pub(super) fn create_scales(
    parent: &hdf5::Group,
    dimensions: &[Dimension],
    group: &Group,
) -> hdf5::Result<Scales> {
    dimensions
        .iter()
        .map(|dimension| {
            if parent.link_exists(&dimension.name) {
                return Ok((dimension.name.clone(), parent.dataset(&dimension.name)?));
            }
            let coordinate =
                group.variable(&dimension.name).filter(|variable| variable.is_coordinate());
            let dataset = match coordinate {
                Some(variable) => create_dataset(parent, variable)?,
                None => return Ok((dimension.name.clone(), create_bare_scale(parent, dimension)?)),
            };
            ffi::set_scale(&dataset, &dimension.name)?;
            Ok((dimension.name.clone(), dataset))
        })
        .collect()
}

/// The scale of a dimension without a coordinate; its values are never stored.
pub(super) fn create_bare_scale(
    parent: &hdf5::Group,
    dimension: &Dimension,
) -> hdf5::Result<Dataset> {
    let dataset = parent
        .new_dataset::<f32>()
        .attr_creation_order(AttrCreationOrder::Indexed)
        .shape([dimension.length])
        .create(dimension.name.as_str())?;
    ffi::set_scale(&dataset, &format!("{NO_COORDINATE}{:10}", dimension.length))?;
    Ok(dataset)
}

/// Writes a variable and ties it to its dimensions.
pub(super) fn write_variable(
    parent: &hdf5::Group,
    variable: &Variable,
    scales: &Scales,
) -> hdf5::Result<()> {
    let existing = scales.iter().find(|(name, _)| *name == variable.name);
    let dataset = match existing {
        Some((_, coordinate)) => coordinate.clone(),
        None => create_dataset(parent, variable)?,
    };
    match &variable.data {
        Data::F64(values) => dataset.write_raw(values)?,
        Data::I64(values) => dataset.write_raw(values)?,
        Data::U8(values) => dataset.write_raw(values)?,
        Data::Text(values) => dataset.write_raw(&to_hdf5_texts(values)?)?,
    }
    describe(&dataset, variable, scales)
}

/// Writes the attributes of a variable and ties it to its dimensions.
pub(super) fn describe(
    dataset: &Dataset,
    variable: &Variable,
    scales: &Scales,
) -> hdf5::Result<()> {
    if matches!(variable.data, Data::F64(_)) && !variable.is_coordinate() {
        write_attribute(dataset, "_FillValue", &Value::F64(f64::NAN))?;
    }
    for attribute in &variable.attributes {
        write_attribute(dataset, &attribute.name, &attribute.value)?;
    }
    if scales.iter().all(|(name, _)| *name != variable.name) {
        let dims: Vec<&str> = variable.dims.iter().map(|dim| dim.name.as_str()).collect();
        attach(dataset, &dims, scales)?;
    }
    Ok(())
}

/// Ties every axis of `dataset` to the scale of the dimension named for it.
pub(super) fn attach(dataset: &Dataset, dims: &[&str], scales: &Scales) -> hdf5::Result<()> {
    for (axis, dim) in dims.iter().enumerate() {
        if let Some((_, scale)) = scales.iter().find(|(name, _)| name == dim) {
            ffi::attach_scale(dataset, scale, axis)?;
        }
    }
    Ok(())
}

pub(super) fn create_dataset(parent: &hdf5::Group, variable: &Variable) -> hdf5::Result<Dataset> {
    match &variable.data {
        Data::F64(_) => create_typed::<f64>(parent, variable, Some(f64::NAN)),
        Data::I64(_) => create_typed::<i64>(parent, variable, None),
        Data::U8(_) => create_typed::<u8>(parent, variable, None),
        Data::Text(_) => create_typed::<VarLenUnicode>(parent, variable, None),
    }
}

fn create_typed<T: H5Type>(
    parent: &hdf5::Group,
    variable: &Variable,
    fill: Option<f64>,
) -> hdf5::Result<Dataset> {
    let builder = parent.new_dataset::<T>().attr_creation_order(AttrCreationOrder::Indexed);
    let builder = match fill {
        Some(value) => builder.fill_value(value),
        None => builder,
    };
    if variable.dims.is_empty() {
        return builder.create(variable.name.as_str());
    }
    let shape: Vec<usize> = variable.dims.iter().map(|dim| dim.length).collect();
    builder.shape(shape).create(variable.name.as_str())
}

/// Writes an attribute; numbers as arrays of one element, as the netCDF library does.
pub(super) fn write_attribute(owner: &Location, name: &str, value: &Value) -> hdf5::Result<()> {
    match value {
        Value::Text(text) => {
            owner.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&to_hdf5_text(text)?)
        }
        Value::Texts(texts) => owner
            .new_attr::<VarLenUnicode>()
            .shape([texts.len()])
            .create(name)?
            .write_raw(&to_hdf5_texts(texts)?),
        Value::F64(number) => write_numbers(owner, name, &[*number]),
        Value::F64s(numbers) => write_numbers(owner, name, numbers),
        Value::I64(number) => write_numbers(owner, name, &[*number]),
        Value::U8s(numbers) => write_numbers(owner, name, numbers),
    }
}

fn write_numbers<T: H5Type>(owner: &Location, name: &str, numbers: &[T]) -> hdf5::Result<()> {
    owner.new_attr::<T>().shape([numbers.len()]).create(name)?.write_raw(numbers)
}

/// Changes a text attribute that exists.
pub(super) fn rewrite_text_attribute(owner: &Location, name: &str, text: &str) -> hdf5::Result<()> {
    owner.attr(name)?.write_scalar(&to_hdf5_text(text)?)
}

fn to_hdf5_text(text: &str) -> hdf5::Result<VarLenUnicode> {
    text.parse().map_err(|error| hdf5::Error::from(format!("{text:?}: {error}")))
}

pub(super) fn to_hdf5_texts(texts: &[String]) -> hdf5::Result<Vec<VarLenUnicode>> {
    texts.iter().map(|text| to_hdf5_text(text)).collect()
}

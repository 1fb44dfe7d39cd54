//! HDF5 objects to the types of the record model.

use hdf5::types::{FloatSize, IntSize, TypeDescriptor, VarLenArray, VarLenUnicode};
use hdf5::{
    Dataset, Hyperslab, IndexType, IterationOrder, Location, ObjectReference1, ReferencedObject,
    SliceOrIndex,
};

use crate::results::{Attribute, Dimension, Value};

pub(super) fn kind_of(descriptor: &TypeDescriptor) -> String {
    match descriptor {
        TypeDescriptor::Float(FloatSize::U8) => "f64".to_owned(),
        TypeDescriptor::Integer(IntSize::U8) => "i64".to_owned(),
        TypeDescriptor::Unsigned(IntSize::U1) => "u8".to_owned(),
        TypeDescriptor::VarLenUnicode => "text".to_owned(),
        other => other.to_string(),
    }
}

pub(super) fn is_scale(dataset: &Dataset) -> bool {
    dataset.attr_names().is_ok_and(|names| names.iter().any(|name| name == "CLASS"))
}

/// The writer stores single precision in nothing but dimensions without coordinates.
pub(super) fn is_bare_scale(dataset: &Dataset) -> bool {
    is_scale(dataset) && dataset.dtype().is_ok_and(|kind| kind.is::<f32>())
}

/// The names of the scales attached to each axis of a dataset.
pub(super) fn scale_names(file: &hdf5::File, dataset: &Dataset) -> hdf5::Result<Vec<String>> {
    if !dataset.attr_names()?.iter().any(|name| name == "DIMENSION_LIST") {
        return Ok(Vec::new());
    }
    let lists: Vec<VarLenArray<ObjectReference1>> = dataset.attr("DIMENSION_LIST")?.read_raw()?;
    lists
        .iter()
        .map(|axis| {
            let reference = axis.first().ok_or("an axis without a scale")?;
            match file.dereference(reference)? {
                ReferencedObject::Dataset(scale) => {
                    Ok(scale.name().rsplit('/').next().unwrap_or_default().to_owned())
                }
                _ => Err("a scale that is no dataset".into()),
            }
        })
        .collect()
}

/// Attributes in order, without those that make dimension scales work.
pub(super) fn read_attributes(owner: &Location) -> hdf5::Result<Vec<Attribute>> {
    let names = owner
        .attr_names_by(IndexType::CreationOrder, IterationOrder::Increasing)
        .or_else(|_| owner.attr_names())?;
    let mut attributes = Vec::new();
    for name in names.into_iter().filter(|name| {
        !["CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"].contains(&name.as_str())
    }) {
        if let Some(value) = read_attribute(owner, &name)? {
            attributes.push(Attribute { name, value });
        }
    }
    Ok(attributes)
}

/// The value of an attribute of one of our types.
pub(super) fn read_attribute(owner: &Location, name: &str) -> hdf5::Result<Option<Value>> {
    let attribute = owner.attr(name)?;
    Ok(match attribute.dtype()?.to_descriptor()? {
        TypeDescriptor::VarLenUnicode if attribute.is_scalar() => {
            Some(Value::Text(attribute.read_scalar::<VarLenUnicode>()?.as_str().to_owned()))
        }
        TypeDescriptor::VarLenUnicode => {
            let texts: Vec<VarLenUnicode> = attribute.read_raw()?;
            Some(Value::Texts(texts.iter().map(|text| text.as_str().to_owned()).collect()))
        }
        TypeDescriptor::Float(FloatSize::U8) => {
            Some(match attribute.read_raw::<f64>()?.as_slice() {
                [number] => Value::F64(*number),
                numbers => Value::F64s(numbers.to_vec()),
            })
        }
        TypeDescriptor::Integer(IntSize::U8) => {
            attribute.read_raw::<i64>()?.first().map(|&number| Value::I64(number))
        }
        TypeDescriptor::Unsigned(IntSize::U1) => Some(Value::U8s(attribute.read_raw()?)),
        _ => None,
    })
}

/// All values, or those of the first rows when the rows on disk are more than can be trusted.
pub(super) fn read_prefix<T: hdf5::H5Type>(
    dataset: &Dataset,
    dims: &[Dimension],
) -> hdf5::Result<Vec<T>> {
    let is_whole = dataset.shape().iter().zip(dims).all(|(&length, dim)| length == dim.length);
    if is_whole { dataset.read_raw() } else { read_rows(dataset, 0, dims) }
}

pub(super) fn read_rows<T: hdf5::H5Type>(
    dataset: &Dataset,
    start: usize,
    dims: &[Dimension],
) -> hdf5::Result<Vec<T>> {
    let slab: Vec<SliceOrIndex> = dims
        .iter()
        .enumerate()
        .map(|(k, dim)| if k == 0 { start..start + dim.length } else { 0..dim.length })
        .map(SliceOrIndex::from)
        .collect();
    let (values, _) = dataset
        .read_slice::<T, _, ndarray::IxDyn>(Hyperslab::from(slab))?
        .into_raw_vec_and_offset();
    Ok(values)
}

//! The record model and its writers: HDF5 that is also valid netCDF-4, CSV and JSON.
//!
//! A result is a tree of [`Group`]s of named [`Variable`]s over named [`Dimension`]s, plus
//! tables of rows streamed one after the other while a command computes ([`RowLayout`]).
//! [`create`] picks the format by the file name; every format uses the same names. `docs/results.md` lists them.

mod attribute;
mod csv;
mod discard;
mod error;
mod json;
mod netcdf;
mod output;
mod provenance;
mod reader;
mod record;
mod rows;
mod weights;
mod writer;

pub mod inspect;

pub use attribute::{Attribute, Value};
pub use discard::discard;
pub use error::ResultError;
pub use netcdf::{Array, ArrayFile};
pub use output::{check_output, free_space};
pub use provenance::{Provenance, host, utc};
pub use reader::{ResultReader, VariableInfo};
pub use record::{Data, Dimension, Group, Variable};
pub use rows::{RowLayout, RowVariable, UnknownVariable};
pub use weights::{feedback_variable, layer_axis, weights_group};
pub use writer::{Format, Header, ResultWriter, Status, Written, create};

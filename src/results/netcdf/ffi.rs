//! The three calls of the HDF5 library that the bindings do not wrap: dimension scales and
//! chunks that are already compressed.
//!
//! All unsafe code of this crate is here.

use std::ffi::CString;
use std::os::raw::{c_char, c_uint};

use hdf5::Dataset;
use hdf5_sys::h5d::H5Dwrite_chunk;
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::{h5::herr_t, h5i::hid_t};

// Linked by build.rs, or by the bindings when HDF5 is built in.
unsafe extern "C" {
    fn H5DSset_scale(scale: hid_t, name: *const c_char) -> herr_t;
    fn H5DSattach_scale(dataset: hid_t, scale: hid_t, axis: c_uint) -> herr_t;
}

/// Turns a dataset into a dimension scale called `name`.
pub(super) fn set_scale(dataset: &Dataset, name: &str) -> hdf5::Result<()> {
    let name = CString::new(name).map_err(|_| "a dimension name with a NUL character")?;
    // The library is not re-entrant: every call goes through the lock of the bindings.
    hdf5::sync::sync(|| {
        // SAFETY: `dataset` is borrowed, so its identifier stays valid during the call; `name` is
        // a NUL-terminated string that outlives it; the lock is held.
        check(unsafe { H5DSset_scale(dataset.id(), name.as_ptr()) })
    })
}

/// Makes `scale` the dimension of `dataset` along `axis`.
pub(super) fn attach_scale(dataset: &Dataset, scale: &Dataset, axis: usize) -> hdf5::Result<()> {
    let axis = c_uint::try_from(axis).map_err(|_| "more axes than HDF5 counts")?;
    hdf5::sync::sync(|| {
        // SAFETY: both identifiers belong to borrowed datasets; an axis out of range is an error
        // the library reports; the lock is held.
        check(unsafe { H5DSattach_scale(dataset.id(), scale.id(), axis) })
    })
}

/// Stores `bytes`, which the dataset's filters have already been applied to, as the chunk whose
/// first element is at `offset`.
pub(super) fn write_chunk(dataset: &Dataset, offset: &[u64], bytes: &[u8]) -> hdf5::Result<()> {
    if offset.len() != dataset.ndim() {
        return Err("an offset with another number of axes than the dataset".into());
    }
    hdf5::sync::sync(|| {
        // SAFETY: `dataset` is borrowed, so its identifier stays valid; `offset` has one entry
        // per axis, as checked above; `bytes` is readable for the length given; both outlive the
        // call, which copies them; the lock is held.
        check(unsafe {
            H5Dwrite_chunk(
                dataset.id(),
                H5P_DEFAULT,
                0,
                offset.as_ptr(),
                bytes.len(),
                bytes.as_ptr().cast(),
            )
        })
    })
}

fn check(status: herr_t) -> hdf5::Result<()> {
    if status < 0 { Err(hdf5::Error::query()?) } else { Ok(()) }
}

//! The record model and its writers: HDF5 (also valid netCDF-4), CSV and JSON.

//! Writing, reading back and interoperability of result files.

#[path = "../support/mod.rs"]
mod support;

mod round_trip;

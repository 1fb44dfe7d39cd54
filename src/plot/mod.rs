//! Pictures from result files.

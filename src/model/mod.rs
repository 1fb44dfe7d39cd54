//! Model files: TOML text to a validated specification to built objects.

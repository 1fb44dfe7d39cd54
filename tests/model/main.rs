//! Model files: what is accepted, what is refused, and how it is said.

mod docs;
mod full;
mod grid;
mod hostile;
mod keys;
mod misspelt;
mod names;
mod numbers;
mod overrides;
mod rendered;
mod sections;
mod support;
mod sweep;

//! Model files: what is accepted, what is refused, and how it is said.

mod full;
mod support;

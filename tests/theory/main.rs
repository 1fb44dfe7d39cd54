//! The theory checks: they pass, and each can fail.

mod outcomes;

//! The theory checks: they pass, each can fail, and `dinv validate` tells.

mod browser;
mod command;
mod documented;
mod failures;
mod outcomes;

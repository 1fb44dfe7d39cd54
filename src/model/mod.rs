//! Model files: TOML text to a validated specification to built objects.
//!
//! [`Model::load`] reads a file, applies overrides, checks every key against the one list
//! [`spec::KEYS`], fills in the defaults and checks that the parts fit together. What comes out
//! is a plain [`spec::Specification`]; what can go wrong is a [`ModelError`] that says what,
//! where, and what to do.
//!
//! ```
//! use std::path::Path;
//! use dynamic_inversion::model::Model;
//!
//! let text = r#"
//!     schema_version = 1
//!     [dynamics.linear]
//!     a = [[-1, 0.5], [0, -2]]
//!     [run]
//!     t_span = [0, 10]
//! "#;
//! let model = Model::parse("decay.toml", text, Path::new("."), &[])?;
//! assert_eq!(model.specification().run.as_ref().map(|r| r.t_span), Some([0.0, 10.0]));
//!
//! let misspelt = text.replace("t_span", "t_spam");
//! let error = Model::parse("decay.toml", &misspelt, Path::new("."), &[]).unwrap_err();
//! assert_eq!((error.location().line, error.location().column), (6, 5));
//! # Ok::<(), dynamic_inversion::model::ModelError>(())
//! ```

mod build;
mod check;
mod decode;
mod derive;
mod document;
mod error;
pub mod grid;
mod key;
mod key_path;
mod lookup;
pub(crate) mod memory;
mod model_file;
mod numbers;
mod overrides;
mod points;
mod print;
mod shared;
pub mod spec;
mod suggest;
mod sweep_plan;
mod validate;

pub use build::{
    Cascade, Equations, FeedbackMatrix, FeedbackTable, OperatingPoint, StabilisedLoop, System,
    TrainingData,
};
pub use error::{Location, ModelError, Problem};
pub use key::{Axis, Bounds, Key, Kind, Preset};
pub use key_path::{KeyPath, Segment};
pub use model_file::{Model, SCHEMA_VERSION};
pub use overrides::Override;
pub use sweep_plan::{SweepAxis, SweepPlan, SweepPoint};

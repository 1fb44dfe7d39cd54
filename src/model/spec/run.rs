//! `[run]`: span, output times, stop conditions.

use serde::{Deserialize, Serialize};

use crate::model::key::{Bounds, Key, Kind, Preset, VECTOR};

/// What `dinv run` does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Start and end, s; the end may lie before the start.
    pub t_span: [f64; 2],
    /// Times of the rows; absent only before the defaults are resolved.
    pub save_at: Option<SaveAt>,
    /// When to stop before the end.
    pub stop: Option<Stop>,
    /// Crossings to locate.
    #[serde(default)]
    pub events: Vec<Event>,
    /// Names of the blocks and observables to record; everything when absent.
    pub record: Option<Vec<String>>,
}

/// Times of the rows. Start and end are always among them, except for `times` and `end`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SaveAt {
    /// `t_start + k every`, and the end.
    Every(f64),
    /// So many times, evenly spaced, both ends included.
    Count(usize),
    /// These times.
    Times(Vec<f64>),
    /// The start, then times whose distance from it grows geometrically from `first` to the end.
    Log {
        /// Distance of the first time from the start, s.
        first: f64,
        /// Number of times after the start.
        count: usize,
    },
    /// Every accepted step.
    Steps,
    /// The end only.
    End,
}

/// When to stop before the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// At a steady state.
    pub steady_state: Option<SteadyStateStop>,
}

/// Stop when the scaled vector field stays small.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SteadyStateStop {
    /// Largest scaled norm of the vector field, per block.
    pub tolerance: f64,
    /// For how long it must stay below, s.
    pub dwell: f64,
}

/// A crossing of a level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// A state component such as `state[0]`, or an observable such as `residual`.
    pub component: String,
    /// The target in a batch, from 0.
    pub target: usize,
    /// The level.
    pub level: f64,
    /// Which crossings count.
    pub direction: Direction,
    /// Whether the run ends there.
    pub terminal: bool,
}

/// Which crossings of a level count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From below.
    Rising,
    /// From above.
    Falling,
    /// Both.
    Either,
}

const SAVE_AT: Kind = Kind::OneOf(&[
    Key::new("every", Kind::Float(Bounds::POSITIVE), "distance of the rows; the end is always one")
        .optional("")
        .unit("s"),
    Key::new("count", Kind::Integer(2), "number of rows, evenly spaced, both ends included")
        .optional(""),
    Key::new("times", VECTOR, "times of the rows, in the direction of the span")
        .optional("")
        .unit("s"),
    Key::variant(
        "log",
        &[
            Key::float("first", Bounds::POSITIVE, "distance of the second row from the start")
                .unit("s"),
            Key::new(
                "count",
                Kind::Integer(2),
                "number of rows after the start, the last at the end",
            ),
        ],
        "the start, then rows at geometrically growing distances from it",
    ),
    Key::word("steps", "every accepted step"),
    Key::word("end", "the end only"),
]);

const STEADY_STATE: &[Key] = &[
    Key::float("tolerance", Bounds::POSITIVE, "largest scaled norm of the vector field, per block")
        .or(Preset::Float(1e-9)),
    Key::float("dwell", Bounds::NOT_NEGATIVE, "how long it must stay below")
        .or(Preset::Float(5.0))
        .unit("s"),
];

const EVENT: Kind = Kind::Section(&[
    Key::new(
        "component",
        Kind::Text,
        "a component such as `state[0]`, or an observable such as `residual`",
    ),
    Key::new("target", Kind::Integer(0), "the target in a batch, from 0").or(Preset::Integer(0)),
    Key::float("level", Bounds::FINITE, "the level that is crossed").or(Preset::Float(0.0)),
    Key::new("direction", Kind::Choice(&["rising", "falling", "either"]), "which crossings count")
        .or(Preset::Word("either")),
    Key::flag("terminal", false, "whether the run ends there"),
]);

/// Keys of `[run]`.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "t_span",
        Kind::Tuple(&["t_start", "t_end"]),
        "start and end; backward and negative spans are allowed",
    )
    .unit("s"),
    Key::new("save_at", SAVE_AT, "times of the rows")
        .or(Preset::Derived("`\"steps\"`; with the solver `exact`: `{ count = 201 }`")),
    Key::new(
        "stop",
        Kind::Section(&[Key::new(
            "steady_state",
            Kind::Section(STEADY_STATE),
            "stop at a steady state, confirmed by Newton's method",
        )
        .optional("no")]),
        "when to stop before the end",
    )
    .optional("at the end"),
    Key::new("events", Kind::List(&EVENT), "crossings to locate").optional("none"),
    Key::new("record", Kind::List(&Kind::Text), "names of the blocks and observables to record")
        .optional("everything"),
];

impl Event {
    /// The name and position in [`component`](Self::component); `None` when it is malformed,
    /// which a validated specification excludes.
    #[must_use]
    pub fn component_parts(&self) -> Option<(&str, Option<usize>)> {
        let is_name = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_alphanumeric() || c == '_');
        let text = self.component.as_str();
        match text.split_once('[') {
            None => is_name(text).then_some((text, None)),
            Some((name, rest)) => {
                let index = rest.strip_suffix(']')?.trim().parse().ok()?;
                is_name(name).then_some((name, Some(index)))
            }
        }
    }
}

//! Numerical integration: steppers, step control, dense output, events and steady states.
//!
//! The pieces are kept apart so that each can be read, tested and replaced alone: a
//! [`VectorField`](crate::dynamics::VectorField) says what is integrated, a [`Method`] how,
//! [`Options`] how accurately, [`SaveAt`] what is reported. [`Integrator`] yields one accepted
//! step after the other; [`Run`] drives it to the end and passes rows, steps and events to an
//! [`Observer`], which can look inside steps through the method's continuous extension and can
//! stop the run. What is reported never changes the steps that are taken.

mod auto;
mod backends;
mod compare;
mod errors;
mod events;
mod exact;
mod explicit;
mod implicit;
mod initial_step;
mod method;
mod methods;
mod noise;
mod norm;
mod observer;
mod options;
mod outcome;
mod problem;
mod run;
mod save_at;
mod scheme;
mod semi_implicit;
mod setup;
mod solver;
mod spectral_radius;
mod steady_state;
mod step;
mod step_control;
mod stepper;
mod stiffness;
mod stochastic;
mod tableau;
mod tolerance;
mod vector;

pub use backends::{BACKENDS, Backend};
pub use compare::{CompareError, CrossCheck, cross_check, estimate_error};
pub use errors::{FailureReason, IntegrateError, InvalidRun, InvalidSaveAt, UnknownMethod};
pub use events::{Direction, Event, EventFunction};
pub use exact::{ExactError, ExactForm, ExactSolution};
pub use method::{Kind, METHODS, Method};
pub use methods::{
    AUTO, DOP853, DOPRI5, EULER, EULER_MARUYAMA, EXPONENTIAL_EULER_MARUYAMA, IMPLICIT, RK4,
    SEMI_IMPLICIT_EULER, TSIT5,
};
pub use noise::Noise;
pub use observer::{Flow, Observer, StepSizes, Stretch, Trajectory};
pub use options::Options;
pub use outcome::{EventHit, Outcome, Statistics, Status, Warning};
pub use problem::{Problem, solve};
pub use run::Run;
pub use save_at::SaveAt;
pub use solver::Solver;
pub use steady_state::{Equilibrium, Refusal, SteadyState};
pub use step::Step;
pub use stepper::Integrator;
pub use tableau::{ErrorEstimate, Tableau};
pub use tolerance::{Atol, MIN_RTOL, Tolerances};

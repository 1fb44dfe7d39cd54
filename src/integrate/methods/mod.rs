//! One file per method.

mod auto;
mod dop853;
mod dopri5;
mod euler;
mod euler_maruyama;
mod exponential_euler_maruyama;
mod implicit;
mod rk4;
mod semi_implicit_euler;
mod tsit5;

pub use auto::AUTO;
pub use dop853::DOP853;
pub use dopri5::DOPRI5;
pub use euler::EULER;
pub use euler_maruyama::EULER_MARUYAMA;
pub use exponential_euler_maruyama::EXPONENTIAL_EULER_MARUYAMA;
pub(crate) use implicit::GAMMA;
pub use implicit::IMPLICIT;
pub use rk4::RK4;
pub use semi_implicit_euler::SEMI_IMPLICIT_EULER;
pub use tsit5::TSIT5;

//! Loops as differential equations: what cannot be reduced to small linear algebra is integrated.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};

use super::newton;
use super::propagator::Ending;
use super::rule::Pass;
use crate::dynamics::{Dynamics, LoopParameters, Transfer};
use crate::integrate::{self, Method, Options, SEMI_IMPLICIT_EULER};
use crate::linalg::expm::affine_flow;

/// Options of the loops of `ndi`, `di` and `sdi`.
#[derive(Debug, Clone, PartialEq)]
pub struct LoopOptions {
    /// Leak and time constants.
    pub parameters: LoopParameters,
    /// How the state reaches the controller.
    pub transfer: TransferKind,
    /// How long the loops run.
    pub run: Run,
}

impl LoopOptions {
    /// Linear loops at rest with unit time constants.
    #[must_use]
    pub fn at_rest(leak: f64) -> Self {
        Self {
            parameters: LoopParameters::with_leak(leak),
            transfer: TransferKind::Linear,
            run: Run::Equilibrium,
        }
    }
}

/// The transfer `F`, whose activation and operating point come from the network (see [`Transfer`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferKind {
    /// `W r`.
    Linear,
    /// `W g(r)`.
    Nonlinear,
    /// `W (g'(a) * r)`.
    Tangent,
    /// `W (r / g'(a))`.
    InverseSlope,
    /// `W (g(a + r) - g(a))`.
    Deviation,
}

/// How long a loop runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Run {
    /// To its equilibrium.
    Equilibrium,
    /// To a time, by the exact solution of a linear loop.
    Exact {
        /// s.
        time: f64,
    },
    /// To a time, by stepping.
    Steps {
        /// s.
        time: f64,
        /// The method.
        method: &'static Method,
        /// Its step or tolerances.
        options: Options,
    },
}

impl TransferKind {
    /// The transfer of the loop that inverts `layers()[k]` for the examples in `columns`.
    pub(super) fn at(self, pass: &Pass<'_>, k: usize, columns: Range<usize>) -> Transfer {
        let activation = pass.network.layers()[k - 1].activation;
        let operating_point = || {
            let all = &pass.forward.pre_activations[k - 1];
            all.columns(columns.start, columns.len()).into_owned()
        };
        match self {
            Self::Linear => Transfer::Linear,
            Self::Nonlinear => Transfer::Nonlinear { activation },
            Self::Tangent => Transfer::Tangent { activation, operating_point: operating_point() },
            Self::InverseSlope => {
                Transfer::InverseSlope { activation, operating_point: operating_point() }
            }
            Self::Deviation => {
                Transfer::Deviation { activation, operating_point: operating_point() }
            }
        }
    }
}

impl Run {
    /// The ending that needs no stepping, for loops with a constant matrix.
    pub(super) fn ending(&self) -> Option<Ending> {
        match self {
            Self::Equilibrium => Some(Ending::Rest),
            Self::Exact { time } => Some(Ending::Exact { time: *time }),
            Self::Steps { time, method, options } => {
                let step = options.step.filter(|_| **method == SEMI_IMPLICIT_EULER)?;
                let updates = (time / step).round();
                let whole = (updates * step - time).abs() <= 1e-9 * time;
                let capped = updates > options.max_steps as f64;
                (whole && !capped).then_some(Ending::SemiImplicit { step, updates: updates as u64 })
            }
        }
    }
}

/// The state at the end of `dynamics`, or `None` when it could not be reached.
pub(super) fn end_state(dynamics: &dyn Dynamics, run: &Run) -> Option<Vec<f64>> {
    let finite = |y: Vec<f64>| y.iter().all(|x| x.is_finite()).then_some(y);
    match run {
        Run::Equilibrium if dynamics.is_linear() => {
            dynamics.closed_form_equilibrium().ok().and_then(finite)
        }
        Run::Equilibrium => at_rest(dynamics).and_then(finite),
        Run::Exact { time } => {
            let n = dynamics.dim();
            let (mut jacobian, mut constant) = (DMatrix::zeros(n, n), DVector::zeros(n));
            let start = DVector::from_vec(dynamics.initial_state());
            dynamics.jacobian(0.0, start.as_slice(), &mut jacobian);
            dynamics.eval(0.0, vec![0.0; n].as_slice(), constant.as_mut_slice());
            let (flow, shift) = affine_flow(&jacobian, &constant, *time).ok()?;
            finite((flow * start + shift).as_slice().to_vec())
        }
        Run::Steps { time, method, options } => {
            let start = dynamics.initial_state();
            let run = integrate::Run::new(dynamics, method, (0.0, *time), &start);
            let outcome = run.options(options.clone()).integrate(&mut ()).ok()?;
            finite(outcome.y)
        }
    }
}

/// The equilibrium of every target by Newton iteration, blocks put together again.
fn at_rest(dynamics: &dyn Dynamics) -> Option<Vec<f64>> {
    let layout = dynamics.layout();
    let mut state = vec![0.0; dynamics.dim()];
    for column in 0..layout.columns() {
        let reduced = dynamics.reduced(column)?;
        let lifted = newton::equilibrium(reduced.as_ref())?;
        let mut from = 0;
        for block in layout.blocks() {
            let range = block.range.start + column * block.rows;
            state[range..range + block.rows].copy_from_slice(&lifted[from..from + block.rows]);
            from += block.rows;
        }
    }
    Some(state)
}

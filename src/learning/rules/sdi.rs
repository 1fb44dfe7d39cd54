//! `sdi`: dynamic inversion through a single loop.

use std::ops::Range;
use std::sync::Arc;

use nalgebra::DMatrix;

use super::di::check_parameters;
use crate::dynamics::{ChainLayer, DynamicsError, LoopParameters, SingleLoop};
use crate::learning::feedback::check;
use crate::learning::propagator::add_to_diagonal;
use crate::learning::pseudoinverse::solve_columns;
use crate::learning::rule::{Errors, Loops, Pass, Rule, finish};
use crate::learning::trajectory::end_state;
use crate::learning::{LearningError, LoopOptions, Run, TransferKind};
use crate::linalg::gemm::matmul;
use crate::linalg::kernels;
use crate::linalg::lu::Lu;
use crate::network::Network;

/// Dynamic inversion through a single loop: the output controller drives the first hidden layer
/// through `B` (`n_1 x n_L`), the layers above follow, and the state of each at the end of the run,
/// times `g'(a_l)`, is its error.
///
/// ```text
/// tau_state      r_1' = -r_1 + B u
/// tau_state      r_l' = -r_l + F_l(r_{l-1})        l = 2 .. L-1
/// tau_controller u'   = -leak u + F_L(r_{L-1}) - delta_L
/// ```
///
/// # Source
/// Podlaski & Machens 2020 (arXiv:2007.05112), single-loop dynamic inversion; any depth.
pub struct Sdi {
    feedback: Arc<DMatrix<f64>>,
    options: LoopOptions,
}

impl Sdi {
    /// The rule with its one feedback matrix.
    ///
    /// # Errors
    /// [`LearningError`] when the shape does not fit or a parameter is out of range.
    pub fn new(
        network: &Network,
        feedback: DMatrix<f64>,
        options: LoopOptions,
    ) -> Result<Self, LearningError> {
        let sizes = network.sizes();
        check("sdi", std::iter::once(Some(&feedback)), &[(sizes[1], sizes[sizes.len() - 1])])?;
        check_parameters(&options.parameters)?;
        let (hidden, controllers) = (&sizes[1..sizes.len() - 1], sizes[sizes.len() - 1]);
        let states = hidden.iter().copied().min().unwrap_or(controllers);
        if options.parameters.leak == 0.0 && controllers > states {
            let (layer, drifting) = (sizes.len() - 1, controllers - states);
            return Err(LearningError::Drifts { layer, controllers, states, drifting });
        }
        Ok(Self { feedback: Arc::new(feedback), options })
    }

    /// The loop for the examples in `columns`.
    fn chain(
        &self,
        pass: &Pass<'_>,
        columns: Range<usize>,
        weights: &[Arc<DMatrix<f64>>],
        delta: &DMatrix<f64>,
    ) -> Result<SingleLoop, DynamicsError> {
        let layer = |(k, weights): (usize, &Arc<DMatrix<f64>>)| ChainLayer {
            weights: Arc::clone(weights),
            transfer: self.options.transfer.at(pass, k + 1, columns.clone()),
        };
        let target = delta.columns(columns.start, columns.len()).into_owned();
        let parameters: LoopParameters = self.options.parameters;
        let layers = weights.iter().enumerate().map(layer).collect();
        SingleLoop::new(layers, Arc::clone(&self.feedback), target, parameters)
    }
}

impl Sdi {
    /// Linear loops at rest: `(K - leak I) u = delta_L` with `K = W_L .. W_2 B`, `r_1 = B u`,
    /// `r_l = W_l r_{l-1}`.
    fn linear_rest(&self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        let upper = &pass.network.layers()[1..];
        let (hidden, output) = errors.delta.split_at_mut(upper.len());
        let mut images = vec![self.feedback.as_ref().clone()];
        for layer in upper {
            let image = matmul(&layer.weights, &images[images.len() - 1]);
            images.push(image);
        }
        let mut system = images.pop().expect("starts with one matrix");
        add_to_diagonal(&mut system, -self.options.parameters.leak);
        let system = Lu::without_condition(&system)
            .map_err(|source| LearningError::Singular { layer: 2, source })?;
        let controllers = solve_columns(&system, &output[0]);
        for (k, (delta, image)) in hidden.iter_mut().zip(&images).enumerate() {
            kernels::gemm(image, controllers.as_slice(), delta.as_mut_slice());
            finish(pass, k, delta);
        }
        Ok(())
    }
}

/// Writes the stages of the examples in `columns`, or zeros when there are none.
fn place(hidden: &mut [DMatrix<f64>], columns: Range<usize>, state: Option<&[f64]>) {
    let mut from = 0;
    for delta in hidden {
        let (n, length) = (delta.nrows(), delta.nrows() * columns.len());
        let out = &mut delta.as_mut_slice()[columns.start * n..columns.end * n];
        match state {
            Some(y) => out.copy_from_slice(&y[from..from + length]),
            None => out.fill(0.0),
        }
        from += length;
    }
}

impl Rule for Sdi {
    fn name(&self) -> &'static str {
        "sdi"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        if self.options.transfer == TransferKind::Linear && self.options.run == Run::Equilibrium {
            return self.linear_rest(pass, errors);
        }
        let upper = pass.network.layers()[1..].iter();
        let weights: Vec<_> = upper.map(|l| Arc::new(l.weights.clone())).collect();
        let (hidden, output) = errors.delta.split_at_mut(weights.len());
        let end = |columns: Range<usize>| {
            let chain = self
                .chain(pass, columns, &weights, &output[0])
                .map_err(|source| LearningError::Dynamics { layer: 2, source })?;
            Ok::<_, LearningError>(end_state(&chain, &self.options.run))
        };
        let columns = output[0].ncols();
        // Runs side by side share their steps, and products of matrices.
        let together = columns > 1 && self.options.run != Run::Equilibrium;
        if together && let Some(y) = end(0..columns)? {
            place(hidden, 0..columns, Some(&y));
        } else {
            for column in 0..columns {
                let state = end(column..column + 1)?;
                errors.converged[column] &= state.is_some();
                place(hidden, column..column + 1, state.as_deref());
            }
        }
        for (k, delta) in hidden.iter_mut().enumerate() {
            finish(pass, k, delta);
        }
        Ok(())
    }

    fn feedback(&self, _network: &Network) -> Vec<DMatrix<f64>> {
        vec![self.feedback.as_ref().clone()]
    }

    fn set_feedback(&mut self, mut matrices: Vec<DMatrix<f64>>) {
        if let Some(matrix) = matrices.pop() {
            self.feedback = Arc::new(matrix);
        }
    }

    fn run(&self) -> Option<&Run> {
        Some(&self.options.run)
    }

    fn loops(&self) -> Option<Loops> {
        Some(Loops { parameters: self.options.parameters, single: true, runs: true })
    }
}

//! Exact solutions of linear equations: no stepping, any time at the same cost.
//!
//! With `f = x'(t_0)` the solution of `x' = J x + c` is `x(t) = x(t_0) + integral_0^t e^(J s) f ds`.
//! This form needs no equilibrium, so it also holds where `J` is singular. Three ways to evaluate it:
//!
//! | form | when | cost per time and target |
//! |---|---|---|
//! | layer modes | one layer loop; eigenvectors of the small product safe | two products with the small layer's size |
//! | dense modes | any other linear equation with safe eigenvectors | one product with a square matrix |
//! | flow | everything else (defective or nearly so) | two products, and one exponential per distinct step |
//!
//! Eigenvectors are safe when they are orthonormal up to a moderate scaling (`B` tied to `W`), or
//! when the condition number of the basis is at most 1e5. All targets that share a
//! Jacobian share one factorisation, and their products are matrix-matrix products.
//!
//! The error is rounding: about the condition number of the basis (1 for orthonormal ones) times the
//! rounding unit times the largest of `|x(t_0)|` and the distance travelled, and that of slow rates
//! beside fast ones, known to a rounding unit of the fastest. It is absolute, so a
//! state that has decayed to 1e-20 is zero within rounding and nothing more. Flows of defective
//! matrices are as accurate as matrix exponentials of their norm.

mod basis;
mod columns;
mod dense;
mod divided;
mod drive;
mod error;
mod layer;

use std::ops::Range;

use nalgebra::DMatrix;

use super::errors::InvalidRun;
use super::observer::Trajectory;
use crate::dynamics::{Dynamics, NoClosedForm, Structure};

use columns::{gather, own_jacobians, scatter_add, shared_jacobian};
use dense::{DenseModes, Walk};
use layer::{LayerModes, Settled, Workspace};

pub(crate) use drive::solve;
pub use error::ExactError;

/// How an exact solution is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExactForm {
    /// Modes of the smaller of the two layers of a loop.
    LayerModes,
    /// Modes of the whole Jacobian.
    DenseModes,
    /// Matrix exponentials of distinct time steps.
    Flow,
}

/// The solution of a linear equation through one point.
///
/// ```
/// use dynamic_inversion::dynamics::LinearDynamics;
/// use dynamic_inversion::integrate::ExactSolution;
/// use nalgebra::dmatrix;
///
/// let decay = LinearDynamics::new(dmatrix![-1.0], vec![0.0])?;
/// let solution = ExactSolution::new(&decay, 0.0, &[1.0])?;
/// let mut y = [0.0];
/// solution.state(2.0, &mut y)?;
/// assert!((y[0] - f64::exp(-2.0)).abs() < 1e-16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ExactSolution<'a> {
    dynamics: &'a dyn Dynamics,
    t0: f64,
    y0: Vec<f64>,
    parts: Vec<Part>,
}

/// Targets with one Jacobian.
struct Part {
    columns: Range<usize>,
    form: Form,
}

enum Form {
    Layer(LayerModes),
    Dense(DenseModes),
    Flow(dense::Flow),
}

/// Columns of coordinates formed at once: enough for matrix-matrix products to run at full speed,
/// few enough to stay in cache.
const BATCH: usize = 64;

/// How far each part has come, and buffers.
pub(crate) struct Cursor {
    places: Vec<Place>,
    work: Workspace,
    elapsed: Vec<f64>,
}

/// How far one part has come, where that saves work.
enum Place {
    Layer(Settled),
    Dense,
    Flow(Walk),
}

impl<'a> ExactSolution<'a> {
    /// The solution with `y(t0) = y0`.
    ///
    /// # Errors
    /// [`InvalidRun`] when the equation is not linear, the start does not fit or is not finite, or
    /// the Jacobian cannot be decomposed.
    pub fn new(dynamics: &'a dyn Dynamics, t0: f64, y0: &[f64]) -> Result<Self, InvalidRun> {
        if !dynamics.is_linear() {
            let reason = match dynamics.closed_form_equilibrium() {
                Err(NoClosedForm::Nonlinear { reason }) => reason,
                _ => "its Jacobian is not declared constant".to_owned(),
            };
            return Err(ExactError::NotLinear { reason }.into());
        }
        let derivative = start_derivative(dynamics, t0, y0)?;
        let parts = parts(dynamics, t0, y0, &derivative)?;
        Ok(Self { dynamics, t0, y0: y0.to_vec(), parts })
    }

    /// Start time.
    #[must_use]
    pub fn t0(&self) -> f64 {
        self.t0
    }

    /// How target `column` is evaluated.
    #[must_use]
    pub fn form(&self, column: usize) -> ExactForm {
        let part = self.parts.iter().find(|part| part.columns.contains(&column));
        match part.map(|part| &part.form) {
            Some(Form::Layer(_)) => ExactForm::LayerModes,
            Some(Form::Dense(_)) => ExactForm::DenseModes,
            Some(Form::Flow(_)) | None => ExactForm::Flow,
        }
    }

    /// Factorisations that the solution rests on: one for all targets that share a Jacobian.
    #[must_use]
    pub fn factorisations(&self) -> usize {
        self.parts.len()
    }

    /// Writes `y(t)` to `out`; `t` may lie before the start.
    ///
    /// # Errors
    /// [`ExactError`] where the solution leaves the range of numbers.
    pub fn state(&self, t: f64, out: &mut [f64]) -> Result<(), ExactError> {
        self.rows(&mut self.cursor(), &[t], out)
    }

    /// `y` at every time.
    ///
    /// # Errors
    /// As [`state`](Self::state).
    pub fn states(&self, times: &[f64]) -> Result<Trajectory, ExactError> {
        let dim = self.y0.len();
        let mut states = vec![0.0; dim * times.len()];
        let mut cursor = self.cursor();
        let at_once = self.rows_at_once();
        for (times, rows) in times.chunks(at_once).zip(states.chunks_mut(dim * at_once)) {
            self.rows(&mut cursor, times, rows)?;
        }
        Ok(Trajectory { times: times.to_vec(), states, dim })
    }

    pub(crate) fn cursor(&self) -> Cursor {
        let place = |part: &Part| match &part.form {
            Form::Layer(_) => Place::Layer(Settled::default()),
            Form::Dense(_) => Place::Dense,
            Form::Flow(flow) => Place::Flow(flow.walk()),
        };
        Cursor {
            places: self.parts.iter().map(place).collect(),
            work: Workspace::default(),
            elapsed: Vec::new(),
        }
    }

    /// Rows that are best formed together.
    pub(crate) fn rows_at_once(&self) -> usize {
        (BATCH / self.dynamics.layout().columns()).max(1)
    }

    /// A bound on the largest rate of the solution, 1/s.
    pub(crate) fn largest_rate(&self) -> f64 {
        let rate = |part: &Part| match &part.form {
            Form::Layer(modes) => modes.radius(),
            Form::Dense(modes) => modes.radius(),
            Form::Flow(flow) => flow.radius(),
        };
        self.parts.iter().map(rate).fold(0.0, f64::max)
    }

    /// Writes one state after the other to `rows`.
    pub(crate) fn rows(
        &self,
        cursor: &mut Cursor,
        times: &[f64],
        rows: &mut [f64],
    ) -> Result<(), ExactError> {
        let dim = self.y0.len();
        let Cursor { places, work, elapsed } = cursor;
        elapsed.clear();
        elapsed.extend(times.iter().map(|t| t - self.t0));
        for row in rows.chunks_exact_mut(dim) {
            row.copy_from_slice(&self.y0);
        }
        for (part, place) in self.parts.iter().zip(places) {
            self.add_part(part, (place, work), elapsed, rows)?;
        }
        Ok(())
    }

    fn add_part(
        &self,
        part: &Part,
        (place, work): (&mut Place, &mut Workspace),
        elapsed: &[f64],
        rows: &mut [f64],
    ) -> Result<(), ExactError> {
        let layout = self.dynamics.layout();
        let rows = rows.chunks_exact_mut(self.y0.len());
        match (&part.form, place) {
            (Form::Layer(modes), Place::Layer(settled)) => {
                let blocks = layout.blocks();
                let within = |k: usize| {
                    let block = &blocks[k];
                    let first = block.range.start + part.columns.start * block.rows;
                    first..first + part.columns.len() * block.rows
                };
                let (state, controller) = (within(0), within(1));
                let pairs = rows
                    .map(|row| {
                        let (head, tail) = row.split_at_mut(blocks[1].range.start);
                        let start = controller.start - blocks[1].range.start;
                        (&mut head[state.clone()], &mut tail[start..start + controller.len()])
                    })
                    .collect();
                modes.add(elapsed, pairs, (settled, work));
            }
            (Form::Dense(modes), Place::Dense) => {
                let deviations = modes.deviations(elapsed);
                let size = deviations.len() / elapsed.len();
                for (row, deviation) in rows.zip(deviations.as_slice().chunks_exact(size)) {
                    scatter_add(layout, deviation, part.columns.clone(), row);
                }
            }
            (Form::Flow(flow), Place::Flow(walk)) => {
                for (row, t) in rows.zip(elapsed) {
                    let deviation = flow.advance(walk, *t)?;
                    scatter_add(layout, deviation.as_slice(), part.columns.clone(), row);
                }
            }
            _ => unreachable!("a cursor holds a place of the right kind for every part"),
        }
        Ok(())
    }
}

/// `f(t0, y0)` of a start that fits and is finite.
pub(super) fn start_derivative(
    dynamics: &dyn Dynamics,
    t0: f64,
    y0: &[f64],
) -> Result<Vec<f64>, InvalidRun> {
    let n = dynamics.dim();
    if y0.len() != n {
        return Err(InvalidRun::Length { what: "the initial state", expected: n, found: y0.len() });
    }
    if !t0.is_finite() {
        return Err(InvalidRun::Time { end: "t_start", value: t0 });
    }
    let not_finite = |x: &[f64]| x.iter().position(|x| !x.is_finite());
    if let Some(i) = not_finite(y0) {
        let component = dynamics.component_name(i);
        return Err(InvalidRun::InitialValue { component, value: y0[i] });
    }
    let mut derivative = vec![0.0; n];
    dynamics.eval(t0, y0, &mut derivative);
    if let Some(i) = not_finite(&derivative) {
        let component = dynamics.component_name(i);
        return Err(InvalidRun::InitialDerivative { component, value: derivative[i], t: t0 });
    }
    Ok(derivative)
}

fn parts(
    dynamics: &dyn Dynamics,
    t0: f64,
    y0: &[f64],
    derivative: &[f64],
) -> Result<Vec<Part>, ExactError> {
    let columns = dynamics.layout().columns();
    let shared = dynamics.shares_jacobian();
    let groups: Vec<Range<usize>> = if shared {
        std::iter::once(0..columns).collect()
    } else {
        (0..columns).map(|k| k..k + 1).collect()
    };
    let mut parts = Vec::with_capacity(groups.len());
    for group in &groups {
        let Some(modes) = layer_modes(dynamics, (t0, y0), derivative, group.clone())? else {
            break;
        };
        parts.push(Part { columns: group.clone(), form: Form::Layer(modes) });
    }
    if parts.len() == groups.len() {
        return Ok(parts);
    }
    parts.clear();
    let displacement = displacement(dynamics, y0);
    let mut part = |columns: Range<usize>, jacobian: DMatrix<f64>| {
        let of_columns = |y: &[f64]| gather(dynamics.layout(), y, columns.clone());
        let derivative = of_columns(derivative);
        // Eigenvectors that are unsafe for the small product are unsafe for the whole loop.
        let modes = if is_layer_loop(dynamics, t0, y0) {
            None
        } else {
            let displacement = displacement.as_deref().map(of_columns);
            DenseModes::new(&jacobian, &derivative, displacement.as_ref())?
        };
        let form = match modes {
            Some(modes) => Form::Dense(modes),
            None => Form::Flow(dense::Flow::new(jacobian, derivative)),
        };
        parts.push(Part { columns, form });
        Ok::<(), ExactError>(())
    };
    if shared {
        part(0..columns, shared_jacobian(dynamics, t0, y0))?;
    } else {
        own_jacobians(dynamics, t0, y0, |column, jacobian| part(column..column + 1, jacobian))?;
    }
    Ok(parts)
}

/// Where the start lies from the equilibrium, if there is exactly one.
fn displacement(dynamics: &dyn Dynamics, y0: &[f64]) -> Option<Vec<f64>> {
    let rest = dynamics.closed_form_equilibrium().ok()?;
    Some(y0.iter().zip(&rest).map(|(y, rest)| y - rest).collect())
}

/// The modes of a dynamics that is one layer loop, where they are safe.
fn layer_modes(
    dynamics: &dyn Dynamics,
    (t0, y0): (f64, &[f64]),
    derivative: &[f64],
    columns: Range<usize>,
) -> Result<Option<LayerModes>, ExactError> {
    let Structure::LayerLoops(loops) = dynamics.structure(t0, y0, columns.start) else {
        return Ok(None);
    };
    let ([layer], [state, controller]) = (loops.as_slice(), dynamics.layout().blocks()) else {
        return Ok(None);
    };
    let block = |block: &crate::dynamics::Block| {
        let first = block.range.start + columns.start * block.rows;
        let values = &derivative[first..first + block.rows * columns.len()];
        DMatrix::from_column_slice(block.rows, columns.len(), values)
    };
    LayerModes::new(layer, block(state), block(controller))
}

fn is_layer_loop(dynamics: &dyn Dynamics, t0: f64, y0: &[f64]) -> bool {
    matches!(dynamics.structure(t0, y0, 0), Structure::LayerLoops(loops) if loops.len() == 1)
}

//! Theorem 3: a Lyapunov function of the nonlinear loop.

use std::ops::ControlFlow;

use nalgebra::{DMatrix, DVector};

use crate::dynamics::{Transfer, VectorField};
use crate::integrate::{AUTO, Flow, Observer, Options, Problem, Solver, Step, solve};
use crate::network::Activation;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{CertifiedFeedback, FeedbackKind, LoopInstance, certified_feedback};

/// The claim.
pub const CHECK: Check = Check {
    id: "theorem-3-decrease",
    claim: "with B = -P W^T R a Lyapunov function falls along every trajectory of the nonlinear loop",
    equation: r"\frac{dV}{dt} = - \sum_i \frac{(g(r_i) - g(r^*_i)) (r_i - r^*_i)}{P_i} - \alpha (u - u^*)^T R (u - u^*) \leq 0",
    source: "docs/theory.md, theorem 3",
    method: "tanh, softplus, sigmoid and leaky relu, one after the other, from far away: V at every \
             accepted step, and its derivative against the gradient of V times the vector field",
    instances: Instances { usual: 200, thorough: 4800 },
    measure: |draw| measure(draw, rate),
    model: |draw| {
        let case = Case::draw(draw)?;
        let model = case.instance.model(CHECK.id, Some(case.g)).initial(&case.start);
        Ok(model.run("auto", "rtol = 1e-9\natol = 1e-11", T_END, 201))
    },
};

/// `dV/dt` of a case at a state `(r, u)`.
pub type Formula = fn(&Case, &[f64]) -> f64;

const T_END: f64 = 40.0;

/// A certified loop, its rest state and a start.
pub struct Case {
    /// The loop; its target makes `rest` an equilibrium.
    pub instance: LoopInstance,
    /// The activation.
    pub g: Activation,
    /// The diagonal of `P`.
    pub p: DVector<f64>,
    /// `R`.
    pub r: DMatrix<f64>,
    /// `(r*, u*)`.
    pub rest: Vec<f64>,
    /// Where trajectories start.
    pub start: Vec<f64>,
}

impl Case {
    fn draw(draw: &mut Draw) -> Result<Self, Obstacle> {
        let mut instance = LoopInstance::draw(draw, &[FeedbackKind::Transpose])?;
        let all =
            [Activation::Tanh, Activation::Softplus, Activation::Sigmoid, Activation::LeakyRelu];
        let g = all[draw.index % 4];
        let CertifiedFeedback { b, p, r } = certified_feedback(draw, &instance.w)?;
        instance.b = b;
        let u = draw.vector(instance.delta.len(), 1.0);
        let state = &instance.b * &u;
        instance.delta = &instance.w * state.map(|x| g.value(x)) - &u * instance.parameters.leak;
        let rest: Vec<f64> = state.iter().chain(u.iter()).copied().collect();
        let start = rest.iter().map(|x| x + 3.0 * draw.normal()).collect();
        Ok(Self { instance, g, p, r, rest, start })
    }

    fn states(&self) -> usize {
        self.p.len()
    }

    /// `u - u*`.
    #[must_use]
    pub fn controller(&self, y: &[f64]) -> DVector<f64> {
        let n = self.states();
        DVector::from_fn(self.r.nrows(), |k, _| y[n + k] - self.rest[n + k])
    }

    /// `sum_i (g(r_i) - g(r*_i)) (r_i - r*_i) / P_i`.
    #[must_use]
    pub fn loss(&self, y: &[f64]) -> f64 {
        let term = |i: usize| {
            let rise = self.g.value(y[i]) - self.g.value(self.rest[i]);
            rise * (y[i] - self.rest[i]) / self.p[i]
        };
        (0..self.states()).map(term).sum()
    }

    /// `V`, and the sum of the sizes of its terms.
    fn value(&self, y: &[f64]) -> (f64, f64) {
        let (mut value, mut size) = (0.0, 0.0);
        for ((&now, &rest), &p) in y.iter().zip(&self.rest).zip(self.p.iter()) {
            let (high, low) = (self.g.integral(now), self.g.integral(rest));
            let linear = self.g.value(rest) * (now - rest);
            let tau = self.instance.parameters.tau_state / p;
            value += tau * (high - low - linear);
            size += tau * (high.abs() + low.abs() + linear.abs());
        }
        let du = self.controller(y);
        let energy = 0.5 * self.instance.parameters.tau_controller * du.dot(&(&self.r * &du));
        (value + energy, size + energy)
    }

    /// The gradient of `V` times a velocity, and the sum of the sizes of its terms.
    fn along(&self, y: &[f64], velocity: &[f64]) -> (f64, f64) {
        let n = self.states();
        let p = self.instance.parameters;
        let (mut sum, mut size) = (0.0, 0.0);
        for i in 0..n {
            let slope = self.g.value(y[i]) - self.g.value(self.rest[i]);
            let term = p.tau_state / self.p[i] * slope * velocity[i];
            sum += term;
            size += term.abs();
        }
        let force = &self.r * self.controller(y) * p.tau_controller;
        for (k, force) in force.iter().enumerate() {
            sum += force * velocity[n + k];
            size += (force * velocity[n + k]).abs();
        }
        (sum, size)
    }
}

/// The formula under test.
#[must_use]
pub fn rate(case: &Case, y: &[f64]) -> f64 {
    let du = case.controller(y);
    -case.loss(y) - case.instance.parameters.leak * du.dot(&(&case.r * &du))
}

/// Watches `V` from step to step.
struct Watch<'a> {
    case: &'a Case,
    last: f64,
    /// Largest rise of `V` from one step to the next, in units of the rounding error of `V` and
    /// what the step's own error allows, with that allowance.
    worst: (f64, f64),
    steps: usize,
}

impl Observer for Watch<'_> {
    fn on_step(&mut self, step: &mut Step<'_, '_>) -> Flow {
        let (value, size) = self.case.value(step.y1());
        // The local error of the step, at most its tolerance per component, moves V by its gradient.
        let noise: Vec<f64> = step.y1().iter().map(|y| ATOL + RTOL * y.abs()).collect();
        let allowance = 16.0 * f64::EPSILON * size + self.case.along(step.y1(), &noise).1;
        let rise = value - self.last;
        if self.steps == 0 || rise / allowance > self.worst.0 / self.worst.1 {
            self.worst = (rise, allowance);
        }
        self.last = value;
        self.steps += 1;
        ControlFlow::Continue(())
    }
}

const RTOL: f64 = 1e-9;
const ATOL: f64 = 1e-11;
/// States at which the derivative is compared.
const POINTS: usize = 10;

/// Draws an instance and measures it.
///
/// # Errors
/// When the integration fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let case = Case::draw(draw)?;
    let dynamics = case.instance.with_transfer(Transfer::Nonlinear { activation: case.g })?;
    let mut problem = Problem::new(&dynamics, (0.0, T_END));
    problem.y0.clone_from(&case.start);
    problem.options = Options::with_tolerances(RTOL, ATOL);
    let mut watch =
        Watch { case: &case, last: case.value(&case.start).0, worst: (0.0, 1.0), steps: 0 };
    solve(&problem, Solver::Stepping(&AUTO), &mut watch)?;
    let step = Tolerance::solver(
        watch.worst.1,
        "local error of the step times the gradient of V, and 16 eps times the terms of V",
    );
    let mut all = vec![Measurement::at_most("rise_of_v", 0.0, watch.worst.0, step)];

    let mut worst: Option<Measurement> = None;
    let mut f = vec![0.0; dynamics.dim()];
    for _ in 0..POINTS {
        let y: Vec<f64> = case.rest.iter().map(|x| x + 2.0 * draw.normal()).collect();
        dynamics.eval(0.0, &y, &mut f);
        let (measured, size) = case.along(&y, &f);
        let terms = case.loss(&y).abs() + size;
        let error = 32.0 * f64::EPSILON * (y.len() as f64) * terms;
        let tolerance = Tolerance::rounding(error, "32 n eps times the sum of the terms");
        let point = Measurement::equal("derivative_of_v", formula(&case, &y), measured, tolerance);
        if worst.is_none_or(|w| point.strain() > w.strain()) {
            worst = Some(point);
        }
    }
    all.extend(worst);
    Ok(all.into())
}

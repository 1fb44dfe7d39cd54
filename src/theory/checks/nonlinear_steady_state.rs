//! The rest state of a nonlinear layer loop.

use nalgebra::{DMatrix, DVector};

use crate::analysis::equilibria::{NewtonOptions, Start, find_equilibria};
use crate::dynamics::{Transfer, VectorField};
use crate::integrate::{AUTO, SaveAt, Solver};
use crate::linalg::lu::Lu;
use crate::network::Activation;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{FeedbackKind, LoopInstance};
use crate::theory::measure::{norm, simulate};

/// The claim.
pub const CHECK: Check = Check {
    id: "nonlinear-steady-state",
    claim: "the nonlinear loop rests where the reduced equation vanishes",
    equation: r"W g(B u^*) - \alpha u^* - \delta = 0, \quad r^* = B u^*",
    source: "docs/theory.md, steady states; loop of Podlaski & Machens 2020 (arXiv:2007.05112)",
    method: "a random u* fixes delta through the equation; a Newton iteration and a long integration, \
             both from zero, must lead back to it",
    instances: Instances { usual: 120, thorough: 2400 },
    measure: |draw| measure(draw, target),
    model: |draw| {
        let (instance, g, _) = draw_loop(draw, target)?;
        let model = instance.model(CHECK.id, Some(g));
        Ok(model.run("auto", "rtol = 1e-9\natol = 1e-11", 200.0, 101))
    },
};

/// `delta` for which `u` is at rest.
pub type Formula = fn(&LoopInstance, Activation, &DVector<f64>) -> DVector<f64>;

/// The formula under test: `W g(B u) - leak u`.
#[must_use]
pub fn target(instance: &LoopInstance, g: Activation, u: &DVector<f64>) -> DVector<f64> {
    &instance.w * (&instance.b * u).map(|x| g.value(x)) - u * instance.parameters.leak
}

const ACTIVATIONS: [Activation; 4] =
    [Activation::Tanh, Activation::Softplus, Activation::Sigmoid, Activation::LeakyRelu];

fn draw_loop(
    draw: &mut Draw,
    formula: Formula,
) -> Result<(LoopInstance, Activation, DVector<f64>), Obstacle> {
    let kinds = [FeedbackKind::Transpose, FeedbackKind::Certified];
    let mut instance = LoopInstance::draw(draw, &kinds)?;
    instance.parameters.leak = draw.log_uniform(0.1, 1.0);
    let g = draw.pick(&ACTIVATIONS);
    let rest = draw.vector(instance.delta.len(), 1.0);
    instance.delta = formula(&instance, g, &rest);
    Ok((instance, g, rest))
}

/// Draws an instance and measures it.
///
/// # Errors
/// When the search or the integration fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let (instance, g, rest) = draw_loop(draw, formula)?;
    let (m, n) = instance.w.shape();
    let dynamics = instance.with_transfer(Transfer::Nonlinear { activation: g })?;
    let start = Start { name: "zero".into(), state: vec![0.0; n + m] };
    let search = find_equilibria(&dynamics, 0, 0.0, &[start], NewtonOptions::default());
    let newton = search
        .equilibria
        .first()
        .ok_or_else(|| Obstacle::new(search.explanation().unwrap_or_default()))?;

    let mut jacobian = DMatrix::zeros(n + m, n + m);
    dynamics.jacobian(0.0, &newton.state, &mut jacobian);
    let lu = Lu::new(&jacobian)?;
    let size = norm(&newton.state).max(1.0);
    let newton_error = 2.0 * NewtonOptions::default().tolerance / lu.rcond() * size;
    let abscissa = crate::linalg::eigen::eigenvalues(&jacobian)?.abscissa();
    if abscissa >= 0.0 {
        return Err(Obstacle::new("the rest state is not stable"));
    }
    let zero = vec![0.0; n + m];
    let t_end = 30.0 / -abscissa;
    let run = simulate(&dynamics, Solver::Stepping(&AUTO), &zero, t_end, SaveAt::End)?;
    let mut f = vec![0.0; n + m];
    dynamics.eval(0.0, &run.outcome.y, &mut f);
    let left = 2.0 * norm(lu.solve(&DVector::from_vec(f)).as_slice());
    let why = "2 x (difference to tolerances 100 times tighter + one local tolerance), and 2 |J^-1 f| at the end";
    Ok(vec![
        Measurement::vectors(
            "newton",
            rest.as_slice(),
            &newton.state[n..],
            Tolerance::rounding(
                newton_error,
                "2 x residual of 1e-12, amplified by the condition of J",
            ),
        ),
        Measurement::vectors(
            "integration",
            rest.as_slice(),
            &run.outcome.y[n..],
            Tolerance::solver(2.0 * run.error + left + newton_error, why),
        ),
    ]
    .into())
}

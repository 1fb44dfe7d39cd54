//! Theorem 4: the step size limits of discrete runs.

use nalgebra::DMatrix;

use crate::dynamics::{Dynamics, VectorField};
use crate::integrate::{EULER, Method, Options, Problem, SEMI_IMPLICIT_EULER, Solver};
use crate::linalg::eigen::{eigenvalues, eigenvalues_with_conditions};
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{FeedbackKind, LoopInstance, loop_jacobian};
use crate::theory::measure::{EIGENVALUE_FACTOR, bisect, norm};

/// The claim.
pub const CHECK: Check = Check {
    id: "theorem-4-limits",
    claim: "discrete runs diverge on stable loops: the largest singular value decides",
    equation: r"s^2 < \frac{4 - 2 h (1 + \alpha) + h^2 \alpha}{h^2} \; (\mathrm{published}), \quad s^2 < \frac{1 + \alpha - h \alpha}{h} \; (\mathrm{explicit})",
    source: "docs/theory.md, theorem 4; discrete scheme of the code of Podlaski & Machens 2020",
    method: "random W scaled until the one-step matrix, found by taking one step from every unit \
             vector with the program's own solvers, has spectral radius 1; then 2000 updates on both sides",
    instances: Instances { usual: 150, thorough: 2400 },
    measure: |draw| measure(draw, LIMITS),
    model: |draw| {
        let (mut instance, h, start) = draw_loop(draw)?;
        let limit = (LIMITS[0])(h, instance.parameters.leak).sqrt();
        rescale(&mut instance, limit * 1.01);
        let model = instance.model(CHECK.id, None).initial(&start);
        Ok(model.run("semi-implicit-euler", &format!("step = {h:?}"), 100.0 * h, 101))
    },
};

/// The largest stable `s^2` for a step `h` and a leak.
pub type Formula = fn(f64, f64) -> f64;

/// The formulas under test: the published scheme and explicit Euler.
pub const LIMITS: [Formula; 2] = [published, explicit];

/// The published scheme.
#[must_use]
pub fn published(h: f64, leak: f64) -> f64 {
    (4.0 - 2.0 * h * (1.0 + leak) + h * h * leak) / (h * h)
}

/// Plain explicit Euler.
#[must_use]
pub fn explicit(h: f64, leak: f64) -> f64 {
    (1.0 + leak - h * leak) / h
}

/// A loop whose largest singular value is 1.
fn draw_loop(draw: &mut Draw) -> Result<(LoopInstance, f64, Vec<f64>), Obstacle> {
    let (rows, columns) = (draw.units(6, 16), draw.units(6, 16));
    let mut instance = LoopInstance::sized(draw, &[FeedbackKind::Transpose], rows, columns)?;
    let least = rows.min(columns);
    let mut s: Vec<f64> = (0..least).map(|_| draw.uniform(0.05, 0.9)).collect();
    s[0] = 1.0;
    instance.w = draw.with_singular_values(rows, columns, &s)?;
    instance.delta.fill(0.0);
    // The published step and leaks, and others.
    let h = if draw.coin() { 0.5 } else { draw.uniform(0.1, 0.9) };
    // Without leak, more controllers than states are not stable however small the gain.
    let leak = if rows <= columns && draw.coin() { 0.0 } else { draw.uniform(0.01, 1.0) };
    instance.parameters = crate::dynamics::LoopParameters::with_leak(leak);
    rescale(&mut instance, 1.0);
    let start = draw.vector(rows + columns, 1.0).as_slice().to_vec();
    Ok((instance, h, start))
}

/// Makes `W` (of largest singular value 1) `factor` times as large, with `B = -W^T`.
fn rescale(instance: &mut LoopInstance, factor: f64) {
    instance.w *= factor;
    instance.b = -instance.w.transpose();
}

/// Draws an instance and measures it.
///
/// # Errors
/// When eigenvalues are not found.
pub fn measure(draw: &mut Draw, limits: [Formula; 2]) -> Result<Sample, Obstacle> {
    let (unit, h, start) = draw_loop(draw)?;
    let methods = [
        (&SEMI_IMPLICIT_EULER, "published_limit", "published_diverges"),
        (&EULER, "explicit_limit", "explicit_diverges"),
    ];
    let mut all = Vec::new();
    for ((method, limit_name, grows_name), formula) in methods.into_iter().zip(limits) {
        let predicted = formula(h, unit.parameters.leak).sqrt();
        let at = |s: f64| -> Result<DMatrix<f64>, Obstacle> {
            let mut scaled = unit.clone();
            rescale(&mut scaled, s);
            one_step(&scaled, method, h)
        };
        let mut high = 0.1;
        let is_stable = |s: f64| Ok(eigenvalues(&at(s)?)?.radius() < 1.0);
        while is_stable(high)? && high < 1e3 {
            high *= 2.0;
        }
        let measured = bisect(0.5 * high, high, is_stable)?;
        let spectrum = eigenvalues_with_conditions(&at(measured * (1.0 + 1e-6))?)?;
        let errors = spectrum.errors.unwrap_or_default();
        let deciding = (0..errors.len())
            .max_by(|a, b| spectrum.values[*a].norm().total_cmp(&spectrum.values[*b].norm()));
        let error = deciding.map_or(f64::NAN, |k| errors[k]) + 1e-14;
        let speed = (eigenvalues(&at(measured * (1.0 + 1e-5))?)?.radius() - 1.0) / 1e-5;
        let why = "10 x eigenvalue error, divided by the speed of the crossing; bisection to 1e-13";
        let error = measured * (EIGENVALUE_FACTOR * error / speed + 1e-12);
        let tolerance = Tolerance::rounding(error, why);
        all.push(Measurement::equal(limit_name, predicted, measured, tolerance));
        let mut beyond = unit.clone();
        rescale(&mut beyond, predicted * 1.05);
        all.push(Measurement::verdict(grows_name, true, diverges(&beyond, method, h, &start)?));
        if limit_name == "published_limit" {
            let abscissa = eigenvalues(&loop_jacobian(&beyond.layer()))?.abscissa();
            all.push(Measurement::verdict("continuous_stable", true, abscissa < 0.0));
        }
    }
    Ok(all.into())
}

/// The matrix of one step, column by column from unit vectors.
fn one_step(
    instance: &LoopInstance,
    method: &'static Method,
    h: f64,
) -> Result<DMatrix<f64>, Obstacle> {
    let dynamics = instance.dynamics()?;
    let n = dynamics.dim();
    let mut matrix = DMatrix::zeros(n, n);
    for k in 0..n {
        let mut unit = vec![0.0; n];
        unit[k] = 1.0;
        let y = updates(&dynamics, method, h, &unit, 1)?;
        matrix.column_mut(k).copy_from_slice(&y);
    }
    Ok(matrix)
}

/// The state after `count` updates.
fn updates(
    dynamics: &dyn Dynamics,
    method: &'static Method,
    h: f64,
    start: &[f64],
    count: u32,
) -> Result<Vec<f64>, Obstacle> {
    let mut problem = Problem::new(dynamics, (0.0, h * f64::from(count)));
    problem.y0 = start.to_vec();
    problem.options = Options::with_step(h);
    Ok(problem.trajectory(Solver::Stepping(method))?.1.y)
}

/// Whether 2000 updates make the state larger, after the first 200 have sorted out the modes.
fn diverges(
    instance: &LoopInstance,
    method: &'static Method,
    h: f64,
    start: &[f64],
) -> Result<bool, Obstacle> {
    let dynamics = instance.dynamics()?;
    let Ok(early) = updates(&dynamics, method, h, start, 200) else { return Ok(true) };
    // The only way in which a fixed step fails is a state beyond the range of numbers.
    let Ok(late) = updates(&dynamics, method, h, &early, 2000) else { return Ok(true) };
    Ok(norm(&late) > 10.0 * norm(&early))
}

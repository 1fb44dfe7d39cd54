//! Critical leak, feedback gain and ratio of time constants.
//!
//! For layer loops all three follow from theorem 1 in closed form. With `mu = a + i b` running over
//! the eigenvalues of `W G B` the loop is stable iff, for all `mu`,
//! `a < leak - c b^2` with `c = tau_state tau_controller / (tau_controller + leak tau_state)^2`
//! (and `leak > 0` where there are more controllers than states):
//!
//! * gain `s`: `mu` becomes `s mu`, so `s a + s^2 c b^2 < leak`: stable from 0 up to the positive
//!   root of the quadratic.
//! * leak: `leak - c b^2` grows with the leak, so there is one threshold per `mu`.
//! * ratio `q = tau_state/tau_controller`: `c = q/(1 + leak q)^2` has its maximum at `q = 1/leak`,
//!   so stability may be lost on an interval around it.
//!
//! Every other system is searched: [`critical_by_search`] follows the verdict function.

use nalgebra::Complex;

use crate::analysis::error::AnalysisError;
pub use crate::dynamics::ControlParameter as CriticalParameter;
use crate::dynamics::{LayerLoop, SingleLoopChain};

/// Where stability changes along one parameter, slopes held at their values.
#[derive(Debug, Clone, PartialEq)]
pub struct CriticalValue {
    /// The parameter.
    pub parameter: CriticalParameter,
    /// Its present value.
    pub present: f64,
    /// Every value at which stability changes, ascending (leak may be negative).
    pub boundaries: Vec<f64>,
}

impl CriticalValue {
    /// The boundary nearest to the present value: where stability is lost, or gained if it is not
    /// there. `None` when no value of the parameter changes the verdict.
    #[must_use]
    pub fn nearest(&self) -> Option<f64> {
        let distance = |x: &f64| (x - self.present).abs();
        self.boundaries.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }

    /// Signed distance from the present value to the nearest boundary.
    #[must_use]
    pub fn distance(&self) -> Option<f64> {
        self.nearest().map(|x| x - self.present)
    }
}

/// The critical value of a layer loop in closed form; `eigenvalues` are those of `W G B` (or
/// `B W G`): see [`loop_eigenvalues`](crate::analysis::spectrum::loop_eigenvalues).
#[must_use]
pub fn critical_of_loop(
    layer: &LayerLoop,
    eigenvalues: &[Complex<f64>],
    parameter: CriticalParameter,
) -> CriticalValue {
    let (controllers, states) = layer.forward.shape();
    let needs_leak = controllers > states;
    let (present, boundaries) = match parameter {
        CriticalParameter::Gain => {
            let ranges = eigenvalues.iter().map(|mu| stable_gains(layer, *mu));
            let (low, high) = ranges.fold((0.0, f64::INFINITY), |all: (f64, f64), one| {
                (all.0.max(one.0), all.1.min(one.1))
            });
            // Without leak a layer with more controllers than states is never stable.
            let ever = low < high && !(needs_leak && layer.leak <= 0.0);
            let ends = [low, high].into_iter().filter(|x| ever && *x > 0.0 && x.is_finite());
            (1.0, ends.collect())
        }
        CriticalParameter::Leak => {
            let lowest = -layer.tau_controller / layer.tau_state;
            let least = if needs_leak { 0.0 } else { lowest };
            let limits = eigenvalues.iter().map(|mu| leak_limit(layer, *mu));
            (layer.leak, vec![limits.fold(least, f64::max)])
        }
        CriticalParameter::TauRatio => {
            let present = layer.tau_state / layer.tau_controller;
            let never =
                needs_leak && layer.leak <= 0.0 || eigenvalues.iter().any(|mu| mu.re >= layer.leak);
            let intervals = eigenvalues.iter().filter_map(|mu| unstable_ratios(layer, *mu));
            (present, if never { Vec::new() } else { ends_of_union(intervals.collect()) })
        }
    };
    CriticalValue { parameter, present, boundaries }
}

/// The factors `s > 0` for which `mu` is stable, an interval: where `square s^2 + a s < leak`.
fn stable_gains(layer: &LayerLoop, mu: Complex<f64>) -> (f64, f64) {
    const NONE: (f64, f64) = (f64::INFINITY, 0.0);
    let LayerLoop { leak, tau_state, tau_controller, .. } = *layer;
    let (a, sum) = (mu.re, tau_controller + leak * tau_state);
    if sum <= 0.0 {
        return NONE;
    }
    let square = tau_state * tau_controller * mu.im * mu.im / (sum * sum);
    if square == 0.0 {
        return match (a > 0.0, leak > 0.0) {
            (true, true) => (0.0, leak / a),
            (false, true) => (0.0, f64::INFINITY),
            (false, false) if a < 0.0 => (leak / a, f64::INFINITY),
            _ => NONE,
        };
    }
    let discriminant = a * a + 4.0 * square * leak;
    if discriminant <= 0.0 || (leak <= 0.0 && a >= 0.0) {
        return NONE;
    }
    // The root without cancellation first; the other one from the product -leak/square.
    let root = discriminant.sqrt();
    let high = if a > 0.0 { 2.0 * leak / (a + root) } else { (root - a) / (2.0 * square) };
    let low = if leak < 0.0 { -leak / (square * high) } else { 0.0 };
    (low, high)
}

/// The leak beyond which `mu` is stable: the zero of the increasing function
/// `leak - a - tau_state tau_controller b^2 / (tau_controller + leak tau_state)^2`.
fn leak_limit(layer: &LayerLoop, mu: Complex<f64>) -> f64 {
    let LayerLoop { tau_state, tau_controller, .. } = *layer;
    if mu.im == 0.0 {
        return mu.re;
    }
    let lowest = -tau_controller / tau_state;
    let excess = |leak: f64| {
        let sum = tau_controller + leak * tau_state;
        leak - mu.re - tau_state * tau_controller * mu.im * mu.im / (sum * sum)
    };
    // At `low` the function is negative or minus infinity; at `high` the fraction is at most
    // `high - a`.
    let low = lowest.max(mu.re);
    let mut high = low + mu.im.abs() * (tau_state / tau_controller).sqrt().max(1.0) + 1.0;
    for _ in 0..MAX_HALVINGS {
        if excess(high) >= 0.0 {
            break;
        }
        high = low + 2.0 * (high - low);
    }
    bisect(low, high, |leak| excess(leak) < 0.0)
}

/// The ratios `tau_state/tau_controller` for which `mu` (with `Re mu < leak`) is unstable.
fn unstable_ratios(layer: &LayerLoop, mu: Complex<f64>) -> Option<(f64, f64)> {
    let square = mu.im * mu.im;
    if square == 0.0 {
        return None;
    }
    let (leak, level) = (layer.leak, (layer.leak - mu.re) / square);
    if leak == 0.0 {
        return Some((level, f64::INFINITY));
    }
    // level (1 + leak q)^2 < q between the roots of level leak^2 q^2 + (2 level leak - 1) q + level.
    let linear = 1.0 - 2.0 * level * leak;
    let discriminant = 1.0 - 4.0 * level * leak;
    if discriminant <= 0.0 || linear <= 0.0 {
        return None;
    }
    let larger = 0.5 * (linear + discriminant.sqrt());
    Some((level / larger, larger / (level * leak * leak)))
}

/// Finite ends of a union of intervals.
fn ends_of_union(mut intervals: Vec<(f64, f64)>) -> Vec<f64> {
    intervals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut merged: Vec<(f64, f64)> = Vec::new();
    for (low, high) in intervals {
        match merged.last_mut() {
            Some(last) if low <= last.1 => last.1 = last.1.max(high),
            _ => merged.push((low, high)),
        }
    }
    merged.into_iter().flat_map(|(low, high)| [low, high]).filter(|x| x.is_finite()).collect()
}

/// Halvings after which an interval of any size has shrunk to neighbouring numbers.
const MAX_HALVINGS: usize = 2200;

/// The parameter value at which `before` turns false, known to be true at `low` and false at `high`.
fn bisect(mut low: f64, mut high: f64, before: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..MAX_HALVINGS {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if before(middle) { low = middle } else { high = middle }
    }
    high
}

/// Points per decade at which a search looks for changes of sign.
const POINTS_PER_DECADE: usize = 8;
/// Decades below and above the present value (1 if that is 0) that are searched.
const DECADES: usize = 4;
/// Decades either way that are searched among negative leaks.
const NEGATIVE_DECADES: usize = 2;

/// Every value at which the spectral abscissa changes sign, found on a logarithmic grid over four
/// decades either way (a leak also at negative values, over two) and then by bisection down to
/// neighbouring numbers.
///
/// # Errors
/// What `abscissa` returns.
pub fn critical_by_search(
    parameter: CriticalParameter,
    present: f64,
    abscissa: impl Fn(f64) -> Result<f64, AnalysisError>,
) -> Result<CriticalValue, AnalysisError> {
    let unit = if present == 0.0 { 1.0 } else { present.abs() };
    critical_by_search_around(parameter, present, unit, abscissa)
}

/// As [`critical_by_search`], with the size of parameter around which the grid lies.
///
/// # Errors
/// What `abscissa` returns.
pub fn critical_by_search_around(
    parameter: CriticalParameter,
    present: f64,
    unit: f64,
    abscissa: impl Fn(f64) -> Result<f64, AnalysisError>,
) -> Result<CriticalValue, AnalysisError> {
    let grid = |decades: usize| {
        (0..=2 * decades * POINTS_PER_DECADE)
            .map(move |k| unit * 10f64.powf(k as f64 / POINTS_PER_DECADE as f64 - decades as f64))
    };
    let mut points = Vec::new();
    if parameter == CriticalParameter::Leak {
        points.extend(grid(NEGATIVE_DECADES).map(|x| -x));
        points.reverse();
        points.push(0.0);
    }
    points.extend(grid(DECADES));
    let mut boundaries = Vec::new();
    let mut last = (points[0], abscissa(points[0])?);
    for &x in &points[1..] {
        let value = abscissa(x)?;
        if (value < 0.0) != (last.1 < 0.0) {
            let floor = 1e-12 * unit;
            boundaries.push(change_of_sign((last.0, x), floor, last.1 < 0.0, &abscissa)?);
        }
        last = (x, value);
    }
    Ok(CriticalValue { parameter, present, boundaries })
}

/// Bisection between the ends of `range`; values below `floor` in size count as zero.
fn change_of_sign(
    range: (f64, f64),
    floor: f64,
    negative_below: bool,
    abscissa: &impl Fn(f64) -> Result<f64, AnalysisError>,
) -> Result<f64, AnalysisError> {
    let (mut low, mut high) = range;
    while high - low > 4.0 * f64::EPSILON * high.abs().max(floor) {
        let middle = 0.5 * (low + high);
        if (abscissa(middle)? < 0.0) == negative_below { low = middle } else { high = middle }
    }
    Ok(0.5 * (low + high))
}

/// The loop with the parameter at `value`; a change of the ratio keeps `tau_controller`.
#[must_use]
pub fn loop_at(layer: &LayerLoop, parameter: CriticalParameter, value: f64) -> LayerLoop {
    let mut changed = layer.clone();
    match parameter {
        CriticalParameter::Leak => changed.leak = value,
        CriticalParameter::Gain => changed.feedback *= value,
        CriticalParameter::TauRatio => changed.tau_state = value * layer.tau_controller,
    }
    changed
}

/// As [`loop_at`] for a chain.
#[must_use]
pub fn chain_at(
    chain: &SingleLoopChain,
    parameter: CriticalParameter,
    value: f64,
) -> SingleLoopChain {
    let mut changed = chain.clone();
    match parameter {
        CriticalParameter::Leak => changed.leak = value,
        CriticalParameter::Gain => changed.feedback *= value,
        CriticalParameter::TauRatio => changed.tau_state = value * chain.tau_controller,
    }
    changed
}

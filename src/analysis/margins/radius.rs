//! Complex stability radius: the smallest perturbation, in the 2-norm, that destroys stability.
//!
//! `r = min_w sigma_min(i w I - J)`. A level `s` is a singular value of `i w I - J` exactly where
//! `i w` is an eigenvalue of the Hamiltonian matrix `[[J, -s I], [s I, -J^T]]` (Byers, SIAM J. Sci.
//! Stat. Comput. 9, 1988). The level set is found from those eigenvalues and the level lowered to
//! the least value at the middles of its intervals (Boyd & Balakrishnan, Systems & Control Letters
//! 15, 1990; Bruinsma & Steinbuch, ibid. 14, 1990), so the minimum found is the global one; no grid
//! of frequencies is involved. Convergence is quadratic.

use nalgebra::{Complex, DMatrix};

use super::compress::Compressed;
use crate::analysis::error::AnalysisError;
use crate::linalg::eigen::eigenvalues;
use crate::linalg::svd::resolvent_distance;

/// Cap of the level iteration; four to six steps are usual.
const MAX_LEVELS: usize = 40;
/// Relative lowering of the level at which the Hamiltonian is looked at.
const BELOW: f64 = 1e-9;
/// Real parts up to this times the norm count as zero: a double eigenvalue on the axis (where the
/// level touches the minimum) is known to about the root of the rounding unit only. Too generous
/// costs evaluations, not correctness.
const ON_AXIS: f64 = 1e-6;
/// Steps of the golden section search that polishes the frequency.
const POLISH_STEPS: usize = 80;

/// The stability radius and where it is attained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StabilityRadius {
    /// `min_w sigma_min(i w I - J)`, 1/s; 0 for an eigenvalue on the axis.
    pub radius: f64,
    /// The minimising frequency, not negative, rad/s.
    pub frequency: f64,
    /// Hamiltonian eigenvalue problems solved.
    pub levels: usize,
}

/// The distance of a stable Jacobian to the nearest one (with complex entries) that is not stable.
///
/// # Errors
/// Entries that are not finite, no convergence of an eigenvalue problem.
pub fn stability_radius(jacobian: &Compressed) -> Result<StabilityRadius, AnalysisError> {
    let mut found = radius_of(&jacobian.matrix)?;
    if let Some(rest) = jacobian.rest.filter(|rest| rest.abs() < found.radius) {
        found = StabilityRadius { radius: rest.abs(), frequency: 0.0, ..found };
    }
    Ok(found)
}

fn radius_of(j: &DMatrix<f64>) -> Result<StabilityRadius, AnalysisError> {
    let failed = || AnalysisError::linalg("the stability radius");
    let distance = |w: f64| resolvent_distance(j, Complex::new(0.0, w)).map_err(failed());
    if j.is_empty() {
        return Ok(StabilityRadius { radius: f64::INFINITY, frequency: 0.0, levels: 0 });
    }
    let mut best = (distance(0.0)?, 0.0);
    let spectrum = eigenvalues(j).map_err(failed())?;
    for value in spectrum.values.iter().filter(|z| z.im > 0.0).take(8) {
        lower(&mut best, value.im, &distance)?;
    }
    polish(&mut best, &distance)?;
    let mut levels = 0;
    while levels < MAX_LEVELS && best.0 > 0.0 {
        levels += 1;
        let crossings = crossings(j, best.0 * (1.0 - BELOW))?;
        let before = best.0;
        for pair in crossings.windows(2) {
            lower(&mut best, 0.5 * (pair[0] + pair[1]), &distance)?;
        }
        for w in &crossings {
            lower(&mut best, *w, &distance)?;
        }
        polish(&mut best, &distance)?;
        if best.0 >= before * (1.0 - BELOW) {
            break;
        }
    }
    Ok(StabilityRadius { radius: best.0, frequency: best.1, levels })
}

type Distance<'a> = dyn Fn(f64) -> Result<f64, AnalysisError> + 'a;

fn lower(best: &mut (f64, f64), w: f64, distance: &Distance) -> Result<(), AnalysisError> {
    let value = distance(w)?;
    if value < best.0 {
        *best = (value, w.abs());
    }
    Ok(())
}

/// Frequencies of the level set's ends, not negative, ascending; 0 stands for its own mirror image.
fn crossings(j: &DMatrix<f64>, level: f64) -> Result<Vec<f64>, AnalysisError> {
    let n = j.nrows();
    let mut h = DMatrix::zeros(2 * n, 2 * n);
    h.view_mut((0, 0), (n, n)).copy_from(j);
    h.view_mut((n, n), (n, n)).copy_from(&-j.transpose());
    for i in 0..n {
        h[(i, n + i)] = -level;
        h[(n + i, i)] = level;
    }
    let spectrum = eigenvalues(&h)
        .map_err(AnalysisError::linalg("the Hamiltonian of the stability radius"))?;
    let on_axis = |z: &&Complex<f64>| z.re.abs() <= ON_AXIS * spectrum.balanced_norm;
    let mut found: Vec<f64> =
        spectrum.values.iter().filter(on_axis).filter(|z| z.im >= 0.0).map(|z| z.im).collect();
    found.push(0.0);
    found.sort_by(f64::total_cmp);
    found.dedup();
    Ok(found)
}

/// Golden section around the best frequency: `sigma_min` changes by at most `|dw|`, so the minimum
/// nearby lies within the present value.
fn polish(best: &mut (f64, f64), distance: &Distance) -> Result<(), AnalysisError> {
    let ratio = 0.5 * (5f64.sqrt() - 1.0);
    let (mut a, mut b) = (best.1 - best.0, best.1 + best.0);
    let (mut c, mut d) = (b - ratio * (b - a), a + ratio * (b - a));
    let (mut fc, mut fd) = (distance(c)?, distance(d)?);
    for _ in 0..POLISH_STEPS {
        if (b - a) <= 1e-9 * (a.abs().max(b.abs())).max(f64::MIN_POSITIVE) {
            break;
        }
        if fc < fd {
            (b, d, fd) = (d, c, fc);
            c = b - ratio * (b - a);
            fc = distance(c)?;
        } else {
            (a, c, fc) = (c, d, fd);
            d = a + ratio * (b - a);
            fd = distance(d)?;
        }
    }
    lower(best, c, distance)?;
    lower(best, d, distance)
}

//! Largest transient growth `max_t |e^{Jt}|_2`, and lower bounds from the Kreiss constant.
//!
//! With the numerical abscissa `w` of `J` and `w'` of `-J`, `|e^{Jt}|` grows at most at the rate `w`
//! and falls at most at the rate `w'`. Two values at the ends of an interval therefore bound the
//! norm inside, and the interval with the largest bound is halved until no bound exceeds the
//! largest value found by more than a given factor. The search ends at a time `T` with
//! `|e^{JT}| <= 1`: whatever comes later is no larger than what came before. So the bound is
//! proven (up to rounding in the values), and the maximum cannot hide between samples. The peaks are
//! polished to rounding with the derivative `u^T J e^{Jt} v` (`u`, `v` the leading singular pair).

use nalgebra::{Complex, DMatrix};

use super::compress::Compressed;
use super::pseudospectrum::ResolventNorm;
use crate::analysis::error::AnalysisError;
use crate::linalg::eigen::eigenvalues;
use crate::linalg::expm::expm;
use crate::linalg::svd::svd;
use crate::linalg::symmetric::numerical_abscissa;

/// The search is over when the bound exceeds the largest value by less than this, relatively.
const GAP: f64 = 1e-3;
/// Work spent on the search: evaluations times n^3. An evaluation is about 60 n^3 operations.
const BUDGET: f64 = 1.5e8;
/// Evaluations spent at least and at most.
const EVALUATIONS: (usize, usize) = (80, 3000);
/// Doublings of the horizon before giving up.
const MAX_DOUBLINGS: usize = 80;
/// Peaks of the samples that are polished.
const POLISHED_PEAKS: usize = 5;
/// Bisections of the derivative, down to the rounding unit.
const BISECTIONS: usize = 60;

/// The largest amplification of any initial state at any time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransientGrowth {
    /// `max_t |e^{Jt}|_2`; 1 when the norm never grows.
    pub max_transient_growth: f64,
    /// The time of the maximum, s.
    pub time: f64,
    /// Proven upper bound of the maximum (up to rounding).
    pub upper_bound: f64,
    /// Exponentials evaluated.
    pub evaluations: usize,
}

/// The largest transient growth of a stable Jacobian.
///
/// # Errors
/// Entries that are not finite; [`AnalysisError::NotStable`] when the norm does not fall below one.
pub fn transient_growth(jacobian: &Compressed) -> Result<TransientGrowth, AnalysisError> {
    let rise = jacobian.numerical_abscissa()?;
    if rise <= 0.0 {
        // The norm never grows, so the largest value is the first.
        return Ok(TransientGrowth {
            max_transient_growth: 1.0,
            time: 0.0,
            upper_bound: 1.0,
            evaluations: 0,
        });
    }
    // The rest of a compressed Jacobian decays and stays below one.
    let mut search = Search::new(&jacobian.matrix, rise)?;
    search.refine()?;
    let upper_bound = search.bound().exp();
    search.polish()?;
    let (time, log) = search.best();
    let max_transient_growth = log.exp();
    Ok(TransientGrowth {
        max_transient_growth,
        time,
        upper_bound: upper_bound.max(max_transient_growth),
        evaluations: search.evaluations,
    })
}

/// Samples `(t, log |e^{Jt}|)` in the order of time.
struct Search<'a> {
    j: &'a DMatrix<f64>,
    rise: f64,
    fall: f64,
    samples: Vec<(f64, f64)>,
    evaluations: usize,
    budget: usize,
}

impl<'a> Search<'a> {
    fn new(j: &'a DMatrix<f64>, rise: f64) -> Result<Self, AnalysisError> {
        let fall = numerical_abscissa(&-j).map_err(failed())?.max(rise);
        let affordable = BUDGET / (j.nrows() as f64).powi(3);
        let budget = (affordable as usize).clamp(EVALUATIONS.0, EVALUATIONS.1);
        let mut search = Self { j, rise, fall, samples: vec![(0.0, 0.0)], evaluations: 0, budget };
        let mut t = 1.0 / fall;
        for _ in 0..MAX_DOUBLINGS {
            let log = search.log_norm(t)?;
            search.samples.push((t, log));
            if log <= 0.0 {
                return Ok(search);
            }
            t *= 2.0;
        }
        Err(AnalysisError::NotStable {
            what: "the largest transient growth",
            verdict: "not falling below its start",
        })
    }

    fn log_norm(&mut self, t: f64) -> Result<f64, AnalysisError> {
        self.evaluations += 1;
        let e = expm(&(self.j * t)).map_err(failed())?;
        Ok(crate::linalg::norms::norm_two(&e).map_err(failed())?.ln())
    }

    /// Bound of the samples `k` and `k + 1` on what lies between.
    fn bound_between(&self, k: usize) -> f64 {
        let ((a, left), (b, right)) = (self.samples[k], self.samples[k + 1]);
        let rising = left + self.rise * (b - a);
        // Where the line that rises from the left meets the one that falls to the right.
        let meeting = (left * self.fall + right * self.rise + self.rise * self.fall * (b - a))
            / (self.rise + self.fall);
        meeting.min(rising).max(left).max(right)
    }

    fn widest(&self) -> (usize, f64) {
        (0..self.samples.len() - 1)
            .map(|k| (k, self.bound_between(k)))
            .fold((0, f64::NEG_INFINITY), |m, c| if c.1 > m.1 { c } else { m })
    }

    fn bound(&self) -> f64 {
        self.widest().1
    }

    fn best(&self) -> (f64, f64) {
        self.samples.iter().fold((0.0, 0.0), |m, s| if s.1 > m.1 { *s } else { m })
    }

    fn refine(&mut self) -> Result<(), AnalysisError> {
        while self.evaluations < self.budget {
            let (k, bound) = self.widest();
            if bound <= self.best().1 + GAP {
                break;
            }
            let t = 0.5 * (self.samples[k].0 + self.samples[k + 1].0);
            let log = self.log_norm(t)?;
            self.samples.insert(k + 1, (t, log));
        }
        Ok(())
    }

    /// Replaces the largest peaks of the samples by the maxima nearby.
    fn polish(&mut self) -> Result<(), AnalysisError> {
        let s = &self.samples;
        let is_peak = |k: &usize| {
            let next = s.get(k + 1).is_none_or(|right| s[*k].1 >= right.1);
            s[*k].1 >= s[k - 1].1 && next
        };
        let mut peaks: Vec<usize> = (1..s.len()).filter(is_peak).collect();
        peaks.sort_by(|a, b| s[*b].1.total_cmp(&s[*a].1));
        peaks.truncate(POLISHED_PEAKS);
        let brackets: Vec<(f64, f64)> = peaks
            .iter()
            .map(|&k| (s[k - 1].0, s.get(k + 1).map_or(s[k].0, |right| right.0)))
            .collect();
        for (mut a, mut b) in brackets {
            for _ in 0..BISECTIONS {
                let middle = 0.5 * (a + b);
                if middle <= a || middle >= b {
                    break;
                }
                if self.slope(middle)? > 0.0 { a = middle } else { b = middle }
            }
            let log = self.log_norm(b)?;
            let at = self.samples.partition_point(|s| s.0 < b);
            self.samples.insert(at, (b, log));
        }
        Ok(())
    }

    /// Derivative of the norm: `u^T J e^{Jt} v`.
    fn slope(&mut self, t: f64) -> Result<f64, AnalysisError> {
        self.evaluations += 1;
        let e = expm(&(self.j * t)).map_err(failed())?;
        let parts = svd(&e).map_err(failed())?;
        Ok(parts.u.column(0).dot(&(self.j * (e * parts.v.column(0)))))
    }
}

fn failed() -> impl FnOnce(crate::linalg::LinalgError) -> AnalysisError {
    AnalysisError::linalg("the largest transient growth")
}

/// A lower bound of the transient growth from the Kreiss constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KreissBound {
    /// `Re z / sigma_min(z I - J)` at the best point found: `max_t |e^{Jt}|` is at least this
    /// (Kreiss 1962; Trefethen & Embree, Spectra and Pseudospectra, 2005, eq. 14.11).
    pub bound: f64,
    /// The point, 1/s.
    pub at: Complex<f64>,
}

/// Real parts tried per eigenvalue, spaced evenly in the logarithm.
const KREISS_POINTS: usize = 32;
/// Rounds of the coordinate search.
const KREISS_ROUNDS: usize = 60;

/// The largest value of `Re z / sigma_min(z I - J)` found in the right half-plane.
///
/// # Errors
/// Entries that are not finite, no convergence.
pub fn kreiss_bound(jacobian: &Compressed) -> Result<KreissBound, AnalysisError> {
    // The rest of a compressed Jacobian is normal: it contributes at most 1.
    let j = &jacobian.matrix;
    let resolvent = ResolventNorm::new(j)?;
    let value = |z: Complex<f64>| z.re * resolvent.norm(z);
    let mut best = KreissBound { bound: 1.0, at: Complex::new(f64::MAX.sqrt(), 0.0) };
    let spectrum = eigenvalues(j).map_err(AnalysisError::linalg("the Kreiss constant"))?;
    let size = spectrum.balanced_norm.max(spectrum.radius());
    let frequencies = spectrum.values.iter().filter(|z| z.im > 0.0).take(8).map(|z| z.im);
    for y in std::iter::once(0.0).chain(frequencies) {
        for k in 0..KREISS_POINTS {
            let exponent = -6.0 + 7.0 * k as f64 / (KREISS_POINTS - 1) as f64;
            let at = Complex::new(size * 10f64.powf(exponent), y);
            let bound = value(at);
            if bound > best.bound {
                best = KreissBound { bound, at };
            }
        }
    }
    let (mut ratio, mut shift) = (1.5, 0.25 * size);
    for _ in 0..KREISS_ROUNDS {
        let z = best.at;
        let trials = [
            Complex::new(z.re * ratio, z.im),
            Complex::new(z.re / ratio, z.im),
            Complex::new(z.re, z.im + shift),
            Complex::new(z.re, z.im - shift),
        ];
        let found = trials.map(|at| KreissBound { bound: value(at), at });
        match found.into_iter().find(|trial| trial.bound > best.bound) {
            Some(trial) => best = trial,
            None => (ratio, shift) = (ratio.sqrt(), 0.5 * shift),
        }
    }
    Ok(best)
}

//! Margins of the deciding point.

use super::critical::critical_value;
use super::linearisation::Linearisation;
use super::report::{Critical, EulerReport, Point};
use super::{Judged, Place};
use crate::analysis::certificates::covariance::stationary_covariance;
use crate::analysis::margins::LARGEST_MARGIN;
use crate::analysis::margins::compress::Compressed;
use crate::analysis::margins::euler::{euler_radius, euler_radius_of_loop, largest_stable_step};
use crate::analysis::margins::growth::{kreiss_bound, transient_growth};
use crate::analysis::margins::pseudospectrum::pseudospectrum;
use crate::analysis::margins::radius::stability_radius;
use crate::analysis::{AnalysisError, Judgement, Verdict};
use crate::dynamics::{ControlParameter, Dynamics};
use crate::model::spec;

/// Adds every margin the section asks for; also returns remarks on what could not be computed.
pub(super) fn complete(
    dynamics: &dyn Dynamics,
    judged: Judged,
    section: &spec::Stability,
) -> (Point, Vec<String>) {
    let mut work = Work { point: judged.point, section, notes: Vec::new() };
    let linearisation = &judged.linearisation;
    match linearisation.compressed() {
        Ok(Some(compressed)) => work.norms(&compressed),
        Ok(None) => work.notes.push(format!(
            "margins in the 2-norm were not computed: {} states are more than {LARGEST_MARGIN}, where \
             the bisection for the stability radius takes minutes (it solves eigenvalue problems of \
             twice the size)",
            work.point.states
        )),
        Err(error) => work.failed(&error),
    }
    work.critical(dynamics, &judged.place, linearisation);
    work.euler(linearisation, judged.order.as_deref());
    work.covariance(&judged.linearisation, &judged.layout);
    work.point.certificates = judged.certificates.reports;
    work.point.data.matrices = judged.certificates.matrices;
    (work.point, work.notes)
}

struct Work<'a> {
    point: Point,
    section: &'a spec::Stability,
    notes: Vec<String>,
}

impl Work<'_> {
    fn failed(&mut self, error: &AnalysisError) {
        let cause = std::error::Error::source(error).map_or_else(String::new, |c| format!(": {c}"));
        self.notes.push(format!("{error}{cause}"));
    }

    /// Keeps the value, or a remark why there is none.
    fn keep<T>(&mut self, result: Result<T, AnalysisError>) -> Option<T> {
        result.map_err(|error| self.failed(&error)).ok()
    }

    fn norms(&mut self, compressed: &Compressed) {
        self.point.numerical_abscissa = self.keep(compressed.numerical_abscissa());
        if self.point.verdict == Verdict::Stable {
            let wanted = self.section.stability_radius;
            if let Some(found) = wanted.then(|| self.keep(stability_radius(compressed))).flatten() {
                self.point.stability_radius = Some(found.radius);
                self.point.stability_radius_frequency = Some(found.frequency);
            }
            let wanted = self.section.transient_growth;
            if let Some(found) = wanted.then(|| self.keep(transient_growth(compressed))).flatten() {
                self.point.max_transient_growth = Some(found.max_transient_growth);
                self.point.max_transient_growth_time = Some(found.time);
                self.point.max_transient_growth_bound = Some(found.upper_bound);
                self.point.data.growth = (found.times, found.norms);
            }
            if self.section.kreiss {
                self.point.kreiss_bound = self.keep(kreiss_bound(compressed)).map(|k| k.bound);
            }
        } else {
            self.notes.push(format!(
                "stability radius and transient growth exist for stable systems only; this one is {}",
                self.point.verdict.name()
            ));
        }
        if let Some(grid) = &self.section.pseudospectrum {
            let (re, im) = ranges(&self.point, grid);
            let found = pseudospectrum(compressed, re[0]..re[1], im[0]..im[1], grid.points);
            self.point.data.pseudospectrum = self.keep(found);
        }
    }

    fn critical(&mut self, dynamics: &dyn Dynamics, place: &Place, linearisation: &Linearisation) {
        let mut details = Vec::new();
        for wanted in &self.section.critical {
            let parameter = match wanted {
                spec::Critical::Leak => ControlParameter::Leak,
                spec::Critical::Gain => ControlParameter::Gain,
                spec::Critical::TauRatio => ControlParameter::TauRatio,
            };
            let found = critical_value(dynamics, place, linearisation, parameter);
            match self.keep(found) {
                Some(Ok(report)) => details.push(report),
                Some(Err(reason)) => {
                    self.notes.push(format!("critical {}: {reason}", parameter.name()));
                }
                None => {}
            }
        }
        let of = |name: &str| details.iter().find(|d| d.parameter == name).and_then(|d| d.critical);
        self.point.critical =
            Critical { leak: of("leak"), gain: of("gain"), tau_ratio: of("tau_ratio"), details };
    }

    fn euler(&mut self, linearisation: &Linearisation, order: Option<&[std::ops::Range<usize>]>) {
        let step = self.section.euler_step;
        let sizes = linearisation.spectrum.values.iter().map(|z| z.norm()).filter(|x| *x > 0.0);
        let (least, most) =
            sizes.fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), x| (a.min(x), b.max(x)));
        let scales = (1.0 / most, 1.0 / least);
        if let Some(layer) = linearisation.layer_loop() {
            let mu = &linearisation.loop_eigenvalues;
            let radius = |h: f64| Ok(euler_radius_of_loop(layer, mu, h));
            let found = self.keep(largest_stable_step(scales, radius)).flatten();
            let spectral_radius = euler_radius_of_loop(layer, mu, step);
            self.point.euler =
                Some(EulerReport { step, spectral_radius, largest_stable_step: found });
            return;
        }
        let (Some(order), Some(jacobian)) = (order, &linearisation.jacobian) else { return };
        /// The search evaluates some hundred spectra.
        const LARGEST: usize = 100;
        if jacobian.nrows() > LARGEST {
            return;
        }
        let radius = |h: f64| euler_radius(jacobian, order, h);
        let Some(spectral_radius) = self.keep(radius(step)) else { return };
        let found = self.keep(largest_stable_step(scales, radius)).flatten();
        self.point.euler = Some(EulerReport { step, spectral_radius, largest_stable_step: found });
    }

    fn covariance(&mut self, linearisation: &Linearisation, layout: &crate::dynamics::StateLayout) {
        let Some(wanted) = &self.section.covariance else { return };
        let Some(jacobian) = linearisation.jacobian.as_ref() else {
            self.notes.push("the covariance was not computed: too many states".to_owned());
            return;
        };
        let mut std = Vec::with_capacity(jacobian.nrows());
        for block in layout.blocks() {
            let is_noisy = wanted.block.as_ref().is_none_or(|name| *name == block.name);
            std.extend(std::iter::repeat_n(if is_noisy { wanted.std } else { 0.0 }, block.rows));
        }
        let judgement = Judgement::of(&linearisation.spectrum);
        self.point.data.covariance = self.keep(stationary_covariance(jacobian, &judgement, &std));
    }
}

/// The grid's ranges: as asked for, or around the spectrum with half its extent to spare.
fn ranges(point: &Point, grid: &spec::Pseudospectrum) -> ([f64; 2], [f64; 2]) {
    let around = |k: usize| {
        let ends = point.eigenvalues.iter().map(|z| z[k]);
        let (low, high) =
            ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        let spare = 0.5 * (high - low) + 0.1 * low.abs().max(high.abs()).max(f64::MIN_POSITIVE);
        [low - spare, high + spare]
    };
    let re = grid.re.unwrap_or_else(|| {
        let [low, high] = around(0);
        [low, high.max(0.1 * (high - low))]
    });
    (re, grid.im.unwrap_or_else(|| around(1)))
}

//! Margins of the deciding point.

use nalgebra::Complex;

use super::Judged;
use super::linearisation::Linearisation;
use super::report::{Critical, CriticalReport, EulerReport, Point};
use crate::analysis::certificates::covariance::stationary_covariance;
use crate::analysis::margins::LARGEST_MARGIN;
use crate::analysis::margins::compress::Compressed;
use crate::analysis::margins::critical::{
    CriticalParameter, CriticalValue, chain_at, critical_by_search, critical_of_loop, loop_at,
};
use crate::analysis::margins::euler::{euler_radius, euler_radius_of_loop, largest_stable_step};
use crate::analysis::margins::growth::{kreiss_bound, transient_growth};
use crate::analysis::margins::pseudospectrum::pseudospectrum;
use crate::analysis::margins::radius::stability_radius;
use crate::analysis::spectrum::{chain_spectrum, layer_loop_spectrum, loop_abscissa};
use crate::analysis::{AnalysisError, Judgement, Verdict};
use crate::dynamics::{LayerLoop, Structure};
use crate::model::spec;

/// Relative distance from a closed-form boundary at which the change of sign is confirmed.
const CONFIRMATION: f64 = 1e-6;

/// Adds every margin the section asks for; also returns remarks on what could not be computed.
pub(super) fn complete(judged: Judged, section: &spec::Stability) -> (Point, Vec<String>) {
    let mut work = Work { point: judged.point, section, notes: Vec::new() };
    let linearisation = &judged.linearisation;
    match linearisation.compressed() {
        Ok(Some(compressed)) => work.norms(&compressed),
        Ok(None) => work.notes.push(format!(
            "margins in the 2-norm were not computed: {} states, the limit is {LARGEST_MARGIN}",
            work.point.states
        )),
        Err(error) => work.failed(&error),
    }
    work.critical(linearisation);
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

    fn critical(&mut self, linearisation: &Linearisation) {
        let mut details = Vec::new();
        for wanted in &self.section.critical {
            let parameter = match wanted {
                spec::Critical::Leak => CriticalParameter::Leak,
                spec::Critical::Gain => CriticalParameter::Gain,
                spec::Critical::TauRatio => CriticalParameter::TauRatio,
            };
            let found = critical_value(linearisation, parameter);
            match self.keep(found) {
                Some(Some(report)) => details.push(report),
                Some(None) => self.notes.push(format!(
                    "critical {}: this dynamics has no controller loop to scale",
                    parameter.name()
                )),
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

/// The critical value of one parameter, `None` where there is no loop to scale.
fn critical_value(
    linearisation: &Linearisation,
    parameter: CriticalParameter,
) -> Result<Option<CriticalReport>, AnalysisError> {
    if let Some(layer) = linearisation.layer_loop() {
        let mu = &linearisation.loop_eigenvalues;
        let value = critical_of_loop(layer, mu, parameter);
        let confirmed = confirm(&value, |x| {
            let factor = if parameter == CriticalParameter::Gain { x } else { 1.0 };
            let scaled: Vec<Complex<f64>> = mu.iter().map(|mu| mu * factor).collect();
            Ok(loop_abscissa(&loop_at(layer, parameter, x), &scaled))
        })?;
        return Ok(Some(CriticalReport::new(&value, "closed-form", confirmed)));
    }
    let value = match &linearisation.structure {
        Structure::Dense | Structure::Control(_) => return Ok(None),
        Structure::LayerLoops(loops) => {
            let present =
                present(parameter, loops[0].leak, loops[0].tau_state / loops[0].tau_controller);
            critical_by_search(parameter, present, |x| {
                of_loops(&loops.iter().map(|one| loop_at(one, parameter, x)).collect::<Vec<_>>())
            })?
        }
        Structure::SingleLoop(chain) => {
            let present = present(parameter, chain.leak, chain.tau_state / chain.tau_controller);
            critical_by_search(parameter, present, |x| {
                Ok(chain_spectrum(&chain_at(chain, parameter, x))?.abscissa())
            })?
        }
    };
    Ok(Some(CriticalReport::new(&value, "root-finding", true)))
}

fn of_loops(loops: &[LayerLoop]) -> Result<f64, AnalysisError> {
    Ok(layer_loop_spectrum(loops)?.abscissa())
}

fn present(parameter: CriticalParameter, leak: f64, ratio: f64) -> f64 {
    match parameter {
        CriticalParameter::Leak => leak,
        CriticalParameter::Gain => 1.0,
        CriticalParameter::TauRatio => ratio,
    }
}

/// Whether the spectral abscissa changes sign at every boundary.
fn confirm(
    value: &CriticalValue,
    abscissa: impl Fn(f64) -> Result<f64, AnalysisError>,
) -> Result<bool, AnalysisError> {
    for boundary in &value.boundaries {
        let distance = CONFIRMATION * Complex::new(*boundary, 1e-3).norm();
        let (below, above) = (abscissa(boundary - distance)?, abscissa(boundary + distance)?);
        if (below < 0.0) == (above < 0.0) {
            return Ok(false);
        }
    }
    Ok(true)
}

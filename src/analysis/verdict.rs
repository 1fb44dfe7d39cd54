//! Stable, unstable or marginal, with the tolerance that decides and the reason in words.

use nalgebra::Complex;

use super::spectrum::Spectrum;

/// The answer to "is it stable?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every eigenvalue is left of the imaginary axis by more than its error.
    Stable,
    /// Some eigenvalue is right of the axis by more than its error.
    Unstable,
    /// Neither: some eigenvalue lies on the axis within its error.
    Marginal,
}

impl Verdict {
    /// Every verdict in the order of its code in result files.
    pub const ALL: [Self; 3] = [Self::Stable, Self::Unstable, Self::Marginal];

    /// The word used in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Unstable => "unstable",
            Self::Marginal => "marginal",
        }
    }
}

/// A verdict with its grounds.
///
/// `stable` means `spectral_abscissa + tolerance < 0`, `unstable` means
/// `spectral_abscissa - tolerance > 0`, and otherwise the verdict is `marginal`.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// Largest real part of the computed eigenvalues, 1/s.
    pub spectral_abscissa: f64,
    /// How far rounding can move the spectral abscissa, 1/s: the error estimate of the eigenvalue
    /// that decides, in proportion to its condition number.
    pub tolerance: f64,
    /// Condition number of the eigenvalue that decides.
    pub condition: f64,
    /// The reason, one sentence.
    pub reason: String,
}

/// Condition numbers beyond this are called ill-conditioned: half the digits are lost.
const ILL_CONDITIONED: f64 = 6.7e7;

impl Judgement {
    /// Judges a spectrum by its eigenvalues and their errors, never by a bare sign.
    ///
    /// Every eigenvalue lies within its error of its computed place, so the spectral abscissa lies
    /// between the largest lower end and the largest upper end of these intervals.
    #[must_use]
    pub fn of(spectrum: &Spectrum) -> Self {
        let abscissa = spectrum.abscissa();
        let (mut lower, mut upper) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        let (mut from_below, mut from_above) = (0, 0);
        for (k, (value, error)) in spectrum.values.iter().zip(&spectrum.errors).enumerate() {
            if value.re - error > lower {
                (lower, from_below) = (value.re - error, k);
            }
            if value.re + error > upper {
                (upper, from_above) = (value.re + error, k);
            }
        }
        let (verdict, deciding, tolerance) = if lower > 0.0 {
            (Verdict::Unstable, from_below, abscissa - lower)
        } else if upper < 0.0 {
            (Verdict::Stable, from_above, upper - abscissa)
        } else if abscissa > 0.0 {
            (Verdict::Marginal, from_below, abscissa - lower)
        } else {
            (Verdict::Marginal, from_above, upper - abscissa)
        };
        let condition = spectrum.conditions.get(deciding).copied().unwrap_or(1.0);
        let reason = match spectrum.values.get(deciding) {
            Some(value) => reason(verdict, *value, tolerance, condition),
            None => "there is nothing that could grow".to_owned(),
        };
        let tolerance = if tolerance.is_finite() { tolerance } else { 0.0 };
        Self { verdict, spectral_abscissa: abscissa, tolerance, condition, reason }
    }
}

fn reason(verdict: Verdict, value: Complex<f64>, tolerance: f64, condition: f64) -> String {
    let at = if value.im == 0.0 {
        seven_digits(value.re)
    } else {
        format!("{} +- {} i", seven_digits(value.re), seven_digits(value.im.abs()))
    };
    let known = match tolerance {
        0.0 => "exactly".to_owned(),
        _ => format!("to {tolerance:.1e}"),
    };
    let conditioning = if condition > ILL_CONDITIONED {
        format!("; it is ill-conditioned (condition number {condition:.1e})")
    } else {
        String::new()
    };
    match verdict {
        Verdict::Stable => format!(
            "every eigenvalue has a negative real part by more than its rounding error; \
             the closest to the axis is {at}, known {known}{conditioning}"
        ),
        Verdict::Unstable => {
            format!("the eigenvalue {at}, known {known}, has a positive real part{conditioning}")
        }
        Verdict::Marginal if tolerance == 0.0 => {
            format!("the eigenvalue {at} lies exactly on the imaginary axis")
        }
        Verdict::Marginal => format!(
            "the eigenvalue {at} lies on the imaginary axis within its rounding error \
             {tolerance:.1e}, so rounding decides its side{conditioning}"
        ),
    }
}

/// Seven significant digits: plain where that is short, else with an exponent.
pub(crate) fn seven_digits(x: f64) -> String {
    let size = x.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{x:.6e}");
    }
    let decimals = (6 - size.log10().floor() as i32).max(0) as usize;
    let text = format!("{x:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// One mode of the linearisation: a real eigenvalue or a complex pair.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Mode {
    /// Real part, 1/s.
    pub re: f64,
    /// Imaginary part (not negative), rad/s.
    pub im: f64,
    /// `1/|re|`, the time in which it falls (or grows) by a factor e, s; absent on the axis.
    pub time_constant: Option<f64>,
    /// `im / 2 pi`, Hz.
    pub frequency: f64,
    /// `-re / |l|`: 1 without oscillation, 0 undamped, negative when growing; absent at 0.
    pub damping_ratio: Option<f64>,
    /// How many eigenvalues (pairs) agree with it within their errors.
    pub multiplicity: usize,
    /// Condition number of the eigenvalue; absent when infinite.
    pub condition: Option<f64>,
}

/// The `count` slowest modes, slowest first; equal eigenvalues are counted once.
#[must_use]
pub fn leading_modes(spectrum: &Spectrum, count: usize) -> Vec<Mode> {
    let mut modes: Vec<(Mode, f64)> = Vec::new();
    let entries = spectrum.values.iter().zip(&spectrum.errors).zip(&spectrum.conditions);
    for ((value, &error), &condition) in entries.filter(|((value, _), _)| value.im >= 0.0) {
        let same = modes.iter_mut().rev().take(count).find(|(mode, other)| {
            (mode.re - value.re).hypot(mode.im - value.im) <= error.max(*other)
        });
        if let Some((mode, _)) = same {
            mode.multiplicity += 1;
        } else if modes.len() < count {
            modes.push((mode(*value, condition), error));
        }
    }
    modes.into_iter().map(|(mode, _)| mode).collect()
}

fn mode(value: Complex<f64>, condition: f64) -> Mode {
    let size = value.re.hypot(value.im);
    Mode {
        re: value.re,
        im: value.im,
        time_constant: (value.re != 0.0).then(|| 1.0 / value.re.abs()),
        frequency: value.im / std::f64::consts::TAU,
        damping_ratio: (size > 0.0).then(|| -value.re / size),
        multiplicity: 1,
        condition: Some(condition).filter(|c| c.is_finite()),
    }
}

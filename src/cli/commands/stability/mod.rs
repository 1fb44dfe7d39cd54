//! `dinv stability MODEL`: how stable a model is, and why.

mod summary;

use std::path::PathBuf;

use clap::Args;

use crate::analysis::Verdict;
use crate::cli::arguments::DisplayArgs;
use crate::cli::job::JobArgs;
use crate::cli::progress;
use crate::error::{Error, ExitCode, Failure};
use crate::experiment::Signal;
use crate::experiment::stability::{self, StabilityOptions};
use crate::model::Override;

/// Arguments of `dinv stability`.
#[derive(Debug, Args)]
pub struct StabilityArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Optimise the feedback first, to a spectral abscissa of -MARGIN [default: 0.1 1/s]; with -o
    /// the result file holds it as `weights/feedback_2` and so on
    #[arg(
        long,
        value_name = "MARGIN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        hide_default_value = true,
        help_heading = "Computation"
    )]
    optimize_feedback: Option<String>,
    /// Follow the equilibrium in a parameter, e.g. `dynamics.layerwise-inversion.leak=0:1`
    #[arg(long = "continue", value_name = "KEY=FROM:TO", help_heading = "Computation")]
    continuation: Option<String>,
    /// Map the verdict over two of leak, gain and tau_ratio, e.g. `leak=0:1,gain=0:4`; 64 points each
    #[arg(long, value_name = "X=FROM:TO,Y=FROM:TO", help_heading = "Computation")]
    map: Option<String>,
    /// Analyse the loops of a training along its checkpoints: a result of `dinv train`, or one
    /// checkpoint
    #[arg(long, value_name = "FILE", help_heading = "Computation")]
    checkpoints: Option<PathBuf>,
    /// Exit with code 1 unless the verdict is stable
    #[arg(long)]
    require_stable: bool,
}

pub(super) fn run(arguments: &StabilityArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let model = arguments.job.model.load()?;
    let model = model.with(&arguments.overrides()?)?;
    let progress = progress::display(display);
    let context = arguments.job.start(progress.as_ref())?;
    let options = StabilityOptions { output: arguments.job.output() };
    let report = stability::stability(&model, &arguments.job.model.model, &options, &context)?;
    arguments.job.json.print(&report, display, summary::summary)?;
    if let Some(signal) = context.interrupt.signal() {
        return Ok(Signal::exit_code(signal));
    }
    let refused = arguments.require_stable && report.deciding.verdict != Verdict::Stable;
    Ok(if refused { ExitCode::ClaimFailed } else { ExitCode::Success })
}

impl StabilityArgs {
    /// What the flags say, as keys of `[stability]`.
    fn overrides(&self) -> Result<Vec<Override>, Error> {
        let mut overrides = Vec::new();
        let mut set = |text: String| -> Result<(), Error> {
            overrides.push(Override::parse(&text)?);
            Ok(())
        };
        if let Some(margin) = &self.optimize_feedback {
            let margin = if margin.is_empty() {
                "{}".to_owned()
            } else {
                let number = margin.parse::<f64>().ok().filter(|x| x.is_finite());
                let number = number.ok_or_else(|| Malformed::margin(margin))?;
                format!("{{ margin = {number:e} }}")
            };
            set(format!("stability.optimize={margin}"))?;
        }
        if let Some(text) = &self.continuation {
            let (key, from, to) = range(text).ok_or_else(|| Malformed::range(text))?;
            let value = format!("{{ parameter = {key:?}, from = {from:e}, to = {to:e} }}");
            set(format!("stability.continuation={value}"))?;
        }
        if let Some(text) = &self.map {
            let axes: Option<Vec<_>> = text.split(',').map(range).collect();
            let Some([x, y]) = axes.as_deref() else { return Err(Malformed::map(text).into()) };
            let axis = |(name, from, to): &(&str, f64, f64)| {
                // Ratios are compared by factors.
                let is_ratio = *name == "tau_ratio" && *from > 0.0 && *to > 0.0;
                let spacing = if is_ratio { "log" } else { "linear" };
                format!(
                    "{{ parameter = {name:?}, points = {{ {spacing} = {{ from = {from:e}, \
                     to = {to:e}, count = {MAP_POINTS} }} }} }}"
                )
            };
            set(format!("stability.map={{ x = {}, y = {} }}", axis(x), axis(y)))?;
        }
        if let Some(file) = &self.checkpoints {
            // Paths of a model are relative to it, paths of the command line are not.
            let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            let file = file.to_string_lossy().into_owned();
            set("stability.at=\"checkpoints\"".to_owned())?;
            set(format!("stability.checkpoints={file:?}"))?;
        }
        Ok(overrides)
    }
}

/// Points along each axis of a map asked for on the command line.
const MAP_POINTS: usize = 64;

/// `KEY=FROM:TO`.
fn range(text: &str) -> Option<(&str, f64, f64)> {
    let (key, range) = text.split_once('=')?;
    let (from, to) = range.split_once(':')?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|x| x.is_finite());
    Some((key.trim(), number(from)?, number(to)?))
}

/// An argument that is not of its form.
#[derive(Debug, thiserror::Error)]
#[error("{flag} takes {form}, not `{text}`")]
struct Malformed {
    flag: &'static str,
    form: &'static str,
    text: String,
    example: &'static str,
}

impl Malformed {
    fn range(text: &str) -> Self {
        let example = "--continue dynamics.layerwise-inversion.leak=0:1";
        Self {
            flag: "--continue",
            form: "KEY=FROM:TO with two numbers",
            text: text.into(),
            example,
        }
    }

    fn map(text: &str) -> Self {
        let form = "X=FROM:TO,Y=FROM:TO with two of leak, gain and tau_ratio";
        Self { flag: "--map", form, text: text.into(), example: "--map leak=0:1,gain=0:4" }
    }

    fn margin(text: &str) -> Self {
        let example = "--optimize-feedback=0.1";
        Self { flag: "--optimize-feedback", form: "a margin in 1/s", text: text.into(), example }
    }
}

impl Failure for Malformed {
    fn exit_code(&self) -> ExitCode {
        ExitCode::Usage
    }

    fn remedy(&self) -> Option<String> {
        Some(format!("for example {}", self.example))
    }
}

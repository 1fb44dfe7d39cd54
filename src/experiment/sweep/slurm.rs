//! Sweeps as Slurm job arrays: two batch scripts and the real `sbatch`, no scheduler of our own.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::folder::store;
use super::log::Found;
use super::record::{decode, encode};
use super::{Shard, Study, SweepError, SweepOptions};
use crate::error::Error;
use crate::experiment::Context;
use crate::model::Model;

/// What to ask Slurm for; what is absent is left to the cluster.
#[derive(Debug, Clone, Default)]
pub struct SlurmOptions {
    /// Partition.
    pub partition: Option<String>,
    /// Time limit of a task.
    pub time: Option<String>,
    /// Memory of a task.
    pub mem: Option<String>,
    /// Account that is charged.
    pub account: Option<String>,
    /// Most tasks in the array; with more points, several share a task.
    pub max_jobs: Option<NonZeroUsize>,
    /// Cores of a task.
    pub threads: Option<NonZeroUsize>,
    /// Submit nothing and write nothing.
    pub dry_run: bool,
}

/// What was submitted, or would be.
#[derive(Debug, Clone, Serialize)]
pub struct SlurmReport {
    /// Points of the sweep.
    pub points: usize,
    /// Points that are not finished.
    pub missing: usize,
    /// Shards the points are dealt out to.
    pub shards: usize,
    /// Those with missing points, as in `sbatch --array`.
    pub array: String,
    /// The job of the array; none for a dry run.
    pub job: Option<String>,
    /// The job that joins the points when the array has ended.
    pub merge_job: Option<String>,
    /// The submitting commands, for a shell.
    pub commands: Vec<String>,
    /// Names and texts of the scripts.
    pub scripts: Vec<(String, String)>,
    /// The folder with finished points.
    pub folder: String,
    /// Where the result will be.
    pub file: String,
    /// Warnings, in order of appearance.
    pub warnings: Vec<String>,
}

/// Tasks of an array unless asked for otherwise; many clusters accept a thousand.
const MAX_JOBS: NonZeroUsize = NonZeroUsize::new(100).expect("not zero");

const TASKS: &str = "tasks.sh";
const MERGE: &str = "merge.sh";
const JOBS: &str = "slurm.json";

/// The jobs of the last submission.
#[derive(Serialize, Deserialize)]
struct Submitted {
    jobs: Vec<String>,
}

/// Everything this module puts into the folder of a sweep.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = [TASKS, MERGE, JOBS].map(|name| folder.join(name)).into();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "merge.out" || (name.starts_with("task-") && name.ends_with(".out")) {
            files.push(entry.path());
        }
    }
    files
}

/// The jobs submitted last for a sweep: the array and the one that joins.
pub(super) fn jobs(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(JOBS)).unwrap_or_default();
    decode::<Submitted>(text.trim_end().as_bytes()).map_or_else(Vec::new, |found| found.jobs)
}

/// Submits the points of the model read from `path` that are not there yet as a job array, and a
/// job that joins them when the array has ended, however its tasks ended.
///
/// # Errors
/// As [`sweep`](super::sweep); a batch system that refuses, or still has tasks of this sweep.
pub fn submit(
    model: &Model,
    path: &Path,
    options: &SweepOptions,
    slurm: &SlurmOptions,
    context: &Context<'_>,
) -> Result<SlurmReport, Error> {
    slurm.check()?;
    let study = Study::prepare(model, path, options, context, !slurm.dry_run)?;
    let folder = std::path::absolute(&study.folder.path)
        .map_err(|error| SweepError::io(&study.folder.path, "find it", error))?;
    let is_kept = options.resume || !slurm.dry_run;
    let found = if is_kept { study.scan()? } else { Found::default() };
    let points = study.plan.len();
    let shards = slurm.max_jobs.unwrap_or(MAX_JOBS).get().min(points);
    let open: Vec<usize> = (1..=shards)
        .filter(|index| {
            let shard = Shard::new(*index, shards).expect("shards count from one");
            shard.points(points).any(|point| !found.contains(point))
        })
        .collect();
    let array = ranges(&open);
    let scripts = Scripts { model, path, study: &study, slurm, folder: &folder };
    let mut report = SlurmReport {
        points,
        missing: points - found.places.len(),
        shards,
        scripts: vec![
            (TASKS.to_owned(), scripts.tasks(&array, shards)?),
            (MERGE.to_owned(), scripts.merge()?),
        ],
        array,
        job: None,
        merge_job: None,
        commands: Vec::new(),
        folder: folder.display().to_string(),
        file: study.output.display().to_string(),
        warnings: Vec::new(),
    };
    if !open.is_empty() {
        report.submit(&folder, slurm.dry_run)?;
    }
    report.warnings = context.warnings();
    Ok(report)
}

impl SlurmReport {
    fn submit(&mut self, folder: &Path, is_dry: bool) -> Result<(), SweepError> {
        let output = |name: &str| {
            // Slurm replaces patterns that begin with a percent sign.
            let folder = folder.display().to_string().replace('%', "%%");
            format!("--output={folder}/{name}")
        };
        let script = |name: &str| folder.join(name).display().to_string();
        let array = vec!["--parsable".to_owned(), output("task-%a.out"), script(TASKS)];
        let merge = |job: &str| {
            let after = format!("--dependency=afterany:{job}");
            vec!["--parsable".to_owned(), after, output("merge.out"), script(MERGE)]
        };
        self.commands = vec![shown(&array), shown(&merge("JOB"))];
        if is_dry {
            return Ok(());
        }
        if let Some(job) = jobs(folder).into_iter().find(|job| is_queued(job)) {
            return Err(SweepError::StillQueued { job });
        }
        for (name, text) in &self.scripts {
            store(&folder.join(name), text)?;
        }
        let job = sbatch(&array)?;
        store(&folder.join(JOBS), &encode(&Submitted { jobs: vec![job.clone()] }))?;
        let after = merge(&job);
        self.commands[1] = shown(&after);
        let merge_job = sbatch(&after)?;
        let jobs = vec![job.clone(), merge_job.clone()];
        store(&folder.join(JOBS), &encode(&Submitted { jobs }))?;
        (self.job, self.merge_job) = (Some(job), Some(merge_job));
        Ok(())
    }
}

impl SlurmOptions {
    /// Refuses values that would become something else in a batch script.
    fn check(&self) -> Result<(), SweepError> {
        let values = [
            ("--partition", &self.partition),
            ("--time", &self.time),
            ("--mem", &self.mem),
            ("--account", &self.account),
        ];
        for (what, value) in values {
            let Some(text) = value else { continue };
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/,+=@".contains(c);
            if text.is_empty() || !text.chars().all(is_plain) {
                return Err(SweepError::NotForScripts { what, text: text.clone() });
            }
        }
        Ok(())
    }

    /// The lines that ask Slurm for resources.
    fn directives(&self, name: &str, cores: usize) -> String {
        let mut text = format!(
            "#SBATCH --job-name={name}\n#SBATCH --nodes=1\n#SBATCH --ntasks=1\n\
             #SBATCH --cpus-per-task={cores}\n"
        );
        let given = [
            ("partition", &self.partition),
            ("time", &self.time),
            ("mem", &self.mem),
            ("account", &self.account),
        ];
        for (key, value) in given {
            if let Some(value) = value {
                let _ = writeln!(text, "#SBATCH --{key}={value}");
            }
        }
        text
    }
}

struct Scripts<'a> {
    model: &'a Model,
    path: &'a Path,
    study: &'a Study,
    slurm: &'a SlurmOptions,
    folder: &'a Path,
}

impl Scripts<'_> {
    /// The script of the array: one shard per task.
    fn tasks(&self, array: &str, shards: usize) -> Result<String, SweepError> {
        let cores = self.slurm.threads.map_or(1, NonZeroUsize::get);
        let mut command = format!("{} sweep {}", program()?, file("the model", self.path)?);
        for change in self.model.overrides() {
            let text = match change.source.as_str() {
                "--seed" => format!("--seed={}", change.value),
                _ => format!("--set={}={}", change.key, change.value),
            };
            let _ = write!(command, " {}", quoted("--set", &text)?);
        }
        let output = file("the result", &self.study.output)?;
        Ok(format!(
            "#!/bin/sh\n{}#SBATCH --array={array}\n#SBATCH --requeue\n#SBATCH --open-mode=append\n\
             # One shard per task. Finished points are kept whatever becomes of a task; when it is\n\
             # requeued it computes the others.\n\
             exec {command} --output {output} --threads {cores} --no-progress \\\n  \
             --shard \"$SLURM_ARRAY_TASK_ID/{shards}\"\n",
            self.slurm.directives("dinv-sweep", cores),
        ))
    }

    /// The script that joins the points.
    fn merge(&self) -> Result<String, SweepError> {
        let (folder, output) =
            (file("the folder", self.folder)?, file("the result", &self.study.output)?);
        Ok(format!(
            "#!/bin/sh\n{}# Joins the finished points, all of them or not, into one file.\n\
             exec {} sweep merge {folder} --output {output} --force\n",
            self.slurm.directives("dinv-merge", 1),
            program()?,
        ))
    }
}

/// This program, for a shell.
fn program() -> Result<String, SweepError> {
    let here = Path::new("dinv");
    let program = std::env::current_exe()
        .map_err(|error| SweepError::io(here, "find this program", error))?;
    file("the program", &program)
}

/// The absolute name of a file, for a shell.
fn file(what: &'static str, path: &Path) -> Result<String, SweepError> {
    let unusable = || SweepError::NotForScripts { what, text: path.to_string_lossy().into_owned() };
    if path.as_os_str() == "-" {
        return Err(unusable());
    }
    let path = std::path::absolute(path).map_err(|_| unusable())?;
    quoted(what, path.to_str().ok_or_else(unusable)?)
}

/// A word of a shell command.
fn quoted(what: &'static str, text: &str) -> Result<String, SweepError> {
    if text.chars().any(char::is_control) {
        return Err(SweepError::NotForScripts { what, text: text.to_owned() });
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/,+=@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

/// A submitting command as a person would type it.
fn shown(arguments: &[String]) -> String {
    let words = arguments.iter().map(|word| quoted("", word).unwrap_or_else(|_| word.clone()));
    std::iter::once("sbatch".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// Numbers as Slurm writes lists: `1-3,7`.
fn ranges(numbers: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for &number in numbers {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => parts.push((number, number)),
        }
    }
    let text = |(first, last): &(usize, usize)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    parts.iter().map(text).collect::<Vec<_>>().join(",")
}

/// Submits a script; the answer is the number of the job.
fn sbatch(arguments: &[String]) -> Result<String, SweepError> {
    let refused = |reason: String| SweepError::Batch { program: "sbatch", reason };
    let output = Command::new("sbatch")
        .args(arguments)
        .output()
        .map_err(|error| refused(error.to_string()))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().replace('\n', "; ");
    if !output.status.success() {
        return Err(refused(said(&output.stderr)));
    }
    // With several clusters the name of the cluster follows.
    let answer = said(&output.stdout);
    let job = answer.split(';').next().unwrap_or_default().trim().to_owned();
    if job.is_empty() || !job.chars().all(|c| c.is_ascii_digit()) {
        return Err(refused(format!("it answered `{answer}`, which is no job number")));
    }
    Ok(job)
}

/// Whether Slurm still knows of tasks that wait or run. A job it has forgotten is over.
fn is_queued(job: &str) -> bool {
    let jobs = format!("--jobs={job}");
    let output = Command::new("squeue").args(["--noheader", &jobs, "--format=%i"]).output();
    output.is_ok_and(|output| output.status.success() && !output.stdout.trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tasks_are_short() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3,7,9-10");
        assert_eq!(ranges(&[]), "");
        assert_eq!(ranges(&[5]), "5");
    }

    #[test]
    fn words_survive_a_shell() {
        for word in ["plain", "two words", "it's", "$HOME `x` \"y\" \\", "a=b", ""] {
            let command = format!("printf %s {}", quoted("", word).expect("no control characters"));
            let output = Command::new("sh").args(["-c", &command]).output().expect("a shell");
            assert_eq!(String::from_utf8_lossy(&output.stdout), word);
        }
        assert!(quoted("", "two\nlines").is_err());
    }

    #[test]
    fn values_that_would_be_more_than_a_value_are_refused() {
        let with =
            |text: &str| SlurmOptions { partition: Some(text.to_owned()), ..Default::default() };
        assert!(with("long").check().is_ok());
        for text in ["", "a b", "x\n#SBATCH --uid=0", "$(id)"] {
            assert!(with(text).check().is_err(), "{text}");
        }
    }
}

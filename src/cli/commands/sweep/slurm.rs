//! The flags for Slurm and what a submission tells.

use std::num::NonZeroUsize;

use clap::Args;

use crate::experiment::sweep::{SlurmOptions, SlurmReport};

/// Flags for Slurm.
#[derive(Debug, Args)]
#[command(next_help_heading = "Slurm")]
pub(super) struct SlurmArgs {
    /// Submit the points as a job array, and a job that joins them afterwards
    #[arg(long)]
    slurm: bool,
    /// Print the scripts and commands; submit nothing
    #[arg(long, requires = "slurm")]
    dry_run: bool,
    /// Partition to ask for
    #[arg(long, value_name = "P", requires = "slurm")]
    partition: Option<String>,
    /// Time limit of a task, e.g. 2:00:00
    #[arg(long, value_name = "T", requires = "slurm")]
    time: Option<String>,
    /// Memory of a task, e.g. 4G
    #[arg(long, value_name = "M", requires = "slurm")]
    mem: Option<String>,
    /// Most tasks in the array; with more points, several share a task [default: 100]
    #[arg(long, value_name = "K", requires = "slurm")]
    max_jobs: Option<NonZeroUsize>,
    /// Account to charge
    #[arg(long, value_name = "A", requires = "slurm")]
    account: Option<String>,
}

impl SlurmArgs {
    pub(super) fn is_wanted(&self) -> bool {
        self.slurm
    }

    pub(super) fn options(&self, threads: Option<NonZeroUsize>) -> SlurmOptions {
        SlurmOptions {
            partition: self.partition.clone(),
            time: self.time.clone(),
            mem: self.mem.clone(),
            account: self.account.clone(),
            max_jobs: self.max_jobs,
            threads,
            dry_run: self.dry_run,
        }
    }
}

pub(super) fn summary(report: &SlurmReport) -> String {
    let SlurmReport { points, missing, shards, array, folder, file, .. } = report;
    if *missing == 0 {
        return format!(
            "all {points} points are finished; join them with\n  dinv sweep merge {folder}\n"
        );
    }
    let (Some(job), Some(merge)) = (&report.job, &report.merge_job) else {
        let mut text = String::new();
        for (name, script) in &report.scripts {
            text.push_str(&format!("# {folder}/{name}\n{script}\n"));
        }
        return format!("{text}{}\n", report.commands.join("\n"));
    };
    format!(
        "job {job}: {missing} of {points} points in tasks {array} of {shards}\n\
         job {merge}: joins them into {file}\n\
         progress: dinv sweep status {folder}\n\
         if tasks are lost: the same command with --resume\n"
    )
}

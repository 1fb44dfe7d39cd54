//! Result files to draw.

use std::path::{Path, PathBuf};

use dynamic_inversion::dynamics::{Observable, StateLayout};
use dynamic_inversion::results::{self, Group, Header, ResultWriter, RowLayout, Status, Variable};
use tempfile::TempDir;

/// A folder that lives as long as the test, and the file in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("out.h5")
    }

    pub(crate) fn writer(&self) -> Box<dyn ResultWriter> {
        let header = Header {
            title: "Inversion <of> a & layer".to_owned(),
            history: "dinv run".to_owned(),
            references: Vec::new(),
        };
        results::create(&self.file(), true, &header).unwrap()
    }

    /// A file of groups alone.
    pub(crate) fn with_groups(groups: &[Group]) -> Self {
        let folder = Self::new();
        let mut writer = folder.writer();
        groups.iter().for_each(|group| writer.write_group(group).unwrap());
        writer.finish(Status::Complete).unwrap();
        folder
    }
}

/// Rows of a loop with `units` state units and 2 controller units.
pub(crate) struct Rows {
    pub(crate) units: usize,
    pub(crate) targets: usize,
    pub(crate) times: Vec<f64>,
    /// State unit k at time t.
    pub(crate) state: fn(usize, f64) -> f64,
    pub(crate) residual: fn(f64) -> f64,
}

pub(crate) fn oscillation(k: usize, t: f64) -> f64 {
    let k = k as f64;
    1.0 + 0.1 * k - (-0.05 * t).exp() * (t * (0.3 + 0.01 * k) + k).cos()
}

pub(crate) fn decay(t: f64) -> f64 {
    2.0 * (-0.05 * t).exp()
}

pub(crate) fn every(step: f64, count: usize) -> Vec<f64> {
    (0..count).map(|k| step * k as f64).collect()
}

impl Rows {
    pub(crate) fn new(units: usize, count: usize) -> Self {
        Self {
            units,
            targets: 1,
            times: every(400.0 / count as f64, count),
            state: oscillation,
            residual: decay,
        }
    }

    pub(crate) fn layout(&self) -> StateLayout {
        StateLayout::new(self.targets).with("state", self.units, "inverted activity").with(
            "controller",
            2,
            "control signal",
        )
    }

    pub(crate) fn write(&self, writer: &mut dyn ResultWriter, group: &str) {
        let layout = self.layout();
        let observables = [Observable::new("residual", "norm of the right-hand side")];
        let mut rows = RowLayout::trajectory(&layout, &observables);
        rows.group = group.to_owned();
        writer.start_rows(rows).unwrap();
        let mut y = vec![0.0; layout.dim()];
        for &t in &self.times {
            for target in 0..self.targets {
                for k in 0..self.units {
                    y[target * self.units + k] = (self.state)(k + target, t);
                }
                for k in 0..2 {
                    y[self.units * self.targets + 2 * target + k] = -(self.state)(k + target, t);
                }
            }
            let residuals: Vec<f64> =
                (0..self.targets).map(|k| (self.residual)(t) * (1.0 + k as f64)).collect();
            writer.append_row(t, &y, &residuals).unwrap();
        }
    }

    /// A finished file, with the spectral abscissa of the decay.
    pub(crate) fn file(&self) -> Folder {
        let folder = Folder::new();
        let mut writer = folder.writer();
        self.write(writer.as_mut(), "trajectory");
        let abscissa = Variable::scalar("spectral_abscissa", -0.05).units("1/s");
        writer.write_group(&Group::new("equilibrium").with(abscissa)).unwrap();
        writer.finish(Status::Complete).unwrap();
        folder
    }
}

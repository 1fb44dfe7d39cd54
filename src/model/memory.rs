//! Parts of a model that do not fit into memory are refused before anything is allocated.

use super::{Model, ModelError, Problem};

/// Bytes of a number.
const NUMBER: u128 = 8;

/// Bytes that fit anywhere: below, what is available is not looked up, for points of sweeps are
/// built by the thousand.
const SMALL: u128 = 64 << 20;

impl Model {
    /// Refuses matrices of these sizes (rows, columns) when they would not fit into memory; `what`
    /// they are is said at `key`.
    ///
    /// # Errors
    /// [`Problem::TooLarge`].
    pub(crate) fn require_memory(
        &self,
        key: &str,
        what: &str,
        sizes: impl IntoIterator<Item = (usize, usize)>,
    ) -> Result<(), ModelError> {
        let numbers = sizes.into_iter().map(|(n, m)| n as u128 * m as u128);
        let needed = numbers.fold(0, u128::saturating_add).saturating_mul(NUMBER);
        if needed <= SMALL {
            return Ok(());
        }
        // No allocation can be larger than the address space, whatever the system says.
        let available = available().unwrap_or(u64::MAX).min(isize::MAX as u64);
        if needed <= u128::from(available) {
            return Ok(());
        }
        let what = what.to_owned();
        Err(self.error(key, Problem::TooLarge { what, needed, available }))
    }
}

/// Memory that can be had without swapping, bytes: what the system says is available, or what a
/// batch system or a shell's limit grants. Unknown outside Linux.
pub(crate) fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let limits = [Some(kib << 10), granted(), address_space()];
    limits.into_iter().flatten().min()
}

/// The limit of the control group (version 2) of this process.
fn granted() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limit = std::fs::read_to_string(format!("/sys/fs/cgroup/{path}/memory.max")).ok()?;
    limit.trim().parse().ok()
}

/// The soft limit of the address space, as `ulimit -v` sets it.
fn address_space() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

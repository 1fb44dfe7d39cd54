//! Where a result came from: enough to compute it again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Group, Variable};

/// The random number generator of every result.
const RNG: &str = "ChaCha8";

/// What produced a file. Only this group holds times of day.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// The model file as it was read, byte for byte.
    pub model: Option<String>,
    /// The model with every default filled in, as TOML.
    pub resolved_model: Option<String>,
    /// The command line, program first.
    pub argv: Vec<String>,
    /// The seed, if anything is drawn.
    pub seed: Option<u64>,
    /// Worker threads; results do not depend on them, times do.
    pub threads: usize,
    /// When the command started.
    pub start: SystemTime,
}

impl Provenance {
    /// The group `provenance` as it can be written before anything is computed.
    #[must_use]
    pub fn group(&self) -> Group {
        let mut group = Group::new("provenance");
        let mut text = |name: &str, value: &str, phrase: &str| {
            group.push(Variable::text(name, value).long_name(phrase));
        };
        if let Some(model) = &self.model {
            text("model", model, "model file as read");
        }
        if let Some(resolved) = &self.resolved_model {
            text("resolved_model", resolved, "model with every default filled in");
        }
        text("version", env!("CARGO_PKG_VERSION"), "version of dinv");
        text("commit", env!("DINV_COMMIT"), "git commit of the build");
        text("rng", RNG, "random number generator");
        text("hdf5_version", &hdf5_version(), "version of the HDF5 library");
        text("host", &host(), "architecture, system and vector instructions");
        text("start", &utc(self.start), "start of the command, UTC");
        // A seed above i64::MAX would not fit an HDF5 integer that every reader takes.
        if let Some(seed) = self.seed {
            text("seed", &seed.to_string(), "seed of the random number generator");
        }
        group
            .push(Variable::texts("argv", "argument", self.argv.clone()).long_name("command line"));
        let threads = i64::try_from(self.threads).unwrap_or(i64::MAX);
        group.push(Variable::integer("threads", threads).units("1").long_name("worker threads"));
        group
    }

    /// The group `provenance` of a file whose bytes follow from the model alone: no times, no host,
    /// no command line.
    #[must_use]
    pub fn timeless(model: &str, resolved_model: &str, seed: u64) -> Group {
        Group::new("provenance").with_all([
            Variable::text("model", model).long_name("model file as read"),
            Variable::text("resolved_model", resolved_model)
                .long_name("model with every default filled in"),
            Variable::text("version", env!("CARGO_PKG_VERSION")).long_name("version of dinv"),
            Variable::text("commit", env!("DINV_COMMIT")).long_name("git commit of the build"),
            Variable::text("rng", RNG).long_name("random number generator"),
            Variable::text("hdf5_version", hdf5_version()).long_name("version of the HDF5 library"),
            Variable::text("seed", seed.to_string())
                .long_name("seed of the random number generator"),
        ])
    }

    /// What is known only at the end; written into the same group.
    #[must_use]
    pub fn ending(&self, duration: Duration) -> Group {
        let seconds = Variable::scalar("duration", duration.as_secs_f64());
        Group::new("provenance")
            .with(seconds.units("s").long_name("wall-clock time of the command"))
    }
}

/// A time of day as `2021-06-30T12:00:00Z`.
#[must_use]
pub fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of the Gregorian calendar, `days` after 1970-01-01.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    (year, month as u64 + 1, days + 1)
}

fn hdf5_version() -> String {
    let (major, minor, micro) = hdf5::library_version();
    format!("{major}.{minor}.{micro}")
}

/// What of the machine can change the last bits of a result.
#[must_use]
pub fn host() -> String {
    let mut facts = vec![std::env::consts::ARCH, std::env::consts::OS];
    #[cfg(target_arch = "x86_64")]
    {
        let detected = [
            (std::arch::is_x86_feature_detected!("fma"), "fma"),
            (std::arch::is_x86_feature_detected!("avx2"), "avx2"),
            (std::arch::is_x86_feature_detected!("avx512f"), "avx512f"),
        ];
        facts.extend(detected.iter().filter(|(present, _)| *present).map(|(_, name)| *name));
    }
    facts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_follow_the_calendar() {
        let at = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(at(1_609_459_199), "2020-12-31T23:59:59Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00Z");
    }
}

//! Logs of finished points: appended to by one process each, never changed, read by all.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use super::record::{PointRecord, PointStatus, decode, encode};
use super::{Shard, SweepError};
use crate::results::host;

/// How names of logs begin and end.
const PREFIX: &str = "points-";
const SUFFIX: &str = ".log";

/// Longest time for which finished points may be lost to a power cut; a kill loses none.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// The first line of a log.
#[derive(Serialize, Deserialize)]
struct Header {
    /// What of the machine can change the last bits of a number.
    host: String,
}

/// A log that this process appends to.
pub(super) struct Log {
    path: PathBuf,
    file: File,
    synced: Instant,
}

impl Log {
    /// A new log in `folder`; earlier ones of the same shard stay as they are.
    pub(super) fn create(folder: &Path, shard: Shard) -> Result<Self, SweepError> {
        for k in 0.. {
            let name = format!("{PREFIX}{}of{}-{k}{SUFFIX}", shard.index(), shard.count());
            let path = folder.join(name);
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => {
                    let mut log = Self { path, file, synced: Instant::now() };
                    log.write(&encode(&Header { host: host() }))?;
                    // Without this a power cut can lose the name; folders cannot be synced everywhere.
                    let _ = File::open(folder).and_then(|folder| folder.sync_all());
                    return Ok(log);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(SweepError::io(&path, "create the log", error)),
            }
        }
        unreachable!("there are more numbers than files")
    }

    /// Appends a finished point.
    pub(super) fn append(&mut self, record: &PointRecord) -> Result<(), SweepError> {
        self.write(&encode(record))?;
        if self.synced.elapsed() >= SYNC_EVERY { self.sync() } else { Ok(()) }
    }

    /// Makes what was appended durable.
    pub(super) fn sync(&mut self) -> Result<(), SweepError> {
        self.synced = Instant::now();
        let synced = self.file.sync_data();
        synced.map_err(|error| SweepError::io(&self.path, "make finished points durable", error))
    }

    /// One call for a whole line: a kill leaves whole lines.
    fn write(&mut self, line: &str) -> Result<(), SweepError> {
        let written = self.file.write_all(line.as_bytes());
        written.map_err(|error| SweepError::io(&self.path, "append a finished point", error))
    }
}

/// Where the record of a point is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) point: usize,
    pub(super) status: PointStatus,
    file: u32,
    length: u32,
    offset: u64,
}

/// The finished points of a folder.
#[derive(Default)]
pub(super) struct Found {
    /// One place per finished point, by increasing number.
    pub(super) places: Vec<Place>,
    /// What the collected fields look like.
    pub(super) fields: Fields,
    /// Lines that are torn, altered or of another model.
    pub(super) damaged: usize,
    /// The kinds of machine the points were computed on.
    pub(super) hosts: BTreeSet<String>,
    /// When the last point was finished.
    pub(super) newest: Option<SystemTime>,
    files: Vec<PathBuf>,
}

impl Found {
    /// Reads every log of `folder` once. `accepts` says whether a record belongs to the sweep.
    pub(super) fn scan(
        folder: &Path,
        accepts: impl Fn(&PointRecord) -> bool,
    ) -> Result<Self, SweepError> {
        let mut found = Self { files: logs(folder)?, ..Self::default() };
        for k in 0..found.files.len() {
            found.read(k, &accepts)?;
        }
        // Of several records of one point, which are equal, the first counts.
        found.places.sort_by_key(|place| (place.point, place.file, place.offset));
        found.places.dedup_by_key(|place| place.point);
        Ok(found)
    }

    fn read(
        &mut self,
        number: usize,
        accepts: &impl Fn(&PointRecord) -> bool,
    ) -> Result<(), SweepError> {
        let path = self.files[number].clone();
        let failed = |error| SweepError::io(&path, "read finished points", error);
        let file = File::open(&path).map_err(failed)?;
        let modified = file.metadata().and_then(|known| known.modified()).ok();
        self.newest = self.newest.max(modified);
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let (mut line, mut offset) = (Vec::new(), 0);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line).map_err(failed)?;
            if length == 0 {
                return Ok(());
            }
            let bytes = line.strip_suffix(b"\n").unwrap_or(&line);
            if let Some(record) = decode::<PointRecord>(bytes).filter(accepts) {
                self.fields.observe(record.point, &record.values);
                self.places.push(Place {
                    point: record.point,
                    status: record.status,
                    file: number as u32,
                    length: bytes.len() as u32,
                    offset,
                });
            } else if let Some(header) = decode::<Header>(bytes) {
                self.hosts.insert(header.host);
            } else {
                self.damaged += 1;
            }
            offset += length as u64;
        }
    }

    /// Whether `point` is finished.
    pub(super) fn contains(&self, point: usize) -> bool {
        self.places.binary_search_by_key(&point, |place| place.point).is_ok()
    }

    /// Finished points that failed.
    pub(super) fn failed(&self) -> usize {
        self.places.iter().filter(|place| place.status == PointStatus::Failed).count()
    }

    /// Reads records one after the other.
    pub(super) fn reader(&self) -> Records<'_> {
        Records { found: self, open: (0..self.files.len()).map(|_| None).collect() }
    }
}

/// Records read back by place.
pub(super) struct Records<'a> {
    found: &'a Found,
    open: Vec<Option<File>>,
}

impl Records<'_> {
    pub(super) fn read(&mut self, place: &Place) -> Result<PointRecord, SweepError> {
        let number = place.file as usize;
        let path = &self.found.files[number];
        let failed = |error| SweepError::io(path, "read a finished point", error);
        let file = match &mut self.open[number] {
            Some(file) => file,
            closed => closed.insert(File::open(path).map_err(failed)?),
        };
        let mut line = vec![0; place.length as usize];
        file.seek(SeekFrom::Start(place.offset))
            .and_then(|_| file.read_exact(&mut line))
            .map_err(failed)?;
        decode(&line).ok_or_else(|| SweepError::NotASweep {
            path: path.clone(),
            reason: "a finished point changed while it was read".to_owned(),
        })
    }
}

/// The logs of a folder, by name.
pub(super) fn logs(folder: &Path) -> Result<Vec<PathBuf>, SweepError> {
    let failed = |error| SweepError::io(folder, "list the folder", error);
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

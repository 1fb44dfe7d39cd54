//! Which times are reported.

use super::errors::InvalidSaveAt;

/// Times at which rows are delivered. Save times never change the steps that are taken.
///
/// Except for [`Times`](Self::Times), which delivers the listed times and nothing else, the last
/// row of a run is always its end: `t_end` to the last bit, or the time at which something stopped
/// the run. A span of length zero gives one row.
#[derive(Debug, Clone, PartialEq)]
pub enum SaveAt {
    /// `t_start + k every`, and the end.
    Every(f64),
    /// This many rows, equally spaced, both ends included.
    Count(u64),
    /// These times, in the order of integration.
    Times(Vec<f64>),
    /// The start and `count` rows after it, geometrically spaced from `t_start + first` to the end.
    Log {
        /// Distance of the first row from the start.
        first: f64,
        /// Rows after the start.
        count: u64,
    },
    /// The start and every accepted step.
    Steps,
    /// The end only.
    End,
}

/// The save times of one run, produced one after the other.
#[derive(Debug, Clone)]
pub(crate) struct SaveGrid {
    save_at: SaveAt,
    t_start: f64,
    t_end: f64,
    /// Rows in the grid.
    rows: u64,
    next: u64,
}

impl SaveGrid {
    pub(crate) fn new(save_at: &SaveAt, t_start: f64, t_end: f64) -> Result<Self, InvalidSaveAt> {
        let span = (t_end - t_start).abs();
        let rows = match save_at {
            _ if span == 0.0 => 1,
            SaveAt::Every(every) => rows_every(*every, t_start, t_end)?,
            SaveAt::Count(count) => check_count("count", *count)?,
            SaveAt::Times(times) => check_times(times, t_start, t_end)?,
            SaveAt::Log { first, count } => {
                check_interval("log.first", *first)?;
                if *first >= span {
                    return Err(InvalidSaveAt::LogFirst { first: *first, span });
                }
                check_count("log.count", *count)? + 1
            }
            SaveAt::Steps | SaveAt::End => 1,
        };
        Ok(Self { save_at: save_at.clone(), t_start, t_end, rows, next: 0 })
    }

    /// Whether every accepted step is a row.
    pub(crate) fn saves_steps(&self) -> bool {
        self.save_at == SaveAt::Steps && self.t_start != self.t_end
    }

    /// Whether the end of a run is a row although something stopped it early.
    pub(crate) fn saves_the_end(&self) -> bool {
        !matches!(self.save_at, SaveAt::Times(_))
    }

    /// The next save time in the grid.
    pub(crate) fn peek(&self) -> Option<f64> {
        (self.next < self.rows).then(|| self.time(self.next))
    }

    pub(crate) fn advance(&mut self) {
        self.next += 1;
    }

    /// Row `k`. Every time comes straight from `k`, so rounding does not accumulate.
    fn time(&self, k: u64) -> f64 {
        if let SaveAt::Times(times) = &self.save_at {
            return times[usize::try_from(k).expect("k < times.len()")];
        }
        if k + 1 == self.rows {
            return match self.save_at {
                SaveAt::Steps => self.t_start,
                _ => self.t_end,
            };
        }
        let direction = (self.t_end - self.t_start).signum();
        let k = k as f64;
        let last = (self.rows - 1) as f64;
        match self.save_at {
            SaveAt::Every(every) => self.t_start + k * (every * direction),
            SaveAt::Count(_) => {
                // Both ends enter with weights that are exact for decimal spans such as 0 to 10.
                (self.t_start * (last - k) + self.t_end * k) / last
            }
            SaveAt::Log { .. } if k == 0.0 => self.t_start,
            SaveAt::Log { first, .. } => {
                let ratio = (self.t_end - self.t_start).abs() / first;
                self.t_start + direction * first * ratio.powf((k - 1.0) / (last - 1.0))
            }
            SaveAt::Times(_) | SaveAt::Steps | SaveAt::End => self.t_end,
        }
    }
}

fn check_interval(key: &'static str, value: f64) -> Result<(), InvalidSaveAt> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(InvalidSaveAt::Interval { key, value })
    }
}

fn check_count(key: &'static str, count: u64) -> Result<u64, InvalidSaveAt> {
    if count >= 2 { Ok(count) } else { Err(InvalidSaveAt::Count { key, count }) }
}

/// Rows at `t_start + k every` before the end, and the end.
fn rows_every(every: f64, t_start: f64, t_end: f64) -> Result<u64, InvalidSaveAt> {
    check_interval("every", every)?;
    let t = t_start.abs().max(t_end.abs());
    if every < 4.0 * f64::EPSILON * t {
        return Err(InvalidSaveAt::Resolution { every, t });
    }
    let span = (t_end - t_start).abs();
    let whole = (span / every).round();
    // Interval and span are decimal numbers rounded to binary: their ratio is a whole number as
    // far as it can be, within the rounding of each.
    let fits = (whole * every - span).abs() <= 8.0 * f64::EPSILON * t.max(span);
    let intervals = if fits && whole >= 1.0 { whole } else { (span / every).floor() + 1.0 };
    Ok(intervals as u64 + 1)
}

fn check_times(times: &[f64], start: f64, end: f64) -> Result<u64, InvalidSaveAt> {
    let (low, high) = if start < end { (start, end) } else { (end, start) };
    for (index, &value) in times.iter().enumerate() {
        if !(low..=high).contains(&value) {
            return Err(InvalidSaveAt::Outside { index, value, start, end });
        }
        if index > 0 && (value - times[index - 1]) * (end - start) <= 0.0 {
            return Err(InvalidSaveAt::Order { index, value, previous: times[index - 1] });
        }
    }
    if times.is_empty() { Err(InvalidSaveAt::Empty) } else { Ok(times.len() as u64) }
}

//! Shards: the points of a sweep dealt out to processes that know nothing of each other.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use super::SweepError;

/// Shard `index` of `count`, counted from 1: it has the points `k` with `k mod count = index - 1`,
/// so that neighbours, which take similar times, go to different shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: NonZeroUsize,
    count: NonZeroUsize,
}

impl Shard {
    /// All points.
    pub const WHOLE: Self = Self { index: NonZeroUsize::MIN, count: NonZeroUsize::MIN };

    /// Shard `index` of `count`, from 1 to `count`.
    #[must_use]
    pub fn new(index: usize, count: usize) -> Option<Self> {
        let (index, count) = (NonZeroUsize::new(index)?, NonZeroUsize::new(count)?);
        (index <= count).then_some(Self { index, count })
    }

    /// Number of this shard, from 1.
    #[must_use]
    pub fn index(self) -> usize {
        self.index.get()
    }

    /// Number of shards.
    #[must_use]
    pub fn count(self) -> usize {
        self.count.get()
    }

    /// Its points among `total`, in increasing order.
    pub fn points(self, total: usize) -> impl Iterator<Item = usize> + Send {
        (self.index() - 1..total).step_by(self.count())
    }

    /// Number of its points among `total`.
    #[must_use]
    pub fn len(self, total: usize) -> usize {
        (total + self.count() - self.index()) / self.count()
    }

    /// The shard of `point`, from 1.
    #[must_use]
    pub fn of(point: usize, count: usize) -> usize {
        point % count + 1
    }
}

impl FromStr for Shard {
    type Err = SweepError;

    fn from_str(text: &str) -> Result<Self, SweepError> {
        let parts = text.split_once('/').and_then(|(index, count)| {
            Self::new(index.trim().parse().ok()?, count.trim().parse().ok()?)
        });
        parts.ok_or_else(|| SweepError::Shard { text: text.to_owned() })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_cover_every_point_once() {
        for total in [0, 1, 7, 100] {
            for count in [1, 2, 3, 7, 150] {
                let mut seen = vec![0; total];
                for index in 1..=count {
                    let shard = Shard::new(index, count).expect("a shard");
                    let points: Vec<usize> = shard.points(total).collect();
                    assert_eq!(points.len(), shard.len(total), "{shard} of {total}");
                    assert!(points.iter().all(|p| Shard::of(*p, count) == index));
                    points.iter().for_each(|p| seen[*p] += 1);
                }
                assert!(seen.iter().all(|n| *n == 1), "{total} points, {count} shards");
            }
        }
    }

    #[test]
    fn shards_that_do_not_exist_are_refused() {
        for text in ["0/2", "3/2", "1/0", "1", "a/b", "-1/2", ""] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert_eq!("2/3".parse::<Shard>().ok(), Shard::new(2, 3));
    }
}

//! Bifurcations between two points of a branch.

use super::normal_form::first_lyapunov;
use super::root::bracketed_root;
use super::system::{NoPoint, Point, System};
use super::trace::branch_point;
use super::{Bifurcation, BifurcationKind, BranchPoint, ContinuationError};

/// Share of the tolerance to which positions on the branch are sought.
const SAFETY: f64 = 1e-3;
/// Positions closer than this share of a segment are one bifurcation seen twice.
const SAME: f64 = 1e-4;
/// Imaginary parts below this share of the largest eigenvalue belong to real crossings.
const REAL: f64 = 1e-8;

/// The part of a branch between two neighbouring points.
pub(super) struct Segment<'s, 'a> {
    pub system: &'s System<'a>,
    pub start: &'s Point,
    /// From the start to the end.
    pub chord: Point,
    pub length: f64,
    pub tolerance: f64,
    /// Whether the parameter changes direction on the way.
    pub turns: bool,
}

/// A bifurcation and its place on the segment, between 0 and 1.
struct Found {
    place: f64,
    bifurcation: Bifurcation,
}

/// All bifurcations on a segment from `before` (point number `index`) to `after`, in order.
pub(super) fn locate(
    segment: &Segment<'_, '_>,
    before: &BranchPoint,
    after: &BranchPoint,
    index: usize,
) -> Result<Vec<Bifurcation>, ContinuationError> {
    let mut found: Vec<Found> = Vec::new();
    let direction = after.unstable as i64 - before.unstable as i64;
    let entry = |place, kind, point, change| Found {
        place,
        bifurcation: Bifurcation { kind, point, change, after: index },
    };
    if segment.turns {
        let (place, point) = segment.fold()?;
        let point =
            branch_point(segment.system, &point, before.arclength + place * segment.length)?;
        found.push(entry(place, BifurcationKind::Fold, point, direction.signum()));
    }
    let crossings = before.unstable.min(after.unstable)..before.unstable.max(after.unstable);
    for k in crossings {
        let (place, point) = segment.crossing(k, before, after)?;
        let arclength = before.arclength + place * segment.length;
        let at = branch_point(segment.system, &point, arclength)?;
        let scale = at.eigenvalues.iter().fold(0.0f64, |m, l| m.max(l.norm()));
        // The eigenvalue that is on the axis; of a pair the positive part.
        let critical = at.eigenvalues.iter().min_by(|a, b| a.re.abs().total_cmp(&b.re.abs()));
        let frequency = critical.map_or(0.0, |l| l.im.abs());
        let is_hopf = frequency > REAL * scale;
        let seen = found.iter().any(|other| {
            let same_kind = match other.bifurcation.kind {
                BifurcationKind::Hopf { frequency: f, .. } => {
                    is_hopf && (f - frequency).abs() <= SAME * frequency
                }
                BifurcationKind::Fold => !is_hopf,
                BifurcationKind::BranchPoint => false,
            };
            same_kind && (other.place - place).abs() <= SAME
        });
        if seen {
            continue;
        }
        if is_hopf {
            let field = segment.system.field(point.p)?;
            let first_lyapunov = first_lyapunov(&*field, &at.y, frequency);
            let kind = BifurcationKind::Hopf { frequency, first_lyapunov };
            found.push(entry(place, kind, at, 2 * direction.signum()));
        } else {
            found.push(entry(place, BifurcationKind::BranchPoint, at, direction.signum()));
        }
    }
    found.sort_by(|a, b| a.place.total_cmp(&b.place));
    Ok(found.into_iter().map(|found| found.bifurcation).collect())
}

impl Segment<'_, '_> {
    /// The point of the branch in the plane across the chord at a share of its length.
    fn at(&self, place: f64) -> Result<Point, NoPoint> {
        let guess = self.start.along(&self.chord, place);
        self.system.correct(&guess, &self.normal()).map(|(point, _)| point)
    }

    fn normal(&self) -> Point {
        Point { y: &self.chord.y / self.length, p: self.chord.p / self.length }
    }

    /// Where the parameter component of the tangent is zero.
    fn fold(&self) -> Result<(f64, Point), ContinuationError> {
        let normal = self.normal();
        let slope = |point: &Point| Ok::<_, NoPoint>(self.system.tangent(point, &normal)?.p);
        let ends = (|| {
            let end = self.start.along(&self.chord, 1.0);
            Ok::<_, NoPoint>((slope(self.start)?, slope(&end)?))
        })();
        let found = ends.and_then(|(first, last)| {
            bracketed_root((0.0, first), (1.0, last), self.resolution(), |place| {
                let point = self.at(place)?;
                Ok((slope(&point)?, point))
            })
        });
        self.required(found)
    }

    /// Where the `k`-th largest real part is zero.
    fn crossing(
        &self,
        k: usize,
        before: &BranchPoint,
        after: &BranchPoint,
    ) -> Result<(f64, Point), ContinuationError> {
        let (first, last) = (real_part(&before.eigenvalues, k), real_part(&after.eigenvalues, k));
        if first * last >= 0.0 {
            // One of the ends is on the axis within rounding.
            let place = if first.abs() <= last.abs() { 0.0 } else { 1.0 };
            return Ok((place, self.start.along(&self.chord, place)));
        }
        let found = bracketed_root((0.0, first), (1.0, last), self.resolution(), |place| {
            let point = self.at(place)?;
            let spectrum = self.system.spectrum(&point)?;
            Ok((real_part(&spectrum.values, k), point))
        });
        self.required(found)
    }

    /// Places on the segment are sought to this accuracy.
    fn resolution(&self) -> f64 {
        (SAFETY * self.tolerance / self.length).max(4.0 * f64::EPSILON)
    }

    fn required(
        &self,
        found: Result<Option<(f64, Point)>, NoPoint>,
    ) -> Result<(f64, Point), ContinuationError> {
        match found {
            Ok(Some(found)) => Ok(found),
            Err(NoPoint::Failed(error)) => Err(error),
            Ok(None) | Err(NoPoint::Diverged { .. }) => Err(ContinuationError::Locate {
                first: self.start.p,
                last: self.start.p + self.chord.p,
            }),
        }
    }
}

/// The `k`-th largest real part, a continuous function of the matrix.
fn real_part(values: &[nalgebra::Complex<f64>], k: usize) -> f64 {
    let mut parts: Vec<f64> = values.iter().map(|l| l.re).collect();
    parts.sort_by(|a, b| b.total_cmp(a));
    parts[k]
}

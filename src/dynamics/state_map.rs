//! The elementwise part `phi` of a transfer `F(r) = W phi(r)`, ready for evaluation.

use nalgebra::DMatrix;

use super::error::{DynamicsError, require_finite};
use super::structure::SlopeUnit;
use super::transfer::Transfer;
use crate::network::Activation;

/// Units handled together where a sum must be formed before an activation.
const CHUNK: usize = 64;

/// An elementwise map of the state with its slope.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StateMap {
    /// `phi(r) = r`.
    Identity,
    /// `phi(r) = g(r)`.
    Pointwise(Activation),
    /// `phi(r) = s * r`, one column of `s` for all targets or one each.
    Scaled(DMatrix<f64>),
    /// `phi(r) = g(a + r) - g(a)`, one column of `a` for all targets or one each.
    Shifted { activation: Activation, point: DMatrix<f64>, value: DMatrix<f64> },
}

impl StateMap {
    /// The map of `transfer` on `units` units and `columns` targets.
    pub(crate) fn new(
        transfer: &Transfer,
        units: usize,
        columns: usize,
    ) -> Result<Self, DynamicsError> {
        if let Some(point) = transfer.operating_point() {
            if point.nrows() != units || (point.ncols() != 1 && point.ncols() != columns) {
                return Err(DynamicsError::Shape {
                    what: "operating point".to_owned(),
                    found_rows: point.nrows(),
                    found_columns: point.ncols(),
                    expected: format!("{units} x 1 or {units} x {columns}"),
                });
            }
            require_finite("operating point", point)?;
        }
        Ok(match transfer {
            Transfer::Linear => Self::Identity,
            // With g the identity every transfer is `W r`.
            other if other.activation() == Some(Activation::Linear) => Self::Identity,
            Transfer::Nonlinear { activation } => Self::Pointwise(*activation),
            Transfer::Tangent { activation, operating_point } => {
                Self::Scaled(mapped(operating_point, |a, s| activation.slope(a, s)))
            }
            Transfer::InverseSlope { activation, operating_point } => {
                Self::Scaled(inverse_slopes(*activation, operating_point)?)
            }
            Transfer::Deviation { activation, operating_point } => Self::Shifted {
                activation: *activation,
                point: operating_point.clone(),
                value: mapped(operating_point, |a, h| activation.apply(a, h)),
            },
        })
    }

    /// Writes `phi(r)` to `out` for all targets.
    pub(crate) fn apply(&self, r: &[f64], out: &mut [f64]) {
        match self {
            Self::Identity => out.copy_from_slice(r),
            Self::Pointwise(activation) => activation.apply(r, out),
            Self::Scaled(s) | Self::Shifted { point: s, .. } => {
                let units = s.nrows();
                for (column, (r, out)) in
                    r.chunks_exact(units).zip(out.chunks_exact_mut(units)).enumerate()
                {
                    self.apply_column(column, r, out);
                }
            }
        }
    }

    /// Writes `phi(r)` to `out` for target `column`.
    pub(crate) fn apply_column(&self, column: usize, r: &[f64], out: &mut [f64]) {
        match self {
            Self::Identity => out.copy_from_slice(r),
            Self::Pointwise(activation) => activation.apply(r, out),
            Self::Scaled(s) => {
                for ((out, r), s) in out.iter_mut().zip(r).zip(column_of(s, column)) {
                    *out = s * r;
                }
            }
            Self::Shifted { activation, point, value } => {
                on_shifted(column_of(point, column), r, out, |a, out| activation.apply(a, out));
                for (out, g) in out.iter_mut().zip(column_of(value, column)) {
                    *out -= g;
                }
            }
        }
    }

    /// Writes the slope `phi'(r)` to `out` for all targets.
    pub(crate) fn slope(&self, r: &[f64], out: &mut [f64]) {
        match self {
            Self::Identity => out.fill(1.0),
            Self::Pointwise(activation) => activation.slope(r, out),
            Self::Scaled(s) | Self::Shifted { point: s, .. } => {
                let units = s.nrows();
                for (column, (r, out)) in
                    r.chunks_exact(units).zip(out.chunks_exact_mut(units)).enumerate()
                {
                    self.slope_column(column, r, out);
                }
            }
        }
    }

    /// Writes the slope `phi'(r)` to `out` for target `column`.
    pub(crate) fn slope_column(&self, column: usize, r: &[f64], out: &mut [f64]) {
        match self {
            Self::Identity => out.fill(1.0),
            Self::Pointwise(activation) => activation.slope(r, out),
            Self::Scaled(s) => out.copy_from_slice(column_of(s, column)),
            Self::Shifted { activation, point, .. } => {
                on_shifted(column_of(point, column), r, out, |a, out| activation.slope(a, out));
            }
        }
    }

    /// The nonlinear unit `unit` of target `column`; `None` where the slope is constant.
    pub(crate) fn slope_unit(&self, unit: usize, column: usize) -> Option<SlopeUnit> {
        match self {
            Self::Identity | Self::Scaled(_) => None,
            Self::Pointwise(activation) => {
                Some(SlopeUnit { activation: *activation, offset: 0.0, gain: 1.0 })
            }
            Self::Shifted { activation, point, .. } => {
                let offset = column_of(point, column)[unit];
                Some(SlopeUnit { activation: *activation, offset, gain: 1.0 })
            }
        }
    }

    /// Where the states of all targets, moving from `r0` to `r1`, first meet a kink of the map, as a
    /// fraction of the way.
    pub(crate) fn first_kink(&self, r0: &[f64], r1: &[f64]) -> Option<f64> {
        match self {
            Self::Pointwise(activation) if activation.has_kink() => {
                first_zero(r0.iter().copied().zip(r1.iter().copied()))
            }
            Self::Shifted { activation, point, .. } if activation.has_kink() => {
                let offsets = point.as_slice().iter().cycle();
                let ends = offsets.zip(r0.iter().zip(r1));
                first_zero(ends.map(|(a, (r0, r1))| (a + r0, a + r1)))
            }
            _ => None,
        }
    }

    /// Whether the slope does not depend on the state.
    pub(crate) fn has_constant_slope(&self) -> bool {
        matches!(self, Self::Identity | Self::Scaled(_))
    }

    /// Whether the slope is the same constant for every target.
    pub(crate) fn has_shared_slope(&self) -> bool {
        match self {
            Self::Identity => true,
            Self::Scaled(s) => s.ncols() == 1,
            Self::Pointwise(_) | Self::Shifted { .. } => false,
        }
    }
}

/// Where the first of these numbers, moving linearly from one value to another, passes through
/// zero, as a fraction of the way. Numbers that start or end there do not count.
pub(crate) fn first_zero(ends: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let crossing = |(from, to): (f64, f64)| (from * to < 0.0).then(|| from / (from - to));
    ends.filter_map(crossing).reduce(f64::min)
}

/// Column `column` of a matrix with one column per target, or its only column.
fn column_of(matrix: &DMatrix<f64>, column: usize) -> &[f64] {
    let units = matrix.nrows();
    let column = if matrix.ncols() == 1 { 0 } else { column };
    &matrix.as_slice()[column * units..(column + 1) * units]
}

/// Calls `map` on `point + r`, formed on the stack piece by piece.
fn on_shifted(point: &[f64], r: &[f64], out: &mut [f64], map: impl Fn(&[f64], &mut [f64])) {
    let mut sum = [0.0; CHUNK];
    for ((point, r), out) in point.chunks(CHUNK).zip(r.chunks(CHUNK)).zip(out.chunks_mut(CHUNK)) {
        for ((sum, a), r) in sum.iter_mut().zip(point).zip(r) {
            *sum = a + r;
        }
        map(&sum[..r.len()], out);
    }
}

fn mapped(point: &DMatrix<f64>, map: impl Fn(&[f64], &mut [f64])) -> DMatrix<f64> {
    let mut out = DMatrix::zeros(point.nrows(), point.ncols());
    map(point.as_slice(), out.as_mut_slice());
    out
}

fn inverse_slopes(
    activation: Activation,
    point: &DMatrix<f64>,
) -> Result<DMatrix<f64>, DynamicsError> {
    let inverse = mapped(point, |a, s| activation.slope(a, s)).map(|s| 1.0 / s);
    // A slope below about 5.6e-309 overflows in the same way as 0.
    match inverse.iter().position(|x| !x.is_finite()) {
        None => Ok(inverse),
        Some(index) => Err(DynamicsError::ZeroSlope {
            activation: activation.name(),
            unit: index % point.nrows(),
            target: index / point.nrows(),
            operating_point: point.as_slice()[index],
        }),
    }
}

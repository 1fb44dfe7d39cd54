//! The common core: `exp(y) = 2^k exp(r)` with `|r| <= log(2) / 2`, and `log(1 + z)` on `[0, 1]`.

/// The upper 32 bits of `log(2)`: an exact multiple for every integer below `2^21`.
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
/// `log(2) - LN_2_HIGH`.
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Adding `1.5 * 2^52` rounds to an integer, left in the low bits of the sum; here with the
/// exponent bias of `f64` on top, so that shifting those bits up makes a power of two.
const ROUND: f64 = 6_755_399_441_055_744.0 + 1023.0;

/// Minimax coefficients of `(exp(r) - 1 - r - r^2 / 2) / r^3` on `|r| <= log(2) / 2`, by the Remez
/// exchange in 50-digit arithmetic; `r^3` times their error is below `2^-60 |r|`.
const EXP: [f64; 10] = [
    0.166_666_666_666_666_69,
    0.041_666_666_666_666_68,
    0.008_333_333_333_327_073,
    0.001_388_888_888_887_574_9,
    0.000_198_412_698_731_730_57,
    2.480_158_734_562_284_4e-5,
    2.755_725_650_060_249e-6,
    2.755_725_383_422_029e-7,
    2.510_498_592_123_873_8e-8,
    2.092_142_312_957_92e-9,
];

/// Minimax coefficients, as above, of `(log((1 + w) / (1 - w)) / w - 2) / w^2` in `w^2` on
/// `w <= 1/3`; relative error of the logarithm below `2^-58`.
const LOG: [f64; 10] = [
    0.666_666_666_666_666_2,
    0.400_000_000_000_493_35,
    0.285_714_285_605_360_9,
    0.222_222_232_334_138_68,
    0.181_817_682_681_111_45,
    0.153_860_712_318_747_7,
    0.133_070_436_130_978_13,
    0.120_604_971_028_985_44,
    0.085_298_435_086_682_87,
    0.166_826_032_262_046_65,
];

/// `exp(y) = 2^k (1 + excess)`.
pub(super) struct Split {
    /// The integer nearest to `y / log(2)`.
    pub(super) k: f64,
    /// `2^k`, if `k` is in `-1022..=1023`.
    pub(super) power: f64,
    /// `exp(r) - 1` for `r = y - k log(2)`.
    pub(super) excess: f64,
}

/// Splits `exp(y)` for `|y| <= 2^20`.
#[inline(always)]
pub(super) fn split(y: f64) -> Split {
    let shifted = y * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (y - k * LN_2_HIGH) - k * LN_2_LOW;
    let square = r * r;
    let excess = r + square * (0.5 + r * polynomial(&EXP, r, square));
    Split { k, power: f64::from_bits(shifted.to_bits() << 52), excess }
}

/// `2^k m`, rounded once, for an integer `k` in `-2044..=2046`.
///
/// In two factors, because `2^k` itself may overflow or be subnormal.
#[inline(always)]
pub(super) fn scale(m: f64, k: f64) -> f64 {
    let shifted = 0.5 * k + ROUND;
    let rest = k - (shifted - ROUND);
    m * f64::from_bits(shifted.to_bits() << 52) * f64::from_bits((rest + ROUND).to_bits() << 52)
}

/// `log(1 + z)` for `0 <= z <= 1`.
///
/// With `w = z / (2 + z)`, `log(1 + z) = log((1 + w) / (1 - w)) = 2 w + w R(w^2)`, and
/// `2 w = z - w z`: the rounding error of `w` enters only through the small second term.
#[inline(always)]
pub(super) fn log_1p(z: f64) -> f64 {
    let w = z / (2.0 + z);
    let square = w * w;
    z - w * (z - square * polynomial(&LOG, square, square * square))
}

/// Pairs of coefficients, then pairs of pairs (Estrin's scheme): a short chain of dependent
/// operations, which is what bounds the speed here.
#[inline(always)]
fn polynomial(c: &[f64; 10], x: f64, square: f64) -> f64 {
    let fourth = square * square;
    let low = (c[0] + x * c[1]) + square * (c[2] + x * c[3]);
    let middle = (c[4] + x * c[5]) + square * (c[6] + x * c[7]);
    low + fourth * (middle + fourth * (c[8] + x * c[9]))
}

//! Double-double arithmetic (unevaluated sums of two `f64`, about 106 bits) as a reference.
//!
//! Error-free sums and products after Knuth (1969) and Dekker (1971).

/// `high + low` with `|low| <= ulp(high) / 2`.
#[derive(Clone, Copy, Debug)]
pub struct Extended {
    pub high: f64,
    pub low: f64,
}

/// `log(2)` to 106 bits.
const LN_2: Extended = Extended { high: std::f64::consts::LN_2, low: 2.319_046_813_846_299_6e-17 };

impl Extended {
    pub fn new(x: f64) -> Self {
        Self { high: x, low: 0.0 }
    }

    fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let part = high - a;
        Self { high, low: (a - (high - part)) + (b - part) }
    }

    fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        Self { high, low: a.mul_add(b, -high) }
    }

    pub fn add(self, other: Self) -> Self {
        let (s, t) = (Self::sum(self.high, other.high), Self::sum(self.low, other.low));
        let s = Self::sum(s.high, s.low + t.high);
        Self::sum(s.high, s.low + t.low)
    }

    pub fn mul(self, other: Self) -> Self {
        let p = Self::product(self.high, other.high);
        Self::sum(p.high, p.low + (self.high * other.low + self.low * other.high))
    }

    pub fn neg(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }

    pub fn div(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self.add(other.mul(Self::new(first)).neg());
        let second = rest.high / other.high;
        let rest = rest.add(other.mul(Self::new(second)).neg());
        Self::sum(first, second).add(Self::new(rest.high / other.high))
    }

    /// Multiplies by `2^k` exactly, for results in the normal range.
    fn shift(self, k: i32) -> Self {
        let power = 2f64.powi(k / 2);
        let rest = 2f64.powi(k - k / 2);
        Self { high: self.high * power * rest, low: self.low * power * rest }
    }

    /// `exp(x) - 1`, by the Taylor series after halving `x`, then
    /// `exp(2 r) - 1 = (exp(r) - 1)^2 + 2 (exp(r) - 1)`.
    pub fn exp_m1(self) -> Self {
        let k = (self.high / LN_2.high).round();
        let mut r = self.add(LN_2.mul(Self::new(-k)));
        r = r.shift(-4);
        let mut sum = Self::new(0.0);
        for n in (1..=16).rev() {
            sum = sum.add(Self::new(1.0)).mul(r).div(Self::new(f64::from(n)));
        }
        for _ in 0..4 {
            sum = sum.mul(sum).add(sum.add(sum));
        }
        let k = k as i32;
        sum.shift(k).add(Self::new(1.0).shift(k).add(Self::new(-1.0)))
    }

    /// `exp(x)`, for results in the normal range.
    pub fn exp(self) -> Self {
        let k = (self.high / LN_2.high).round();
        let r = self.add(LN_2.mul(Self::new(-k)));
        r.exp_m1().add(Self::new(1.0)).shift(k as i32)
    }

    /// `log(1 + z)` for `0 <= z <= 1`: one Newton step from the `f64` value.
    pub fn log_1p(self) -> Self {
        // With w = expm1(y) - z: log(1 + z) = y - log(1 + w / (1 + z)), and w is of order 1e-16.
        let y = Self::new(self.high.ln_1p());
        let w = y.exp_m1().add(self.neg()).div(self.add(Self::new(1.0)));
        y.add(w.neg()).add(w.mul(w).mul(Self::new(0.5)))
    }

    /// The distance of `approximation` in units in the last place of this value.
    pub fn ulps(self, approximation: f64) -> f64 {
        let ulp = self.high.abs().next_up() - self.high.abs();
        let difference = Self::new(approximation).add(self.neg());
        (difference.high + difference.low).abs() / ulp
    }
}

#[test]
fn the_reference_itself_is_right_to_a_hundred_bits() {
    // From 60-digit arithmetic: the nearest f64, and the rest rounded to f64.
    let cases = [
        (Extended::new(0.3).exp_m1(), 0.349_858_807_576_003_1, 1.654_915_572_819_177_6e-17),
        (Extended::new(1e-5).exp_m1(), 1.000_005_000_016_666_8e-5, -3.111_926_571_619_883e-22),
        (Extended::new(-0.9).exp_m1(), -0.593_430_340_259_400_9, -6.876_023_569_271_956e-18),
        (Extended::new(9.25).exp_m1(), 10_403.565_716_560_723, 6.389_171_398_675_608e-13),
        (Extended::new(-20.5).exp(), 1.250_152_866_386_742_6e-9, 6.448_235_878_237_776e-26),
        (Extended::new(300.0).exp(), 1.942_426_395_241_255_8e130, 1.114_314_537_017_569_9e114),
        (Extended::new(0.7).log_1p(), 0.530_628_251_062_170_4, -5.076_541_175_216_476e-18),
        (Extended::new(1e-9).log_1p(), 9.999_999_995e-10, 7.493_897_403_823_754e-26),
    ];
    for (value, high, low) in cases {
        assert_eq!(value.high, high);
        assert!((value.low - low).abs() < 1e-29 * high.abs(), "{:e} against {low:e}", value.low);
    }
}

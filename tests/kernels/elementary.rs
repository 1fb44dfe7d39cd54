//! Elementary functions against 106-bit arithmetic, at their ends, and element by element.

use dynamic_inversion::linalg::elementary;
use dynamic_inversion::network::random::generator;
use rand::RngExt;

use crate::extended::Extended;

type Function = fn(&[f64], &mut [f64]);

const FUNCTIONS: [(&str, Function); 6] = [
    ("exp", elementary::exp),
    ("tanh", elementary::tanh),
    ("tanh_slope", elementary::tanh_slope),
    ("sigmoid", elementary::sigmoid),
    ("sigmoid_slope", elementary::sigmoid_slope),
    ("softplus", elementary::softplus),
];

fn apply(function: Function, x: &[f64]) -> Vec<f64> {
    let mut y = vec![f64::NAN; x.len()];
    function(x, &mut y);
    y
}

fn at(function: Function, x: f64) -> f64 {
    apply(function, &[x])[0]
}

/// Arguments of both signs: uniform to `range`, and spread evenly over magnitudes from 1e-20.
fn arguments(range: f64, count: usize) -> Vec<f64> {
    let mut random = generator(31, range.to_bits());
    let draw = |i: usize| {
        let size = match i % 3 {
            0 => random.random_range(0.0..range),
            1 => random.random_range(0.0..range.min(4.0)),
            _ => 10f64.powf(random.random_range(-20.0..range.log10())),
        };
        if random.random::<bool>() { size } else { -size }
    };
    (0..count).map(draw).collect()
}

fn largest_error(function: Function, reference: fn(f64) -> Extended, range: f64) -> (f64, f64) {
    let x = arguments(range, 100_000);
    let y = apply(function, &x);
    let errors = x.iter().zip(&y).map(|(&x, &y)| (reference(x).ulps(y), x));
    errors.fold((0.0, 0.0), |worst, next| if next.0 > worst.0 { next } else { worst })
}

fn one() -> Extended {
    Extended::new(1.0)
}

fn sigmoid(x: f64) -> Extended {
    let z = Extended::new(-x.abs()).exp();
    (if x >= 0.0 { one() } else { z }).div(one().add(z))
}

fn sigmoid_slope(x: f64) -> Extended {
    let z = Extended::new(-x.abs()).exp();
    z.div(one().add(z).mul(one().add(z)))
}

fn softplus(x: f64) -> Extended {
    Extended::new(x.max(0.0)).add(Extended::new(-x.abs()).exp().log_1p())
}

fn tanh(x: f64) -> Extended {
    let e = Extended::new(2.0 * x).exp_m1();
    e.div(e.add(Extended::new(2.0)))
}

fn tanh_slope(x: f64) -> Extended {
    let slope = sigmoid_slope(2.0 * x);
    slope.add(slope).add(slope.add(slope))
}

#[test]
fn errors_stay_within_the_stated_units_in_the_last_place() {
    type Case = (Function, fn(f64) -> Extended, f64, f64);
    let cases: [(&str, Case); 6] = [
        ("exp", (elementary::exp, |x| Extended::new(x).exp(), 650.0, 1.0)),
        ("tanh", (elementary::tanh, tanh, 25.0, 2.5)),
        ("tanh_slope", (elementary::tanh_slope, tanh_slope, 325.0, 6.0)),
        ("sigmoid", (elementary::sigmoid, sigmoid, 650.0, 2.5)),
        ("sigmoid_slope", (elementary::sigmoid_slope, sigmoid_slope, 650.0, 6.0)),
        ("softplus", (elementary::softplus, softplus, 650.0, 2.0)),
    ];
    for (name, (function, reference, range, bound)) in cases {
        let (error, x) = largest_error(function, reference, range);
        assert!(error <= bound, "{name}: {error} ulp at {x:e}");
        assert!(error > 0.4, "{name}: the comparison measures nothing");
    }
}

#[test]
fn an_element_depends_neither_on_its_position_nor_on_the_length() {
    let x = arguments(30.0, 67);
    for (name, function) in FUNCTIONS {
        let alone: Vec<u64> = x.iter().map(|&x| at(function, x).to_bits()).collect();
        for start in 0..9 {
            for end in start..x.len() {
                let bits = apply(function, &x[start..end]).into_iter().map(f64::to_bits);
                assert!(bits.eq(alone[start..end].iter().copied()), "{name}, {start}..{end}");
            }
        }
    }
}

#[test]
fn combined_functions_have_the_bits_of_the_single_ones() {
    type Combined = fn(&[f64], &mut [f64], &mut [f64]);
    let x = [arguments(30.0, 1001), vec![f64::INFINITY, f64::NEG_INFINITY, -0.0, 400.0]].concat();
    let cases: [(Combined, Function, Function); 3] = [
        (elementary::tanh_and_slope, elementary::tanh, elementary::tanh_slope),
        (elementary::sigmoid_and_slope, elementary::sigmoid, elementary::sigmoid_slope),
        (elementary::softplus_and_slope, elementary::softplus, elementary::sigmoid),
    ];
    for (combined, value, slope) in cases {
        let (mut y, mut d) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        combined(&x, &mut y, &mut d);
        assert_eq!(y, apply(value, &x));
        assert_eq!(d, apply(slope, &x));
    }
}

#[test]
fn tanh_is_odd_keeps_signed_zero_and_saturates_at_one() {
    let x = arguments(40.0, 10_000);
    let mirrored: Vec<f64> = x.iter().map(|x| -x).collect();
    let (y, z) = (apply(elementary::tanh, &x), apply(elementary::tanh, &mirrored));
    for (y, z) in y.iter().zip(&z) {
        assert_eq!(y.to_bits(), (-z).to_bits());
        assert!(y.abs() <= 1.0);
    }
    assert_eq!(at(elementary::tanh, 0.0).to_bits(), 0.0f64.to_bits());
    assert_eq!(at(elementary::tanh, -0.0).to_bits(), (-0.0f64).to_bits());
    for x in [19.1, 22.0, 355.0, 1e10, f64::MAX, f64::INFINITY] {
        assert_eq!(at(elementary::tanh, x), 1.0, "{x}");
        assert_eq!(at(elementary::tanh, -x), -1.0, "{x}");
    }
    // Subnormal and tiny numbers are returned unchanged.
    for x in [5e-324, 1e-310, f64::MIN_POSITIVE, 1e-300, 1e-20, 1e-17] {
        assert_eq!(at(elementary::tanh, x), x, "{x:e}");
    }
}

/// Steps through neighbouring numbers, `stride` apart, around every start.
fn monotone(name: &str, function: Function, starts: &[f64], stride: u64, direction: f64) {
    for &start in starts {
        let x: Vec<f64> =
            (0..20_000).map(|i| f64::from_bits(start.to_bits() + i * stride)).collect();
        let y = apply(function, &x);
        let falls = y.windows(2).position(|pair| direction * (pair[1] - pair[0]) < 0.0);
        assert!(falls.is_none(), "{name} turns at {:e}", x[falls.unwrap_or(0)]);
    }
}

#[test]
fn values_are_monotone_towards_the_ends() {
    let starts = [1.0, 2.0, 5.0, 9.0, 12.0, 15.0, 17.0, 18.0, 18.5, 18.7, 18.9, 19.0, 19.06];
    monotone("tanh", elementary::tanh, &starts, 1, 1.0);
    monotone("tanh", elementary::tanh, &starts, 1 << 32, 1.0);
    let starts = [20.0, 30.0, 36.0, 36.7, 36.8, 40.0];
    monotone("sigmoid", elementary::sigmoid, &starts, 1, 1.0);
    monotone("softplus", elementary::softplus, &starts, 1, 1.0);
    let left = [-20.0, -37.0, -300.0, -700.0, -740.0];
    monotone("sigmoid", elementary::sigmoid, &left, 4, -1.0);
    monotone("softplus", elementary::softplus, &left, 4, -1.0);
}

#[test]
fn ends_and_special_arguments() {
    let infinity = f64::INFINITY;
    let limits: [(Function, f64, f64, f64); 6] = [
        (elementary::exp, 0.0, 1.0, infinity),
        (elementary::tanh, -1.0, 0.0, 1.0),
        (elementary::tanh_slope, 0.0, 1.0, 0.0),
        (elementary::sigmoid, 0.0, 0.5, 1.0),
        (elementary::sigmoid_slope, 0.0, 0.25, 0.0),
        (elementary::softplus, 0.0, std::f64::consts::LN_2, infinity),
    ];
    for (function, left, middle, right) in limits {
        assert_eq!(at(function, -infinity), left);
        assert_eq!(at(function, -1e300), left);
        assert!((at(function, 0.0) - middle).abs() <= f64::EPSILON / 2.0);
        assert_eq!(at(function, infinity), right);
        // In the vector body and in the tail.
        for position in 0..7 {
            let mut x = [0.5; 7];
            x[position] = f64::NAN;
            let y = apply(function, &x);
            assert!(y.iter().enumerate().all(|(i, y)| y.is_nan() == (i == position)));
        }
    }
    assert_eq!(at(elementary::softplus, 1e300), 1e300);
    assert_eq!(at(elementary::exp, 709.79), infinity);
    assert!(at(elementary::exp, 709.78).is_finite());
}

#[test]
fn left_tails_underflow_gradually() {
    for x in [-709.0f64, -720.0, -740.0, -744.0] {
        let reference = x.exp();
        for function in [elementary::exp as Function, elementary::sigmoid, elementary::softplus] {
            let difference = (at(function, x) - reference).abs();
            assert!(difference <= (reference * 4.0 * f64::EPSILON).max(5e-324), "{x}");
        }
    }
    assert_eq!(at(elementary::exp, -745.2), 0.0);
}

#[test]
fn slopes_respect_their_bounds() {
    let x = arguments(1e-7, 100_000);
    assert!(apply(elementary::tanh_slope, &x).iter().all(|d| *d <= 1.0));
    assert!(apply(elementary::sigmoid_slope, &x).iter().all(|d| *d <= 0.25));
}

//! Activations: derivatives against finite differences, integrals against quadrature.

use dynamic_inversion::network::Activation;

const ALL: [Activation; 6] = [
    Activation::Linear,
    Activation::Tanh,
    Activation::Relu,
    Activation::LeakyRelu,
    Activation::Softplus,
    Activation::Sigmoid,
];

/// Both signs, no kink, past the change of formula of every function.
fn points() -> Vec<f64> {
    let sizes = [1e-3, 0.1, 0.3, 0.49, 0.51, 0.9, 1.1, 2.0, 3.7, 6.0, 11.0];
    sizes.iter().flat_map(|&a| [a, -a]).collect()
}

fn slices(f: impl Fn(&[f64], &mut [f64]), a: &[f64]) -> Vec<f64> {
    let mut out = vec![f64::NAN; a.len()];
    f(a, &mut out);
    out
}

/// Central difference of sixth order with step `h`; error about `1e-16 / h + 60 h^6`.
fn difference(f: impl Fn(f64) -> f64, a: f64, h: f64) -> f64 {
    let pair = |k: f64| f(a + k * h) - f(a - k * h);
    (45.0 * pair(1.0) - 9.0 * pair(2.0) + pair(3.0)) / (60.0 * h)
}

#[test]
fn derivatives_agree_with_finite_differences() {
    for g in ALL {
        let a = points();
        let slope = slices(|a, d| g.slope(a, d), &a);
        let second = slices(|a, d| g.second_derivative(a, d), &a);
        let third = slices(|a, d| g.third_derivative(a, d), &a);
        for (i, &a) in a.iter().enumerate() {
            let h = if g.is_piecewise_linear() { 1e-4 } else { 3e-3 };
            let of = |f: fn(Activation, &[f64], &mut [f64])| {
                move |a: f64| slices(|a, d| f(g, a, d), &[a])[0]
            };
            let errors = [
                difference(|a| g.value(a), a, h) - slope[i],
                difference(|a| g.slope_at(a), a, h) - second[i],
                difference(of(Activation::second_derivative), a, h) - third[i],
            ];
            let bound = 1e-12 + 10.0 * f64::EPSILON * a.abs() / h;
            for (order, error) in errors.iter().enumerate() {
                assert!(error.abs() < bound, "{g:?}, order {}, at {a}: {error:e}", order + 1);
            }
        }
    }
}

#[test]
fn derivatives_keep_their_relative_accuracy_in_the_tails() {
    for a in [20.0f64, -20.0, 100.0, -100.0, 300.0] {
        let one = |f: fn(Activation, &[f64], &mut [f64]), g| slices(|a, d| f(g, a, d), &[a])[0];
        let (tanh_tail, tail) = (4.0 * (-2.0 * a.abs()).exp(), (-a.abs()).exp());
        // The next term of each expansion is smaller by at most 8 e^-|a|.
        let bound = 8.0 * tail + 1e-14;
        let close = |x: f64, y: f64| assert!((x / y - 1.0).abs() < bound, "at {a}: {x:e}, {y:e}");
        close(Activation::Tanh.slope_at(a), tanh_tail);
        close(one(Activation::second_derivative, Activation::Tanh), -2.0 * a.signum() * tanh_tail);
        close(one(Activation::third_derivative, Activation::Tanh), 4.0 * tanh_tail);
        close(Activation::Sigmoid.slope_at(a), tail);
        close(one(Activation::second_derivative, Activation::Sigmoid), -a.signum() * tail);
        close(one(Activation::third_derivative, Activation::Sigmoid), tail);
        close(one(Activation::second_derivative, Activation::Softplus), tail);
    }
}

/// Gauss-Legendre quadrature of `f` from 0 to `a`, five nodes on each of 200 pieces.
fn quadrature(f: impl Fn(f64) -> f64, a: f64) -> f64 {
    const NODES: [(f64, f64); 3] = [
        (0.0, 128.0 / 225.0),
        (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
        (0.906_179_845_938_664, 0.236_926_885_056_189_08),
    ];
    let half = a / 400.0;
    let piece = |i: i32| {
        let middle = half * f64::from(2 * i + 1);
        let pair = |x: f64| f(middle + half * x) + f(middle - half * x);
        let sum: f64 = NODES[1..].iter().map(|&(x, w)| w * pair(x)).sum();
        half * (sum + NODES[0].1 * f(middle))
    };
    (0..200).map(piece).sum()
}

#[test]
fn integrals_agree_with_quadrature() {
    for g in ALL {
        assert_eq!(g.integral(0.0), 0.0, "{g:?}");
        for a in points().into_iter().chain([1.0, -1.0, 0.5, -0.5, 1e-6, -1e-6, 25.0, -25.0]) {
            let (exact, quadrature) = (g.integral(a), quadrature(|a| g.value(a), a));
            let error = (exact - quadrature).abs();
            assert!(error <= 2e-14 * quadrature.abs(), "{g:?} at {a}: {exact:e}, {quadrature:e}");
        }
    }
}

#[test]
fn integrals_have_their_limits() {
    let pi = std::f64::consts::PI;
    assert_eq!(Activation::Softplus.integral(-800.0), -pi * pi / 12.0);
    assert_eq!(Activation::Sigmoid.integral(-800.0), -std::f64::consts::LN_2);
    assert_eq!(Activation::Tanh.integral(1e300), 1e300);
    assert_eq!(Activation::Relu.integral(f64::NEG_INFINITY), 0.0);
    for g in ALL {
        assert!(g.integral(f64::NAN).is_nan(), "{g:?}");
        assert_eq!(g.integral(f64::INFINITY), f64::INFINITY, "{g:?}");
    }
}

#[test]
fn inverses_undo_the_activation_where_they_exist() {
    for g in ALL {
        for a in points() {
            match g.inverse(g.value(a)) {
                Some(b) => {
                    // The inverse is as ill-conditioned as the slope is small.
                    let error = (g.slope_at(a) * (b - a)).abs();
                    assert!(
                        error <= 4.0 * f64::EPSILON * (1.0 + a.abs()),
                        "{g:?}: {a} against {b}"
                    );
                }
                None => assert!(g == Activation::Relu && a < 0.0, "{g:?} at {a}"),
            }
        }
        assert_eq!(g.inverse(f64::NAN), None);
        assert_eq!(g.inverse(f64::INFINITY), None);
    }
    let small = Activation::Softplus.inverse(1e-300).expect("positive");
    assert!((small - 1e-300f64.ln()).abs() < 1e-12);
    for (g, outside) in [
        (Activation::Tanh, [1.0, -1.0, 1.5]),
        (Activation::Sigmoid, [0.0, 1.0, -0.5]),
        (Activation::Softplus, [0.0, -1.0, -1e-9]),
        (Activation::Relu, [0.0, -1.0, -0.0]),
    ] {
        assert!(outside.iter().all(|&h| g.inverse(h).is_none()), "{g:?}");
    }
}

#[test]
fn slices_and_single_numbers_have_the_same_bits() {
    let special = [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, 5e-324, -1e-310, 400.0, -745.0];
    let a = [points(), special.to_vec()].concat();
    let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    for g in ALL {
        let value: Vec<f64> = a.iter().map(|&a| g.value(a)).collect();
        let slope: Vec<f64> = a.iter().map(|&a| g.slope_at(a)).collect();
        let (mut h, mut d) = (vec![0.0; a.len()], vec![0.0; a.len()]);
        g.apply_with_slope(&a, &mut h, &mut d);
        assert_eq!(bits(&h), bits(&value), "{g:?}");
        assert_eq!(bits(&d), bits(&slope), "{g:?}");
        assert_eq!(bits(&slices(|a, h| g.apply(a, h), &a)), bits(&value), "{g:?}");
        assert_eq!(bits(&slices(|a, d| g.slope(a, d), &a)), bits(&slope), "{g:?}");
        let (low, high) = g.slope_bounds();
        assert!(slope.iter().all(|d| (low..=high).contains(d)), "{g:?}: slope bounds");
    }
}

#[test]
fn not_a_number_is_passed_on() {
    let a = [1.0, f64::NAN, -1.0, 2.0, f64::NAN];
    let expected = [false, true, false, false, true];
    for g in ALL {
        let (mut h, mut d) = ([0.0; 5], [0.0; 5]);
        g.apply_with_slope(&a, &mut h, &mut d);
        assert_eq!(h.map(f64::is_nan), expected, "{g:?}");
        if g != Activation::Linear {
            assert_eq!(d.map(f64::is_nan), expected, "{g:?}");
        }
        assert!(slices(|a, d| g.second_derivative(a, d), &a)[1].is_nan(), "{g:?}");
        assert!(slices(|a, d| g.third_derivative(a, d), &a)[4].is_nan(), "{g:?}");
    }
}

#[test]
fn kinks_have_the_slope_from_the_left() {
    for zero in [0.0, -0.0] {
        assert_eq!(Activation::Relu.slope_at(zero), 0.0);
        assert_eq!(Activation::LeakyRelu.slope_at(zero), 0.01);
        assert_eq!(Activation::Relu.value(zero).to_bits(), 0.0f64.to_bits());
    }
    assert_eq!(Activation::Relu.value(f64::NEG_INFINITY), 0.0);
    assert_eq!(Activation::LeakyRelu.value(-3.0), -0.03);
}

#[test]
fn names_are_read_back() {
    for g in ALL {
        assert_eq!(Activation::parse(g.name()), Some(g));
    }
    assert_eq!(Activation::LeakyRelu.name(), "leaky-relu");
    assert_eq!(Activation::parse("Tanh"), None);
}

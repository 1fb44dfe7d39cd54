//! Statistics and determinism of initialisers.

use approx::assert_relative_eq;
use dynamic_inversion::network::random::generator;
use dynamic_inversion::network::{Initialiser, NetworkError};
use nalgebra::DMatrix;

const ALL: [Initialiser; 4] = [
    Initialiser::Zero,
    Initialiser::Normal { scale: 1.5 },
    Initialiser::Uniform { low: -0.01, high: 0.01 },
    Initialiser::Orthogonal { gain: 2.0 },
];

#[test]
fn normal_weights_have_the_scale_of_the_fan_in() {
    let weights = Initialiser::Normal { scale: 1.5 }.weights(&[400, 250, 100], 1).unwrap();
    for (w, fan_in) in weights.iter().zip([400.0f64, 250.0]) {
        let n = w.len() as f64;
        let std = 1.5 / fan_in.sqrt();
        // Five standard errors of mean and of standard deviation.
        assert!(w.mean().abs() < 5.0 * std / n.sqrt());
        assert!((w.variance().sqrt() / std - 1.0).abs() < 5.0 / f64::sqrt(2.0 * n));
        let beyond = w.iter().filter(|x| x.abs() > 2.0 * std).count() as f64 / n;
        assert!((beyond - 0.0455).abs() < 5.0 * (0.0455f64 / n).sqrt(), "{beyond}");
    }
}

#[test]
fn uniform_weights_fill_their_interval() {
    let (low, high) = (-0.25, 0.75);
    let weights = Initialiser::Uniform { low, high }.weights(&[300, 200], 2).unwrap();
    let w = &weights[0];
    assert!(w.iter().all(|&x| (low..high).contains(&x)));
    assert!(w.min() < low + 1e-4 && w.max() > high - 1e-4);
    let n = w.len() as f64;
    assert!((w.mean() - 0.25).abs() < 5.0 / f64::sqrt(12.0 * n));
    assert!((w.variance() - 1.0 / 12.0).abs() < 5.0 / f64::sqrt(180.0 * n));
}

#[test]
fn orthogonal_weights_have_orthonormal_rows_or_columns() {
    let weights = Initialiser::Orthogonal { gain: 2.0 }.weights(&[20, 30, 10, 10], 3).unwrap();
    for w in &weights {
        let gram = if w.nrows() < w.ncols() { w * w.transpose() } else { w.transpose() * w };
        let n = gram.nrows();
        assert_relative_eq!(gram, 4.0 * DMatrix::<f64>::identity(n, n), epsilon = 1e-13);
    }
}

/// Under the Haar measure on O(2) every entry has mean 0 and variance 1/2, and determinants of
/// both signs are equally likely; Householder QR without the sign rule always gives q_00 <= 0.
#[test]
fn orthogonal_weights_follow_the_haar_measure() {
    let count = 2000;
    let mut random = generator(4, 0);
    let (mut sum, mut squares, mut positive) = (0.0, 0.0, 0);
    for _ in 0..count {
        let q = Initialiser::Orthogonal { gain: 1.0 }.matrix(2, 2, &mut random).unwrap();
        sum += q[(0, 0)];
        squares += q[(0, 0)] * q[(0, 0)];
        positive += usize::from(q.determinant() > 0.0);
    }
    let n = f64::from(count);
    assert!((sum / n).abs() < 5.0 * (0.5 / n).sqrt());
    assert!((squares / n - 0.5).abs() < 5.0 * (0.125 / n).sqrt());
    assert!((positive as f64 / n - 0.5).abs() < 5.0 * (0.25 / n).sqrt());
}

#[test]
fn a_seed_gives_the_same_weights_and_another_seed_others() {
    for init in ALL {
        let draw = |seed| init.weights(&[6, 5, 4], seed).unwrap();
        assert_eq!(draw(7), draw(7));
        assert_eq!(draw(7) == draw(8), init == Initialiser::Zero);
    }
}

#[test]
fn a_layer_does_not_depend_on_the_others() {
    let init = Initialiser::Normal { scale: 1.0 };
    let deep = init.weights(&[6, 5, 4], 7).unwrap();
    let other = init.weights(&[60, 5, 4, 3], 7).unwrap();
    assert_eq!(deep[1], other[1]);
    let equal = init.weights(&[5, 5, 5], 7).unwrap();
    assert_ne!(equal[0], equal[1]);
    assert_ne!(
        equal[0].row(0).transpose().as_slice(),
        init.biases(&[5, 5], 7).unwrap()[0].as_slice()
    );
}

/// Pinned bits: a change of generator, stream numbers or drawing order breaks published seeds.
#[test]
fn drawn_values_stay_the_same_between_versions() {
    let uniform = Initialiser::Uniform { low: -1.0, high: 1.0 }.weights(&[2, 2], 0).unwrap();
    let normal = Initialiser::Normal { scale: 1.0 }.weights(&[2, 2], 0).unwrap();
    let uniform_pin = [
        0.898_630_618_280_130_5,
        -0.201_898_899_083_542_86,
        -0.711_034_957_323_220_2,
        -0.701_192_565_185_239_3,
    ];
    let normal_pin = [
        0.259_501_810_955_539_15,
        -0.092_324_919_199_690_87,
        -0.932_156_310_684_598_8,
        -0.935_282_266_242_024_3,
    ];
    for (drawn, pinned) in [(&uniform[0], uniform_pin), (&normal[0], normal_pin)] {
        let row_major = drawn.transpose();
        assert_relative_eq!(row_major.as_slice(), &pinned[..], max_relative = 1e-15);
    }
}

#[test]
fn impossible_parameters_are_refused() {
    let refused = |init: Initialiser, text: &str| {
        let error = init.weights(&[3, 2], 0).unwrap_err();
        assert!(matches!(error, NetworkError::Initialiser { .. }));
        assert_eq!(error.to_string(), text);
        assert!(init.biases(&[3, 2], 0).is_err());
    };
    refused(
        Initialiser::Normal { scale: -1.0 },
        "normal: scale = -1 is not allowed; it must be finite and at least 0",
    );
    refused(
        Initialiser::Normal { scale: f64::NAN },
        "normal: scale = NaN is not allowed; it must be finite and at least 0",
    );
    refused(
        Initialiser::Uniform { low: 1.0, high: 1.0 },
        "uniform: high = 1 is not allowed; it must be finite and above low",
    );
    refused(
        Initialiser::Uniform { low: -f64::MAX, high: f64::MAX },
        &format!("uniform: high = {} is not allowed; it must be finite and above low", f64::MAX),
    );
    refused(
        Initialiser::Orthogonal { gain: f64::INFINITY },
        "orthogonal: gain = inf is not allowed; it must be finite",
    );
    let orthogonal = Initialiser::Orthogonal { gain: 1.0 };
    assert!(matches!(orthogonal.biases(&[3, 2], 0), Err(NetworkError::OrthogonalBiases)));
    assert!(matches!(ALL[1].weights(&[3], 0), Err(NetworkError::TooFewSizes { sizes: 1 })));
    assert!(matches!(ALL[1].weights(&[3, 0], 0), Err(NetworkError::EmptySize { position: 1 })));
}

//! Stage sums and error norms against plain loops.

use dynamic_inversion::linalg::kernels::{
    MAX_STAGES, linear_combination, weighted_square_sum, weighted_sum,
};
use dynamic_inversion::network::random::generator;
use rand::RngExt;

fn draw(count: usize, stream: u64) -> Vec<f64> {
    let mut random = generator(21, stream);
    (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
}

#[test]
fn stage_sums_agree_with_plain_loops_for_every_length_and_stage_count() {
    let h = 0.37;
    for dim in (0..=40).chain([1000]) {
        for stages in 0..=MAX_STAGES {
            let (y, mut a) = (draw(dim, 1), draw(stages, 2));
            if stages > 2 {
                a[1] = 0.0;
            }
            let k = draw(dim * (stages + 1), 3);
            let (mut out, mut increment) = (vec![f64::NAN; dim], vec![f64::NAN; dim]);
            linear_combination(&y, h, &a, &k, &mut out);
            weighted_sum(h, &a, &k, &mut increment);
            for i in 0..dim {
                let sum: f64 = (0..stages).map(|j| h * a[j] * k[j * dim + i]).sum();
                let bound = (stages + 1) as f64 * f64::EPSILON;
                assert!(
                    (increment[i] - sum).abs() <= bound,
                    "dim {dim}, {stages} stages, entry {i}"
                );
                assert_eq!(out[i], y[i] + increment[i], "dim {dim}, {stages} stages, entry {i}");
            }
        }
    }
}

#[test]
fn an_entry_does_not_depend_on_its_position() {
    let (dim, stages) = (53, 7);
    let (y, a, k) = (draw(dim, 4), draw(stages, 5), draw(dim * stages, 6));
    let mut whole = vec![0.0; dim];
    linear_combination(&y, 0.1, &a, &k, &mut whole);
    for length in 1..=dim {
        let start = dim - length;
        let part: Vec<f64> = k.chunks(dim).flat_map(|k| k[start..].to_vec()).collect();
        let mut out = vec![0.0; length];
        linear_combination(&y[start..], 0.1, &a, &part, &mut out);
        assert_eq!(out, whole[start..], "last {length} entries");
    }
}

#[test]
fn stages_without_weight_are_not_read() {
    let k = [[f64::NAN; 5], [2.0; 5]].concat();
    let mut out = [0.0; 5];
    linear_combination(&[1.0; 5], 0.5, &[0.0, 3.0], &k, &mut out);
    assert_eq!(out, [4.0; 5]);
}

#[test]
fn error_norms_agree_with_a_plain_loop() {
    for dim in (0..=40).chain([1000]) {
        let (e, y0, y1) = (draw(dim, 7), draw(dim, 8), draw(dim, 9));
        let (atol, rtol) = (1e-2, 1e-1);
        let plain: f64 =
            (0..dim).map(|i| (e[i] / (atol + rtol * y0[i].abs().max(y1[i].abs()))).powi(2)).sum();
        let sum = weighted_square_sum(&e, &y0, &y1, atol, rtol);
        assert!((sum - plain).abs() <= (dim + 4) as f64 * f64::EPSILON * plain, "dim {dim}");
    }
}

#[test]
fn no_broken_state_passes_the_error_norm() {
    for dim in [1, 3, 4, 9, 33] {
        for i in 0..dim {
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let fine = vec![0.5; dim];
                let mut broken = fine.clone();
                broken[i] = bad;
                for e in [0.0, 1e-9] {
                    let e = vec![e; dim];
                    assert!(weighted_square_sum(&e, &broken, &fine, 1e-6, 1e-6).is_nan());
                    assert!(weighted_square_sum(&e, &fine, &broken, 1e-6, 1e-6).is_nan());
                }
                assert!(!weighted_square_sum(&broken, &fine, &fine, 1e-6, 1e-6).is_finite());
            }
        }
    }
}

#[test]
fn a_resting_component_without_absolute_tolerance_adds_nothing() {
    let sum = weighted_square_sum(&[0.0, 1e-6, 0.0], &[0.0, 1.0, 0.0], &[0.0; 3], 0.0, 1e-3);
    assert!((sum - 1e-6).abs() < 1e-20);
    assert_eq!(weighted_square_sum(&[1e-300], &[0.0], &[0.0], 0.0, 1e-3), f64::INFINITY);
}

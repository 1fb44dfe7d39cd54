//! Feedback matrices against their definitions.

mod optimize;
mod scheme;
#[path = "../support/mod.rs"]
mod support;

use approx::assert_relative_eq;
use dynamic_inversion::dynamics::Feedback;
use dynamic_inversion::feedback::{FEEDBACK, Initialiser, random_controller, weight_product};
use nalgebra::DMatrix;
use support::Golden;

fn weights() -> DMatrix<f64> {
    Golden::load("linear_contracting").matrix("W")
}

fn matrix(initialiser: &Initialiser, w: &DMatrix<f64>) -> DMatrix<f64> {
    initialiser.feedback(w, 5, 1).expect("valid initialiser").matrix(w)
}

#[test]
fn transposes_carry_sign_and_scale_and_stay_tied() {
    let w = weights();
    let negative = Initialiser::NegativeTranspose { scale: 0.5 };
    assert_eq!(negative.feedback(&w, 0, 0), Ok(Feedback::Tied { scale: 0.5 }));
    assert_eq!(matrix(&negative, &w), w.transpose() * -0.5);
    assert_eq!(matrix(&Initialiser::Transpose { scale: 2.0 }, &w), w.transpose() * 2.0);
}

#[test]
fn negative_pseudoinverse_inverts_the_weights() {
    let w = weights();
    let b = matrix(&Initialiser::NegativePseudoinverse { scale: 1.0 }, &w);
    assert_relative_eq!(&w * b, -DMatrix::identity(10, 10), epsilon = 1e-12);
}

#[test]
fn negative_sign_keeps_zero_at_zero() {
    let w = DMatrix::from_row_slice(2, 3, &[1.5, 0.0, -2.0, -0.1, 3.0, 0.0]);
    let expected = DMatrix::from_row_slice(3, 2, &[-1.0, 1.0, 0.0, -1.0, 1.0, 0.0]);
    assert_eq!(matrix(&Initialiser::NegativeSign { scale: 1.0 }, &w), expected);
}

#[test]
fn random_feedback_depends_on_seed_and_stream_alone() {
    let w = DMatrix::zeros(40, 60);
    let uniform = Initialiser::RandomUniform { low: -0.5, high: 0.5 };
    let first = uniform.feedback(&w, 3, 9).unwrap();
    assert_eq!(first, uniform.feedback(&w, 3, 9).unwrap());
    assert_ne!(first, uniform.feedback(&w, 3, 10).unwrap());
    let b = first.matrix(&w);
    assert_eq!(b.shape(), (60, 40));
    assert!(b.iter().all(|x| (-0.5..0.5).contains(x)));
    // Standard deviation of 2400 uniform draws: 1/sqrt(12) with a relative error of about 1 %.
    assert_relative_eq!(b.variance().sqrt(), (1.0f64 / 12.0).sqrt(), max_relative = 0.05);
    let normal = matrix(&Initialiser::RandomNormal { scale: 2.0 }, &w);
    assert_relative_eq!(normal.variance().sqrt(), 2.0 / 40f64.sqrt(), max_relative = 0.08);
}

#[test]
fn unusable_parameters_are_refused_by_name() {
    let w = weights();
    let error = Initialiser::NegativeTranspose { scale: -1.0 }.feedback(&w, 0, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "feedback negative-transpose: scale = -1 is not allowed; give a finite positive number"
    );
    let reversed = Initialiser::RandomUniform { low: 1.0, high: 0.0 };
    assert!(reversed.feedback(&w, 0, 0).unwrap_err().to_string().contains("high = 0"));
}

#[test]
fn single_loop_feedback_is_the_signed_product_of_the_layers() {
    let golden = Golden::load("single_loop_linear_4stage");
    let (weights, b) = (golden.matrices("weights"), golden.matrix("B"));
    let initialiser = Initialiser::NegativeTranspose { scale: 1.0 };
    let built = initialiser.single_loop(&weights, 0, 0).unwrap();
    assert_eq!(built.shape(), b.shape());
    // Four factors -W^T with three more signs: the loop gain W_L .. W_2 B is -(..)(..)^T.
    let gain = weights.iter().skip(1).fold(weights[0].clone(), |p, w| w * p) * &built;
    assert_relative_eq!(gain.transpose(), gain, epsilon = 1e-12);
    assert!((-gain).cholesky().is_some(), "the loop is negative");
}

#[test]
fn controller_feedback_has_one_matrix_per_layer() {
    let w = [DMatrix::from_element(4, 3, 0.5), DMatrix::from_element(2, 4, -1.0)];
    let product = weight_product(&w);
    assert_eq!(product, vec![w[1].transpose(), DMatrix::identity(2, 2)]);
    let random = random_controller(&[3, 4, 2], 1.0, 0, 7);
    assert_eq!(random.iter().map(DMatrix::shape).collect::<Vec<_>>(), [(4, 2), (2, 2)]);
}

#[test]
fn registry_names_are_unique() {
    let mut names: Vec<_> = FEEDBACK.iter().map(|entry| entry.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FEEDBACK.len());
}

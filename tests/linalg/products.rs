//! Products in every transposition.

use dynamic_inversion::linalg::gemm::{
    matmul, matmul_into, matmul_nt, matmul_nt_into, matmul_tn, matmul_tn_into,
};
use nalgebra::DMatrix;

use super::matrices::Draws;

/// Triple loop, the definition.
fn definition(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(a.nrows(), b.ncols(), |i, j| {
        (0..a.ncols()).map(|k| a[(i, k)] * b[(k, j)]).sum()
    })
}

#[test]
fn products_agree_with_the_definition() {
    let mut draws = Draws::new(40);
    for (m, k, n) in [(1, 1, 1), (3, 5, 2), (40, 7, 33), (65, 130, 64), (0, 4, 3), (4, 0, 3)] {
        let (a, b) = (draws.matrix(m, k), draws.matrix(k, n));
        let exact = definition(&a, &b);
        let close = |c: &DMatrix<f64>, e: &DMatrix<f64>| (c - e).norm() <= 1e-13 * (1.0 + e.norm());
        assert!(close(&matmul(&a, &b), &exact));
        assert!(close(&matmul_tn(&a.transpose(), &b), &exact));
        assert!(close(&matmul_nt(&a, &b.transpose()), &exact));
        let start = draws.matrix(m, n);
        for beta in [0.0, 1.0, -0.5] {
            let expected = &exact * 2.0 + &start * beta;
            let mut c = start.clone();
            matmul_into(2.0, &a, &b, beta, &mut c);
            assert!(close(&c, &expected));
            let mut c = start.clone();
            matmul_tn_into(2.0, &a.transpose(), &b, beta, &mut c);
            assert!(close(&c, &expected));
            let mut c = start.clone();
            matmul_nt_into(2.0, &a, &b.transpose(), beta, &mut c);
            assert!(close(&c, &expected));
        }
    }
}

#[test]
fn a_result_that_is_replaced_is_not_read() {
    let a = Draws::new(41).matrix(4, 4);
    let mut c = DMatrix::from_element(4, 4, f64::NAN);
    matmul_into(1.0, &a, &a, 0.0, &mut c);
    assert!(c.iter().all(|x| x.is_finite()));
}

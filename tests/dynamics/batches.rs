//! Many targets side by side equal the same targets one by one.

use dynamic_inversion::dynamics::{
    ChainLayer, ConcurrentInversion, Dynamics, Feedback, InvertedLayer, LayerwiseInversion,
    SingleLoop, Transfer, VectorField,
};
use nalgebra::DMatrix;

use crate::catalogue::{
    PARAMETERS, chain_layers, generator, inverted_layers, matrix, max_difference, transfers, vector,
};

const COLUMNS: usize = 3;

/// The transfer of one target of a batch.
fn transfer_of(transfer: &Transfer, column: usize) -> Transfer {
    let mut transfer = transfer.clone();
    match &mut transfer {
        Transfer::Linear | Transfer::Nonlinear { .. } => {}
        Transfer::Tangent { operating_point, .. }
        | Transfer::InverseSlope { operating_point, .. }
        | Transfer::Deviation { operating_point, .. } => {
            let column = column.min(operating_point.ncols() - 1);
            *operating_point = operating_point.columns(column, 1).into_owned();
        }
    }
    transfer
}

#[test]
fn columns_of_a_layerwise_batch_equal_single_loops() {
    let mut rng = generator(5);
    for (rows, units) in [(6, 9), (9, 6)] {
        for transfer in transfers(&mut rng, units, COLUMNS) {
            let w = matrix(&mut rng, rows, units, 1.0);
            let b = matrix(&mut rng, units, rows, 1.0);
            let target = matrix(&mut rng, rows, COLUMNS, 1.0);
            for feedback in [Feedback::Tied { scale: 1.0 }, Feedback::from(b)] {
                let build = |transfer: Transfer, target: DMatrix<f64>| {
                    LayerwiseInversion::new(
                        w.clone(),
                        feedback.clone(),
                        transfer,
                        target,
                        PARAMETERS,
                    )
                    .unwrap()
                };
                let batch = build(transfer.clone(), target.clone());
                let single =
                    |c| build(transfer_of(&transfer, c), target.columns(c, 1).into_owned());
                assert_same(&batch, &single, transfer.name());
            }
        }
    }
}

#[test]
fn columns_of_concurrent_batches_equal_single_chains() {
    let mut rng = generator(15);
    let sizes = [6, 5, 4, 3];
    for kind in 0..10 {
        let transfers: Vec<_> =
            sizes[..3].iter().map(|n| transfers(&mut rng, *n, COLUMNS)[kind].clone()).collect();
        let target = matrix(&mut rng, 3, COLUMNS, 1.0);
        let layers = inverted_layers(&mut rng, &sizes, transfers);
        let batch = ConcurrentInversion::new(layers.clone(), target.clone(), PARAMETERS).unwrap();
        let single = |c| {
            let part = |mut layer: InvertedLayer| {
                layer.transfer = transfer_of(&layer.transfer, c);
                layer
            };
            let layers = layers.iter().cloned().map(part).collect();
            ConcurrentInversion::new(layers, target.columns(c, 1).into_owned(), PARAMETERS).unwrap()
        };
        assert_same(&batch, &single, "concurrent");
    }
}

#[test]
fn columns_of_single_loop_batches_equal_single_chains() {
    let mut rng = generator(16);
    let sizes = [6, 5, 4, 3];
    for kind in 0..10 {
        let transfers: Vec<_> =
            sizes[..3].iter().map(|n| transfers(&mut rng, *n, COLUMNS)[kind].clone()).collect();
        let target = matrix(&mut rng, 3, COLUMNS, 1.0);
        let b = matrix(&mut rng, 6, 3, 1.0);
        let layers = chain_layers(&mut rng, &sizes, transfers);
        let batch = SingleLoop::new(layers.clone(), b.clone(), target.clone(), PARAMETERS).unwrap();
        let single = |c| {
            let part = |mut layer: ChainLayer| {
                layer.transfer = transfer_of(&layer.transfer, c);
                layer
            };
            let layers = layers.iter().cloned().map(part).collect();
            SingleLoop::new(layers, b.clone(), target.columns(c, 1).into_owned(), PARAMETERS)
                .unwrap()
        };
        assert_same(&batch, &single, "single loop");
    }
}

/// Right-hand side, derivative, observables and equilibrium of a batch against single dynamics.
fn assert_same<D: Dynamics>(batch: &D, single: &dyn Fn(usize) -> D, name: &str) {
    let y = vector(&mut generator(6), batch.dim(), 1.0);
    let v = vector(&mut generator(7), batch.dim(), 1.0);
    let (mut f, mut jv) = (vec![0.0; batch.dim()], vec![0.0; batch.dim()]);
    batch.eval(0.0, &y, &mut f);
    batch.jvp(0.0, &y, &v, &mut jv);
    let mut observed = vec![0.0; batch.observables().len() * COLUMNS];
    batch.observe(0.0, &y, &mut observed);
    let rest = batch.closed_form_equilibrium();
    for column in 0..COLUMNS {
        let alone = single(column);
        let part = |y: &[f64]| batch.layout().column_state(column, y);
        let mut expected = vec![0.0; alone.dim()];
        alone.eval(0.0, &part(&y), &mut expected);
        assert!(max_difference(&part(&f), &expected) < 1e-14, "{name}: right-hand side");
        alone.jvp(0.0, &part(&y), &part(&v), &mut expected);
        assert!(max_difference(&part(&jv), &expected) < 1e-14, "{name}: derivative");
        let mut expected = vec![0.0; alone.observables().len()];
        alone.observe(0.0, &part(&y), &mut expected);
        for (k, value) in expected.iter().enumerate() {
            assert!(
                (observed[k * COLUMNS + column] - value).abs() < 1e-13,
                "{name}: observable {k}"
            );
        }
        match (&rest, alone.closed_form_equilibrium()) {
            (Ok(rest), Ok(expected)) => {
                let error = max_difference(&part(rest), &expected);
                let size = expected.iter().fold(1.0, |size, x| f64::max(size, x.abs()));
                assert!(error < 1e-12 * size, "{name}: equilibrium {error:e} of {size:e}");
            }
            (Err(_), Err(_)) => {}
            (a, b) => panic!("{name}: {a:?} against {b:?}"),
        }
    }
}

#[test]
fn column_states_go_back_where_they_came_from() {
    let mut rng = generator(8);
    let batch = LayerwiseInversion::new(
        matrix(&mut rng, 2, 4, 1.0),
        Feedback::Tied { scale: 1.0 },
        Transfer::Linear,
        matrix(&mut rng, 2, COLUMNS, 1.0),
        PARAMETERS,
    )
    .unwrap();
    let y = vector(&mut rng, batch.dim(), 1.0);
    let mut copy = vec![f64::NAN; batch.dim()];
    for column in 0..COLUMNS {
        let part = batch.layout().column_state(column, &y);
        assert_eq!(part[..4], y[column * 4..column * 4 + 4]);
        batch.layout().set_column_state(column, &part, &mut copy);
    }
    assert_eq!(copy, y);
    assert_eq!(batch.component_name(4 * COLUMNS + 3), "controller[1] of target 1");
    assert_eq!(batch.column_of(4 * COLUMNS + 3), 1);
}

//! Save grids: exact times, exact ends, and no influence on the steps.

use dynamic_inversion::integrate::{
    AUTO, DOP853, DOPRI5, IMPLICIT, IntegrateError, InvalidRun, InvalidSaveAt, METHODS, Method,
    Options, RK4, Run, SaveAt, StepSizes, TSIT5, Trajectory,
};

use crate::fields::Linear;

fn options(method: &Method) -> Options {
    if method.is_fixed_step() { Options::with_step(0.01) } else { Options::default() }
}

fn decay(span: (f64, f64), save_at: SaveAt, method: &'static Method) -> Trajectory {
    let field = Linear::decay();
    let run = Run::new(&field, method, span, &[1.0]).options(options(method)).save_at(save_at);
    run.trajectory().unwrap().0
}

#[test]
fn a_span_of_length_zero_gives_one_row() {
    for method in METHODS {
        for t in [0.0, 2.0] {
            for save_at in [
                SaveAt::Every(0.1),
                SaveAt::Count(5),
                SaveAt::Log { first: 0.1, count: 4 },
                SaveAt::Steps,
                SaveAt::End,
            ] {
                let trajectory = decay((t, t), save_at, method);
                assert_eq!(trajectory.times, [t], "{}", method.name);
                assert_eq!(trajectory.states, [1.0]);
            }
        }
    }
}

#[test]
fn spans_may_cross_zero_be_negative_or_run_backward() {
    for method in [&DOPRI5, &TSIT5, &DOP853, &RK4] {
        let crossing = decay((-1.0, 1.0), SaveAt::Every(0.1), method);
        assert_eq!(crossing.len(), 21);
        assert_eq!(crossing.times[10], 0.0);
        assert!((crossing.state(10)[0] - 0.367_879_441_171_442_3).abs() < 1e-8);
        assert!((crossing.state(20)[0] - 0.135_335_283_236_612_7).abs() < 1e-8);

        let negative = decay((-2.0, -1.0), SaveAt::Every(0.1), method);
        assert_eq!(negative.len(), 11);
        assert_eq!(*negative.times.last().unwrap(), -1.0);
        assert!((negative.state(10)[0] - 0.367_879_441_171_442_3).abs() < 1e-8);

        let backward = decay((1.0, 0.0), SaveAt::Every(0.25), method);
        assert_eq!(backward.times, [1.0, 0.75, 0.5, 0.25, 0.0]);
        assert!((backward.state(4)[0] - std::f64::consts::E).abs() < 1e-7, "{}", method.name);
    }
}

#[test]
fn grids_hit_their_times_and_the_end_exactly() {
    let tenths = decay((0.0, 1.0), SaveAt::Every(0.1), &DOPRI5);
    assert_eq!(tenths.len(), 11);
    assert_eq!(tenths.times[10], 1.0);
    assert!((tenths.state(10)[0] - 0.367_879_441_171_442_3).abs() < 1e-8);

    let uneven = decay((0.0, 15.0), SaveAt::Every(4.0), &DOPRI5);
    assert_eq!(uneven.times, [0.0, 4.0, 8.0, 12.0, 15.0]);
    assert!((uneven.state(4)[0] - 3.059_023_205_018_258e-7).abs() < 1e-9);

    let fast = Linear::rows(&[&[-1.0e6]]);
    let run = Run::new(&fast, &DOPRI5, (0.0, 5.99e-7), &[1.0]).save_at(SaveAt::Every(1e-7));
    let (short, _) = run.trajectory().unwrap();
    let expected: Vec<f64> = (0..6).map(|k| f64::from(k) * 1e-7).chain([5.99e-7]).collect();
    assert_eq!(short.times, expected);
    assert!((short.state(6)[0] - 0.549_360_722_227_43).abs() < 1e-8);

    let long = decay((0.0, 10_000.0), SaveAt::Every(0.1), &DOPRI5);
    assert_eq!(long.len(), 100_001);
    assert!(long.times.iter().enumerate().all(|(k, &t)| t == k as f64 * 0.1));
}

#[test]
fn counted_and_logarithmic_grids_hold_both_ends() {
    let counted = decay((0.0, 10.0), SaveAt::Count(101), &DOP853);
    assert_eq!(counted.len(), 101);
    assert_eq!((counted.times[0], counted.times[3], counted.times[100]), (0.0, 0.3, 10.0));

    let log = decay((1.0, 101.0), SaveAt::Log { first: 1e-3, count: 6 }, &DOP853);
    let expected = [1.0, 1.001, 1.01, 1.1, 2.0, 11.0, 101.0];
    assert_eq!(log.len(), 7);
    for (t, e) in log.times.iter().zip(expected) {
        assert!((t - e).abs() < 1e-13 * e);
    }
    assert_eq!(log.times[6], 101.0);
    for (k, t) in log.times.iter().enumerate() {
        assert!((log.state(k)[0] - (1.0 - t).exp()).abs() < 1e-8);
    }
}

#[test]
fn rows_inside_steps_are_as_accurate_as_their_ends() {
    let field = Linear::rotation(1.0);
    for method in [&DOPRI5, &TSIT5, &DOP853, &IMPLICIT, &AUTO] {
        for save_at in [
            SaveAt::End,
            SaveAt::Every(10.0),
            SaveAt::Every(5.0),
            SaveAt::Every(1.0),
            SaveAt::Times(vec![0.37, 5.55, 9.99]),
        ] {
            let listed = matches!(save_at, SaveAt::Times(_));
            let run = Run::new(&field, method, (0.0, 10.0), &[1.0, 0.0])
                .options(Options::with_tolerances(1e-10, 1e-12))
                .save_at(save_at);
            let (trajectory, outcome) = run.trajectory().unwrap();
            for (k, t) in trajectory.times.iter().enumerate() {
                let error = (trajectory.state(k)[0] - t.cos()).abs();
                assert!(error < 2e-9, "{} at {t}: {error:e}", method.name);
            }
            if listed {
                assert_eq!(trajectory.times, [0.37, 5.55, 9.99]);
            } else {
                assert_eq!(*trajectory.times.last().unwrap(), 10.0);
                assert_eq!(trajectory.last().unwrap(), outcome.y);
            }
        }
    }
    let end = decay((0.0, 10.0), SaveAt::Every(10.0), &DOPRI5);
    assert!((end.state(1)[0] - 4.539_992_976_248_485e-5).abs() < 1e-8);
}

#[test]
fn save_times_never_change_the_steps() {
    let field = Linear::rotation(3.0);
    for method in METHODS {
        let record = |save_at: SaveAt| {
            let mut sizes = StepSizes::default();
            let run = Run::new(&field, method, (0.0, 7.0), &[1.0, 0.0])
                .options(options(method))
                .save_at(save_at);
            let outcome = run.integrate(&mut sizes).unwrap();
            (sizes.times, sizes.sizes, sizes.errors, outcome.y)
        };
        let reference = record(SaveAt::End);
        for save_at in [
            SaveAt::Every(0.013),
            SaveAt::Count(3),
            SaveAt::Times(vec![0.5, 6.999]),
            SaveAt::Log { first: 1e-6, count: 40 },
            SaveAt::Steps,
        ] {
            assert_eq!(record(save_at), reference, "{}", method.name);
        }
    }
}

#[test]
fn steps_are_rows_when_asked_for() {
    let field = Linear::decay();
    let mut both = (Trajectory::default(), StepSizes::default());
    let run = Run::new(&field, &DOPRI5, (0.0, 3.0), &[1.0]).save_at(SaveAt::Steps);
    run.integrate(&mut both).unwrap();
    assert_eq!(both.0.times[0], 0.0);
    assert_eq!(both.0.times[1..], both.1.times);
}

#[test]
fn grids_that_make_no_sense_are_refused_by_key() {
    let refuse = |save_at: SaveAt| {
        let field = Linear::decay();
        let run = Run::new(&field, &DOPRI5, (0.0, 1.0), &[1.0]).save_at(save_at);
        match run.trajectory().unwrap_err() {
            IntegrateError::Invalid(InvalidRun::SaveAt(e)) => e,
            other => panic!("{other}"),
        }
    };
    assert_eq!(refuse(SaveAt::Every(0.0)), InvalidSaveAt::Interval { key: "every", value: 0.0 });
    assert!(matches!(refuse(SaveAt::Every(f64::NAN)), InvalidSaveAt::Interval { .. }));
    assert!(matches!(refuse(SaveAt::Every(1e-17)), InvalidSaveAt::Resolution { .. }));
    assert!(matches!(refuse(SaveAt::Count(1)), InvalidSaveAt::Count { .. }));
    assert!(matches!(refuse(SaveAt::Times(vec![])), InvalidSaveAt::Empty));
    assert!(matches!(refuse(SaveAt::Times(vec![0.5, 0.5])), InvalidSaveAt::Order { index: 1, .. }));
    assert!(matches!(
        refuse(SaveAt::Times(vec![0.5, 1.5])),
        InvalidSaveAt::Outside { index: 1, .. }
    ));
    assert!(matches!(refuse(SaveAt::Times(vec![f64::NAN])), InvalidSaveAt::Outside { .. }));
    assert!(matches!(refuse(SaveAt::Log { first: 2.0, count: 5 }), InvalidSaveAt::LogFirst { .. }));
}

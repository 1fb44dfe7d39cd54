//! Zero crossings on the continuous extension.

use std::f64::consts::PI;

use dynamic_inversion::integrate::{
    AUTO, DOP853, DOPRI5, Direction, Event, EventHit, IMPLICIT, METHODS, Options, Run, SaveAt,
    Status, TSIT5,
};

use crate::fields::{Custom, Linear};

fn tight() -> Options {
    Options::with_tolerances(1e-12, 1e-14)
}

#[test]
fn crossings_are_found_in_order_and_to_the_accuracy_of_the_solution() {
    let field = Linear::rotation(1.0);
    for method in [&DOPRI5, &TSIT5, &DOP853, &IMPLICIT, &AUTO] {
        let run = Run::new(&field, method, (0.0, 20.0), &[1.0, 0.0])
            .options(tight())
            .event(Event::new("cosine", |_, y| y[0]))
            .event(Event::new("sine", |_, y| y[1]).in_direction(Direction::Rising));
        let (_, outcome) = run.trajectory().unwrap();
        let mut expected: Vec<(usize, f64)> =
            (0..6).map(|k| (0, PI * (f64::from(k) + 0.5))).collect();
        // y[1] = -sin t rises through zero at odd multiples of pi.
        expected.extend((0..3).map(|k| (1, PI * (2.0 * f64::from(k) + 1.0))));
        expected.sort_by(|a, b| a.1.total_cmp(&b.1));
        assert_eq!(outcome.events.len(), expected.len(), "{}", method.name);
        for (hit, (event, t)) in outcome.events.iter().zip(expected) {
            assert_eq!(hit.event, event);
            assert!((hit.t - t).abs() < 1e-10, "{}: {} for {t}", method.name, hit.t);
        }
        assert!(outcome.events.iter().all(|hit| hit.event == 0 || hit.rising));
    }
}

#[test]
fn crossings_of_known_functions_are_located_to_the_last_digits() {
    // The state is time itself: what remains is the accuracy of root finding.
    let field = Custom::scalar(|_, _| 1.0, |_, _| 0.0);
    for root in [0.1, 1.0 / 3.0, 2.7, 9.999_999, 5.0] {
        let run = Run::new(&field, &DOPRI5, (0.0, 10.0), &[0.0])
            .event(Event::new("cubic", move |_, y| (y[0] - root).powi(3) + 1e-3 * (y[0] - root)))
            .event(Event::new("step", move |_, y| if y[0] < root { -1.0 } else { 1.0 }));
        let (_, outcome) = run.trajectory().unwrap();
        assert_eq!(outcome.events.len(), 2);
        for hit in outcome.events {
            assert!((hit.t - root).abs() <= 1e-14 * root.max(1.0), "{} for {root}", hit.t);
        }
    }
}

#[test]
fn two_crossings_within_one_step_are_both_found() {
    let field = Custom::scalar(|_, _| 1.0, |_, _| 0.0);
    let run = Run::new(&field, &DOP853, (0.0, 10.0), &[0.0])
        .event(Event::new("valley", |_, y| (y[0] - 4.0) * (y[0] - 6.0)))
        .options(Options { initial_step: Some(10.0), ..Options::default() });
    let (_, outcome) = run.trajectory().unwrap();
    assert_eq!(outcome.statistics.n_steps, 1, "one step covers both");
    let found: Vec<(bool, f64)> = outcome.events.iter().map(|h| (h.rising, h.t)).collect();
    assert_eq!(found.len(), 2);
    assert!(!found[0].0 && (found[0].1 - 4.0).abs() < 1e-13);
    assert!(found[1].0 && (found[1].1 - 6.0).abs() < 1e-13);
}

#[test]
fn a_terminal_event_ends_the_run_there() {
    let field = Linear::decay();
    for method in METHODS {
        let options = if method.is_fixed_step() { Options::with_step(0.05) } else { tight() };
        let run = Run::new(&field, method, (0.0, 10.0), &[1.0])
            .options(options)
            .save_at(SaveAt::Every(0.25))
            .event(Event::new("half", |_, y| y[0] - 0.5).ending_the_run())
            .event(Event::new("later", |_, y| y[0] - 0.45));
        let (rows, outcome) = run.trajectory().unwrap();
        let accuracy = if method.order == 1 { 0.05 } else { 1e-7 };
        assert_eq!(outcome.status, Status::Event(0));
        assert!((outcome.t - 2f64.ln()).abs() < accuracy, "{}: {}", method.name, outcome.t);
        assert!((outcome.y[0] - 0.5).abs() < 1e-14);
        assert_eq!(rows.times, [0.0, 0.25, 0.5, outcome.t]);
        assert_eq!(outcome.events.len(), 1);
    }
}

#[test]
fn a_zero_at_the_start_is_not_a_crossing() {
    let field = Linear::rotation(1.0);
    let run = Run::new(&field, &DOP853, (0.0, 4.0), &[1.0, 0.0])
        .event(Event::new("sine", |_, y| y[1]).ending_the_run());
    let (_, outcome) = run.trajectory().unwrap();
    assert!((outcome.t - PI).abs() < 1e-7);
}

#[test]
fn events_run_backward_too() {
    let field = Linear::rotation(1.0);
    let run = Run::new(&field, &DOP853, (4.0, 0.0), &[4f64.cos(), -4f64.sin()])
        .options(tight())
        .event(Event::new("cosine", |_, y| y[0]));
    let (_, outcome) = run.trajectory().unwrap();
    let [EventHit { t, rising, .. }] = outcome.events[..] else { panic!("one crossing") };
    assert!((t - PI / 2.0).abs() < 1e-11);
    assert!(rising, "in the direction of integration");
}

#[test]
fn the_last_entry_into_a_ball_is_a_convergence_time() {
    // A spiral: |y| = exp(-t), so the distance falls to 0.1 at ln 10.
    let field = Linear::rows(&[&[-1.0, 5.0], &[-5.0, -1.0]]);
    let run = Run::new(&field, &DOPRI5, (0.0, 10.0), &[1.0, 0.0])
        .options(tight())
        .event(Event::within("converged", 0..2, vec![0.0, 0.0], 0.1));
    let (_, outcome) = run.trajectory().unwrap();
    let hit = outcome.events.last().unwrap();
    assert!(!hit.rising && (hit.t - 10f64.ln()).abs() < 1e-10);
}

//! Stochastic methods: strong order on coupled Brownian paths, exact linear parts, stationary laws.

use dynamic_inversion::analysis::certificates::covariance::stationary_covariance;
use dynamic_inversion::analysis::spectrum::reduced_spectrum;
use dynamic_inversion::analysis::verdict::Judgement;
use dynamic_inversion::dynamics::{
    ControlNoise, ControlParameters, DeepFeedbackControl, Dynamics, NoiseInput, NoiseSite,
    VectorField,
};
use dynamic_inversion::integrate::{
    DOPRI5, EULER_MARUYAMA, EXPONENTIAL_EULER_MARUYAMA, IntegrateError, Integrator, InvalidRun,
    Method, Noise, Options, Run, SaveAt,
};
use dynamic_inversion::network::{Activation, Forward, Initialiser, Network, Output};
use nalgebra::{DMatrix, DVector};

use crate::fields::Linear;

const STOCHASTIC: [&Method; 2] = [&EULER_MARUYAMA, &EXPONENTIAL_EULER_MARUYAMA];

/// A small network under control with noise, for `columns` equal targets.
fn control(columns: usize, activation: Activation, noise: ControlNoise) -> DeepFeedbackControl {
    let sizes = [3, 3, 2];
    let weights = Initialiser::Normal { scale: 1.0 }.weights(&sizes, 4).unwrap();
    let biases = sizes[1..].iter().map(|n| DVector::zeros(*n)).collect();
    let activations = [activation, Activation::Linear];
    let network =
        Network::from_parameters(&sizes, &activations, Output::Linear, weights, biases).unwrap();
    let mut forward = Forward::new(&network, columns);
    let inputs = [0.4, -0.3, 0.8].repeat(columns);
    network.forward(&inputs, &mut forward).unwrap();
    let target = forward.output().map(|y| y + 0.3);
    let parameters = ControlParameters {
        k_p: 0.3,
        tau_v: 0.4,
        tau_u: 0.8,
        tau_apical: (noise.site() == NoiseSite::Apical).then_some(0.3),
        noise: Some(noise),
        ..ControlParameters::with_leak(0.5)
    };
    DeepFeedbackControl::tied(&network, &forward, target, 1.0, parameters).unwrap()
}

fn white(site: NoiseSite) -> ControlNoise {
    ControlNoise::White { site, std: 0.4 }
}

fn options(dynamics: &dyn Dynamics, step: f64, draws: u32, seed: u64) -> Options {
    let mut options = Options::with_step(step);
    options.noise = Some(Noise { draws, ..Noise::of(dynamics, seed) });
    options
}

fn end(dynamics: &dyn Dynamics, method: &'static Method, options: Options, t: f64) -> Vec<f64> {
    let run = Run::new(dynamics, method, (0.0, t), &dynamics.initial_state()).options(options);
    run.trajectory().unwrap().1.y
}

/// Slope of `log error` over `log step`, the error being the root mean square over all targets'
/// paths against a path sixteen times finer than the finest step.
fn strong_order(method: &'static Method, noise: ControlNoise) -> f64 {
    let paths = 64;
    let control = control(paths, Activation::Tanh, noise);
    let (t, finest) = (1.0, 1.0 / 1024.0);
    let truth = end(&control, method, options(&control, finest, 1, 11), t);
    let points: Vec<(f64, f64)> = [16, 32, 64]
        .map(|draws: u32| {
            let step = finest * f64::from(draws);
            let y = end(&control, method, options(&control, step, draws, 11), t);
            let squares: f64 = y.iter().zip(&truth).map(|(a, b)| (a - b) * (a - b)).sum();
            (step.ln(), 0.5 * (squares / y.len() as f64).ln())
        })
        .into();
    let mean = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let covariance: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    covariance / points.iter().map(|p| (p.0 - x) * (p.0 - x)).sum::<f64>()
}

#[test]
fn the_strong_order_is_one_with_additive_noise() {
    let coloured = ControlNoise::OrnsteinUhlenbeck { site: NoiseSite::Somatic, std: 0.4, tau: 0.5 };
    for method in STOCHASTIC {
        for noise in [white(NoiseSite::Somatic), white(NoiseSite::Apical), coloured] {
            let order = strong_order(method, noise);
            assert!((order - 1.0).abs() < 0.15, "{} {noise:?}: {order}", method.name);
        }
    }
}

#[test]
fn decays_and_their_noise_are_solved_exactly() {
    // One step of an Ornstein-Uhlenbeck process and a hundred give the same path.
    struct Decay(Linear);
    impl VectorField for Decay {
        fn dim(&self) -> usize {
            1
        }
        fn eval(&self, t: f64, y: &[f64], dy: &mut [f64]) {
            self.0.eval(t, y, dy);
        }
        fn jacobian(&self, t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
            self.0.jacobian(t, y, jac);
        }
    }
    let field = Decay(Linear::rows(&[&[-3.0]]));
    let inputs = vec![NoiseInput { range: 0..1, intensity: 0.7 }];
    let run = |step: f64, draws: u32| {
        let mut options = Options::with_step(step);
        options.noise = Some(Noise { inputs: inputs.clone(), decay: vec![3.0], seed: 2, draws });
        let run = Run::new(&field, &EXPONENTIAL_EULER_MARUYAMA, (0.0, 2.0), &[1.5]);
        run.options(options).trajectory().unwrap().1.y[0]
    };
    let (one, hundred) = (run(2.0, 100), run(0.02, 1));
    assert!((one - hundred).abs() < 1e-13, "{one} {hundred}");
    // Without the exact decay the paths differ.
    assert!((one - 1.5 * (-6.0f64).exp()).abs() > 1e-3);
}

#[test]
fn the_stationary_covariance_solves_the_lyapunov_equation() {
    // 400 independent targets, sampled at times far apart.
    let noise = ControlNoise::OrnsteinUhlenbeck { site: NoiseSite::Apical, std: 0.5, tau: 0.6 };
    let columns = 400;
    let control = control(columns, Activation::Linear, noise);
    let single = self::control(1, Activation::Linear, noise);
    let n = single.dim();
    let mut jacobian = DMatrix::zeros(n, n);
    single.jacobian(0.0, &single.initial_state(), &mut jacobian);
    let mut std = vec![0.0; n];
    for input in single.noise() {
        std[input.range].fill(input.intensity);
    }
    let structure = single.structure(0.0, &single.initial_state(), 0);
    let judgement = Judgement::of(&reduced_spectrum(&structure).unwrap().unwrap());
    let expected = stationary_covariance(&jacobian, &judgement, &std).unwrap();
    let rest = control.closed_form_equilibrium().unwrap();
    let (step, every, samples) = (0.01, 400, 12);
    let options = options(&control, step, 1, 5);
    let start = rest.clone();
    let t_end = step * f64::from(every * (samples + 2));
    let mut run =
        Integrator::new(&control, &EXPONENTIAL_EULER_MARUYAMA, &options, (0.0, t_end), &start)
            .unwrap();
    let mut covariance = DMatrix::zeros(n, n);
    let mut count = 0;
    for k in 1..=every * (samples + 1) {
        run.step().unwrap();
        if k % every != 0 || k == every {
            continue;
        }
        let y: Vec<f64> = run.state().iter().zip(&rest).map(|(y, r)| y - r).collect();
        for c in 0..columns {
            let x = DVector::from_vec(control.layout().column_state(c, &y));
            covariance.ger(1.0, &x, &x, 1.0);
            count += 1;
        }
    }
    covariance /= f64::from(count);
    // Relative sampling error of a variance from 4800 nearly independent samples: sqrt(2/4800) = 2 %,
    // and the bias of the step.
    let error = (&covariance - &expected).norm() / expected.norm();
    assert!(error < 0.06, "{error}");
}

#[test]
fn a_seed_gives_one_path_and_targets_have_streams_of_their_own() {
    let noise = white(NoiseSite::Somatic);
    let (one, three) = (control(1, Activation::Tanh, noise), control(3, Activation::Tanh, noise));
    for method in STOCHASTIC {
        let run = |c: &DeepFeedbackControl, seed| end(c, method, options(c, 0.01, 1, seed), 1.0);
        let (first, again, other) = (run(&one, 1), run(&one, 1), run(&one, 2));
        assert_eq!(first, again);
        assert_ne!(first, other);
        let batch = run(&three, 1);
        let target = |c| three.layout().column_state(c, &batch);
        assert!(first.iter().zip(target(0)).all(|(a, b)| (a - b).abs() < 1e-12));
        assert!(first.iter().zip(target(1)).any(|(a, b)| (a - b).abs() > 1e-3));
    }
}

#[test]
fn output_times_do_not_change_the_path() {
    let control = control(1, Activation::Tanh, white(NoiseSite::Apical));
    let start = control.initial_state();
    let run = |save_at| {
        let run = Run::new(&control, &EULER_MARUYAMA, (0.0, 1.0), &start);
        run.options(options(&control, 0.02, 1, 3)).save_at(save_at).trajectory().unwrap()
    };
    let (_, sparse) = run(SaveAt::End);
    let (_, dense) = run(SaveAt::Every(0.003));
    assert_eq!(sparse.y, dense.y);
}

#[test]
fn noise_is_never_dropped_and_time_never_reversed() {
    let control = control(1, Activation::Tanh, white(NoiseSite::Somatic));
    let start = control.initial_state();
    let refused = |method: &'static Method, span| {
        let run = Run::new(&control, method, span, &start).options(options(&control, 0.1, 1, 0));
        match run.trajectory() {
            Err(IntegrateError::Invalid(invalid)) => invalid,
            _ => panic!("{} must refuse", method.name),
        }
    };
    assert_eq!(refused(&DOPRI5, (0.0, 1.0)), InvalidRun::Deterministic { method: "dopri5" });
    assert_eq!(refused(&EULER_MARUYAMA, (1.0, 0.0)), InvalidRun::BackwardNoise);
}

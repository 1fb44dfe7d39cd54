//! Pictures of the groups `dinv stability` writes.

use dynamic_inversion::results::{Data, Dimension, Group, Variable};

use super::files::Folder;
use super::{draw_png, only, strokes, svg, texts};

fn axis(low: f64, high: f64, count: usize) -> Vec<f64> {
    (0..count).map(|k| low + (high - low) * k as f64 / (count - 1) as f64).collect()
}

fn field(name: &str, dims: [&str; 2], x: &[f64], y: &[f64], f: fn(f64, f64) -> f64) -> Variable {
    let values = y.iter().flat_map(|y| x.iter().map(move |x| f(*x, *y))).collect();
    let dims = vec![Dimension::new(dims[1], y.len()), Dimension::new(dims[0], x.len())];
    Variable::new(name, dims, Data::F64(values))
}

/// A small file with every group. The eigenvalues are those of a ring.
pub(crate) fn everything() -> Folder {
    let ring = |k: usize| std::f64::consts::TAU * k as f64 / 24.0;
    let eigenvalue = |name: &str, f: fn(f64) -> f64| {
        Variable::vector(name, "eigenvalue", (0..24).map(|k| f(ring(k))).collect::<Vec<_>>())
    };
    let (re, im) = (axis(-1.5, 0.7, 60), axis(-1.0, 1.0, 50));
    let axes = ["pseudospectrum_re", "pseudospectrum_im"];
    let pseudospectrum = [
        Variable::vector(axes[0], axes[0], re.clone()),
        Variable::vector(axes[1], axes[1], im.clone()),
        field("sigma_min", axes, &re, &im, |x, y| ((x + 0.4).hypot(y) - 0.5).abs()),
    ];
    let times = axis(0.0, 40.0, 300);
    let growth: Vec<f64> = times.iter().map(|t| (1.0 + t) * (-0.2 * t).exp()).collect();
    let growth = [
        Variable::vector("transient_growth_time", "transient_growth_time", times),
        Variable::vector("transient_growth", "transient_growth_time", growth),
    ];
    let frozen_time = [
        Variable::vector("time", "time", axis(0.0, 10.0, 20)),
        Variable::vector("frozen_time_spectral_abscissa", "time", axis(-1.0, 0.1, 20)),
        Variable::vector(
            "lyapunov",
            "time",
            axis(0.0, 10.0, 20).iter().map(|t| (-3.0 * t).exp()).collect::<Vec<_>>(),
        ),
    ];
    let grid = |name: &str, values: Vec<f64>| {
        let dims = vec![Dimension::new("checkpoint", 3), Dimension::new("loop", 2)];
        Variable::new(name, dims, Data::F64(values))
    };
    let checkpoints = Group::new("checkpoints")
        .with(Variable::integers("step", "checkpoint", vec![0, 50, 100]))
        .with(Variable::texts("rule", "loop", vec!["di".to_owned(), "sdi".to_owned()]))
        .with(Variable::integers("layer", "loop", vec![2, 3]))
        .with(grid("spectral_abscissa", vec![-0.1, -0.2, -0.05, 0.1, 0.02, -0.3]))
        .with(grid("euler_spectral_radius", vec![0.9, 0.8, 0.95, 1.1, 1.01, 0.7]));
    let bend = axis(-1.0, 1.0, 101);
    let of_bend = |name: &str, f: fn(f64) -> f64| {
        Variable::vector(name, "point", bend.iter().map(|s| f(*s)).collect::<Vec<_>>())
    };
    let continuation = Group::new("continuation")
        .with(of_bend("parameter", |s| 1.0 - s * s).long_name("dynamics.single-loop.leak"))
        .with(of_bend("state_norm", |s| 2.0 + s))
        .with(of_bend("abscissa", |s| s))
        .with(Variable::vector("bifurcation_parameter", "bifurcation_index", vec![1.0, 0.75]))
        .with(Variable::vector("bifurcation_state_norm", "bifurcation_index", vec![2.0, 1.5]))
        .with(Variable::vector("bifurcation_frequency", "bifurcation_index", vec![f64::NAN, 3.0]))
        .with(Variable::vector("cycle_parameter", "cycle", vec![0.7, 0.5, 0.2]))
        .with(Variable::vector("cycle_amplitude", "cycle", vec![0.2, 0.5, 0.7]))
        .with(Variable::vector("cycle_period", "cycle", vec![2.1, 2.2, 2.4]))
        .with(Variable::integers("cycle_bifurcation", "cycle", vec![1, 1, 1]))
        .with(Variable::texts(
            "bifurcation",
            "bifurcation_index",
            vec!["fold".to_owned(), "hopf".to_owned()],
        ));
    let leak: Vec<f64> = axis(-3.0, 0.0, 40).iter().map(|x| 10f64.powf(*x)).collect();
    let gain = axis(0.1, 3.0, 30);
    let map = Group::new("map")
        .with(Variable::vector("x", "x", leak.clone()).long_name("leak"))
        .with(Variable::vector("y", "y", gain.clone()).long_name("gain"))
        .with(field("abscissa", ["x", "y"], &leak, &gain, |x, y| 0.1 * (y - 1.0 - 2.0 * x)));
    let stability = Group::new("stability")
        .with(eigenvalue("eigenvalue_re", |a| -0.4 + 0.5 * a.cos()))
        .with(eigenvalue("eigenvalue_im", |a| 0.5 * a.sin()))
        .with(Variable::scalar("spectral_abscissa", 0.1).units("1/s"))
        .with(eigenvalue("loop_eigenvalue_re", |a| -1.0 + 1.2 * a.cos()))
        .with(eigenvalue("loop_eigenvalue_im", |a| 1.2 * a.sin()))
        .with(Variable::scalar("leak", 0.1))
        .with(Variable::scalar("tau_state", 1.0))
        .with(Variable::scalar("tau_controller", 1.0))
        .with_all(pseudospectrum)
        .with_all(growth)
        .with_all(frozen_time)
        .with_group(continuation)
        .with_group(checkpoints)
        .with_group(map);
    Folder::with_groups(&[stability])
}

#[test]
fn every_picture_of_stability_on_one_page() {
    let folder = everything();
    let texts = texts(&svg(&folder.file()));
    for expected in [
        "eigenvalues of the Jacobian",
        "eigenvalues \u{3bc} of W G B",
        "pseudospectrum",
        "transient growth",
        "equilibria",
        "spectrum along the trajectory",
        "spectral abscissa",
        "dynamics.single-loop.leak",
        "boundary of stability",
        "Hopf",
        "fold",
        "limit cycles: amplitude",
        "limit cycles: period",
        "Lyapunov function",
        "spectra along training",
        "published Euler scheme along training",
        "sdi, layer 3",
    ] {
        assert!(texts.iter().any(|t| t == expected), "{expected}: {texts:?}");
    }
    let (drawn, image) = draw_png(&folder.file());
    assert_eq!(drawn.pictures.len(), 9);
    // Colours of the map: its ends are as far from the boundary as the colours go.
    assert!(image.ink() > 0.05 && image.has([0x22, 0x22, 0x22]));
}

#[test]
fn eigenvalues_are_counted_by_the_side_of_the_axis() {
    let folder = everything();
    let text = only(&folder.file(), "spectrum");
    // -0.4 + 0.5 cos >= 0 for |a| <= 36.9 degrees: five of 24 steps of 15 degrees.
    let texts = texts(&text);
    assert!(texts.iter().any(|t| t == "19 decaying"), "{texts:?}");
    assert!(texts.iter().any(|t| t == "5 not decaying"), "{texts:?}");
    assert_eq!(text.matches("<circle").count(), 24 + 2);
}

#[test]
fn mu_are_sorted_by_the_parabola() {
    let texts = texts(&only(&everything().file(), "parabola"));
    let inside = (0..24)
        .map(|k| std::f64::consts::TAU * f64::from(k) / 24.0)
        .filter(|a| -1.0 + 1.2 * a.cos() < 0.1 - (1.2 * a.sin() / 1.1).powi(2))
        .count();
    assert!((1..24).contains(&inside));
    assert!(texts.iter().any(|t| *t == format!("{inside} inside")), "{texts:?}");
}

#[test]
fn the_parabola_takes_its_parameters_from_the_model_of_layer_loops_only() {
    let file = |dynamics: &str| {
        let model = format!(
            "[dynamics.{dynamics}]\nlayer = 2\nleak = 0.0\ntau_state = 1\ntau_controller = 2.0\n"
        );
        let provenance = Group::new("provenance").with(Variable::text("resolved_model", model));
        let mu = Group::new("stability")
            .with(Variable::vector("loop_eigenvalue_re", "loop_mode", vec![-1.0, -0.1]))
            .with(Variable::vector("loop_eigenvalue_im", "loop_mode", vec![0.5, 0.5]));
        Folder::with_groups(&[provenance, mu])
    };
    // tau_state / tau_controller (Im mu)^2 = 0.125: one of the two is inside.
    let texts = texts(&svg(&file("layerwise-inversion").file()));
    assert!(texts.iter().any(|t| t == "1 inside"), "{texts:?}");
    let other = super::svg_of(&file("single-loop").file(), &Default::default());
    assert!(other.unwrap_err().to_string().contains("nothing to draw"));
}

#[test]
fn the_branch_is_solid_then_dotted_and_meets_at_the_fold() {
    let text = only(&everything().file(), "continuation");
    // Each with its sample in the legend.
    assert_eq!(strokes(&text, "#0072b2", "2").0, 2);
    let dotted = text.lines().filter(|l| l.contains("stroke-dasharray=\"0.1 4\"")).count();
    assert_eq!(dotted, 2);
}

#[test]
fn hostile_groups_are_drawn_or_refused_by_name() {
    let nan = |name: &str| Variable::vector(name, "eigenvalue", vec![f64::NAN; 3]);
    let lone = Group::new("stability").with(nan("eigenvalue_re")).with(nan("eigenvalue_im"));
    svg(&Folder::with_groups(&[lone]).file());
    let empty = |name: &str| Variable::vector(name, "eigenvalue", Vec::new());
    let none = Group::new("stability").with(empty("eigenvalue_re")).with(empty("eigenvalue_im"));
    svg(&Folder::with_groups(&[none]).file());
    let halves = Group::new("stability")
        .with(Variable::vector("eigenvalue_re", "a", vec![0.0; 2]))
        .with(Variable::vector("eigenvalue_im", "b", vec![0.0; 3]));
    let folder = Folder::with_groups(&[halves]);
    let error = super::svg_of(&folder.file(), &Default::default()).unwrap_err();
    assert!(error.to_string().contains("eigenvalue_im"), "{error}");
    let point = Group::new("map")
        .with(Variable::vector("x", "x", vec![1.0]))
        .with(Variable::vector("y", "y", vec![1.0]))
        .with(field("abscissa", ["x", "y"], &[1.0], &[1.0], |_, _| 0.0));
    svg(&Folder::with_groups(&[Group::new("stability").with_group(point)]).file());
}

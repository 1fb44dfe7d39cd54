//! From model files to equations, with values from elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use dynamic_inversion::dynamics::Dynamics;
use dynamic_inversion::model::{Equations, Model, ModelError, System};
use dynamic_inversion::network::datasets::read_labels;
use dynamic_inversion::network::datasets::teacher::{self, Set};
use dynamic_inversion::network::weights::{read_array, read_matrices};
use dynamic_inversion::network::{Activation, Initialiser, Network};
use nalgebra::{DMatrix, DVector};

use crate::golden::{Golden, repository};
use crate::support::valid;

fn system(text: &str) -> System {
    valid(text).system().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn one(system: System) -> Box<dyn Dynamics> {
    match system.equations {
        Equations::One(dynamics) => dynamics,
        Equations::Cascade(_) => panic!("several equations"),
    }
}

fn rate(dynamics: &dyn Dynamics, y: &[f64]) -> Vec<f64> {
    let mut dy = vec![f64::NAN; dynamics.dim()];
    dynamics.eval(0.0, y, &mut dy);
    dy
}

/// A matrix as it is written in a model file.
fn written(m: &DMatrix<f64>) -> String {
    let row = |i: usize| format!("{:?}", m.row(i).iter().copied().collect::<Vec<_>>());
    format!("[{}]", (0..m.nrows()).map(row).collect::<Vec<_>>().join(", "))
}

fn numbers(v: &DVector<f64>) -> String {
    format!("{:?}", v.as_slice())
}

/// A layer loop of the reference values, as layer 2 of a network with activation `activation`.
fn layer_loop(golden: &Golden, activation: &str, transfer: &str) -> String {
    let w = golden.matrix("W");
    format!(
        "schema_version = 1\n[network]\nsizes = [1, {}, {}]\nactivation = \"{activation}\"\n\
         weights.values = [{}, {}]\n[feedback.values]\nmatrices = [{}]\n\
         [dynamics.layerwise-inversion]\nlayer = 2\nleak = {:?}\ntau_state = {:?}\ntau_controller = {:?}\n\
         transfer = \"{transfer}\"\n[target]\ndelta = {}\n",
        w.ncols(),
        w.nrows(),
        written(&DMatrix::from_element(w.ncols(), 1, 0.5)),
        written(&w),
        written(&golden.matrix("B")),
        golden.scalar("leak"),
        golden.scalar("tau_state"),
        golden.scalar("tau_controller"),
        numbers(&golden.vector("delta")),
    )
}

#[test]
fn layer_loops_rest_where_the_reference_does() {
    let cases = [
        ("linear_contracting", "linear", "linear"),
        ("linear_expanding", "linear", "linear"),
        ("linear_perturbed_feedback", "linear", "linear"),
        ("tanh_contracting", "tanh", "nonlinear"),
        ("tanh_expanding", "tanh", "nonlinear"),
        ("softplus_contracting", "softplus", "nonlinear"),
        ("relu_contracting", "relu", "nonlinear"),
    ];
    for (name, activation, transfer) in cases {
        let golden = Golden::load(name);
        let dynamics = one(system(&layer_loop(&golden, activation, transfer)));
        let rest = [golden.vector("steady_state"), golden.vector("steady_controller")];
        let rest: Vec<f64> = rest.iter().flat_map(|v| v.iter().copied()).collect();
        let worst = rate(dynamics.as_ref(), &rest).iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        assert!(worst < 1e-12, "{name}: {worst:e}");
    }
}

#[test]
fn single_loops_rest_where_the_reference_does() {
    for name in
        ["single_loop_linear_2stage", "single_loop_linear_4stage", "single_loop_tanh_2stage"]
    {
        let golden = Golden::load(name);
        let weights = golden.matrices("weights");
        let mut sizes = vec![1, weights[0].ncols()];
        sizes.extend(weights.iter().map(DMatrix::nrows));
        let first = DMatrix::from_element(sizes[1], 1, 0.5);
        let all: Vec<_> = std::iter::once(&first).chain(&weights).map(written).collect();
        let (activation, transfer) =
            if name.contains("tanh") { ("tanh", "nonlinear") } else { ("linear", "linear") };
        let text = format!(
            "schema_version = 1\n[network]\nsizes = {sizes:?}\nactivation = \"{activation}\"\nweights.values = [{}]\n\
             [feedback.values]\nmatrices = [{}]\n[dynamics.single-loop]\nleak = {:?}\ntau_state = {:?}\n\
             tau_controller = {:?}\ntransfer = \"{transfer}\"\n[target]\ndelta = {}\n",
            all.join(", "),
            written(&golden.matrix("B")),
            golden.scalar("leak"),
            golden.scalar("tau_state"),
            golden.scalar("tau_controller"),
            numbers(&golden.vector("delta")),
        );
        let dynamics = one(system(&text));
        let stages = golden.value("steady_stages").as_array().expect("a list of stages");
        let mut rest: Vec<f64> =
            stages.iter().flat_map(|s| crate::golden::vector(s).data.as_vec().clone()).collect();
        rest.extend(golden.vector("steady_controller").iter());
        let worst = rate(dynamics.as_ref(), &rest).iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        assert!(worst < 1e-12, "{name}: {worst:e}");
    }
}

#[test]
fn rate_networks_are_the_equations_they_are_written_for() {
    // v' = -v + u,  u' = 1.5 - tanh v - 0.1 u, without a feedback matrix.
    let unreachable = one(system(
        "schema_version = 1\n[dynamics.rate-network]\nw = [[0]]\ntarget = [1.5]\n\
         controller.leaky-integral = { leak = 0.1 }\n",
    ));
    assert_eq!(rate(unreachable.as_ref(), &[0.5, 2.0]), [1.5, 1.5 - 0.5f64.tanh() - 0.1 * 2.0]);
    // x' = -x + tanh 2x.
    let pitchfork =
        one(system("schema_version = 1\n[dynamics.rate-network]\nw = [[1]]\ngain = 2\n"));
    assert_eq!(rate(pitchfork.as_ref(), &[0.3]), [-0.3 + 0.6f64.tanh()]);
    // x' = -x + relu u,  u' = 1 - x, as two units.
    let kink = one(system(
        "schema_version = 1\n[dynamics.rate-network]\nw = [[0, 1], [-1, 0]]\nactivation = [\"linear\", \"relu\"]\n\
         leak = [1, 0]\ninput = [0, 1]\n[initial]\nvalues = [0, -1]\n",
    ));
    assert_eq!(kink.initial_state(), [0.0, -1.0]);
    assert_eq!(rate(kink.as_ref(), &[0.25, -1.0]), [-0.25, 0.75]);
    assert_eq!(rate(kink.as_ref(), &[0.25, 2.0]), [1.75, 0.75]);
}

#[test]
fn all_layers_run_top_first() {
    let text = "schema_version = 1\n[network]\nsizes = [5, 4, 3, 2]\nweights = \"normal\"\n\
                [dynamics.layerwise-inversion]\nlayer = \"all\"\nleak = 0.1\n[target]\ndelta = [1, 2]\n";
    let Equations::Cascade(cascade) = system(text).equations else { panic!("one equation") };
    assert_eq!(cascade.layer_numbers().collect::<Vec<_>>(), [3, 2]);
    let first = cascade.first().expect("a valid loop");
    assert_eq!(first.layout().blocks()[0].rows, 3);
    let error =
        valid(&format!("{text}[initial]\nnormal = {{}}\n")).system().err().expect("no start");
    assert_eq!(error.location().key, "initial");
}

#[test]
fn without_a_target_the_error_is_zero() {
    let text = "schema_version = 1\n[network]\nsizes = [4, 3]\nweights = \"normal\"\n\
                [dynamics.layerwise-inversion]\nlayer = 1\nleak = 0.1\n";
    let dynamics = one(system(text));
    assert!(rate(dynamics.as_ref(), &[0.0; 7]).iter().all(|x| *x == 0.0));
}

#[test]
fn drawn_parts_depend_on_the_seed_and_on_nothing_else() {
    let text = |seed: u64, count: usize| {
        format!(
            "schema_version = 1\nseed = {seed}\n[network]\nsizes = [4, 3, 2]\nactivation = \"tanh\"\nweights = \"normal\"\n\
             [feedback.random-normal]\n[dynamics.concurrent-inversion]\nleak = 0.1\ntransfer = \"tangent\"\n\
             [target]\nnormal = {{ scale = 0.5, count = {count} }}\ninput = {{ normal = {{}} }}\n[initial]\nnormal = {{ scale = 0.1 }}\n"
        )
    };
    let (few, many, other) = (system(&text(1, 2)), system(&text(1, 5)), system(&text(2, 2)));
    assert_eq!(few.feedback, many.feedback);
    assert_ne!(few.feedback, other.feedback);
    let inputs = |s: &System| {
        s.operating_point.as_ref().map(|p| p.forward.inputs.clone()).expect("an input")
    };
    assert_eq!(inputs(&few), inputs(&many).columns(0, 2).into_owned());
    assert_ne!(inputs(&few), inputs(&other));
    let (few, many) = (one(few), one(many));
    let (columns, starts) = (many.layout().clone(), many.initial_state());
    for column in 0..2 {
        let of = |layout: &dynamic_inversion::dynamics::StateLayout, y: &[f64]| {
            let ranges = layout.blocks().iter().map(|b| layout_range(b, column));
            ranges.flat_map(|r| y[r].to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(of(few.layout(), &few.initial_state()), of(&columns, &starts));
    }
}

fn layout_range(
    block: &dynamic_inversion::dynamics::Block,
    column: usize,
) -> std::ops::Range<usize> {
    let start = block.range.start + column * block.rows;
    start..start + block.rows
}

#[test]
fn one_input_serves_several_outputs() {
    let text = "schema_version = 1\n[network]\nsizes = [2, 2]\nweights.values = [[[1, 0], [0, 1]]]\n\
                [dynamics.layerwise-inversion]\nlayer = 1\nleak = 0.1\n\
                [target]\ninput = [1, 2]\noutput = [[2, 2], [1, 4]]\nnudge = 0.5\n";
    let dynamics = one(system(text));
    // At zero the controller moves by minus the error: half of (1, 0) and of (0, 2).
    let rates = rate(dynamics.as_ref(), &[0.0; 8]);
    let controller = dynamics.layout().block("controller").expect("a controller").range.clone();
    assert_eq!(rates[controller], [-0.5, 0.0, 0.0, -1.0]);
}

/// A model on the network and the images that come with the program.
fn images(change: (&str, &str)) -> Result<System, ModelError> {
    let text = "schema_version = 1\n[network]\nsizes = [784, 256, 128, 10]\nactivation = \"tanh\"\noutput = \"softmax\"\n\
        weights.file = { path = \"mnist_mlp_784_256_128_10.npz\", biases = [\"b1\", \"b2\", \"b3\"] }\n\
        [dynamics.layerwise-inversion]\nlayer = 3\nleak = 0.01\n\
        [target.examples]\nimages = \"t10k-100-images-idx3-ubyte.gz\"\nlabels = \"t10k-100-labels-idx1-ubyte.gz\"\nfirst = 64\n\
        pixels = { affine = { mean = 0.1306604762738429, std = 0.30810780707887876 } }\n";
    assert!(text.contains(change.0), "{}", change.0);
    let folder = repository().join("models/data");
    Model::parse("mnist.toml", &text.replace(change.0, change.1), &folder, &[])?.system()
}

#[test]
fn images_and_arrays_give_the_same_examples() {
    let from_idx = images(("", "")).expect("a valid model");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("labels.npy");
    let labels = read_labels(&repository().join("models/data/t10k-100-labels-idx1-ubyte.gz"));
    let labels: Vec<f64> = labels.expect("labels").into_iter().map(f64::from).collect();
    npy(&path, 64, 1, &labels[..64]);
    let arrays = format!(
        "images = {{ path = \"mnist_mlp_784_256_128_10.npz\", array = \"images\" }}\n\
         labels = {{ path = {path:?}, array = \"labels\" }}\nfirst = 64\n",
    );
    let written = "images = \"t10k-100-images-idx3-ubyte.gz\"\nlabels = \"t10k-100-labels-idx1-ubyte.gz\"\nfirst = 64\n\
                   pixels = { affine = { mean = 0.1306604762738429, std = 0.30810780707887876 } }\n";
    let from_arrays = images((written, &arrays)).expect("a valid model");
    let (a, b) =
        (from_idx.operating_point.expect("images"), from_arrays.operating_point.expect("images"));
    assert_eq!(a.labels, b.labels);
    assert_eq!(a.desired, b.desired);
    // The arrays are stored in single precision.
    assert!((&a.forward.inputs - &b.forward.inputs).amax() < 1e-6);
    let read = read_array(&repository().join("models/data/mnist_mlp_784_256_128_10.npz"), "images")
        .expect("images");
    assert_eq!(b.forward.inputs.as_slice(), read.values);
    // The network knows its digits.
    let labels = a.labels.expect("labels");
    let right = a.forward.classes().zip(&labels).filter(|(class, label)| class == *label).count();
    assert!(right >= 60, "{right} of 64");
}

#[test]
fn damaged_references_to_files_are_placed() {
    let cases = [
        (("mnist_mlp_784_256_128_10.npz", "no.npz"), "network.weights.file", "no such file"),
        (("[\"b1\", \"b2\", \"b3\"]", "[\"b1\", \"b2\", \"b4\"]"), "network.biases.file", "b4"),
        (("256, 128", "256, 127"), "network.weights.file", "W2"),
        (("t10k-100-images-idx3-ubyte.gz", "no"), "target.examples.images", "no such file"),
        (
            ("t10k-100-images-idx3-ubyte.gz", "t10k-100-labels-idx1-ubyte.gz"),
            "target.examples.images",
            "images have 3",
        ),
        (("first = 64", "first = 101"), "target.examples.first", "100 is out of range"),
        (("first = 64", "indices = [1, 100]"), "target.examples.indices[1]", "100 is out of range"),
    ];
    for (change, key, message) in cases {
        let error = images(change).err().unwrap_or_else(|| panic!("accepted {change:?}"));
        assert_eq!(error.location().key, key, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.location().line > 4, "{error}");
    }
}

/// A `.npy` file of one matrix.
fn npy(path: &Path, rows: usize, columns: usize, values: &[f64]) {
    let header =
        format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let padded = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(padded.as_bytes());
    bytes.extend(values.iter().flat_map(|x| x.to_le_bytes()));
    fs::write(path, bytes).expect("a file");
}

fn npy_model(folder: &Path) -> Result<System, ModelError> {
    let text = "schema_version = 1\n[network]\nsizes = [2, 2, 1]\nweights.file = { path = [\"first.npy\", \"second.npy\"] }\n\
                [dynamics.concurrent-inversion]\nleak = 0.1\n[target]\ndelta = [1]\n";
    Model::parse("npy.toml", text, folder, &[])?.system()
}

#[test]
fn one_file_per_layer() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    npy(&path("first.npy"), 2, 2, &[1.0, 2.0, 3.0, 4.0]);
    npy(&path("second.npy"), 1, 2, &[5.0, 6.0]);
    let network = npy_model(folder.path()).expect("a valid model").network.expect("a network");
    assert_eq!(network.layers()[0].weights, DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 3.0, 4.0]));
    assert_eq!(network.layers()[1].weights, DMatrix::from_row_slice(1, 2, &[5.0, 6.0]));
    let read = read_matrices(&path("first.npy"), &[], &[(2, 2)]).expect("a matrix");
    assert_eq!(read[0], network.layers()[0].weights);
    // A NaN in a file names file and entry, and the line of the model that names the file.
    npy(&path("first.npy"), 2, 2, &[1.0, f64::NAN, 3.0, 4.0]);
    let error = npy_model(folder.path()).err().expect("a NaN");
    assert_eq!((error.location().line, &*error.location().key), (4, "network.weights.file"));
    for part in ["first.npy", "[0][1]", "NaN"] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
}

#[test]
fn controllers_reach_every_layer() {
    let text = |feedback: &str| {
        format!(
            "schema_version = 1\nnetwork = {{ sizes = [3, 4, 2], activation = \"tanh\", weights = \"normal\" }}\n\
             target = {{ input = [1, 2, 3], output = [1, 0] }}\ntraining = {{ steps = 1, rate = 1, rules = [{{ dfc = {{ leak = 0, feedback = {{ {feedback} }} }} }}], \
             data.values = {{ train_inputs = [[1, 2, 3]], train_outputs = [[1, 0]] }} }}\n"
        )
    };
    let build = |feedback: &str| {
        let model = valid(&text(feedback));
        let network = model.network("a test").expect("a network");
        let point = model.operating_point(&network).expect("a point").expect("an input");
        let rules =
            model.specification().training.as_ref().map(|t| t.rules.clone()).expect("rules");
        let spec = rules[0].feedback().expect("feedback");
        let table = dynamic_inversion::model::FeedbackTable {
            model: &model,
            key: "training.rules[0].dfc.feedback",
            spec,
        };
        let q = table.controller(&network, &point.forward, 0).expect("matrices");
        (network, point, q)
    };
    let (network, _, q) = build("weight-product = { scale = 2 }");
    assert_eq!(q[0], 2.0 * network.layers()[1].weights.transpose());
    assert_eq!(q[1], 2.0 * DMatrix::identity(2, 2));
    let (network, point, q) = build("jacobian-transpose = { scale = 1 }");
    let slopes = point.forward.activations[0].column(0).map(|h| 1.0 - h * h);
    let expected = DMatrix::from_diagonal(&slopes) * network.layers()[1].weights.transpose();
    assert!((&q[0] - expected).amax() < 1e-14);
    let (_, _, q) = build("random-uniform = { low = 2, high = 3 }");
    assert_eq!((q[0].shape(), q[1].shape()), ((4, 2), (2, 2)));
    assert!(q.iter().all(|q| q.iter().all(|x| (2.0..3.0).contains(x))));
}

#[test]
fn optimised_feedback_reaches_its_margin_or_says_so() {
    let text = |margin: f64, leak: f64| {
        format!(
            "schema_version = 1\nnetwork = {{ sizes = [6, 4], weights = \"normal\" }}\n\
             dynamics.layerwise-inversion = {{ layer = 1, leak = {leak:?} }}\n\
             [feedback.optimized]\nmargin = {margin:?}\n"
        )
    };
    let built = system(&text(0.2, 0.0));
    let dynamics = one(built);
    let n = dynamics.dim();
    let mut jacobian = DMatrix::zeros(n, n);
    dynamics.jacobian(0.0, &vec![0.0; n], &mut jacobian);
    let (schur, rest) = (jacobian.clone().schur().complex_eigenvalues(), jacobian.norm());
    let abscissa = schur.iter().map(|x| x.re).fold(f64::NEG_INFINITY, f64::max);
    assert!(abscissa <= -0.2 + 1e-9 * rest, "{abscissa}");
    // Without leak the trace bounds the abscissa, so a large margin cannot be had.
    let error = valid(&text(5.0, 0.0)).system().err().expect("out of reach");
    assert!(error.location().key.starts_with("feedback.optimized"), "{error}");
}

#[test]
fn a_teacher_is_the_published_one() {
    let text = "schema_version = 1\nseed = 5\n[network]\nsizes = [6, 4, 3]\nactivation = \"tanh\"\nweights = \"normal\"\n\
                [training]\nsteps = 10\nrate = 0.1\nrules = [\"bp\"]\n[training.data.teacher]\n\
                weights = { uniform = { low = -0.01, high = 0.01 } }\nbiases = { uniform = { low = -0.01, high = 0.01 } }\n\
                train_count = 20\ntest_count = 7\n";
    let data = valid(text).training_data().expect("a teacher");
    let small = Initialiser::Uniform { low: -0.01, high: 0.01 };
    let expected: Network =
        teacher::network(&[6, 4, 3], &[Activation::Tanh, Activation::Linear], small, 5)
            .expect("a teacher");
    assert_eq!(data.teacher.as_ref().map(Network::layers), Some(expected.layers()));
    assert_eq!(data.train, teacher::examples(&expected, 20, 5, Set::Train).expect("examples"));
    assert_eq!(data.test, Some(teacher::examples(&expected, 7, 5, Set::Test).expect("examples")));
}

#[test]
fn images_to_learn_from() {
    let text = "schema_version = 1\n[network]\nsizes = [784, 10]\noutput = \"softmax\"\nweights = \"normal\"\n\
                [training]\nepochs = 1\nrate = 0.1\nrules = [\"bp\"]\n[training.data.idx]\n\
                train_images = \"t10k-100-images-idx3-ubyte.gz\"\ntrain_labels = \"t10k-100-labels-idx1-ubyte.gz\"\n\
                test_images = \"t10k-100-images-idx3-ubyte.gz\"\ntest_labels = \"t10k-100-labels-idx1-ubyte.gz\"\n\
                pixels = \"standardized\"\ntest_first = 30\n";
    let folder = repository().join("models/data");
    let model =
        |text: &str| Model::parse("images.toml", text, &folder, &[]).expect("a valid model");
    let data = model(text).training_data().expect("images");
    assert_eq!((data.train.len(), data.test.as_ref().map(|t| t.len())), (100, Some(30)));
    let mut inputs = vec![0.0; 784 * 100];
    data.train.copy_inputs(0..100, &mut inputs);
    let mean = inputs.iter().sum::<f64>() / inputs.len() as f64;
    let variance = inputs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / inputs.len() as f64;
    assert!(mean.abs() < 1e-12 && (variance - 1.0).abs() < 1e-12, "{mean} {variance}");
    assert_eq!(data.train.label(0), Some(7));
    let error = model(&text.replace("test_first = 30", "test_first = 300"))
        .training_data()
        .err()
        .expect("too many");
    assert_eq!(error.location().key, "training.data.idx.test_first");
    let error =
        model(&text.replace("784, 10", "783, 10")).training_data().err().expect("another size");
    assert_eq!(error.location().key, "training.data.idx.train_images");
}

#[test]
fn every_model_file_that_comes_with_the_program_is_valid() {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "toml") {
                found.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&repository().join("models"), &mut files);
    assert!(files.len() >= 8, "{} model files", files.len());
    for file in files {
        let model = Model::load(&file, &[]).unwrap_or_else(|e| panic!("{e}"));
        assert!(model.specification().title.is_some(), "{} has no title", file.display());
        if model.specification().dynamics.is_some() {
            model.system().unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

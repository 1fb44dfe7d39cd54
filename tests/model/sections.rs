//! What must fit together: one change to a valid model, one error at one place.

use dynamic_inversion::model::Problem;

use crate::support::{parse, valid};

/// A valid model, then changes that each make it invalid: what is replaced by what, the key at
/// fault, and part of the message.
struct Case {
    base: &'static str,
    changes: &'static [(&'static str, &'static str, &'static str, &'static str)],
}

const LAYERS: &str = r#"schema_version = 1
[network]
sizes = [3, 4, 2]
activation = "tanh"
weights = { values = [[[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], [[1, 0, 0, 1], [0, 1, 1, 0]]] }
biases = { values = [[0, 0, 0, 0], [0, 0]] }
[dynamics.layerwise-inversion]
layer = "all"
leak = 0.1
transfer = "tangent"
[target]
delta = [0.1, 0.2]
input = [1, 2, 3]
[solver.dopri5]
rtol = 1e-6
[run]
t_span = [0, 10]
save_at = { times = [1, 2] }
"#;

const CONTROL: &str = r#"schema_version = 1
[network]
sizes = [3, 4, 2]
weights = "normal"
[dynamics.deep-feedback-control]
leak = 0.1
tau_apical = 1
noise = { white = { location = "apical", std = 0.1 } }
[feedback.weight-product]
[target]
output = [[1, 0], [0, 1]]
input = [[1, 2, 3], [1, 2, 3]]
[solver.euler-maruyama]
step = 0.01
[run]
t_span = [0, 10]
[[run.events]]
component = "controller[0]"
target = 1
"#;

const RATES: &str = r#"schema_version = 1
[dynamics.rate-network]
w = [[0, 1], [-1, 0]]
readout = [[1, 0]]
target = [0.5]
q = [[1], [0]]
controller = "leaky-integral"
[stability]
critical = ["leak"]
[stability.continuation]
parameter = "dynamics.rate-network.controller.leaky-integral.k_i"
from = 0
to = 1
"#;

const LEARN: &str = r#"schema_version = 1
[network]
sizes = [3, 4, 2]
weights = "normal"
[training]
steps = 10
rate = 0.1
rules = ["bp", { ndi = { leak = 0.1 } }, { ndi = { name = "NDI 2", leak = 0.2 } }]
metrics = ["loss", { angle = { rule = "ndi", to = "bp" } }]
[training.data.values]
train_inputs = [[1, 2, 3], [4, 5, 6]]
train_outputs = [[1, 0], [0, 1]]
"#;

const IMAGES: &str = r#"schema_version = 1
[network]
sizes = [784, 10]
output = "softmax"
weights = { file = { path = "net.npz", weights = ["W1"] } }
[dynamics.layerwise-inversion]
layer = 1
leak = 0.1
[target.examples]
images = "images"
labels = "labels"
first = 10
[training]
epochs = 1
rate = 0.1
rules = ["bp"]
[training.data.idx]
train_images = "images"
train_labels = "labels"
"#;

const CASES: &[Case] = &[
    Case {
        base: LAYERS,
        changes: &[
            ("sizes = [3, 4, 2]", "sizes = [3]", "network.sizes", "at least two sizes"),
            (
                "sizes = [3, 4, 2]",
                "sizes = [3, 4, 0]",
                "network.sizes[2]",
                "0 is out of range: sizes must be >= 1",
            ),
            (
                "activation = \"tanh\"",
                "activation = [\"tanh\"]",
                "network.activation",
                "has 1 entries, but 2 are needed",
            ),
            (
                "activation = \"tanh\"",
                "activation = [\"tanh\", \"tahn\"]",
                "network.activation[1]",
                "\"tahn\" is not known here",
            ),
            (
                "activation = \"tanh\"",
                "output = \"softmax\"\nactivation = [\"tanh\", \"tanh\"]",
                "network.activation[1]",
                "does not go with output = \"softmax\"",
            ),
            (
                "[[1, 0, 0, 1], [0, 1, 1, 0]]",
                "[[1, 0, 0], [0, 1, 1]]",
                "network.weights.values[1]",
                "is 2 x 3, but 2 x 4 is needed",
            ),
            (
                "[0, 0, 0, 0], [0, 0]",
                "[0, 0, 0, 0], [0]",
                "network.biases.values[1]",
                "has 1 entries, but 2 are needed",
            ),
            (
                "{ values = [[0, 0, 0, 0], [0, 0]] }",
                "{ uniform = { low = 1, high = 0 } }",
                "network.biases.uniform.high",
                "0 is out of range: high must be > low, which is 1",
            ),
            (
                "layer = \"all\"",
                "layer = \"al\"",
                "dynamics.layerwise-inversion.layer",
                "\"al\" is not known here",
            ),
            (
                "layer = \"all\"",
                "layer = 3",
                "dynamics.layerwise-inversion.layer",
                "must be between 1 and 2",
            ),
            (
                "layer = \"all\"",
                "layer = 0",
                "dynamics.layerwise-inversion.layer",
                "0 is out of range",
            ),
            (
                "layer = \"all\"",
                "layer = 1",
                "target.delta",
                "has 2 entries, but 4 are needed: layer 1 has 4 units",
            ),
            (
                "leak = 0.1",
                "leak = -0.1",
                "dynamics.layerwise-inversion.leak",
                "-0.1 is out of range: leak must be >= 0",
            ),
            (
                "leak = 0.1",
                "leak = 0.1\ntau_state = 0",
                "dynamics.layerwise-inversion.tau_state",
                "tau_state must be > 0",
            ),
            (
                "transfer = \"tangent\"",
                "transfer = \"linear\"\nactivation = \"tanh\"",
                "dynamics.layerwise-inversion.activation",
                "does not go with transfer = \"linear\"",
            ),
            (
                "input = [1, 2, 3]",
                "",
                "dynamics.layerwise-inversion.transfer",
                "\"tangent\" needs an operating point",
            ),
            ("input = [1, 2, 3]", "input = [1, 2]", "target.input", "the network has 3 inputs"),
            (
                "input = [1, 2, 3]",
                "input = [[1, 2, 3], [1, 2, 3]]",
                "target.input",
                "one input for all targets, or one each",
            ),
            (
                "input = [1, 2, 3]",
                "input = { uniform = { low = 1, high = 1 } }",
                "target.input.uniform.high",
                "must be > low",
            ),
            (
                "delta = [0.1, 0.2]",
                "delta = [[0.1, 0.2], [1, 2, 3]]",
                "target.delta[1]",
                "(target 1) has 3 entries",
            ),
            ("delta = [0.1, 0.2]", "", "target", "exactly one of \"delta\", \"normal\""),
            (
                "delta = [0.1, 0.2]",
                "delta = [0.1, 0.2]\nnormal = {}",
                "target.normal",
                "`delta` and `normal` exclude each other",
            ),
            (
                "delta = [0.1, 0.2]",
                "delta = [0.1, 0.2]\nnudge = 0.5",
                "target.nudge",
                "does not go with `delta`",
            ),
            (
                "[dynamics",
                "[feedback.jacobian-transpose]\n[dynamics",
                "feedback.jacobian-transpose",
                "does not go with the dynamics \"layerwise-inversion\"",
            ),
            (
                "[dynamics",
                "[feedback.values]\nmatrices = [[[1, 0], [0, 1]]]\n[dynamics",
                "feedback.values.matrices[0]",
                "is 2 x 2, but 4 x 2 is needed",
            ),
            (
                "[dynamics",
                "[feedback.file]\npath = \"b.npz\"\nmatrices = [\"B2\", \"B3\"]\n[dynamics",
                "feedback.file.matrices",
                "has 2 entries, but 1 are needed",
            ),
            (
                "[dynamics",
                "[feedback.random-uniform]\nlow = 1\n[dynamics",
                "feedback.random-uniform.high",
                "must be > low, which is 1",
            ),
            (
                "rtol = 1e-6",
                "rtol = 1e-20",
                "solver.dopri5.rtol",
                "rtol must be >= 2.220446049250313e-14 and < 1",
            ),
            ("rtol = 1e-6", "atol = 0", "solver.dopri5.atol", "atol must be > 0"),
            (
                "rtol = 1e-6",
                "atol = { state = 1e-6, controller = 0 }",
                "solver.dopri5.atol.controller",
                "controller must be > 0",
            ),
            ("rtol = 1e-6", "step = 0.1", "solver.dopri5.step", "`step` does not exist here"),
            (
                "rtol = 1e-6",
                "first_step = 2\nmax_step = 1",
                "solver.dopri5.first_step",
                "must be <= max_step",
            ),
            (
                "[solver.dopri5]\nrtol = 1e-6",
                "[solver.rk4]",
                "solver.rk4.step",
                "the key `step` is missing",
            ),
            (
                "[solver.dopri5]\nrtol = 1e-6",
                "[solver.rk4]\nstep = 1e-6",
                "solver.rk4.step",
                "takes 1.000e7 steps",
            ),
            (
                "[solver.dopri5]\nrtol = 1e-6",
                "[solver.rk4]\nstep = 0.1\nrtol = 1",
                "solver.rk4.rtol",
                "`rtol` does not exist here",
            ),
            (
                "[solver.dopri5]\nrtol = 1e-6",
                "[solver.ode-solvers-dop853]\natol = { state = 1 }",
                "solver.ode-solvers-dop853.atol",
                "expected a number",
            ),
            (
                "[solver.dopri5]\nrtol = 1e-6",
                "[solver]\nrk4 = { step = 1 }\neuler = { step = 1 }",
                "solver.euler",
                "`rk4` and `euler` exclude each other",
            ),
            ("[solver.dopri5]\nrtol = 1e-6", "[solver]", "solver", "exactly one of"),
            (
                "t_span = [0, 10]",
                "t_span = [0, 10, 20]",
                "run.t_span",
                "has 3 entries, but 2 are needed: [t_start, t_end]",
            ),
            ("times = [1, 2]", "times = [1, 1]", "run.save_at.times[1]", "must be beyond 1"),
            (
                "times = [1, 2]",
                "times = [1, 12]",
                "run.save_at.times[1]",
                "must be between 0 and 10",
            ),
            ("times = [1, 2]", "times = []", "run.save_at.times", "no times are given"),
            ("times = [1, 2]", "every = 1e-15", "run.save_at.every", "gives 1.0e16 rows"),
            ("times = [1, 2]", "every = 0", "run.save_at.every", "every must be > 0"),
            ("times = [1, 2]", "count = 1", "run.save_at.count", "count must be >= 2"),
            (
                "times = [1, 2]",
                "log = { first = 10, count = 5 }",
                "run.save_at.log.first",
                "must be < 10",
            ),
            (
                "save_at = { times = [1, 2] }",
                "save_at = \"step\"",
                "run.save_at",
                "\"step\" is not known here",
            ),
            (
                "save_at = { times = [1, 2] }",
                "save_at = \"every\"",
                "run.save_at.every",
                "expected a number",
            ),
            (
                "save_at = { times = [1, 2] }",
                "save_at = { steps = true }",
                "run.save_at.steps",
                "expected the word \"steps\" alone",
            ),
            (
                "save_at = { times = [1, 2] }",
                "record = [\"state\", \"state\"]",
                "run.record[1]",
                "names \"state\" twice",
            ),
            ("[network]", "[network]\nsize = 3", "network.size", "`size` does not exist here"),
            (
                "schema_version = 1",
                "schema_version = 2",
                "schema_version",
                "the version this program reads",
            ),
            ("schema_version = 1", "", "schema_version", "`schema_version` is missing"),
            (
                "schema_version = 1",
                "schema_version = \"1\"",
                "schema_version",
                "expected an integer",
            ),
        ],
    },
    Case {
        base: CONTROL,
        changes: &[
            (
                "tau_apical = 1\n",
                "",
                "dynamics.deep-feedback-control.noise",
                "needs an apical compartment",
            ),
            (
                "[solver.euler-maruyama]\nstep = 0.01",
                "[solver.dopri5]",
                "solver",
                "\"dopri5\" does not go with noise",
            ),
            (
                "[feedback.weight-product]",
                "[feedback.negative-transpose]",
                "feedback.negative-transpose",
                "does not go with",
            ),
            (
                "[feedback.weight-product]",
                "[feedback.values]\nmatrices = [[[1, 0]]]",
                "feedback.values.matrices",
                "has 1 entries, but 2 are needed",
            ),
            (
                "output = [[1, 0], [0, 1]]",
                "delta = [[1, 0], [0, 1]]",
                "target.delta",
                "which steers the output",
            ),
            (
                "output = [[1, 0], [0, 1]]",
                "output = [[1], [0]]",
                "target.output[0]",
                "the network has 2 outputs",
            ),
            ("input = [[1, 2, 3], [1, 2, 3]]", "", "target.output", "`output` needs the input"),
            (
                "component = \"controller[0]\"",
                "component = \"controller[-1]\"",
                "run.events[0].component",
                "names no component",
            ),
            ("target = 1", "target = 2", "run.events[0].target", "must be < 2"),
            (
                "target = 1",
                "direction = \"up\"",
                "run.events[0].direction",
                "\"up\" is not known here",
            ),
        ],
    },
    Case {
        base: RATES,
        changes: &[
            ("[[0, 1], [-1, 0]]", "[[0, 1]]", "dynamics.rate-network.w", "w must be square"),
            ("[[0, 1], [-1, 0]]", "[]", "dynamics.rate-network.w", "has no rows"),
            (
                "readout = [[1, 0]]",
                "readout = [[1, 0, 0]]",
                "dynamics.rate-network.readout",
                "one column per unit",
            ),
            (
                "target = [0.5]",
                "target = [0.5, 1]",
                "dynamics.rate-network.target",
                "one entry per row of `readout`",
            ),
            ("target = [0.5]", "", "dynamics.rate-network.readout", "`readout` needs a target"),
            (
                "q = [[1], [0]]",
                "q = [[1, 0]]",
                "dynamics.rate-network.q",
                "is 1 x 2, but 2 x 1 is needed",
            ),
            ("q = [[1], [0]]", "", "dynamics.rate-network.controller", "needs a matrix `q`"),
            (
                "controller = \"leaky-integral\"",
                "",
                "dynamics.rate-network.q",
                "needs a controller",
            ),
            (
                "target = [0.5]",
                "target = [0.5]\ntau = [1, 0]",
                "dynamics.rate-network.tau[1]",
                "tau must be > 0",
            ),
            (
                "target = [0.5]",
                "target = [0.5]\ninput = [1, 2, 3]",
                "dynamics.rate-network.input",
                "one entry per unit",
            ),
            (
                "[stability]",
                "[target]\ndelta = [1]\n[stability]",
                "target",
                "[target] does not go with [dynamics.rate-network]",
            ),
            (
                "[stability]",
                "[feedback.transpose]\n[stability]",
                "feedback",
                "[feedback] does not go with",
            ),
            (
                "critical = [\"leak\"]",
                "at = \"trajectory\"",
                "stability.at",
                "the section [run] is missing",
            ),
            (
                "critical = [\"leak\"]",
                "at = \"checkpoints\"",
                "stability.at",
                "needs the file with them",
            ),
            (
                "critical = [\"leak\"]",
                "checkpoints = \"a.h5\"",
                "stability.checkpoints",
                "does not go with another `at`",
            ),
            ("critical = [\"leak\"]", "starts = []", "stability.starts", "nowhere to start"),
            (
                "critical = [\"leak\"]",
                "pseudospectrum = { re = [1, 0] }",
                "stability.pseudospectrum.re",
                "an increasing pair",
            ),
            (
                ".k_i\"",
                ".k_o\"",
                "stability.continuation.parameter",
                "the key `k_o` does not exist here",
            ),
            (
                ".leaky-integral.k_i\"",
                "\"",
                "stability.continuation.parameter",
                "expected the path of a number",
            ),
            (
                ".controller.leaky-integral.k_i\"",
                ".controller.pid.k_i\"",
                "stability.continuation.parameter",
                "needs this key in the model",
            ),
            ("to = 1", "to = 0", "stability.continuation.to", "different from `from`"),
            (
                "[stability.continuation]",
                "[stability.map]\nx = { parameter = \"leak\", points = [0, 1] }\ny = { parameter = \"leak\", points = [0, 1] }\n[stability.continuation]",
                "stability.map.y.parameter",
                "names \"leak\" twice",
            ),
            (
                "[stability.continuation]",
                "[stability.map]\nx = { parameter = \"leak\", points = [0, -1] }\ny = { parameter = \"gain\", points = [0, 1] }\n[stability.continuation]",
                "stability.map.x.points",
                "leak must be >= 0",
            ),
        ],
    },
    Case {
        base: LEARN,
        changes: &[
            ("steps = 10", "", "training", "exactly one of \"epochs\" or \"steps\""),
            ("steps = 10", "steps = 10\nepochs = 1", "training.epochs", "exclude each other"),
            (
                "rules = [\"bp\",",
                "rules = [\"bq\",",
                "training.rules[0]",
                "\"bq\" is not known here",
            ),
            (
                "rules = [\"bp\",",
                "rules = [\"bp\", \"ndi\",",
                "training.rules[1].ndi.leak",
                "`leak` is missing",
            ),
            ("name = \"NDI 2\", ", "", "training.rules[2]", "names \"ndi\" twice"),
            (
                "rules = [\"bp\", { ndi = { leak = 0.1 } }, { ndi = { name = \"NDI 2\", leak = 0.2 } }]",
                "rules = []",
                "training.rules",
                "there are no rules",
            ),
            (
                "{ leak = 0.1 }",
                "{ leak = 0.1, feedback = \"weight-product\" }",
                "training.rules[1].ndi.feedback.weight-product",
                "does not go with the rule \"ndi\"",
            ),
            (
                "{ leak = 0.1 }",
                "{ leak = 0.1, feedback = { values = { matrices = [[[1]]] } } }",
                "training.rules[1].ndi.feedback.values.matrices[0]",
                "is 1 x 1, but 4 x 2 is needed",
            ),
            (
                "rule = \"ndi\"",
                "rule = \"nid\"",
                "training.metrics[1].angle.rule",
                "\"nid\" is not known here",
            ),
            (
                "to = \"bp\"",
                "to = \"bpp\"",
                "training.metrics[1].angle.to",
                "\"bpp\" is not known here",
            ),
            (
                "metrics = [\"loss\",",
                "metrics = [{ loss = { set = \"test\" } },",
                "training.metrics[0].loss.set",
                "needs a test set",
            ),
            ("[4, 5, 6]]", "[4, 5]]", "training.data.values.train_inputs[1]", "has 2 entries"),
            (
                "[[1, 2, 3], [4, 5, 6]]",
                "[[1, 2], [4, 5]]",
                "training.data.values.train_inputs",
                "one column per input",
            ),
            (
                "[[1, 0], [0, 1]]",
                "[[1, 0]]",
                "training.data.values.train_outputs",
                "is 1 x 2, but 2 x 2 is needed",
            ),
            (
                "[[1, 0], [0, 1]]",
                "[[1, 0], [0, 1]]\ntest_inputs = [[1, 2, 3]]",
                "training.data.values.test_inputs",
                "needs `test_outputs`",
            ),
            ("rate = 0.1", "rate = 0", "training.rate", "rate must be > 0"),
            (
                "rate = 0.1",
                "rate = 0.1\nsleep = { every = 5 }",
                "training.sleep",
                "needs a rule of deep feedback control",
            ),
            (
                "[network]\nsizes = [3, 4, 2]\nweights = \"normal\"",
                "",
                "training",
                "the section [network] is missing",
            ),
            (
                "[training]\n",
                "[run]\nt_span = [0, 1]\n[training]\n",
                "run",
                "the section [dynamics] is missing, which [run] needs",
            ),
        ],
    },
    Case {
        base: IMAGES,
        changes: &[
            (
                "weights = [\"W1\"] } }",
                "weights = [\"W1\", \"W2\"] } }",
                "network.weights.file.weights",
                "has 2 entries, but 1 are needed",
            ),
            (
                "weights = [\"W1\"] } }",
                "biases = [\"b1\"] } }\nbiases = \"zero\"",
                "network.biases",
                "exclude each other",
            ),
            (
                "path = \"net.npz\"",
                "path = [\"a.npy\", \"b.npy\"]",
                "network.weights.file.path",
                "one file, or one per layer",
            ),
            ("path = \"net.npz\"", "path = \"\"", "network.weights.file.path", "must be a path"),
            ("first = 10", "", "target.examples", "exactly one of \"first\" or \"indices\""),
            (
                "first = 10",
                "first = 10\nindices = [1]",
                "target.examples.first",
                "exclude each other",
            ),
            ("first = 10", "indices = []", "target.examples.indices", "no examples are chosen"),
            (
                "[target.examples]",
                "[target]\ninput = \"normal\"\n[target.examples]",
                "target.input",
                "`examples` and `input` exclude each other",
            ),
            (
                "first = 10",
                "first = 10\nnudge = 0",
                "target.examples.nudge",
                "nudge must be > 0 and <= 1",
            ),
            (
                "first = 10",
                "first = 10\npixels = \"standard\"",
                "target.examples.pixels",
                "\"standard\" is not known here",
            ),
            (
                "train_labels = \"labels\"",
                "",
                "training.data.idx.task",
                "classification needs `train_labels`",
            ),
            (
                "train_labels = \"labels\"",
                "train_labels = \"labels\"\ntest_images = \"t\"",
                "training.data.idx.task",
                "classification needs `test_labels`",
            ),
            (
                "train_labels = \"labels\"",
                "train_labels = \"labels\"\ntest_first = 3",
                "training.data.idx.test_first",
                "needs `test_images`",
            ),
            (
                "train_labels = \"labels\"",
                "train_labels = \"labels\"\ntask = \"autoencoder\"",
                "training.data.idx.train_labels",
                "does not go with task = \"autoencoder\"",
            ),
            (
                "train_labels = \"labels\"",
                "task = \"autoencoder\"",
                "network.sizes",
                "as many outputs as inputs",
            ),
            (
                "layer = 1",
                "layer = 1\ntransfer = \"linaer\"",
                "dynamics.layerwise-inversion.transfer",
                "\"linaer\" is not known here",
            ),
        ],
    },
];

#[test]
fn a_ratio_of_time_constants_needs_a_controller_with_one() {
    for dynamics in [
        "[dynamics.linear]\na = [[-1]]",
        "[dynamics.rate-network]\nw = [[-1]]\nactivation = \"tanh\"",
    ] {
        let text = format!(
            "schema_version = 1\n{dynamics}\n[stability]\ncritical = [\"leak\", \"tau_ratio\"]\n"
        );
        let error = parse(&text).expect_err("refused");
        assert_eq!(error.location().key, "stability.critical[1]", "{error}");
        assert!(error.to_string().contains("a controller of its own time constant"), "{error}");
    }
}

#[test]
fn one_change_one_error_at_one_place() {
    for case in CASES {
        valid(case.base);
        for (right, wrong, key, message) in case.changes {
            assert!(case.base.contains(right), "{right}");
            let text = case.base.replacen(right, wrong, 1);
            let error = match parse(&text) {
                Err(error) => error,
                Ok(_) => panic!("accepted: {right} -> {wrong}"),
            };
            assert_eq!(error.location().key, *key, "{wrong}: {error}");
            assert!(error.to_string().contains(message), "{wrong}: {error}");
        }
    }
}

#[test]
fn an_error_below_the_output_needs_its_own_target() {
    let text = LAYERS
        .replace("layer = \"all\"", "layer = 1")
        .replace("delta = [0.1, 0.2]", "output = [1, 0]");
    let error = parse(&text).expect_err("the output is above layer 1");
    assert_eq!(error.location().key, "target.output");
    assert!(error.to_string().contains("an error at layer 2"), "{error}");
}

#[test]
fn exact_solutions_take_no_steps() {
    let text = LAYERS
        .replace("[solver.dopri5]\nrtol = 1e-6", "[solver]\nexact = {}")
        .replace("save_at = { times = [1, 2] }", "save_at = \"steps\"");
    let error = parse(&text).expect_err("no steps");
    assert!(matches!(error.problem(), Problem::NotAllowed { .. }), "{error}");
    let default = text.replace("save_at = \"steps\"", "");
    assert!(valid(&default).resolved_text().contains("save_at = { count = 201 }"));
}

#[test]
fn names_of_blocks_are_checked_when_they_are_known() {
    let text = LAYERS.replace("rtol = 1e-6", "atol = { state = 1e-6, controller = 1 }").replace(
        "save_at",
        "record = [\"state\", \"residual\"]\nevents = [{ component = \"state[2]\" }, { component = \"residual\" }]\nsave_at",
    );
    let blocks = [("state", 3), ("controller", 2)];
    let observables = ["residual"];
    valid(&text).check_names(&blocks, &observables).expect("all names are right");
    let changes = [
        ("state = 1e-6", "stat = 1e-6", "solver.dopri5.atol.stat", "has no `stat`"),
        ("state = 1e-6, ", "", "solver.dopri5.atol", "needs one for every block"),
        ("\"residual\"]", "\"residul\"]", "run.record[1]", "has no `residul`"),
        ("\"state[2]\"", "\"state[3]\"", "run.events[0].component", "has 3 units, counted from 0"),
        ("\"state[2]\"", "\"state\"", "run.events[0].component", "has 3 units"),
        ("\"state[2]\"", "\"stage[2]\"", "run.events[0].component", "has no `stage`"),
        (
            "component = \"residual\"",
            "component = \"residual[0]\"",
            "run.events[1].component",
            "is one number",
        ),
    ];
    for (right, wrong, key, message) in changes {
        let model = valid(&text.replacen(right, wrong, 1));
        let error = model.check_names(&blocks, &observables).expect_err(wrong);
        assert_eq!(error.location().key, key, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.location().line > 1, "{error}");
    }
}

#[test]
fn a_missing_section_says_who_needs_it() {
    let model = valid("schema_version = 1\n");
    let error = model.require("run", &model.specification().run, "`dinv run`").expect_err("no run");
    assert!(
        error.to_string().contains("the section [run] is missing, which `dinv run` needs"),
        "{error}"
    );
}

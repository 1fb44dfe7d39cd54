//! Tsitouras 5(4).

use crate::integrate::method::{Kind, Law, Method, Stepping};
use crate::integrate::tableau::{ErrorEstimate, Tableau};

/// The Tsitouras 5(4) pair with its free fourth-order interpolant.
pub static TSIT5: Method = Method {
    name: "tsit5",
    order: 5,
    kind: Kind::Explicit,
    summary: "Tsitouras 5(4): smaller error constants than dopri5 at the same cost",
    reference: "Tsitouras 2011, Comput. Math. Appl. 62:770",
    stepping: Stepping::Explicit(
        &TABLEAU,
        // The estimate is small for the method's error: with the usual factor of 0.9 loops of tanh
        // units ended ten tolerances off.
        Law { exponent: 0.2, beta: 0.04, safety: 0.85, shrink: 0.2, grow: 10.0 },
    ),
};

pub(crate) static TABLEAU: Tableau = Tableau {
    stages: 6,
    c: &[0.0, 0.161, 0.327, 0.9, 0.980_025_540_904_509_7, 1.0, 1.0],
    a: &[
        &[],
        &[0.161],
        &[-0.008480655492356989, 0.335480655492357],
        &[2.8971530571054935, -6.359448489975075, 4.3622954328695815],
        &[5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525],
        &[
            5.86145544294642,
            -12.92096931784711,
            8.159367898576159,
            -0.071584973281401,
            -0.028269050394068383,
        ],
        B,
    ],
    b: B,
    error: ErrorEstimate::Single(&[
        0.0017800110522257773,
        0.0008164344596567463,
        -0.007880878010261994,
        0.1447110071732629,
        -0.5823571654525552,
        0.45808210592918686,
        -1.0 / 66.0,
    ]),
    weights,
    dense_order: 4,
    stability_limit: 3.5068,
};

const B: &[f64] = &[
    0.09646076681806523,
    0.01,
    0.4798896504144996,
    1.379008574103742,
    -3.290069515436081,
    2.324710524099774,
];

/// Coefficients of `theta^2, theta^3, theta^4` in the weight of each stage.
const INTERPOLANT: [[f64; 3]; 7] = [
    [-2.763706197274826, 2.9132554618219126, -1.0530884977290216],
    [0.1317, -0.2234, 0.1017],
    [3.9302962368947516, -5.941033872131505, 2.490627285651253],
    [-12.411077166933676, 30.33818863028232, -16.548102889244902],
    [37.50931341651104, -88.1789048947664, 47.37952196281928],
    [-27.896526289197286, 65.09189467479366, -34.87065786149661],
    [1.5, -4.0, 2.5],
];

fn weights(theta: f64, w: &mut [f64]) {
    for (j, (w, r)) in w.iter_mut().zip(&INTERPOLANT).enumerate() {
        let linear = if j == 0 { theta } else { 0.0 };
        *w = linear + theta * theta * (r[0] + theta * (r[1] + theta * r[2]));
    }
}

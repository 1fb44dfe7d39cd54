//! ESDIRK5(4)7L\[2\]SA2, the implicit method.

use crate::integrate::method::{Kind, Law, Method, Stepping};
use crate::integrate::tableau::{ErrorEstimate, Tableau};

/// ESDIRK5(4)7L\[2\]SA2 of Kennedy & Carpenter: order 5 with an embedded order 4, L-stable,
/// stiffly accurate, stage order 2, an explicit first stage and one coefficient on the diagonal, so
/// that one factorisation serves all stages. Fourth-order dense output.
pub static IMPLICIT: Method = Method {
    name: "implicit",
    order: 5,
    kind: Kind::Implicit,
    summary: "ESDIRK 5(4), L-stable, with the structured linear solves of the dynamics: for stiff loops",
    reference: "Kennedy & Carpenter 2019, Appl. Numer. Math. 146:221, ESDIRK5(4)7L[2]SA2",
    stepping: Stepping::Implicit(
        &TABLEAU,
        Law { exponent: 0.2, beta: 0.04, safety: 0.9, shrink: 0.2, grow: 8.0 },
    ),
};

/// The diagonal coefficient.
pub(crate) const GAMMA: f64 = 23.0 / 125.0;

pub(crate) static TABLEAU: Tableau = Tableau {
    stages: 6,
    c: &[
        0.0,
        46.0 / 125.0,
        7121331996143.0 / 11335814405378.0,
        49.0 / 353.0,
        3706679970760.0 / 5295570149437.0,
        347.0 / 382.0,
        1.0,
    ],
    a: &[
        &[],
        &[GAMMA, GAMMA],
        &[791020047304.0 / 3561426431547.0, 791020047304.0 / 3561426431547.0, GAMMA],
        &[
            -158159076358.0 / 11257294102345.0,
            -158159076358.0 / 11257294102345.0,
            -85517644447.0 / 5003708988389.0,
            GAMMA,
        ],
        &[
            -1653327111580.0 / 4048416487981.0,
            -1653327111580.0 / 4048416487981.0,
            1514767744496.0 / 9099671765375.0,
            14283835447591.0 / 12247432691556.0,
            GAMMA,
        ],
        &[
            -4540011970825.0 / 8418487046959.0,
            -4540011970825.0 / 8418487046959.0,
            -1790937573418.0 / 7393406387169.0,
            10819093665085.0 / 7266595846747.0,
            4109463131231.0 / 7386972500302.0,
            GAMMA,
        ],
        B,
    ],
    b: B,
    error: ErrorEstimate::Single(&[
        B[0] - EMBEDDED[0],
        B[1] - EMBEDDED[1],
        B[2] - EMBEDDED[2],
        B[3] - EMBEDDED[3],
        B[4] - EMBEDDED[4],
        B[5] - EMBEDDED[5],
        B[6] - EMBEDDED[6],
    ]),
    weights,
    dense_order: 4,
    stability_limit: f64::INFINITY,
};

const B: &[f64] = &[
    -188593204321.0 / 4778616380481.0,
    -188593204321.0 / 4778616380481.0,
    2809310203510.0 / 10304234040467.0,
    1021729336898.0 / 2364210264653.0,
    870612361811.0 / 2470410392208.0,
    -1307970675534.0 / 8059683598661.0,
    GAMMA,
];

const EMBEDDED: [f64; 7] = [
    -582099335757.0 / 7214068459310.0,
    -582099335757.0 / 7214068459310.0,
    615023338567.0 / 3362626566945.0,
    3192122436311.0 / 6174152374399.0,
    6156034052041.0 / 14430468657929.0,
    -1011318518279.0 / 9693750372484.0,
    1914490192573.0 / 13754262428401.0,
];

/// Coefficients of `theta^2 .. theta^5` in the weight of each stage.
///
/// Our own: among the polynomials of degree five that join steps continuously with their first
/// derivative and have order 4 for every `theta`, the one whose violations of the order
/// conditions of order 5 have the least mean square over the step.
const INTERPOLANT: [[f64; 4]; 7] = [
    [0.6186491555260998, -13.561233676664653, 21.069189541202306, -9.166071089173492],
    [12.579878784990353, -46.27288932148443, 54.6088119424491, -20.955267475064762],
    [-6.621699403335407, 26.397788973070057, -31.56729728488268, 12.063844205398274],
    [-7.776696498576118, 39.098768899501934, -52.70662244067407, 21.81671521226854],
    [0.4997814405259905, -3.309313113180413, 6.8813623359473, -3.7194145770599887],
    [-0.6551779077358937, 3.414811448065643, -5.6755172268433025, 2.753598075729614],
    [1.3552644286049766, -5.767933209308138, 7.390073132801347, -2.793404352098185],
];

fn weights(theta: f64, w: &mut [f64]) {
    for (j, (w, r)) in w.iter_mut().zip(&INTERPOLANT).enumerate() {
        let linear = if j == 0 { theta } else { 0.0 };
        let high = r[0] + theta * (r[1] + theta * (r[2] + theta * r[3]));
        *w = linear + theta * theta * high;
    }
}

"""Deep feedback control as it is usually written: 1000 steps of explicit Euler in NumPy.

    OPENBLAS_NUM_THREADS=1 python benches/peers/control_peers.py [repeats]

The problem of benches/control.rs: one training step on 784-256-256-256-10 with 128 examples,
Q = J^T at the feedforward state, leak 0.1 on u, tau_v = 0.2, tau_u = 1, 1000 steps of 0.02 s. The
input of the first layer is computed once. Prints the least seconds per training step and the largest
|e - leak u| / |e_0| at the end, in double and in single precision.
"""

import sys
import time

import numpy as np

SIZES = [784, 256, 256, 256, 10]
EXAMPLES, NUDGE, LEAK = 128, 0.1, 0.1
TAU_V, TAU_U, STEP, STEPS = 0.2, 1.0, 0.02, 1000


def hashed(rows, columns, k):
    i, j = np.arange(rows)[:, None], np.arange(columns)[None, :]
    x = np.sin(12.9898 * i + 78.233 * j + 37.719 * k) * 43758.5453
    return 2 * (x - np.floor(x)) - 1


def problem(dtype):
    weights = [
        (np.sqrt(3 / m) * hashed(n, m, layer + 1)).astype(dtype)
        for layer, (m, n) in enumerate(zip(SIZES, SIZES[1:]))
    ]
    x = hashed(SIZES[0], EXAMPLES, 11).astype(dtype)
    target = np.zeros((SIZES[-1], EXAMPLES), dtype)
    target[np.arange(EXAMPLES) % 10, np.arange(EXAMPLES)] = 1
    return weights, x, target


def training_step(weights, x, target, rate):
    """Activities are units x examples."""
    first = weights[0] @ x
    v = [first.copy()]
    for w in weights[1:]:
        v.append(w @ np.tanh(v[-1]))
    e0 = NUDGE * (target - v[-1])
    aim = v[-1] + e0
    # Q_l = J_l^T per example: examples x units x outputs.
    q = [np.broadcast_to(np.eye(SIZES[-1], dtype=x.dtype), (EXAMPLES, 10, 10)).copy()]
    for w, a in zip(weights[:0:-1], v[-2::-1]):
        q.insert(0, (1 - np.tanh(a) ** 2).T[:, :, None] * (w.T @ q[0]))
    w_int = np.zeros_like(e0)
    for _ in range(STEPS):
        rates = [np.tanh(a) for a in v[:-1]]
        e = aim - v[-1]
        u = w_int
        new = []
        for layer, a in enumerate(v):
            drive = first if layer == 0 else weights[layer] @ rates[layer - 1]
            current = (q[layer] @ u.T[:, :, None])[:, :, 0].T
            new.append(a + STEP / TAU_V * (-a + drive + current))
        w_int = w_int + STEP / TAU_U * (e - LEAK * u)
        v = new
    distance = np.linalg.norm(aim - v[-1] - LEAK * w_int, axis=0) / np.linalg.norm(e0, axis=0)
    for layer, w in enumerate(weights):
        below = x if layer == 0 else np.tanh(v[layer - 1])
        basal = w @ below
        last = layer == len(weights) - 1
        delta = v[layer] - basal if last else np.tanh(v[layer]) - np.tanh(basal)
        w += rate / EXAMPLES * delta @ below.T
    return distance.max(), np.linalg.norm(w_int[:, 0])


if __name__ == "__main__":
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    for dtype in (np.float64, np.float32):
        weights, x, target = problem(dtype)
        seconds = []
        for _ in range(repeats):
            began = time.perf_counter()
            distance, size = training_step(weights, x, target, 1e-9)
            seconds.append(time.perf_counter() - began)
        print(
            f"{np.dtype(dtype).name}: {min(seconds):.3f} s per training step, "
            f"|e - leak u| / |e_0| = {distance:.1e}, |u| of example 0: {size:.10f}"
        )

"""Training as it is usually written: one example at a time in NumPy, inner loops in Numba.

The same algorithms as `dinv train`, from the equations:

    python benches/peers/training_peers.py nonlinear [steps]      13 rules on a 30-20-10-10 network
    python benches/peers/training_peers.py mnist FOLDER [count]   BP and NDI on 784-1000-10, batch 1

Prints seconds per rule. Least squares for PBP and NDI, 999 updates of semi-implicit Euler for DI,
no evaluation of the whole set.
"""

import sys
import time

import numba
import numpy as np


@numba.njit(cache=True, fastmath=False)
def euler_loop(w, b, delta, leak, step, updates):
    r = np.zeros(w.shape[1])
    u = np.zeros(w.shape[0])
    for _ in range(updates):
        u += step * (-leak * u + w @ r - delta)
        r += step * (-r + b @ u)
    return r


@numba.njit(cache=True, fastmath=False)
def single_loop(w2, w3, b, delta, leak, step, updates):
    r1 = np.zeros(w2.shape[1])
    r2 = np.zeros(w2.shape[0])
    u = np.zeros(w3.shape[0])
    for _ in range(updates):
        u += step * (-leak * u + w3 @ r2 - delta)
        r1 += step * (-r1 + b @ u)
        r2 += step * (-r2 + w2 @ r1)
    return r1, r2


def carry(kind, w, b, delta, leak):
    if kind == "bp":
        return w.T @ delta
    if kind == "fa":
        return b @ delta
    if kind == "pbp":
        return np.linalg.lstsq(w, delta, rcond=None)[0]
    if kind == "ndi":
        system = w @ b - leak * np.eye(len(delta))
        return b @ np.linalg.lstsq(system, delta, rcond=None)[0]
    return euler_loop(w, b, delta, leak, 0.5, 999)


def train(kind, weights, feedback, leak, inputs, targets, rate, decay, softmax):
    w = [m.copy() for m in weights]
    bias = [np.zeros(len(m)) for m in w]
    last = len(w) - 1
    began = time.perf_counter()
    for x, t in zip(inputs, targets):
        h = [x]
        for layer, (m, c) in enumerate(zip(w, bias)):
            a = m @ h[-1] + c
            h.append(np.tanh(a) if layer < last else a)
        y = h[-1]
        if softmax:
            y = np.exp(y - y.max())
            y /= y.sum()
        delta = [None] * len(w)
        delta[last] = t - y
        if kind == "sdi":
            states = single_loop(w[1], w[2], feedback[-1], delta[last], leak, 0.5, 999)
            for layer in range(last):
                delta[layer] = states[layer] * (1 - h[layer + 1] ** 2)
        else:
            for layer in range(last, 0, -1):
                below = carry(kind, w[layer], feedback[layer - 1], delta[layer], leak)
                delta[layer - 1] = below * (1 - h[layer] ** 2)
        for layer in range(len(w)):
            w[layer] += rate * np.outer(delta[layer], h[layer]) - decay * w[layer]
            bias[layer] += rate * delta[layer]
    return time.perf_counter() - began


def nonlinear(steps):
    rng = np.random.default_rng(0)
    sizes = [30, 20, 10, 10]
    draw = lambda low: [rng.uniform(-low, low, (n, m)) for m, n in zip(sizes, sizes[1:])]
    weights, teacher = draw(0.01), draw(0.01)
    inputs = rng.standard_normal((steps, sizes[0]))
    targets = np.tanh(np.tanh(inputs @ teacher[0].T) @ teacher[1].T) @ teacher[2].T
    tied = [-m.T.copy() for m in weights[1:]]
    tied.append(tied[0] @ -tied[1])
    random = [rng.uniform(-0.5, 0.5, m.T.shape) for m in weights[1:]]
    rules = [("bp", tied, 0), ("fa", random, 0), ("fa", [50 * b for b in tied], 0), ("pbp", tied, 0)]
    for kind in ("ndi", "di", "sdi"):
        rules += [(kind, tied, 0.01), (kind, tied, 0.001), (kind, tied, 0.01)]
    train("di", weights, tied, 0.01, inputs[:2], targets[:2], 0.01, 0, False)
    train("sdi", weights, tied, 0.01, inputs[:2], targets[:2], 0.01, 0, False)
    total = 0.0
    for kind, feedback, leak in rules:
        seconds = train(kind, weights, feedback, leak, inputs, targets, 0.01, 0, False)
        total += seconds
        print(f"{kind} {leak}: {seconds:.3f} s")
    print(f"all: {total:.3f} s for {steps} steps")


def mnist(folder, count):
    images = np.fromfile(f"{folder}/train-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 784)
    labels = np.fromfile(f"{folder}/train-labels-idx1-ubyte", np.uint8)[8:]
    x = images[:count] / 255.0
    x = (x - x.mean()) / x.std()
    t = np.eye(10)[labels[:count]]
    rng = np.random.default_rng(0)
    weights = [rng.uniform(-0.01, 0.01, s) for s in ((1000, 784), (10, 1000))]
    tied = [-weights[1].T.copy()]
    for kind in ("bp", "ndi"):
        seconds = train(kind, weights, tied, 0.01, x, t, 1e-3, 1e-6, True)
        print(f"{kind}: {seconds:.2f} s for {count} examples, {60000 / count * seconds:.0f} s per epoch")


if __name__ == "__main__":
    if sys.argv[1] == "mnist":
        mnist(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 2000)
    else:
        nonlinear(int(sys.argv[2]) if len(sys.argv) > 2 else 10000)

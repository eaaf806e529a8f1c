"""Our weight matching beside numpy and SciPy, on the same 784-512-512-512-10 networks: prints a table of seconds.

usage: python compare.py [--rounds 7] [--out results.md]

The Python that runs it needs numpy, SciPy and safetensors, and MNIST's IDX files in $LAYERWISE_DATA/mnist: two networks are trained here,
in numpy, from two seeds. The reference is what the literature's code does (coordinate ascent in random order, matmul and
linear_sum_assignment until a sweep gains nothing), in float32 with numpy's BLAS. Each figure is the best of all rounds.
"""
import gzip
import os
import pathlib
import sys
import tempfile

import numpy as np
import scipy
from safetensors.numpy import save_file
from scipy.optimize import linear_sum_assignment

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness

STEPS, WIDTHS = 600, (784, 512, 512, 512, 10)
NAMES = ("fc1", "fc2", "fc3", "logits")


def idx(name, offset):
    path = os.path.join(os.environ["LAYERWISE_DATA"], "mnist", name)
    raw = open(path, "rb").read() if os.path.exists(path) else gzip.open(path + ".gz").read()
    return np.frombuffer(raw, np.uint8, offset=offset)


def train(seed, x, y):  # Adam 1e-3, batch 128, cross-entropy, ReLU
    r = np.random.default_rng(seed)
    theta = [p for i, o in zip(WIDTHS, WIDTHS[1:]) for p in (r.uniform(-1, 1, (i, o)).astype("f4") / np.sqrt(i).astype("f4"), np.zeros(o, "f4"))]
    m, v = [np.zeros_like(p) for p in theta], [np.zeros_like(p) for p in theta]
    for t in range(1, STEPS + 1):
        k = r.integers(0, len(x), 128)
        h = [x[k]]
        for l in range(4):
            z = h[-1] @ theta[2 * l] + theta[2 * l + 1]
            h.append(np.maximum(z, 0) if l < 3 else z)
        e = np.exp(h[4] - h[4].max(1, keepdims=True))
        d = e / e.sum(1, keepdims=True)
        accuracy = (d.argmax(1) == y[k]).mean()
        d[np.arange(128), y[k]] -= 1
        d /= 128
        for l in reversed(range(4)):
            grads = h[l].T @ d, d.sum(0)
            d = (d @ theta[2 * l].T) * (h[l] > 0)
            for j, g in zip((2 * l, 2 * l + 1), grads):
                m[j] += 0.1 * (g - m[j])
                v[j] += 0.001 * (g * g - v[j])
                theta[j] -= (1e-3 * (m[j] / (1 - 0.9**t)) / (np.sqrt(v[j] / (1 - 0.999**t)) + 1e-8)).astype("f4")
    return theta, accuracy


def reference(a, b, seed):
    r = np.random.default_rng(seed)
    p = [np.arange(512) for _ in range(3)]
    for sweep in range(1, 101):
        progress = False
        for l in r.permutation(3):
            win = b[2 * l] if l == 0 else np.take(b[2 * l], p[l - 1], 0)
            wout = b[2 * l + 2] if l == 2 else np.take(b[2 * l + 2], p[l + 1], 1)
            gain = a[2 * l].T @ win + np.outer(a[2 * l + 1], b[2 * l + 1]) + a[2 * l + 2] @ wout.T
            new = linear_sum_assignment(gain, maximize=True)[1]
            u = np.arange(512)
            progress |= bool(gain[u, new].sum() > gain[u, p[l]].sum() + 1e-12)
            p[l] = new
        if not progress:
            break
    return p, sweep


def objective(a, b, p):
    total, before = 0.0, np.arange(784)
    for l in range(4):
        after = p[l] if l < 3 else np.arange(10)
        total += (a[2 * l].astype("f8") * b[2 * l][before][:, after]).sum()
        if l < 3:
            total += (a[2 * l + 1].astype("f8") * b[2 * l + 1][after]).sum()
        before = after
    return total


def networks():
    """A; B from another seed; A permuted, with noise; and the accuracies of A and B on their last batches."""
    x, y = idx("train-images-idx3-ubyte", 16).reshape(-1, 784).astype("f4") / 255, idx("train-labels-idx1-ubyte", 8)
    (a, accA), (b, accB) = train(1, x, y), train(2, x, y)
    r = np.random.default_rng(3)
    q = [np.arange(784)] + [r.permutation(512) for _ in range(3)] + [np.arange(10)]
    noise = lambda t: t + 0.5 * t.std() * r.standard_normal(t.shape).astype("f4")
    planted = [noise(a[j][q[j // 2]][:, q[j // 2 + 1]] if j % 2 == 0 else a[j][q[j // 2 + 1]]).astype("f4") for j in range(8)]
    return a, b, planted, (accA, accB)


def save(theta, path):
    save_file({f"{NAMES[j // 2]}/{'wb'[j % 2]}": np.ascontiguousarray(t) for j, t in enumerate(theta)}, path)


def race(binary, folder, a, b, rounds):
    """The cells of a row."""
    paths = os.path.join(folder, "a"), os.path.join(folder, "b")
    save(a, paths[0])
    save(b, paths[1])
    theirs, ours = [], []
    for k, who in harness.turns(rounds, ("numpy", "ours")):
        if who == "numpy":
            seconds, (p, sweeps) = harness.timed(lambda: reference(a, b, k))
            theirs.append((seconds, sweeps, objective(a, b, p)))
        else:
            out, = harness.reports(binary, *paths, "3")
            ours += out["Seconds"]
    seconds, sweeps, objectives = zip(*theirs)
    result = out["Result"]
    return [f"{min(seconds):.3f}", f"{min(sweeps)}–{max(sweeps)}", f"{min(objectives):.2f}–{max(objectives):.2f}",
            f"{min(ours):.3f}", result["Sweeps"][0], f"{result['Objective']:.2f}", f"{min(seconds) / min(ours):.1f}"]


def main():
    a = harness.parser(__doc__, rounds=7).parse_args()
    harness.note("training two networks")
    one, other, planted, accuracies = networks()
    rows = []
    with harness.built("match") as binary, tempfile.TemporaryDirectory() as folder:
        for name, b in (("another seed", other), ("A permuted, with noise of 0.5 σ", planted)):
            harness.note(name)
            rows.append([name] + race(binary, folder, one, b, a.rounds))
    harness.publish(
        a.out, "Weight matching: Layerwise beside numpy + SciPy",
        f"MLP 784-512-512-512-10 trained on MNIST ({STEPS} steps of Adam, last-batch accuracy {accuracies[0]:.2f} and {accuracies[1]:.2f}). "
        f"One run each, best of {a.rounds}\n"
        f"taking turns; numpy {np.__version__} with its BLAS on all cores, SciPy {scipy.__version__};\n"
        f"{harness.machine()}.\n"
        "Objective: Σ ⟨A, π(B)⟩, larger is better.\n",
        harness.table(["B", "numpy s", "sweeps", "objective", "ours s", "sweeps", "objective", "numpy / ours"], rows))


if __name__ == "__main__":
    main()

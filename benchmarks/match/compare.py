"""Our weight matching beside numpy and SciPy, on the same weights in one run: prints a table of seconds.

usage: python compare.py [--rounds 3] [--networks "MLP 3×512,ResNet-20×4"] [--cap 240] [--out results.md]

The Python that runs it needs numpy, SciPy and safetensors, and for the MLP MNIST's IDX files in $LAYERWISE_DATA/mnist: two are trained
here, in numpy, from two seeds. The other networks are as they are before training, from two seeds, where nothing is alike: the longest
searches. The reference is what the literature's code does (coordinate ascent in random order, take, matmul and linear_sum_assignment until a
sweep gains nothing), in float32 with numpy's BLAS; it knows the same groups as ours. A reference that has taken more processor time than
the cap is stopped. Seconds are the best of all rounds.
"""
import gzip
import json
import os
import pathlib
import sys
import tempfile
import time

import numpy as np
import scipy
from safetensors.numpy import load_file, save_file
from scipy.optimize import linear_sum_assignment

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness

RESNET = dict(architecture="resnet", input=[32, 32, 3], classes=10, depth=20, norm="layer", shortcut="conv3", init="kaiming")
VGG = dict(architecture="vgg", input=[32, 32, 3], classes=10, depth=16, width=64, norm="batch", init="kaiming-out")
NETWORKS = {
    "MLP 3×512": dict(architecture="mlp", input=[28, 28, 1], classes=10, widths=[512, 512, 512], init="torch"),
    "ResNet-20": dict(RESNET, width=16),
    "ResNet-20×4": dict(RESNET, width=64),
    "ResNet-20×16": dict(RESNET, width=256),
    "ResNet-50": dict(architecture="bottleneck", input=[64, 64, 3], classes=200, depth=50, width=64, norm="batch", stem="small", init="kaiming"),
    "VGG-16 head 512": dict(VGG, head=[512, 512]),
    "VGG-16 head 4096": dict(VGG, head=[4096, 4096]),
}

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


class Reference:
    """Coordinate ascent on Σ ⟨A, π(B)⟩ over the groups of a symmetry."""

    def __init__(self, symmetry, a, b):
        self.a, self.b = a, b
        buffers = symmetry["Buffers"] or []
        self.groups = [(g["Name"], g["Size"], [(p["Tensor"], p["Axis"], np.array(p["At"])) for p in g["Places"] if p["Tensor"] not in buffers])
                       for g in symmetry["Groups"]]
        self.p = [np.arange(n) for _, n, _ in self.groups]

    def moved(self, tensor, but):
        """B's tensor with every axis but one permuted."""
        x, axes = self.b[tensor], {}
        for (_, _, places), p in zip(self.groups, self.p):
            for name, axis, at in places:
                if name == tensor and axis != but:
                    axes.setdefault(axis, np.arange(x.shape[axis]))[at] = at[p]
        for axis, index in axes.items():
            x = np.take(x, index, axis)
        return x

    def gains(self, g):
        _, n, places = self.groups[g]
        total = np.zeros((n, n), "f4")
        for tensor, axis, at in places:
            a, b = np.moveaxis(self.a[tensor], axis, 0), np.moveaxis(self.moved(tensor, axis), axis, 0)
            for j in range(at.shape[1]):
                whole = n == len(a) and (at[:, j] == np.arange(n)).all()
                total += (a if whole else a[at[:, j]]).reshape(n, -1) @ (b if whole else b[at[:, j]]).reshape(n, -1).T
        return total

    def run(self, seed, cap):
        """Sweeps until one gains nothing; None if that takes more processor time than the cap."""
        r, start = np.random.default_rng(seed), time.process_time()
        for sweep in range(1, 101):
            progress = False
            for g in r.permutation(len(self.groups)):
                gain = self.gains(g)
                new, u = linear_sum_assignment(gain, maximize=True)[1], np.arange(len(gain))
                progress |= bool(gain[u, new].sum() > gain[u, self.p[g]].sum() + 1e-12)
                self.p[g] = new
                if time.process_time() - start > cap:
                    return None
            if not progress:
                break
        return sweep

    def objective(self):
        total = 0.0
        for tensor in {t for _, _, places in self.groups for t, _, _ in places}:
            total += np.vdot(self.a[tensor].astype("f8"), self.moved(tensor, -1).astype("f8"))
        return total


def trained(folder):
    """Two MLPs, and the accuracies on their last batches."""
    x, y = idx("train-images-idx3-ubyte", 16).reshape(-1, 784).astype("f4") / 255, idx("train-labels-idx1-ubyte", 8)
    accuracies = []
    for seed, name in ((1, "a"), (2, "b")):
        harness.note(f"training network {seed}")
        theta, accuracy = train(seed, x, y)
        save_file({f"{NAMES[j // 2]}/{'wb'[j % 2]}": np.ascontiguousarray(t) for j, t in enumerate(theta)}, os.path.join(folder, name))
        accuracies.append(accuracy)
    return accuracies


def race(binary, spec, a, b, rounds, cap, about):
    """The cells of a row."""
    theirs, cpu, sweeps, objectives, ours, our_cpu = [], [], [], [], [], []
    weights = load_file(a), load_file(b)
    for k, who in harness.turns(rounds, ("numpy", "ours")):
        if who == "ours":
            out, = harness.reports(binary, "run", spec, a, b, "1")
            ours += out["Seconds"]
            our_cpu += out["CPU"]
        elif not (cpu and cpu[-1] > cap):
            reference, start = Reference(about["Symmetry"], *weights), time.process_time()
            seconds, n = harness.timed(lambda: reference.run(k, cap))
            theirs.append(seconds)
            cpu.append(time.process_time() - start)
            if n:
                sweeps.append(n)
                objectives.append(reference.objective())
    more = "" if sweeps else "> "
    spread = lambda x, form: "–".join(dict.fromkeys([form(min(x)), form(max(x))])) if x else "stopped"
    result, pair = out["Result"], 8e-6 * about["Parameters"]
    return [f"{about['GFLOP']:.2f}", f"{more}{min(theirs):.3f}", f"{more}{min(cpu):.3f}", spread(sweeps, str), spread(objectives, "{:.2f}".format),
            f"{min(ours):.3f}", f"{min(our_cpu):.3f}", result["Sweeps"][0], f"{result['Objective']:.2f}",
            f"{more}{min(theirs) / min(ours):.1f}", f"{more}{min(cpu) / min(our_cpu):.1f}", f"{1 + out['AllocatedMB'] / pair:.2f}"], min(our_cpu)


def rate():
    """What numpy's product of two 2048×2048 matrices reaches, in GFLOP/s of wall and of processor time."""
    x = np.random.default_rng(1).standard_normal((2048, 2048)).astype("f4")
    best = [0.0, 0.0]
    for _ in range(5):
        cpu = time.process_time()
        seconds, _ = harness.timed(lambda: x @ x)
        best = [max(best[0], 2e-9 * 2048**3 / seconds), max(best[1], 2e-9 * 2048**3 / (time.process_time() - cpu))]
    return best


def main():
    p = harness.parser(__doc__, rounds=3)
    p.add_argument("--networks", default=",".join(NETWORKS), help="those to time, between commas")
    p.add_argument("--cap", type=float, default=240, help="seconds of processor time after which a reference is stopped")
    a = p.parse_args()
    names = [name.strip() for name in a.networks.split(",")]
    for name in names:
        if name not in NETWORKS:
            sys.exit(f"no network {name!r}; known: {', '.join(NETWORKS)}")
    rows, accuracies, before = [], None, rate()
    with harness.built("match") as binary:
        for name in names:
            spec = json.dumps(NETWORKS[name])
            about, = harness.reports(binary, "describe", spec)
            with tempfile.TemporaryDirectory() as folder:
                one, other, planted = (os.path.join(folder, f) for f in "abp")
                if name == "MLP 3×512":
                    accuracies = trained(folder)
                else:
                    for seed, path in (("1", one), ("2", other)):
                        harness.reports(binary, "draw", spec, seed, path)
                harness.reports(binary, "plant", spec, one, "3", planted)
                for kind, b in (("another seed", other), ("planted", planted)):
                    harness.note(f"{name}, {kind}")
                    cells, cpu = race(binary, spec, one, b, a.rounds, a.cap, about)
                    limit = about["GFLOP"] / max(before[1], 1e-9)
                    rows.append([name, kind] + cells + [f"{cpu / limit:.1f}"])
                    harness.note(" | ".join(map(str, rows[-1])))
    after = rate()
    mlp = f"The MLPs are trained on MNIST ({STEPS} steps of Adam, last-batch accuracy {accuracies[0]:.2f} and {accuracies[1]:.2f}). " if accuracies else ""
    harness.publish(
        a.out, "Weight matching: Layerwise beside numpy + SciPy",
        f"{mlp}Other networks are as before training.\n"
        "Planted: A with its units in another order and noise of 0.5 σ. One search each, best of "
        f"{a.rounds} taking turns, references stopped after {a.cap:.0f} s of processor time; numpy {np.__version__} with its BLAS on all cores,\n"
        f"SciPy {scipy.__version__}; {harness.machine()}.\n"
        f"numpy multiplies two 2048×2048 matrices at {before[0]:.0f} GFLOP/s before and {after[0]:.0f} after ({before[1]:.0f} and {after[1]:.0f} for each second of processor time).\n\n"
        "Objective: Σ ⟨A, π(B)⟩, larger is better. s: wall time; CPU: seconds of all threads, which other programs on the machine disturb less. GFLOP: every product of\n"
        "every group once, which no search can do without; × limit: our CPU time over that of these products at the rate before. Memory: the two networks and all\n"
        "that a search ever allocates, over the two networks.\n",
        harness.table(["network", "B", "GFLOP", "numpy s", "CPU", "sweeps", "objective", "ours s", "CPU", "sweeps", "objective", "s / s", "CPU / CPU", "memory", "× limit"], rows, words=(0, 1)))


if __name__ == "__main__":
    main()

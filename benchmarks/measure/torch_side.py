"""The PyTorch side of the benchmark: torch_side.py store|stream DIR SAMPLES ALPHAS BATCH ROUNDS; prints a report in JSON.

store   keeps every feature of A, B and θ_α, then compares them in float64; one α a run, A and B anew each time: as the code
        released with arXiv 2307.08286 does
stream  batch by batch with A and B run once for all α, and inner products in float64: what measure.Pair does, in PyTorch
"""
import pathlib
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness

way, folder, samples, alphas, batch, rounds = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
SIZES = [784, 512, 512, 512, 10]


def load(name, dtype):
    return np.fromfile(f"{folder}/{name}", dtype=dtype)


def network(flat):
    layers, at = [], 0
    for i, o in zip(SIZES, SIZES[1:]):
        linear = nn.Linear(i, o)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(flat[at:at + i * o].reshape(i, o).T.copy()))
            linear.bias.copy_(torch.from_numpy(flat[at + i * o:at + i * o + o]))
        at += i * o + o
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).eval()


A, B = network(load("a", "<f4")), network(load("b", "<f4"))
X = torch.from_numpy(load("x", "<f4").reshape(-1, 784))[:samples]
Y = torch.from_numpy(load("y", "<i4").astype(np.int64))[:samples]
GRID = [k / (alphas - 1) for k in range(alphas)]


def interpolate(alpha):
    model = network(np.zeros(sum(i * o + o for i, o in zip(SIZES, SIZES[1:])), dtype=np.float32))
    for p, a, b in zip(model.parameters(), A.parameters(), B.parameters()):
        p.copy_(alpha * a + (1 - alpha) * b)
    return model


def features(model, x):
    """Every layer's output for a batch."""
    out = []
    for layer in model:
        x = layer(x)
        out.append(x)
    return out


def collect(model):
    """Every layer's output for every sample, and loss and error."""
    kept, loss, wrong = None, 0.0, 0
    for i in range(0, samples, batch):
        out = features(model, X[i:i + batch])
        loss += F.cross_entropy(out[-1], Y[i:i + batch], reduction="sum").item()
        wrong += (out[-1].argmax(1) != Y[i:i + batch]).sum().item()
        kept = kept or [[] for _ in out]
        for store, h in zip(kept, out):
            store.append(h)
    return [torch.cat(h) for h in kept], loss / samples, wrong / samples


def cos_and_coef(f, g):
    f, g = f.double(), g.double()
    inner, square = (f * g).sum(1), (g * g).sum(1)
    return 1 - inner / (f.norm(dim=1) * square.sqrt()), inner / square


def store():
    table = []
    for alpha in GRID:
        fa, *_ = collect(A)
        fb, *_ = collect(B)
        fi, *_ = collect(interpolate(alpha))
        row = []
        for a, b, f in zip(fa, fb, fi):
            cos, coef = cos_and_coef(f, alpha * a.double() + (1 - alpha) * b.double())
            baseline, _ = cos_and_coef(a, b)
            row.append(cos.mean().item())
            cos.std(), coef.mean(), coef.std(), baseline.mean(), baseline.std()
        table.append(row)
    return table


def stream():
    models = [interpolate(alpha) for alpha in GRID]
    kept = [[[] for _ in A] for _ in GRID]
    inner = lambda x, y: (x * y).sum(1)
    for i in range(0, samples, batch):
        fa, fb = ([h.double() for h in features(m, X[i:i + batch])] for m in (A, B))
        ends = [(inner(a, a), inner(a, b), inner(b, b)) for a, b in zip(fa, fb)]
        for k, (alpha, model) in enumerate(zip(GRID, models)):
            beta = 1 - alpha
            out = features(model, X[i:i + batch])
            F.cross_entropy(out[-1], Y[i:i + batch], reduction="sum").item()
            (out[-1].argmax(1) != Y[i:i + batch]).sum().item()
            for l, f in enumerate(out):
                f = f.double()
                aa, ab, bb = ends[l]
                fg = alpha * inner(f, fa[l]) + beta * inner(f, fb[l])
                gg = alpha**2 * aa + 2 * alpha * beta * ab + beta**2 * bb
                kept[k][l].append(1 - fg / (inner(f, f) * gg).sqrt())
    return [[torch.cat(v).mean().item() for v in row] for row in kept]


with torch.no_grad():
    run = {"store": store, "stream": stream}[way]
    start = time.time()
    llfc = run()
    first, seconds, cpu = time.time() - start, [], []
    for _ in range(rounds if way == "stream" else max(1, rounds // 2)):
        wall, used = time.time(), time.process_time()
        run()
        seconds.append(time.time() - wall)
        cpu.append(time.process_time() - used)
    names = {"store": "everything stored, an α a run", "stream": "streaming, all α in one pass"}
    harness.say(
        name=names[way], samples=samples, batch=batch, seconds=seconds, cpu=cpu, first=first, llfc=llfc, peak_mb=harness.peak_mb(),
        versions=f"PyTorch {torch.__version__} ({torch.get_num_threads()} threads)")

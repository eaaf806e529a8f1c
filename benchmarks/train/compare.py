"""The training step of the MLP in Layerwise and PyTorch, tensors in memory: prints a table of steps a second.

usage: python compare.py [--rounds 3] [--seconds 6] [--batches 60,128,500] [--out results.md] [BINARY]

The Python that runs it needs torch 2.15.0. BINARY is the Go side, if it is built already. The contestants take turns, so that
whatever slows the machine for a while slows all of them alike; each figure is the median over rounds. PyTorch is timed with one thread and
with all, since its threads lose much on a machine that is not idle; the better one counts. It trains with its fused Adam.
"""
import pathlib
import statistics
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness


def torch_steps(batch, seconds, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layers = []
    for i, o in ((784, 512), (512, 512), (512, 512)):
        layers += [torch.nn.Linear(i, o), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers, torch.nn.Linear(512, 10))
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    x, y = torch.randn(60000, 784), torch.randint(0, 10, (60000,))
    order, at = torch.randperm(60000), 0

    def step():
        nonlocal order, at
        if at + batch > 60000:
            order, at = torch.randperm(60000), 0
        index = order[at:at + batch]
        at += batch
        optimiser.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(x[index]), y[index]).backward()
        optimiser.step()

    for _ in range(50):
        step()
    begin, n = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        step()
        n += 1
    return n / (time.perf_counter() - begin)


def contestants(binary, batches, seconds):
    """name → a function that returns steps a second for each batch size."""
    def pytorch(threads):
        return {b: torch_steps(b, seconds, threads) for b in batches}

    def layerwise(backend):
        rows = harness.reports(binary, "-backend", backend, "-seconds", str(seconds), "-batches", ",".join(map(str, batches)))
        return {row["batch"]: row["steps_per_second"] for row in rows}

    threads = torch.get_num_threads()
    return {
        "one thread": lambda: pytorch(1), "all threads": lambda: pytorch(threads),
        "xla": lambda: layerwise("xla:cpu"), "go": lambda: layerwise("go"),
    }


def main():
    p = harness.parser(__doc__, rounds=3)
    p.add_argument("binary", nargs="?")
    p.add_argument("--seconds", type=float, default=6)
    p.add_argument("--batches", default="60,128,500")
    a = p.parse_args()
    batches = [int(b) for b in a.batches.split(",")]
    with harness.built("train", a.binary) as binary:
        field = contestants(binary, batches, a.seconds)
        steps = {name: {b: [] for b in batches} for name in field}
        for r, name in harness.turns(a.rounds, field):
            harness.note(f"round {r + 1} of {a.rounds}: {name}")
            for b, v in field[name]().items():
                steps[name][b].append(v)
    rows = []
    for b in batches:
        m = {name: statistics.median(steps[name][b]) for name in field}
        best = max(m["one thread"], m["all threads"])
        rows.append([b, f"{m['one thread']:.1f}", f"{m['all threads']:.1f}"] + [c for x in ("xla", "go") for c in (f"{m[x]:.1f}", f"{m[x] / best:.2f}")])
    harness.publish(
        a.out, "Training steps: Layerwise beside PyTorch",
        "MLP 784-512-512-512-10, Adam, a shuffled batch gathered each step.\n",
        f"{harness.machine()}; PyTorch {torch.__version__}; median of {a.rounds} rounds of {a.seconds:g} s; steps/s\n",
        harness.table(["batch", "PyTorch, 1 thread", "PyTorch, all threads", "Layerwise, XLA", "over the better PyTorch",
                       "Layerwise, pure Go", "over the better PyTorch"], rows, words=()))


if __name__ == "__main__":
    main()

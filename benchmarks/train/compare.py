"""The same training step in PyTorch, tensors in memory, beside Layerwise: prints a table of steps a second.

usage: python compare.py PATH_OF_THE_GO_BENCHMARK [--seconds 6] [--rounds 3]
The two are timed in turn, so that a slow spell of the machine meets both; each figure is the median over rounds. PyTorch is timed with
one thread and with all, since its threads lose much on a machine that is not idle; the better one counts. It trains with its fused Adam.
"""
import argparse
import json
import platform
import statistics
import subprocess
import time

import torch


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


def layerwise_steps(binary, backend, seconds):
    out = subprocess.run([binary, "-backend", backend, "-seconds", str(seconds)], check=True, capture_output=True, text=True).stdout
    return {row["batch"]: row["steps_per_second"] for row in map(json.loads, out.splitlines())}


def cpu():
    with open("/proc/cpuinfo") as f:
        return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("binary")
    p.add_argument("--seconds", type=float, default=6)
    p.add_argument("--rounds", type=int, default=3)
    a = p.parse_args()
    batches = (60, 128, 500)
    cores = torch.get_num_threads()
    names = ("layerwise xla:cpu", "layerwise go", "one thread", "all threads")
    rows = {n: {b: [] for b in batches} for n in names}
    for _ in range(a.rounds):
        for b in batches:
            rows["one thread"][b].append(torch_steps(b, a.seconds, 1))
            rows["all threads"][b].append(torch_steps(b, a.seconds, cores))
        for name, backend in (("layerwise xla:cpu", "xla:cpu"), ("layerwise go", "go")):
            for b, v in layerwise_steps(a.binary, backend, a.seconds).items():
                rows[name][b].append(v)
    load = open("/proc/loadavg").read().split()[0]
    print(f"{cpu()}, {cores} cores, {platform.system()}, load average {load} at the end; PyTorch {torch.__version__}; median of {a.rounds} rounds of {a.seconds:g} s; steps/s\n")
    print("| batch | PyTorch, 1 thread | PyTorch, all threads | Layerwise, XLA | over the better PyTorch | Layerwise, pure Go | over the better PyTorch |")
    print("|" + "---:|" * 7)
    for b in batches:
        m = {n: statistics.median(rows[n][b]) for n in names}
        best = max(m["one thread"], m["all threads"])
        xla, go = m["layerwise xla:cpu"], m["layerwise go"]
        print(f"| {b} | {m['one thread']:.1f} | {m['all threads']:.1f} | {xla:.1f} | {xla / best:.2f} | {go:.1f} | {go / best:.2f} |")


if __name__ == "__main__":
    main()

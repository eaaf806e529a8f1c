"""Single convolutions in Layerwise and PyTorch (channels last, oneDNN), forward and with both gradients: prints tables of milliseconds.

usage: python compare.py [--rounds 3] [--seconds 0.4] [--backend xla:cpu] [--only SIDE,IN,OUT;...]

The Python that runs it needs torch 2.15.0; it builds the Go side itself. Both stay alive and take turns at every shape, so that a slow spell of
the machine meets both; each figure is the median over rounds of the best call. The machine must be idle: beside one other busy process
PyTorch's threads fall to a tenth of their speed. With --cpu it counts the processor time of all threads instead of wall time, and
ties both to one core: rougher, but fit for a machine that is not idle.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
# (side, in, out, size, stride) and where it stands: VGG-16 and ResNet-20 at 32×32, the bottlenecks of ResNet-50 at 64×64.
SHAPES = [
    (32, 3, 16, 3, 1), (32, 16, 16, 3, 1), (16, 32, 32, 3, 1), (8, 64, 64, 3, 1), (32, 16, 32, 3, 2), (16, 32, 64, 3, 2),
    (32, 3, 64, 3, 1), (32, 64, 64, 3, 1), (16, 64, 128, 3, 1), (16, 128, 128, 3, 1), (8, 256, 256, 3, 1), (4, 512, 512, 3, 1), (2, 512, 512, 3, 1),
    (16, 64, 256, 1, 1), (16, 256, 512, 1, 2),
]
WAYS = ("PyTorch", "layerwise", "backend", "shifts")


class Go:
    def __init__(self, backend):
        binary = os.path.join(tempfile.mkdtemp(), "conv")
        subprocess.run(["go", "build", "-o", binary, "."], cwd=HERE, check=True)
        self.process = subprocess.Popen([binary, "-backend", backend], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.versions = json.loads(self.process.stdout.readline())["versions"]

    def ask(self, how, shape, gradient, batch, seconds):
        side, i, o, size, stride = shape
        order = {"how": how, "gradient": gradient, "seconds": seconds, "batch": batch, "side": side, "in": i, "out": o, "size": size, "stride": stride}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the Go side stopped at {order}")
        return json.loads(line)


def torch_call(shape, gradient, batch):
    import torch

    side, i, o, size, stride = shape
    last = torch.channels_last
    x = torch.randn(batch, i, side, side).to(memory_format=last).requires_grad_(gradient)
    w = torch.randn(o, i, size, size).to(memory_format=last).requires_grad_(gradient)
    conv = lambda: torch.nn.functional.conv2d(x, w, stride=stride, padding=(size - 1) // 2)
    dy = torch.randn_like(conv())
    if gradient:
        return lambda: torch.autograd.grad(conv(), (x, w), dy)
    return conv


def torch_time(call, seconds):
    call()
    best, end = {"wall": 1e9, "cpu": 1e9, "first": 0.0}, time.perf_counter() + seconds
    while time.perf_counter() < end:
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        best["wall"] = min(best["wall"], 1e3 * (time.perf_counter() - wall))
        best["cpu"] = min(best["cpu"], 1e3 * (time.process_time() - cpu))
    return best


def peak():
    """GFLOP/s of a large matrix product: the arithmetic limit of the direct convolution."""
    import torch

    a = torch.randn(2048, 2048)
    r = torch_time(lambda: a @ a, 1.0)
    return {k: 2 * 2048**3 / r[k] / 1e6 for k in ("wall", "cpu")}


def cpu():
    with open("/proc/cpuinfo") as f:
        return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=0.4)
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--backend", default="xla:cpu")
    p.add_argument("--only", default="", help="shapes that begin so, as 32,64,64;16,128")
    p.add_argument("--ways", default=",".join(WAYS))
    p.add_argument("--cpu", action="store_true")
    a = p.parse_args()
    if a.cpu:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import torch

    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    clock = "cpu" if a.cpu else "wall"
    shapes = [s for s in SHAPES if not a.only or any(",".join(map(str, s)).startswith(o) for o in a.only.split(";"))]
    ways = a.ways.split(",")
    go, began = Go(a.backend), time.time()
    limit = peak()[clock]
    rows = []
    for s in shapes:
        side, i, o, size, stride = s
        out = (side - 1) // stride + 1
        gflop = 2 * a.batch * out * out * i * o * size * size / 1e9
        for gradient in (False, True):
            times, first = {w: [] for w in ways}, {}
            call = torch_call(s, gradient, a.batch) if "PyTorch" in ways else None
            torch.manual_seed(0)
            for _ in range(a.rounds):
                for w in ways:
                    r = torch_time(call, a.seconds) if w == "PyTorch" else go.ask(w, s, gradient, a.batch, a.seconds)
                    times[w].append(r[clock])
                    first[w] = r["first"]
            m = {w: statistics.median(t) for w, t in times.items()}
            rows.append((s, gradient, m, first, gflop * (3 if gradient else 1) / limit * 1e3))
    load = open("/proc/loadavg").read().split()[0]
    what = "processor time on one core" if a.cpu else f"wall time, {cores} cores"
    print("# Convolutions: Layerwise beside PyTorch\n")
    print(f"Batch {a.batch}, float32, ms, {what}; median over {a.rounds} rounds of the best call in {a.seconds:g} s. Made by `compare.py` in {time.time() - began:.0f} s.")
    print(f"\n{cpu()}, {platform.system()}, load average {load} at the end; PyTorch {torch.__version__}, channels last; {go.versions}.")
    print(f"\n*limit*: the direct convolution at the {limit:.0f} GFLOP/s that PyTorch's product of two 2048×2048 matrices reaches here; Winograd may go below it.")
    names = {"layerwise": "Layerwise", "backend": "the backend's own", "shifts": "shifts"}
    for gradient in (False, True):
        print(f"\n## {'Forward and both gradients' if gradient else 'Forward'}\n")
        head = ["side, in→out, kernel", "limit"] + [names.get(w, w) for w in ways]
        if "PyTorch" in ways and "layerwise" in ways:
            head.append("PyTorch over Layerwise")
        head += ["limit over Layerwise", "first call, s"]
        print("| " + " | ".join(head) + " |\n|" + "---|" + "---:|" * (len(head) - 1))
        for s, g, m, first, bound in rows:
            if g != gradient:
                continue
            side, i, o, size, stride = s
            cells = [f"{side}, {i}→{o}, {size}×{size}" + (f" / {stride}" if stride > 1 else ""), f"{bound:.2f}"] + [f"{m[w]:.2f}" for w in ways]
            if "PyTorch" in ways and "layerwise" in ways:
                cells.append(f"{m['PyTorch'] / m['layerwise']:.2f}")
            cells += [f"{bound / m['layerwise']:.2f}", f"{first['layerwise']:.2f}"] if "layerwise" in m else ["", ""]
            print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()

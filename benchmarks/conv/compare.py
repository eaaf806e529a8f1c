"""Single convolutions in Layerwise and PyTorch (channels last, oneDNN), forward and with both gradients: prints tables of milliseconds.

usage: python compare.py [--rounds 3] [--seconds 0.4] [--backend xla:cpu] [--only SIDE,IN,OUT;...] [--out results.md]

The Python that runs it needs torch 2.15.0. Both sides stay alive and take turns at every shape, so that whatever slows the machine for a while
slows both alike; each figure is the median over rounds of the best call. The machine must be idle: beside one other busy process
PyTorch's threads fall to a tenth of their speed. With --cpu it counts the processor time of all threads instead of wall time, and
keeps both on one core: less precise, but it works on a machine that is not idle.
"""
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness

# (side, in, out, size, stride), as they occur in ResNet-20 and VGG-16 at 32×32 and in the bottlenecks of ResNet-50 at 64×64.
SHAPES = [
    (32, 3, 16, 3, 1), (32, 16, 16, 3, 1), (16, 32, 32, 3, 1), (8, 64, 64, 3, 1), (32, 16, 32, 3, 2), (16, 32, 64, 3, 2),
    (32, 3, 64, 3, 1), (32, 64, 64, 3, 1), (16, 64, 128, 3, 1), (16, 128, 128, 3, 1), (8, 256, 256, 3, 1), (4, 512, 512, 3, 1), (2, 512, 512, 3, 1),
    (16, 64, 256, 1, 1), (16, 256, 512, 1, 2),
]
WAYS = ("PyTorch", "layerwise", "backend", "shifts")


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


def order(how, shape, gradient, batch, seconds):
    side, i, o, size, stride = shape
    return {"how": how, "gradient": gradient, "seconds": seconds, "batch": batch, "side": side, "in": i, "out": o, "size": size, "stride": stride}


def race(go, a, ways, shape, gradient, clock):
    """way → median milliseconds, and way → seconds of its first call."""
    import torch

    times, first = {w: [] for w in ways}, {}
    call = torch_call(shape, gradient, a.batch) if "PyTorch" in ways else None
    torch.manual_seed(0)
    for _, w in harness.turns(a.rounds, ways):
        r = torch_time(call, a.seconds) if w == "PyTorch" else go.ask(**order(w, shape, gradient, a.batch, a.seconds))
        times[w].append(r[clock])
        first[w] = r["first"]
    return {w: statistics.median(t) for w, t in times.items()}, first


def table(rows, ways):
    names = {"layerwise": "Layerwise", "backend": "the backend's own", "shifts": "shifts"}
    both = "PyTorch" in ways and "layerwise" in ways
    head = ["side, in→out, kernel", "limit"] + [names.get(w, w) for w in ways] + ["PyTorch over Layerwise"] * both + ["limit over Layerwise", "first call, s"]
    lines = []
    for (side, i, o, size, stride), m, first, bound in rows:
        cells = [f"{side}, {i}→{o}, {size}×{size}" + (f" / {stride}" if stride > 1 else ""), f"{bound:.2f}"] + [f"{m[w]:.2f}" for w in ways]
        if both:
            cells.append(f"{m['PyTorch'] / m['layerwise']:.2f}")
        lines.append(cells + ([f"{bound / m['layerwise']:.2f}", f"{first['layerwise']:.2f}"] if "layerwise" in m else ["", ""]))
    return harness.table(head, lines)


def main():
    p = harness.parser(__doc__, rounds=3)
    p.add_argument("--seconds", type=float, default=0.4)
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--backend", default="xla:cpu")
    p.add_argument("--only", default="", help="only shapes that begin with one of these, as in 32,64,64;16,128")
    p.add_argument("--ways", default=",".join(WAYS))
    p.add_argument("--cpu", action="store_true", help="processor time on one core")
    a = p.parse_args()
    if a.cpu:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import torch  # after the choice of a core, which its threads inherit

    torch.set_num_threads(harness.cores())
    clock = "cpu" if a.cpu else "wall"
    shapes = [s for s in SHAPES if not a.only or any(",".join(map(str, s)).startswith(o) for o in a.only.split(";"))]
    ways = a.ways.split(",")
    limit, rows = peak()[clock], {False: [], True: []}
    with harness.built("conv") as binary:
        go = harness.Child([binary, "-backend", a.backend])
        for s in shapes:
            harness.note(f"shape {','.join(map(str, s))}")
            side, i, o, size, stride = s
            out = (side - 1) // stride + 1
            gflop = 2 * a.batch * out * out * i * o * size * size / 1e9
            for gradient in (False, True):
                m, first = race(go, a, ways, s, gradient, clock)
                rows[gradient].append((s, m, first, gflop * (3 if gradient else 1) / limit * 1e3))
        go.close()
    what = "processor time on one core" if a.cpu else f"wall time, {harness.cores()} cores"
    harness.publish(
        a.out, "Convolutions: Layerwise beside PyTorch",
        f"Batch {a.batch}, float32, ms, {what}; median over {a.rounds} rounds of the best call in {a.seconds:g} s.\n",
        f"{harness.machine()}; PyTorch {torch.__version__}, channels last; {go.about['versions']}.\n",
        f"*limit*: the direct convolution at the {limit:.0f} GFLOP/s that PyTorch's product of two 2048×2048 matrices reaches here; Winograd may go below it.\n",
        "## Forward\n", table(rows[False], ways), "## Forward and both gradients\n", table(rows[True], ways))


if __name__ == "__main__":
    main()

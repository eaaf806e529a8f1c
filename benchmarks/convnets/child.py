"""What the PyTorch and the JAX side share: orders from standard input, one line of JSON each, and the files that Layerwise's -dump writes."""
import json
import pathlib
import struct
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness

RATE, MOMENTUM, DECAY = 0.01, 0.9, 1e-4
PARITY_RATE, PARITY_DECAY = 0.1, 0.1  # of the one step in -dump


def serve(train, evaluate, wait, batch, more=None, **about):
    """Carries out orders: train() is a step, wait() returns when the device is done, evaluate() brings a batch's logits to the host."""
    harness.say(**about)
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] in (more or {}):
            harness.say(**more[order["do"]]())
            continue
        step = {"train": train, "evaluate": evaluate}[order["do"]]
        begin, used, images, chunk = time.perf_counter(), time.process_time(), 0, 1
        while images == 0 or time.perf_counter() - begin < order["seconds"]:
            started = time.perf_counter()
            for _ in range(chunk):
                step()
            wait()
            images += chunk * batch
            if time.perf_counter() - started < 0.25:  # an accelerator is not waited for after every step
                chunk *= 2
        harness.say(images=images, seconds=time.perf_counter() - begin, cpu=time.process_time() - used, peak_mb=harness.peak_mb())


def read(path):
    """The tensors of a safetensors file of float32."""
    raw = open(path, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    head, out = json.loads(raw[8:8 + size]), {}
    for name, t in head.items():
        if name != "__metadata__":
            begin, end = (8 + size + at for at in t["data_offsets"])
            out[name] = np.frombuffer(raw[begin:end], "<f4").reshape(t["shape"])
    return out


class Dump:
    """What Layerwise wrote: parameters in its order, before and after a step; a batch, and its logits."""

    def __init__(self, folder):
        self.about = json.load(open(f"{folder}/about.json"))
        before, after = read(f"{folder}/before.safetensors"), read(f"{folder}/after.safetensors")
        self.x, self.y, self.logits = before["x"], before["y"].astype(np.int64), after["logits"]
        self.names = [p["name"] for p in self.about["parameters"]]
        self.roles = [p["role"] if len(p["shape"]) != 4 else "convolution" for p in self.about["parameters"]]
        self.before, self.after = [before[n] for n in self.names], [after[n] for n in self.names]

    def report(self, who, logits, after, exact=None):
        """The largest differences by kind: of the logits, and of the weights after the step beside the largest change that the step made.

        exact is the same, computed in float64; then each side is compared with that as well.
        """
        sides = [("Layerwise", self.logits, self.after, who, logits, after)]
        if exact:
            sides += [("Layerwise", self.logits, self.after, f"{who} float64", *exact), (who, logits, after, f"{who} float64", *exact)]
        for a, la, pa, b, lb, pb in sides:
            kinds = {"logits": dict(difference=worst(la, lb), size=float(np.abs(lb).max()))}
            for role, old, p, q in zip(self.roles, self.before, pa, pb, strict=True):
                k = kinds.setdefault(role, dict(difference=0.0, size=0.0))
                k["difference"], k["size"] = max(k["difference"], worst(p, q)), max(k["size"], worst(q, old))
            harness.say(a=a, b=b, kinds=kinds)


def worst(a, b):
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape}")
    return float(np.abs(a.astype(np.float64) - b).max())

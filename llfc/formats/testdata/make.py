"""Writes the files of this folder, and expected.json with what is in them, by torch, onnx, safetensors and numpy themselves.

    python make.py FOLDER

The committed files were written with torch 2.15.0, onnx 1.23.2, safetensors 0.8.0 and numpy 2.4.6.
"""
import argparse
import collections
import json
import math
import os
import sys
import zipfile

import ml_dtypes  # noqa: F401  (onnx brings it)
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
os.chdir(out)
expected = {}
TYPES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int8: "I8", torch.uint8: "U8",
    torch.int16: "I16", torch.int32: "I32", torch.int64: "I64", torch.bool: "BOOL", torch.uint16: "U16", torch.uint32: "U32",
    torch.uint64: "U64", torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2", torch.float8_e4m3fnuz: "F8_E4M3FNUZ",
    torch.float8_e5m2fnuz: "F8_E5M2FNUZ",
}
NUMPY = {"float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16", "int8": "I8", "uint8": "U8", "int16": "I16", "int32": "I32",
         "int64": "I64", "bool": "BOOL", "uint16": "U16", "uint32": "U32", "uint64": "U64"}


def number(v):
    return str(v) if isinstance(v, float) and not math.isfinite(v) else v  # JSON has no NaN


def want(file, tensors):
    """Notes the tensors of a file, widened to float32 by torch or numpy."""
    rows = []
    for name, t in tensors.items():
        if isinstance(t, torch.Tensor):
            dtype, shape, values = TYPES[t.dtype], list(t.shape), t.detach().to(torch.float32)
            values = values.reshape(-1).tolist()
        else:
            dtype, shape = NUMPY[str(t.dtype)], list(t.shape)
            values = np.asarray(t).astype(np.float32).reshape(-1).tolist()
        rows.append({"name": name, "dtype": dtype, "shape": shape, "values": [number(v) for v in values]})
    expected[file] = rows


torch.manual_seed(0)
net = torch.nn.Sequential(collections.OrderedDict(
    conv=torch.nn.Conv2d(2, 3, 3), bn=torch.nn.BatchNorm2d(3), fc=torch.nn.Linear(3, 2)))
state = net.state_dict()

torch.save(state, "state.pt")
want("state.pt", state)
torch.save(state, "legacy.pth", _use_new_zipfile_serialization=False)
want("legacy.pth", state)

# A checkpoint of a training loop: wrapped, prefixed twice, with an optimiser and plain objects beside it.
adam = torch.optim.Adam(net.parameters())
for p in net.parameters():
    p.grad = torch.ones_like(p)
adam.step()
state = {k: v.clone() for k, v in net.state_dict().items()}
torch.save({
    "epoch": 3, "best": np.float64(0.25), "rng": np.arange(3), "when": None,
    "state_dict": collections.OrderedDict(("module._orig_mod." + k, v) for k, v in state.items()),
    "optimizer": adam.state_dict(),
    "ema": {"module." + k: v + 1 for k, v in state.items()},
    "args": argparse.Namespace(lr=0.1, layers=[1, 2]),
}, "wrapped.ckpt")
want("wrapped.ckpt", state)
want("wrapped.ckpt#ema", {k: v + 1 for k, v in state.items()})

base = torch.arange(24, dtype=torch.float32)
views = {
    "transposed": base[:6].view(2, 3).t(), "every": base[1:20:3], "tied": base[:6].view(2, 3), "again": base[:6].view(2, 3),
    "expanded": base[2:3].expand(2, 2), "permuted": base.view(2, 3, 4).permute(2, 0, 1), "scalar": base[5], "empty": base[:0].view(0, 4),
}
torch.save(views, "views.pt")
want("views.pt", views)
torch.save(views, "views-legacy.pt", _use_new_zipfile_serialization=False)
want("views-legacy.pt", views)

some = torch.tensor([0.0, -1.5, 2.0, 0.0625, 448.0, -0.25])
types = {str(t).removeprefix("torch."): some.to(t) if t.is_floating_point else some.abs().to(torch.int64).clamp(max=127).to(t) for t in TYPES}
torch.save(types, "types.pt")
want("types.pt", types)
save_file(types, "types.safetensors", {"origin": "make.py"})
want("types.safetensors", types)
codes = torch.arange(256, dtype=torch.uint8)
eight = {str(t).removeprefix("torch."): codes.clone().view(t) for t in TYPES if "float8" in str(t)}
save_file(eight, "float8.safetensors")
want("float8.safetensors", eight)


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(2, 3)
        self.register_buffer("basis", torch.tensor([[1.0, 2.0]]))

    def forward(self, x):
        return self.fc(x) + self.basis.sum() + torch.tensor([5.0, 6.0, 7.0])


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()

    def forward(self, x):
        return self.block(x)


block = Net()
torch.save(block, "module.pt")  # the classes by name, the weights inside
want("module.pt", block.state_dict())
torch.jit.save(torch.jit.script(block), "script.pt")
want("script.pt", block.state_dict())
torch.jit.save(torch.jit.trace(block, torch.ones(1, 2)), "traced.pt")
want("traced.pt", {**block.state_dict(), "constants.0": torch.tensor([5.0, 6.0, 7.0])})

os.makedirs("sharded", exist_ok=True)
parts = [{"fc.weight": state["fc.weight"], "fc.bias": state["fc.bias"]}, {"conv.weight": state["conv.weight"].contiguous()}]
for i, part in enumerate(parts):
    save_file(part, f"sharded/model-{i + 1}-of-2.safetensors")
index = {"metadata": {"total_size": 1}, "weight_map": {k: f"model-{i + 1}-of-2.safetensors" for i, p in enumerate(parts) for k in p}}
json.dump(index, open("sharded/model.safetensors.index.json", "w"))
want("sharded/model.safetensors.index.json", {**parts[0], **parts[1]})


class Evil:
    def __reduce__(self):
        return os.system, ("touch evil",)


torch.save({"weight": torch.ones(2), "extra": Evil()}, "evil.pt")

# ONNX
f32 = np.arange(6, dtype=np.float32).reshape(2, 3) / 4
TYPED = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64", TensorProto.FLOAT16: "float16", TensorProto.BFLOAT16: "bfloat16",
         TensorProto.INT8: "int8", TensorProto.UINT8: "uint8", TensorProto.INT16: "int16", TensorProto.UINT16: "uint16",
         TensorProto.INT32: "int32", TensorProto.INT64: "int64", TensorProto.UINT32: "uint32", TensorProto.UINT64: "uint64",
         TensorProto.BOOL: "bool"}


def array(name):
    dtype = ml_dtypes.bfloat16 if name == "bfloat16" else np.dtype(name)
    unsigned = name.startswith("u") or name == "bool"
    return (np.array([[0, 1, 2], [3, 4, 5]]) - (0 if unsigned else 3)).astype(dtype)


def model(initializers, nodes=None, **more):
    nodes = nodes or [helper.make_node("Identity", ["x"], ["y"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])], initializers)
    return helper.make_model(graph, producer_name="make.py", producer_version="1", **more)


arrays = {name: array(name) for name in TYPED.values()}
onnx.save(model([numpy_helper.from_array(a, n) for n, a in arrays.items()]), "raw.onnx")
want("raw.onnx", arrays)
typed = []
for code, name in TYPED.items():
    typed.append(helper.make_tensor(name, code, [2, 3], arrays[name].reshape(-1).tolist()))
onnx.save(model(typed), "typed.onnx")
want("typed.onnx", arrays)
os.makedirs("external", exist_ok=True)
m = model([numpy_helper.from_array(f32, "w"), numpy_helper.from_array(f32 + 1, "v")])
onnx.save(m, "external/model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
want("external/model.onnx", {"w": f32, "v": f32 + 1})


def branch(name, value):
    node = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(value, ""))
    return helper.make_graph([node, helper.make_node("Identity", ["c"], ["o" + name])], name, [],
                             [helper.make_tensor_value_info("o" + name, TensorProto.FLOAT, [2, 3])], [numpy_helper.from_array(value + 1, "inner")])


choice = helper.make_node("If", ["x"], ["y"], then_branch=branch("t", f32 * 2), else_branch=branch("e", f32))  # written in the order of their names
onnx.save(model([numpy_helper.from_array(f32 + 7, "outer")], [choice]), "branches.onnx")
want("branches.onnx", {"c": f32, "inner": f32 + 1, "c#2": f32 * 2, "inner#2": f32 * 2 + 1, "outer": f32 + 7})

# numpy
np.save("one.npy", f32)
want("one.npy", {"one": f32})
np.save("columns.npy", np.asfortranarray(f32))
want("columns.npy", {"columns": f32})
np.save("big.npy", f32.astype(">f4"))
want("big.npy", {"big": f32})
many = {"a/b": f32, "n": np.arange(3), "h": f32.astype(np.float16), "s": np.float64(2.5), "f": np.asfortranarray(f32), "yes": f32 > 0.6}
np.savez("plain.npz", **many)
want("plain.npz", many)
np.savez_compressed("packed.npz", **many)
want("packed.npz", many)

for name in ("unpacked.zip",):
    with zipfile.ZipFile(name, "w") as z:
        z.writestr("readme.txt", "no tensors")
json.dump(expected, open("expected.json", "w"), indent=None)

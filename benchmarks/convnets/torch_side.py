"""The PyTorch side of compare.py: torch_side.py NETWORK eager|compile|bf16 THREADS BATCH, or torch_side.py NETWORK check FOLDER."""
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

import child


class VGG(nn.Sequential):
    """Configuration D with batch norms; behind them a mean over positions and one dense layer, as OpenLTH has it."""

    def __init__(self, width):
        layers, channels = [], 3
        for stage, convs in enumerate((2, 2, 3, 3, 3)):
            for _ in range(convs):
                out = width * min(2**stage, 8)
                layers += [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
                channels = out
            layers.append(nn.MaxPool2d(2) if stage < 4 else nn.AdaptiveAvgPool2d(1))
        super().__init__(*layers, nn.Flatten(), nn.Linear(channels, 10))


class Block(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.stride, self.pad = stride, (out - channels) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        if self.pad:  # option A of He et al. 2015: every other position, zeros for the new channels
            x = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.pad, self.pad))
        return F.relu(y + x, inplace=True)


class ResNet20(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(*(
            Block(width * 2**max(stage - (i == 0), 0), width * 2**stage, 2 if stage and i == 0 else 1)
            for stage in range(3) for i in range(3)))
        self.dense = nn.Linear(4 * width, 10)

    def forward(self, x):
        x = self.blocks(F.relu(self.bn(self.conv(x)), inplace=True))
        return self.dense(x.mean((2, 3)))


NETWORKS = {"VGG-16-BN": lambda: VGG(64), "ResNet-20": lambda: ResNet20(16), "ResNet-20×4": lambda: ResNet20(64)}


def multiply_adds(net):
    """Of one image's forward pass in convolutions and dense layers, and of its first layer, whose input needs no gradient."""
    counts = []

    def count(layer, _, out):
        counts.append(out.numel() * layer.weight[0].numel())
    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        net.eval()(torch.zeros(1, 3, 32, 32))
    for h in hooks:
        h.remove()
    return sum(counts), counts[0]


def tensors(net):
    """Parameters and buffers in the order of the forward pass, which is that of Layerwise, and what brings each to Layerwise's axes."""
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            yield m.weight, (2, 3, 1, 0)
        elif isinstance(m, nn.Linear):
            yield m.weight, (1, 0)
        elif isinstance(m, nn.BatchNorm2d):
            yield from ((t, (0,)) for t in (m.weight, m.bias, m.running_mean, m.running_var))
        if isinstance(m, (nn.Conv2d, nn.Linear)) and m.bias is not None:
            yield m.bias, (0,)


def load(net, arrays):
    with torch.no_grad():
        for (t, axes), a in zip(tensors(net), arrays, strict=True):
            back = [axes.index(i) for i in range(len(axes))]
            a = torch.from_numpy(a.copy()).permute(back)
            if t.shape != a.shape:
                raise ValueError(f"a tensor of shape {tuple(a.shape)} where PyTorch has {tuple(t.shape)}")
            t.copy_(a)


def optimiser(net, rate, decay):
    return torch.optim.SGD(net.parameters(), lr=rate, momentum=child.MOMENTUM, weight_decay=decay, fused=True)


def check(name, folder):
    """The same weights and batch: logits in evaluation, then one step; in float32 and in float64."""
    dump, results = child.Dump(folder), []
    for dtype in (torch.float32, torch.float64):
        net = NETWORKS[name]().to(dtype)
        load(net, dump.before)
        x = torch.from_numpy(dump.x.copy()).permute(0, 3, 1, 2).to(dtype, memory_format=torch.channels_last)
        with torch.no_grad():
            logits = net.eval()(x).numpy()
        rule = optimiser(net.train(), child.PARITY_RATE, child.PARITY_DECAY)
        F.cross_entropy(net(x), torch.from_numpy(dump.y)).backward()
        rule.step()
        results.append((logits, [t.detach().permute(axes).numpy() for t, axes in tensors(net)]))
    dump.report("PyTorch", *results[0], exact=results[1])


def peak(device, dtype):
    """GFLOP/s of a large matrix product."""
    n = 2048 if device == "cpu" else 8192
    a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    best = 0.0
    for _ in range(8):
        wait()
        begin = time.perf_counter()
        a @ b
        wait()
        best = max(best, 2 * n**3 / (time.perf_counter() - begin) / 1e9)
    return best


def main():
    if sys.argv[2] == "check":
        return check(sys.argv[1], sys.argv[3])
    name, way, threads, batch = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    half = way == "bf16"
    macs, first = multiply_adds(NETWORKS[name]())
    net = NETWORKS[name]().to(device, memory_format=torch.channels_last)
    rule = optimiser(net, child.RATE, child.DECAY)
    run = net if way == "eager" else torch.compile(net)
    data = [(torch.randn(batch, 3, 32, 32, device=device).to(memory_format=torch.channels_last), torch.randint(0, 10, (batch,), device=device))
            for _ in range(16)]
    at = 0

    def next_batch():
        nonlocal at
        at = (at + 1) % len(data)
        return data[at]

    def train():
        x, y = next_batch()
        if not net.training:
            net.train()
        rule.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=half):
            loss = F.cross_entropy(run(x), y)
        loss.backward()
        rule.step()

    def evaluate():
        x, _ = next_batch()
        if net.training:
            net.eval()
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=half):
            return run(x).float().cpu()

    child.serve(
        train, evaluate, torch.cuda.synchronize if device == "cuda" else lambda: None, batch,
        more={"peak": lambda: dict(gflops=peak(device, torch.bfloat16 if half else torch.float32))},
        parameters=sum(p.numel() for p in net.parameters()), multiply_adds=macs, first_layer=first, device=device,
        versions=f"PyTorch {torch.__version__}" + (f", {torch.cuda.get_device_name()}" if device == "cuda" else ""))


if __name__ == "__main__":
    main()

"""Writes small networks as PyTorch's users save them, each with a reference: inputs, and the logits that PyTorch computes from them.

    python make.py FOLDER

The committed files were written with torch 2.15.0, safetensors 0.8.0 and numpy 2.4.6.
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

os.makedirs(sys.argv[1], exist_ok=True)
os.chdir(sys.argv[1])
torch.manual_seed(0)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))


class VGG(nn.Module):
    """VGG-11 with a module for each layer, as OpenLTH names them."""

    class Layer(nn.Module):
        def __init__(self, i, o):
            super().__init__()
            self.conv, self.bn = nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o)

        def forward(self, x):
            return F.relu(self.bn(self.conv(x)))

    def __init__(self, w):
        super().__init__()
        layers, c = [], 3
        for n in [w, "M", 2 * w, "M", 4 * w, 4 * w, "M", 8 * w, 8 * w, "M", 8 * w, 8 * w]:
            layers.append(nn.MaxPool2d(2) if n == "M" else VGG.Layer(c, n))
            c = c if n == "M" else n
        self.layers, self.fc = nn.Sequential(*layers), nn.Linear(c, 10)

    def forward(self, x):
        return self.fc(self.layers(x).mean((2, 3)))


class Basic(nn.Module):
    """torchvision's block; option A pads with zeros instead of a projection."""

    def __init__(self, i, o, stride, pad):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.extra, self.stride = o - i, stride
        self.downsample = None
        if not pad and (i != o or stride > 1):
            self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.downsample is not None:
            x = self.downsample(x)
        elif self.extra:
            x = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.extra // 2, self.extra - self.extra // 2))
        return F.relu(x + y)


class Bottleneck(nn.Module):
    def __init__(self, i, w, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, w, 1, bias=False), nn.BatchNorm2d(w)
        self.conv2, self.bn2 = nn.Conv2d(w, w, 3, stride, 1, bias=False), nn.BatchNorm2d(w)
        self.conv3, self.bn3 = nn.Conv2d(w, 4 * w, 1, bias=False), nn.BatchNorm2d(4 * w)
        self.downsample = None
        if i != 4 * w or stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(i, 4 * w, 1, stride, bias=False), nn.BatchNorm2d(4 * w))

    def forward(self, x):
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, blocks, w, pad=False, bottleneck=False):
        super().__init__()
        self.conv1, self.bn1, i = nn.Conv2d(3, w, 3, 1, 1, bias=False), nn.BatchNorm2d(w), w
        self.stages = len(blocks)
        for s, n in enumerate(blocks):
            stage = []
            for b in range(n):
                stride, o = 2 if s > 0 and b == 0 else 1, w << s
                stage.append(Bottleneck(i, o, stride) if bottleneck else Basic(i, o, stride, pad))
                i = 4 * o if bottleneck else o
            setattr(self, f"layer{s + 1}", nn.Sequential(*stage))
        self.fc = nn.Linear(i, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for s in range(self.stages):
            x = getattr(self, f"layer{s + 1}")(x)
        return self.fc(x.mean((2, 3)))


def mlp(i):
    return nn.Sequential(nn.Flatten(), nn.Linear(i, 12), nn.ReLU(), nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 10))


for name, net, shape in [
    ("mlp", mlp(64), (1, 8, 8)), ("mlp-colour", mlp(3072), (3, 32, 32)), ("lenet", LeNet(), (1, 28, 28)), ("vgg", VGG(2), (3, 32, 32)),
    ("resnet", ResNet([3, 3, 3], 2), (3, 32, 32)), ("resnet-pad", ResNet([1, 1, 1], 4, pad=True), (3, 32, 32)),
    ("bottleneck", ResNet([2, 2, 2, 2], 2, bottleneck=True), (3, 32, 32)),
]:
    with torch.no_grad():
        for p in net.parameters():  # no norm is like another
            p.add_(0.1 * torch.randn_like(p))
        x = torch.randn(64, *shape)
        net.train()
        for _ in range(20):
            net(x)  # statistics of batch norms that are those of something
        net.eval()
        state = net.state_dict()
        torch.save({"state_dict": {"module." + k: v.half() if v.is_floating_point() and name == "lenet" else v for k, v in state.items()}}, name + ".pt")
        if name == "lenet":
            net.load_state_dict({k: v.half().float() for k, v in state.items()})
        x = x[:3]
        np.savez(name + ".npz", inputs=x.numpy(), logits=net(x).numpy())
        if name == "resnet":
            save_file({k: v.contiguous() for k, v in state.items()}, name + ".safetensors")

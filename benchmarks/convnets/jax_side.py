"""The JAX side of compare.py: jax_side.py NETWORK f32 0 BATCH, or jax_side.py NETWORK check FOLDER.

Plain functions of a list of arrays in Layerwise's order and shapes; convolutions by lax.conv_general_dilated in NHWC."""
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import child

BN_MOMENTUM, EPSILON = 0.1, 1e-5


class Pass:
    """One forward pass: hands out parameters in order and keeps the new statistics of batch norms. With rng it draws the parameters instead."""

    def __init__(self, params, train, rng=None):
        self.params, self.train, self.rng = list(params), train, rng
        self.at, self.statistics, self.buffers = 0, {}, set()

    def next(self, shape, fan=None, value=0.0):
        if self.rng is not None:
            draw = value + np.zeros(shape) if fan is None else self.rng.normal(size=shape) * np.sqrt(2 / fan)
            self.params.append(jnp.asarray(draw, jnp.float32))
        p = self.params[self.at]
        if p.shape != tuple(shape):
            raise ValueError(f"parameter {self.at} has shape {p.shape}, expected {shape}")
        self.at += 1
        return p

    def conv(self, x, units, stride=1, bias=False):
        w = self.next((3, 3, x.shape[-1], units), fan=9 * x.shape[-1])
        x = lax.conv_general_dilated(x, w, (stride, stride), ((1, 1), (1, 1)), dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return x + self.next((units,)) if bias else x

    def norm(self, x):
        n = x.shape[-1:]
        gamma, beta, mean, var = self.next(n, value=1.0), self.next(n), self.next(n), self.next(n, value=1.0)
        self.buffers |= {self.at - 2, self.at - 1}
        if self.train:
            count = x.size // x.shape[-1]
            m, v = x.mean((0, 1, 2)), x.var((0, 1, 2))
            self.statistics[self.at - 2] = (1 - BN_MOMENTUM) * mean + BN_MOMENTUM * m
            self.statistics[self.at - 1] = (1 - BN_MOMENTUM) * var + BN_MOMENTUM * v * count / (count - 1)
            mean, var = m, v
        return (x - mean) * (gamma * lax.rsqrt(var + EPSILON)) + beta

    def dense(self, x, units):
        return x @ self.next((x.shape[-1], units), fan=x.shape[-1]) + self.next((units,))


def vgg(p, x, width):
    for stage, convs in enumerate((2, 2, 3, 3, 3)):
        for _ in range(convs):
            x = jax.nn.relu(p.norm(p.conv(x, width * min(2**stage, 8), bias=True)))
        if stage < 4:
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return p.dense(x.mean((1, 2)), 10)


def resnet20(p, x, width):
    x = jax.nn.relu(p.norm(p.conv(x, width)))
    for stage in range(3):
        for i in range(3):
            units, stride = width * 2**stage, 2 if stage and i == 0 else 1
            y = jax.nn.relu(p.norm(p.conv(x, units, stride)))
            y = p.norm(p.conv(y, units))
            pad = (units - x.shape[-1]) // 2
            if pad:
                x = jnp.pad(x[:, ::stride, ::stride], ((0, 0), (0, 0), (0, 0), (pad, pad)))
            x = jax.nn.relu(x + y)
    return p.dense(x.mean((1, 2)), 10)


NETWORKS = {
    "VGG-16-BN": lambda p, x: vgg(p, x, 64),
    "ResNet-20": lambda p, x: resnet20(p, x, 16),
    "ResNet-20×4": lambda p, x: resnet20(p, x, 64),
}


def step_of(forward, rate, decay):
    def loss_of(params, x, y):
        p = Pass(params, train=True)
        logp = jax.nn.log_softmax(forward(p, x))
        return -jnp.take_along_axis(logp, y[:, None], 1).mean(), p.statistics

    def step(params, velocity, x, y):
        grads, statistics = jax.grad(loss_of, has_aux=True)(params, x, y)
        new = list(params)
        moved = list(velocity)
        for i, (w, v, g) in enumerate(zip(params, velocity, grads)):
            if i in statistics:
                new[i] = statistics[i]
            else:
                moved[i] = child.MOMENTUM * v + g + decay * w
                new[i] = w - rate * moved[i]
        return new, moved

    return jax.jit(step, donate_argnums=(0, 1))


def check(name, folder):
    dump, forward = child.Dump(folder), NETWORKS[name]
    params = [jnp.asarray(a) for a in dump.before]
    logits = np.asarray(jax.jit(lambda params, x: forward(Pass(params, train=False), x))(params, dump.x))
    after, _ = step_of(forward, child.PARITY_RATE, child.PARITY_DECAY)(params, [jnp.zeros_like(p) for p in params], dump.x, dump.y)
    dump.report("JAX", logits, [np.asarray(a) for a in after])


def main():
    if sys.argv[2] == "check":
        return check(sys.argv[1], sys.argv[3])
    forward, batch = NETWORKS[sys.argv[1]], int(sys.argv[4])
    rng = np.random.default_rng(0)
    drawn = Pass([], train=False, rng=rng)
    forward(drawn, jnp.zeros((1, 32, 32, 3)))
    held = drawn.params
    params, velocity = [p + 0 for p in held], [jnp.zeros_like(p) for p in held]
    step = step_of(forward, child.RATE, child.DECAY)
    logits = jax.jit(lambda params, x: forward(Pass(params, train=False), x))
    data = [(jnp.asarray(rng.normal(size=(batch, 32, 32, 3)), jnp.float32), jnp.asarray(rng.integers(0, 10, batch))) for _ in range(16)]
    at = 0

    def train():
        nonlocal params, velocity, at
        at = (at + 1) % len(data)
        params, velocity = step(params, velocity, *data[at])

    def evaluate():
        nonlocal at
        at = (at + 1) % len(data)
        return np.asarray(logits(held, data[at][0]))

    child.serve(
        train, evaluate, lambda: jax.block_until_ready(params), batch, device=jax.default_backend(), versions=f"JAX {jax.__version__}",
        parameters=sum(p.size for i, p in enumerate(held) if i not in drawn.buffers))


if __name__ == "__main__":
    main()

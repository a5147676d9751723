"""The peers of bench/pinn: PyTorch and DeepXDE in double precision. Usage: pinn_peers.py kernel N | METHOD SECONDS SEED EXACT.json

METHOD is torch-adam, deepxde-adam or deepxde-lbfgs. The cell problem of 2 + sin 2πy₁ cos 2πy₂, direction 1, on 24 × 24 points by a
network 4-32-32-1 of sin and cos of 2πy: the same problem, inputs and network as ours. Prints one line of JSON.
"""

import json
import math
import os
import sys
import time

os.environ.setdefault("DDE_BACKEND", "pytorch")
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
TAU = 2 * math.pi


def kernel(repetitions):
    """Mean square of −Δu − 1 on 30 × 30 points by 2-64-64-64-1, and its gradient by all parameters."""
    torch.set_num_threads(1)
    widths, layers, start = [2, 64, 64, 64, 1], [], 0
    for i, o in zip(widths, widths[1:]):
        k = np.arange(start, start + (i + 1) * o)
        values = np.sin(0.7 * k) / math.sqrt(i)
        weight = torch.tensor(values[: i * o].reshape(o, i), requires_grad=True)
        bias = torch.tensor(values[i * o :], requires_grad=True)
        layers.append((weight, bias))
        start += (i + 1) * o
    side = torch.linspace(0, 1, 30)
    x = torch.cartesian_prod(side, side)
    parameters = [p for layer in layers for p in layer]

    def once():
        y = x.clone().requires_grad_(True)
        h = y
        for k, (w, b) in enumerate(layers):
            h = h @ w.T + b
            h = torch.tanh(h) if k + 1 < len(layers) else h
        first = torch.autograd.grad(h.sum(), y, create_graph=True)[0]
        second = sum(torch.autograd.grad(first[:, d].sum(), y, create_graph=True)[0][:, d] for d in range(2))
        loss = ((-second - 1) ** 2).mean()
        return loss, torch.autograd.grad(loss, parameters, allow_unused=True)

    seconds = []
    for _ in range(repetitions):
        started = time.perf_counter()
        loss, gradients = once()
        seconds.append(time.perf_counter() - started)
    norm = math.sqrt(sum(float((g * g).sum()) for g in gradients if g is not None))
    print(json.dumps({"seconds": seconds, "loss": float(loss.detach()), "gradient_norm": norm}))


def waves(y):
    return torch.cat([torch.sin(TAU * y[:, :1]), torch.cos(TAU * y[:, :1]), torch.sin(TAU * y[:, 1:]), torch.cos(TAU * y[:, 1:])], 1)


def coefficient(y):
    s, c = torch.sin(TAU * y[:, :1]), torch.cos(TAU * y[:, 1:])
    a = 2 + s * c
    return a, TAU * torch.cos(TAU * y[:, :1]) * c, -TAU * s * torch.sin(TAU * y[:, 1:])


def equation(y, chi, gradient, laplacian):
    """−a Δχ − ∇a·∇χ − ∂₁a."""
    a, a1, a2 = coefficient(y)
    return -a * laplacian - a1 * gradient[:, :1] - a2 * gradient[:, 1:] - a1


class Judge:
    """Errors against seconds; judging stops the clock."""

    def __init__(self, exact):
        side = torch.arange(32) / 32
        self.points = torch.cartesian_prod(side, side)
        self.exact, self.curve = np.array(exact), []
        self.started, self.aside = time.perf_counter(), 0.0

    def now(self):
        return time.perf_counter() - self.started - self.aside

    def look(self, predict):
        now = self.now()
        chi = np.asarray(predict(self.points)).ravel()
        error = np.linalg.norm(chi - chi.mean() - self.exact) / np.linalg.norm(self.exact)
        self.curve.append([now, float(error)])
        self.aside = time.perf_counter() - self.started - now

    def answer(self):
        print(json.dumps({"curve": self.curve}))


def torch_adam(seconds, seed, exact):
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Linear(4, 32), torch.nn.Tanh(), torch.nn.Linear(32, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1)
    )
    side = torch.arange(24) / 24
    points = torch.cartesian_prod(side, side)
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    judge, step = Judge(exact), 0
    predict = lambda y: net(waves(y)).detach().numpy()
    while judge.now() < seconds:
        adam.zero_grad()
        y = points.clone().requires_grad_(True)
        chi = net(waves(y))
        gradient = torch.autograd.grad(chi.sum(), y, create_graph=True)[0]
        laplacian = sum(torch.autograd.grad(gradient[:, d].sum(), y, create_graph=True)[0][:, d : d + 1] for d in range(2))
        (equation(y, chi, gradient, laplacian) ** 2).mean().backward()
        adam.step()
        step += 1
        if step % 100 == 0:
            judge.look(predict)
    judge.answer()


def deepxde(method, seconds, seed, exact):
    import deepxde as dde

    dde.config.set_default_float("float64")
    dde.config.set_random_seed(seed)

    def pde(y, chi):
        gradient = torch.cat([dde.grad.jacobian(chi, y, i=0, j=j) for j in range(2)], 1)
        laplacian = dde.grad.hessian(chi, y, i=0, j=0) + dde.grad.hessian(chi, y, i=1, j=1)
        return equation(y, chi, gradient, laplacian)

    side = np.arange(24) / 24
    anchors = np.array([[a, b] for a in side for b in side])
    data = dde.data.PDE(dde.geometry.Rectangle([0, 0], [1, 1]), pde, [], num_domain=0, anchors=anchors)
    net = dde.nn.FNN([4, 32, 32, 1], "tanh", "Glorot uniform")
    net.apply_feature_transform(waves)
    model = dde.Model(data, net)
    judge = Judge(exact)

    class Clock(dde.callbacks.Callback):
        def on_epoch_end(self):
            if self.model.train_state.epoch % 100 == 0 or method == "lbfgs":
                judge.look(lambda y: self.model.predict(y.numpy()))
            if judge.now() > seconds:
                self.model.stop_training = True

    sys.stdout, stdout = sys.stderr, sys.stdout
    if method == "adam":
        model.compile("adam", lr=1e-3)
        model.train(iterations=10**7, display_every=10**6, callbacks=[Clock()])
    else:
        dde.optimizers.set_LBFGS_options(maxiter=10**6, maxcor=50, ftol=0, gtol=0)
        model.compile("L-BFGS")
        while judge.now() < seconds:
            before = len(judge.curve)
            model.train(display_every=10**6, callbacks=[Clock()])
            judge.look(lambda y: model.predict(y.numpy()))
            if len(judge.curve) - before <= 2:
                break
    sys.stdout = stdout
    judge.answer()


if __name__ == "__main__":
    if sys.argv[1] == "kernel":
        kernel(int(sys.argv[2]))
    else:
        method, seconds, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
        exact = json.load(open(sys.argv[4]))
        torch_adam(seconds, seed, exact) if method == "torch-adam" else deepxde(method.split("-")[1], seconds, seed, exact)

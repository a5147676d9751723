"""The peers of bench/effective_image. Usage: effective_image_peers.py picture N OUT.npy | PEER FILE.npy REPEAT SETTING…

PEER is taufactor, porespy or numpy; the file holds labels 0 and 1, of which 1 conducts; the current is along the first axis. A setting is
"default" or the peer's own tolerance. Prints one line of JSON: versions, peak memory, and of every setting the effective conductivity,
the iterations where known, CPU seconds (of all threads) and wall seconds of each repetition, after a small solve that does not count.
"""

import json
import resource
import sys
import time

import numpy as np


def picture(n, out):
    """A periodic Gaussian random field with correlation length n/32 voxels, cut at its median."""
    k = np.fft.fftfreq(n, 1 / n)
    square = k[:, None, None] ** 2 + k[None, :, None] ** 2 + np.fft.rfftfreq(n, 1 / n) ** 2
    noise = np.fft.rfftn(np.random.default_rng(1).standard_normal((n, n, n)))
    field = np.fft.irfftn(noise * np.exp(-((np.pi / 32) ** 2) * square), s=(n, n, n), axes=(0, 1, 2))
    np.save(out, (field > np.median(field)).astype(np.uint8))


class Clock:
    def __enter__(self):
        self.started = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_):
        self.cpu, self.wall = time.process_time() - self.started[0], time.perf_counter() - self.started[1]


def taufactor(image, settings):
    """One solver goes on from criterion to tighter criterion, as one solve with the tighter one does; times are from the start."""
    import taufactor

    solver = taufactor.Solver(image, device="cpu")
    cpu = wall = 0
    for setting in settings:
        solver.converged = False
        with Clock() as clock:
            solver.solve(verbose=False, **({} if setting == "default" else {"conv_crit": float(setting)}))
        cpu, wall = cpu + clock.cpu, wall + clock.wall
        if not solver.converged:
            sys.exit(f"TauFactor does not reach the criterion {setting}")
        yield setting, solver.D_eff[0], solver.iter, cpu, wall


def porespy(image, settings):
    from porespy.simulations import tortuosity_fd

    for setting in settings:
        with Clock() as clock:
            found = tortuosity_fd(image == 1, axis=0, **({} if setting == "default" else {"tol": float(setting)}))
        yield setting, found.effective_porosity / found.tortuosity, None, clock.cpu, clock.wall


def difference(u, axis):
    """u of the next voxel less u, periodic."""
    out = np.empty_like(u)
    u, view = np.moveaxis(u, axis, 0), np.moveaxis(out, axis, 0)
    np.subtract(u[1:], u[:-1], out=view[:-1])
    np.subtract(u[0], u[-1], out=view[-1])
    return out


def subtract_divergence(flux, axis, out):
    """`out` less the flux through each voxel's upper face and plus that through its lower, periodic."""
    flux, out = np.moveaxis(flux, axis, 0), np.moveaxis(out, axis, 0)
    out -= flux
    out[1:] += flux[:-1]
    out[0] += flux[-1]


def conjugate_gradients(a, tolerance):
    """a*_xx of the periodic cell, and the iterations."""
    from scipy import fft

    faces = []
    for axis in range(3):
        other = np.roll(a, -1, axis)
        total = a + other
        faces.append(np.divide(2 * a * other, total, out=np.zeros_like(a), where=total > 0))
    waves = [2 - 2 * np.cos(2 * np.pi * np.arange(n) / n) for n in a.shape]
    symbol = waves[0][:, None, None] + waves[1][None, :, None] + waves[2][: a.shape[2] // 2 + 1]
    symbol[0, 0, 0] = np.inf
    inverse = 1 / symbol

    def preconditioned(r):
        spectrum = fft.rfftn(r, workers=-1)
        spectrum *= inverse
        return fft.irfftn(spectrum, s=r.shape, workers=-1, overwrite_x=True)

    def applied(u):
        out = np.zeros_like(u)
        for axis, face in enumerate(faces):
            flux = difference(u, axis)
            flux *= face
            subtract_divergence(flux, axis, out)
        return out

    u, r = np.zeros_like(a), np.zeros_like(a)
    subtract_divergence(-faces[0], 0, r)
    goal = tolerance * np.linalg.norm(r)
    z = preconditioned(r)
    p, rz, iterations = z.copy(), np.vdot(r, z), 0
    while np.linalg.norm(r) > goal:
        q = applied(p)
        step = rz / np.vdot(p, q)
        u += step * p
        r -= step * q
        z = preconditioned(r)
        rz, before = np.vdot(r, z), rz
        p *= rz / before
        p += z
        iterations += 1
    return np.vdot(faces[0], 1 + difference(u, 0)) / a.size, iterations


def numpy(image, settings):
    for setting in settings:
        with Clock() as clock:
            value, iterations = conjugate_gradients(image.astype(float), 1e-4 if setting == "default" else float(setting))
        yield setting, value, iterations, clock.cpu, clock.wall


def main(peer, file, repeat, *settings):
    from importlib.metadata import version

    # what the libraries print goes to standard error
    sys.stdout, stdout = sys.stderr, sys.stdout
    solve = {"taufactor": taufactor, "porespy": porespy, "numpy": numpy}[peer]
    list(solve(np.ones((16, 16, 16), np.uint8), ["default"]))
    image, runs = np.load(file), {}
    for _ in range(int(repeat)):
        for setting, value, iterations, cpu, wall in solve(image, settings):
            run = runs.setdefault(setting, {"value": float(value), "iterations": iterations, "cpu": [], "wall": []})
            run["cpu"].append(cpu)
            run["wall"].append(wall)
    packages = {"taufactor": ["taufactor", "torch"], "porespy": ["porespy", "openpnm", "pyamg"], "numpy": ["numpy", "scipy"]}[peer]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"versions": {p: version(p) for p in packages}, "peak_kb": peak, "runs": runs}), file=stdout)


if __name__ == "__main__":
    if sys.argv[1] == "picture":
        picture(int(sys.argv[2]), sys.argv[3])
    else:
        main(*sys.argv[1:])

"""Calls that are right but for an argument or two: whatever those are, an answer or a GaptoothError, never a crash.

``GAPTOOTH_FUZZ=N`` makes N times as many calls.
"""

import datetime
import decimal
import faulthandler
import fractions
import os
import pathlib
import random
import tempfile
import warnings

import numpy as np
import pytest
import xarray as xr

import gaptooth as gt

MANY = int(os.environ.get("GAPTOOTH_FUZZ", "1"))


class Deliberate(Exception):
    """What a caller's own function raises comes back as it is."""


class Awkward:
    """Neither a number nor a sequence, and says so rudely."""

    def __array__(self, *given, **named):
        raise Deliberate

    def __float__(self):
        raise Deliberate

    def __len__(self):
        raise Deliberate


def fails(*given, **named):
    raise Deliberate


x = 2 * np.pi * np.arange(12) / 12
waves = xr.Dataset(
    {name: (("trajectory", "time", "x"), factor * np.einsum("k,t,x->ktx", np.arange(1, 5), np.exp(-np.arange(4) / 9), np.cos(x)))
     for name, factor in (("u", 1.0), ("u_t", -1 / 9))},
    {"time": np.arange(4.0), "x": x}, attrs={"boundary": "periodic"},
)
model = gt.learn(waves, highest=2, progress=False)
grid = gt.PatchGrid((0, 1), 5, 5, spacing=0.01)
teeth = gt.GapTooth(grid, lambda t, u: -u)
start = np.ones(teeth.shape)
bursts = dict(domain=(0, 1), intervals=10, tooth=0.01, width=0.04, spacing=1e-3, length=1e-6)
dynamics = gt.PatchDynamics(lambda u, t, duration: 0.99 * u, **bursts)
coarse = np.linspace(1, 2, 11)
place = pathlib.Path(tempfile.mkdtemp())
model.save(place / "law.safetensors")
cell = np.random.default_rng(1).integers(0, 2, (6, 5, 4)).astype(np.uint8)

# name: the function, and a call of it that is right
CALLS = {
    "effective_tensor of labels": (gt.effective_tensor, dict(a=cell, mapping={0: 1.0, 1: 3.0}, voxel_size=(1, 1, 2), conditions="periodic",
                                                             bounds=True, tolerance=1e-6, method="fft", fields=True, checkpoints=place / "kept",
                                                             progress=False)),
    "effective_tensor of a formula": (gt.effective_tensor, dict(a="2 + sin(2*pi*y1)*cos(2*pi*y2)", dim=2, bounds=True, tolerance=1e-6,
                                                                resolution=8, slow=None, progress=False)),
    "effective_tensor of a function": (gt.effective_tensor, dict(a=lambda y: 2 + np.sin(2 * np.pi * y), dim=1, tolerance=1e-6, progress=False)),
    "effective_tensor of rows": (gt.effective_tensor, dict(a=[["2", "0.1"], ["0.1", "1"]], method=None, resolution=(8, 8), progress=False)),
    "mixture_bounds": (gt.mixture_bounds, dict(conductivity=np.ones((3, 3)))),
    "PatchGrid": (gt.PatchGrid, dict(domain=[(0, 1), (0, 2)], n_patch=(5, 7), n_sub=5, spacing=0.01, boundary="periodic")),
    "PatchGrid by ratio": (gt.PatchGrid, dict(domain=(0, 1), n_patch=5, n_sub=5, ratio=0.1, boundary="dirichlet")),
    "GapTooth": (gt.GapTooth, dict(grid=grid, rhs=lambda t, u: -u, fields=1, coupling=2, ends=None)),
    "GapTooth.sample": (teeth.sample, {"": (np.sin,)}),
    "GapTooth.extend": (teeth.extend, dict(u=start)),
    "GapTooth.rhs": (teeth.rhs, dict(t=0.0, u=start)),
    "GapTooth.simulate": (teeth.simulate, dict(u0=start, times=[0, 0.1, 0.2], rtol=1e-4, microscale=True, progress=False)),
    "GapTooth of anything": (lambda rhs: gt.GapTooth(grid, rhs).simulate(start, [0, 0.1], progress=False), dict(rhs=lambda t, u: -u)),
    "LatticeDiffusion": (gt.LatticeDiffusion, {"": (np.ones((3, 3)), np.ones((3, 3)))}),
    "PatchDynamics": (gt.PatchDynamics, dict(burst=lambda u, t, duration: u, **bursts)),
    "PatchDynamics of anything": (lambda burst: gt.PatchDynamics(burst, **bursts).slopes(coarse), dict(burst=lambda u, t, duration: 0.9 * u)),
    "PatchDynamics.lift": (dynamics.lift, dict(u=coarse)),
    "PatchDynamics.restrict": (dynamics.restrict, dict(profiles=dynamics.lift(coarse))),
    "PatchDynamics.slopes": (dynamics.slopes, dict(u=coarse, t=0.0)),
    "PatchDynamics.simulate": (dynamics.simulate, dict(u0=coarse, times=[0, 1e-4], step=1e-5, method="euler", progress=False)),
    "learn": (gt.learn, dict(dataset=waves, closure="derivatives", points=3, orders=[[2], [1, 2]], held_out=1, boundary="periodic", progress=False)),
    "learn a formula": (gt.learn, dict(dataset=waves, closure="symbolic", highest=2, products=True, conserving=False, progress=False)),
    "learn a network": (lambda dataset, **options: gt.learn(dataset, "functional", epochs=1, **options),
                        dict(dataset=waves, seed=3, checkpoints=place / "kept", progress=False)),
    "Learner": (lambda dataset, **options: gt.Learner(**options).fit(dataset), dict(dataset=waves, closure="stencil", progress=False)),
    "Model.rhs": (model.rhs, dict(t=0.0, u=np.cos(x))),
    "Model.predict": (model.predict, dict(u=np.cos(x))),
    "Model.integrate": (model.integrate, dict(u0=np.cos(x), t=[0, 1, 2], progress=False)),
    "Model.score": (model.score, dict(dataset=waves, boundary="periodic")),
    "Model.verdict": (model.verdict, dict(truth=waves, boundary="periodic", progress=False)),
    "Model.verdict of a rule": (model.verdict, dict(truth=lambda t, u: 0 * u, u0=np.cos(x), t=[0, 1], progress=False)),
    "Model.save": (model.save, dict(path=place / "again.safetensors")),
    "load": (gt.load, dict(path=place / "law.safetensors")),
    "run": (gt.run, dict(study="nowhere", set={"seed": 1}, seed=1, out=place / "run", resume=False, progress=False)),
}

HOSTILE = [
    None, True, False, -1, 0, 1, 2, 3, 7, 2**31, 2**40, -(2**63), 2**64, 2**200, 10**400, 0.5, -0.0, 1e-320, 1e308, np.nan, np.inf, -np.inf, 1j,
    np.float32(0.1), np.int8(-1), np.uint64(2**63), np.bool_(True), decimal.Decimal("0.1"), fractions.Fraction(1, 3),
    "", "x", "1", "nan", "periodic", "fft", "sin(", "y1 +", "2 + sin(2*pi*y9)", "\0", "é" * 300, b"bytes", b"", "(" * 2000, "1/(y1 - 0.5)", "1e999",
    [], [1], [1, 2, 3, 4, 5], (0, 0), (1, 0), (np.nan, 1), (0, np.inf), (0, 10**400), (-(2**40), 2**40), [[1, 2], [3]], [["2"]], [None], [[], []], ["a", 1],
    {}, {"a": 1}, {0: np.nan}, {0: -1.0}, {0: 10**400}, {"*": "x"}, {None: None}, {"trajectories.end": -1}, {"\0": 0}, set(), frozenset({1}), range(3),
    np.array(3.0), np.empty(0), np.empty((0, 3)), np.ones((2, 2, 2, 2)), np.array(["a"]), np.array([None]), np.array([1 + 2j]),
    np.full((3, 3), np.nan), np.full(5, np.inf), np.ma.masked_less(np.arange(4.0), 2), np.ones(4, dtype=np.float16),
    np.ones((8, 8), dtype=">f8")[::2, ::-1], np.zeros((3, 3)), np.full((2, 2), 1e308), np.full((2, 2), 5e-324), np.ones((4, 4), dtype=bool),
    np.array(["2026-01-01"], dtype="datetime64[D]"), np.zeros(2, dtype=[("a", float)]), np.arange(6).reshape(2, 3).astype(np.int64),
    xr.Dataset(), xr.DataArray(np.ones((3, 3)), dims=("x", "y")), xr.DataArray(np.ones(3), dims="q"), waves, waves.isel(time=slice(0, 1)),
    waves.isel(trajectory=slice(0, 1)), waves.isel(x=slice(0, 2)), waves * np.nan, waves.rename(x="y"), waves.assign_coords(x=x**2),
    waves.assign_coords(time=np.arange(4.0)[::-1]), waves.assign_attrs(boundary="robin"), waves.transpose("x", "time", "trajectory"), waves.u,
    waves.astype(complex), waves.drop_vars("u_t"), waves.drop_vars("x"), xr.concat([waves] * 2, "x"),
    pathlib.Path("/nonexistent/file"), pathlib.Path("/"), pathlib.Path(""), place / "law.json", object(), Awkward(), Deliberate, datetime.date(2026, 1, 1),
    lambda *a: None, lambda *a: a[0], lambda *a: a[-1], lambda *a: np.ones(3), lambda *a: np.full_like(a[-1], np.nan),
    lambda *a: "text", lambda *a: 1j * np.ones(np.shape(a[-1])), lambda *a: np.ravel(a[-1])[:1], fails, print, grid, teeth, model, iter([1, 2]),
]


def changed(right, rng):
    """The call with one argument or two of something else; of a tuple, one of its elements."""
    wrong = dict(right)
    for name in rng.sample(list(wrong), min(len(wrong), rng.choice([1, 1, 1, 2]))):
        value = rng.choice(HOSTILE)
        if isinstance(wrong[name], (tuple, list)) and rng.random() < 0.5:
            value = [*wrong[name][:-1], value]
        wrong[name] = value
    return wrong


def told(function, call):
    """What came of it: '' or the kind of error."""
    given = call.pop("", ())
    try:
        function(*(given if isinstance(given, (tuple, list)) else (given,)), **call)
    except (gt.GaptoothError, Deliberate) as error:
        return type(error).__name__
    return ""


@pytest.mark.parametrize("name", CALLS)
def test_whatever_an_argument_is(name, capfd, monkeypatch, tmp_path):
    function, right = CALLS[name]
    monkeypatch.chdir(tmp_path)
    rng = random.Random(name)
    for k in range(60 * MANY):
        call = changed(right, rng)
        # a call that does not end says where it is
        faulthandler.dump_traceback_later(120, exit=True)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                told(function, dict(call))
        except BaseException as error:
            what = {key: value for key, value in call.items() if value is not right.get(key)}
            pytest.fail(f"call {k} of {name} with {what!r}: {type(error).__name__}: {error}")
        finally:
            faulthandler.cancel_dump_traceback_later()
    assert "panicked" not in capfd.readouterr().err


@pytest.mark.parametrize("name", [name for name in CALLS if name != "run"])
def test_the_right_calls_are_right(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function, right = CALLS[name]
    assert told(function, dict(right)) == ""

"""Laws from data: the heat equation u_t = 0.3 u_xx + 0.1 u on a periodic line, whose solutions are known."""

import copy
import inspect
import json
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import safetensors.numpy
import scipy.integrate
import xarray as xr

import gaptooth as gt

DIFFUSION, GROWTH = 0.3, 0.1
#: wave numbers, amplitudes and phases of five trajectories
WAVES = [
    [(0, 0.5, 0.0), (1, 1.0, 0.3), (3, 0.7, 1.0)],
    [(1, 0.8, 2.0), (2, 1.0, 0.1), (5, 0.6, 0.4)],
    [(0, 0.9, 0.0), (2, 0.5, 1.2), (4, 0.8, 2.2)],
    [(1, 0.4, 0.9), (3, 1.1, 0.2), (6, 0.5, 1.5)],
    [(0, 0.3, 0.0), (2, 0.9, 0.8), (3, 0.6, 2.9)],
]


def heat(n=24, times=np.linspace(0, 0.5, 6)):
    x = 2 * np.pi * np.arange(n) / n
    u, u_t = np.zeros((2, len(WAVES), len(times), n))
    for i, waves in enumerate(WAVES):
        for k, amplitude, phase in waves:
            rate = GROWTH - DIFFUSION * k**2
            wave = amplitude * np.exp(rate * times)[:, None] * np.cos(k * x + phase)
            u[i] += wave
            u_t[i] += rate * wave
    dims = ("trajectory", "time", "x")
    return xr.Dataset({"u": (dims, u), "u_t": (dims, u_t)}, {"time": times, "x": x}, {"boundary": "periodic"})


@pytest.fixture(scope="module")
def data():
    return heat()


@pytest.fixture(scope="module")
def symbolic(data):
    return gt.learn(data, progress=False)


@pytest.fixture(scope="module")
def stencil(data):
    return gt.learn(data, "stencil", points=5, progress=False)


def test_the_two_terms_are_found(symbolic):
    found = symbolic.coefficients
    assert abs(found["u_xx"] - DIFFUSION) < 1e-6 and abs(found["u"] - GROWTH) < 1e-6
    # what else may have been chosen is rounding
    assert all(abs(c) < 1e-9 for name, c in found.items() if name not in ("u", "u_xx"))
    assert symbolic.standard_errors.keys() == found.keys() and all(e < 1e-6 for e in symbolic.standard_errors.values())
    assert symbolic.formula.startswith("u_t = ") and "0.300000 u_xx" in symbolic.formula
    assert symbolic.held_out_error.relative < 1e-8 and symbolic.notes[0] == symbolic.formula


@pytest.mark.parametrize("closure, options", [
    ("stencil", {"points": 7}), ("derivatives", {"orders": [[0, 2], [2], [2, 4]]}), ("derivatives", {"orders": [0, 2]}),
])
def test_linear_laws_fit(data, closure, options):
    model = gt.learn(data, closure, progress=False, **options)
    error = np.abs(model.rhs(data.u.values) - data.u_t.values).max() / np.abs(data.u_t.values).max()
    assert error < (1e-8 if closure == "derivatives" else 0.05)
    assert model.coefficients and model.formula.startswith("u_t =")


@pytest.mark.parametrize("closure", ["functional", "discretized"])
def test_networks_train_and_their_seed_decides(data, closure):
    losses, progress = [], []
    for _ in range(2):
        model = gt.learn(data, closure, epochs=4, seed=7, progress=lambda *news: progress.append(news))
        losses.append(model.loss)
    assert len(losses[0]) == 4 and losses[0][-1] < losses[0][0] and (losses[0] == losses[1]).all()
    assert "network" in model.formula and model.coefficients == {}
    assert progress and all(isinstance(stage, str) and done <= total for stage, done, total, _ in progress)


def test_scipy_integrates_a_model_as_it_is(symbolic, data):
    u0, times = data.u[3, 0].values, data.time.values
    found = scipy.integrate.solve_ivp(symbolic.rhs, (0, times[-1]), u0, method="BDF", t_eval=times, rtol=1e-8, atol=1e-10)
    assert found.success and np.abs(found.y.T - data.u[3].values).max() < 1e-5


def test_a_state_may_have_any_shape(symbolic, data):
    u = data.u.values
    assert np.abs(symbolic.rhs(u) - data.u_t.values).max() < 1e-6
    assert (symbolic.rhs(0.0, u[0, 0]) == symbolic.rhs(u)[0, 0]).all() and (symbolic.rhs(u=u) == symbolic.rhs(u)).all()
    named = symbolic.rhs(data.u.transpose("x", "time", "trajectory"))
    assert named.dims == ("x", "time", "trajectory") and named.name == "u_t"
    assert (named.transpose(*data.u.dims).values == symbolic.rhs(u)).all()


def test_trajectories_are_the_exact_solution(symbolic, data):
    times = data.time.values
    one = symbolic.integrate(data.u[2, 0].values, times)
    assert one.u.dims == ("time", "x") and np.abs(one.u.values - data.u[2].values).max() < 1e-7
    assert np.abs(one.u_t.values - data.u_t[2].values).max() < 1e-6
    many = symbolic.integrate(data, times)
    assert many.u.dims == ("trajectory", "time", "x") and np.abs(many.u.values - data.u.values).max() < 1e-7
    # a prediction is a dataset like any other
    assert many.attrs["boundary"] == "periodic"
    assert abs(gt.learn(many, "derivatives", orders=[0, 2], progress=False).coefficients["u_xx"] - DIFFUSION) < 1e-6


@pytest.mark.parametrize("closure", ["symbolic", "stencil", "derivatives", "functional", "discretized"])
def test_a_saved_law_has_the_same_bits(data, tmp_path, closure):
    model = gt.learn(data, closure, progress=False, **({"epochs": 2} if closure in ("functional", "discretized") else {}))
    path = tmp_path / "law.safetensors"
    model.save(path)
    u = data.u.values
    for again in (gt.load(path), gt.load(str(path)), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert (again.rhs(u) == model.rhs(u)).all() and again.formula == model.formula
        assert again.held_out_error == model.held_out_error and again.notes == model.notes
        assert (again.grid["x"] == data.x.values).all()
    tensors = safetensors.numpy.load_file(path)
    assert all(t.dtype == np.float64 for t in tensors.values())
    if model.coefficients:
        assert list(tensors["coefficients"]) == list(model.coefficients.values())
    card = json.loads((tmp_path / "law.json").read_text())
    assert card["about"]["law"]["name"] == closure


def test_the_verdict_on_data_models_and_functions(symbolic, stencil, data):
    exact = symbolic.verdict(data)
    assert exact.rhs_rmse < 1e-12 and exact.trajectory_rmse < 1e-12 and "rhs_rmse=" in repr(exact)
    assert exact.prediction.u.shape == data.u.shape
    rough = stencil.verdict(data)
    assert exact.rhs_rmse < rough.rhs_rmse < 0.1
    # a law of derivatives is met on another grid
    assert symbolic.verdict(heat(n=40)).rhs_rmse < 1e-12
    assert stencil.verdict(symbolic).rhs_rmse == pytest.approx(stencil.verdict(data.isel(trajectory=[4])).rhs_rmse, rel=1e-6)

    k = np.fft.fftfreq(24, 1 / 24)

    def rule(t, u):
        return np.fft.ifft((GROWTH - DIFFUSION * k**2) * np.fft.fft(u)).real

    for function in (rule, lambda u: rule(0.0, u)):
        found = symbolic.verdict(function)
        assert found.rhs_rmse < 1e-12 and found.trajectory_rmse < 1e-10
    assert symbolic.verdict(rule, u0=data.u[0, 0], t=[0, 0.1]).prediction.u.shape == (1, 2, 24)

    class Stop(Exception):
        pass

    def fails(t, u):
        raise Stop

    with pytest.raises(Stop):
        symbolic.verdict(fails)


def test_the_order_of_axes_and_single_precision_do_not_matter(symbolic, data):
    turned = data.transpose("x", "trajectory", "time")
    assert gt.learn(turned, progress=False).coefficients == symbolic.coefficients
    rounded = gt.learn(data.astype(np.float32), highest=2, progress=False)
    assert abs(rounded.coefficients["u_xx"] - DIFFUSION) < 1e-4


def test_a_plane(tmp_path):
    axis, times = np.arange(8) / 8, np.array([0.0, 0.01, 0.02])
    x, y, t = axis[:, None], axis, times[:, None, None]
    u, u_t = np.zeros((2, 4, 3, 8, 8))
    for i, (kx, ky) in enumerate([(1, 2), (2, 1), (3, 1), (1, 1)]):
        for a, b, amplitude in [(kx, ky, 1.0), (ky, 0, 0.5), (0, kx, 0.25)]:
            rate = -4 * np.pi**2 * (0.2 * a**2 + 0.1 * b**2)
            wave = amplitude * np.exp(rate * t) * np.cos(2 * np.pi * (a * x + b * y) + i)
            u[i], u_t[i] = u[i] + wave, u_t[i] + rate * wave
    dims = ("trajectory", "time", "x", "y")
    data = xr.Dataset({"u": (dims, u), "u_t": (dims, u_t)}, {"time": times, "x": axis, "y": axis}, {"boundary": ["periodic"] * 2})
    model = gt.learn(data.transpose("y", "x", "time", "trajectory"), highest=2, progress=False)
    assert abs(model.coefficients["u_xx"] - 0.2) < 1e-6 and abs(model.coefficients["u_yy"] - 0.1) < 1e-6
    assert np.abs(model.rhs(u[0, 0].ravel()) - u_t[0, 0].ravel()).max() < 1e-6
    assert model.integrate(u[:, 0], times).u.dims == dims
    assert model.verdict(data).trajectory_rmse < 1e-12


def test_states_alone_are_differenced_with_a_warning():
    times = np.linspace(0, 0.1, 41)
    full = heat(times=times)
    for states in (full.drop_vars("u_t"), full.u.assign_attrs(boundary="periodic")):
        with pytest.warns(UserWarning, match="differenced in time"):
            model = gt.learn(states, "derivatives", orders=[0, 2], progress=False)
        assert abs(model.coefficients["u_xx"] - DIFFUSION) < 1e-3


def test_a_path_is_read(data, tmp_path):
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "heat.zarr"
    packed = {"compressors": [zarr.codecs.GzipCodec()]}
    data.to_zarr(path, zarr_format=3, encoding={name: packed for name in ("u", "u_t", "time", "x")})
    model = gt.learn(path, "stencil", progress=False)
    assert model.coefficients == gt.learn(data, "stencil", progress=False).coefficients
    assert gt.Learner("stencil", boundary="periodic", progress=False).fit(str(path)).score(path) > 0.9


def test_an_estimator(data):
    learner = gt.Learner(closure="derivatives", orders=[0, 2], progress=False)
    assert learner.fit(data) is learner and learner.score(data) > 1 - 1e-9
    assert np.abs(learner.predict(data.u.values) - data.u_t.values).max() < 1e-6
    run = learner.simulate(data.u[0, 0], data.time)
    assert np.abs(run.u.values - data.u[0].values).max() < 1e-6
    again = gt.Learner(**learner.get_params())
    assert again.get_params() == learner.get_params() and repr(again) == repr(learner)
    assert set(learner.get_params()) == set(inspect.signature(gt.learn).parameters) - {"dataset"}
    assert again.set_params(closure="stencil", orders=None).closure == "stencil"


def test_a_model_shows_itself(symbolic, stencil):
    for model in (symbolic, stencil):
        assert model.formula in repr(model) and "24 points" in repr(model) and "held-out error" in repr(model)
        assert "<table>" in model._repr_html_()


def test_ctrl_c_ends_the_training():
    script = """
        import os, signal, threading, time
        import numpy as np, xarray as xr, gaptooth as gt
        signal.signal(signal.SIGINT, signal.default_int_handler)     # a shell's background jobs ignore it
        dims = ("trajectory", "time", "x")
        u = np.random.default_rng(0).normal(size=(4, 50, 200))
        data = xr.Dataset({"u": (dims, u), "u_t": (dims, -u)}, {"time": np.arange(50.0), "x": np.arange(200.0)}, {"boundary": "periodic"})
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        started = time.monotonic()
        try:
            gt.learn(data, "functional", epochs=10**6, progress=False)
        except KeyboardInterrupt:
            print("stopped", time.monotonic() - started < 5)
    """
    found = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60)
    assert found.stdout == "stopped True\n", found.stderr


def changed(**changes):
    """The dataset with some values or coordinates replaced."""
    return heat().assign(**changes)


def with_nan():
    data = heat()
    data["u"][1, 2, 3] = np.nan
    return data


def without_attributes():
    data = heat()
    data.attrs.clear()
    return data


def test_a_stopped_training_goes_on_to_the_same_bits(data, tmp_path):
    options = dict(epochs=3000, seed=4, held_out=1)
    whole = gt.learn(data, "functional", progress=False, **options)
    kept, later = tmp_path / "kept", []

    def stop(stage, done, total, detail):
        if done >= 1000:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        gt.learn(data, "functional", checkpoints=kept, progress=stop, **options)
    assert list(kept.rglob("*.checkpoint")), "the state of the training is kept when it is stopped"
    again = gt.learn(data, "functional", checkpoints=kept, progress=lambda stage, done, total, detail: later.append(done), **options)
    assert later[0] >= 999, "and goes on from there"
    u = data.u.isel(time=0)
    assert (again.predict(u) == whole.predict(u)).all() and (again.loss == whole.loss).all() and not kept.exists()


X = heat().x.values


def test_a_truth_that_depends_on_time():
    model = gt.learn(heat(), progress=False)
    u0, t = heat().u.isel(time=0), np.linspace(0, 1, 11)
    verdict = model.verdict(lambda t, u: model.rhs(u) + 10 * t, u0=u0, t=t)
    assert verdict.rhs_rmse > 0.1


def test_a_state_on_another_grid_is_refused():
    model = gt.learn(heat(), progress=False)
    u = heat().u.isel(trajectory=0, time=0)
    assert np.allclose(model.rhs(u), model.rhs(u.drop_vars("x")))
    for call in (model.rhs, lambda u: model.integrate(u, [0, 1])):
        with pytest.raises(gt.GaptoothError, match="another x.*model.grid"):
            call(u.assign_coords(x=2 * u.x))


WRONG = {
    "no dataset": (lambda: gt.learn(np.ones((3, 4, 5))), "xarray.Dataset.*found ndarray"),
    "no u": (lambda: gt.learn(heat().rename(u="temperature")), "temperature.*expected u.*rename"),
    "unknown dimensions": (lambda: gt.learn(heat().rename(x="r")), r"'r'\), expected time, x"),
    "no time": (lambda: gt.learn(heat().isel(time=0)), "expected time"),
    "u_t over less": (lambda: gt.learn(changed(u_t=heat().u_t[0])), "expected those of u"),
    "no coordinate": (lambda: gt.learn(heat().drop_vars("x")), "expected `x` among them"),
    "unequal steps": (lambda: gt.learn(heat().assign_coords(x=X**2)), "equal steps"),
    "x that descends": (lambda: gt.learn(heat().isel(x=slice(None, None, -1))), "ascending points"),
    "times that go back": (lambda: gt.learn(heat().isel(time=slice(None, None, -1))), "ascending times"),
    "dates": (lambda: gt.learn(heat().assign_coords(time=np.arange(6).astype("datetime64[ns]"))), "time.*datetime64"),
    "a NaN": (lambda: gt.learn(with_nan()), "u of trajectory 1 .*NaN"),
    "complex numbers": (lambda: gt.learn(heat().astype(complex)), "complex128"),
    "no boundary": (lambda: gt.learn(without_attributes()), "boundary.*periodic.*attrs"),
    "an unknown boundary": (lambda: gt.learn(heat(), boundary="robin"), "robin.*neumann"),
    "ends that move": (lambda: gt.learn(heat(), boundary="dirichlet"), "Dirichlet"),
    "one trajectory": (lambda: gt.learn(heat().isel(trajectory=0)), "trajectories.*two or more"),
    "two trajectories": (lambda: gt.learn(heat().isel(trajectory=[0, 1])), "two or more.*stencil"),
    "all held out": (lambda: gt.learn(heat(), held_out=5), "held_out = 5"),
    "two times to difference": (
        lambda: gt.learn(heat().isel(time=[0, 1]).drop_vars("u_t")), "three snapshots"),
    "an unknown closure": (lambda: gt.learn(heat(), "spline"), "spline.*symbolic"),
    "even points": (lambda: gt.learn(heat(), "stencil", points=4), "points = 4: expected an odd number"),
    "half a point": (lambda: gt.learn(heat(), "stencil", points=2.5), "points = 2.5: expected a whole number"),
    "a stencil too wide": (lambda: gt.learn(heat(), "stencil", points=51), "24 grid points"),
    "orders of a stencil": (lambda: gt.learn(heat(), "stencil", orders=[2]), "orders.*derivatives"),
    "products of derivatives": (lambda: gt.learn(heat(), "derivatives", products=True), "products.*symbolic"),
    "orders that are none": (lambda: gt.learn(heat(), "derivatives", orders=["two"]), "orders.*2, 4"),
    "no file": (lambda: gt.learn("nowhere.zarr"), "nowhere.zarr"),
    "no model": (lambda: gt.load("nowhere.safetensors"), "nowhere.safetensors"),
    "another ending": (lambda: gt.load("law.pt"), "safetensors"),
    "a learner that has not learned": (lambda: gt.Learner().predict(X), "fit"),
    "an unknown option": (lambda: gt.Learner().set_params(width=3), "width.*points"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.filterwarnings("ignore:.*differenced")
def test_a_wrong_call_says_what_to_try(name):
    call, words = WRONG[name]
    with pytest.raises(gt.GaptoothError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_wrong_use_of_a_model_says_what_to_try(stencil, tmp_path):
    for call, words in [
        (lambda: stencil.rhs(np.ones(7)), r"\(7,\), expected \(24,\)"),
        (lambda: stencil.rhs(1.0), "expected an array"),
        (lambda: stencil.rhs(xr.DataArray(np.ones(24), dims="r")), "'x'"),
        (lambda: stencil.integrate(np.ones((2, 2, 24)), [0, 1]), "several over"),
        (lambda: stencil.integrate(np.ones(24), [0, 1, 1]), "ascending"),
        (lambda: stencil.verdict(heat(n=40)), "the spacing that it was fitted on"),
        (lambda: stencil.verdict(lambda t, u: u[1:]), r"\[23\], expected \[24\]"),
        (lambda: stencil.verdict(heat(), t=[0, 1]), "has its own"),
        (lambda: stencil.save(tmp_path / "law.json"), "safetensors"),
        (lambda: gt.load(saved(stencil, tmp_path)).verdict(lambda u: u), "u0= and t="),
    ]:
        with pytest.raises(gt.GaptoothError, match=words) as caught:
            call()
        assert "\n" not in str(caught.value)


def saved(model, folder):
    model.save(folder / "law.safetensors")
    return folder / "law.safetensors"


def test_a_function_that_is_judged_may_use_the_engine(stencil, data):
    threads = set()

    def rule(t, u):
        import threading

        threads.add(threading.get_ident())
        gt.effective_tensor(np.ones((4, 4)), progress=False)
        return -u

    start = data.u.isel(time=0).values
    stencil.verdict(rule, u0=start[:2], t=[0.0, 0.01], progress=False)
    assert len(threads) == 1


def test_a_useless_law_is_warned_about():
    noise = heat()
    noise["u_t"] = noise.u_t * 0 + np.random.default_rng(0).standard_normal(noise.u_t.shape)
    with pytest.warns(UserWarning, match="it is none"):
        gt.learn(noise, "stencil", progress=False)


def test_both_ends_of_a_period_are_one_point():
    data = heat()
    both = xr.concat([data, data.isel(x=[0]).assign_coords(x=[2 * np.pi])], "x")
    both.attrs["boundary"] = "periodic"
    with pytest.raises(gt.GaptoothError, match=r"isel\(x=slice\(None, -1\)\)"):
        gt.learn(both, progress=False)

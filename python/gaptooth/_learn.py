"""Macroscale laws u_t = F(u): learned from data, used, judged."""

from __future__ import annotations

import html
import inspect
import json
import math
import operator
import os
import warnings as _warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Union

import numpy as np
import numpy.typing as npt
import xarray as xr

from . import _core
from ._core import GaptoothError
from ._progress import Progress, reporting

SPACE = ("x", "y", "z")
#: a held-out error above this share is warned about
POOR = 0.5
Closure = Literal["symbolic", "stencil", "functional", "discretized", "derivatives"]
Data = Union[xr.Dataset, xr.DataArray, str, os.PathLike]
State = Union[npt.ArrayLike, xr.DataArray, xr.Dataset]
Rule = Callable[..., npt.ArrayLike]


def learn(
    dataset: Data,
    closure: Closure = "symbolic",
    *,
    points: int | None = None,
    orders: Sequence[int] | Sequence[Sequence[int]] | None = None,
    highest: int | None = None,
    products: bool = False,
    conserving: bool = False,
    epochs: int = 128,
    seed: int = 2020,
    held_out: int | None = None,
    boundary: str | Sequence[str] | None = None,
    progress: Progress = None,
) -> Model:
    """Learns a law u_t = F(u) from trajectories of u and u_t, and judges it on trajectories that it has not seen.

    Parameters
    ----------
    dataset
        - an :class:`xarray.Dataset` with ``u`` and ``u_t`` over trajectory, time and x (and y, and z), in any order, with coordinates
          time and x (equal steps), and ``attrs["boundary"]``: ``"dirichlet"``, ``"neumann"`` or ``"periodic"``, or one for each axis;
        - the same with ``u`` alone, or a DataArray: then u is differenced in time, to second order;
        - the path of a zarr dataset that gaptooth wrote (any other: ``xarray.open_zarr(path)``).
    closure
        - ``"symbolic"``: named terms with coefficients and standard errors, chosen one by one by held-out trajectories;
        - ``"stencil"``: linear least squares on neighbouring values;
        - ``"derivatives"``: a linear law of derivatives, their orders chosen by held-out trajectories;
        - ``"functional"``, ``"discretized"``: networks of u, u_x, u_xx …, or of neighbouring values.
    points
        points of the stencils along an axis, odd (default: 3 for a stencil; for derivatives Fourier transforms on a periodic grid, else 9,
        fewer on a small grid)
    orders
        of ``"derivatives"``: a set of derivative orders, ``[2, 4]``, or several to choose from, ``[[2], [2, 4]]``
    highest
        of ``"symbolic"``: the highest order of derivative among the candidates (default 6, lower on a small bounded grid)
    products
        of ``"symbolic"``: offer u², u u_x, u_x² … too
    conserving
        of ``"symbolic"``: offer only terms that keep the mean of u
    epochs, seed
        of networks: passes over the data; seed of weights and batches
    held_out
        trajectories kept out of the fit, the last ones (default: a fifth of them)
    boundary
        instead of the dataset's attribute
    progress
        ``False`` for none, or a function ``(stage, done, total, detail)``; by default a tqdm bar where tqdm is installed

    Raises
    ------
    GaptoothError
        with what was found, what was expected and what to try

    Examples
    --------
    Four trajectories of u_t = 0.3 u_xx, each a sum of three waves.

    >>> import numpy as np, xarray as xr, gaptooth as gt
    >>> x = xr.DataArray(2 * np.pi * np.arange(16) / 16, dims="x")
    >>> time = xr.DataArray(np.linspace(0, 1, 6), dims="time")
    >>> k = xr.DataArray([[0, 1, 2], [1, 2, 3], [0, 2, 4], [1, 3, 5]], dims=("trajectory", "wave"))
    >>> waves = np.exp(-0.3 * k**2 * time) * np.cos(k * x)
    >>> data = xr.Dataset({"u": waves.sum("wave"), "u_t": (-0.3 * k**2 * waves).sum("wave")}, {"time": time, "x": x})
    >>> model = gt.learn(data, highest=2, boundary="periodic", progress=False)
    >>> round(model.coefficients["u_xx"], 9)
    0.3
    """
    data = _data(dataset, boundary)
    with reporting(progress) as report:
        law, loss, u0, t = _core.learn(
            data, str(closure), _whole("points", points), _orders(orders), _whole("highest", highest), bool(products),
            bool(conserving), _whole("epochs", epochs), _whole("seed", seed), _whole("held_out", held_out), report,
        )
    model = Model(law, loss=np.array(loss), trial=(u0, t))
    error = getattr(model.held_out_error, "relative", 0.0)
    if error > POOR:
        _warnings.warn(
            f"the law misses trajectories that it has not seen by {100 * error:.0f} %: it is none. Look at the data near the start and at the "
            "ends, and offer other terms",
            stacklevel=2,
        )
    return model


def load(path: str | os.PathLike) -> Model:
    """A model from the file that :meth:`Model.save` or the command line wrote, with the same bits.

    >>> import numpy as np, xarray as xr, gaptooth as gt, tempfile, os
    >>> u = np.exp(-np.arange(3.0))[:, None] * np.random.default_rng(1).normal(size=(3, 1, 8))
    >>> data = xr.Dataset({"u": (("trajectory", "time", "x"), u), "u_t": (("trajectory", "time", "x"), -u)},
    ...                   {"time": np.arange(3.0), "x": np.arange(8) / 8}, {"boundary": "periodic"})
    >>> model = gt.learn(data, "stencil", progress=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(os.path.join(folder, "decay.safetensors"))
    ...     again = gt.load(os.path.join(folder, "decay.safetensors"))
    >>> bool((again.rhs(u) == model.rhs(u)).all())
    True
    """
    return Model(_core.load_law(_path(path)))


@dataclass(frozen=True)
class HeldOutError:
    """How a law follows trajectories that it was not fitted to.

    >>> import gaptooth as gt
    >>> gt.HeldOutError(relative=1e-6, worst=3e-6, relative_mean_squared=1e-12).worst
    3e-06
    """

    #: root mean square over trajectories and times of ‖u − u_h‖/‖u_h‖, floored at 1e-6 of the initial state
    relative: float
    #: the largest of these
    worst: float
    #: eq. 24 of Arbabi et al., on all states
    relative_mean_squared: float


@dataclass(frozen=True)
class Verdict:
    """A law against the truth, by eq. 24 of Arbabi et al., Σ‖v − v_h‖² / Σ‖v_h − mean(v_h)‖²; None where the truth does not vary.

    >>> import gaptooth as gt
    >>> gt.Verdict(rhs_rmse=1.25e-7, trajectory_rmse=None)
    Verdict(rhs_rmse=1.25e-07, trajectory_rmse=None)
    """

    #: of u_t at the truth's states
    rhs_rmse: float | None
    #: of trajectories from the truth's initial states
    trajectory_rmse: float | None
    #: those trajectories
    prediction: xr.Dataset | None = field(default=None, repr=False, compare=False)


class Model:
    """A learned law u_t = F(u) on a grid; :func:`learn` and :func:`load` make it.

    Examples
    --------
    >>> import numpy as np, xarray as xr, gaptooth as gt
    >>> u = np.exp(-np.arange(3.0))[:, None] * np.random.default_rng(1).normal(size=(3, 1, 8))
    >>> data = xr.Dataset({"u": (("trajectory", "time", "x"), u), "u_t": (("trajectory", "time", "x"), -u)},
    ...                   {"time": np.arange(3.0), "x": np.arange(8) / 8}, {"boundary": "periodic"})
    >>> model = gt.learn(data, "stencil", progress=False)
    >>> np.allclose(model.rhs(u[0, 0]), -u[0, 0])
    True
    >>> np.allclose(model.integrate(u[0, 0], [0, 1, 2]).u, u[0])
    True
    >>> bool(model.verdict(data).rhs_rmse < 1e-20 and model.verdict(lambda u: -u).trajectory_rmse < 1e-12)
    True
    """

    def __init__(self, law: _core.Law, *, loss: np.ndarray | None = None, trial: tuple[np.ndarray, np.ndarray] | None = None):
        self._law = law
        #: coordinates of the grid, ``{"x": …}``
        self.grid: dict[str, np.ndarray] = dict(law.coordinates)
        #: what holds at the ends of each axis
        self.boundary: list[str] = law.boundary
        self._shape = tuple(len(x) for x in self.grid.values())
        self._n = math.prod(self._shape)
        # initial states and times to meet a rule on
        self._trial = None if trial is None else (trial[0].reshape(-1, self._n), trial[1])
        about = json.loads(law.about) or {}
        #: what the law is, in steps: terms, candidates and how they did
        self.notes: list[str] = about.get("notes", [])
        error = about.get("held_out_error")
        #: how the law follows the held-out trajectories
        self.held_out_error: HeldOutError | None = HeldOutError(**error) if error else None
        #: of networks just trained: mean squared error of each epoch
        self.loss: np.ndarray = np.empty(0) if loss is None else loss

    @property
    def formula(self) -> str:
        """The law: its terms where they are few, else what it is made of."""
        return self._law.formula

    @property
    def coefficients(self) -> dict[str, float]:
        """By the name of the term; of networks none."""
        terms = self._law.terms
        return dict(zip(terms[0], terms[1])) if terms else {}

    @property
    def standard_errors(self) -> dict[str, float]:
        """Of the coefficients of symbolic laws."""
        terms = self._law.terms
        return dict(zip(terms[0], terms[2])) if terms and terms[2] is not None else {}

    def rhs(self, t: float | State | None = None, u: State | None = None):
        """u_t of a state, ``rhs(u)`` or ``rhs(t, u)``, in the shape of ``u``.

        ``u`` is flat ``[n]``, or ``[x, …]``, or has more axes in front; a DataArray may have its axes in any order. So
        ``scipy.integrate.solve_ivp(model.rhs, t_span, u0.ravel(), method="BDF")`` works as it is.
        """
        u = t if u is None else u
        if isinstance(u, (xr.DataArray, xr.Dataset)):
            named = _named(u)
            moved = named.transpose(..., *self._axes(named))
            return moved.copy(data=self.rhs(moved.values)).transpose(*named.dims).rename("u_t")
        state = _numbers(u, "u")
        if state.shape[-1:] != (self._n,) and state.shape[-len(self._shape):] != self._shape:
            raise GaptoothError(f"u has shape {state.shape}, expected {self._shape}, or flat, with more axes in front for several states")
        return self._law.rhs(state).reshape(state.shape)

    def integrate(self, u0: State, t: npt.ArrayLike, *, progress: Progress = None) -> xr.Dataset:
        """The trajectory from ``u0`` at ``t[0]``: ``u`` and ``u_t`` over (time, x, …), or (trajectory, time, x, …) of several ``u0``.

        ``u0`` is ``[x, …]``, flat, or has an axis of trajectories in front; of a Dataset with times the first state is taken. The flow of
        linear laws on periodic grids is exact.
        """
        state, single = self._initial(u0)
        with reporting(progress) as report:
            data = self._law.integrate(state, _times(t), report)
        return _dataset(data, single)

    def verdict(
        self,
        truth: Data | Model | Rule,
        *,
        u0: State | None = None,
        t: npt.ArrayLike | None = None,
        boundary: str | Sequence[str] | None = None,
        progress: Progress = None,
    ) -> Verdict:
        """How far the law is from ``truth``: a dataset, another model, or a function ``(t, u)`` or ``(u)`` that gives u_t.

        A dataset on another grid is met there, if the law is one of derivatives. Models and functions are integrated from ``u0`` at
        ``t``; by default from the trajectories that were held out when this model was learned.
        """
        rule = isinstance(truth, Model) or callable(truth)
        if not rule and (u0 is not None or t is not None):
            raise GaptoothError("u0 and t belong to a model or a function as the truth: a dataset has its own")
        with reporting(progress) as report:
            data = self._met(truth, u0, t, report) if rule else _data(truth, boundary)
            rhs_rmse, trajectory_rmse, found = self._law.verdict(data, report)
        return Verdict(rhs_rmse, trajectory_rmse, _dataset(found))

    def save(self, path: str | os.PathLike) -> None:
        """Writes ``….safetensors``, which PyTorch and NumPy read, and a card for people beside it, ``….json``."""
        self._law.save(_path(path))

    def _met(self, truth, u0, t, report):
        """Trajectories of a model or a function on this grid."""
        if u0 is None and t is None and self._trial is not None:
            u0, t = self._trial
        if u0 is None or t is None:
            raise GaptoothError("a model or a function as the truth needs initial states and times: give u0= and t=")
        state, times = self._initial(u0)[0], _times(t)
        if isinstance(truth, Model):
            return truth._law.like(self._law).integrate(state, times, report)
        return self._law.integrate_function(_of_time(truth), state, times, report)

    def _axes(self, named):
        axes = list(self.grid)
        if not set(axes) <= set(named.dims):
            raise GaptoothError(f"u has the dimensions {named.dims}, expected {tuple(axes)} among them: u.rename({{…}})")
        return axes

    def _initial(self, u0):
        """Initial states, flat, and whether it is one."""
        if isinstance(u0, (xr.DataArray, xr.Dataset)):
            named = _named(u0)
            named = named.isel(time=0) if "time" in named.dims else named
            u0 = named.transpose(..., *self._axes(named)).values
        state, d = _numbers(u0, "u0"), len(self._shape)
        fits = {state.shape[-d:]: state.shape[:-d], state.shape[-1:]: state.shape[:-1]}
        lead = fits.get(self._shape, fits.get((self._n,)))
        if lead is None or len(lead) > 1 or state.size == 0:
            several = ("trajectory", *self.grid)
            raise GaptoothError(f"u0 has shape {state.shape}, expected {self._shape} over {tuple(self.grid)}, or several over {several}")
        return state, not lead

    def _summary(self) -> list[tuple[str, str]]:
        axes = (f"{name}: {len(x)} points from {x[0]:g} to {x[-1]:g}, {b}" for (name, x), b in zip(self.grid.items(), self.boundary))
        rows = [("grid", "; ".join(axes))]
        if self.held_out_error:
            rows.append(("held-out error", f"{self.held_out_error.relative:.2e} (worst {self.held_out_error.worst:.2e})"))
        return rows

    def __repr__(self) -> str:
        return "\n".join([f"Model({self.formula},"] + [f"    {name} = {text}," for name, text in self._summary()]).rstrip(",") + ")"

    def _repr_html_(self) -> str:
        errors = self.standard_errors
        terms = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{c:.10g}</td><td>{f'± {errors[name]:.1e}' if name in errors else ''}</td></tr>"
            for name, c in self.coefficients.items()
        )
        rows = "".join(f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in self._summary())
        return f"<b>{html.escape(self.formula)}</b>" + (f"<table>{terms}</table>" if terms else "") + f"<table>{rows}</table>"


class Learner:
    """:func:`learn` as an estimator, in scikit-learn's habits: ``fit``, ``predict``, ``score``, ``simulate``.

    ``closure`` and the options are those of :func:`learn`; the fitted law is ``model_``.

    Examples
    --------
    >>> import numpy as np, xarray as xr, gaptooth as gt
    >>> u = np.exp(-np.arange(3.0))[:, None] * np.random.default_rng(1).normal(size=(3, 1, 8))
    >>> data = xr.Dataset({"u": (("trajectory", "time", "x"), u), "u_t": (("trajectory", "time", "x"), -u)},
    ...                   {"time": np.arange(3.0), "x": np.arange(8) / 8}, {"boundary": "periodic"})
    >>> learner = gt.Learner("stencil", points=3, progress=False).fit(data)
    >>> round(learner.score(data), 9), learner.predict(u).shape
    (1.0, (3, 3, 8))
    >>> learner.set_params(points=5).get_params()["points"]
    5
    """

    def __init__(
        self,
        closure: Closure = "symbolic",
        *,
        points: int | None = None,
        orders: Sequence[int] | Sequence[Sequence[int]] | None = None,
        highest: int | None = None,
        products: bool = False,
        conserving: bool = False,
        epochs: int = 128,
        seed: int = 2020,
        held_out: int | None = None,
        boundary: str | Sequence[str] | None = None,
        progress: Progress = None,
    ):
        self.closure, self.points, self.orders, self.highest = closure, points, orders, highest
        self.products, self.conserving, self.epochs, self.seed = products, conserving, epochs, seed
        self.held_out, self.boundary, self.progress = held_out, boundary, progress

    def fit(self, dataset: Data, y: None = None) -> Learner:
        """Learns from a dataset as :func:`learn` takes it; u_t is in it, so ``y`` is not used."""
        self.model_ = learn(dataset, **self.get_params())
        return self

    def predict(self, u: State):
        """u_t of states, in their shape."""
        return self._fitted.rhs(u)

    def score(self, dataset: Data, y: None = None) -> float:
        """R² of u_t, 1 at best: 1 − Σ(u_t − law)²/Σ(u_t − mean)². A law of derivatives is met on another grid, too."""
        return 1.0 - self._fitted._law.rhs_error(_data(dataset, self.boundary))

    def simulate(self, u0: State, t: npt.ArrayLike) -> xr.Dataset:
        """As :meth:`Model.integrate`."""
        return self._fitted.integrate(u0, t, progress=self.progress)

    def get_params(self, deep: bool = True) -> dict:
        """The options by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params) -> Learner:
        """Changes options; takes effect with the next ``fit``."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise GaptoothError(f"{name} is no option of a Learner, expected one of {', '.join(known)}")
            setattr(self, name, value)
        return self

    @property
    def _fitted(self) -> Model:
        try:
            return self.model_
        except AttributeError:
            raise GaptoothError("this Learner has not learned yet: call fit(dataset) first") from None

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        given = [f"{name}={value!r}" for name, value in self.get_params().items() if value is not defaults[name].default]
        return f"Learner({', '.join(given)})"


def _data(dataset, boundary=None) -> _core.Data:
    """The engine's dataset, copied once; warns where u_t had to be differenced."""
    attributes = {} if boundary is None else {"boundary": boundary}
    if isinstance(dataset, (str, os.PathLike)):
        data = _core.Data.read(os.fspath(dataset), _json(attributes))
    elif isinstance(dataset, (xr.Dataset, xr.DataArray)):
        data = _of_xarray(dataset.to_dataset(name="u") if isinstance(dataset, xr.DataArray) else dataset, attributes)
    else:
        raise GaptoothError(
            f"dataset: expected an xarray.Dataset with u and u_t over (trajectory, time, x), or a path, found {type(dataset).__name__}"
        )
    if data.differenced:
        _warnings.warn(
            "the dataset has no u_t: u was differenced in time, to second order, and no law is better than that; "
            "give the simulator's u_t where there is one",
            stacklevel=3,
        )
    return data


def _of_xarray(dataset, attributes) -> _core.Data:
    if "u" not in dataset.data_vars:
        found = list(dataset.data_vars)
        raise GaptoothError(f"the dataset has the variables {found}, expected u, and u_t: dataset.rename({{'name': 'u'}})")
    dims, u = _field(dataset, "u")
    u_t = None
    if "u_t" in dataset.data_vars:
        slope_dims, u_t = _field(dataset, "u_t")
        if slope_dims != dims:
            raise GaptoothError(f"u_t has the dimensions {slope_dims}, expected those of u, {dims}")
    named = [name for name in dims if name != "trajectory" and name in dataset.coords]
    coordinates = [(name, _numbers(dataset[name].values, name).tolist()) for name in named]
    known = {**dataset["u"].attrs, **dataset.attrs, **attributes}
    # other programs' provenance may be a text
    kept = {k: known[k] for k in ("boundary", "domain", "provenance") if k in known and (k != "provenance" or isinstance(known[k], dict))}
    boundaries = kept.get("boundary")
    for k, name in enumerate(d for d in dims if d in SPACE):
        own = boundaries if isinstance(boundaries, str) else boundaries[k] if isinstance(boundaries, (list, tuple)) and k < len(boundaries) else None
        axis = dims.index(name)
        if own == "periodic" and u.shape[axis] > 2 and np.array_equal(u.take(0, axis), u.take(-1, axis)) and np.ptp(u) > 0:
            raise GaptoothError(f"u is the same at the first and the last point along {name}: a periodic grid has that point once, .isel({name}=slice(None, -1))")
    return _core.Data.of(dims, u, u_t, coordinates, _json(kept))


def _field(dataset, name):
    """Dimensions in the engine's order, and the values in theirs."""
    array = dataset[name]
    dims = [d for d in ("trajectory", "time", *SPACE) if d in array.dims]
    space = [d for d in dims if d in SPACE]
    if len(dims) != array.ndim or "time" not in dims or not space or tuple(space) != SPACE[: len(space)]:
        raise GaptoothError(
            f"{name} has the dimensions {array.dims}, expected time, x (y, z) and, for several, trajectory, in any order: "
            "dataset.rename({…})"
        )
    return dims, _numbers(array.transpose(*dims).values, name)


def _numbers(values, name: str) -> np.ndarray:
    """Doubles in C order; not copied if they are."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise GaptoothError(f"{name}: expected an array of numbers, found {type(values).__name__} that is none ({error})") from None
    if array.dtype.kind not in "buif":
        raise GaptoothError(f"{name}: expected an array of numbers, found dtype {array.dtype}; convert it with .astype(float)")
    if array.ndim == 0:
        raise GaptoothError(f"{name}: expected an array over the grid, found the number {array}")
    return np.ascontiguousarray(array, dtype=np.float64)


def _json(attributes: dict) -> str:
    def plain(value):
        try:
            return value.tolist()
        except AttributeError:
            return str(value)

    return json.dumps(attributes, default=plain)


def _named(u) -> xr.DataArray:
    if isinstance(u, xr.DataArray):
        return u
    if "u" not in u.data_vars:
        raise GaptoothError(f"the dataset has the variables {list(u.data_vars)}, expected u")
    return u["u"]


def _times(t) -> list[float]:
    times = _numbers(t, "t")
    if times.ndim != 1 or times.size == 0 or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        shown = np.array2string(times.ravel(), threshold=6).replace("\n", "")
        raise GaptoothError(f"t: expected ascending finite times, the first that of u0, such as np.linspace(0, 1, 11), found {shown}")
    return times.tolist()


def _dataset(data: _core.Data, single: bool = False) -> xr.Dataset:
    """As the engine's datasets are kept in files."""
    found = data.arrays()
    coordinates = dict(found["coordinates"])
    shape = (-1, len(found["times"]), *(len(x) for x in coordinates.values()))
    fields = {name: found[name].reshape(shape) for name in ("u", "u_t")}
    dims = ("trajectory", "time", *coordinates)
    if single:
        dims, fields = dims[1:], {name: values[0] for name, values in fields.items()}
    one = len(coordinates) == 1
    attributes = {name: found[name][0] if one else found[name] for name in ("boundary", "domain")}
    attributes.update(provenance=json.loads(found["provenance"]), gaptooth_version=_core.__version__)
    return xr.Dataset(
        {name: (dims, values) for name, values in fields.items()}, coords={"time": found["times"], **coordinates}, attrs=attributes
    )


def _of_time(function):
    """``function`` as one of (t, u)."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return function
    needed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty]
    return (lambda t, u: function(u)) if len(needed) == 1 else function


def _whole(name: str, value) -> int | None:
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if not 0 <= number < 2**63:
        raise GaptoothError(f"{name} = {value!r}: expected a whole number, not negative")
    return number


def _orders(orders) -> list[list[int]]:
    if orders is None:
        return []
    try:
        sets = [list(s) if np.ndim(s) else s for s in orders]
        sets = [sets] if sets and not any(isinstance(s, list) for s in sets) else sets
        return [[operator.index(k) for k in s] for s in sets]
    except (TypeError, ValueError):
        raise GaptoothError(f"orders = {orders!r}: expected derivative orders such as [2, 4], or sets of them, [[2], [2, 4]]") from None


def _path(path) -> str:
    text = os.fspath(path)
    if not str(text).endswith(".safetensors"):
        raise GaptoothError(f"{text}: expected a name that ends in .safetensors; the card goes beside it as .json")
    return text

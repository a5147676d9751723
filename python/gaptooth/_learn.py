"""Macroscale laws, learned from data."""

from __future__ import annotations

import inspect
import operator
import os
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import xarray as xr

from . import _check, _core
from ._core import GaptoothError
from ._data import Data, engine_data
from ._model import Model, State
from ._progress import Progress, reporting

#: a held-out error above this share is warned about
POOR = 0.5
Closure = Literal["symbolic", "stencil", "functional", "discretized", "derivatives"]


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
    checkpoints: str | os.PathLike | None = None,
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
    checkpoints
        of networks: a directory where the state of the training is kept every two seconds until the law is there; the same call goes on from
        what a stopped one has left there, to the same bits
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
    _check.choice(closure, "closure", get_args(Closure))
    epochs, seed = _check.whole(epochs, "epochs", 1), _check.whole(seed, "seed")
    data = engine_data(dataset, boundary)
    with reporting(progress) as report:
        law, loss, u0, t = _core.learn(
            data, closure, _check.whole_or_none(points, "points"), _orders(orders), _check.whole_or_none(highest, "highest"),
            _check.flag(products, "products"), _check.flag(conserving, "conserving"), epochs, seed, _check.whole_or_none(held_out, "held_out"),
            None if checkpoints is None else _check.path(checkpoints, "checkpoints"), report,
        )
    model = Model(law, loss=np.array(loss), trial=(u0, t))
    error = getattr(model.held_out_error, "relative", 0.0)
    if error > POOR:
        _check.warn(
            f"the law misses trajectories that it has not seen by {100 * error:.0f} %: it is none. Look at the data near the start and at the "
            "ends, and offer other terms"
        )
    return model


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
        checkpoints: str | os.PathLike | None = None,
        progress: Progress = None,
    ):
        self.closure, self.points, self.orders, self.highest = closure, points, orders, highest
        self.products, self.conserving, self.epochs, self.seed = products, conserving, epochs, seed
        self.held_out, self.boundary, self.checkpoints, self.progress = held_out, boundary, checkpoints, progress

    def fit(self, dataset: Data, y: None = None) -> Learner:
        """Learns from a dataset as :func:`learn` takes it; u_t is in it, so ``y`` is not used."""
        self.model_ = learn(dataset, **self.get_params())
        return self

    def predict(self, u: State):
        """u_t of states, in their shape."""
        return self._fitted.predict(u)

    def score(self, dataset: Data, y: None = None) -> float:
        """R² of u_t, as :meth:`Model.score`."""
        return self._fitted.score(dataset, boundary=self.boundary)

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


def _orders(orders) -> list[list[int]]:
    if orders is None:
        return []
    try:
        sets = [list(s) if _check.axes(s) else s for s in orders]
        sets = [sets] if sets and not any(isinstance(s, list) for s in sets) else sets
        found = [[operator.index(k) for k in s] for s in sets]
        if any(not 0 <= k < 100 for s in found for k in s):
            raise ValueError
        return found
    except (TypeError, ValueError, OverflowError):
        raise GaptoothError(f"orders = {_check.shown(orders)}: expected derivative orders such as [2, 4], or sets of them, [[2], [2, 4]]") from None

"""A macroscale law u_t = F(u): used, judged, kept."""

from __future__ import annotations

import html
import inspect
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Union

import numpy as np
import numpy.typing as npt
import xarray as xr

from . import _check, _core
from ._core import GaptoothError
from ._data import Data, data_array, dataset_of, engine_data
from ._progress import Progress, reporting

State = Union[npt.ArrayLike, xr.DataArray, xr.Dataset]
Rule = Callable[..., npt.ArrayLike]


@dataclass(frozen=True)
class HeldOutError:
    """How a law follows trajectories that it was not fitted to.

    Attributes
    ----------
    relative
        root mean square over trajectories and times of ‖u − u_h‖/‖u_h‖, floored at 1e-6 of the initial state
    worst
        the largest of these
    relative_mean_squared
        eq. 24 of Arbabi et al., on all states

    >>> import gaptooth as gt
    >>> gt.HeldOutError(relative=1e-6, worst=3e-6, relative_mean_squared=1e-12).worst
    3e-06
    """

    relative: float
    worst: float
    relative_mean_squared: float


@dataclass(frozen=True)
class Verdict:
    """A law against the truth, by eq. 24 of Arbabi et al., Σ‖v − v_h‖² / Σ‖v_h − mean(v_h)‖²; None where the truth does not vary.

    Attributes
    ----------
    rhs_rmse
        of u_t at the truth's states
    trajectory_rmse
        of trajectories from the truth's initial states
    prediction
        those trajectories

    >>> import gaptooth as gt
    >>> gt.Verdict(rhs_rmse=1.25e-7, trajectory_rmse=None)
    Verdict(rhs_rmse=1.25e-07, trajectory_rmse=None)
    """

    rhs_rmse: float | None
    trajectory_rmse: float | None
    prediction: xr.Dataset | None = field(default=None, repr=False, compare=False)


class Model:
    """A learned law u_t = F(u) on a grid; :func:`learn` and :func:`load` make it.

    Attributes
    ----------
    grid
        coordinates of the grid, ``{"x": …}``
    boundary
        what holds at the ends of each axis
    notes
        what the law is, in steps: terms, candidates and how they did
    held_out_error
        how the law follows the held-out trajectories
    loss
        of networks just trained: mean squared error of each epoch

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
    >>> round(model.score(data), 9)
    1.0
    >>> bool(model.verdict(data).rhs_rmse < 1e-20 and model.verdict(lambda u: -u).trajectory_rmse < 1e-12)
    True
    """

    def __init__(self, law: _core.Law, *, loss: np.ndarray | None = None, trial: tuple[np.ndarray, np.ndarray] | None = None):
        self._law = law
        self.grid: dict[str, np.ndarray] = dict(law.coordinates)
        self.boundary: list[str] = law.boundary
        self._shape = tuple(len(x) for x in self.grid.values())
        self._n = math.prod(self._shape)
        # initial states and times to meet a rule on
        self._trial = None if trial is None else (trial[0].reshape(-1, self._n), trial[1])
        about = json.loads(law.about) or {}
        self.notes: list[str] = about.get("notes", [])
        error = about.get("held_out_error")
        self.held_out_error: HeldOutError | None = HeldOutError(**error) if error else None
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
            named = data_array(u)
            moved = named.transpose(..., *self._axes(named))
            return moved.copy(data=self.rhs(moved.values)).transpose(*named.dims).rename("u_t")
        state = _check.doubles(u, "u")
        if state.shape[-1:] != (self._n,) and state.shape[-len(self._shape):] != self._shape:
            raise GaptoothError(f"u has shape {state.shape}, expected {self._shape}, or flat, with more axes in front for several states")
        return self._law.rhs(state).reshape(state.shape)

    def predict(self, u: State):
        """As :meth:`rhs` of a state."""
        return self.rhs(u)

    def score(self, dataset: Data, *, boundary: str | Sequence[str] | None = None) -> float:
        """R² of u_t, 1 at best: 1 − Σ(u_t − law)²/Σ(u_t − mean)². A law of derivatives is met on another grid, too."""
        return 1.0 - self._law.rhs_error(engine_data(dataset, boundary))

    def integrate(self, u0: State, t: npt.ArrayLike, *, progress: Progress = None) -> xr.Dataset:
        """The trajectory from ``u0`` at ``t[0]``: ``u`` and ``u_t`` over (time, x, …), or (trajectory, time, x, …) of several ``u0``.

        ``u0`` is ``[x, …]``, flat, or has an axis of trajectories in front; of a Dataset with times the first state is taken. The flow of
        linear laws on periodic grids is exact.
        """
        state, single = self._initial(u0)
        with reporting(progress) as report:
            data = self._law.integrate(state, _check.times(t, "t").tolist(), report)
        return dataset_of(data, single)

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
            data = self._met(truth, u0, t, report) if rule else engine_data(truth, boundary)
            rhs_rmse, trajectory_rmse, found = self._law.verdict(data, report)
        return Verdict(rhs_rmse, trajectory_rmse, dataset_of(found))

    def save(self, path: str | os.PathLike) -> None:
        """Writes ``….safetensors``, which PyTorch and NumPy read, and a card for people beside it, ``….json``."""
        self._law.save(_path(path))

    def _met(self, truth, u0, t, report):
        """Trajectories of a model or a function on this grid."""
        if u0 is None and t is None and self._trial is not None:
            u0, t = self._trial
        if u0 is None or t is None:
            raise GaptoothError("a model or a function as the truth needs initial states and times: give u0= and t=")
        state, times = self._initial(u0)[0], _check.times(t, "t").tolist()
        if isinstance(truth, Model):
            return truth._law.like(self._law).integrate(state, times, report)
        return self._law.integrate_function(_of_time(truth), state, times, report)

    def _axes(self, named):
        axes = list(self.grid)
        if not set(axes) <= set(named.dims):
            raise GaptoothError(f"u has the dimensions {named.dims}, expected {tuple(axes)} among them: u.rename({{…}})")
        for name, own in self.grid.items():
            if name not in named.coords:
                continue
            given = _check.doubles(named[name].values, name)
            if given.shape == own.shape and np.abs(given - own).max() > 1e-6 * np.ptp(own):
                raise GaptoothError(
                    f"u lies on another {name}, from {given[0]:g} to {given[-1]:g}: expected that of the law, model.grid[{name!r}], "
                    f"from {own[0]:g} to {own[-1]:g}; u.drop_vars({name!r}) takes the values as they are"
                )
        return axes

    def _initial(self, u0):
        """Initial states, flat, and whether it is one."""
        if isinstance(u0, (xr.DataArray, xr.Dataset)):
            named = data_array(u0)
            named = named.isel(time=0) if "time" in named.dims else named
            u0 = named.transpose(..., *self._axes(named)).values
        state, d = _check.doubles(u0, "u0"), len(self._shape)
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


def _of_time(function):
    """``function`` as one of (t, u)."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError, OverflowError):
        return function
    needed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty]
    return (lambda t, u: function(u)) if len(needed) == 1 else function


def _path(path) -> str:
    try:
        text = os.fsdecode(path)
    except TypeError:
        text = repr(path)
    if not text.endswith(".safetensors"):
        raise GaptoothError(f"{text}: expected a name that ends in .safetensors; the card goes beside it as .json")
    return text

"""Patch dynamics: bursts of any simulator, and steps with the slopes that they show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from . import _check, _core
from ._core import GaptoothError
from ._gap_tooth import _named
from ._patch_grid import BOUNDARIES
from ._progress import Progress, reporting

Burst = Callable[[np.ndarray, float, float], npt.ArrayLike]
METHODS = ("euler", "rk2", "midpoint", "kutta3", "rk4")


class PatchDynamics:
    """Equation-free patch dynamics on a line: lift, run the simulator for a burst, restrict, and step with the slope.

    The simulator is anything that moves profiles forward in time: a PDE, a lattice, random walkers. It never sees the macroscale.

    Parameters
    ----------
    burst
        a function ``(u, t, duration)``: profiles ``[trajectory, n_sub, n_patch]`` at time t to those at t + duration, same shape. It is
        called once for all patches and trajectories.
    domain, intervals, boundary
        the macroscale grid: ``intervals`` equal intervals on (a, b), patches at its points (not at Dirichlet ends)
    tooth, width, spacing
        width of the tooth over which the restriction averages, of the patch with its buffers, and between microscale points
    length, healing
        time over which the slope is taken, and the time before it that the lifted profile is given to heal
    degree, stencil
        of the lifting polynomial, and the points of its differences

    Attributes
    ----------
    points
        points of the macroscale grid
    centres
        centres of the patches
    offsets
        points of a patch, from its centre
    space_fraction
        share of the domain that patches cover

    Examples
    --------
    >>> import numpy as np, gaptooth as gt
    >>> def burst(u, t, duration):                       # u_t = u_xx, exact for parabolas
    ...     return u + duration * np.gradient(np.gradient(u, 1e-3, axis=1), 1e-3, axis=1)
    >>> teeth = gt.PatchDynamics(burst, (0, 1), 10, tooth=0.01, width=0.04, spacing=1e-3, length=1e-7)
    >>> u = teeth.points ** 2
    >>> bool(np.allclose(teeth.slopes(u)[1:-1], 2, atol=1e-3))
    True
    """

    def __init__(
        self,
        burst: Burst,
        domain: Sequence[float],
        intervals: int,
        *,
        tooth: float,
        width: float,
        spacing: float,
        length: float,
        healing: float = 0.0,
        boundary: str = "dirichlet",
        degree: int = 2,
        stencil: int = 3,
    ):
        if not callable(burst):
            raise GaptoothError(f"burst: expected a function (u, t, duration), found {type(burst).__name__}")
        ends = _check.each(domain, 2, "domain")
        self._core = _core.PatchDynamics(
            ends, _check.whole(intervals, "intervals", 1), _check.choice(boundary, "boundary", BOUNDARIES),
            _check.positive(tooth, "tooth"), _check.positive(width, "width"), _check.positive(spacing, "spacing"), burst,
            _check.positive(length, "length"), _check.number(healing, "healing", "a time of 0 or more", least=0.0),
            _check.whole(degree, "degree", 1), _check.whole(stencil, "stencil", 1),
        )
        self.domain, self.boundary, self._burst = tuple(ends), boundary, burst
        self._given = dict(
            domain=tuple(ends), intervals=intervals, tooth=tooth, width=width, spacing=spacing, length=length, healing=healing,
            boundary=boundary, degree=degree, stencil=stencil,
        )
        self.points: np.ndarray = self._core.points()
        self.centres: np.ndarray = self._core.centres()
        self.offsets: np.ndarray = self._core.offsets()
        self.space_fraction: float = self._core.space_fraction

    def __reduce__(self):
        return _dynamics, (self._burst, self._given)

    def __repr__(self) -> str:
        a, b = self.domain
        return (
            f"PatchDynamics({_named(self._burst)} on [{a:g}, {b:g}], {self.boundary}: {len(self.centres)} patches of {len(self.offsets)} points, "
            f"{100 * self.space_fraction:.3g} % of the domain)"
        )

    @property
    def x(self) -> np.ndarray:
        """Positions of the microscale points, ``[n_sub, n_patch]``."""
        return self.offsets[:, None] + self.centres[None, :]

    def lift(self, u: npt.ArrayLike) -> np.ndarray:
        """Macroscale states ``[(trajectory,) points]`` to profiles ``[(trajectory,) n_sub, n_patch]``."""
        state, lead = self._state(u)
        return self._core.lift(state).reshape(lead + (len(self.offsets), len(self.centres)))

    def restrict(self, profiles: npt.ArrayLike) -> np.ndarray:
        """Profiles ``[(trajectory,) n_sub, n_patch]`` to the means over their teeth, ``[(trajectory,) n_patch]``."""
        array = np.ascontiguousarray(_check.numbers(profiles, "profiles"), dtype=np.float64)
        own = (len(self.offsets), len(self.centres))
        if array.shape[-2:] != own or array.ndim > 3:
            raise GaptoothError(f"profiles have shape {array.shape}, expected {own} or with trajectories in front")
        return self._core.restrict(array.ravel()).reshape(array.shape[:-2] + own[1:])

    def slopes(self, u: npt.ArrayLike, t: float = 0.0) -> np.ndarray:
        """dU/dt by one burst from each patch, of the shape of ``u``."""
        state, _ = self._state(u)
        return self._core.slopes(_check.number(t, "t"), state).reshape(np.shape(u))

    def rhs(self, t: float, u: npt.ArrayLike) -> np.ndarray:
        """:meth:`slopes`, as integrators call it."""
        return self.slopes(u, t)

    def simulate(
        self, u0: npt.ArrayLike, times: npt.ArrayLike, *, step: float, method: str = "euler", progress: Progress = None
    ) -> xr.Dataset:
        """Projective integration from ``u0`` at ``times[0]`` by steps of at most ``step``.

        ``method`` is ``euler``, ``rk2``, ``midpoint``, ``kutta3`` or ``rk4``; every stage is a burst. Gives ``u`` and ``u_t`` over
        ((trajectory,) time, x); :func:`gaptooth.learn` takes it as it is.
        """
        state, lead = self._state(u0)
        t, step = _check.times(times, "times"), _check.positive(step, "step")
        _check.choice(method, "method", METHODS)
        with reporting(progress) as report:
            flat = self._core.integrate(state, t.tolist(), step, method, report)
        states = flat.reshape((len(t),) + lead + self.points.shape)
        slopes = np.stack([self.slopes(states[k], float(time)) for k, time in enumerate(t)])
        dims = (("trajectory",) if lead else ()) + ("time", "x")
        order = (lambda a: np.moveaxis(a, 0, 1)) if lead else (lambda a: a)
        attrs: dict[str, Any] = {"boundary": self.boundary, "gaptooth_version": _core.__version__}
        if self.boundary == "periodic":
            attrs["domain"] = list(self.domain)
        return xr.Dataset(
            {"u": (dims, order(states)), "u_t": (dims, order(slopes))}, coords={"time": t, "x": self.points}, attrs=attrs
        )

    def _state(self, u):
        array = _check.numbers(u, "u")
        if not 1 <= array.ndim <= 2 or array.shape[-1] != len(self.points) or array.size == 0:
            n = len(self.points)
            raise GaptoothError(f"u has shape {array.shape}, expected ({n},) or (trajectories, {n})")
        return np.ascontiguousarray(array, dtype=np.float64).ravel(), array.shape[:-1]


def _dynamics(burst, given) -> PatchDynamics:
    return PatchDynamics(burst, **given)

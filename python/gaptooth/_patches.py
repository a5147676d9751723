"""Any simulator on small patches of space: the gap-tooth scheme and patch dynamics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Union

import numpy as np
import numpy.typing as npt
import xarray as xr

from . import _core
from ._core import GaptoothError
from ._progress import Progress, reporting

AXES = ("x", "y", "z")
PerAxis = Union[int, float, Sequence[float]]
Rhs = Callable[[float, np.ndarray], npt.ArrayLike]
Burst = Callable[[np.ndarray, float, float], npt.ArrayLike]


class PatchGrid:
    """Small patches of microscale points, spread evenly over a domain of one to three dimensions.

    Parameters
    ----------
    domain
        ``(a, b)`` for a line, or one such pair for each axis
    n_patch
        patches along each axis, or one number for all
    n_sub
        microscale points of a patch along each axis, its edges included
    spacing, ratio
        the microscale spacing; or the share of the distance between patches that their interiors cover, along each axis
    boundary
        ``"periodic"``, ``"dirichlet"`` or ``"neumann"``, or one for each axis
    n_edge
        edge points on each side, as many as the simulator reads beyond a point; the coupling fills them

    Examples
    --------
    >>> import gaptooth as gt
    >>> grid = gt.PatchGrid((0, 1), n_patch=7, n_sub=5, ratio=0.1)
    >>> grid.x[0].shape, grid.interior_shape
    ((5, 7), (3, 7))
    """

    def __init__(
        self,
        domain: Sequence,
        n_patch: PerAxis,
        n_sub: PerAxis,
        *,
        spacing: PerAxis | None = None,
        ratio: PerAxis | None = None,
        boundary: str | Sequence[str] = "periodic",
        n_edge: int = 1,
    ):
        try:
            ends = np.asarray(domain, dtype=float).reshape(-1, 2)
        except (TypeError, ValueError):
            ends = np.empty((0, 2))
        d = len(ends)
        if not 1 <= d <= 3:
            raise GaptoothError(f"domain = {domain!r}: expected (a, b), or one such pair for each of up to three axes")
        if (spacing is None) == (ratio is None):
            raise GaptoothError("give one of spacing, the microscale points' distance, and ratio, the share that patches cover")
        names = [boundary] * d if isinstance(boundary, str) else list(boundary)
        if len(names) != d:
            raise GaptoothError(f"boundary = {boundary!r}: expected one name, or {d}")
        self._core = _core.PatchGrid(
            ends.tolist(), _each(n_patch, d, "n_patch", whole=True), _each(n_sub, d, "n_sub", whole=True), _one(n_edge, "n_edge"),
            None if spacing is None else _each(spacing, d, "spacing"), None if ratio is None else _each(ratio, d, "ratio"), names,
        )
        #: ends of each axis, ``[d, 2]``
        self.domain = ends
        #: patches along each axis
        self.n_patch: tuple[int, ...] = tuple(self._core.n_patch)
        #: points of a patch along each axis, edges included
        self.n_sub: tuple[int, ...] = tuple(self._core.n_sub)
        #: edge points on each side
        self.n_edge: int = self._core.n_edge
        #: distance of microscale points along each axis
        self.spacing: tuple[float, ...] = tuple(self._core.spacing)
        #: what holds at the ends of each axis
        self.boundary: tuple[str, ...] = tuple(names)
        #: patch centres along each axis
        self.centres: tuple[np.ndarray, ...] = tuple(self._core.centres())
        #: share of the domain that patches cover
        self.space_fraction: float = self._core.space_fraction

    @property
    def dim(self) -> int:
        """Number of axes."""
        return len(self.n_patch)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one field with its edges: ``n_sub + n_patch``."""
        return self.n_sub + self.n_patch

    @property
    def interior_shape(self) -> tuple[int, ...]:
        """Of one field without its edges."""
        return tuple(n - 2 * self.n_edge for n in self.n_sub) + self.n_patch

    @property
    def x(self) -> tuple[np.ndarray, ...]:
        """Positions of the microscale points along each axis, each of :attr:`shape` (edges included)."""
        out = []
        for d, positions in enumerate(self._core.positions()):
            own = positions.reshape(self.n_patch[d], self.n_sub[d]).T
            view = [1] * (2 * self.dim)
            view[d], view[self.dim + d] = own.shape
            out.append(np.broadcast_to(own.reshape(view), self.shape))
        return tuple(out)

    def interior(self, u: np.ndarray) -> np.ndarray:
        """``u`` without its edges; ``u`` ends in :attr:`shape`."""
        inner = tuple(slice(self.n_edge, n - self.n_edge) for n in self.n_sub)
        return u[(..., *inner, *(slice(None),) * self.dim)]

    def __reduce__(self):
        given = dict(n_patch=self.n_patch, n_sub=self.n_sub, spacing=self.spacing, boundary=self.boundary, n_edge=self.n_edge)
        return _grid, (self.domain.tolist(), given)

    def __repr__(self) -> str:
        domain = " × ".join(f"[{a:g}, {b:g}]" for a, b in self.domain)
        patches, points = (" × ".join(map(str, n)) for n in (self.n_patch, self.n_sub))
        return f"PatchGrid({domain}: {patches} patches of {points} points, {100 * self.space_fraction:.3g} % of the domain)"


class GapTooth:
    """A microscale simulator on coupled patches: u_t = f(t, u) everywhere, computed in the patches only.

    Parameters
    ----------
    grid
        where the patches lie
    rhs
        a function ``(t, u)`` that gives du/dt: ``u`` is ``[fields, n_sub…, n_patch…]`` with its edges filled, the result has the same shape
        (edges do not count) or that of the interior. It is called once for all patches; with several trajectories ``u`` has one more
        axis in front, so write ``u[..., 1:-1, :]``. Or a :class:`LatticeDiffusion`, which stays in Rust.
    fields
        values at each point
    coupling
        ``"spectral"``, or the even order of a polynomial through neighbouring patches
    ends
        fixed values at Dirichlet ends, ``(first, last)`` for each axis

    Examples
    --------
    Heterogeneous diffusion; the patches find the homogenized decay.

    >>> import numpy as np, gaptooth as gt
    >>> grid = gt.PatchGrid((0, 1), n_patch=11, n_sub=5, spacing=0.01)
    >>> kappa = np.array([2.0, 0.5, 1.0])[np.arange(4) % 3][:, None]      # between the points
    >>> def rhs(t, u):
    ...     flux = kappa * np.diff(u, axis=-2) / grid.spacing[0]
    ...     return np.diff(flux, axis=-2) / grid.spacing[0]
    >>> teeth = gt.GapTooth(grid, rhs)
    >>> run = teeth.simulate(teeth.sample(lambda x: np.sin(2 * np.pi * x)), times=np.linspace(0, 0.02, 5))
    >>> decay = np.log(np.abs(run.u[0]).max() / np.abs(run.u[-1]).max()) / 0.02
    >>> bool(abs(float(decay) / (4 * np.pi**2 * 6 / 7) - 1) < 0.02)
    True
    """

    def __init__(
        self,
        grid: PatchGrid,
        rhs: Rhs | LatticeDiffusion,
        *,
        fields: int = 1,
        coupling: str | int = "spectral",
        ends: Sequence | None = None,
    ):
        if not isinstance(grid, PatchGrid):
            raise GaptoothError(f"grid: expected a gaptooth.PatchGrid, found {type(grid).__name__}")
        if coupling != "spectral" and (isinstance(coupling, str) or coupling < 2 or coupling % 2):
            raise GaptoothError(f"coupling = {coupling!r}: expected 'spectral', or an even order of 2 or more")
        built_in = isinstance(rhs, LatticeDiffusion)
        if not built_in and not callable(rhs):
            raise GaptoothError(f"rhs: expected a function (t, u) or a gaptooth.LatticeDiffusion, found {type(rhs).__name__}")
        self.grid, self.fields = grid, _one(fields, "fields")
        if built_in and self.fields != 1:
            raise GaptoothError(f"fields = {fields!r}: a LatticeDiffusion has one")
        if ends is not None and all(b == "periodic" for b in grid.boundary):
            raise GaptoothError("ends have no meaning on a periodic domain: leave them out")
        self._given = (grid, rhs, self.fields, coupling, ends)
        values = np.zeros((grid.dim, 2)) if ends is None else np.broadcast_to(np.asarray(ends, dtype=float), (grid.dim, 2))
        self._core = _core.GapTooth(
            grid._core, (rhs.periods, rhs._flat) if built_in else rhs, self.fields, 0 if coupling == "spectral" else int(coupling),
            values.tolist(),
        )

    def __reduce__(self):
        return _teeth, self._given

    def __repr__(self) -> str:
        return f"GapTooth({self.grid}, {_named(self._given[1])}, {self.fields} field{'s' * (self.fields > 1)}, coupling = {self._given[3]})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one state, without edges: ``[fields, interior points…, n_patch…]``."""
        return (self.fields, *self.grid.interior_shape)

    def sample(self, *functions: Callable[..., npt.ArrayLike]) -> np.ndarray:
        """The state of functions of (x, y, …), one for each field."""
        if len(functions) != self.fields:
            raise GaptoothError(f"expected {self.fields} functions of {', '.join(AXES[:self.grid.dim])}, found {len(functions)}")
        x = [self.grid.interior(x) for x in self.grid.x]
        if not all(callable(f) for f in functions):
            raise GaptoothError("expected functions of positions, such as lambda x: 0 * x + 1.0")
        values = [np.asarray(f(*x), dtype=float) for f in functions]
        for value in values:
            if value.ndim and value.shape != self.grid.interior_shape:
                raise GaptoothError(f"a function gave shape {value.shape}, expected that of its arguments, {self.grid.interior_shape}")
        return np.stack([np.broadcast_to(value, self.grid.interior_shape) for value in values])

    def extend(self, u: npt.ArrayLike) -> np.ndarray:
        """``u`` with the edges that the coupling fills: ``[(trajectory,) fields, n_sub…, n_patch…]``."""
        state, trajectories, lead = self._state(u)
        return self._core.extend(state, trajectories).reshape(lead + (self.fields, *self.grid.shape))

    def rhs(self, t: float, u: npt.ArrayLike) -> np.ndarray:
        """du/dt in the interior, of the shape of ``u``; ``scipy.integrate.solve_ivp`` takes it as it is."""
        state, trajectories, _ = self._state(u)
        return self._core.rhs(float(t), state, trajectories).reshape(np.shape(u))

    def simulate(
        self, u0: npt.ArrayLike, times: npt.ArrayLike, *, rtol: float = 1e-6, microscale: bool = False, progress: Progress = None
    ) -> xr.Dataset:
        """Integrates from ``u0`` at ``times[0]``; several initial states (one more axis in front) go in one call of the simulator.

        Returns
        -------
        A dataset with the patch means ``u`` and their time derivative ``u_t``, as the patches give it, over
        (trajectory, time, field, x, …) with axes of length one left out, and with ``microscale=True`` all values as ``micro``
        over (…, sub_x, …, x, …). Of one field on a periodic domain, :func:`gaptooth.learn` takes it as it is.
        """
        state, trajectories, lead = self._state(u0)
        t = _times(times)
        with reporting(progress) as report:
            parts, calls = self._core.integrate(state, trajectories, t.tolist(), float(rtol), report)
        # [time, trajectory, …], whether trajectories went together or one by one
        whole = np.concatenate([part.reshape((len(t), -1, *self.shape)) for part in parts], axis=1)
        whole = np.moveaxis(whole, 0, 1) if lead else whole[:, 0]
        slopes = self._slopes(t, whole, lead)
        return self._dataset(t, whole, slopes, lead, microscale, calls)

    def _slopes(self, t, states, lead):
        out = np.empty_like(states)
        for k, time in enumerate(t):
            at = (slice(None), k) if lead else k
            out[at] = self.rhs(time, states[at])
        return out

    def _dataset(self, t, states, slopes, lead, microscale, calls) -> xr.Dataset:
        grid = self.grid
        points, patches = int(np.prod(grid.interior_shape[: grid.dim])), int(np.prod(grid.n_patch))
        axes = AXES[: grid.dim]
        many = self.fields > 1
        dims = (("trajectory",) if lead else ()) + ("time",) + (("field",) if many else ()) + axes
        coarse_shape = lead + (len(t),) + ((self.fields,) if many else ()) + grid.n_patch

        def means(values):
            flat = np.ascontiguousarray(values).ravel()
            return _core.patch_means(flat, points, patches).reshape(coarse_shape)

        data = {"u": (dims, means(states)), "u_t": (dims, means(slopes))}
        if microscale:
            sub = tuple(f"sub_{a}" for a in axes)
            micro_dims = dims[: -grid.dim] + sub + axes
            data["micro"] = (micro_dims, states if many else states.reshape(coarse_shape[: -grid.dim] + grid.interior_shape))
        coords = {"time": t, **dict(zip(axes, grid.centres))}
        found = xr.Dataset(data, coords=coords, attrs={"gaptooth_version": _core.__version__, "rhs_calls": int(calls)})
        found["u"].attrs["long_name"], found["u_t"].attrs["long_name"] = "patch means", "time derivative of u, as the patches give it"
        if not all(b == "periodic" for b in grid.boundary):
            # patch means lie inside the ends, and a law needs these
            found.attrs["boundary"] = "none: the points are patch centres, without the ends"
        else:
            found.attrs["boundary"] = "periodic"
            ends = [[float(c[0]), float(c[0] + b - a)] for c, (a, b) in zip(grid.centres, grid.domain)]
            found.attrs["domain"] = ends[0] if grid.dim == 1 else ends
        return found

    def _state(self, u):
        """Flat, the number of trajectories if they have an axis, and that axis."""
        array = np.asarray(u)
        if array.dtype.kind not in "buif":
            raise GaptoothError(f"u: expected an array of numbers, found dtype {array.dtype}")
        one = int(np.prod(self.shape))
        if array.shape == self.shape or array.shape == (one,):
            lead = ()
        elif array.ndim == 1 + len(self.shape) and array.shape[1:] == self.shape and array.shape[0] > 0:
            lead = array.shape[:1]
        else:
            raise GaptoothError(
                f"u has shape {array.shape}, expected {self.shape} (fields, interior points…, patches…), the same flat, or with trajectories in front"
            )
        return np.ascontiguousarray(array, dtype=np.float64).ravel(), (lead[0] if lead else None), lead


class LatticeDiffusion:
    """Diffusion on a periodic lattice of bonds, in Rust: (u_t)_i = Σ_d [k_d (u_{i+e_d} − u_i) − …]/spacing_d².

    Parameters
    ----------
    tables
        conductivities of the bonds along each axis, each an array ``[period…]``: entry j lies right of point j

    >>> import gaptooth as gt
    >>> grid = gt.PatchGrid((0, 1), n_patch=11, n_sub=5, spacing=0.01)
    >>> gt.GapTooth(grid, gt.LatticeDiffusion([2.0, 0.5, 1.0])).shape
    (1, 3, 11)
    """

    def __init__(self, *tables: npt.ArrayLike):
        arrays = [np.asarray(table, dtype=float) for table in tables]
        if not arrays or any(a.ndim != len(arrays) or a.shape != arrays[0].shape for a in arrays):
            found = [a.shape for a in arrays]
            raise GaptoothError(f"tables of shapes {found}: expected one table for each axis, all of the same shape")
        if not all(np.isfinite(a).all() and (a >= 0).all() and a.any() for a in arrays):
            raise GaptoothError("tables: expected finite conductivities that are not negative")
        self.periods = list(arrays[0].shape)
        self._flat = [a.ravel().tolist() for a in arrays]

    def __repr__(self) -> str:
        return f"LatticeDiffusion(periods {tuple(self.periods)})"


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
        numbers = {"tooth": tooth, "width": width, "spacing": spacing, "length": length, "healing": healing}
        for name, value in numbers.items():
            numbers[name] = _each(value, 1, name)[0]
        ends = _each(domain, 2, "domain")
        self._core = _core.PatchDynamics(
            ends, _one(intervals, "intervals"), boundary, numbers["tooth"], numbers["width"], numbers["spacing"], burst,
            numbers["length"], numbers["healing"], _one(degree, "degree"), _one(stencil, "stencil"),
        )
        self.domain, self.boundary, self._burst = tuple(ends), boundary, burst
        #: points of the macroscale grid
        self.points: np.ndarray = self._core.points()
        #: centres of the patches
        self.centres: np.ndarray = self._core.centres()
        #: points of a patch, from its centre
        self.offsets: np.ndarray = self._core.offsets()
        #: share of the domain that patches cover
        self.space_fraction: float = self._core.space_fraction

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
        array = np.ascontiguousarray(profiles, dtype=np.float64)
        own = (len(self.offsets), len(self.centres))
        if array.shape[-2:] != own or array.ndim > 3:
            raise GaptoothError(f"profiles have shape {array.shape}, expected {own} or with trajectories in front")
        return self._core.restrict(array.ravel()).reshape(array.shape[:-2] + own[1:])

    def slopes(self, u: npt.ArrayLike, t: float = 0.0) -> np.ndarray:
        """dU/dt by one burst from each patch, of the shape of ``u``."""
        state, _ = self._state(u)
        return self._core.slopes(float(t), state).reshape(np.shape(u))

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
        t = _times(times)
        step = _each(step, 1, "step")[0]
        with reporting(progress) as report:
            flat = self._core.integrate(state, t.tolist(), step, method, report)
        states = flat.reshape((len(t),) + lead + self.points.shape)
        slopes = np.stack([self.slopes(states[k], float(time)) for k, time in enumerate(t)])
        dims = (("trajectory",) if lead else ()) + ("time", "x")
        order = (lambda a: np.moveaxis(a, 0, 1)) if lead else (lambda a: a)
        attrs = {"boundary": self.boundary, "gaptooth_version": _core.__version__}
        if self.boundary == "periodic":
            attrs["domain"] = list(self.domain)
        return xr.Dataset(
            {"u": (dims, order(states)), "u_t": (dims, order(slopes))}, coords={"time": t, "x": self.points}, attrs=attrs
        )

    def _state(self, u):
        array = np.asarray(u)
        if array.dtype.kind not in "buif" or not 1 <= array.ndim <= 2 or array.shape[-1] != len(self.points) or array.size == 0:
            n = len(self.points)
            raise GaptoothError(f"u has shape {array.shape} and dtype {array.dtype}, expected numbers of shape ({n},) or (trajectories, {n})")
        return np.ascontiguousarray(array, dtype=np.float64).ravel(), array.shape[:-1]


def _grid(domain, given) -> PatchGrid:
    return PatchGrid(domain, **given)


def _teeth(grid, rhs, fields, coupling, ends) -> GapTooth:
    return GapTooth(grid, rhs, fields=fields, coupling=coupling, ends=ends)


def _named(function) -> str:
    return getattr(function, "__name__", repr(function))


def _one(value, name: str) -> int:
    number = _each(value, 1, name, whole=True)[0]
    if number < 1:
        raise GaptoothError(f"{name} = {value!r}: expected 1 or more")
    return number


def _each(value, d: int, name: str, whole: bool = False) -> list:
    """A number for each axis."""
    try:
        array = np.asarray(value, dtype=float)
        array = np.full(d, float(array)) if array.ndim == 0 else array
    except (TypeError, ValueError):
        array = np.empty(0)
    fits = array.shape == (d,) and np.isfinite(array).all() and (not whole or ((array == array.round()) & (array >= 0) & (array < 1e7)).all())
    if not fits:
        kind = "whole numbers below 10 000 000" if whole else "finite numbers"
        expected = f"{kind}, one for each of {d} axes" if d > 1 else f"a {kind.replace('numbers', 'number')}"
        raise GaptoothError(f"{name} = {value!r}: expected {expected}")
    return [int(v) if whole else float(v) for v in array]


def _times(times) -> np.ndarray:
    try:
        t = np.asarray(times, dtype=float)
    except (TypeError, ValueError):
        t = np.empty((0, 0))
    if t.ndim != 1 or t.size == 0 or not np.isfinite(t).all() or (np.diff(t) <= 0).any():
        raise GaptoothError(f"times: expected ascending finite times, the first that of u0, found {np.array2string(t, threshold=6)}")
    return t

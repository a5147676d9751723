"""Any simulator on coupled patches: the gap-tooth scheme."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from . import _check, _core
from ._core import GaptoothError
from ._patch_grid import PatchGrid
from ._progress import Progress, reporting

AXES = ("x", "y", "z")
Rhs = Callable[[float, np.ndarray], npt.ArrayLike]


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
        order = 0 if isinstance(coupling, str) and coupling == "spectral" else _even(coupling)
        if not isinstance(rhs, LatticeDiffusion) and not callable(rhs):
            raise GaptoothError(f"rhs: expected a function (t, u) or a gaptooth.LatticeDiffusion, found {type(rhs).__name__}")
        self.grid, self.fields = grid, _check.whole(fields, "fields", 1)
        if isinstance(rhs, LatticeDiffusion) and self.fields != 1:
            raise GaptoothError(f"fields = {_check.shown(fields)}: a LatticeDiffusion has one")
        if ends is not None and "dirichlet" not in grid.boundary:
            raise GaptoothError(f"ends have no meaning on a domain that is {' and '.join(dict.fromkeys(grid.boundary))}: leave them out")
        self._given = (grid, rhs, self.fields, coupling, ends)
        model = (rhs.periods, rhs._flat) if isinstance(rhs, LatticeDiffusion) else rhs
        self._core = _core.GapTooth(grid._core, model, self.fields, order, _ends(ends, grid.dim))

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
        values = [_check.numbers(f(*x), "a function's values").astype(float) for f in functions]
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
        return self._core.rhs(_check.number(t, "t"), state, trajectories).reshape(np.shape(u))

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
        microscale = _check.flag(microscale, "microscale")
        t, rtol = _check.times(times, "times"), _check.number(rtol, "rtol", "a number between 0 and 1, such as 1e-6", above=0.0, below=1.0)
        with reporting(progress) as report:
            parts, calls = self._core.integrate(state, trajectories, t.tolist(), rtol, report)
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
        array = _check.numbers(u, "u")
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
        arrays = [_check.numbers(table, "tables").astype(float) for table in tables]
        if not arrays or any(a.ndim != len(arrays) or a.shape != arrays[0].shape for a in arrays):
            found = [a.shape for a in arrays]
            raise GaptoothError(f"tables of shapes {found}: expected one table for each axis, all of the same shape")
        if not all(np.isfinite(a).all() and (a >= 0).all() and a.any() for a in arrays):
            raise GaptoothError("tables: expected finite conductivities that are not negative")
        self.periods = list(arrays[0].shape)
        self._flat = [a.ravel().tolist() for a in arrays]

    def __repr__(self) -> str:
        return f"LatticeDiffusion(periods {tuple(self.periods)})"


def _teeth(grid, rhs, fields, coupling, ends) -> GapTooth:
    return GapTooth(grid, rhs, fields=fields, coupling=coupling, ends=ends)


def _even(coupling) -> int:
    try:
        order = _check.whole(coupling, "coupling", 2)
    except GaptoothError:
        order = 1
    if order % 2:
        raise GaptoothError(f"coupling = {_check.shown(coupling)}: expected 'spectral', or an even order of 2 or more")
    return order


def _ends(ends, d: int) -> list[list[float]]:
    try:
        values = np.broadcast_to(np.zeros(2) if ends is None else np.asarray(ends, dtype=float), (d, 2))
    except (TypeError, ValueError, OverflowError):
        values = np.full((d, 2), np.nan)
    if not np.isfinite(values).all():
        raise GaptoothError(f"ends = {_check.shown(ends)}: expected two finite values, (first, last)" + (f", or such a pair for each of {d} axes" if d > 1 else ""))
    return values.tolist()


def _named(function) -> str:
    return getattr(function, "__name__", repr(function))

"""Small patches of space, where a simulator runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

import numpy as np

from . import _check, _core
from ._core import GaptoothError

PerAxis = Union[int, float, Sequence[float]]
BOUNDARIES = ("periodic", "dirichlet", "neumann")


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

    Attributes
    ----------
    domain
        ends of each axis, ``[d, 2]``
    n_patch
        patches along each axis
    n_sub
        points of a patch along each axis, edges included
    n_edge
        edge points on each side
    spacing
        distance of microscale points along each axis
    boundary
        what holds at the ends of each axis
    centres
        patch centres along each axis
    space_fraction
        share of the domain that patches cover

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
        except (TypeError, ValueError, OverflowError):
            ends = np.empty((0, 2))
        d = len(ends)
        if not 1 <= d <= 3:
            raise GaptoothError(f"domain = {_check.shown(domain)}: expected (a, b), or one such pair for each of up to three axes")
        if (spacing is None) == (ratio is None):
            raise GaptoothError("give one of spacing, the microscale points' distance, and ratio, the share that patches cover")
        names: list[str] = [*boundary] if _check.axes(boundary) == 1 else [boundary] * d  # type: ignore[list-item]
        if len(names) != d:
            raise GaptoothError(f"boundary = {_check.shown(boundary)}: expected one name, or {d}")
        for name in names:
            _check.choice(name, "boundary", BOUNDARIES)
        self._core = _core.PatchGrid(
            ends.tolist(), _check.each(n_patch, d, "n_patch", whole=True), _check.each(n_sub, d, "n_sub", whole=True), _check.whole(n_edge, "n_edge", 1),
            None if spacing is None else _check.each(spacing, d, "spacing"), None if ratio is None else _check.each(ratio, d, "ratio"), names,
        )
        self.domain = ends
        self.n_patch: tuple[int, ...] = tuple(self._core.n_patch)
        self.n_sub: tuple[int, ...] = tuple(self._core.n_sub)
        self.n_edge: int = self._core.n_edge
        self.spacing: tuple[float, ...] = tuple(self._core.spacing)
        self.boundary: tuple[str, ...] = tuple(names)
        self.centres: tuple[np.ndarray, ...] = tuple(self._core.centres())
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
        inner = [slice(self.n_edge, n - self.n_edge) for n in self.n_sub]
        whole = [slice(None)] * self.dim
        place: tuple = (..., *inner, *whole)
        return u[place]

    def __reduce__(self):
        given = dict(n_patch=self.n_patch, n_sub=self.n_sub, spacing=self.spacing, boundary=self.boundary, n_edge=self.n_edge)
        return _grid, (self.domain.tolist(), given)

    def __repr__(self) -> str:
        domain = " × ".join(f"[{a:g}, {b:g}]" for a, b in self.domain)
        patches, points = (" × ".join(map(str, n)) for n in (self.n_patch, self.n_sub))
        return f"PatchGrid({domain}: {patches} patches of {points} points, {100 * self.space_fraction:.3g} % of the domain)"


def _grid(domain, given) -> PatchGrid:
    return PatchGrid(domain, **given)

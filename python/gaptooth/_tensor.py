"""Effective tensors, and what is known without a geometry."""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np
import xarray as xr


@dataclass(frozen=True, repr=False, eq=False)
class EffectiveTensor:
    """The homogenized coefficient A* of a cell: ⟨flux⟩ = A* ⟨gradient⟩.

    With bounds, ``ξᵀ lower ξ ≤ ξᵀ A* ξ ≤ ξᵀ upper ξ`` for every ξ, for the material as given.

    Attributes
    ----------
    tensor
        A*, ``[d, d]``, symmetric. Of an image it is the two-point value that image tools give, which lies below the truth where voxels have
        corners: the truth of the picture is between the bounds, and :attr:`best` is their middle
    lower
        a tensor that A* is never below, ``[d, d]``, or None without bounds
    upper
        a tensor that A* is never above, ``[d, d]``, or None without bounds
    method
        ``multigrid`` or ``fft`` for images; ``fft``, ``quadrature`` or ``voxels`` for formulas
    details
        how it was found, for people
    iterations
        steps of the solver, or refinements
    residual
        estimated absolute error that the solver left in the entries; what voxels leave open is in the bounds, not in here
    unknowns
        unknowns of the last system
    converged
        whether the residual is within the tolerance
    warnings
        what to be careful about
    percolating
        of images: share of all voxels that belong to what conducts from end to end along each axis, ``[d]``
    mixture
        of images: bounds from the shares alone
    fields
        of images, if asked for: ``corrector_x`` over (x, …) and ``flux_x`` over (x, …, component) for the mean gradient along x, and so on for
        each axis that conducts, at the voxels' centres

    Examples
    --------
    >>> import numpy as np, gaptooth as gt
    >>> cell = gt.effective_tensor(np.array([[1.0, 10.0], [1.0, 10.0]]), bounds=True)
    >>> np.round(cell.midpoint, 6)
    array([[5.5     , 0.      ],
           [0.      , 1.818182]])
    >>> cell.width < 1e-6, round(cell.anisotropy, 3), np.round(cell.tortuosity, 3)
    (True, 3.025, array([1.   , 3.025]))
    """

    tensor: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    method: str
    details: str
    iterations: int
    residual: float
    unknowns: int
    converged: bool
    warnings: list[str]
    percolating: np.ndarray | None = None
    mixture: MixtureBounds | None = None
    fields: xr.Dataset | None = None

    @property
    def midpoint(self) -> np.ndarray | None:
        """The middle of the bounds, ``[d, d]``."""
        return None if self.lower is None else 0.5 * (self.lower + self.upper)

    @property
    def width(self) -> float | None:
        """Largest eigenvalue of ``upper − lower``: how much is left open."""
        return None if self.lower is None else float(np.linalg.eigvalsh(self.upper - self.lower)[-1])

    @property
    def best(self) -> np.ndarray:
        """The middle of the bounds where there are some, else the tensor, ``[d, d]``."""
        return self.tensor if self.midpoint is None else self.midpoint

    @property
    def principal(self) -> np.ndarray:
        """Eigenvalues of :attr:`best`, descending, ``[d]``."""
        return np.linalg.eigvalsh(self.best)[::-1]

    @property
    def anisotropy(self) -> float:
        """Largest over smallest entry of the diagonal of :attr:`best`; infinite where an axis does not conduct."""
        diagonal = np.diag(self.best)
        return float(np.inf if diagonal.min() <= 0 else diagonal.max() / diagonal.min())

    @property
    def tortuosity(self) -> np.ndarray | None:
        """Of images: ⟨a⟩/a* along each axis, ``[d]``, by :attr:`best`; infinite where nothing conducts."""
        if self.mixture is None:
            return None
        diagonal = np.diag(self.best)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(diagonal > 0, self.mixture.voigt / diagonal, np.inf)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.tensor, dtype=dtype)

    def __repr__(self) -> str:
        def matrix(m):
            return np.array2string(m, precision=6, separator=", ", prefix=" " * 16)

        lines = [f"EffectiveTensor({matrix(self.tensor)},"]
        if self.lower is not None:
            lines += [f"    lower     = {matrix(self.lower)},", f"    upper     = {matrix(self.upper)},"]
        lines.append(f"    method    = {self.details}, {self.iterations} iterations,")
        lines.append(f"    residual  = {self.residual:.1e}" + ("" if self.converged else " (not converged)") + ",")
        if self.percolating is not None:
            lines.append(f"    percolating = {matrix(self.percolating)}, tortuosity = {matrix(self.tortuosity)},")
        lines[-1] = lines[-1].rstrip(",") + ")"
        return "\n".join(lines + [f"note: {note}" for note in [*self._notes(), *self.warnings]])

    def _notes(self) -> list[str]:
        if self.mixture is None:
            return []
        if self.lower is None:
            return ["the two-point value of the voxels; bounds=True encloses the truth of the picture"]
        return ["the two-point value of the voxels is not the truth of the picture, which lies between the bounds"]

    def _repr_html_(self) -> str:
        def matrix(m):
            rows = "".join("<tr>" + "".join(f"<td>{v:.6g}</td>" for v in row) + "</tr>" for row in np.atleast_2d(m))
            return f"<table>{rows}</table>"

        cells = [("A*" if self.mixture is None else "A*, two-point value", matrix(self.tensor))]
        if self.lower is not None:
            cells += [("lower", matrix(self.lower)), ("upper", matrix(self.upper))]
        if self.percolating is not None:
            cells += [("percolating", matrix(self.percolating)), ("tortuosity", matrix(self.tortuosity))]
        head = "".join(f"<th style='text-align:center'>{name}</th>" for name, _ in cells)
        body = "".join(f"<td style='vertical-align:top'>{table}</td>" for _, table in cells)
        note = html.escape(f"{self.details}, {self.iterations} iterations, residual {self.residual:.1e}")
        warned = "".join(f"<div>⚠ {html.escape(w)}</div>" for w in [*self._notes(), *self.warnings])
        return f"<table><tr>{head}</tr><tr>{body}</tr></table><div>{note}</div>{warned}"


@dataclass(frozen=True)
class MixtureBounds:
    """What the shares of the conductivities say without any geometry: Reuss ≤ A* ≤ Voigt; Hashin–Shtrikman if isotropic.

    Attributes
    ----------
    voigt
        arithmetic mean ⟨a⟩
    reuss
        harmonic mean 1/⟨1/a⟩; 0 if anything does not conduct
    hashin_shtrikman
        bounds on isotropic mixtures (1962)

    >>> import numpy as np, gaptooth as gt
    >>> gt.mixture_bounds(np.array([[1.0, 10.0], [10.0, 1.0]]))
    MixtureBounds(voigt=5.5, reuss=1.818181818181..., hashin_shtrikman=(2.384615384615..., 4.193548387096...))
    """

    voigt: float
    reuss: float
    hashin_shtrikman: tuple[float, float]

"""Effective tensors of images, formulas and functions."""

from __future__ import annotations

import inspect
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Union

import numpy as np
import numpy.typing as npt
import xarray as xr

from . import _check, _core
from ._core import GaptoothError
from ._progress import Progress, reporting
from ._tensor import EffectiveTensor, MixtureBounds

AXES = ("x", "y", "z")
Material = Union[npt.ArrayLike, str, Sequence[Sequence[str]], Callable[..., npt.ArrayLike]]


def effective_tensor(
    a: Material,
    *,
    mapping: Mapping[float | str, float] | str | None = None,
    voxel_size: float | Sequence[float] | None = None,
    conditions: str = "periodic",
    bounds: bool = False,
    tolerance: float | None = None,
    method: str | None = None,
    dim: int | None = None,
    slow: float | None = None,
    resolution: int | Sequence[int] | None = None,
    fields: bool = False,
    checkpoints: str | os.PathLike | None = None,
    progress: Progress = None,
) -> EffectiveTensor:
    """The effective tensor of a periodic cell, or of a sample between two plates.

    Parameters
    ----------
    a
        - an array ``[x]``, ``[x, y]`` or ``[x, y, z]``: labels of a segmented image (with `mapping`), or conductivities ≥ 0; the axes of
          an ``xarray.DataArray`` are found by their names, its equal steps are the voxel size, and axes that descend are turned;
        - a formula in ``y1``, ``y2``, ``y3`` on the unit cell, such as ``"2 + sin(2*pi*y1)*cos(2*pi*y2)"`` (in one dimension over its own
          period, where it has one);
        - rows of formulas, a symmetric tensor: ``[["2", "0.1*sin(2*pi*y1)"], ["0.1*sin(2*pi*y1)", "1"]]``;
        - a function ``a(y1, …)`` of arrays in [0, 1), smooth and with period 1.
    mapping
        conductivity of each label: ``{0: 1.0, 255: 0.0}``; the key ``"*"`` stands for all others
    voxel_size
        edges of the voxels along x, y, z, or one for all (default 1)
    conditions
        ``"periodic"``, or ``"faces"``: potentials given on the two faces across each axis, no flux through the others
    bounds
        a lower and an upper bound that hold for the material as given
    tolerance
        relative error that the solver may leave (default 1e-10 for arrays, 1e-12 for formulas)
    method
        for arrays ``"multigrid"`` (default) or ``"fft"``; for formulas ``"fft"`` takes their points as they are even where they jump
    dim
        dimensions of a formula or function (default: as many as it has variables)
    slow
        the slow variable x in a formula
    resolution
        points per axis of a formula, instead of refinement
    fields
        of arrays: correctors and fluxes as well
    checkpoints
        of arrays: a directory where what is solved is kept until the answer is there (every ten seconds or more, about 90 bytes a voxel at most); the
        same call goes on from what a stopped one has left there, to the same bits
    progress
        ``False`` for none, or a function ``(stage, done, total, detail)``; by default a tqdm bar where tqdm is installed

    Raises
    ------
    GaptoothError
        with what was found, what was expected and what to try

    Examples
    --------
    Layers of 1 and 10 across the first axis: the harmonic mean across, the arithmetic one along.

    >>> import numpy as np, gaptooth as gt
    >>> image = np.zeros((10, 10), dtype=np.uint8)
    >>> image[3:] = 1
    >>> cell = gt.effective_tensor(image, mapping={0: 1.0, 1: 10.0}, bounds=True)
    >>> np.round(np.diag(cell.tensor), 6)
    array([2.702703, 7.3     ])
    >>> bool(cell.lower[0, 0] <= 1 / 0.37 <= cell.upper[0, 0])
    True
    """
    if isinstance(a, os.PathLike) or (isinstance(a, str) and a.lower().endswith((".npy", ".png", ".tif", ".tiff", ".npz"))):
        raise GaptoothError(f"a = {os.fspath(a)!r} is a file's name: load it first, with numpy.load, tifffile.imread or imageio.imread")
    if np.ma.is_masked(a):
        raise GaptoothError("a is a masked array: say what its masked voxels conduct, such as a.filled(0)")
    if isinstance(a, xr.Dataset):
        raise GaptoothError(f"a is a Dataset of {list(a.data_vars)}: take one of its variables")
    _check.choice(conditions, "conditions", ("periodic", "faces"))
    bounds, fields = _check.flag(bounds, "bounds"), _check.flag(fields, "fields")
    if dim is not None:
        _check.choice(str(dim), "dim", ("1", "2", "3"))
    coordinates = None
    if isinstance(a, xr.DataArray):
        a, voxel_size, coordinates = _of_xarray(a, voxel_size)
    if isinstance(a, str) or callable(a) or _is_rows(a):
        _refuse_given("a formula or function", mapping=mapping, voxel_size=voxel_size, fields=fields or None, checkpoints=checkpoints,
                      conditions=None if conditions == "periodic" else conditions)
        found = _of_formula(a, dim, slow, method, tolerance, resolution, bounds, progress)
    else:
        _refuse_given("an array", slow=slow, resolution=resolution)
        found = _of_image(a, mapping, voxel_size, conditions, dim, method, tolerance, bounds, fields, checkpoints, progress, coordinates)
    for warning in found.warnings:
        _check.warn(warning)
    return found


def _of_xarray(a: xr.DataArray, voxel_size):
    """Its values with axes in the order x, y, z and coordinates that ascend, its steps as voxel sizes unless some are given, its coordinates."""
    axes = [name for name in AXES if name in a.dims]
    if len(axes) != a.ndim:
        raise GaptoothError(f"a has the dimensions {a.dims}, expected x, y, z: a.rename({{…}}), or a.values for axes as they are")
    a = a.transpose(*axes)
    steps: dict[str, float] = {}
    for name in axes:
        if name not in a.coords or a.sizes[name] == 1:
            continue
        positions = _check.numbers(a[name].values, f"the coordinate {name}").astype(float)
        own = np.diff(positions)
        if not np.allclose(own, own[0], rtol=1e-4, atol=0) or own[0] == 0:
            raise GaptoothError(f"the coordinate {name} of a has unequal steps, expected voxels of one size: a.drop_vars({name!r}) and voxel_size=")
        steps[name] = float(abs(own[0]))
        if own[0] < 0:
            a = a.isel({name: slice(None, None, -1)})
    if voxel_size is None and steps:
        unknown = [name for name in axes if name not in steps and a.sizes[name] > 1]
        if unknown:
            raise GaptoothError(f"a has coordinates along {', '.join(steps)} but none along {', '.join(unknown)}: give voxel_size={(1.0,) * len(axes)}")
        # the edge of a single layer is of no consequence
        voxel_size = [steps.get(name, min(steps.values())) for name in axes]
    return a.values, voxel_size, (axes, {name: a.coords[name].values for name in axes if name in a.coords})


def mixture_bounds(conductivity: npt.ArrayLike) -> MixtureBounds:
    """Bounds on A* from the shares of conductivities ``[x]``, ``[x, y]`` or ``[x, y, z]`` alone; the array is not copied.

    >>> import numpy as np, gaptooth as gt
    >>> gt.mixture_bounds(np.array([1.0, 1.0, 10.0, 10.0])).voigt
    5.5
    """
    array = np.ascontiguousarray(_numbers(conductivity, "conductivity"), dtype=np.float64)
    voigt, reuss, low, high = _core.mixture_bounds(array)
    return MixtureBounds(voigt, reuss, (low, high))


def _is_rows(a) -> bool:
    return isinstance(a, (list, tuple)) and len(a) > 0 and all(
        isinstance(row, (list, tuple)) and len(row) > 0 and all(isinstance(entry, (str, int, float)) for entry in row) for row in a
    ) and any(isinstance(entry, str) for row in a for entry in row)


def _refuse_given(what: str, **options) -> None:
    for name, value in options.items():
        if value is not None:
            raise GaptoothError(f"{name} = {_check.shown(value)} has no meaning for {what}: leave it out")


def _numbers(a, name: str) -> np.ndarray:
    array = _check.numbers(a, name)
    if not 1 <= array.ndim <= 3 or array.size == 0:
        raise GaptoothError(f"{name}: expected one to three axes [x, y, z] with voxels, found shape {array.shape}")
    return array


def _image(a) -> np.ndarray:
    """In C order and one of the four types that the engine reads; nothing is copied that has them."""
    array = _numbers(a, "a")
    if array.dtype.kind == "f":
        kind: type = np.float64
    elif array.dtype.kind == "b" or array.dtype == np.uint8:
        kind = np.uint8
    elif array.dtype == np.uint16:
        kind = np.uint16
    else:
        kind = np.int64
    return np.ascontiguousarray(array, dtype=kind)


def _map_text(mapping) -> str | None:
    if mapping is None or isinstance(mapping, str):
        return mapping
    try:
        items = [(k if k == "*" else repr(float(k)), repr(float(v))) for k, v in mapping.items()]
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise GaptoothError(
            f"mapping = {_check.shown(mapping)}: expected conductivities by label, such as {{0: 1.0, 255: 0.0}} or {{0: 1.0, '*': 0.0}}"
        ) from None
    return ",".join(f"{k}={v}" for k, v in items)


def _tolerance(tolerance, default: float) -> float:
    if tolerance is None:
        return default
    return _check.number(tolerance, "tolerance", f"a number between 0 and 1, such as {default:g}", above=0.0, below=1.0)


def _of_image(a, mapping, voxel_size, conditions, dim, method, tolerance, bounds, fields, checkpoints, progress, coordinates) -> EffectiveTensor:
    image = _image(a)
    d = image.ndim
    if dim is not None and dim != d:
        raise GaptoothError(f"dim = {_check.shown(dim)}: the array has {d} axes, shape {image.shape}; leave dim out")
    if image.dtype != np.float64 and mapping is None:
        raise GaptoothError(
            f"an array of {np.asarray(a).dtype} holds labels: give their conductivities, such as mapping={{0: 1.0, 1: 0.0}}, "
            "or pass conductivities as floats"
        )
    sizes = _check.each(1.0 if voxel_size is None else voxel_size, d, "voxel_size")
    if not all(h > 0 for h in sizes):
        raise GaptoothError(f"voxel_size = {_check.shown(voxel_size)}: expected positive numbers")
    _fits(image, fields)
    kept = None if checkpoints is None else _check.path(checkpoints, "checkpoints")
    with reporting(progress) as report:
        found = _core.effective_image(
            image, _map_text(mapping), sizes, conditions == "faces", _tolerance(tolerance, 1e-10), "multigrid" if method is None else _check.choice(method, "method", ("multigrid", "fft")),
            bounds, fields, kept, report,
        )
    shaped = None if found["fields"] is None else _fields(found["fields"], image.shape, sizes, coordinates)
    return _made(
        found["answer"],
        percolating=np.array(found["percolating"]),
        mixture=MixtureBounds(found["voigt"], found["reuss"], tuple(found["hashin_shtrikman"])),
        fields=shaped,
    )


def _fields(responses, shape, sizes, coordinates) -> xr.Dataset:
    axes, known = coordinates or (AXES[: len(shape)], {})
    variables = {}
    for axis, corrector, flux in responses:
        variables[f"corrector_{axes[axis]}"] = (axes, corrector.reshape(shape))
        variables[f"flux_{axes[axis]}"] = ((*axes, "component"), flux.reshape(*shape, len(shape)))
    centres = {name: (np.arange(n) + 0.5) * h for name, n, h in zip(axes, shape, sizes)}
    return xr.Dataset(variables, {**centres, **known, "component": list(axes)})


def _fits(image: np.ndarray, fields: bool) -> None:
    needed = _core.image_memory(image.size, fields)
    try:
        with open("/proc/meminfo") as file:
            there = next(1024 * int(line.split()[1]) for line in file if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return
    if needed > there:
        raise GaptoothError(
            f"{image.size} voxels need {needed / 1e9:.1f} GB of memory, {there / 1e9:.1f} GB are available; take a part of the image"
        )


def _of_formula(a, dim, slow, method, tolerance, resolution, bounds, progress) -> EffectiveTensor:
    if method is not None:
        _check.choice(method, "method", ("fft",))
    rows = a if callable(a) else [[a]] if isinstance(a, str) else [[str(entry) for entry in row] for row in a]
    d = _dimension(a, rows, dim)
    if not callable(a) and (len(rows) > 1 or len(rows[0]) > 1) and any(len(row) != len(rows) or len(rows) != d for row in rows):
        raise GaptoothError(f"{_check.shown(a)}: expected a formula, or a square of them with {d} rows and columns, such as [['2', '0'], ['0', '1']]")
    points = None
    if resolution is not None:
        points = _check.each(resolution, d, "resolution", whole=True)
        if min(points) < 4 or math.prod(points) > 2**20:
            raise GaptoothError(f"resolution = {_check.shown(resolution)}: expected 4 or more points along each axis, and at most {2**20} in all")
    if slow is not None and callable(a):
        raise GaptoothError("slow has no meaning for a function: give it the slow variable yourself, lambda y1: a(0.5, y1)")
    if slow is not None:
        slow = _check.number(slow, "slow", "a finite number, the slow variable x; for several, call for each")
    if slow is None and not callable(a) and any(re.search(r"\bx\b", entry) for row in rows for entry in row):
        raise GaptoothError(f"{_check.shown(a)} depends on the slow variable x: say where, slow=0.5, or write the fast variables as y1, y2, y3")
    with reporting(progress) as report:
        return _made(
            _core.effective_formula(
                rows, d, slow, method, _tolerance(tolerance, 1e-12), points, bounds, report
            )
        )


def _dimension(a, rows, dim) -> int:
    if dim is not None:
        if dim not in (1, 2, 3):
            raise GaptoothError(f"dim = {_check.shown(dim)}: expected 1, 2 or 3")
        if callable(a):
            try:
                inspect.signature(a).bind(*range(dim))
            except TypeError as error:
                raise GaptoothError(f"dim = {dim}: the function does not take {dim} arrays ({error})") from None
            except ValueError:
                pass  # a function that does not tell
        return int(dim)
    if callable(a):
        try:
            parameters = list(inspect.signature(a).parameters.values())
        except (TypeError, ValueError):
            parameters = []
        wanted = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty]
        if not 1 <= len(wanted) <= 3:
            raise GaptoothError("a function a(y1, …) takes one to three arrays: say how many with dim=")
        return len(wanted)
    if len(rows) > 1 or len(rows[0]) > 1:
        return len(rows)
    return max([1] + [int(n) for n in re.findall(r"\by([123])\b", rows[0][0])])


def _made(answer: dict, **beside) -> EffectiveTensor:
    arrays = {k: None if answer[k] is None else np.array(answer[k]) for k in ("tensor", "lower", "upper")}
    return EffectiveTensor(**{**answer, **arrays}, **beside)

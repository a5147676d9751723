"""Datasets of u and u_t, as xarray has them and as the engine takes them."""

from __future__ import annotations

import json
import os
from typing import Union

import numpy as np
import xarray as xr

from . import _check, _core
from ._core import GaptoothError

SPACE = ("x", "y", "z")
Data = Union[xr.Dataset, xr.DataArray, str, os.PathLike]


def engine_data(dataset, boundary=None) -> _core.Data:
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
        _check.warn(
            "the dataset has no u_t: u was differenced in time, to second order, and no law is better than that; "
            "give the simulator's u_t where there is one"
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
    given = [name for name in dims if name != "trajectory" and name in dataset.coords]
    coordinates = [(name, _check.doubles(dataset[name].values, name).tolist()) for name in given]
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
    return dims, _check.doubles(array.transpose(*dims).values, name)


def _json(attributes: dict) -> str:
    def plain(value):
        try:
            return value.tolist()
        except AttributeError:
            return str(value)

    return json.dumps(attributes, default=plain)


def data_array(u) -> xr.DataArray:
    if isinstance(u, xr.DataArray):
        return u
    if "u" not in u.data_vars:
        raise GaptoothError(f"the dataset has the variables {list(u.data_vars)}, expected u")
    return u["u"]


def dataset_of(data: _core.Data, single: bool = False) -> xr.Dataset:
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

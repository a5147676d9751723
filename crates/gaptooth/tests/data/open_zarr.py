"""Opens a zarr group with xarray and says whether it is what a user expects; any warning is a failure.

    python3 open_zarr.py GROUP.zarr NAME=DIM,DIM,… …   such as  u=trajectory,time,x u_t=trajectory,time,x
    python3 open_zarr.py --write GROUP.zarr            writes the small group of tests/data/xarray.zarr
    python3 open_zarr.py --write-zstd GROUP.zarr       the same with xarray's own compression: tests/data/xarray_zstd.zarr

Needs xarray, zarr, numpy. Exit code 0 when all is well; prints one line a variable.
"""

import sys
import warnings


def check(path, expected):
    import numpy
    import xarray

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = xarray.open_zarr(path, consolidated=True, chunks=None).load()
    for name, dims in expected.items():
        variable = dataset[name]
        assert variable.dims == dims, f"{name} has dimensions {variable.dims}, expected {dims}"
        assert variable.dtype == numpy.float64, f"{name} is {variable.dtype}"
        assert numpy.isfinite(variable.values).all(), f"{name} is not finite everywhere"
        for dim in dims:
            assert dim in dataset.coords, f"dimension {dim} of {name} has no coordinate"
            assert (numpy.diff(dataset[dim].values) > 0).all(), f"coordinate {dim} does not ascend"
        print(f"{name}: {dict(variable.sizes)} mean {variable.values.mean():.6e} {dict(variable.attrs)}")
    assert dataset.attrs, "the group has no attributes"


def write(path, gzip):
    import numpy
    import xarray
    import zarr

    u = xarray.DataArray(
        numpy.arange(6.0).reshape(2, 3) / 2,
        dims=("time", "x"),
        coords={"time": numpy.array([0, 1]), "x": [0.0, 0.5, 1.0]},
    )
    dataset = xarray.Dataset({"u": u}, attrs={"source": "xarray"})
    encoding = {name: {"compressors": [zarr.codecs.GzipCodec()]} for name in ("u", "time", "x")} if gzip else {}
    dataset.to_zarr(path, mode="w", zarr_format=3, encoding=encoding)


if __name__ == "__main__":
    if sys.argv[1].startswith("--write"):
        write(sys.argv[2], gzip=sys.argv[1] == "--write")
    else:
        check(sys.argv[1], {name: tuple(dims.split(",")) for name, dims in (a.split("=") for a in sys.argv[2:])})

"""What scripts rely on in a run's directory: usage  check_run.py DIR JSON_ANSWER

Opens every dataset with xarray (warnings are errors), every model with safetensors, and compares the printed
answer with report.json. Exits 1 with the reason at the first thing that does not hold.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import xarray
from safetensors import safe_open

warnings.simplefilter("error")
run, answer = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text())
report = json.loads((run / "report.json").read_text())
passed = 0


def must(condition, message):
    global passed
    if not condition:
        sys.exit(f"check_run: {run}: {message}")
    passed += 1


must(answer["checks"] == report["checks"], "the printed answer and report.json differ")
must(all(c["passed"] for c in report["checks"]), "a check failed")
for key in ("study", "version", "seed", "threads", "wall_seconds", "timings", "files"):
    must(key in answer, f"the answer has no `{key}`")
for file in report["files"]:
    must((run / file).exists(), f"report.json names {file}, which is not there")
for path in sorted((run / "data").glob("*.zarr")):
    data = xarray.open_zarr(path)
    if answer["study"].startswith("nhpinn"):
        # fields of a neural study
        must(len(data.data_vars) > 1, f"{path.name}: no fields")
        for name, field in data.data_vars.items():
            must(all(d in data.coords for d in field.dims), f"{path.name}: {name} over {field.dims}")
            must(bool(np.isfinite(field).all()), f"{path.name}: {name} not finite")
        continue
    axes = tuple(name for name in ("x", "y", "z") if name in data.coords)
    must(data.u.dims == ("trajectory", "time", *axes) and axes, f"{path.name}: u has dimensions {data.u.dims}")
    must(data.u_t.shape == data.u.shape, f"{path.name}: u_t has shape {data.u_t.shape}, u {data.u.shape}")
    must(bool(np.isfinite(data.u).all() and np.isfinite(data.u_t).all()), f"{path.name}: not finite")
    for name in ("time", *axes):
        must(bool((np.diff(data[name]) > 0).all()), f"{path.name}: coordinate {name}")
for path in sorted((run / "models").glob("*.safetensors")):
    with safe_open(path, "numpy") as model:
        must(all(np.isfinite(model.get_tensor(k)).all() for k in model.keys()), f"{path.name}: not finite")
    must(path.with_suffix(".json").exists(), f"{path.name}: no card")
print(f"{passed} passed, 0 failed")

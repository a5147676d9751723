"""Runs under mpirun write what one process writes, to the last bit; a process that is killed ends the run, which then resumes.

    check_mpi.py GAPTOOTH        a binary built with the feature mpi
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

GAPTOOTH = pathlib.Path(sys.argv[1]).resolve()
MPIRUN = ["mpirun", "-n", "2", "--oversubscribe", *(["--allow-run-as-root"] if os.getuid() == 0 else [])]
SHORT = ["trajectories.end=0.05", "truth.intervals=400", "laws.*.epochs=2"]
PLANE = ["trajectories.train=20", "trajectories.test=5", "laws.*.epochs=2", "laws.*.batch=1024"]
SLOW = "problem.diffusivity=(1 + x)*(1.1 + sin(2*pi*x/eps))"
GENERAL = ["patches.0.burst.path=general", "trajectories.end=0.04"]


def written(folder):
    """Every file, but for what clocks say."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "report.html"):
        content = path.read_bytes()
        if path.name == "report.json":
            report = json.loads(content)
            for key in ("threads", "wall_seconds"):
                report.pop(key)
            for timing in report["timings"]:
                timing.pop("seconds")
            for table in report["tables"]:
                clocks = [k for k, name in enumerate(table["columns"]) if name in ("seconds", "fit, s")]
                table["rows"] = [[cell for k, cell in enumerate(row) if k not in clocks] for row in table["rows"]]
            content = report
        found[str(path.relative_to(folder))] = content
    return found


def command(kind, study, settings, out, *more):
    return [str(GAPTOOTH), kind, study, "--out", str(out), *more, *(part for one in settings for part in ("--set", one))]


def same(kind, study, settings, place, *more):
    for name, launcher in (("one", []), ("two", MPIRUN)):
        done = subprocess.run([*launcher, *command(kind, study, settings, place / name, *more)], capture_output=True, text=True)
        # so short a run does not keep every bound
        assert done.returncode in (0, 1), done.stderr
    one, two = written(place / "one"), written(place / "two")
    differing = [file for file in {*one, *two} if one.get(file) != two.get(file)]
    assert one and not differing, f"{study}: {differing}"
    print(f"{kind} {study}: {len(one)} files of two processes have the bits of one")


def killed(place):
    arguments = command("simulate", "arbabi-1d", GENERAL, place / "killed")
    run = subprocess.Popen([*MPIRUN, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    checkpoint = place / "killed" / "checkpoints" / "patches-paper.checkpoint"
    while not checkpoint.exists() and run.poll() is None:
        time.sleep(0.01)
    children = subprocess.run(["pgrep", "-f", f"^{' '.join(arguments)}"], capture_output=True, text=True).stdout.split()
    assert len(children) == 2, f"two processes expected: {children}"
    os.kill(int(children[1]), signal.SIGKILL)
    said = run.communicate(timeout=60)[1]
    assert run.returncode != 0 and "signal 9" in said, said
    subprocess.run([*MPIRUN, *arguments, "--resume"], check=True, capture_output=True)
    subprocess.run(command("simulate", "arbabi-1d", GENERAL, place / "whole"), check=True, capture_output=True)
    assert written(place / "killed") == written(place / "whole"), "the resumed run has other files"
    print("a run that lost a process ended with a message, and resumed to the same bits")


for kind, study, settings, *more in (
    ("run", "arbabi-1d", SHORT),
    ("run", "arbabi-2d", PLANE),
    ("simulate", "arbabi-1d", [*GENERAL, "trajectories.end=0.02"]),
    ("simulate", "arbabi-1d", [*GENERAL, "trajectories.end=0.004", "problem.reaction=u - u^3", "patches.0.spacing=1e-6"]),
    ("simulate", "arbabi-1d", [*GENERAL, "trajectories.end=0.005", "patches.0.spacing=1e-6", SLOW]),
    ("sweep", "arbabi-1d", SHORT, "--vary", "patches.0.step=1e-3,5e-4", "--vary", "seed=1,2"),
):
    with tempfile.TemporaryDirectory() as place:
        same(kind, study, settings, pathlib.Path(place), *more)
with tempfile.TemporaryDirectory() as place:
    image = pathlib.Path(place) / "noise.npy"
    np.save(image, np.random.default_rng(3).integers(0, 2, (12, 12, 12)).astype(np.uint8))
    same("sweep", str(image), [], pathlib.Path(place), "--bounds", "--map", "0=1,1=0.1", "--map", "0=1,1=0.01", "--map", "0=0,1=1")
with tempfile.TemporaryDirectory() as place:
    killed(pathlib.Path(place))

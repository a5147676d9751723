"""Studies: listed, run, stopped and gone on with; the same directory and the same bits as the command line."""

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import gaptooth as gt

# a study of well under a second: ε = 1e-3, nine patches, a small network and a linear law
TINY = """
study = "tiny"
title = "A tiny study"
seed = 3

[problem]
domain = [0.0, 1.0]
epsilon = 1e-3
diffusivity = "1.1 + sin(2*pi*x/eps)"
known_effective = "sqrt(0.21)"

[trajectories]
train = 2
test = 1
end = 0.02
every = 2e-3

[truth]
intervals = 100
tolerance = 1e-7

[[patches]]
name = "coarse"
intervals = 10
tooth = 1e-2
width = 2e-2
spacing = 5e-5
lifting = { degree = 2, points = 3 }
burst = { length = 1e-5 }
method = "euler"
step = 1e-3

[[laws]]
name = "net"
patches = "coarse"
kind = "functional_net"
hidden = [8, 8]
epochs = 3
batch = 16
learning_rate = 1e-3

[[laws]]
name = "best"
patches = "coarse"
kind = "derivatives"
candidates = [[2], [1, 2]]
points = 3
validation = 1

[checks]
a_star_abs_error = { at_most = 1e-10 }
"""

# a built-in study in a second
QUICK = {
    "laws.*.epochs": 2,
    "trajectories.train": 3,
    "trajectories.test": np.int64(1),
    "trajectories.end": 0.02,
    "resolved.points_per_period": 10,
    "resolved.time": np.float64(0.01),
    "truth.intervals": 400,
}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    return "tiny.toml"


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    heard = []
    out = tmp_path_factory.mktemp("runs") / "quick"
    run = gt.run("diffusion-1d", set=QUICK, seed=7, out=out, progress=lambda *news: heard.append(news))
    return run, heard


def values(run):
    return {check.name: check.value for check in run.checks}


def test_studies_are_listed():
    studies = gt.studies()
    names = [study.name for study in studies]
    assert names[:3] == ["diffusion-1d", "arbabi-1d", "arbabi-2d"] and len(set(names)) == len(studies) >= 9
    assert "resolved-1d: The fully resolved problem, once" in repr(studies).splitlines()
    assert studies._repr_html_().count("<tr>") == 1 + len(studies)
    assert studies["arbabi-2d"] is studies[2] and 'study = "arbabi-2d"' in studies[2].text
    with pytest.raises(gt.GaptoothError, match="no study called 'arbabi'"):
        studies["arbabi"]


def test_a_run_is_what_its_report_says(quick):
    run, heard = quick
    report = json.loads((run.directory / "report.json").read_text(encoding="utf-8"))
    assert run.report == report and report["study"] == "diffusion-1d" and report["seed"] == 7
    assert [check.name for check in run.checks] == [one["name"] for one in report["checks"]]
    for check, one in zip(run.checks, report["checks"]):
        assert (check.bound, check.paper, check.passed, check.unit) == (one["bound"], one["paper"], one["passed"], one["unit"])
        assert check.value == one["value"] or (one["value"] is None and math.isnan(check.value))
    a_star = run.check("a_star_abs_error")
    assert a_star.passed and a_star.value <= a_star.bound and a_star.side == "≤"
    assert run.check("work_ratio_vs_resolved").side == "≥"
    assert run.passed == all(one["passed"] for one in report["checks"])
    assert heard and all(len(news) == 4 for news in heard)
    with pytest.raises(gt.GaptoothError, match="'a' is no check of this run, expected one of a_star"):
        run.check("a")


def test_what_a_run_leaves(quick):
    run, _ = quick
    assert {"fine", "paper"} <= set(run.datasets)
    data = run.dataset("fine")
    assert data.u.dims == ("trajectory", "time", "x") and data.sizes["trajectory"] == 4 and np.isfinite(data.u_t).all()
    assert {"best", "functional_paper"} <= set(run.models)
    assert all(path.is_file() and path.with_suffix(".json").is_file() for path in run.models.values())
    assert run.figures and run.page.is_file()
    for path in run.figures:
        assert ElementTree.parse(path).getroot().tag.endswith("svg") and path.with_suffix(".png").is_file()
    assert "epochs = 2" in (run.directory / "run.toml").read_text(encoding="utf-8")
    with pytest.raises(gt.GaptoothError, match="'coarse' is no dataset of this run, expected one of"):
        run.dataset("coarse")


def test_a_run_shows_itself(quick):
    run, _ = quick
    lines = repr(run).splitlines()
    assert lines[0].startswith("Run(diffusion-1d in ") and len(lines) == 3 + len(run.checks)
    assert any(line.split()[:1] == ["a_star_abs_error"] and line.endswith("ok") for line in lines)
    assert lines[-1].endswith("seed 7)")
    page = run._repr_html_()
    assert page.count("<tr>") == 1 + len(run.checks) and page.count("data:image/svg+xml;base64,") == len(run.figures)
    again = gt.Run(str(run.directory))
    assert again.report == run.report and again._repr_html_() == page


def test_run_toml_repeats_a_run(quick, tmp_path):
    run, _ = quick
    again = gt.run(run.directory / "run.toml", out=tmp_path / "again", progress=False)
    assert values(again) == pytest.approx(values(run), rel=0, abs=0, nan_ok=True)


def test_settings_reach_everything(tiny):
    run = gt.run(tiny, set={"problem.diffusivity": 2, "problem.known_effective": "2", "laws.best.candidates": [[2]], "title": "Named"},
                 seed=np.int64(9), progress=False)
    assert run.directory.as_posix() == "runs/tiny" and run.report["seed"] == 9
    assert run.check("a_star").value == pytest.approx(2) and "Named" in run.page.read_text(encoding="utf-8")
    tight = gt.run(tiny, set={"checks": {"best_rhs_rmse": {"at_most": 1e-30}}}, progress=False)
    failed = tight.check("best_rhs_rmse")
    assert not tight.passed and not failed.passed and failed.side == "≤" and "FAILED: best_rhs_rmse" in repr(tight)


@pytest.mark.skipif("GAPTOOTH" not in os.environ, reason="GAPTOOTH names the command line's program")
def test_the_same_bits_as_the_command_line(tiny):
    command = [os.environ["GAPTOOTH"], "run", tiny, "--out", "theirs", "--json", "--set", "laws.*.epochs=5"]
    theirs = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    ours = gt.run(tiny, set={"laws.*.epochs": 5}, out="ours", progress=False)
    assert ours.report["checks"] == theirs["checks"] and ours.report["files"] == theirs["files"]
    for file in ["run.toml", *(f"models/{name}.{kind}" for name in ours.models for kind in ("safetensors", "json"))]:
        assert (ours.directory / file).read_bytes() == (gt.Run("theirs").directory / file).read_bytes(), file


WRONG = {
    "a study that is not there": (lambda: gt.run("difusion-1d"), "no study called `difusion-1d`.*did you mean `diffusion-1d`"),
    "a file that is not there": (lambda: gt.run("nowhere.toml"), "cannot read nowhere.toml"),
    "a study that is none": (lambda: gt.run(3), "study = 3: expected a name or a path"),
    "an unknown key": (lambda: gt.run("tiny.toml", set={"laws.best.pints": 3}), "laws.best.pints: unknown field `pints`.*`points`"),
    "an element that is not there": (
        lambda: gt.run("tiny.toml", set={"laws.bset.points": 3}), r'set\["laws.bset.points"\] = 3: .*it has: net, best'),
    "no element at all": (lambda: gt.run("tiny.toml", set={"laws.*.epoch": 3}), "no element with `epoch`"),
    "a key below a number": (lambda: gt.run("tiny.toml", set={"seed.low": 3}), "`seed` is integer"),
    "an empty part": (lambda: gt.run("tiny.toml", set={"laws..points": 3}), "the path has an empty part"),
    "a value of the wrong kind": (lambda: gt.run("tiny.toml", set={"laws.*.epochs": "many"}), "laws.*epochs.*many.*usize"),
    "a value that is none": (lambda: gt.run("tiny.toml", set={"seed": None}), r'set\["seed"\] = None: expected a number'),
    "a value out of range": (lambda: gt.run("tiny.toml", set={"problem.epsilon": -1e-3}), "problem.epsilon"),
    "a NaN": (lambda: gt.run("tiny.toml", set={"problem.epsilon": math.nan}), "problem.epsilon.*NaN"),
    "a formula that does not read": (lambda: gt.run("tiny.toml", set={"problem.diffusivity": "2 + sin("}), "cannot read the expression"),
    "settings that are none": (lambda: gt.run("tiny.toml", set=["seed=3"]), "expected new values by dotted path"),
    "a negative seed": (lambda: gt.run("tiny.toml", seed=-1), "seed = -1: expected a whole number"),
    "half a seed": (lambda: gt.run("tiny.toml", seed=0.5), "seed = 0.5: expected a whole number"),
    "a directory that is a file": (lambda: gt.run("tiny.toml", out="tiny.toml"), "tiny.toml.*out="),
    "a file among the results": (lambda: gt.run("tiny.toml", out="taken"), "taken/data is a file.*out="),
    "no run there": (lambda: gt.Run("taken"), "taken: expected the directory of a finished run"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_says_what_to_try(tiny, tmp_path, name):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "data").write_text("")
    call, words = WRONG[name]
    with pytest.raises(gt.GaptoothError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
    there = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert there == ["taken", "taken/data", "tiny.toml"], "something was written"


def test_a_fault_in_a_file_has_its_line(tiny, tmp_path):
    text = TINY.replace("tolerance = 1e-7", "tolerence = 1e-7")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    line = 1 + text.splitlines().index("tolerence = 1e-7")
    with pytest.raises(gt.GaptoothError, match=f"mine.toml, line {line}: truth.tolerence: unknown field"):
        gt.run("mine.toml")


def test_what_a_progress_function_raises_stops_a_run(tiny):
    def stop(*_):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        gt.run(tiny, set={"laws.net.epochs": 20_000}, progress=stop)


def test_ctrl_c_leaves_a_run_that_goes_on(tiny, tmp_path):
    script = textwrap.dedent("""
        import signal
        import gaptooth as gt
        signal.signal(signal.SIGINT, signal.default_int_handler)     # a shell's background jobs ignore it
        def tell(stage, *_):
            print(stage, flush=True)
        try:
            gt.run("tiny.toml", set={"laws.net.epochs": 20_000}, out="out", progress=tell)
        except KeyboardInterrupt:
            print("stopped", flush=True)
    """)
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    heard = ""
    for heard in child.stdout:
        if heard == "training net\n":
            break
    child.send_signal(signal.SIGINT)
    rest, _ = child.communicate(timeout=60)
    assert child.returncode == 0 and rest.splitlines()[-1:] == ["stopped"], (heard, rest)
    out = tmp_path / "out"
    left = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert left == ["checkpoints/law-net.checkpoint"], "the state of the training, and nothing half written"
    with pytest.raises(gt.GaptoothError, match="resume=True"):
        gt.Run(out)

    epochs = {"laws.net.epochs": 20_000}
    resumed = gt.run(tiny, set=epochs, out=out, resume=True, progress=False)
    whole = gt.run(tiny, set=epochs, out="whole", progress=False)
    assert values(resumed) == values(whole)
    assert resumed.models["net"].read_bytes() == whole.models["net"].read_bytes()
    assert not (out / "checkpoints").exists(), "a finished run has nothing to resume"

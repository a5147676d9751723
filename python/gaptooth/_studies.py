"""Studies: a problem, a method and checks; listed, run, and what a run leaves."""

from __future__ import annotations

import base64
import html
import importlib.util
import json
import math
import operator
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union

import xarray as xr

from . import _check, _core
from ._core import GaptoothError
from ._progress import Progress, reporting


@dataclass(frozen=True)
class Study:
    """A built-in study.

    Attributes
    ----------
    name
        what to run it by
    description
        what it is, in a line
    text
        its TOML, a start for one of your own

    >>> import gaptooth as gt
    >>> gt.studies()["diffusion-1d"].text.splitlines()[1]
    'study = "diffusion-1d"'
    """

    name: str
    description: str
    text: str = field(repr=False)


class Studies(tuple):
    """The built-in studies, in order; by number, or by name.

    >>> import gaptooth as gt
    >>> gt.studies()["resolved-1d"].name
    'resolved-1d'
    """

    def __getitem__(self, key):
        if not isinstance(key, str):
            return super().__getitem__(key)
        for study in self:
            if study.name == key:
                return study
        raise GaptoothError(f"there is no study called {_check.shown(key)}; the built-in ones are: {', '.join(s.name for s in self)}")

    def __repr__(self) -> str:
        return "\n".join(f"{study.name}: {study.description}" for study in self)

    def _repr_html_(self) -> str:
        return _table(["study", ""], [[study.name, study.description] for study in self])


def studies() -> Studies:
    """The built-in studies.

    >>> import gaptooth as gt
    >>> [study.name for study in gt.studies()][:3]
    ['diffusion-1d', 'arbabi-1d', 'arbabi-2d']
    >>> gt.studies()["resolved-1d"].description
    'The fully resolved problem, once'
    """
    return Studies(Study(*one) for one in _core.studies())


@dataclass(frozen=True)
class Check:
    """One named figure, with the bound that it must keep.

    Attributes
    ----------
    name
        stable, explained in the documentation
    value
        what was measured; NaN where nothing was
    bound
        the bound, where there is one
    paper
        the published figure, where there is one
    passed
        whether the bound was kept; true without one
    unit
        unit, ``"1"`` for none

    >>> import gaptooth as gt
    >>> gt.Check("error", value=1e-7, bound=1e-6, paper=None, passed=True, unit="1").side
    '≤'
    """

    name: str
    value: float
    bound: float | None
    paper: float | None
    passed: bool
    unit: str

    @property
    def side(self) -> str:
        """``"≤"`` or ``"≥"``: on which side of the bound the value must lie; empty where that cannot be told."""
        if self.bound is None or math.isnan(self.value):
            return ""
        return "≤" if (self.value <= self.bound) == self.passed else "≥"

    def _row(self) -> list[str]:
        unit = "" if self.unit in ("", "1") else f" {self.unit}"
        bound = "" if self.bound is None else f"{self.side} {self.bound:.4g}".strip()
        paper = "" if self.paper is None else f"{self.paper:.4g}"
        return [self.name, f"{self.value:.4g}{unit}", bound, paper, "ok" if self.passed else "FAILED"]


class Run:
    """What a run left in its directory; also of one that the command line made: ``gt.Run("runs/diffusion-1d")``.

    Attributes
    ----------
    directory
        where everything lies
    report
        ``report.json``: study, version, seed, checks, timings, notes, files …
    checks
        the verdict

    Examples
    --------
    >>> import gaptooth as gt
    >>> gt.Run("nowhere")
    Traceback (most recent call last):
        ...
    gaptooth.GaptoothError: nowhere: expected the directory of a finished run ...
    """

    def __init__(self, directory: str | os.PathLike):
        self.directory: Path = Path(_check.path(directory, "directory"))
        try:
            text = (self.directory / "report.json").read_text(encoding="utf-8")
            self.report: dict[str, Any] = json.loads(text)
            self.checks: list[Check] = [_named_check(**one) for one in self.report["checks"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise GaptoothError(
                f"{self.directory}: expected the directory of a finished run ({error}); gt.run(…, resume=True) finishes one that was stopped"
            ) from None

    @property
    def passed(self) -> bool:
        """Whether every check did."""
        return all(check.passed for check in self.checks)

    def check(self, name: str) -> Check:
        """The check of that name."""
        return _one("check", name, {check.name: check for check in self.checks})

    @property
    def datasets(self) -> list[str]:
        """Names that :meth:`dataset` takes."""
        return list(self._files("data", ".zarr"))

    def dataset(self, name: str) -> xr.Dataset:
        """Trajectories ``u`` and ``u_t`` over (trajectory, time, x …), or solutions and correctors of a neural study; read when used."""
        path = _one("dataset", name, self._files("data", ".zarr"))
        if importlib.util.find_spec("zarr") is None:
            raise GaptoothError(f"{path} is read by zarr, which is not installed: pip install 'gaptooth[files]'")
        return xr.open_zarr(path)

    @property
    def models(self) -> dict[str, Path]:
        """Learned laws and networks: their safetensors files by name; each has a card beside it, ``….json``."""
        return self._files("models", ".safetensors")

    @property
    def figures(self) -> list[Path]:
        """The figures, SVG; each has a PNG beside it."""
        return list(self._files("figures", ".svg").values())

    @property
    def page(self) -> Path:
        """The whole report as one HTML file."""
        return self.directory / "report.html"

    def _files(self, folder: str, ending: str) -> dict[str, Path]:
        inside = [Path(file) for file in self.report["files"] if file.startswith(f"{folder}/") and file.endswith(ending)]
        return {path.name.removesuffix(ending): self.directory / path for path in inside}

    def _verdict(self) -> str:
        failed = [check.name for check in self.checks if not check.passed]
        verdict = f"FAILED: {', '.join(failed)}" if failed else f"all {len(self.checks)} checks passed"
        return f"{verdict}; {self.report['wall_seconds']:.1f} s, seed {self.report['seed']}"

    def __repr__(self) -> str:
        rows = [_HEADINGS] + [check._row() for check in self.checks]
        widths = [max(len(row[k]) for row in rows) for k in range(len(_HEADINGS))]
        lines = ["  ".join(c.rjust(w) if k else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths))).rstrip() for row in rows]
        return "\n    ".join([f"Run({self.report['study']} in {self.directory},", *lines, self._verdict()]) + ")"

    def _repr_html_(self) -> str:
        # pictures of their own: names inside the figures of two runs would meet on one page
        figures = "".join(
            f"<img alt='{html.escape(path.stem)}' style='max-width:100%' src='data:image/svg+xml;base64,"
            f"{base64.b64encode(path.read_bytes()).decode()}'>"
            for path in self.figures
            if path.exists()
        )
        about = html.escape(f"{self._verdict()}; {self.page}")
        title = html.escape(self.report.get("title") or self.report["study"])
        return f"<b>{title}</b>{_table(_HEADINGS, [check._row() for check in self.checks])}<div>{about}</div>{figures}"


def run(
    study: str | os.PathLike | Study,
    *,
    set: Mapping[str, Any] | None = None,
    seed: int | None = None,
    out: str | os.PathLike | None = None,
    resume: bool = False,
    progress: Progress = None,
) -> Run:
    """Runs a study, as ``gaptooth run`` does, and writes the same directory.

    Ctrl-C stops it; what was finished is kept in the directory, and the same call with ``resume=True`` goes on from there.

    Parameters
    ----------
    study
        a built-in study or its name, see :func:`studies`; or the path of a TOML file
    set
        new values by dotted path: ``{"problem.epsilon": 1e-3, "laws.best.points": 7, "laws.*.epochs": 8}``; elements of lists go by name
        or number, ``*`` is every element that has the key
    seed
        of everything random, in place of the study's
    out
        the directory (default ``runs/NAME``)
    resume
        go on from where a run of the same study into the same directory was stopped
    progress
        ``False`` for none, or a function ``(stage, done, total, detail)``; by default a tqdm bar where tqdm is installed

    Raises
    ------
    GaptoothError
        with what was found, what was expected and what to try; a check that does not pass is no error: see :attr:`Run.passed`

    Examples
    --------
    >>> import tempfile, gaptooth as gt
    >>> quick = {"laws.*.epochs": 2, "trajectories.end": 0.02, "truth.intervals": 400, "resolved.points_per_period": 10}
    >>> with tempfile.TemporaryDirectory() as out:
    ...     run = gt.run("diffusion-1d", set=quick, out=out, progress=False)
    >>> run.check("a_star_abs_error").passed
    True
    """
    name = study.name if isinstance(study, Study) else _check.path(study, "study")
    where = None if out is None else _check.path(out, "out")
    settings, number = _settings(set), _seed(seed)
    with reporting(progress) as report:
        return Run(_core.run_study(name, settings, number, where, _check.flag(resume, "resume"), report))


_HEADINGS = ["check", "value", "bound", "paper", ""]
PathLike = Union[str, os.PathLike]


def _named_check(value=None, **rest) -> Check:
    # JSON has no NaN
    return Check(value=math.nan if value is None else value, **rest)


def _one(what: str, name: str, there: Mapping[str, Any]):
    if name not in there:
        raise GaptoothError(f"{name!r} is no {what} of this run, expected one of {', '.join(there) or 'none: it has no such'}")
    return there[name]


def _seed(seed) -> int | None:
    try:
        number = 0 if seed is None else operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**63:
        raise GaptoothError(f"seed = {_check.shown(seed)}: expected a whole number, not negative")
    return None if seed is None else number


def _settings(settings) -> list[tuple[str, Any]]:
    if settings is None:
        return []
    if not isinstance(settings, Mapping):
        raise GaptoothError(f"set = {_check.shown(settings)}: expected new values by dotted path, such as {{'laws.*.epochs': 8}}")
    # arrays and NumPy's numbers as Python's
    return [(str(path), value.tolist() if hasattr(value, "tolist") else value) for path, value in settings.items()]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    left = "style='text-align:left'"
    head = "".join(f"<th {left}>{html.escape(text)}</th>" for text in headings)
    body = "".join("<tr>" + "".join(f"<td {left}>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"

"""Checks of what people pass: each gives the value as the engine takes it, or says what was expected."""

from __future__ import annotations

import operator
import os
import sys
import warnings
from collections.abc import Iterable
from types import FrameType

import numpy as np

from ._core import GaptoothError


def warn(message: str) -> None:
    """At the first line outside this package."""
    level = 1
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] == "gaptooth":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def shown(value) -> str:
    """What somebody passed, on one line and not too long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"something of type {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:97]}..."


def axes(value) -> int:
    """How many axes an array has; -1 for what cannot be one."""
    try:
        return np.ndim(value)
    except Exception:
        return -1


def flag(value, name: str) -> bool:
    """Yes or no."""
    try:
        found = -1 if axes(value) else operator.index(value) if not isinstance(value, np.bool_) else int(value)
    except TypeError:
        found = -1
    if found not in (0, 1):
        raise GaptoothError(f"{name} = {shown(value)}: expected True or False")
    return bool(found)


def path(value, name: str) -> str:
    """A file's or folder's name."""
    try:
        found = os.fsdecode(value)
    except TypeError:
        found = ""
    if not found:
        raise GaptoothError(f"{name} = {shown(value)}: expected a name or a path")
    return found


def numbers(values, name: str) -> np.ndarray:
    """An array of real numbers, not copied."""
    if np.ma.is_masked(values):
        raise GaptoothError(f"{name} is a masked array: say what its masked entries are, such as {name}.filled(0)")
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise GaptoothError(f"{name}: expected an array of numbers, found {type(values).__name__} that is none ({error})") from None
    if array.dtype.kind not in "buif":
        raise GaptoothError(f"{name}: expected an array of numbers, found dtype {array.dtype}; convert it with .astype(float)")
    return array


def doubles(values, name: str) -> np.ndarray:
    """Doubles in C order over at least one axis; not copied if they are."""
    array = numbers(values, name)
    if array.ndim == 0:
        raise GaptoothError(f"{name}: expected an array over the grid, found the number {array}")
    return np.ascontiguousarray(array, dtype=np.float64)


def number(value, name: str, expected: str = "a finite number", above: float = -np.inf, least: float = -np.inf, below: float = np.inf) -> float:
    """A finite number within limits."""
    try:
        found = float(value) if axes(value) == 0 and not isinstance(value, (str, bytes)) else np.nan
    except (TypeError, ValueError, OverflowError):
        found = np.nan
    if not (np.isfinite(found) and above < found < below and found >= least):
        raise GaptoothError(f"{name} = {shown(value)}: expected {expected}")
    return found


def positive(value, name: str) -> float:
    return number(value, name, "a positive number", above=0.0)


def whole(value, name: str, least: int = 0) -> int:
    """A whole number from ``least``."""
    try:
        found = operator.index(value) if not isinstance(value, bool) else -1
    except TypeError:
        found = -1
    if not least <= found < 2**63:
        raise GaptoothError(f"{name} = {shown(value)}: expected a whole number, {least} or more")
    return found


def whole_or_none(value, name: str) -> int | None:
    return None if value is None else whole(value, name)


def choice(value, name: str, options: Iterable[str]) -> str:
    """One of some names."""
    names = list(options)
    if not isinstance(value, str) or value not in names:
        raise GaptoothError(f"{name} = {shown(value)}: expected {' or '.join(map(repr, names)) if len(names) < 3 else ', '.join(map(repr, names))}")
    return value


def each(value, d: int, name: str, whole: bool = False) -> list:
    """A number for each of ``d`` axes, of one for all or of so many."""
    try:
        array = np.asarray(value, dtype=float)
        array = np.full(d, float(array)) if array.ndim == 0 else array
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    fits = array.shape == (d,) and np.isfinite(array).all() and (not whole or ((array == array.round()) & (array >= 0) & (array < 1e7)).all())
    if not fits:
        kind = "whole numbers below 10 000 000" if whole else "finite numbers"
        expected = f"{kind}, one for each of {d} axes" if d > 1 else f"a {kind.replace('numbers', 'number')}"
        raise GaptoothError(f"{name} = {shown(value)}: expected {expected}")
    return [int(v) if whole else float(v) for v in array]


def times(values, name: str) -> np.ndarray:
    """Ascending, finite, at least one."""
    try:
        t = np.asarray(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        t = np.empty((0, 0))
    if t.ndim != 1 or t.size == 0 or not np.isfinite(t).all() or (np.diff(t) <= 0).any():
        shown = np.array2string(t.ravel(), threshold=6).replace("\n", "") if t.size else repr(values)
        raise GaptoothError(f"{name}: expected ascending finite times, the first that of u0, such as np.linspace(0, 1, 11), found {shown}")
    return t

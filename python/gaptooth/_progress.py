"""Progress of long calls: tqdm's bar where tqdm is installed, or a function of the user's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Union

Progress = Union[bool, Callable[[str, int, int, str], None], None]


class _Bar:
    """One tqdm bar at a time, a new one for each stage."""

    def __init__(self, tqdm):
        self._tqdm, self._bar, self._stage = tqdm, None, None

    def __call__(self, stage, done, total, detail):
        if stage != self._stage:
            self.close()
            self._stage, self._bar = stage, self._tqdm(total=total, desc=stage, leave=False)
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        self._bar.set_postfix_str(detail, refresh=False)

    def close(self):
        if self._bar is not None:
            self._bar.close()


class reporting:
    """``with reporting(progress) as report``: what to hand to the engine, or None."""

    def __init__(self, progress: Progress):
        self._report = progress if callable(progress) else None
        self._bar = None
        if progress is True or progress is None:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self._bar = self._report = _Bar(tqdm)

    def __enter__(self):
        return self._report

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

"""Progress of long calls: tqdm's bar where tqdm is installed, or a function of the user's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Union

Progress = Union[bool, Callable[[str, int, int, str], None], None]


class _Bar:
    """One tqdm bar for a whole call, seen after two seconds; its words are those of the stage that spoke last."""

    def __init__(self, tqdm):
        self._bar, self._stage = tqdm(total=1, leave=False, delay=2), None

    def __call__(self, stage, done, total, detail):
        if stage != self._stage:
            self._stage = stage
            self._bar.set_description(stage, refresh=False)
        self._bar.total = total
        self._bar.set_postfix_str(detail, refresh=False)
        # only this waits for the delay
        self._bar.update(min(done, total) - self._bar.n)

    def close(self):
        self._bar.close()


class reporting:
    """``with reporting(progress) as report``: what to hand to the engine, or None."""

    def __init__(self, progress: Progress):
        self._report = progress if callable(progress) else None
        self._bar = None
        if progress is True or progress is None:
            try:
                with warnings.catch_warnings():
                    # a notebook without widgets gets the bar in text, without being told to update
                    warnings.simplefilter("ignore")
                    from tqdm.auto import tqdm
            except ImportError:
                return
            self._bar = self._report = _Bar(tqdm)

    def __enter__(self):
        return self._report

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

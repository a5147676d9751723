"""From a microscale model that nobody can afford to resolve to the macroscopic law that people need.

The numerics are Rust; this package converts arrays, calls, and maps errors to :class:`GaptoothError`.

>>> import gaptooth as gt
>>> cell = gt.effective_tensor("2 + sin(2*pi*y1)*cos(2*pi*y2)")
>>> round(float(cell.tensor[0, 0]), 12)
1.935359234812
"""

import os as _os

from . import _core
from ._core import GaptoothError, __version__
from ._effective import effective_tensor, mixture_bounds
from ._gap_tooth import GapTooth, LatticeDiffusion
from ._learn import Learner, learn
from ._model import HeldOutError, Model, Verdict, load
from ._patch_dynamics import PatchDynamics
from ._patch_grid import PatchGrid
from ._studies import Check, Run, Studies, Study, run, studies
from ._tensor import EffectiveTensor, MixtureBounds

__all__ = [
    "Check",
    "EffectiveTensor",
    "GapTooth",
    "GaptoothError",
    "HeldOutError",
    "LatticeDiffusion",
    "Learner",
    "MixtureBounds",
    "Model",
    "PatchDynamics",
    "PatchGrid",
    "Run",
    "Studies",
    "Study",
    "Verdict",
    "__version__",
    "effective_tensor",
    "learn",
    "load",
    "mixture_bounds",
    "run",
    "studies",
]

if hasattr(_os, "register_at_fork"):
    # a forked child does not have the engine's threads, and says so instead of waiting for them
    _os.register_at_fork(after_in_child=_core.forked)
